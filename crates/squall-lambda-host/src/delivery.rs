//! What follows a batch's delivery to the function: the rules of Lambda's event source mappings for streams
//! (<https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html>).
//!
//! The streams in memory and the pump deliver by the same rules, and by the same lane ([`lane`]).

pub mod lane;

/// How a lane delivers. The default is Lambda's for a mapping with no settings
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryPolicy {
    /// Most records in a batch.
    pub batch_size: usize,
    /// Most bytes of a batch, as an event; a single record may be larger.
    pub batch_bytes: usize,
    /// How long to collect a batch that is not full, microseconds from its first record.
    pub window_us: u64,
    /// Deliveries of a record before it is given up (`MaximumRetryAttempts` + 1); `None` retries forever.
    pub max_attempts: Option<u32>,
    /// A record that is older is given up instead of being delivered, microseconds; `None` is no limit.
    pub max_record_age_us: Option<u64>,
    /// Whether a batch that fails as a whole is halved (`BisectBatchOnFunctionError`).
    pub bisect: bool,
    /// Whether the function may report where it failed (`ReportBatchItemFailures`); such reports are ignored otherwise.
    pub partial_failures: bool,
    /// Wait before a batch is delivered again, microseconds; doubles with each attempt.
    pub backoff_us: u64,
}

/// What an event may hold: the payload of a synchronous invocation.
const EVENT_BYTES: usize = squall_core::limits::LAMBDA_REQUEST_BYTES;

impl Default for DeliveryPolicy {
    fn default() -> Self {
        Self {
            batch_size: 100,
            batch_bytes: EVENT_BYTES,
            window_us: 0,
            max_attempts: None,
            max_record_age_us: None,
            bisect: false,
            partial_failures: false,
            backoff_us: 50_000,
        }
    }
}

/// Records that are delivered together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch<R> {
    /// In the order of the lane.
    pub records: Vec<R>,
    /// Number of this delivery, from 1.
    pub attempt: u32,
    /// How often in a row the function was unavailable for it.
    pub n_refused: u32,
}

impl<R> Batch<R> {
    /// A batch that is delivered for the first time.
    pub fn new(records: Vec<R>) -> Self {
        Self { records, attempt: 1, n_refused: 0 }
    }

    fn again(records: Vec<R>, attempt: u32) -> Self {
        Self { records, attempt, n_refused: 0 }
    }
}

/// The outcome of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// The function processed every record.
    All,
    /// The function processed every record before this position.
    UpTo(usize),
    /// The function failed as a whole.
    Nothing,
    /// The function was throttled or unreachable: it never saw the batch.
    Refused,
}

/// Why a record was given up, in Lambda's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The function failed as often as it may.
    RetryAttemptsExhausted,
    /// The record is older than the mapping allows.
    RecordAgeExceeded,
}

impl Condition {
    /// Its spelling in an invocation record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
        }
    }
}

/// What to do after a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redelivery<R> {
    /// Records that are finished.
    pub done: Vec<R>,
    /// Batches to deliver, in order, before anything else of the lane.
    pub again: Vec<Batch<R>>,
    /// Records that go to the on-failure destination.
    pub lost: Vec<R>,
    /// How long to wait first, microseconds.
    pub wait_us: u64,
}

impl<R> Default for Redelivery<R> {
    fn default() -> Self {
        Self { done: Vec::new(), again: Vec::new(), lost: Vec::new(), wait_us: 0 }
    }
}

/// Decides what follows a delivery.
///
/// Everything from the first failed record on is delivered again. With `bisect`, a batch that fails as a whole is
/// halved, which costs no attempt, until the record that breaks it stands alone; and of a batch that names the record
/// at which it fails only that one is given up. Without, the whole rest of the batch is given up together. Being
/// refused costs no attempt.
///
/// AWS does not document whether progress within a batch restarts the count of attempts; here it does, because then
/// another record is at fault.
pub fn plan_redelivery<R>(policy: &DeliveryPolicy, batch: Batch<R>, handled: Handled) -> Redelivery<R> {
    let Batch { mut records, attempt, n_refused } = batch;
    let n_good = match handled {
        Handled::All => records.len(),
        Handled::UpTo(_) if !policy.partial_failures => records.len(),
        Handled::UpTo(position) => position.min(records.len()),
        Handled::Nothing | Handled::Refused => 0,
    };
    let mut rest = records.split_off(n_good);
    let mut plan = Redelivery { done: records, ..Redelivery::default() };
    if rest.is_empty() {
        return plan;
    }
    if handled == Handled::Refused {
        let n_refused = n_refused.saturating_add(1);
        plan.wait_us = backoff_us(policy, n_refused);
        plan.again = vec![Batch { records: rest, attempt, n_refused }];
        return plan;
    }
    // After records that succeeded, another record is at fault: it has been delivered once.
    let attempt = if n_good > 0 { 1 } else { attempt };
    if handled == Handled::Nothing && policy.bisect && rest.len() > 1 {
        let second = rest.split_off(rest.len() / 2);
        plan.again = vec![Batch::again(rest, attempt), Batch::again(second, attempt)];
        plan.wait_us = backoff_us(policy, attempt);
    } else if policy.max_attempts.is_none_or(|most| attempt < most) {
        plan.again = vec![Batch::again(rest, attempt.saturating_add(1))];
        plan.wait_us = backoff_us(policy, attempt);
    } else {
        // There is no wait for records that are given up.
        let others = if policy.bisect { rest.split_off(1) } else { Vec::new() };
        plan.lost = rest;
        if !others.is_empty() {
            plan.again = vec![Batch::new(others)];
        }
    }
    plan
}

fn backoff_us(policy: &DeliveryPolicy, n_times: u32) -> u64 {
    policy.backoff_us.saturating_mul(1 << n_times.min(10))
}

/// Removes the records that are too old to be delivered from a batch; both parts keep their order.
pub fn take_expired<R>(
    policy: &DeliveryPolicy,
    batch: &mut Batch<R>,
    now_us: u64,
    arrived_us: impl Fn(&R) -> Option<u64>,
) -> Vec<R> {
    let Some(most_us) = policy.max_record_age_us else { return Vec::new() };
    let is_old =
        |record: &R| arrived_us(record).is_some_and(|arrived| now_us.saturating_sub(arrived) > most_us);
    let (old, young) = std::mem::take(&mut batch.records).into_iter().partition(is_old);
    batch.records = young;
    old
}

#[cfg(test)]
mod tests;
