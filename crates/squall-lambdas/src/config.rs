//! The configuration of each function, from its environment: typed, checked once, in named units.
//!
//! Variables that name a resource, or give the size of the deployment, have no default.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;

use squall_core::cascade::CascadePolicy;
use squall_core::job::MAX_DEADLINE_S;
use squall_core::prices::LAMBDA_MB_PER_VCPU;
use squall_core::sizing::SizingPolicy;
use squall_grid::{CollectConfig, ConsumeConfig, ReadPolicy, SplitConfig, WorkConfig};

mod capacity;

pub use capacity::CapacityConfig;

/// A mapping's lanes per shard: its parallelization factor
/// (<https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>).
const LANES_PER_SHARD: RangeInclusive<u32> = 1..=10;
/// vCPUs of a function; Lambda's largest has six.
const VCPUS: RangeInclusive<u32> = 1..=64;
/// Invocations that one process can keep in flight.
const CONCURRENCY: RangeInclusive<u32> = 1..=10_000;
/// Buckets of a job: each has an entry in the job's row, which must not outgrow an item.
const BUCKETS: RangeInclusive<u32> = 1..=1_000;
/// A function's memory, MB (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>).
const MEMORY_MB: RangeInclusive<u32> = 128..=10_240;
/// Longest that a function runs, seconds (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html>).
const MAX_TIMEOUT_S: u64 = 900;
/// The namespace of the grid's metrics when nothing is said.
const DEFAULT_NAMESPACE: &str = "Squall";
/// Buckets when nothing is said: enough that the shards of a result stream share them evenly, few enough that ending a
/// job reads them in a moment.
const DEFAULT_BUCKETS: u32 = 32;

/// A missing or invalid variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is {found}; expected {expected}")]
pub struct ConfigError {
    variable: &'static str,
    found: String,
    expected: String,
}

impl ConfigError {
    /// A variable that is not set.
    pub(crate) fn missing(variable: &'static str, expected: impl Into<String>) -> Self {
        Self { variable, found: "not set".to_owned(), expected: expected.into() }
    }

    /// A variable with an invalid value.
    pub(crate) fn wrong(variable: &'static str, value: &str, expected: impl Into<String>) -> Self {
        Self { variable, found: format!("`{value}`"), expected: expected.into() }
    }
}

/// Looks up a variable; an empty one counts as not set.
trait Vars {
    fn find(&self, variable: &'static str) -> Option<String>;

    fn text(&self, variable: &'static str, expected: &str) -> Result<String, ConfigError> {
        self.find(variable).ok_or_else(|| ConfigError::missing(variable, expected))
    }

    fn topic_arn(&self, variable: &'static str) -> Result<String, ConfigError> {
        let expected = "the ARN of an SNS topic, such as arn:aws:sns:us-east-1:123456789012:job-events";
        let arn = self.text(variable, expected)?;
        match arn.split(':').collect::<Vec<_>>()[..] {
            ["arn", _, "sns", _, _, topic] if !topic.is_empty() => Ok(arn),
            _ => Err(ConfigError::wrong(variable, &arn, expected)),
        }
    }

    fn list(&self, variable: &'static str, expected: &str) -> Result<Vec<String>, ConfigError> {
        let text = self.text(variable, expected)?;
        let items: Vec<String> = text.split(',').map(|item| item.trim().to_owned()).collect();
        if items.iter().any(String::is_empty) {
            return Err(ConfigError::wrong(variable, &text, expected));
        }
        Ok(items)
    }

    /// A whole number, if the variable is set.
    fn optional<N>(
        &self,
        variable: &'static str,
        unit: &str,
        range: &RangeInclusive<N>,
    ) -> Result<Option<N>, ConfigError>
    where
        N: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.find(variable) else { return Ok(None) };
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(ConfigError::wrong(variable, &text, whole(unit, range))),
        }
    }

    /// A whole number.
    fn number<N>(
        &self,
        variable: &'static str,
        unit: &str,
        range: &RangeInclusive<N>,
    ) -> Result<N, ConfigError>
    where
        N: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        self.optional(variable, unit, range)?
            .ok_or_else(|| ConfigError::missing(variable, whole(unit, range)))
    }

    fn table(&self) -> Result<String, ConfigError> {
        self.text("SQUALL_TABLE", "the name of the jobs' table")
    }

    fn bucket(&self) -> Result<String, ConfigError> {
        self.text("SQUALL_BUCKET", "the name of the bucket for inputs and answers")
    }

    fn memory_mb(&self) -> Result<u32, ConfigError> {
        self.number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "MB", &MEMORY_MB)
    }

    /// The namespace of metrics; names that begin with `AWS/` are reserved
    /// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>).
    fn metric_namespace(&self, usual: &str) -> Result<String, ConfigError> {
        let variable = "SQUALL_METRIC_NAMESPACE";
        let namespace = self.find(variable).unwrap_or_else(|| usual.to_owned());
        if namespace.starts_with("AWS/") {
            let expected = "a namespace of one's own: those of AWS cannot be written to";
            return Err(ConfigError::wrong(variable, &namespace, expected));
        }
        Ok(namespace)
    }
}

