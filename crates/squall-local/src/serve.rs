//! AWS's part around the steps: delivers the message, runs the lanes, keeps the timer.

use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use squall_core::job::JobId;
use squall_core::lifecycle::Closing;
use squall_core::ports::{Clock, GivenUpRecords, JobStore, PortError, chain};
use squall_grid::{
    CollectConfig, ConsumeConfig, Ends, InputCache, SplitConfig, SplitOutcome, close, close_if_due, collect,
    consume, split, sweep, take_back,
};

use crate::host::Host;
use squall_lambda_host::delivery::lane::{GivenUp, Settled, run_lane};
use squall_lambda_host::delivery::{Batch, DeliveryPolicy, Handled};
use squall_memory::{Memory, Record, Stream};

/// Most jobs that the timer tends at a time.
const SWEEP_JOBS: usize = 1_000;

/// The configuration of every step, and how what is around them delivers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServeConfig {
    /// The splitter's configuration.
    pub split: SplitConfig,
    /// The consumers'.
    pub consume: ConsumeConfig,
    /// The collector's.
    pub collect: CollectConfig,
    /// How the task stream's lanes deliver.
    pub task_delivery: DeliveryPolicy,
    /// How the result stream's lanes deliver.
    pub result_delivery: DeliveryPolicy,
    /// How long a consumer may run, microseconds.
    pub consumer_timeout_us: u64,
    /// Deliveries of a message before it is given up.
    pub message_attempts: u32,
    /// How often the timer looks for jobs past their deadline, microseconds.
    pub timer_period_us: u64,
}

/// Delivers a message to the splitter until it succeeds. `None` if every delivery failed.
pub async fn deliver<H: Host>(
    host: &H,
    config: &ServeConfig,
    inputs: &InputCache,
    message: &[u8],
    delivery: &JobId,
) -> Result<SplitOutcome, PortError> {
    let mut attempt = 1;
    loop {
        let step =
            async |ports: &H::Ports| split(ports, inputs, &config.split, message, delivery.clone()).await;
        let outcome = match host.invocation(step).await {
            Some(Ok(outcome)) => return Ok(outcome),
            Some(Err(error)) => error,
            None => PortError::unknown("the splitter died"),
        };
        if attempt >= config.message_attempts || matches!(outcome, PortError::Permanent { .. }) {
            return Err(outcome);
        }
        let wait_us = config.task_delivery.backoff_us << attempt.min(10);
        host.clock().sleep_until(host.clock().now_us() + wait_us).await;
        attempt += 1;
    }
}

/// A record that was given up, and the reason of the last failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The record.
    pub record: Record,
    /// Why it could not be handled.
    pub reason: String,
}

/// Runs every lane of both streams and the timer, for all jobs, forever; records that were given up go to `lost`.
pub async fn serve<H: Host>(
    host: &H,
    config: &ServeConfig,
    memory: &Memory,
    inputs: &InputCache,
    lost: &impl Fn(Lost),
) {
    let consume_one = async |batch: &Batch<Record>| {
        let step = async |ports: &H::Ports| {
            let deadline_us = ports.now_us().saturating_add(config.consumer_timeout_us);
            for (position, record) in batch.records.iter().enumerate() {
                let consumed = consume(ports, inputs, &config.consume, &record.data, deadline_us).await;
                if let Err(error) = consumed {
                    return (Handled::UpTo(position), chain(&error));
                }
            }
            (Handled::All, String::new())
        };
        host.invocation(step).await.unwrap_or_else(died)
    };
    let collect_batch = async |batch: &Batch<Record>| {
        let step =
            async |ports: &H::Ports| collect(ports, inputs, &config.collect, &batch.records).await.failed;
        match host.invocation(step).await {
            None => died(),
            Some(failed) => match failed.into_iter().min() {
                None => (Handled::All, String::new()),
                Some((first, reason)) => (Handled::UpTo(first), reason),
            },
        }
    };
    let timer = async {
        loop {
            let now_us = host.clock().now_us();
            host.clock().sleep_until(now_us + config.timer_period_us).await;
            let step = async |ports: &H::Ports| {
                take_back(ports, inputs, &config.collect, SWEEP_JOBS, u64::MAX).await?;
                sweep(ports, inputs.registry(), &config.collect.prices, SWEEP_JOBS, u64::MAX).await.map(drop)
            };
            // The next tick is the retry.
            let _ = host.invocation(step).await;
        }
    };
    let mut running: FuturesUnordered<LocalBoxFuture<'_, ()>> = FuturesUnordered::new();
    for lane in 0..memory.tasks.n_lanes() {
        let policy = &config.task_delivery;
        running.push(Box::pin(run_memory_lane(
            host,
            memory,
            &memory.tasks,
            (lane, policy),
            &consume_one,
            lost,
        )));
    }
    for lane in 0..memory.results.n_lanes() {
        let policy = &config.result_delivery;
        running.push(Box::pin(run_memory_lane(
            host,
            memory,
            &memory.results,
            (lane, policy),
            &collect_batch,
            lost,
        )));
    }
    running.push(Box::pin(timer));
    while running.next().await.is_some() {}
}

/// Ends a job whose streams are empty, whatever is missing. Returns when it has ended.
pub(crate) async fn close_now<H: Host>(
    host: &H,
    config: &ServeConfig,
    inputs: &InputCache,
    job: &JobId,
    closing: Closing,
) {
    let prices = &config.collect.prices;
    loop {
        let step = async |ports: &H::Ports| {
            // What was given up, with its reason, is part of the answer.
            take_back(ports, inputs, &config.collect, SWEEP_JOBS, u64::MAX).await?;
            match ports.job(job).await? {
                Some(row) if row.ending.is_none() => {
                    let due =
                        close_if_due(ports, &Ends::new(inputs.registry(), prices), &row, &mut Vec::new())
                            .await?;
                    if due == Closing::NotYet {
                        close(ports, inputs.registry(), &row, closing).await?;
                    }
                    Ok(())
                }
                _ => Ok::<(), PortError>(()),
            }
        };
        match host.invocation(step).await {
            Some(Ok(()) | Err(PortError::Permanent { .. })) => return,
            _ => {
                let now_us = host.clock().now_us();
                host.clock().sleep_until(now_us + 100_000).await;
            }
        }
    }
}

async fn run_memory_lane<H: Host>(
    host: &H,
    memory: &Memory,
    stream: &Stream,
    (lane, policy): (usize, &DeliveryPolicy),
    deliver: &impl AsyncFn(&Batch<Record>) -> (Handled, String),
    lost: &impl Fn(Lost),
) {
    let settle = async |settled: Settled<Record>| match settled {
        Settled::Done(records) => stream.checkpoint(records.len()),
        Settled::GivenUp(GivenUp { records, reason, n_deliveries, condition }) => {
            let kept = GivenUpRecords {
                records: records.iter().map(|record| record.data.to_vec()).collect(),
                n_deliveries,
                reason: format!("{}, deliveries: {n_deliveries}: {reason}", condition.as_str()),
            };
            memory.give_up(kept, host.clock().now_us());
            stream.checkpoint(records.len());
            records.into_iter().for_each(|record| lost(Lost { record, reason: reason.clone() }));
        }
    };
    run_lane(host.clock(), policy, stream.lane(lane), deliver, &settle).await;
}

fn died() -> (Handled, String) {
    (Handled::Nothing, "the function died".to_owned())
}
