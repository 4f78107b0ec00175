//! Ports with something around each of their calls: a fault ([`Faulty`](super::Faulty)), a delay ([`Slow`](super::Slow)), a limit
//! ([`Limited`](super::Limited)). What wraps any port can itself be wrapped.
#![expect(async_fn_in_trait, reason = "runs on one thread, never spawned")]

use std::ops::Range;

use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::placement::ShardRange;
use squall_core::ports::{
    BlobStore, Clock, Created, GivenUp, GivenUpRecords, GivenUpStore, InvokeError, JobEvents, JobList,
    JobStore, NotPut, ObjectPages, Objects, Order, PortError, ResultQueue, TaskPut, TaskQueue, Workers,
    Written,
};
use squall_core::rows::{BucketProgress, BucketRow, Ending, JobRow, JobStatus, Reopened, Standing};
use squall_core::sources::Object;

/// What happens around each call of a port: nothing, unless a method says otherwise.
pub trait Around: Clone {
    /// Before a call is executed; an error takes its place. `call` is a verb with its object, such as `get blob`.
    async fn before(&self, _call: &str) -> Result<(), PortError> {
        Ok(())
    }

    /// After a call was executed; an error takes the place of its reply.
    async fn after(&self, _call: &str) -> Result<(), PortError> {
        Ok(())
    }

    /// A call of any port, with what comes before and after.
    async fn call<T>(
        &self,
        call: &str,
        act: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        self.before(call).await?;
        let reply = act.await?;
        self.after(call).await?;
        Ok(reply)
    }

    /// A call that puts tasks.
    async fn put_tasks(
        &self,
        inner: &impl TaskQueue,
        records: &[&TaskPut],
    ) -> Result<Vec<NotPut>, PortError> {
        self.call("put tasks", inner.put_tasks(records)).await
    }

    /// A call that puts a result.
    async fn put_result(
        &self,
        inner: &impl ResultQueue,
        partition_key: &str,
        record: &[u8],
    ) -> Result<(), PortError> {
        self.call("put result", inner.put_result(partition_key, record)).await
    }

    /// An invocation of a worker.
    async fn invoke(
        &self,
        inner: &impl Workers,
        stripe: u32,
        request: Vec<u8>,
    ) -> Result<Vec<u8>, InvokeError> {
        inner.invoke(stripe, request).await
    }
}

/// Ports `P` with `A` around each call.
#[derive(Debug, Clone)]
pub struct Wrapped<P, A> {
    /// The ports.
    pub inner: P,
    /// What is around their calls.
    pub around: A,
}

impl<P: Clock, A> Clock for Wrapped<P, A> {
    fn now_us(&self) -> u64 {
        self.inner.now_us()
    }

    async fn sleep_until(&self, until_us: u64) {
        self.inner.sleep_until(until_us).await;
    }
}

impl<P: Objects, A: Around> Objects for Wrapped<P, A> {
    type Pages = Wrapped<P::Pages, A>;

    async fn read(&self, reference: &str) -> Result<Vec<u8>, PortError> {
        self.around.call("read file", self.inner.read(reference)).await
    }

    async fn list(&self, prefix: &str) -> Result<Self::Pages, PortError> {
        let inner = self.around.call("list objects", self.inner.list(prefix)).await?;
        Ok(Wrapped { inner, around: self.around.clone() })
    }

    async fn stat(&self, location: &str) -> Result<Object, PortError> {
        self.around.call("look up object", self.inner.stat(location)).await
    }

    async fn stat_listed(&self, location: &str) -> Result<Object, PortError> {
        self.around.call("look up object", self.inner.stat_listed(location)).await
    }

    async fn read_range(&self, location: &str, etag: &str, range: Range<u64>) -> Result<Vec<u8>, PortError> {
        self.around.call("read object", self.inner.read_range(location, etag, range)).await
    }
}

impl<P: ObjectPages, A: Around> ObjectPages for Wrapped<P, A> {
    fn root(&self) -> &str {
        self.inner.root()
    }

    async fn next_page(&mut self) -> Result<Vec<Object>, PortError> {
        self.around.call("list objects", self.inner.next_page()).await
    }
}

impl<P: BlobStore, A: Around> BlobStore for Wrapped<P, A> {
    async fn put_blob(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), PortError> {
        self.around.call("put blob", self.inner.put_blob(digest, bytes)).await
    }

    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, PortError> {
        self.around.call("get blob", self.inner.blob(digest)).await
    }
}

