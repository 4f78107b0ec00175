//! One description of a deployment: how large it is, how long its functions may run, where it is and what it pays.
//!
//! The stack's output `Deployment`, the functions' variable `SQUALL_DEPLOYMENT`, the grid of `squall run`, `squall dev` and
//! `squall check --stack` all carry or build a [`Deployment`], and every configuration of a step is a view of it.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::caps::JobCaps;
use crate::cascade::CascadePolicy;
use crate::job::{MAX_DEADLINE_S, Place, from_json};
use crate::limits::{
    LAMBDA_LANES_PER_SHARD, LAMBDA_MB_PER_VCPU, LAMBDA_MEMORY_MAX_MB, LAMBDA_MEMORY_MIN_MB, LAMBDA_TIMEOUT_S,
    SNS_LARGE_MESSAGE_BYTES, SNS_MESSAGE_BYTES,
};
use crate::prices::{Architecture, NanoUsd, Prices, stand_ins};
use crate::receipt::Receipt;
use crate::sizing::{Capacity, MAX_SUBTASKS_PER_TASK, MAX_TASKS, MemoryLimits, Sizing, counted};
use crate::workload::{InputError, Weight};

/// The version of the JSON that this code reads and writes.
pub const VERSION: u32 = 1;

/// Billionths of a dollar.
const NANO: u64 = 1_000_000_000;
/// Shards of a stream.
const SHARDS: RangeInclusive<u32> = 1..=10_000;
/// Identical worker functions.
const STRIPES: RangeInclusive<u32> = 1..=1_000;
/// Workers that one consumer can keep in flight.
const WORKERS: RangeInclusive<u32> = 1..=10_000;
/// Most buckets of a job: each has an entry in the job's row, which must not outgrow an item.
pub const MAX_BUCKETS: u32 = 1_000;
/// Highest cost cap, US dollars: what a job may name at all.
const MAX_COST_USD: u32 = 1_000_000;
/// Most subtasks of a job that a cut can have.
const MAX_SUBTASKS: u64 = MAX_TASKS as u64 * MAX_SUBTASKS_PER_TASK as u64;
/// Concurrency of an account.
const CONCURRENCY: RangeInclusive<u32> = 1..=10_000_000;

/// A deployment. Its JSON names each field as it is called here; none of the first release may be left out but
/// `account_concurrency`, and no other is taken.
///
/// ```
/// use squall_core::deployment::Deployment;
///
/// let small = Deployment { shards: 1, express_shards: 0, ..Deployment::default() };
/// assert_eq!(Deployment::from_json(&small.to_json()), Ok(small.clone()));
/// assert_eq!(small.lanes(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The version of this description: [`VERSION`].
    pub version: u32,
    /// Shards of the task stream.
    pub shards: u32,
    /// Of these, those that are kept for small jobs: see [`Capacity::express_shards`].
    #[serde(default)]
    pub express_shards: u32,
    /// Shards of the result stream.
    pub result_shards: u32,
    /// Lanes per shard of the task stream: its mapping's parallelization factor. A lane takes one task at a time.
    pub lanes_per_shard: u32,
    /// Identical worker functions.
    pub stripes: u32,
    /// Workers that a consumer keeps busy at once.
    pub workers_per_consumer: u32,
    /// Memory of the splitter, MB.
    pub splitter_memory_mb: u32,
    /// Memory of a consumer, MB.
    pub consumer_memory_mb: u32,
    /// Memory of a worker, MB; its vCPUs follow from it.
    pub worker_memory_mb: u32,
    /// Memory of the collector, MB.
    pub collector_memory_mb: u32,
    /// Longest that the splitter runs, seconds.
    pub splitter_timeout_s: u64,
    /// Longest that a consumer runs, seconds: a task may occupy its lane for so long.
    pub consumer_timeout_s: u64,
    /// Longest that a worker runs, seconds: the consumer waits so long for an attempt.
    pub worker_timeout_s: u64,
    /// Longest that the collector runs, seconds.
    pub collector_timeout_s: u64,
    /// Buckets of a job, unless its answer is large: then up to [`MAX_BUCKETS`].
    pub max_buckets: u32,
    /// Deadline of a job that names none, seconds.
    pub default_deadline_s: u64,
    /// Longest deadline that a job may name, seconds.
    #[serde(default = "longest_deadline_s")]
    pub max_deadline_s: u64,
    /// Highest cost cap that a job may name, US dollars.
    #[serde(default = "highest_cost_usd")]
    pub max_job_cost_usd: u32,
    /// Cost cap of a job that names none, US dollars.
    #[serde(default = "highest_cost_usd")]
    pub default_job_cost_usd: u32,
    /// Most subtasks of a job, all tasks together.
    #[serde(default = "most_subtasks")]
    pub max_job_subtasks: u64,
    /// Bytes of a published job at most: what the topic of jobs takes.
    pub max_message_bytes: usize,
    /// What the functions are built for.
    pub architecture: Architecture,
    /// The AWS region, by its code.
    pub region: String,
    /// Concurrency of the account, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_concurrency: Option<u32>,
    /// The names of the workers that its operator has declared for `external` jobs, which may name no others.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub external_workers: BTreeSet<String>,
}

