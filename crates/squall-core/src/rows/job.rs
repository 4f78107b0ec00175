//! One job.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BucketProgress, Ending, JobEnd, JobStatus, Published};
use crate::digest::Digest;
use crate::job::JobId;
use crate::prices::{NanoUsd, Prices};
use crate::receipt::earlier;

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
    /// The progress of its buckets.
    pub progress: BTreeMap<u32, BucketProgress>,
    /// How it ended; `None` while it runs.
    pub ending: Option<Ending>,
    /// Whether its end is known to have been announced.
    pub announced: bool,
}

impl JobRow {
    /// Its status.
    pub fn status(&self) -> JobStatus {
        self.ending.as_ref().map_or(JobStatus::Running, |ending| ending.status)
    }

    /// What it came to at these prices; `None` while it runs.
    pub fn end(&self, prices: &Prices) -> Option<JobEnd> {
        let ending = self.ending.as_ref()?;
        Some(JobEnd {
            status: ending.status,
            cost: prices.cost_of(&ending.receipt),
            lasted_us: ending.ended_us.saturating_sub(self.created_us),
        })
    }

    /// How often it was reopened.
    pub fn generation(&self) -> u32 {
        self.published.as_ref().map_or(0, |published| published.generation)
    }

    /// The part of it that a consumer needs.
    pub fn standing(&self) -> Standing {
        let total = self.total();
        Standing {
            generation: self.generation(),
            expires_us: self.expires_us,
            max_cost: self.max_cost,
            cost: total.cost,
            n_tasks: self.published.as_ref().map_or(0, |published| published.n_tasks),
            n_tasks_in: total.n_tasks,
            ended: self.ending.is_some() || self.published.is_none(),
        }
    }

    /// The progress of all buckets together. Failures that were sent again are not counted.
    pub fn total(&self) -> BucketProgress {
        let n_resent = self.published.as_ref().map_or(0, |published| published.resent.n);
        let mut total = self.progress.values().fold(BucketProgress::default(), |sum, it| BucketProgress {
            n_tasks: sum.n_tasks.saturating_add(it.n_tasks),
            weight_done: sum.weight_done.saturating_add(it.weight_done),
            n_subtasks: sum.n_subtasks.saturating_add(it.n_subtasks),
            n_failures: sum.n_failures.saturating_add(it.n_failures),
            cost: sum.cost + it.cost,
            first_merged_us: earlier(sum.first_merged_us, it.first_merged_us),
        });
        total.n_failures = total.n_failures.saturating_sub(n_resent);
        total
    }

    /// What it has cost: also what was under way at its end, as that comes in.
    pub fn cost(&self, prices: &Prices) -> NanoUsd {
        let so_far = self.total().cost;
        match &self.ending {
            None => so_far,
            Some(ending) if ending.missing.is_empty() => prices.cost_of(&ending.receipt),
            Some(ending) => prices.cost_of(&ending.receipt).max(so_far),
        }
    }

    /// The buckets that still have tasks outstanding.
    pub fn buckets_to_come(&self) -> Vec<u32> {
        let Some(published) = &self.published else { return Vec::new() };
        let n_known = |bucket| self.progress.get(&bucket).map_or(0, |known| known.n_tasks);
        (0..published.n_buckets).filter(|bucket| n_known(*bucket) < published.n_tasks_of(*bucket)).collect()
    }

    /// When it was published, or reopened for the last time, microseconds of the grid's clock.
    pub fn began_us(&self) -> u64 {
        let lifetime_us = self.published.as_ref().map_or(0, |published| published.lifetime_us);
        self.expires_us.saturating_sub(lifetime_us).max(self.created_us)
    }

    /// Reopens it: it is running, and none of its newly published tasks is known to be on the stream.
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

/// The part of a job that a consumer needs before it starts a task: small, whatever the size of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How often the job was reopened.
    pub generation: u32,
    /// When it expires, microseconds of the grid's clock.
    pub expires_us: u64,
    /// Cost at which no new task is started.
    pub max_cost: Option<NanoUsd>,
    /// Its cost so far.
    pub cost: NanoUsd,
    /// Its number of tasks.
    pub n_tasks: u32,
    /// Number of its tasks that are in.
    pub n_tasks_in: u32,
    /// Whether it has ended.
    pub ended: bool,
}

/// The changes when an ended job is reopened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reopened {
    /// The set of tasks that has to come back now.
    pub published: Published,
    /// When it expires now, microseconds of the grid's clock.
    pub expires_us: u64,
    /// Cost, of everything ever spent on it, at which no new task is started.
    pub max_cost: Option<NanoUsd>,
}