fn whole<N: std::fmt::Display>(unit: &str, range: &RangeInclusive<N>) -> String {
    format!("{unit}, a whole number from {} to {}", range.start(), range.end())
}

impl<F: Fn(&str) -> Option<String>> Vars for F {
    fn find(&self, variable: &'static str) -> Option<String> {
        self(variable).filter(|value| !value.is_empty())
    }
}

/// The task-splitter's configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitterConfig {
    /// `SQUALL_TABLE`: the jobs' table.
    pub table: String,
    /// `SQUALL_BUCKET`: the bucket of inputs and answers.
    pub bucket: String,
    /// `SQUALL_TASK_STREAM`: the stream of tasks.
    pub task_stream: String,
    /// `SQUALL_EVENTS_TOPIC`: the topic that announces the end of a job; a rejected job ends here.
    pub events_topic_arn: String,
    /// `SQUALL_METRIC_NAMESPACE` (`Squall`): the namespace of its metrics, separate from another deployment's.
    pub metric_namespace: String,
    /// `SQUALL_LANES_PER_SHARD`, `SQUALL_WORKERS_PER_CONSUMER`, `SQUALL_WORKER_VCPUS`: how large the deployment is that
    /// jobs are cut for. `SQUALL_MAX_BUCKETS` (32) and `SQUALL_DEADLINE_S` (a day, which is how long records live) may be
    /// left out.
    pub split: SplitConfig,
}

impl SplitterConfig {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The first missing or invalid variable, its value, and what was expected.
    pub fn from_vars(vars: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let deadline_s = vars.optional("SQUALL_DEADLINE_S", "seconds", &(1..=MAX_DEADLINE_S))?;
        let max_buckets = vars.optional("SQUALL_MAX_BUCKETS", "buckets of a job", &BUCKETS)?;
        Ok(Self {
            table: vars.table()?,
            bucket: vars.bucket()?,
            task_stream: vars.text("SQUALL_TASK_STREAM", "the name of the stream of tasks")?,
            events_topic_arn: vars.topic_arn("SQUALL_EVENTS_TOPIC")?,
            metric_namespace: vars.metric_namespace(DEFAULT_NAMESPACE)?,
            split: SplitConfig {
                sizing: SizingPolicy::default(),
                lanes_per_shard: vars.number(
                    "SQUALL_LANES_PER_SHARD",
                    "the task mapping's parallelization factor",
                    &LANES_PER_SHARD,
                )?,
                workers_per_consumer: vars.number(
                    "SQUALL_WORKERS_PER_CONSUMER",
                    "workers that a consumer keeps busy",
                    &CONCURRENCY,
                )?,
                vcpus_per_worker: vars.number("SQUALL_WORKER_VCPUS", "vCPUs of a worker", &VCPUS)?,
                max_buckets: max_buckets.unwrap_or(DEFAULT_BUCKETS),
                default_deadline_s: deadline_s.unwrap_or(MAX_DEADLINE_S),
            },
        })
    }
}

/// A shard-consumer's configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumerConfig {
    /// `SQUALL_TABLE`: the jobs' table.
    pub table: String,
    /// `SQUALL_BUCKET`: the bucket of inputs, and of partials that are too large to travel.
    pub bucket: String,
    /// `SQUALL_RESULT_STREAM`: the stream of results.
    pub result_stream: String,
    /// `SQUALL_WORKER_FUNCTIONS`: names or ARNs of the identical worker functions, separated by commas; each is a stripe.
    pub worker_functions: Vec<String>,
    /// `SQUALL_METRIC_NAMESPACE` (`Squall`): the namespace of its metrics, separate from another deployment's.
    pub metric_namespace: String,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, which Lambda sets, and how to drive the workers, as
    /// [`CascadePolicy`] has it unless said otherwise: `SQUALL_INITIAL_CONCURRENCY`, `SQUALL_MAX_CONCURRENCY`,
    /// `SQUALL_MAX_ATTEMPTS`, `SQUALL_ATTEMPT_TIMEOUT_S`, `SQUALL_DUPLICATE_PERCENT`, `SQUALL_GUARD_S`.
    pub consume: ConsumeConfig,
}

