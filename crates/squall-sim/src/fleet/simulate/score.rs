//! The counters of a simulation.

use std::ops::AddAssign;

/// The number of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Calls {
    /// To the group, to change it: set, launch, terminate, protect.
    pub group_writes: u64,
    /// To the group, to read it.
    pub group_reads: u64,
    /// To the ledger, reads and writes, including those of the runners.
    pub ledger: u64,
    /// To the metrics, reads and writes.
    pub metrics: u64,
}

impl AddAssign for Calls {
    fn add_assign(&mut self, other: Self) {
        self.group_writes += other.group_writes;
        self.group_reads += other.group_reads;
        self.ledger += other.ledger;
        self.metrics += other.metrics;
    }
}

/// The group at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sample {
    /// Time, microseconds since the first run was submitted.
    pub at_us: u64,
    /// Booting and serving instances.
    pub capacity: u32,
    /// Queued and running runs.
    pub demand: u32,
}

/// The result of a policy on a trace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Score {
    /// Total queueing time of each finished run, microseconds; in the order of the runs.
    pub waits_us: Vec<u64>,
    /// From launch to the termination request, summed over all instances, microseconds.
    pub instance_us: u64,
    /// Instances that were launched.
    pub n_launched: u32,
    /// Work of finished runs, microseconds.
    pub work_us: u64,
    /// Work that died with its instance and was repeated, microseconds.
    pub rework_us: u64,
    /// Instances that were terminated with a run on them, or with one that had just been admitted.
    pub busy_killed: u32,
    /// Instances that the group terminated while they were booting.
    pub booting_killed: u32,
    /// Times that a write meant to enlarge the group set fewer instances than wanted; and times that fewer than wanted
    /// were desired with no event in flight. Both within the bounds.
    pub lost_updates: u32,
    /// Runs that were refused their instance.
    pub refused: u32,
    /// Events and ticks that failed and were retried.
    pub failed: u32,
    /// Calls.
    pub calls: Calls,
    /// From the end of the last run until no instance was live, microseconds; `None` if some were to the end.
    pub to_zero_us: Option<u64>,
    /// Runs that were unfinished when the simulation ended.
    pub unfinished: u32,
    /// The group over time, if requested.
    pub samples: Vec<Sample>,
}