impl Default for Deployment {
    /// What `infra/` deploys when its settings say nothing, in us-east-1.
    fn default() -> Self {
        Self {
            version: VERSION,
            shards: 3,
            express_shards: 1,
            result_shards: 1,
            lanes_per_shard: 2,
            stripes: 2,
            workers_per_consumer: 100,
            splitter_memory_mb: LAMBDA_MB_PER_VCPU,
            consumer_memory_mb: LAMBDA_MB_PER_VCPU,
            worker_memory_mb: LAMBDA_MB_PER_VCPU,
            collector_memory_mb: LAMBDA_MB_PER_VCPU,
            splitter_timeout_s: 300,
            consumer_timeout_s: 900,
            worker_timeout_s: 300,
            collector_timeout_s: 300,
            // Enough that the shards of a result stream share them evenly, few enough that ending a job reads them in a moment.
            max_buckets: 32,
            default_deadline_s: MAX_DEADLINE_S,
            max_deadline_s: MAX_DEADLINE_S,
            max_job_cost_usd: 1_000,
            default_job_cost_usd: 100,
            max_job_subtasks: 10_000_000,
            max_message_bytes: SNS_MESSAGE_BYTES,
            architecture: Architecture::Arm64,
            region: crate::limits::HOME_REGION.to_owned(),
            account_concurrency: None,
            external_workers: BTreeSet::new(),
        }
    }
}

/// What a description of a stack without caps means.
fn longest_deadline_s() -> u64 {
    MAX_DEADLINE_S
}

fn highest_cost_usd() -> u32 {
    MAX_COST_USD
}

fn most_subtasks() -> u64 {
    MAX_SUBTASKS
}

/// Just the version, whatever else is there: a description of another version is refused as such, not by its first new field.
#[derive(Deserialize)]
struct Versioned {
    version: Option<serde_json::Value>,
}

impl Deployment {
    /// Reads a description and checks its ranges.
    ///
    /// # Errors
    /// The first field that is unknown, missing, of the wrong type or out of range, with its value and what would be right; a
    /// version that this code does not read.
    pub fn from_json(json: &str) -> Result<Self, InputError> {
        let place = Place("deployment");
        let found: Versioned = from_json(place, json.as_bytes())?;
        if let Some(version) = found.version.filter(|it| *it != VERSION) {
            return Err(wrong("version", version, format!("{VERSION}, which is all that this build reads")));
        }
        let deployment: Self = from_json(place, json.as_bytes())?;
        deployment.check().map(|()| deployment)
    }

