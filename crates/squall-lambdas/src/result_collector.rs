//! Result-collector: from a batch of result records to merged buckets; and the timer's work.

use std::collections::BTreeMap;

use aws_lambda_events::kinesis::{KinesisEvent, KinesisEventRecord};
use aws_lambda_events::streams::KinesisEventResponse;
use lambda_runtime::LambdaEvent;
use serde::Deserialize;
use serde_json::{Map, Value};
use squall_core::ports::{BlobStore, Clock, GivenUpStore, JobEvents, JobList, JobStore, Order, chain};
use squall_core::rows::JobStatus;
use squall_grid::{CollectConfig, Collected, InputCache, TakenBack, collect, sweep, take_back};
use tracing::{error, info, warn};

use crate::emf;
use crate::failure::Failure;
use crate::shard_consumer::deadline_us;

/// Most running jobs that one tick tends, the oldest first; the next tick comes soon.
const MOST_JOBS_PER_TICK: usize = 10_000;
/// Most batches of records that one tick takes back to their jobs.
const MOST_BATCHES_PER_TICK: usize = 20_000;
/// While no job runs, what was given up is looked at once in so many minutes.
const TICKS_WHEN_IDLE: u64 = 60;
const MINUTE_US: u64 = 60_000_000;
/// No job is started when less time than this is left: ending one merges its buckets.
pub(crate) const TICK_GUARD_US: u64 = 10_000_000;

/// The `detail-type` of the timer, as EventBridge's rules and schedules send it
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html>).
pub(crate) const SCHEDULED: &str = "Scheduled Event";

/// The events that invoke the collector.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Shape")]
pub enum CollectorEvent {
    /// Results, from the stream.
    Batch(KinesisEvent),
    /// The timer.
    Tick,
}

/// The fields that distinguish the two. Read in one pass: a batch can be megabytes.
#[derive(Deserialize)]
#[serde(expecting = "a batch of a stream or a scheduled event")]
struct Shape {
    #[serde(rename = "Records")]
    records: Option<Vec<KinesisEventRecord>>,
    #[serde(rename = "detail-type")]
    detail_type: Option<String>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl TryFrom<Shape> for CollectorEvent {
    type Error = String;

    fn try_from(shape: Shape) -> Result<Self, String> {
        let found = match (shape.records, shape.detail_type) {
            (Some(records), None) => {
                let mut event = KinesisEvent::default();
                event.records = records;
                return Ok(Self::Batch(event));
            }
            (None, Some(kind)) if kind == SCHEDULED => return Ok(Self::Tick),
            (Some(_), Some(_)) => "both `Records` and `detail-type`".to_owned(),
            (None, Some(kind)) => format!("the `detail-type` `{kind}`"),
            (None, None) if shape.other.is_empty() => "an object without fields".to_owned(),
            (None, None) => {
                let fields: Vec<_> = shape.other.keys().map(|field| format!("`{field}`")).collect();
                format!("an object with the fields {}", fields.join(", "))
            }
        };
        Err(format!("{found}; expected `Records` of a stream or the `detail-type` `{SCHEDULED}`"))
    }
}

/// Merges a batch, or tends the running jobs. The records that could not be merged are reported, the lowest first: from
/// there on Lambda delivers again, and results already merged are not merged twice.
///
/// # Errors
/// When the running jobs cannot be listed.
pub async fn handle<P>(
    ports: &P,
    inputs: &InputCache,
    config: &CollectConfig,
    event: LambdaEvent<CollectorEvent>,
) -> Result<KinesisEventResponse, Failure>
where
    P: JobStore + JobList + BlobStore + GivenUpStore + JobEvents + Clock,
{
    match event.payload {
        CollectorEvent::Batch(batch) => {
            // Half of the time is left to say which records failed.
            let now_us = ports.now_us();
            let left_us = deadline_us(event.context.deadline, now_us).saturating_sub(now_us);
            let config = CollectConfig { patience_us: config.patience_us.min(left_us / 2), ..*config };
            Ok(collect_batch(ports, inputs, &config, &batch).await)
        }
        CollectorEvent::Tick => {
            let until_us = deadline_us(event.context.deadline, ports.now_us()).saturating_sub(TICK_GUARD_US);
            tick(ports, inputs, config, until_us).await.map(|()| KinesisEventResponse::default())
        }
    }
}

async fn collect_batch<P>(
    ports: &P,
    inputs: &InputCache,
    config: &CollectConfig,
    event: &KinesisEvent,
) -> KinesisEventResponse
where
    P: JobStore + BlobStore + JobEvents + Clock,
{
    let batch: Vec<&[u8]> = event.records.iter().map(|record| record.kinesis.data.as_slice()).collect();
    let mut collected = collect(ports, inputs, config, &batch).await;
    collected.failed.sort_unstable();
    let now_us = ports.now_us();
    let arrivals =
        event.records.iter().map(|record| record.kinesis.approximate_arrival_timestamp.timestamp_micros());
    let arrived_us = arrivals.min().and_then(|us| u64::try_from(us).ok()).unwrap_or(now_us);
    emf::collected(&collected, arrived_us, now_us);
    let sequence_number = |position: usize| event.records[position].kinesis.sequence_number.as_str();
    log(batch.len(), &collected, sequence_number);
    let mut response = KinesisEventResponse::default();
    response.set_failures(collected.failed.iter().map(|(position, _)| sequence_number(*position)));
    response
}

fn log<'a>(n_records: usize, collected: &Collected, sequence_number: impl Fn(usize) -> &'a str) {
    let Collected { n_merged, n_duplicates, n_late, n_races, ended, failed } = collected;
    let (n_ended, n_failed) = (ended.len(), failed.len());
    info!(n_records, n_merged, n_duplicates, n_late, n_races, n_ended, n_failed, "collected");
    // One line per reason: a store that does not answer fails every record.
    let mut reasons: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (position, reason) in failed {
        reasons.entry(reason).or_default().push(*position);
    }
    for (reason, positions) in reasons {
        let first_sequence_number = positions.first().map(|position| sequence_number(*position));
        error!(n_records = positions.len(), first_sequence_number, "not merged: {reason}");
    }
}

