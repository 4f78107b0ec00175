//! Sets of tasks, for people.

use std::fmt;

use roaring::RoaringBitmap;

/// A set of missing tasks, for people: `12 tasks are missing: 3, 17-26, 40`.
#[derive(Debug, Clone)]
pub struct Missing(pub RoaringBitmap);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST_RANGES: usize = 20;
        let n_missing = self.0.len();
        match n_missing {
            0 => return f.write_str("no task is missing"),
            1 => f.write_str("1 task is missing: ")?,
            _ => write!(f, "{n_missing} tasks are missing: ")?,
        }
        let ranges = ranges(&self.0);
        for (i, (first, last)) in ranges.iter().take(MOST_RANGES).enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            if first == last {
                write!(f, "{separator}{first}")?;
            } else {
                write!(f, "{separator}{first}-{last}")?;
            }
        }
        if ranges.len() > MOST_RANGES { f.write_str(", …") } else { Ok(()) }
    }
}

fn ranges(set: &RoaringBitmap) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for task in set {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(task) => *last = task,
            _ => ranges.push((task, task)),
        }
    }
    ranges
}
