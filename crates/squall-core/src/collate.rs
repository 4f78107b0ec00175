//! Merging results exactly once, and proving that nothing is short.

use std::collections::BTreeSet;
use std::fmt;

use roaring::RoaringBitmap;

use crate::digest::{Digest, Fingerprint};
use crate::prices::{NanoUsd, cost_of};
use crate::receipt::{Receipt, Timeline};
use crate::rows::{BucketProgress, BucketRow, JobRow, JobStatus, Published, Reopened};
use crate::sizing::counted;
use crate::wire::{CodecError, Failure, ResultRecord};
use crate::workload::{Coverage, Weight};

/// The results of a batch that a bucket does not have yet, each once, by task.
pub fn fresh<'a>(row: &BucketRow, results: &[&'a ResultRecord]) -> Vec<&'a ResultRecord> {
    let mut seen = RoaringBitmap::new();
    let new = |result: &&&ResultRecord| !row.merged.contains(result.index) && seen.insert(result.index);
    results.iter().filter(new).copied().collect()
}

/// Books results that are fresh into the row: everything but the partial itself, which the caller merges.
pub fn book(row: &mut BucketRow, fresh: &[&ResultRecord], now_us: u64) {
    row.version += 1;
    for result in fresh {
        row.merged.insert(result.index);
        row.fingerprints = row.fingerprints.plus(result.fingerprint);
        row.weight = row.weight.saturating_add(result.weight);
        row.weight_done = row.weight_done.saturating_add(result.weight_done());
        row.failures.extend(result.failures.iter().cloned());
        row.receipt.add(&result.receipt);
        row.timeline.record(&result.times, now_us);
    }
    row.failures.sort();
}

/// How far a bucket is.
pub fn progress_of(row: &BucketRow) -> BucketProgress {
    BucketProgress {
        n_tasks: u32::try_from(row.merged.len()).unwrap_or(u32::MAX),
        weight_done: row.weight_done,
        n_subtasks: row.receipt.subtasks,
        n_failures: u32::try_from(row.failures.len()).unwrap_or(u32::MAX),
        cost: cost_of(&row.receipt),
        first_merged_us: row.timeline.first_merged_us,
    }
}

/// Whether a job is to be ended now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// Tasks are still to come.
    NotYet,
    /// It has ended already.
    Ended,
    /// Every task is in.
    AllIn,
    /// Its cost cap is reached.
    OverBudget,
    /// Its deadline has passed.
    Expired,
    /// Nothing of it is under way any more.
    Stalled,
    /// Somebody stops it.
    Cancelled,
}

/// Decides whether a job is to be ended at `now_us`.
pub fn plan_closing(row: &JobRow, now_us: u64) -> Closing {
    let (None, Some(published)) = (&row.ending, &row.published) else { return Closing::Ended };
    let total = row.total();
    if total.n_tasks >= published.n_tasks {
        Closing::AllIn
    } else if row.max_cost.is_some_and(|cap| total.cost >= cap) {
        Closing::OverBudget
    } else if now_us >= row.expires_us {
        Closing::Expired
    } else {
        Closing::NotYet
    }
}

/// What a published message is to its id.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrival {
    /// Nobody has the id, or only a job that was rejected.
    New,
    /// It was here before and got no further than this: put the same tasks on the stream.
    Resume(Published),
    /// It was here before, and nothing is left to do.
    Done,
    /// The id belongs to another message.
    IdTaken,
}

/// Decides what to do with a message of this digest, given the job that has its id.
pub fn plan_arrival(known: Option<&JobRow>, message: Digest) -> Arrival {
    match known {
        None => Arrival::New,
        Some(row) if row.status() == JobStatus::Rejected => Arrival::New,
        Some(row) if row.message != message => Arrival::IdTaken,
        Some(row) if row.enqueued || row.ending.is_some() => Arrival::Done,
        Some(row) => row.published.clone().map_or(Arrival::Done, Arrival::Resume),
    }
}

/// Why a job is not taken up again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotResent {
    /// It has not ended, and everything is on its way.
    #[error("it is running; cancel it first to send what is missing again")]
    Running,
    /// It was taken up before, with what was said then, and not everything is on its way.
    #[error("it was taken up before and is half sent; without another deadline or cap it goes on")]
    HalfSent,
    /// There is nothing to send.
    #[error("it is complete: nothing is missing and nothing failed")]
    Complete,
    /// It never had tasks, or what came back cannot be trusted.
    #[error("it is {0}; publish it again")]
    Hopeless(JobStatus),
    /// Its cost cap would end it at once.
    #[error("it has cost {spent} of at most {cap}; give it a higher cap")]
    OverBudget {
        /// What was spent.
        spent: NanoUsd,
        /// The cap.
        cap: NanoUsd,
    },
}

