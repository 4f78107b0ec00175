//! The mappings of the pump, checked, and their file. Ranges are those of `CreateEventSourceMapping`
//! (<https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>).

use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use squall_core::limits;
use squall_lambda_host::delivery::DeliveryPolicy;
use squall_lambda_host::pump::{Mapping as PumpMapping, StartingPosition};

/// Microseconds between two look-ups of new shards.
const DISCOVERY_US: u64 = 5_000_000;
/// Shortest time between two writes of the checkpoints, microseconds.
const CHECKPOINT_US: u64 = 500_000;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default)]
    pub(super) mapping: Vec<Mapping>,
    #[serde(default)]
    pub(super) subscription: Vec<Subscription>,
    #[serde(default)]
    pub(super) schedule: Vec<Schedule>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mapping {
    /// Its UUID, if it is one of Lambda's own.
    #[serde(skip)]
    pub(super) name: Option<String>,
    pub(super) stream: String,
    pub(super) function: String,
    #[serde(default = "batch_size")]
    pub(super) batch_size: usize,
    #[serde(default = "one")]
    pub(super) parallelization_factor: usize,
    pub(super) starting_position: Start,
    #[serde(default)]
    pub(super) batching_window_s: u64,
    #[serde(default = "endless")]
    pub(super) maximum_retry_attempts: i64,
    #[serde(default = "endless")]
    pub(super) maximum_record_age_s: i64,
    #[serde(default)]
    pub(super) bisect: bool,
    #[serde(default)]
    pub(super) partial_failures: bool,
    pub(super) on_failure: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Start {
    TrimHorizon,
    Latest,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscription {
    pub(super) topic: String,
    pub(super) function: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Schedule {
    pub(super) function: String,
    pub(super) every_s: u64,
}

fn batch_size() -> usize {
    100
}

fn one() -> usize {
    1
}

fn endless() -> i64 {
    -1
}

impl Config {
    /// Reads and checks the file's text.
    ///
    /// # Errors
    /// The first field that is unknown, missing or out of range.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let config: Self = toml::from_str(text).context("invalid pump configuration")?;
        config.check_mappings()?;
        for Subscription { topic, .. } in &config.subscription {
            ensure!(
                topic.starts_with("arn:"),
                "subscription: topic `{topic}`; expected the ARN of an SNS topic"
            );
        }
        for Schedule { every_s, .. } in &config.schedule {
            within("schedule: every_s", *every_s, 1..=86_400)?;
        }
        let n_sources = config.mapping.len() + config.subscription.len() + config.schedule.len();
        ensure!(n_sources > 0, "nothing to pump: there is no [[mapping]], [[subscription]] or [[schedule]]");
        Ok(config)
    }

    /// Mappings from another source.
    ///
    /// # Errors
    /// The first field that is out of range.
    pub(super) fn of_mappings(mapping: Vec<Mapping>) -> Result<Self> {
        let config = Self { mapping, subscription: Vec::new(), schedule: Vec::new() };
        config.check_mappings().map(|()| config)
    }

    fn check_mappings(&self) -> Result<()> {
        for (i, mapping) in self.mapping.iter().enumerate() {
            mapping.check().with_context(|| format!("mapping {} ({})", i + 1, mapping.stream))?;
        }
        Ok(())
    }
}

fn within<N: PartialOrd + std::fmt::Display>(field: &str, value: N, range: RangeInclusive<N>) -> Result<()> {
    ensure!(range.contains(&value), "{field} is {value}; expected {} to {}", range.start(), range.end());
    Ok(())
}

impl Mapping {
    fn check(&self) -> Result<()> {
        within("batch_size", self.batch_size, 1..=limits::LAMBDA_BATCH_RECORDS)?;
        within(
            "parallelization_factor",
            self.parallelization_factor,
            1..=limits::LAMBDA_LANES_PER_SHARD as usize,
        )?;
        within("batching_window_s", self.batching_window_s, 0..=limits::LAMBDA_BATCHING_WINDOW_S)?;
        within(
            "maximum_retry_attempts",
            self.maximum_retry_attempts,
            -1..=limits::LAMBDA_RETRY_ATTEMPTS.into(),
        )?;
        let age_s = self.maximum_record_age_s;
        ensure!(
            age_s == -1 || (60..=limits::LAMBDA_RECORD_AGE_S.into()).contains(&age_s),
            "maximum_record_age_s is {age_s}; expected -1 for no limit, or 60 to {}",
            limits::LAMBDA_RECORD_AGE_S
        );
        Ok(())
    }

    /// The names of the stream and the function, without the rest of their ARNs.
    pub(super) fn names(&self) -> (&str, &str) {
        let stream = self.stream.rsplit('/').next().unwrap_or_default();
        (stream, self.function.split(":function:").last().unwrap_or_default())
    }

    /// The mapping in the pump's terms.
    pub(super) fn plan(&self, stream_arn: String, poll: Duration) -> PumpMapping {
        PumpMapping {
            name: self.name.clone().unwrap_or_else(|| format!("{}.{}", self.stream, self.function)),
            stream_arn,
            function: self.function.clone(),
            delivery: DeliveryPolicy {
                batch_size: self.batch_size,
                window_us: self.batching_window_s * 1_000_000,
                max_attempts: u32::try_from(self.maximum_retry_attempts).ok().map(|retries| retries + 1),
                max_record_age_us: u64::try_from(self.maximum_record_age_s).ok().map(|s| s * 1_000_000),
                bisect: self.bisect,
                partial_failures: self.partial_failures,
                ..DeliveryPolicy::default()
            },
            lanes_per_shard: self.parallelization_factor,
            start: match self.starting_position {
                Start::TrimHorizon => StartingPosition::TrimHorizon,
                Start::Latest => StartingPosition::Latest,
            },
            poll_us: u64::try_from(poll.as_micros()).unwrap_or(u64::MAX),
            discovery_us: DISCOVERY_US,
            checkpoint_us: CHECKPOINT_US,
        }
    }
}

#[cfg(test)]
mod tests;