impl<P: GivenUpStore, A: Around> GivenUpStore for Wrapped<P, A> {
    async fn given_up(&self, since_us: u64, at_most: usize) -> Result<Vec<GivenUp>, PortError> {
        self.around.call("list what was given up", self.inner.given_up(since_us, at_most)).await
    }

    async fn given_up_records(&self, name: &str) -> Result<Option<GivenUpRecords>, PortError> {
        self.around.call("get what was given up", self.inner.given_up_records(name)).await
    }

    async fn forget_given_up(&self, name: &str) -> Result<(), PortError> {
        self.around.call("forget what was given up", self.inner.forget_given_up(name)).await
    }
}

impl<P: TaskQueue, A: Around> TaskQueue for Wrapped<P, A> {
    async fn shards(&self) -> Result<Vec<ShardRange>, PortError> {
        self.around.call("list shards", self.inner.shards()).await
    }

    async fn put_tasks(&self, records: &[&TaskPut]) -> Result<Vec<NotPut>, PortError> {
        self.around.put_tasks(&self.inner, records).await
    }
}

impl<P: ResultQueue, A: Around> ResultQueue for Wrapped<P, A> {
    async fn put_result(&self, partition_key: &str, record: &[u8]) -> Result<(), PortError> {
        self.around.put_result(&self.inner, partition_key, record).await
    }
}

impl<P: Workers, A: Around> Workers for Wrapped<P, A> {
    async fn invoke(&self, stripe: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        self.around.invoke(&self.inner, stripe, request).await
    }
}

impl<P: JobEvents, A: Around> JobEvents for Wrapped<P, A> {
    async fn job_ended(&self, row: &JobRow) -> Result<(), PortError> {
        self.around.call("announce the end", self.inner.job_ended(row)).await
    }

    async fn id_taken(&self, id: &JobId, message: Digest, reason: &str) -> Result<(), PortError> {
        self.around.call("announce a taken id", self.inner.id_taken(id, message, reason)).await
    }
}

impl<P: JobList, A: Around> JobList for Wrapped<P, A> {
    async fn jobs(&self, status: JobStatus, order: Order, at_most: usize) -> Result<Vec<JobId>, PortError> {
        self.around.call("list jobs", self.inner.jobs(status, order, at_most)).await
    }
}

impl<P: JobStore, A: Around> JobStore for Wrapped<P, A> {
    async fn create_job(&self, row: &JobRow) -> Result<Created, PortError> {
        self.around.call("create job", self.inner.create_job(row)).await
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRow>, PortError> {
        self.around.call("get job", self.inner.job(id)).await
    }

    async fn standing(&self, id: &JobId) -> Result<Option<Standing>, PortError> {
        self.around.call("get standing of job", self.inner.standing(id)).await
    }

    async fn mark_enqueued(&self, id: &JobId, generation: u32) -> Result<(), PortError> {
        self.around.call("mark enqueued", self.inner.mark_enqueued(id, generation)).await
    }

    async fn record_put(&self, id: &JobId, generation: u32, n_put: u32) -> Result<(), PortError> {
        self.around.call("record put", self.inner.record_put(id, generation, n_put)).await
    }

    async fn n_put(&self, id: &JobId) -> Result<u32, PortError> {
        self.around.call("get put", self.inner.n_put(id)).await
    }

    async fn record_progress(
        &self,
        id: &JobId,
        bucket: u32,
        progress: BucketProgress,
    ) -> Result<JobRow, PortError> {
        self.around.call("record progress", self.inner.record_progress(id, bucket, progress)).await
    }

    async fn end_job(&self, id: &JobId, generation: u32, ending: &Ending) -> Result<Written, PortError> {
        self.around.call("end job", self.inner.end_job(id, generation, ending)).await
    }

    async fn reopen_job(&self, id: &JobId, ended_us: u64, reopened: &Reopened) -> Result<Written, PortError> {
        self.around.call("reopen job", self.inner.reopen_job(id, ended_us, reopened)).await
    }

    async fn mark_announced(&self, id: &JobId, ended_us: u64) -> Result<(), PortError> {
        self.around.call("mark announced", self.inner.mark_announced(id, ended_us)).await
    }

    async fn bucket(&self, id: &JobId, bucket: u32) -> Result<BucketRow, PortError> {
        self.around.call("get bucket", self.inner.bucket(id, bucket)).await
    }

    async fn put_bucket(&self, id: &JobId, bucket: u32, row: &BucketRow) -> Result<Written, PortError> {
        self.around.call("put bucket", self.inner.put_bucket(id, bucket, row)).await
    }
}
