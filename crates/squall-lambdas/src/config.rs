//! The configuration of each function, from its environment: typed, checked once, in named units.
//!
//! Variables that name a resource, or give the size of the deployment, have no default.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use squall_core::cascade::CascadePolicy;
use squall_core::deployment::Deployment;
use squall_core::limits::{LAMBDA_MEMORY_MAX_MB, LAMBDA_MEMORY_MIN_MB, LAMBDA_TIMEOUT_S};
use squall_core::prices::Prices;
use squall_grid::{CollectConfig, ConsumeConfig, SplitConfig, WorkConfig};
use squall_workloads::external::read_declared;
use squall_workloads::external::workers::Command;

mod capacity;

pub use capacity::CapacityConfig;

/// The namespace of the grid's metrics when nothing is said.
const DEFAULT_NAMESPACE: &str = "Squall";
/// The variable that describes the deployment.
const DEPLOYMENT: &str = "SQUALL_DEPLOYMENT";
/// The variables that said parts of it before.
const BEFORE: [&str; 7] = [
    "SQUALL_LANES_PER_SHARD",
    "SQUALL_WORKERS_PER_CONSUMER",
    "SQUALL_WORKER_VCPUS",
    "SQUALL_MAX_CONCURRENCY",
    "SQUALL_ATTEMPT_TIMEOUT_S",
    "SQUALL_MAX_BUCKETS",
    "SQUALL_DEADLINE_S",
];

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

    /// What Lambda gives the function, and bills.
    fn memory_mb(&self) -> Result<u32, ConfigError> {
        let range = LAMBDA_MEMORY_MIN_MB..=LAMBDA_MEMORY_MAX_MB;
        self.number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "MB", &range)
    }

    /// The description of the deployment.
    fn deployment(&self) -> Result<Deployment, ConfigError> {
        let Some(json) = self.find(DEPLOYMENT) else {
            let before: Vec<_> = BEFORE.into_iter().filter(|it| self.find(it).is_some()).collect();
            let mut expected =
                "the deployment's description in JSON, as the stack's output Deployment has it".to_owned();
            if !before.is_empty() {
                expected += &format!(", in place of {}", before.join(", "));
            }
            return Err(ConfigError::missing(DEPLOYMENT, expected));
        };
        let description = |error| format!("a deployment's description in JSON ({error})");
        Deployment::from_json(&json)
            .map_err(|error| ConfigError::wrong(DEPLOYMENT, &json, description(error)))
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
    /// `SQUALL_DEPLOYMENT`: what jobs are cut for.
    pub split: SplitConfig,
    /// `SQUALL_DEPLOYMENT`: its memory, MB.
    pub memory_mb: u32,
    /// `SQUALL_DEPLOYMENT`: what the work costs.
    pub prices: Prices,
    /// `SQUALL_DEPLOYMENT`: the workers that `external` jobs may name.
    pub external_workers: BTreeSet<String>,
}

