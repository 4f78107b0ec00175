//! The ports at real pace: memory, the wall clock, worker threads, a directory.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::placement::ShardRange;
use squall_core::ports::{
    BlobStore, Clock, Created, Files, InvokeError, JobEvents, JobStore, Placement, PortError, ResultQueue,
    TaskQueue, Workers, Written,
};
use squall_core::rows::{BucketProgress, BucketRow, Ending, JobRow};

use super::workers::WorkerPool;
use crate::directory::Directory;
use crate::memory::Memory;

/// What every part of a local grid shares: its memory and its clock.
#[derive(Debug, Clone)]
pub(super) struct Basics {
    pub(super) memory: Arc<Memory>,
    started: Instant,
    started_us: u64,
}

impl Basics {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock port")]
    pub(super) fn new(memory: Memory) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { memory: Arc::new(memory), started: Instant::now(), started_us: micros(since_1970) }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Clock for Basics {
    fn now_us(&self) -> u64 {
        self.started_us + micros(self.started.elapsed())
    }

    async fn sleep_until(&self, until_us: u64) {
        let wait_us = until_us.saturating_sub(self.now_us());
        tokio::time::sleep(Duration::from_micros(wait_us)).await;
    }
}

impl BlobStore for Basics {
    async fn put_blob(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), PortError> {
        self.memory.put_blob(digest, bytes).await
    }

    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, PortError> {
        self.memory.blob(digest).await
    }
}

/// All ports of a step at real pace.
pub struct RealPorts {
    pub(super) basics: Basics,
    pub(super) workers: WorkerPool,
    pub(super) files: Directory,
}

impl Clock for RealPorts {
    fn now_us(&self) -> u64 {
        self.basics.now_us()
    }

    async fn sleep_until(&self, until_us: u64) {
        self.basics.sleep_until(until_us).await;
    }
}

impl Workers for RealPorts {
    async fn invoke(&self, _stripe: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        self.workers.invoke(request).await
    }
}

impl Files for RealPorts {
    async fn read(&self, reference: &str) -> Result<Vec<u8>, PortError> {
        self.files.read(reference).await
    }
}

impl BlobStore for RealPorts {
    async fn put_blob(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), PortError> {
        self.basics.put_blob(digest, bytes).await
    }

    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, PortError> {
        self.basics.blob(digest).await
    }
}

impl TaskQueue for RealPorts {
    async fn shards(&self) -> Result<Vec<ShardRange>, PortError> {
        self.basics.memory.shards().await
    }

    async fn put_tasks(&self, records: Vec<(Placement, Vec<u8>)>) -> Result<(), PortError> {
        self.basics.memory.put_tasks(records).await
    }
}

impl ResultQueue for RealPorts {
    async fn put_result(&self, partition_key: String, record: Vec<u8>) -> Result<(), PortError> {
        self.basics.memory.put_result(partition_key, record).await
    }
}

impl JobEvents for RealPorts {
    async fn job_ended(&self, row: &JobRow) -> Result<(), PortError> {
        self.basics.memory.job_ended(row).await
    }
}

impl JobStore for RealPorts {
    async fn create_job(&self, row: &JobRow) -> Result<Created, PortError> {
        self.basics.memory.create_job(row).await
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRow>, PortError> {
        self.basics.memory.job(id).await
    }

    async fn mark_enqueued(&self, id: &JobId) -> Result<(), PortError> {
        self.basics.memory.mark_enqueued(id).await
    }

    async fn record_progress(
        &self,
        id: &JobId,
        bucket: u32,
        progress: BucketProgress,
    ) -> Result<JobRow, PortError> {
        self.basics.memory.record_progress(id, bucket, progress).await
    }

    async fn end_job(&self, id: &JobId, ending: &Ending) -> Result<Written, PortError> {
        self.basics.memory.end_job(id, ending).await
    }

    async fn mark_announced(&self, id: &JobId) -> Result<(), PortError> {
        self.basics.memory.mark_announced(id).await
    }

    async fn bucket(&self, id: &JobId, bucket: u32) -> Result<BucketRow, PortError> {
        self.basics.memory.bucket(id, bucket).await
    }

    async fn put_bucket(&self, id: &JobId, bucket: u32, row: &BucketRow) -> Result<Written, PortError> {
        self.basics.memory.put_bucket(id, bucket, row).await
    }
}
