//! What a worker's processes use, as Linux tells in `/proc`; elsewhere nothing is known, and no limit holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// What the processes of a worker use together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    /// Resident memory, bytes; what several share counts for each.
    pub(crate) bytes: u64,
    /// How many there are.
    pub(crate) n_processes: u64,
}

struct Stat {
    parent: i32,
    group: i32,
    pages: u64,
}

/// What a process group, its descendants, and all other processes with this text in their environment use.
pub(crate) fn of_group(group: Pid, token: &str) -> Usage {
    let (members, stats) = members(group, token);
    let pages = members.iter().filter_map(|pid| stats.get(pid)).map(|stat| stat.pages).sum::<u64>();
    Usage {
        bytes: pages.saturating_mul(rustix::param::page_size() as u64),
        n_processes: members.len() as u64,
    }
}

/// The memory of the same, bytes; what several share counts once.
pub(crate) fn shared_bytes(group: Pid, token: &str) -> u64 {
    let kilobytes = |pid: &i32| -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.split_whitespace().next()?.parse().ok()
    };
    members(group, token).0.iter().filter_map(kilobytes).sum::<u64>().saturating_mul(1 << 10)
}

fn members(group: Pid, token: &str) -> (BTreeSet<i32>, BTreeMap<i32, Stat>) {
    let mut stats = BTreeMap::new();
    for pid in pids() {
        if let Some(stat) = stat(pid) {
            stats.insert(pid, stat);
        }
    }
    let group = group.as_raw_nonzero().get();
    let mut members: BTreeSet<i32> = stats
        .iter()
        .filter(|(pid, stat)| **pid == group || stat.group == group)
        .map(|(pid, _)| *pid)
        .collect();
    // One may have left the group and its parents, but not its environment.
    members.extend(with(token).map(|pid| pid.as_raw_nonzero().get()).filter(|pid| stats.contains_key(pid)));
    // A child of a member may have left the group.
    loop {
        let more: Vec<i32> = stats
            .iter()
            .filter(|(pid, stat)| members.contains(&stat.parent) && !members.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            break;
        }
        members.extend(more);
    }
    (members, stats)
}

/// Resident memory of one process, bytes.
pub(crate) fn of_process(pid: Pid) -> u64 {
    let pages = stat(pid.as_raw_nonzero().get()).map_or(0, |stat| stat.pages);
    pages.saturating_mul(rustix::param::page_size() as u64)
}

/// Kills every process whose environment has this text, until there is none: also those that have left their group and session.
pub(crate) fn kill_all_with(token: &str) {
    const MAX_ROUNDS: usize = 20;
    for _ in 0..MAX_ROUNDS {
        // One that ended meanwhile needs no signal.
        let n_killed = with(token).filter(|pid| kill_process(*pid, Signal::KILL).is_ok()).count();
        if n_killed == 0 {
            return;
        }
        crate::time::pause(std::time::Duration::from_millis(2));
    }
}

/// How many processes have this text in their environment.
pub(crate) fn count_with(token: &str) -> usize {
    with(token).count()
}

fn with(token: &str) -> impl Iterator<Item = Pid> {
    pids()
        .filter(move |pid| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.windows(token.len()).any(|window| window == token.as_bytes())
        })
        .filter_map(Pid::from_raw)
}

fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program, in brackets, may have spaces and brackets.
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    // A process that has ended and waits for its parent is none.
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    let number = |idx: usize| fields.get(idx)?.parse::<i64>().ok();
    Some(Stat {
        parent: i32::try_from(number(1)?).ok()?,
        group: i32::try_from(number(2)?).ok()?,
        pages: u64::try_from(number(21)?).ok()?,
    })
}