impl SplitterConfig {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The first missing or invalid variable, its value, and what was expected.
    pub fn from_vars(vars: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let deployment = vars.deployment()?;
        Ok(Self {
            table: vars.table()?,
            bucket: vars.bucket()?,
            task_stream: vars.text("SQUALL_TASK_STREAM", "the name of the stream of tasks")?,
            events_topic_arn: vars.topic_arn("SQUALL_EVENTS_TOPIC")?,
            metric_namespace: vars.metric_namespace(DEFAULT_NAMESPACE)?,
            split: SplitConfig::of(&deployment),
            memory_mb: deployment.splitter_memory_mb,
            prices: deployment.prices(),
            external_workers: deployment.external_workers,
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
    /// `SQUALL_DEPLOYMENT`, and `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, which Lambda sets; how to drive the workers is as
    /// [`CascadePolicy`] has it unless said otherwise: `SQUALL_INITIAL_CONCURRENCY`, `SQUALL_MAX_ATTEMPTS`,
    /// `SQUALL_DUPLICATE_PERCENT`, `SQUALL_GUARD_S`.
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
        let deployment = vars.deployment()?;
        if worker_functions.len() != deployment.stripes as usize {
            let expected = format!("{} functions, the deployment's stripes", deployment.stripes);
            return Err(ConfigError::wrong("SQUALL_WORKER_FUNCTIONS", &worker_functions.join(","), expected));
        }
        Ok(Self {
            table: vars.table()?,
            bucket: vars.bucket()?,
            result_stream: vars.text("SQUALL_RESULT_STREAM", "the name of the stream of results")?,
            worker_functions,
            metric_namespace: vars.metric_namespace(DEFAULT_NAMESPACE)?,
            consume: ConsumeConfig {
                cascade: cascade_policy(vars, deployment.cascade())?,
                memory_mb: vars.memory_mb()?,
                ..ConsumeConfig::of(&deployment)
            },
        })
    }
}

/// The deployment's policy, with what else is said.
fn cascade_policy(
    vars: &impl Fn(&str) -> Option<String>,
    usual: CascadePolicy,
) -> Result<CascadePolicy, ConfigError> {
    let at_first = 1..=usual.max_concurrency;
    let at_first = vars.optional("SQUALL_INITIAL_CONCURRENCY", "invocations in flight", &at_first)?;
    let max_attempts = vars.optional("SQUALL_MAX_ATTEMPTS", "attempts", &(1..=100))?;
    let percent: Option<u32> =
        vars.optional("SQUALL_DUPLICATE_PERCENT", "percent of a task's subtasks", &(0..=100))?;
    let guard_s: Option<u64> = vars.optional("SQUALL_GUARD_S", "seconds", &(1..=LAMBDA_TIMEOUT_S))?;
    Ok(CascadePolicy {
        initial_concurrency: at_first.unwrap_or(usual.initial_concurrency),
        max_attempts: max_attempts.unwrap_or(usual.max_attempts),
        duplicate_budget: percent.map_or(usual.duplicate_budget, |percent| f64::from(percent) / 100.0),
        guard_us: guard_s.map_or(usual.guard_us, |seconds| seconds * 1_000_000),
        ..usual
    })
}

/// A cascade-worker's configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerConfig {
    /// `SQUALL_BUCKET`: the bucket of inputs.
    pub bucket: String,
    /// `SQUALL_METRIC_NAMESPACE` (`Squall`): the namespace of its metrics, separate from another deployment's.
    pub metric_namespace: String,
    /// `SQUALL_DEPLOYMENT`, and `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`, which Lambda sets: jobs are cut for the deployment's vCPUs,
    /// and what Lambda gives is what it bills.
    pub work: WorkConfig,
    /// `SQUALL_EXTERNAL_WORKERS`: the workers that `external` jobs may name, and their commands, in JSON. Not set, there are none.
    pub external_workers: BTreeMap<String, Command>,
}

impl WorkerConfig {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The first missing or invalid variable, its value, and what was expected.
    pub fn from_vars(vars: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let deployment = vars.deployment()?;
        Ok(Self {
            bucket: vars.bucket()?,
            metric_namespace: vars.metric_namespace(DEFAULT_NAMESPACE)?,
            work: WorkConfig { memory_mb: vars.memory_mb()?, ..WorkConfig::of(&deployment) },
            external_workers: external_workers(vars, &deployment)?,
        })
    }
}

/// The declared workers, which are those that the deployment's description names. What is declared may be secret, and is not quoted.
fn external_workers(
    vars: &impl Fn(&str) -> Option<String>,
    deployment: &Deployment,
) -> Result<BTreeMap<String, Command>, ConfigError> {
    const VARIABLE: &str = "SQUALL_EXTERNAL_WORKERS";
    let error = |found: String, expected: String| ConfigError { variable: VARIABLE, found, expected };
    let declared = match vars.find(VARIABLE) {
        None => BTreeMap::new(),
        Some(json) => read_declared(&json).map_err(|wrong| {
            let expected =
                "workers by their names, in JSON, such as {\"pricer\":{\"command\":[\"/opt/price\"]}}";
            error(format!("wrong ({wrong})"), expected.to_owned())
        })?,
    };
    if declared.keys().ne(&deployment.external_workers) {
        let listed = |names: Vec<&String>| match names[..] {
            [] => "no worker".to_owned(),
            _ => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        };
        let found = format!("a declaration of {}", listed(declared.keys().collect()));
        let named = listed(deployment.external_workers.iter().collect());
        return Err(error(found, format!("{named}, as external_workers in {DEPLOYMENT} has it")));
    }
    Ok(declared)
}

/// The result-collector's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorConfig {
    /// `SQUALL_TABLE`: the jobs' table.
    pub table: String,
    /// `SQUALL_BUCKET`: the bucket of answers.
    pub bucket: String,
    /// `SQUALL_GIVEN_UP_BUCKET`: the bucket of the records that the event sources gave up.
    pub given_up_bucket: String,
    /// `SQUALL_EVENTS_TOPIC`: the topic that announces the end of a job.
    pub events_topic_arn: String,
    /// `SQUALL_METRIC_NAMESPACE` (`Squall`): the namespace of its metrics, separate from another deployment's.
    pub metric_namespace: String,
    /// `SQUALL_DEPLOYMENT`: how to merge, and what the work costs.
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
            given_up_bucket: vars.text(
                "SQUALL_GIVEN_UP_BUCKET",
                "the name of the bucket for records that the event sources gave up",
            )?,
            events_topic_arn: vars.topic_arn("SQUALL_EVENTS_TOPIC")?,
            metric_namespace: vars.metric_namespace(DEFAULT_NAMESPACE)?,
            collect: CollectConfig::of(&vars.deployment()?),
        })
    }
}

#[cfg(test)]
mod tests;
