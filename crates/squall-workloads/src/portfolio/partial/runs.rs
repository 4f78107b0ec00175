//! Sums of consecutive columns, kept as maximal runs.

use serde::{Deserialize, Deserializer, Serialize};

/// A number that can be summed exactly, in any order.
pub(super) trait Sum: Copy + Default {
    /// The sum, wrapping around at the type's end.
    fn plus(self, other: Self) -> Self;
}

impl Sum for u64 {
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
}

impl Sum for i128 {
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
}

/// Sums by column. Runs are in order, not empty, and do not touch each other: the same content has one form only.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(super) struct Runs<T>(Vec<Run<T>>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Run<T> {
    start: u32,
    values: Vec<T>,
}

impl<T> Run<T> {
    fn start(&self) -> usize {
        self.start as usize
    }

    /// The first column after the run.
    fn end(&self) -> usize {
        self.start().saturating_add(self.values.len())
    }
}

impl<T> Runs<T> {
    /// The first column, and the one after the last; none if there are none.
    pub(super) fn ends(&self) -> Option<(usize, usize)> {
        Some((self.0.first()?.start(), self.0.last()?.end()))
    }
}

impl<T: Sum> Runs<T> {
    /// One run; none if there are no values.
    pub(super) fn of(start: u32, values: Vec<T>) -> Self {
        if values.is_empty() { Self(Vec::new()) } else { Self(vec![Run { start, values }]) }
    }

    /// Adds the other's sums, column by column.
    pub(super) fn merge(&mut self, other: Self) {
        if self.0.is_empty() {
            *self = other;
            return;
        }
        let mut left = Vec::new();
        for run in other.0 {
            match self.covering(&run) {
                Some(idx) => {
                    let offset = run.start() - self.0[idx].start();
                    add(&mut self.0[idx].values[offset..], &run.values);
                }
                None => left.push(run),
            }
        }
        if !left.is_empty() {
            self.interleave(left);
        }
    }

    /// Adds the sums of `sums.len()` columns from `first_column` on to `sums`.
    pub(super) fn add_to(&self, first_column: usize, sums: &mut [T]) {
        let end = first_column.saturating_add(sums.len());
        let first = self.0.partition_point(|run| run.end() <= first_column);
        for run in self.0[first..].iter().take_while(|run| run.start() < end) {
            let from = first_column.max(run.start());
            add(&mut sums[from - first_column..], &run.values[from - run.start()..]);
        }
    }

    /// The sums of `n_columns` columns from `first_column` on, 0 where there is none.
    pub(super) fn dense(&self, first_column: usize, n_columns: usize) -> Vec<T> {
        let mut sums = vec![T::default(); n_columns];
        self.add_to(first_column, &mut sums);
        sums
    }

    /// The run that has every column of `other`.
    fn covering(&self, other: &Run<T>) -> Option<usize> {
        let idx = self.0.partition_point(|run| run.end() < other.end());
        self.0.get(idx).filter(|run| run.start() <= other.start()).map(|_| idx)
    }

    /// Merges runs that are in order, joining what overlaps or touches.
    fn interleave(&mut self, other: Vec<Run<T>>) {
        let mut ours = std::mem::take(&mut self.0).into_iter().peekable();
        let mut theirs = other.into_iter().peekable();
        loop {
            let ours_first = match (ours.peek(), theirs.peek()) {
                (Some(our), Some(their)) => our.start <= their.start,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            let next = if ours_first { ours.next() } else { theirs.next() };
            if let Some(next) = next {
                self.append(next);
            }
        }
    }

    /// Adds a run that starts no earlier than the last one does.
    fn append(&mut self, run: Run<T>) {
        match self.0.last_mut() {
            Some(last) if run.start() <= last.end() => {
                let offset = run.start() - last.start();
                let n_shared = (last.values.len() - offset).min(run.values.len());
                add(&mut last.values[offset..], &run.values[..n_shared]);
                last.values.extend_from_slice(&run.values[n_shared..]);
            }
            _ => self.0.push(run),
        }
    }

    fn is_canonical(&self) -> bool {
        let fits = |run: &Run<T>| !run.values.is_empty() && u32::try_from(run.end()).is_ok();
        self.0.iter().all(fits) && self.0.windows(2).all(|pair| pair[0].end() < pair[1].start())
    }
}

fn add<T: Sum>(sums: &mut [T], values: &[T]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum = sum.plus(*value);
    }
}

impl<'de, T: Sum + Deserialize<'de>> Deserialize<'de> for Runs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let runs = Runs(Vec::<Run<T>>::deserialize(deserializer)?);
        if runs.is_canonical() {
            Ok(runs)
        } else {
            Err(serde::de::Error::custom("runs of columns out of order"))
        }
    }
}