async fn tick<P>(ports: &P, inputs: &InputCache, config: &CollectConfig, until_us: u64) -> Result<(), Failure>
where
    P: JobStore + JobList + BlobStore + GivenUpStore + JobEvents + Clock,
{
    let swept = sweep(ports, inputs.registry(), &config.prices, MOST_JOBS_PER_TICK, until_us).await;
    let swept = swept.map_err(|error| Failure::port("cannot list the running jobs", &error))?;
    emf::swept(&swept);
    let (n_ended, n_failed) = (swept.ended.len(), swept.failed.len());
    info!(n_jobs = swept.n_tended, n_left = swept.n_left, n_ended, n_failed, "tended");
    for (job, error) in &swept.failed {
        warn!(%job, "not tended, until the next tick: {}", chain(error));
    }
    reclaim(ports, inputs, config, until_us).await
}

/// Books what both streams gave up.
async fn reclaim<P>(
    ports: &P,
    inputs: &InputCache,
    config: &CollectConfig,
    until_us: u64,
) -> Result<(), Failure>
where
    P: JobStore + JobList + BlobStore + GivenUpStore + JobEvents + Clock,
{
    let running = ports.jobs(JobStatus::Running, Order::OldestFirst, 1).await;
    let is_idle = running.map_err(|error| Failure::port("cannot list the running jobs", &error))?.is_empty();
    // Records of jobs that have ended are only removed, which is not urgent.
    if is_idle && !(ports.now_us() / MINUTE_US).is_multiple_of(TICKS_WHEN_IDLE) {
        return Ok(());
    }
    let taken = take_back(ports, inputs, config, MOST_BATCHES_PER_TICK, until_us).await;
    let taken = taken.map_err(|error| Failure::port("cannot list what was given up", &error))?;
    let TakenBack { n_tasks, n_results, n_late, n_left, ended, failed } = &taken;
    if *n_tasks + *n_results + *n_late + *n_left > 0 {
        warn!(n_tasks, n_results, n_late, n_left, n_ended = ended.len(), "taken back what was given up");
    }
    emf::ended(ended);
    // One line per reason, with the first of them.
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (batch, reason) in failed {
        reasons.entry(reason).or_default().push(batch);
    }
    for (reason, batches) in reasons {
        error!(
            n_batches = batches.len(),
            first = batches.first(),
            "not taken back, until the next tick: {reason}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
