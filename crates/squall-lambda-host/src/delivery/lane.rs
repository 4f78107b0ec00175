//! A lane: one of the parallel readers of a shard. Its records wait for each other, so they are delivered in order, one
//! batch at a time; a partition key always goes to the same lane. Here are its queue and the loop that delivers it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::{Either, select};
use md5::{Digest as _, Md5};
use squall_core::ports::Clock;
use tokio::sync::Notify;

use super::{Batch, Condition, DeliveryPolicy, Handled, plan_redelivery, take_expired};

/// A record that a lane carries.
pub trait Carried {
    /// When it was put, microseconds; `None` if unknown, so that it is never too old.
    fn arrived_us(&self) -> Option<u64> {
        None
    }

    /// Its contribution to the size of an event, bytes.
    fn size_bytes(&self) -> usize {
        0
    }
}

/// The MD5 of a partition key, by which Kinesis places records
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html>).
pub fn key_hash(partition_key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key.as_bytes()).into())
}

/// The lane of a partition key among a shard's, from 0. Always the same one, so a key keeps its order.
pub fn lane_of(partition_key: &str, n_lanes: usize) -> usize {
    // AWS does not document how it assigns keys to lanes; bits that did not decide the shard spread evenly.
    usize::try_from((key_hash(partition_key) >> 64) % n_lanes.max(1) as u128).unwrap_or(0)
}

/// What [`LaneQueue::take`] found.
#[derive(Debug)]
pub enum Taken<R> {
    /// Records.
    Batch(Batch<R>),
    /// Nothing before this moment, unless something changes; `u64::MAX` is never.
    NotBefore(u64),
    /// No more records.
    Ended,
}

/// Records that wait for their delivery, in order.
#[derive(Debug)]
pub struct LaneQueue<R> {
    state: Mutex<State<R>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<R> {
    /// With the time at which each was pushed.
    waiting: VecDeque<(u64, R)>,
    is_closed: bool,
    is_stopped: bool,
}

impl<R> Default for LaneQueue<R> {
    fn default() -> Self {
        let state = State { waiting: VecDeque::new(), is_closed: false, is_stopped: false };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }
}

impl<R: Carried> LaneQueue<R> {
    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a record; its batching window starts at `now_us`.
    pub fn push(&self, record: R, now_us: u64) {
        self.state().waiting.push_back((now_us, record));
        self.changed.notify_one();
    }

    /// Marks the end of the records: the lane ends once those that are waiting are delivered.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_one();
    }

    /// Ends the lane after the delivery in progress.
    pub fn stop(&self) {
        self.state().is_stopped = true;
        self.changed.notify_one();
    }

    fn is_stopped(&self) -> bool {
        self.state().is_stopped
    }

    /// The next batch: once it is full, its window is over, or no more records will come. `None` when the lane has
    /// ended.
    pub async fn next_batch(&self, clock: &impl Clock, policy: &DeliveryPolicy) -> Option<Batch<R>> {
        loop {
            match self.take(policy, clock.now_us()) {
                Taken::Batch(batch) => return Some(batch),
                Taken::Ended => return None,
                Taken::NotBefore(until_us) => self.change_or(clock, until_us).await,
            }
        }
    }

    /// Takes the next batch if it is due.
    pub fn take(&self, policy: &DeliveryPolicy, now_us: u64) -> Taken<R> {
        let mut state = self.state();
        if state.is_stopped || (state.is_closed && state.waiting.is_empty()) {
            return Taken::Ended;
        }
        let Some((since_us, _)) = state.waiting.front() else { return Taken::NotBefore(u64::MAX) };
        let until_us = since_us.saturating_add(policy.window_us);
        let n_records = state.n_in_batch(policy);
        let is_full = n_records < state.waiting.len() || n_records >= policy.batch_size.max(1);
        if !is_full && !state.is_closed && until_us > now_us {
            return Taken::NotBefore(until_us);
        }
        Taken::Batch(Batch::new(state.waiting.drain(..n_records).map(|(_, record)| record).collect()))
    }

    /// Returns when something may have changed since the last [`take`](LaneQueue::take).
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Returns when something changes or, at the latest, at a moment; `u64::MAX` is never.
    async fn change_or(&self, clock: &impl Clock, until_us: u64) {
        if until_us == u64::MAX {
            return self.changed().await;
        }
        let changed = std::pin::pin!(self.changed());
        let sleep = std::pin::pin!(clock.sleep_until(until_us));
        select(changed, sleep).await;
    }

    /// Waits, unless the lane is stopped.
    async fn pause(&self, clock: &impl Clock, until_us: u64) {
        let mut sleep = std::pin::pin!(clock.sleep_until(until_us));
        while !self.is_stopped() {
            let changed = std::pin::pin!(self.changed());
            if let Either::Right(_) = select(changed, sleep.as_mut()).await {
                return;
            }
        }
    }
}

impl<R: Carried> State<R> {
    /// Number of the waiting records that make a batch.
    fn n_in_batch(&self, policy: &DeliveryPolicy) -> usize {
        let mut bytes = 0_usize;
        let fits = |(_, record): &&(u64, R)| {
            bytes = bytes.saturating_add(record.size_bytes());
            bytes <= policy.batch_bytes
        };
        self.waiting.iter().take(policy.batch_size.max(1)).take_while(fits).count().max(1)
    }
}

/// The outcome of records.
#[derive(Debug)]
pub enum Settled<R> {
    /// The function processed them.
    Done(Vec<R>),
    /// They were given up.
    GivenUp(GivenUp<R>),
}

/// Records that go to the on-failure destination.
#[derive(Debug)]
pub struct GivenUp<R> {
    /// In the order of the lane.
    pub records: Vec<R>,
    /// The reason.
    pub condition: Condition,
    /// How often they were delivered.
    pub n_deliveries: u32,
    /// The function's last answer; empty if it was never invoked.
    pub reason: String,
}

/// Delivers a lane's records, one batch at a time, until it ends. Every record is settled exactly once, unless the lane
/// is stopped before.
pub async fn run_lane<R: Carried>(
    clock: &impl Clock,
    policy: &DeliveryPolicy,
    lane: &LaneQueue<R>,
    deliver: &impl AsyncFn(&Batch<R>) -> (Handled, String),
    settle: &impl AsyncFn(Settled<R>),
) {
    while let Some(batch) = lane.next_batch(clock, policy).await {
        let mut reason = String::new();
        let mut batches = vec![batch];
        while let Some(mut batch) = batches.pop() {
            let n_deliveries = batch.attempt - 1;
            let records = take_expired(policy, &mut batch, clock.now_us(), R::arrived_us);
            if !records.is_empty() {
                let condition = Condition::RecordAgeExceeded;
                let reason = reason.clone();
                settle(Settled::GivenUp(GivenUp { records, condition, n_deliveries, reason })).await;
            }
            if batch.records.is_empty() {
                continue;
            }
            if lane.is_stopped() {
                return;
            }
            let n_deliveries = batch.attempt;
            let (handled, said) = deliver(&batch).await;
            reason = said;
            let plan = plan_redelivery(policy, batch, handled);
            if !plan.done.is_empty() {
                settle(Settled::Done(plan.done)).await;
            }
            if !plan.lost.is_empty() {
                let condition = Condition::RetryAttemptsExhausted;
                let reason = reason.clone();
                settle(Settled::GivenUp(GivenUp { records: plan.lost, condition, n_deliveries, reason }))
                    .await;
            }
            batches.extend(plan.again.into_iter().rev());
            if plan.wait_us > 0 {
                lane.pause(clock, clock.now_us().saturating_add(plan.wait_us)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
