//! What the job store keeps: one row per job, one per bucket.

use std::collections::BTreeMap;
use std::fmt;

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Fingerprint};
use crate::job::JobId;
use crate::prices::{NanoUsd, cost_of};
use crate::receipt::{Receipt, Timeline, earlier};
use crate::sizing::Sizing;
use crate::wire::{Failure, Stored};
use crate::workload::{Coverage, Weight};

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Tasks are under way.
    Running,
    /// Every task is in the answer, and that is proven.
    Complete,
    /// Every task came back, some without a value: each is named.
    CompleteWithFailures,
    /// The deadline passed, or nothing is under way any more: what is missing is named.
    Expired,
    /// Somebody stopped it.
    Cancelled,
    /// Its cost cap was reached.
    OverBudget,
    /// It did not check; nothing was enqueued.
    Rejected,
    /// What came back is not what was published: the answer is not to be trusted.
    Inconsistent,
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::CompleteWithFailures => "complete_with_failures",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::OverBudget => "over_budget",
            Self::Rejected => "rejected",
            Self::Inconsistent => "inconsistent",
        })
    }
}

/// What the splitter published: the set that has to come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The workload's name.
    pub workload: String,
    /// The shared input.
    pub input: Digest,
    /// The cut.
    pub sizing: Sizing,
    /// How many tasks, those for `resent` included.
    pub n_tasks: u32,
    /// The job's weight.
    pub weight: Weight,
    /// The sum of the tasks' fingerprints.
    pub fingerprints: Fingerprint,
    /// In how many buckets their results are merged.
    pub n_buckets: u32,
    /// How often the job was taken up again. What is left from before knows itself by it.
    pub opening: u32,
    /// How long it may take from when it is published, or taken up again, microseconds.
    pub lifetime_us: u64,
    /// Subtasks that came back without a value and were sent again, each as a task of its own: the last ones.
    pub resent: Vec<Failure>,
}

impl Published {
    /// The bucket of a task.
    pub fn bucket_of(&self, task: u32) -> u32 {
        task % self.n_buckets.max(1)
    }

    /// How many tasks share a bucket.
    pub fn n_tasks_of(&self, bucket: u32) -> u32 {
        let n_buckets = self.n_buckets.max(1);
        self.n_tasks / n_buckets + u32::from(bucket < self.n_tasks % n_buckets)
    }

    /// How many tasks the job was cut into at first.
    pub fn n_cut(&self) -> u32 {
        self.n_tasks.saturating_sub(u32::try_from(self.resent.len()).unwrap_or(u32::MAX))
    }

    /// What all tasks together weigh: what was sent again counts again.
    pub fn weight_sent(&self) -> Weight {
        self.resent.iter().map(|failure| failure.weight).fold(self.weight, Weight::saturating_add)
    }
}

/// How far one bucket is; each entry only ever grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BucketProgress {
    /// Tasks merged.
    pub n_tasks: u32,
    /// Weight whose value is in the bucket.
    pub weight_done: Weight,
    /// Subtasks evaluated.
    pub n_subtasks: u64,
    /// Subtasks without a value.
    pub n_failures: u32,
    /// What the tasks cost.
    pub cost: NanoUsd,
    /// When the first result was merged, microseconds of the grid's clock; 0 before.
    pub first_merged_us: u64,
}

/// How a job ended, and what it is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// How.
    pub status: JobStatus,
    /// In words, for everything but a complete job.
    pub reason: Option<String>,
    /// How much is in the answer.
    pub coverage: Coverage,
    /// The tasks that never came back.
    pub missing: RoaringBitmap,
    /// The subtasks without a value.
    pub failures: Vec<Failure>,
    /// The merged partial, in the blob store; `None` when nothing was merged.
    pub answer: Option<Digest>,
    /// What was spent.
    pub receipt: Receipt,
    /// What the wait was made of.
    pub timeline: Timeline,
    /// When it ended, microseconds of the grid's clock.
    pub ended_us: u64,
}

/// What an ended job came to, for whoever counts jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobEnd {
    /// How it ended.
    pub status: JobStatus,
    /// What everything ever spent on it cost, before it was taken up again, too.
    pub cost: NanoUsd,
    /// From when it was first seen to its end, microseconds.
    pub lasted_us: u64,
}

