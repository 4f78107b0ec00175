//! Which parts of an ended job to send again.

use roaring::RoaringBitmap;

use crate::collate::Received;
use crate::deployment::Deployment;
use crate::digest::Fingerprint;
use crate::prices::NanoUsd;
use crate::rows::{JobRow, JobStatus, Reopened, Resent};
use crate::sizing::duration;
use crate::wire::Failure;

/// Why a job is not reopened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotResent {
    /// It has not ended, and every task is on the stream.
    #[error("it is running; cancel it first to send what is missing again")]
    Running,
    /// It was reopened before, with the options given then, and not every task is on the stream yet.
    #[error("a retry is half done; run it without a new deadline or cap to continue")]
    HalfSent,
    /// There is nothing to send.
    #[error("it is complete: nothing is missing and nothing failed")]
    Complete,
    /// It never had tasks, or its results cannot be trusted.
    #[error("it is {0}; publish it again")]
    Hopeless(JobStatus),
    /// The cap asked for is over the deployment's.
    #[error("a job of this deployment may cost {most} at most; {asked} is more")]
    OverCap {
        /// The cap asked for.
        asked: NanoUsd,
        /// The deployment's.
        most: NanoUsd,
    },
    /// The deadline asked for is over the deployment's.
    #[error("a job of this deployment may take {most} at most; {asked} is more")]
    TooLong {
        /// The time asked for, for people.
        asked: String,
        /// The deployment's.
        most: String,
    },
    /// Its cost cap would end it at once.
    #[error("it has cost {spent} of at most {cap}; give it a higher cap")]
    OverBudget {
        /// What was spent.
        spent: NanoUsd,
        /// The cap.
        cap: NanoUsd,
    },
}

/// The plan for reopening a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resend {
    /// The ending to overwrite, by its time; `None` for a job that was reopened before and got no further.
    pub over_ended_us: Option<u64>,
    /// The job's new state.
    pub reopened: Reopened,
    /// All subtasks that were ever sent again: to be stored, with [`Resent::of`] in the row.
    pub resent: Vec<Failure>,
    /// The tasks to put on the stream.
    pub tasks: RoaringBitmap,
}

/// Options for reopening a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResendRequest {
    /// How long it may take from now on, microseconds; as long as the last time if not given.
    pub lifetime_us: Option<u64>,
    /// Cost, of everything ever spent on it, at which no new task is started; unchanged if not given.
    pub max_cost: Option<NanoUsd>,
}

/// Decides which tasks of a job to send again: those not in yet, and a new task for each subtask without a value.
/// `before` lists the subtasks that were sent again before.
///
/// # Errors
/// Why nothing is sent.
pub fn plan_resend(
    row: &JobRow,
    received: &Received,
    before: Vec<Failure>,
    request: &ResendRequest,
    deployment: &Deployment,
    now_us: u64,
) -> Result<Resend, NotResent> {
    let Some(published) = &row.published else { return Err(NotResent::Hopeless(row.status())) };
    match row.status() {
        JobStatus::Running if row.enqueued => return Err(NotResent::Running),
        status @ (JobStatus::Rejected | JobStatus::Inconsistent) => return Err(NotResent::Hopeless(status)),
        _ => {}
    }
    let resumed = row.ending.is_none();
    if resumed && *request != ResendRequest::default() {
        return Err(NotResent::HalfSent);
    }
    let caps = deployment.caps();
    if let Some(cap) = request.max_cost.filter(|cap| *cap > caps.max_cost) {
        return Err(NotResent::OverCap { asked: cap, most: caps.max_cost });
    }
    let most_us = caps.max_deadline_s.saturating_mul(1_000_000);
    if let Some(lifetime_us) = request.lifetime_us.filter(|lifetime_us| *lifetime_us > most_us) {
        return Err(NotResent::TooLong { asked: duration(lifetime_us), most: duration(most_us) });
    }
    // A row that an earlier version wrote may have no cap, or one that is no longer allowed.
    let max_cost =
        request.max_cost.or(row.max_cost).or(Some(caps.default_cost)).map(|cap| cap.min(caps.max_cost));
    let spent = deployment.prices().cost_of(&received.receipt);
    let lifetime_us = request.lifetime_us.unwrap_or(published.lifetime_us).min(most_us);
    let (mut published, mut resent) = (published.clone(), before);
    if !resumed {
        published.generation = published.generation.saturating_add(1);
        for failure in &received.failures {
            let (job, index) = (row.id.as_str(), published.n_tasks);
            let fingerprint =
                Fingerprint::of_task(job, published.input, index, failure.weight, &failure.slice);
            published.fingerprints = published.fingerprints.plus(fingerprint);
            published.n_tasks = published.n_tasks.saturating_add(1);
            resent.push(failure.clone());
        }
        published.resent = Resent::of(&resent, None);
        published.lifetime_us = lifetime_us;
    }
    let tasks = received.missing(&published);
    // What was missing may have come in after the end: then nothing is sent, and the job ends anew with it.
    let was_missing = row.ending.as_ref().is_some_and(|ending| !ending.missing.is_empty());
    if tasks.is_empty() && !was_missing {
        return Err(NotResent::Complete);
    }
    // What sends nothing costs nothing.
    if let Some(cap) = max_cost.filter(|cap| spent >= *cap && !tasks.is_empty()) {
        return Err(NotResent::OverBudget { spent, cap });
    }
    let reopened = Reopened { published, expires_us: now_us.saturating_add(lifetime_us), max_cost };
    Ok(Resend { over_ended_us: row.ending.as_ref().map(|ending| ending.ended_us), reopened, resent, tasks })
}
