//! What is counted.

use std::ops::AddAssign;

/// Calls that were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Calls {
    /// Of the group, to change it: set, launch, terminate, protect.
    pub group_writes: u64,
    /// Of the group, to read it.
    pub group_reads: u64,
    /// Of the ledger, reads and writes, those of the runners included.
    pub ledger: u64,
    /// Of the metrics, reads and writes.
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
    /// When, microseconds since the first run was submitted.
    pub at_us: u64,
    /// Booting and serving instances.
    pub capacity: u32,
    /// Queued and running runs.
    pub demand: u32,
}

/// How a policy did on a trace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Score {
    /// How long each run that ended was queued, in all, microseconds; in the order of the runs.
    pub waits_us: Vec<u64>,
    /// From launch to the order to go, all instances together, microseconds.
    pub instance_us: u64,
    /// Instances that were launched.
    pub n_launched: u32,
    /// Work that was done once and for all, microseconds.
    pub work_us: u64,
    /// Work that died with its instance and was done again, microseconds.
    pub rework_us: u64,
    /// Instances that were ended with a run on them, or with one that had just been let on.
    pub busy_killed: u32,
    /// Instances that the group ended while they booted.
    pub booting_killed: u32,
    /// Times that the group was told to have fewer than were wanted, because of a write that was to make it larger; and
    /// times that it was told to have fewer when no event was under way any more. Both within the bounds.
    pub lost_updates: u32,
    /// Runs that were refused the instance that they were to start on.
    pub refused: u32,
    /// Events and ticks that failed and came again.
    pub failed: u32,
    /// Calls.
    pub calls: Calls,
    /// From the end of the last run until no instance lived, microseconds; `None` when some did to the end.
    pub to_zero_us: Option<u64>,
    /// Runs that had not ended when the simulation did.
    pub unfinished: u32,
    /// The group over time, when that was wanted.
    pub samples: Vec<Sample>,
}
