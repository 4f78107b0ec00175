//! When a job ends, and with which status.

use std::collections::BTreeSet;

use crate::code::CodeVersion;
use crate::collate::{Missing, Received, Shortfall, prove};
use crate::rows::{JobRow, JobStatus, Published};
use crate::sizing::counted;
use crate::wire::{Cause, Failure};

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
    /// Its first tasks all failed entirely.
    Failing,
    /// More of its subtasks have no value than are kept.
    TooManyFailures,
    /// It was made by code other than this binary's, so this binary cannot merge anything more into it.
    OtherCode,
}

/// A job of whose first so many tasks not one has any value is ended: the others would cost as much and give as little. Not one that
/// was reopened: what failed before may be mended.
pub(super) const FAILING_TASKS: u32 = 10;

/// Failures of a job that are kept, each with its slice and its reason: some 20 MB, where slices are small. A job with more is ended
/// unless everything is in.
pub(super) const MOST_FAILURES: u32 = 100_000;

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
    } else if total.n_failures > MOST_FAILURES {
        Closing::TooManyFailures
    } else if row.generation() == 0
        && total.n_tasks >= FAILING_TASKS
        && total.n_subtasks == 0
        && total.n_failures >= FAILING_TASKS
    {
        Closing::Failing
    } else {
        Closing::NotYet
    }
}

/// Whether the content of a job's buckets confirms that its first tasks all failed: progress may lag behind, and neither a deadline
/// nor a task that a consumer refused says anything about the others.
pub fn is_failing(received: &Received) -> bool {
    // A refusal is no attempt; a task that its consumers died of has as many as deliveries.
    let says_nothing = |it: &Failure| match it.cause {
        Cause::Deadline => true,
        Cause::WholeTask => it.attempts == 0,
        Cause::Outage | Cause::OfItself | Cause::TooLarge => false,
    };
    let tasks: BTreeSet<u32> =
        received.failures.iter().filter(|it| !says_nothing(it)).map(|it| it.task).collect();
    received.receipt.subtasks == 0 && tasks.len() >= FAILING_TASKS as usize
}

/// The ending of a job for which `closing` was decided, given the content of its buckets.
pub fn plan_ending(
    closing: Closing,
    published: &Published,
    received: &Received,
) -> (JobStatus, Option<String>) {
    let missing = Missing(received.missing(published));
    let n_cut_off = received.failures.iter().filter(|it| it.cause == Cause::Deadline).count();
    match (closing, prove(published, received)) {
        (_, Ok(())) if received.failures.is_empty() => (JobStatus::Complete, None),
        (_, Ok(())) if n_cut_off > 0 => {
            let cut_off = counted(n_cut_off as u64, "subtask");
            let n_failures = counted(received.failures.len() as u64, "subtask");
            let reason = format!("time ran out before {cut_off} were done; without a value: {n_failures}");
            (JobStatus::Expired, Some(reason))
        }
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
        (Closing::Failing, Err(Shortfall::Missing { .. })) => {
            let first = received.failures.first().map_or("", |failure| failure.reason.as_str());
            let n_tasks = counted(received.tasks.len(), "task");
            (
                JobStatus::Failed,
                Some(format!("not one of the first {n_tasks} has a value: {first}; {missing}")),
            )
        }
        (Closing::TooManyFailures, Err(Shortfall::Missing { .. })) => {
            let first = received.failures.first().map_or("", |failure| failure.reason.as_str());
            let n_failures = received.failures.len();
            let reason = format!(
                "{n_failures} subtasks have no value, and a job has {MOST_FAILURES} of those at most; the first: {first}; {missing}"
            );
            (JobStatus::Failed, Some(reason))
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
