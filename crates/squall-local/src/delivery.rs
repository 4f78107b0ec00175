//! What becomes of a batch that a lane handed to its function: the rules of Lambda's event source mappings for streams
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-errors.html>).

use crate::memory::Record;

/// How a lane delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryPolicy {
    /// Records in a batch at most.
    pub batch_size: usize,
    /// Deliveries of a record before it goes to the on-failure destination.
    pub max_attempts: u32,
    /// Wait before a batch is delivered again, microseconds; doubles with each attempt.
    pub backoff_us: u64,
}

/// Records that are delivered together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// In the order of the lane.
    pub records: Vec<Record>,
    /// Which delivery this is, from 1.
    pub attempt: u32,
}

/// How the function fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// It took in every record.
    All,
    /// It took in every record before this position (`ReportBatchItemFailures`).
    UpTo(usize),
    /// It failed as a whole.
    Nothing,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Redelivery {
    /// Records that are done with.
    pub n_done: usize,
    /// Batches to deliver, in order, before anything else of the lane.
    pub again: Vec<Batch>,
    /// Records that go to the on-failure destination.
    pub lost: Vec<Record>,
    /// How long to wait first, microseconds.
    pub wait_us: u64,
}

/// Decides what follows a delivery.
///
/// Everything from the first failed record on is delivered again. A batch that fails as a whole is bisected, which costs
/// no attempt, until the record that breaks it stands alone.
pub fn plan_redelivery(policy: &DeliveryPolicy, batch: Batch, handled: Handled) -> Redelivery {
    let Batch { mut records, attempt } = batch;
    let n_good = match handled {
        Handled::All => records.len(),
        Handled::UpTo(position) => position.min(records.len()),
        Handled::Nothing => 0,
    };
    let mut rest = records.split_off(n_good);
    let mut plan = Redelivery { n_done: n_good, ..Redelivery::default() };
    if rest.is_empty() {
        return plan;
    }
    // Behind records that ended well, another record is at fault: it has been delivered once.
    let attempt = if n_good > 0 { 1 } else { attempt };
    let wait_us = policy.backoff_us.saturating_mul(1 << attempt.min(10));
    if handled == Handled::Nothing && rest.len() > 1 {
        let second = rest.split_off(rest.len() / 2);
        plan.again = vec![Batch { records: rest, attempt }, Batch { records: second, attempt }];
        plan.wait_us = wait_us;
    } else if attempt < policy.max_attempts {
        plan.again = vec![Batch { records: rest, attempt: attempt + 1 }];
        plan.wait_us = wait_us;
    } else {
        // What is given up is not waited for.
        let others = rest.split_off(1);
        plan.lost = rest;
        if !others.is_empty() {
            plan.again = vec![Batch { records: others, attempt: 1 }];
        }
    }
    plan
}

#[cfg(test)]
mod tests;