/// One job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// Digest of the message that made it.
    pub message: Digest,
    /// When it was first seen, microseconds of the grid's clock.
    pub created_us: u64,
    /// When it expires, microseconds of the grid's clock.
    pub expires_us: u64,
    /// Cost at which no new task is started.
    pub max_cost: Option<NanoUsd>,
    /// What was published; `None` for a rejected job.
    pub published: Option<Published>,
    /// Whether every task is known to be on the stream.
    pub enqueued: bool,
    /// How far its buckets are.
    pub progress: BTreeMap<u32, BucketProgress>,
    /// How it ended; `None` while it runs.
    pub ending: Option<Ending>,
    /// Whether its end is known to have been told.
    pub announced: bool,
}

impl JobRow {
    /// Where it is in its life.
    pub fn status(&self) -> JobStatus {
        self.ending.as_ref().map_or(JobStatus::Running, |ending| ending.status)
    }

    /// What it came to; `None` while it runs.
    pub fn end(&self) -> Option<JobEnd> {
        let ending = self.ending.as_ref()?;
        Some(JobEnd {
            status: ending.status,
            cost: cost_of(&ending.receipt),
            lasted_us: ending.ended_us.saturating_sub(self.created_us),
        })
    }

    /// How often it was taken up again.
    pub fn opening(&self) -> u32 {
        self.published.as_ref().map_or(0, |published| published.opening)
    }

    /// The progress of all buckets together. What failed and was sent again counts as failed no more.
    pub fn total(&self) -> BucketProgress {
        let n_resent = self.published.as_ref().map_or(0, |published| published.resent.len());
        let mut total = self.progress.values().fold(BucketProgress::default(), |sum, it| BucketProgress {
            n_tasks: sum.n_tasks + it.n_tasks,
            weight_done: sum.weight_done.saturating_add(it.weight_done),
            n_subtasks: sum.n_subtasks.saturating_add(it.n_subtasks),
            n_failures: sum.n_failures + it.n_failures,
            cost: sum.cost + it.cost,
            first_merged_us: earlier(sum.first_merged_us, it.first_merged_us),
        });
        total.n_failures = total.n_failures.saturating_sub(u32::try_from(n_resent).unwrap_or(u32::MAX));
        total
    }

    /// The buckets of which not every task is known to be in.
    pub fn buckets_to_come(&self) -> Vec<u32> {
        let Some(published) = &self.published else { return Vec::new() };
        let n_known = |bucket| self.progress.get(&bucket).map_or(0, |known| known.n_tasks);
        (0..published.n_buckets).filter(|bucket| n_known(*bucket) < published.n_tasks_of(*bucket)).collect()
    }

    /// Takes it up again: it runs, and nothing of what is published now is known to be on the stream.
    pub fn reopen(&mut self, reopened: Reopened) {
        self.published = Some(reopened.published);
        self.expires_us = reopened.expires_us;
        self.max_cost = reopened.max_cost;
        self.ending = None;
        self.enqueued = false;
        self.announced = false;
    }

    /// Takes in a bucket's progress unless a later one is known.
    pub fn record_progress(&mut self, bucket: u32, progress: BucketProgress) {
        let known = self.progress.entry(bucket).or_default();
        if progress.n_tasks > known.n_tasks {
            *known = progress;
        }
    }
}

/// What changes when an ended job is taken up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reopened {
    /// What has to come back now.
    pub published: Published,
    /// When it expires now, microseconds of the grid's clock.
    pub expires_us: u64,
    /// Cost, of everything ever spent on it, at which no new task is started.
    pub max_cost: Option<NanoUsd>,
}

/// One bucket of one job: what was merged, and which tasks are in it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BucketRow {
    /// Grows by one with each write; a write is conditional on it.
    pub version: u64,
    /// The tasks that are in.
    pub merged: RoaringBitmap,
    /// The sum of their fingerprints.
    pub fingerprints: Fingerprint,
    /// Their weight.
    pub weight: Weight,
    /// Weight whose value is in the partial.
    pub weight_done: Weight,
    /// The merged partial.
    pub partial: Option<Stored>,
    /// The subtasks without a value, in order.
    pub failures: Vec<Failure>,
    /// What was spent.
    pub receipt: Receipt,
    /// What the wait was made of.
    pub timeline: Timeline,
}

#[cfg(test)]
mod tests;
