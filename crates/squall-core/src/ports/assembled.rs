//! One value that has several ports, as the steps take it.

use std::ops::Range;
use std::sync::Arc;

use super::{
    BlobStore, Clock, Created, GivenUp, GivenUpRecords, GivenUpStore, InvokeError, JobEvents, JobList,
    JobStore, NotPut, Objects, Order, PortError, ResultQueue, TaskPut, TaskQueue, Workers, Written,
};
use crate::digest::Digest;
use crate::job::JobId;
use crate::placement::ShardRange;
use crate::rows::{BucketProgress, BucketRow, Ending, JobRow, JobStatus, Reopened, Standing};
use crate::sources::Object;

/// Ports from different places as one value. A part that is `()` is a port that its owner does not have, and the
/// compiler then rejects the steps that need it.
#[derive(Debug)]
pub struct Assembled<C = (), F = (), B = (), J = (), T = (), R = (), W = (), E = ()> {
    /// Time.
    pub clock: Arc<C>,
    /// The files and objects that jobs name.
    pub files: Arc<F>,
    /// Content by its digest, and what was given up.
    pub blobs: Arc<B>,
    /// The jobs and their buckets.
    pub jobs: Arc<J>,
    /// The stream of tasks.
    pub tasks: Arc<T>,
    /// The stream of results.
    pub results: Arc<R>,
    /// The workers.
    pub workers: Arc<W>,
    /// Where the end of a job is announced.
    pub events: Arc<E>,
}

// Not derived: the parts are shared, whatever they are.
impl<C, F, B, J, T, R, W, E> Clone for Assembled<C, F, B, J, T, R, W, E> {
    fn clone(&self) -> Self {
        Self {
            clock: Arc::clone(&self.clock),
            files: Arc::clone(&self.files),
            blobs: Arc::clone(&self.blobs),
            jobs: Arc::clone(&self.jobs),
            tasks: Arc::clone(&self.tasks),
            results: Arc::clone(&self.results),
            workers: Arc::clone(&self.workers),
            events: Arc::clone(&self.events),
        }
    }
}

impl<C: Clock, F, B, J, T, R, W, E> Clock for Assembled<C, F, B, J, T, R, W, E> {
    fn now_us(&self) -> u64 {
        self.clock.now_us()
    }

    async fn sleep_until(&self, until_us: u64) {
        self.clock.sleep_until(until_us).await;
    }
}

impl<C, F: Objects, B, J, T, R, W, E> Objects for Assembled<C, F, B, J, T, R, W, E> {
    type Pages = F::Pages;

    async fn read(&self, reference: &str) -> Result<Vec<u8>, PortError> {
        self.files.read(reference).await
    }

    async fn list(&self, prefix: &str) -> Result<F::Pages, PortError> {
        self.files.list(prefix).await
    }

    async fn stat(&self, location: &str) -> Result<Object, PortError> {
        self.files.stat(location).await
    }

    async fn stat_listed(&self, location: &str) -> Result<Object, PortError> {
        self.files.stat_listed(location).await
    }

    async fn read_range(&self, location: &str, etag: &str, range: Range<u64>) -> Result<Vec<u8>, PortError> {
        self.files.read_range(location, etag, range).await
    }
}

impl<C, F, B: BlobStore, J, T, R, W, E> BlobStore for Assembled<C, F, B, J, T, R, W, E> {
    async fn put_blob(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), PortError> {
        self.blobs.put_blob(digest, bytes).await
    }

    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, PortError> {
        self.blobs.blob(digest).await
    }
}

impl<C, F, B: GivenUpStore, J, T, R, W, E> GivenUpStore for Assembled<C, F, B, J, T, R, W, E> {
    async fn given_up(&self, since_us: u64, at_most: usize) -> Result<Vec<GivenUp>, PortError> {
        self.blobs.given_up(since_us, at_most).await
    }

    async fn given_up_records(&self, name: &str) -> Result<Option<GivenUpRecords>, PortError> {
        self.blobs.given_up_records(name).await
    }

