//! Shard-consumer: from a batch of task records, normally of one, to results on the stream.

use aws_lambda_events::kinesis::{KinesisEvent, KinesisRecord};
use aws_lambda_events::streams::KinesisEventResponse;
use lambda_runtime::LambdaEvent;
use squall_core::ports::{BlobStore, Clock, JobStore, ResultQueue, Workers, chain};
use squall_core::wire::{Message, TaskRecord};
use squall_grid::{ConsumeConfig, ConsumeError, Consumed, InputCache, consume};
use tracing::{error, info, warn};

use crate::emf;
use crate::failure::Failure;

/// Takes one task after another, and stops at the first without a result: only that one is reported, and Lambda
/// delivers it and those after it again
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html>).
///
/// # Errors
/// None: failures are reported per batch item.
pub async fn handle<P>(
    ports: &P,
    inputs: &InputCache,
    config: &ConsumeConfig,
    event: LambdaEvent<KinesisEvent>,
) -> Result<KinesisEventResponse, Failure>
where
    P: JobStore + BlobStore + Workers + ResultQueue + Clock,
{
    let deadline_us = deadline_us(event.context.deadline, ports.now_us());
    let mut response = KinesisEventResponse::default();
    for (position, record) in event.payload.records.iter().enumerate() {
        let record = &record.kinesis;
        // A task that would run out of time is better delivered again. The first gets all the time there is.
        if position > 0 && ports.now_us().saturating_add(config.cascade.guard_us) >= deadline_us {
            response.add_failure(&record.sequence_number);
            break;
        }
        let consumed = consume(ports, inputs, config, &record.data, deadline_us).await;
        note(record, &consumed);
        if consumed.is_err() {
            emf::task_failed();
            response.add_failure(&record.sequence_number);
            break;
        }
    }
    Ok(response)
}

/// An invocation's deadline, from its context's milliseconds since 1970. A past deadline counts as unknown: some hosts
/// give none, or one long ago.
pub(crate) fn deadline_us(deadline_ms: u64, now_us: u64) -> u64 {
    match deadline_ms.saturating_mul(1_000) {
        passed if passed <= now_us => u64::MAX,
        deadline_us => deadline_us,
    }
}

fn note(record: &KinesisRecord, consumed: &Result<Consumed, ConsumeError>) {
    let task = TaskRecord::from_bytes(&record.data).ok();
    let job = task.as_ref().map(|task| task.job.as_str());
    let index = task.as_ref().map(|task| task.index);
    match consumed {
        Ok(Consumed::Published { n_failures, receipt, throttles, times }) => {
            emf::task(*n_failures, receipt, throttles, times);
            if *n_failures == 0 {
                info!(job, task = index, "published");
            } else {
                warn!(job, task = index, n_failures, "published, with subtasks that have no value");
            }
        }
        Ok(Consumed::Dropped(admission)) => {
            emf::task_dropped();
            info!(job, task = index, ?admission, "dropped");
        }
        Err(error) => {
            let KinesisRecord { partition_key, sequence_number, .. } = record;
            error!(job, task = index, partition_key, sequence_number, "no result: {}", chain(error));
        }
    }
}

#[cfg(test)]
mod tests;
