//! The combined content of a job's buckets.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use crate::digest::Fingerprint;
use crate::receipt::{Receipt, Timeline};
use crate::rows::{BucketRow, Published};
use crate::wire::Failure;
use crate::workload::{Coverage, Weight};

/// The combined content of a job's buckets, except the partial.
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
    /// The resources used.
    pub receipt: Receipt,
    /// The breakdown of the wait.
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

    /// The share of the job that is in the answer.
    pub fn coverage(&self, published: &Published) -> Coverage {
        Coverage { weight_done: self.weight_done, weight_total: published.weight }
    }

    /// Drops the failures that were sent again: the task that was sent for each accounts for it.
    pub fn forget_resent(&mut self, resent: &[Failure]) {
        let place = |failure: &Failure| (failure.task, failure.subtask);
        let resent: BTreeSet<_> = resent.iter().map(place).collect();
        self.failures.retain(|failure| !resent.contains(&place(failure)));
    }

    /// The published tasks that are not in.
    pub fn missing(&self, published: &Published) -> RoaringBitmap {
        let mut all = RoaringBitmap::new();
        all.insert_range(0..published.n_tasks);
        all - &self.tasks
    }
}
