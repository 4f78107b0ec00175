//! The work done for an answer, and the breakdown of the wait. Both add up in any order.

use serde::{Deserialize, Serialize};

/// Counted resources; `Prices::cost_of` turns them into money.
///
/// Stored as a list of numbers in the order of the fields, so that a receipt of an earlier version is one with fewer numbers. A new
/// field comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<u64>", into = "Vec<u64>")]
pub struct Receipt {
    /// Tasks whose results are counted here.
    pub tasks: u64,
    /// Subtasks evaluated, each once.
    pub subtasks: u64,
    /// Worker invocations that were accepted, including duplicates and failures.
    pub invocations: u64,
    /// Invocations refused for throttling: Lambda does not bill them.
    pub throttles: u64,
    /// Attempts after a failure.
    pub retries: u64,
    /// Second copies started because the first was slow.
    pub hedges: u64,
    /// Time of all accepted invocations of workers, microseconds: by the consumer's clock, each rounded up to a millisecond as Lambda
    /// does. Where workers are threads of the consumer's process, the time that they worked.
    pub worker_us: u64,
    /// Of that, time whose answer was not needed, microseconds.
    pub duplicate_us: u64,
    /// Worker memory × time, MB-microseconds: what Lambda bills.
    pub worker_mb_us: u64,
    /// Consumer memory × time, MB-microseconds.
    pub consumer_mb_us: u64,
    /// Stream PUT payload units, of tasks and results.
    pub put_units: u64,
    /// Store write units: of the buckets, and of the job's row for its progress.
    pub store_writes: u64,
    /// Of `worker_us`, time of invocations without a usable answer: failed, timed out, abandoned; microseconds.
    pub lost_us: u64,
    /// Of `invocations`, those that still ran when their task was over. Their time is an estimate: what others of the task took, or
    /// the longest that a worker may run if none answered.
    pub unfinished: u64,
    /// Store read units, of the buckets.
    pub store_reads: u64,
    /// Blobs written: replies, partials and results that were too large to travel.
    pub blob_writes: u64,
    /// Blobs read by collectors, and by consumers for replies that were too large to be sent.
    pub blob_reads: u64,
    /// Collector memory × time, MB-microseconds.
    pub collector_mb_us: u64,
}

impl Receipt {
    /// What no receipt counts, for people.
    pub const NOT_COUNTED: [&'static str; 7] = [
        "the task-splitter's time and requests",
        "deliveries whose function died before it published",
        "reads of the job's row, and its end",
        "the workers' reads of inputs and objects",
        "shards by the hour",
        "logs, metrics and traces",
        "transfer and storage",
    ];

    /// Adds another receipt's counts.
    pub fn add(&mut self, other: &Self) {
        let sum = |(one, other): (&mut u64, u64)| *one = one.saturating_add(other);
        self.counters_mut().into_iter().zip(Vec::from(*other)).for_each(sum);
    }

    fn counters_mut(&mut self) -> [&mut u64; 18] {
        [
            &mut self.tasks,
            &mut self.subtasks,
            &mut self.invocations,
            &mut self.throttles,
            &mut self.retries,
            &mut self.hedges,
            &mut self.worker_us,
            &mut self.duplicate_us,
            &mut self.worker_mb_us,
            &mut self.consumer_mb_us,
            &mut self.put_units,
            &mut self.store_writes,
            &mut self.lost_us,
            &mut self.unfinished,
            &mut self.store_reads,
            &mut self.blob_writes,
            &mut self.blob_reads,
            &mut self.collector_mb_us,
        ]
    }
}

impl From<Receipt> for Vec<u64> {
    fn from(mut receipt: Receipt) -> Self {
        receipt.counters_mut().map(|it| *it).into()
    }
}

impl From<Vec<u64>> for Receipt {
    fn from(counters: Vec<u64>) -> Self {
        let mut receipt = Self::default();
        receipt.counters_mut().into_iter().zip(counters).for_each(|(counter, count)| *counter = count);
        receipt
    }
}

/// The first stored shape, of a fixed length.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct FirstReceipt([u64; 12]);

impl From<FirstReceipt> for Receipt {
    fn from(FirstReceipt(counters): FirstReceipt) -> Self {
        Self::from(counters.to_vec())
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