    /// The description as [`Deployment::from_json`] reads it, on one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// The first field that is out of range, with its value and the range.
    pub fn check(&self) -> Result<(), InputError> {
        let memory = LAMBDA_MEMORY_MIN_MB..=LAMBDA_MEMORY_MAX_MB;
        let timeout = 1..=LAMBDA_TIMEOUT_S;
        within("shards", self.shards, &SHARDS, "shards")?;
        within("express_shards", self.express_shards, &(0..=self.shards - 1), "shards, fewer than all")?;
        within("result_shards", self.result_shards, &SHARDS, "shards")?;
        within("lanes_per_shard", self.lanes_per_shard, &(1..=LAMBDA_LANES_PER_SHARD), "lanes")?;
        within("stripes", self.stripes, &STRIPES, "worker functions")?;
        within("workers_per_consumer", self.workers_per_consumer, &WORKERS, "workers")?;
        within("splitter_memory_mb", self.splitter_memory_mb, &memory, "MB")?;
        within("consumer_memory_mb", self.consumer_memory_mb, &memory, "MB")?;
        within("worker_memory_mb", self.worker_memory_mb, &memory, "MB")?;
        within("collector_memory_mb", self.collector_memory_mb, &memory, "MB")?;
        within("splitter_timeout_s", self.splitter_timeout_s, &timeout, "seconds")?;
        within("consumer_timeout_s", self.consumer_timeout_s, &timeout, "seconds")?;
        // An attempt that may outlast its consumer would never be answered.
        within("worker_timeout_s", self.worker_timeout_s, &(1..=self.consumer_timeout_s), "seconds")?;
        within("collector_timeout_s", self.collector_timeout_s, &timeout, "seconds")?;
        within("max_buckets", self.max_buckets, &(1..=MAX_BUCKETS), "buckets")?;
        within("default_deadline_s", self.default_deadline_s, &(1..=MAX_DEADLINE_S), "seconds")?;
        within(
            "max_deadline_s",
            self.max_deadline_s,
            &(self.default_deadline_s..=MAX_DEADLINE_S),
            "seconds",
        )?;
        within("max_job_cost_usd", self.max_job_cost_usd, &(1..=MAX_COST_USD), "US dollars")?;
        let default_cost = 1..=self.max_job_cost_usd;
        within("default_job_cost_usd", self.default_job_cost_usd, &default_cost, "US dollars")?;
        within("max_job_subtasks", self.max_job_subtasks, &(1..=MAX_SUBTASKS), "subtasks")?;
        let messages = 1..=SNS_LARGE_MESSAGE_BYTES;
        within("max_message_bytes", self.max_message_bytes, &messages, "bytes")?;
        if let Some(concurrency) = self.account_concurrency {
            within("account_concurrency", concurrency, &CONCURRENCY, "invocations at once")?;
        }
        let of_a_code = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.region.is_empty() || !self.region.chars().all(of_a_code) {
            return Err(wrong("region", format!("`{}`", self.region), "a region's code such as eu-west-1"));
        }
        Ok(())
    }

    /// Lanes of the task stream: tasks that run at once.
    pub fn lanes(&self) -> u32 {
        self.shards.saturating_mul(self.lanes_per_shard)
    }

    /// vCPUs of a worker: Lambda gives a share of its cores in proportion to the memory, and it takes a thread on each, rounded
    /// up, to use all of that share.
    pub fn worker_vcpus(&self) -> u32 {
        self.worker_memory_mb.div_ceil(LAMBDA_MB_PER_VCPU).max(1)
    }

    /// What a job is cut for.
    pub fn capacity(&self) -> Capacity {
        self.capacity_of(self.shards)
    }

    /// What a job is cut for while the task stream has so many shards: it may just have been resharded.
    pub fn capacity_of(&self, n_shards: u32) -> Capacity {
        Capacity {
            n_shards,
            express_shards: self.express_shards,
            lanes_per_shard: self.lanes_per_shard,
            workers_per_consumer: self.workers_per_consumer,
            vcpus_per_worker: self.worker_vcpus(),
        }
    }

    /// How much its functions can hold: half of each for the prepared input, a quarter for the values, of which the collector may use
    /// three quarters, as it prepares no input. A function needs some memory for itself. Files take four times their size, and some
    /// more, while they are read and sent.
    pub fn memory(&self) -> MemoryLimits {
        const MB: u64 = 1_000_000;
        let of_input = self.splitter_memory_mb.min(self.consumer_memory_mb).min(self.worker_memory_mb);
        MemoryLimits {
            input_bytes: u64::from(of_input) * MB / 8,
            prepared_bytes: u64::from(of_input) * MB / 2,
            subtask_bytes: u64::from(self.worker_memory_mb) * MB / 4,
            task_bytes: u64::from(self.consumer_memory_mb) * MB / 4,
            bucket_bytes: u64::from(self.collector_memory_mb) * MB * 3 / 4,
        }
    }