/// What is sent when a job is taken up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resend {
    /// The ending to write over, by its time; `None` for a job that was taken up before and got no further.
    pub over_ended_us: Option<u64>,
    /// The job as it is from then on.
    pub reopened: Reopened,
    /// The tasks that go on the stream.
    pub tasks: RoaringBitmap,
}

/// What somebody who wants a job taken up again may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResendRequest {
    /// How long it may take from now on, microseconds; as long as at first when not said.
    pub lifetime_us: Option<u64>,
    /// Cost, of everything ever spent on it, at which no new task is started; unchanged when not said.
    pub max_cost: Option<NanoUsd>,
}

/// Decides what to send again of a job: the tasks that are not in, and a new task for each subtask without a value.
///
/// # Errors
/// Why nothing is to be sent.
pub fn plan_resend(
    row: &JobRow,
    received: &Received,
    request: &ResendRequest,
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
    let max_cost = request.max_cost.or(row.max_cost);
    let spent = cost_of(&received.receipt);
    if let Some(cap) = max_cost.filter(|cap| spent >= *cap) {
        return Err(NotResent::OverBudget { spent, cap });
    }
    let lifetime_us = request.lifetime_us.unwrap_or(published.lifetime_us);
    let mut published = published.clone();
    if !resumed {
        published.opening = published.opening.saturating_add(1);
        for failure in &received.failures {
            let (job, index) = (row.id.as_str(), published.n_tasks);
            let fingerprint =
                Fingerprint::of_task(job, published.input, index, failure.weight, &failure.slice);
            published.fingerprints = published.fingerprints.plus(fingerprint);
            published.n_tasks = published.n_tasks.saturating_add(1);
            published.resent.push(failure.clone());
        }
    }
    let tasks = received.missing(&published);
    if tasks.is_empty() {
        return Err(NotResent::Complete);
    }
    let reopened = Reopened { published, expires_us: now_us.saturating_add(lifetime_us), max_cost };
    Ok(Resend { over_ended_us: row.ending.as_ref().map(|ending| ending.ended_us), reopened, tasks })
}

/// Whether a consumer may start a task of this job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Go on.
    Start,
    /// The job has ended: drop the task.
    Ended,
    /// The job was taken up again since the task was put, and what is missing was sent anew: drop the task.
    Superseded,
    /// The store does not know the job (yet): have the task delivered again.
    Unknown,
    /// The cost cap is reached, whoever ends the job: drop the task.
    OverBudget,
    /// The deadline has passed, whoever ends the job: drop the task.
    Expired,
}

/// Decides whether a task that was put in this opening of its job may start at `now_us`; `None` when the store does not
/// know the job.
pub fn plan_admission(row: Option<&JobRow>, opening: u32, now_us: u64) -> Admission {
    match row.map(|row| plan_closing(row, now_us)) {
        None => Admission::Unknown,
        Some(_) if row.is_some_and(|row| row.opening() != opening) => Admission::Superseded,
        Some(Closing::Ended | Closing::Cancelled | Closing::Stalled) => Admission::Ended,
        Some(Closing::OverBudget) => Admission::OverBudget,
        Some(Closing::Expired) => Admission::Expired,
        Some(Closing::NotYet | Closing::AllIn) => Admission::Start,
    }
}

/// Everything that the buckets of a job hold together, except the partial.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Received {
    /// The tasks that are in.
    pub tasks: RoaringBitmap,
    /// The sum of their fingerprints.
    pub fingerprints: Fingerprint,
    /// Their weight.
    pub weight: Weight,
    /// Weight whose value is in the answer.
    pub weight_done: Weight,
    /// The subtasks without a value, in order.
    pub failures: Vec<Failure>,
    /// What was spent.
    pub receipt: Receipt,
    /// What the wait was made of.
    pub timeline: Timeline,
}

impl Received {
    /// Adds a bucket.
    pub fn add(&mut self, row: &BucketRow) {
        self.tasks |= &row.merged;
        self.fingerprints = self.fingerprints.plus(row.fingerprints);
        self.weight = self.weight.saturating_add(row.weight);
        self.weight_done = self.weight_done.saturating_add(row.weight_done);
        self.failures.extend(row.failures.iter().cloned());
        self.failures.sort();
        self.receipt.add(&row.receipt);
        self.timeline.add(&row.timeline);
    }

