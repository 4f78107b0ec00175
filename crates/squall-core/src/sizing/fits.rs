//! What a deployment's functions have time and memory for.

use super::{Sizing, SizingReason, counted, duration};
use crate::limits::KINESIS_SHARD_RECORDS_PER_S;
use crate::workload::InputError;

/// How long the functions may run, seconds: what a job is cut into must fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// The task-splitter.
    pub splitter_s: u64,
    /// A shard-consumer.
    pub consumer_s: u64,
    /// A cascade-worker.
    pub worker_s: u64,
}

/// How much the functions can hold, bytes: what a job brings and what it answers must fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimits {
    /// The files of an input, all together.
    pub input_bytes: u64,
    /// The prepared input.
    pub prepared_bytes: u64,
    /// The value of a subtask, in a worker.
    pub subtask_bytes: u64,
    /// The merged value of a task, in a consumer.
    pub task_bytes: u64,
    /// The merged values of the tasks of a bucket, in the collector.
    pub bucket_bytes: u64,
}

impl MemoryLimits {
    /// Checks the files of an input, by their size before any is read.
    ///
    /// # Errors
    /// With the size and the limit.
    pub fn check_files(&self, bytes: u64) -> Result<(), InputError> {
        let ways_out = "give them more memory, or read the data as objects";
        within("its files have", "together", "functions", (bytes, self.input_bytes), ways_out)
    }

    /// Checks the memory that the prepared input takes.
    ///
    /// # Errors
    /// With the size and the limit.
    pub fn check_prepared(&self, bytes: u64) -> Result<(), InputError> {
        let ways_out = "ask for less, or give them more memory";
        within("it takes about", "once it is prepared", "functions", (bytes, self.prepared_bytes), ways_out)
    }

    /// Checks the memory that the value of a subtask takes.
    ///
    /// # Errors
    /// With the size and the limit.
    pub fn check_subtask(&self, bytes: u64) -> Result<(), InputError> {
        let ways_out = "use more tasks or subtasks, ask for less, or give them more memory";
        within(
            "the value of a subtask takes about",
            "to compute",
            "workers",
            (bytes, self.subtask_bytes),
            ways_out,
        )
    }

    /// Checks the memory that the value of the largest task takes.
    ///
    /// # Errors
    /// With the size and the limit.
    pub fn check_task(&self, bytes: u64) -> Result<(), InputError> {
        let ways_out = "use more tasks, ask for less, or give them more memory";
        within("the value of a task takes about", "to merge", "consumers", (bytes, self.task_bytes), ways_out)
    }

    /// Checks the memory that the values of the tasks of the largest bucket take.
    ///
    /// # Errors
    /// With the size and the limit.
    pub fn check_bucket(&self, bytes: u64) -> Result<(), InputError> {
        let ways_out = "use more tasks, ask for less, or give it more memory";
        within(
            "a bucket of its answer takes about",
            "to merge",
            "collector",
            (bytes, self.bucket_bytes),
            ways_out,
        )
    }

    /// Buckets such that each is small.
    pub fn buckets_for(&self, value_bytes: u64) -> u32 {
        u32::try_from(value_bytes.div_ceil(self.small_bytes())).unwrap_or(u32::MAX)
    }

    /// Whether the collector may hold the values of several such buckets, and of several jobs, at the same time.
    pub fn is_small(&self, bucket_bytes: u64) -> bool {
        bucket_bytes <= self.small_bytes().min(self.task_bytes).min(self.subtask_bytes)
    }

    /// A small part of what the collector has for a bucket. It merges four at a time, and reads eight of each of eight jobs.
    fn small_bytes(&self) -> u64 {
        (self.bucket_bytes / 48).max(1)
    }
}

/// So many bytes, of `at_most` that some function of the deployment holds.
fn within(
    has: &str,
    how: &str,
    whose: &str,
    (bytes, at_most): (u64, u64),
    ways_out: &str,
) -> Result<(), InputError> {
    if bytes <= at_most {
        return Ok(());
    }
    let holds = if whose.ends_with('s') { "hold" } else { "holds" };
    let (bytes, at_most) = (megabytes(bytes), megabytes(at_most));
    let problem =
        format!("{has} {bytes} {how}; the {whose} of this deployment {holds} {at_most} at most: {ways_out}");
    Err(InputError::new("input", problem))
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

/// Part of the splitter's time in which it puts no tasks: it reads the input and cuts it.
const SPLITTER_SPARE_S: u64 = 30;
/// Deliveries of a message in which its tasks must be put: Lambda makes three, and each goes on where the last one stopped.
const SPLITTER_DELIVERIES: u64 = 2;
/// Part of a consumer's time in which no subtask runs: it loads the input, and publishes the result.
const CONSUMER_SPARE_US: u64 = 10_000_000;

impl TimeLimits {
    /// Checks a cut against the limits, before anything of it costs.
    ///
    /// # Errors
    /// The first part that does not fit, with what would.
    pub fn check(&self, sizing: &Sizing, n_shards: u32, workers_per_consumer: u32) -> Result<(), InputError> {
        let most_tasks = u64::from(n_shards)
            .saturating_mul(KINESIS_SHARD_RECORDS_PER_S)
            .saturating_mul(self.splitter_s.saturating_sub(SPLITTER_SPARE_S).max(1))
            .saturating_mul(SPLITTER_DELIVERIES);
        if u64::from(sizing.n_tasks) > most_tasks {
            let shards = counted(n_shards.into(), "shard");
            return Err(InputError::new(
                "sizing.tasks",
                format!(
                    "{}; the task-splitter puts at most {most_tasks} on {shards} in two runs of {} s: use fewer tasks of more subtasks, or more shards",
                    sizing.n_tasks, self.splitter_s
                ),
            ));
        }
        let each = duration(sizing.subtask_us);
        if sizing.subtask_us > self.worker_s.saturating_mul(1_000_000) {
            let way_out = match sizing.reason {
                SizingReason::Indivisible => {
                    "the work has no more pieces than that, so only a higher time limit helps"
                }
                _ => "use more tasks or subtasks, or a lower `subtask_ms`",
            };
            return Err(InputError::new(
                "sizing",
                format!(
                    "its subtasks take about {each} each; a worker may run for {} s: {way_out}",
                    self.worker_s
                ),
            ));
        }
        let rounds = u64::from(sizing.subtasks_per_task).div_ceil(workers_per_consumer.max(1).into());
        let task_us = rounds.saturating_mul(sizing.subtask_us);
        if task_us.saturating_add(CONSUMER_SPARE_US) > self.consumer_s.saturating_mul(1_000_000) {
            let subtasks = counted(sizing.subtasks_per_task.into(), "subtask");
            return Err(InputError::new(
                "sizing",
                format!(
                    "its tasks of {subtasks} of {each} take about {} each on {}; a shard-consumer may run for {} s: use more tasks",
                    duration(task_us),
                    counted(workers_per_consumer.into(), "worker"),
                    self.consumer_s
                ),
            ));
        }
        Ok(())
    }
}
