//! When a job ends, and with which status.

use crate::code::CodeVersion;
use crate::collate::{Missing, Received, Shortfall, prove};
use crate::rows::{JobRow, JobStatus, Published};
use crate::sizing::counted;

/// Whether to end a job now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// Tasks are outstanding.
    NotYet,
    /// It has ended already.
    Ended,
    /// Every task is in.
    AllIn,
    /// Its cost cap is reached.
    OverBudget,
    /// Its deadline has passed.
    Expired,
    /// None of its tasks is in flight any more.
    Stalled,
    /// It was cancelled.
    Cancelled,
    /// It was made by code other than this binary's, so this binary cannot merge anything more into it.
    OtherCode,
}

/// Decides whether to end a job at `now_us`; `here` is this binary's code for its workload, if any.
pub fn plan_closing(row: &JobRow, here: Option<&CodeVersion>, now_us: u64) -> Closing {
    let (None, Some(published)) = (&row.ending, &row.published) else { return Closing::Ended };
    let total = row.total();
    if total.n_tasks >= published.n_tasks {
        Closing::AllIn
    } else if here != Some(&published.code) {
        Closing::OtherCode
    } else if row.max_cost.is_some_and(|cap| total.cost >= cap) {
        Closing::OverBudget
    } else if now_us >= row.expires_us {
        Closing::Expired
    } else {
        Closing::NotYet
    }
}

/// The ending of a job for which `closing` was decided, given the content of its buckets.
pub fn plan_ending(
    closing: Closing,
    published: &Published,
    received: &Received,
) -> (JobStatus, Option<String>) {
    let missing = Missing(received.missing(published));
    match (closing, prove(published, received)) {
        (_, Ok(())) if received.failures.is_empty() => (JobStatus::Complete, None),
        (_, Ok(())) => {
            let n_failures = counted(received.failures.len() as u64, "subtask");
            let first = received.failures.first().map_or("", |failure| failure.reason.as_str());
            let reason = format!("without a value: {n_failures}; the first: {first}");
            (JobStatus::CompleteWithFailures, Some(reason))
        }
        (Closing::OverBudget, Err(Shortfall::Missing { .. })) => {
            (JobStatus::OverBudget, Some(format!("the cost cap was reached; {missing}")))
        }
        (Closing::Expired, Err(Shortfall::Missing { .. })) => {
            (JobStatus::Expired, Some(format!("time ran out; {missing}")))
        }
        (Closing::Stalled, Err(Shortfall::Missing { .. })) => {
            (JobStatus::Expired, Some(format!("nothing of it is under way any more; {missing}")))
        }
        (Closing::Cancelled, Err(Shortfall::Missing { .. })) => {
            (JobStatus::Cancelled, Some(format!("it was stopped; {missing}")))
        }
        (Closing::OtherCode, Err(Shortfall::Missing { .. })) => {
            let reason = format!(
                "it was made by {} {}, and another build was deployed while it ran: publish it again; {missing}",
                published.workload, published.code
            );
            (JobStatus::Expired, Some(reason))
        }
        (_, Err(shortfall)) => (JobStatus::Inconsistent, Some(shortfall.to_string())),
    }
}
