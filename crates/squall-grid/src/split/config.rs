//! What a job is cut for, and held to.

use std::num::NonZeroUsize;

use squall_core::caps::JobCaps;
use squall_core::deployment::{Deployment, MAX_BUCKETS};
use squall_core::job::Job;
use squall_core::registry::Piece;
use squall_core::sizing::{Capacity, MemoryLimits, Sizing, SizingPolicy, TimeLimits};
use squall_core::wire::CodecError;
use squall_core::workload::InputError;

use crate::inputs::Prepared;

/// The splitter's settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplitConfig {
    /// How finely to cut.
    pub sizing: SizingPolicy,
    /// Shards that are kept for small jobs.
    pub express_shards: u32,
    /// Lanes per shard: the mapping's parallelization factor.
    pub lanes_per_shard: u32,
    /// Workers that a consumer can keep busy at once.
    pub workers_per_consumer: u32,
    /// vCPUs of a worker.
    pub vcpus_per_worker: u32,
    /// Buckets of a job, unless its answer is large.
    pub max_buckets: u32,
    /// Deadline of a job that names none, seconds.
    pub default_deadline_s: u64,
    /// What a job's parts must fit into; `None` where nothing limits them.
    pub limits: Option<TimeLimits>,
    /// What the operator allows a job; `None` for anything.
    pub caps: Option<JobCaps>,
    /// What the functions can hold; `None` for anything.
    pub memory: Option<MemoryLimits>,
}

/// Into how many buckets the results of a job go, and whether they are large: [`squall_core::rows::Published::is_large`].
pub(super) struct Buckets {
    pub(super) n_buckets: u32,
    pub(super) is_large: bool,
}

impl SplitConfig {
    /// As a deployment has it.
    pub fn of(deployment: &Deployment) -> Self {
        Self {
            sizing: SizingPolicy::default(),
            express_shards: deployment.express_shards,
            lanes_per_shard: deployment.lanes_per_shard,
            workers_per_consumer: deployment.workers_per_consumer,
            vcpus_per_worker: deployment.worker_vcpus(),
            max_buckets: deployment.max_buckets,
            default_deadline_s: deployment.default_deadline_s,
            limits: Some(TimeLimits {
                splitter_s: deployment.splitter_timeout_s,
                consumer_s: deployment.consumer_timeout_s,
                worker_s: deployment.worker_timeout_s,
            }),
            caps: Some(deployment.caps()),
            memory: Some(deployment.memory()),
        }
    }

    /// Checks the cut against what the operator allows, and the functions' time.
    pub(super) fn fits(&self, job: &Job, sizing: &Sizing, n_shards: u32) -> Result<(), InputError> {
        self.caps.map_or(Ok(()), |caps| caps.check(job, sizing))?;
        let capacity = self.capacity(n_shards);
        let is_express = capacity.is_express(sizing.n_tasks.into(), 0);
        let n_shards = u32::try_from(capacity.shards_of(is_express).len()).unwrap_or(u32::MAX);
        self.limits.map_or(Ok(()), |limits| limits.check(sizing, n_shards, self.workers_per_consumer))
    }

    /// The buckets, so that each fits into the collector, as a task's value does into a consumer and a subtask's into a worker.
    pub(super) fn fits_memory(
        &self,
        prepared: &Prepared,
        pieces: &[Piece],
        subtasks_per_task: u32,
    ) -> Result<Buckets, InputError> {
        let usual = self.max_buckets.clamp(1, n_of(pieces));
        let Some(memory) = self.memory else { return Ok(Buckets { n_buckets: usual, is_large: false }) };
        let unreadable = |error: CodecError| InputError::new("input", error.to_string());
        let value_bytes = prepared.value_bytes(&prepared.whole().slice).map_err(unreadable)?;
        let n_buckets = memory.buckets_for(value_bytes).clamp(usual, MAX_BUCKETS).min(n_of(pieces));
        if memory.is_small(value_bytes) {
            return Ok(Buckets { n_buckets, is_large: false });
        }
        let mut buckets = vec![0_u64; n_buckets as usize];
        let (mut largest_task, mut its_slice) = (0, None);
        for (index, piece) in pieces.iter().enumerate() {
            let bytes = prepared.value_bytes(&piece.slice).map_err(unreadable)?;
            if bytes > largest_task {
                (largest_task, its_slice) = (bytes, Some(&piece.slice));
            }
            let bucket = &mut buckets[index % n_buckets as usize];
            *bucket = bucket.saturating_add(bytes);
        }
        let parts = NonZeroUsize::new(subtasks_per_task as usize).unwrap_or(NonZeroUsize::MIN);
        let subtasks = match its_slice {
            Some(slice) => prepared.divide(slice, parts).map_err(unreadable)?,
            None => Vec::new(),
        };
        for subtask in subtasks {
            memory.check_subtask(prepared.value_bytes(&subtask.slice).map_err(unreadable)?)?;
        }
        memory.check_task(largest_task)?;
        // Tasks of the same columns take less once they are merged.
        let largest = buckets.into_iter().max().unwrap_or(0).min(value_bytes).max(largest_task);
        memory.check_bucket(largest)?;
        Ok(Buckets { n_buckets, is_large: !memory.is_small(largest) })
    }

    pub(super) fn capacity(&self, n_shards: u32) -> Capacity {
        Capacity {
            n_shards,
            express_shards: self.express_shards,
            lanes_per_shard: self.lanes_per_shard,
            workers_per_consumer: self.workers_per_consumer,
            vcpus_per_worker: self.vcpus_per_worker,
        }
    }
}

fn n_of(pieces: &[Piece]) -> u32 {
    u32::try_from(pieces.len()).unwrap_or(u32::MAX).max(1)
}