    /// How much of the job is in the answer.
    pub fn coverage(&self, published: &Published) -> Coverage {
        Coverage { weight_done: self.weight_done, weight_total: published.weight }
    }

    /// Leaves out the failures that were sent again: the task that was sent for each answers for it.
    pub fn forget_resent(&mut self, published: &Published) {
        let place = |failure: &Failure| (failure.task, failure.subtask);
        let resent: BTreeSet<_> = published.resent.iter().map(place).collect();
        self.failures.retain(|failure| !resent.contains(&place(failure)));
    }

    /// The published tasks that are not in.
    pub fn missing(&self, published: &Published) -> RoaringBitmap {
        let mut all = RoaringBitmap::new();
        all.insert_range(0..published.n_tasks);
        all - &self.tasks
    }
}

/// The conservation proof: what came back is what was published.
///
/// # Errors
/// The first difference. A job with one is never called complete.
pub fn prove(published: &Published, received: &Received) -> Result<(), Shortfall> {
    let n_missing = received.missing(published).len();
    let n_received = received.tasks.len();
    if n_missing > 0 {
        Err(Shortfall::Missing { n_missing })
    } else if n_received != u64::from(published.n_tasks) {
        Err(Shortfall::Surplus { n_received, n_published: published.n_tasks })
    } else if received.weight != published.weight_sent() {
        Err(Shortfall::Weight { received: received.weight, published: published.weight_sent() })
    } else if received.fingerprints != published.fingerprints {
        Err(Shortfall::Fingerprints)
    } else {
        Ok(())
    }
}

/// How what came back differs from what was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Shortfall {
    /// Tasks did not come back.
    #[error("{} did not come back", counted(*.n_missing, "task"))]
    Missing {
        /// How many.
        n_missing: u64,
    },
    /// More came back than were published.
    #[error("{n_received} tasks came back of {n_published} published")]
    Surplus {
        /// Distinct tasks that came back.
        n_received: u64,
        /// Tasks published.
        n_published: u32,
    },
    /// The weights differ.
    #[error("tasks of weight {received} came back where {published} was published")]
    Weight {
        /// Weight that came back.
        received: Weight,
        /// Weight published.
        published: Weight,
    },
    /// The ids differ.
    #[error("the tasks that came back are not the ones that were published")]
    Fingerprints,
}

/// How a job ends for which `closing` was decided, given what its buckets hold.
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
        (_, Err(shortfall)) => (JobStatus::Inconsistent, Some(shortfall.to_string())),
    }
}

/// A set of missing tasks, for people: `12 tasks are missing: 3, 17-26, 40`.
#[derive(Debug, Clone)]
pub struct Missing(pub RoaringBitmap);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST_RANGES: usize = 20;
        let n_missing = self.0.len();
        match n_missing {
            0 => return f.write_str("no task is missing"),
            1 => f.write_str("1 task is missing: ")?,
            _ => write!(f, "{n_missing} tasks are missing: ")?,
        }
        let ranges = ranges(&self.0);
        for (i, (first, last)) in ranges.iter().take(MOST_RANGES).enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            if first == last {
                write!(f, "{separator}{first}")?;
            } else {
                write!(f, "{separator}{first}-{last}")?;
            }
        }
        if ranges.len() > MOST_RANGES { f.write_str(", …") } else { Ok(()) }
    }
}

fn ranges(set: &RoaringBitmap) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for task in set {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(task) => *last = task,
            _ => ranges.push((task, task)),
        }
    }
    ranges
}

/// What a collector needs to know of a result that it cannot merge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// Not a result of a task that was published.
    #[error("task {index} is not one of the job's {n_tasks}")]
    NotPublished {
        /// The index it claims.
        index: u32,
        /// How many tasks there are.
        n_tasks: u32,
    },
    /// The partial does not decode.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// Checks that a result belongs to what was published.
///
/// # Errors
/// When its index was never published.
pub fn check_published(published: &Published, result: &ResultRecord) -> Result<(), Unfit> {
    if result.index < published.n_tasks {
        Ok(())
    } else {
        Err(Unfit::NotPublished { index: result.index, n_tasks: published.n_tasks })
    }
}

#[cfg(test)]
mod tests;