    async fn forget_given_up(&self, name: &str) -> Result<(), PortError> {
        self.blobs.forget_given_up(name).await
    }
}

impl<C, F, B, J, T: TaskQueue, R, W, E> TaskQueue for Assembled<C, F, B, J, T, R, W, E> {
    async fn shards(&self) -> Result<Vec<ShardRange>, PortError> {
        self.tasks.shards().await
    }

    async fn put_tasks(&self, records: &[&TaskPut]) -> Result<Vec<NotPut>, PortError> {
        self.tasks.put_tasks(records).await
    }
}

impl<C, F, B, J, T, R: ResultQueue, W, E> ResultQueue for Assembled<C, F, B, J, T, R, W, E> {
    async fn put_result(&self, partition_key: &str, record: &[u8]) -> Result<(), PortError> {
        self.results.put_result(partition_key, record).await
    }
}

impl<C, F, B, J, T, R, W: Workers, E> Workers for Assembled<C, F, B, J, T, R, W, E> {
    async fn invoke(&self, stripe: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        self.workers.invoke(stripe, request).await
    }
}

impl<C, F, B, J, T, R, W, E: JobEvents> JobEvents for Assembled<C, F, B, J, T, R, W, E> {
    async fn job_ended(&self, row: &JobRow) -> Result<(), PortError> {
        self.events.job_ended(row).await
    }

    async fn id_taken(&self, id: &JobId, message: Digest, reason: &str) -> Result<(), PortError> {
        self.events.id_taken(id, message, reason).await
    }
}

impl<C, F, B, J: JobList, T, R, W, E> JobList for Assembled<C, F, B, J, T, R, W, E> {
    async fn jobs(&self, status: JobStatus, order: Order, at_most: usize) -> Result<Vec<JobId>, PortError> {
        self.jobs.jobs(status, order, at_most).await
    }
}

impl<C, F, B, J: JobStore, T, R, W, E> JobStore for Assembled<C, F, B, J, T, R, W, E> {
    async fn create_job(&self, row: &JobRow) -> Result<Created, PortError> {
        self.jobs.create_job(row).await
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRow>, PortError> {
        self.jobs.job(id).await
    }

    async fn standing(&self, id: &JobId) -> Result<Option<Standing>, PortError> {
        self.jobs.standing(id).await
    }

    async fn mark_enqueued(&self, id: &JobId, generation: u32) -> Result<(), PortError> {
        self.jobs.mark_enqueued(id, generation).await
    }

    async fn record_put(&self, id: &JobId, generation: u32, n_put: u32) -> Result<(), PortError> {
        self.jobs.record_put(id, generation, n_put).await
    }

    async fn n_put(&self, id: &JobId) -> Result<u32, PortError> {
        self.jobs.n_put(id).await
    }

    async fn record_progress(
        &self,
        id: &JobId,
        bucket: u32,
        progress: BucketProgress,
    ) -> Result<JobRow, PortError> {
        self.jobs.record_progress(id, bucket, progress).await
    }

    async fn end_job(&self, id: &JobId, generation: u32, ending: &Ending) -> Result<Written, PortError> {
        self.jobs.end_job(id, generation, ending).await
    }

    async fn reopen_job(&self, id: &JobId, ended_us: u64, reopened: &Reopened) -> Result<Written, PortError> {
        self.jobs.reopen_job(id, ended_us, reopened).await
    }

    async fn mark_announced(&self, id: &JobId, ended_us: u64) -> Result<(), PortError> {
        self.jobs.mark_announced(id, ended_us).await
    }

    async fn bucket(&self, id: &JobId, bucket: u32) -> Result<BucketRow, PortError> {
        self.jobs.bucket(id, bucket).await
    }

    async fn put_bucket(&self, id: &JobId, bucket: u32, row: &BucketRow) -> Result<Written, PortError> {
        self.jobs.put_bucket(id, bucket, row).await
    }
}
