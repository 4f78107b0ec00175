//! Puts records on the streams, as fast as the shards take them, and again those that they refuse.
//!
//! The one exception to the rule that a step does not retry a port: whole lanes put their results at the same moment, so a stream
//! that refuses is usual, and delivering the task again would compute it again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::pin;

use futures::future::{Either, select};
use futures::stream::{FuturesUnordered, StreamExt};
use squall_core::outbox::{Item, NextPut, Outbox, TooLarge, plan_put_again, record_bytes};
use squall_core::placement::ShardRange;
use squall_core::ports::{Clock, NotPut, PortError, ResultQueue, TaskPut, TaskQueue, chain};

/// Longest that a result is put again, microseconds.
const RESULT_PATIENCE_US: u64 = 60_000_000;

/// Time between two marks of how many records are on the stream, microseconds.
const MARK_EVERY_US: u64 = 500_000;

/// Longest wait for one, microseconds.
const MARK_WITHIN_US: u64 = 200_000;

/// Puts records on the task stream, each at least once. The heaviest task of each shard should come first. Now and then `mark` is told
/// how many of the first records are on the stream without a gap.
///
/// # Errors
/// Permanent when a record is too large. Unknown when not all are known to be on the stream: a call failed, or a shard refused
/// everything for about 20 seconds.
pub async fn put_tasks<P: TaskQueue + Clock>(
    ports: &P,
    shards: &[ShardRange],
    records: &[TaskPut],
    mark: impl AsyncFn(usize),
) -> Result<(), PortError> {
    let item = |TaskPut { placement, data }: &TaskPut| {
        let shard = shards.partition_point(|shard| shard.last < placement.hash_key);
        let shard = shard.min(shards.len().saturating_sub(1));
        Ok(Item { shard, bytes: record_bytes(&placement.partition_key, data).map_err(too_large)? })
    };
    let items = records.iter().map(item).collect::<Result<_, PortError>>()?;
    let mut outbox = Outbox::new(items, shards.len(), jitter_seed(records), ports.now_us());
    let mut calls = FuturesUnordered::new();
    let mut why = String::new();
    let mut marked = (ports.now_us(), 0);
    loop {
        match outbox.next(ports.now_us()) {
            NextPut::Call(batch) => calls.push(call(ports, records, batch)),
            NextPut::Wait { until_us } => {
                let Some(answer) = until(ports, &mut calls, until_us).await else { continue };
                let Answer { batch, refused, reason } = answer?;
                outbox.settle(ports.now_us(), &batch, &refused);
                why = reason.unwrap_or(why);
                let (now_us, n_put) = (ports.now_us(), outbox.n_first_put());
                if now_us >= marked.0 + MARK_EVERY_US && n_put > marked.1 {
                    // A store that is slow must not hold up the stream.
                    let waited = ports.sleep_until(now_us.saturating_add(MARK_WITHIN_US));
                    select(pin!(mark(n_put)), pin!(waited)).await;
                    marked = (ports.now_us(), n_put);
                }
            }
            NextPut::Done => return Ok(()),
            NextPut::GiveUp { n_left, rounds } => {
                return Err(PortError::unknown(format!(
                    "{n_left} of {} tasks are not on their stream: a shard refused {rounds} times in a row: {why}",
                    records.len(),
                )));
            }
        }
    }
}

/// The first answer, or `None` once it is `until_us`.
async fn until<C: Future>(
    clock: &impl Clock,
    calls: &mut FuturesUnordered<C>,
    until_us: Option<u64>,
) -> Option<C::Output> {
    let Some(until_us) = until_us else { return calls.next().await };
    if calls.is_empty() {
        clock.sleep_until(until_us).await;
        return None;
    }
    match select(pin!(calls.next()), pin!(clock.sleep_until(until_us))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => None,
    }
}

/// The outcome of a call.
struct Answer {
    batch: Vec<usize>,
    /// Those of the batch that are not on the stream.
    refused: Vec<usize>,
    /// Why the last of them is not.
    reason: Option<String>,
}

async fn call<P: TaskQueue>(ports: &P, records: &[TaskPut], batch: Vec<usize>) -> Result<Answer, PortError> {
    let put: Vec<_> = batch.iter().map(|&index| &records[index]).collect();
    match ports.put_tasks(&put).await {
        Ok(not_put) => {
            let refused = not_put.iter().filter_map(|it| batch.get(it.index).copied()).collect();
            let reason = not_put.into_iter().next_back().map(|NotPut { reason, .. }| reason);
            Ok(Answer { batch, refused, reason })
        }
        Err(error @ PortError::Refused { .. }) => {
            Ok(Answer { refused: batch.clone(), batch, reason: Some(chain(&error)) })
        }
        Err(error) => Err(error),
    }
}

/// Puts a result on its stream, at least once, and again while the stream refuses or does not answer: until `until_us`, and for a
/// minute at most.
///
/// # Errors
/// Permanent when the record is too large; the last error of the stream.
pub async fn put_result<P: ResultQueue + Clock>(
    ports: &P,
    partition_key: &str,
    record: Vec<u8>,
    until_us: u64,
) -> Result<(), PortError> {
    record_bytes(partition_key, &record).map_err(too_large)?;
    let until_us = until_us.min(ports.now_us().saturating_add(RESULT_PATIENCE_US));
    let mut n_refusals = 0;
    loop {
        let error = match ports.put_result(partition_key, &record).await {
            Ok(()) => return Ok(()),
            Err(error @ PortError::Permanent { .. }) => return Err(error),
            Err(error) => error,
        };
        n_refusals += 1;
        let again_us = ports.now_us().saturating_add(plan_put_again(n_refusals, (partition_key, &record)));
        if again_us >= until_us {
            return Err(error);
        }
        ports.sleep_until(again_us).await;
    }
}

fn too_large(error: TooLarge) -> PortError {
    PortError::permanent(error.to_string())
}

/// Different for different jobs, so that splitters that are refused together do not retry together.
fn jitter_seed(records: &[TaskPut]) -> u64 {
    let mut hasher = DefaultHasher::new();
    records.first().map(|it| &it.placement.partition_key).hash(&mut hasher);
    hasher.finish()
}
