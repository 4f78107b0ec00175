//! The work done for an answer, and the breakdown of the wait. Both add up in any order.

use serde::{Deserialize, Serialize};

/// Counted resources; `Prices::cost_of` turns them into money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Receipt {
    /// Tasks whose results are counted here.
    pub tasks: u64,
    /// Subtasks evaluated, each once.
    pub subtasks: u64,
    /// Worker invocations that were accepted, including duplicates and failures.
    pub invocations: u64,
    /// Invocations refused for throttling.
    pub throttles: u64,
    /// Attempts after a failure.
    pub retries: u64,
    /// Second copies started because the first was slow.
    pub hedges: u64,
    /// Worker time, microseconds.
    pub worker_us: u64,
    /// Of that, time whose answer was not needed, microseconds.
    pub duplicate_us: u64,
    /// Worker memory × time, MB-microseconds: what Lambda bills.
    pub worker_mb_us: u64,
    /// Consumer memory × time, MB-microseconds.
    pub consumer_mb_us: u64,
    /// Stream PUT payload units, of tasks and results.
    pub put_units: u64,
    /// Store write units.
    pub store_writes: u64,
}

impl Receipt {
    /// Adds another receipt's counts.
    pub fn add(&mut self, other: &Self) {
        self.tasks = self.tasks.saturating_add(other.tasks);
        self.subtasks = self.subtasks.saturating_add(other.subtasks);
        self.invocations = self.invocations.saturating_add(other.invocations);
        self.throttles = self.throttles.saturating_add(other.throttles);
        self.retries = self.retries.saturating_add(other.retries);
        self.hedges = self.hedges.saturating_add(other.hedges);
        self.worker_us = self.worker_us.saturating_add(other.worker_us);
        self.duplicate_us = self.duplicate_us.saturating_add(other.duplicate_us);
        self.worker_mb_us = self.worker_mb_us.saturating_add(other.worker_mb_us);
        self.consumer_mb_us = self.consumer_mb_us.saturating_add(other.consumer_mb_us);
        self.put_units = self.put_units.saturating_add(other.put_units);
        self.store_writes = self.store_writes.saturating_add(other.store_writes);
    }
}

/// When one task passed each stage; microseconds of the grid's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TaskTimes {
    /// The splitter put it on the stream.
    pub put_us: u64,
    /// A consumer read it.
    pub read_us: u64,
    /// Its first subtask was invoked.
    pub invoked_us: u64,
    /// Its last reply was in.
    pub answered_us: u64,
}

/// One stage of many tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stage {
    /// Number of tasks that passed.
    pub n_tasks: u64,
    /// Their times added up, microseconds.
    pub sum_us: u64,
    /// The longest, microseconds.
    pub max_us: u64,
}

impl Stage {
    fn record(&mut self, from_us: u64, to_us: u64) {
        let took_us = to_us.saturating_sub(from_us);
        self.n_tasks += 1;
        self.sum_us = self.sum_us.saturating_add(took_us);
        self.max_us = self.max_us.max(took_us);
    }

    fn add(&mut self, other: &Self) {
        self.n_tasks += other.n_tasks;
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
        self.max_us = self.max_us.max(other.max_us);
    }
}

/// The stages of a job's tasks: the breakdown of the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timeline {
    /// On the stream, waiting for its lane.
    pub queued: Stage,
    /// Read, input loaded and divided, until the first subtask was invoked.
    pub divided: Stage,
    /// In the cascade, until the last reply.
    pub cascaded: Stage,
    /// On the result stream, until merged.
    pub collected: Stage,
    /// When the first result was merged, microseconds of the grid's clock; 0 before.
    pub first_merged_us: u64,
}

impl Timeline {
    /// Counts one task that was merged at `merged_us`.
    pub fn record(&mut self, times: &TaskTimes, merged_us: u64) {
        self.queued.record(times.put_us, times.read_us);
        self.divided.record(times.read_us, times.invoked_us);
        self.cascaded.record(times.invoked_us, times.answered_us);
        self.collected.record(times.answered_us, merged_us);
        self.first_merged_us = earlier(self.first_merged_us, merged_us);
    }

    /// Adds another timeline's tasks.
    pub fn add(&mut self, other: &Self) {
        self.queued.add(&other.queued);
        self.divided.add(&other.divided);
        self.cascaded.add(&other.cascaded);
        self.collected.add(&other.collected);
        self.first_merged_us = earlier(self.first_merged_us, other.first_merged_us);
    }
}

/// The earlier of two times, where 0 means not yet.
pub(crate) fn earlier(one_us: u64, other_us: u64) -> u64 {
    match (one_us, other_us) {
        (0, known) | (known, 0) => known,
        (one, other) => one.min(other),
    }
}

#[cfg(test)]
mod tests;