impl ConsumerConfig {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The first missing or invalid variable, its value, and what was expected.
    pub fn from_vars(vars: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let worker_functions =
            vars.list("SQUALL_WORKER_FUNCTIONS", "names or ARNs of worker functions, separated by commas")?;
        let n_stripes = u32::try_from(worker_functions.len()).unwrap_or(u32::MAX);
        Ok(Self {
            table: vars.table()?,
            bucket: vars.bucket()?,
            result_stream: vars.text("SQUALL_RESULT_STREAM", "the name of the stream of results")?,
            worker_functions,
            metric_namespace: vars.metric_namespace(DEFAULT_NAMESPACE)?,
            consume: ConsumeConfig {
                cascade: cascade_policy(vars, n_stripes)?,
                memory_mb: vars.memory_mb()?,
            },
        })
    }
}

fn cascade_policy(
    vars: &impl Fn(&str) -> Option<String>,
    n_stripes: u32,
) -> Result<CascadePolicy, ConfigError> {
    let usual = CascadePolicy::default();
    let seconds = |variable| -> Result<Option<u64>, ConfigError> {
        let seconds: Option<u64> = vars.optional(variable, "seconds", &(1..=MAX_TIMEOUT_S))?;
        Ok(seconds.map(|seconds| seconds * 1_000_000))
    };
    let in_flight = "invocations in flight";
    let max_concurrency =
        vars.optional("SQUALL_MAX_CONCURRENCY", in_flight, &CONCURRENCY)?.unwrap_or(usual.max_concurrency);
    let at_first = vars.optional("SQUALL_INITIAL_CONCURRENCY", in_flight, &(1..=max_concurrency))?;
    let percent: Option<u32> =
        vars.optional("SQUALL_DUPLICATE_PERCENT", "percent of a task's subtasks", &(0..=100))?;
    Ok(CascadePolicy {
        initial_concurrency: at_first.unwrap_or(usual.initial_concurrency.min(max_concurrency)),
        max_concurrency,
        n_stripes,
        max_attempts: vars
            .optional("SQUALL_MAX_ATTEMPTS", "attempts", &(1..=100))?
            .unwrap_or(usual.max_attempts),
        attempt_timeout_us: seconds("SQUALL_ATTEMPT_TIMEOUT_S")?.unwrap_or(usual.attempt_timeout_us),
        duplicate_budget: percent.map_or(usual.duplicate_budget, |percent| f64::from(percent) / 100.0),
        guard_us: seconds("SQUALL_GUARD_S")?.unwrap_or(usual.guard_us),
        ..usual
    })
}

/// A cascade-worker's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerConfig {
    /// `SQUALL_BUCKET`: the bucket of inputs.
    pub bucket: String,
    /// `SQUALL_METRIC_NAMESPACE` (`Squall`): the namespace of its metrics, separate from another deployment's.
    pub metric_namespace: String,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, which Lambda sets, and `SQUALL_WORKER_VCPUS`.
    ///
    /// Where that is not set, the vCPUs follow from the memory, a begun one counted whole: Lambda gives a function a share
    /// of its cores in proportion to its memory, and it takes a thread on each to use all of that share.
    pub work: WorkConfig,
}

impl WorkerConfig {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The first missing or invalid variable, its value, and what was expected.
    pub fn from_vars(vars: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let memory_mb = vars.memory_mb()?;
        let n_vcpus: Option<u32> = vars.optional("SQUALL_WORKER_VCPUS", "vCPUs of a worker", &VCPUS)?;
        let n_vcpus = n_vcpus.map_or(u64::from(memory_mb).div_ceil(LAMBDA_MB_PER_VCPU), u64::from);
        let n_vcpus = usize::try_from(n_vcpus).ok().and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            bucket: vars.bucket()?,
            metric_namespace: vars.metric_namespace(DEFAULT_NAMESPACE)?,
            work: WorkConfig { n_vcpus, memory_mb, read: ReadPolicy::default() },
        })
    }
}

/// The result-collector's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorConfig {
    /// `SQUALL_TABLE`: the jobs' table.
    pub table: String,
    /// `SQUALL_BUCKET`: the bucket of answers.
    pub bucket: String,
    /// `SQUALL_EVENTS_TOPIC`: the topic that announces the end of a job.
    pub events_topic_arn: String,
    /// `SQUALL_METRIC_NAMESPACE` (`Squall`): the namespace of its metrics, separate from another deployment's.
    pub metric_namespace: String,
    /// How to merge.
    pub collect: CollectConfig,
}

impl CollectorConfig {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The first missing or invalid variable, its value, and what was expected.
    pub fn from_vars(vars: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            table: vars.table()?,
            bucket: vars.bucket()?,
            events_topic_arn: vars.topic_arn("SQUALL_EVENTS_TOPIC")?,
            metric_namespace: vars.metric_namespace(DEFAULT_NAMESPACE)?,
            collect: CollectConfig::default(),
        })
    }
}

#[cfg(test)]
mod tests;