    /// The most that one of its jobs may ask for.
    pub fn caps(&self) -> JobCaps {
        let prices = self.prices();
        let subtask = Receipt {
            invocations: 1,
            worker_mb_us: 1_000 * u64::from(self.worker_memory_mb),
            ..Receipt::default()
        };
        JobCaps {
            max_cost: NanoUsd(u64::from(self.max_job_cost_usd) * NANO),
            default_cost: NanoUsd(u64::from(self.default_job_cost_usd) * NANO),
            max_deadline_s: self.max_deadline_s,
            max_subtasks: self.max_job_subtasks,
            least_of_subtask: prices.cost_of(&subtask),
            least_of_task: prices.cost_of(&Receipt { put_units: 2, ..Receipt::default() }),
        }
    }

    /// How a consumer drives its workers.
    pub fn cascade(&self) -> CascadePolicy {
        let usual = CascadePolicy::default();
        CascadePolicy {
            initial_concurrency: usual.initial_concurrency.min(self.workers_per_consumer),
            max_concurrency: self.workers_per_consumer,
            n_stripes: self.stripes,
            attempt_timeout_us: self.worker_timeout_s.saturating_mul(1_000_000),
            ..usual
        }
    }

    /// What it pays.
    pub fn prices(&self) -> Prices {
        Prices::of(&self.region, self.architecture)
    }

    /// Whose list the prices are from, for people: `arm64, list prices of eu-west-1; those of Kinesis, DynamoDB are us-east-1's`.
    pub fn price_list(&self) -> String {
        let stand_ins = stand_ins(&self.region);
        let but = match stand_ins.is_empty() {
            true => String::new(),
            false => format!("; those of {} are {}'s", stand_ins.join(", "), crate::limits::HOME_REGION),
        };
        format!("{}, list prices of {}{but}", self.architecture, self.region)
    }

    /// What a burst asks of the account's concurrency: a consumer per lane, its workers, and one each to split and to collect.
    pub fn concurrency(&self) -> u64 {
        u64::from(self.lanes()) * (1 + u64::from(self.workers_per_consumer)) + 2
    }

    /// What a job of this weight, cut like this, is expected to use if each subtask is evaluated once and takes as long as its
    /// weight says. Results of up to one PUT payload unit; no writes of the store.
    pub fn estimate(&self, weight: Weight, sizing: &Sizing) -> Receipt {
        let (tasks, per_task) = (u64::from(sizing.n_tasks), u64::from(sizing.subtasks_per_task));
        let worker_us = weight / 1_000 / u64::from(self.worker_vcpus());
        let consumer_us = tasks.saturating_mul(self.task_us(sizing));
        Receipt {
            tasks,
            subtasks: tasks.saturating_mul(per_task),
            invocations: tasks.saturating_mul(per_task),
            worker_us,
            worker_mb_us: worker_us.saturating_mul(self.worker_memory_mb.into()),
            consumer_mb_us: consumer_us.saturating_mul(self.consumer_memory_mb.into()),
            put_units: tasks.saturating_mul(2),
            ..Receipt::default()
        }
    }

    /// How long a consumer is expected to take for one task, microseconds.
    pub fn task_us(&self, sizing: &Sizing) -> u64 {
        let rounds = sizing.subtasks_per_task.div_ceil(self.workers_per_consumer.max(1));
        u64::from(rounds).saturating_mul(sizing.subtask_us)
    }

    /// How large it is, for people: `2 shards × 2 lanes × 100 workers of 1 vCPU`.
    pub fn size(&self) -> String {
        let kept = match self.express_shards {
            0 => String::new(),
            n => format!(" ({n} kept for small jobs)"),
        };
        format!(
            "{}{kept} × {} × {} of {}",
            counted(self.shards.into(), "shard"),
            counted(self.lanes_per_shard.into(), "lane"),
            counted(self.workers_per_consumer.into(), "worker"),
            counted(self.worker_vcpus().into(), "vCPU"),
        )
    }
}

fn within<N: PartialOrd + std::fmt::Display>(
    field: &str,
    value: N,
    range: &RangeInclusive<N>,
    unit: &str,
) -> Result<(), InputError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(wrong(field, value, format!("{unit}, a whole number from {} to {}", range.start(), range.end())))
}

fn wrong(field: &str, value: impl std::fmt::Display, expected: impl std::fmt::Display) -> InputError {
    InputError::new(format!("deployment.{field}"), format!("{value}; expected {expected}"))
}

#[cfg(test)]
mod tests;
