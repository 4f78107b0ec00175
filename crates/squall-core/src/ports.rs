//! What the grid needs from outside, in the grid's vocabulary. Adapters implement these; steps are written over them.
//!
//! A port fails with [`PortError`]; the same contract suite holds for every implementation.
#![expect(async_fn_in_trait, reason = "steps run on whatever executor their binary brings, never spawned")]

use std::ops::Range;

pub use squall_ports::{Clock, PortError, Written, chain};

use crate::cascade::Throttle;
use crate::digest::Digest;
use crate::job::JobId;
use crate::placement::ShardRange;
use crate::rows::{BucketProgress, BucketRow, Ending, JobRow, JobStatus, Reopened, Standing};
use crate::sources::Object;

mod assembled;

pub use assembled::Assembled;

/// The files and objects that jobs name but do not contain: files are read whole, objects listed and read in ranges.
///
/// Objects may be many and large: an implementation never holds a whole listing or a whole object.
pub trait Objects {
    /// A listing in progress.
    type Pages: ObjectPages;

    /// The content of the file that a job's input names as `reference`, in full.
    ///
    /// # Errors
    /// Permanent when there is no such file.
    async fn read(&self, reference: &str) -> Result<Vec<u8>, PortError>;
    /// Starts listing every object below `prefix`, a folder or `s3://bucket/prefix`, sorted by name, byte by byte.
    ///
    /// # Errors
    /// Permanent when there is no such place.
    async fn list(&self, prefix: &str) -> Result<Self::Pages, PortError>;
    /// One object, with its location as its name.
    ///
    /// # Errors
    /// Permanent when there is no such object.
    async fn stat(&self, location: &str) -> Result<Object, PortError>;
    /// The same for an object that a list names, and that will be read in ranges.
    ///
    /// # Errors
    /// Permanent also when it may only be read whole: its name says what its content is, which a range cannot show.
    async fn stat_listed(&self, location: &str) -> Result<Object, PortError> {
        self.stat(location).await
    }
    /// The bytes of the object at `location` (a listing's root and the object's name) from `range.start` to before
    /// `range.end`, both within the object.
    ///
    /// # Errors
    /// Permanent when it is not there, or its ETag is not `etag`: it changed. A short answer is an error.
    async fn read_range(&self, location: &str, etag: &str, range: Range<u64>) -> Result<Vec<u8>, PortError>;
}

/// A listing in progress.
pub trait ObjectPages {
    /// The prefix that turns the objects' names into locations.
    fn root(&self) -> &str;
    /// The next objects, in order, at most some thousands; empty after the last.
    ///
    /// # Errors
    /// Unknown when the store does not answer.
    async fn next_page(&mut self) -> Result<Vec<Object>, PortError>;
}

/// Content by its digest.
pub trait BlobStore {
    /// Stores bytes under their digest; storing them again changes nothing.
    ///
    /// # Errors
    /// Unknown when the store does not answer.
    async fn put_blob(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), PortError>;
    /// The bytes under a digest.
    ///
    /// # Errors
    /// Permanent when nothing is there.
    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, PortError>;
}

/// A record for the task stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPut {
    /// Where it goes.
    pub placement: Placement,
    /// The encoded task.
    pub data: Vec<u8>,
}

/// A record that the stream did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotPut {
    /// Its index in the call.
    pub index: usize,
    /// Why: the stream's code and message.
    pub reason: String,
}

/// Where a record of the task stream goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Decides the lane within the shard.
    pub partition_key: String,
    /// Decides the shard.
    pub hash_key: u128,
}

/// The stream of tasks.
pub trait TaskQueue {
    /// The shards that are open now.
    ///
    /// # Errors
    /// Unknown when the stream does not answer.
    async fn shards(&self) -> Result<Vec<ShardRange>, PortError>;
    /// Puts records with one call, in order per shard as far as the stream can, and returns those that it did not take, in order
    /// of their index. A call has at most [`MAX_CALL_RECORDS`](crate::outbox::MAX_CALL_RECORDS) records and
    /// [`MAX_CALL_BYTES`](crate::outbox::MAX_CALL_BYTES).
    ///
    /// # Errors
    /// Refused when it took none of them. Unknown when it is not known which ones it took.
    async fn put_tasks(&self, records: &[&TaskPut]) -> Result<Vec<NotPut>, PortError>;
}

/// The stream of results.
pub trait ResultQueue {
    /// Puts a record of at most [`MAX_RECORD_BYTES`](crate::outbox::MAX_RECORD_BYTES) with its key, at least once.
    ///
    /// # Errors
    /// When the record is not known to be on the stream.
    async fn put_result(&self, partition_key: &str, record: &[u8]) -> Result<(), PortError>;
}

/// Why a worker did not answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// It was refused before it ran.
    #[error("throttled: {0:?}")]
    Throttled(Throttle),
    /// It crashed, timed out, or its answer was lost.
    #[error("{0}")]
    Failed(String),
    /// It did not run; another attempt may.
    #[error("{0}")]
    NotRun(String),
    /// It ran, and no attempt with this request can be answered.
    #[error("{0}")]
    Hopeless(String),
    /// It ran, and its reply is larger than one may be.
    #[error("{0}")]
    ReplyTooLarge(String),
    /// It can never be invoked this way, such as with a payload over the limit; it did not run.
    #[error("{0}")]
    Impossible(String),
}

/// The workers, as identical functions.
pub trait Workers {
    /// Invokes a worker of a stripe and waits for its reply.
    ///
    /// # Errors
    /// When there is no reply.
    async fn invoke(&self, stripe: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError>;
}

/// The outcome of creating a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Created {
    /// It is new.
    New,
    /// The id is taken by this job.
    Existing(Box<JobRow>),
}

/// The jobs and their buckets.
///
/// A read sees every write that was acknowledged before it, by any caller: a stale bucket would look like a lost result.
pub trait JobStore {
    /// Stores a job unless the id is taken by a job that was not rejected.
    ///
    /// # Errors
    /// Unknown when the store does not answer.
    async fn create_job(&self, row: &JobRow) -> Result<Created, PortError>;
    /// A job.
    ///
    /// # Errors
    /// Unknown when the store does not answer.
    async fn job(&self, id: &JobId) -> Result<Option<JobRow>, PortError>;
    /// The part of a job's row that a consumer needs, without reading the large parts.
    ///
    /// # Errors
    /// Unknown when the store does not answer.
    async fn standing(&self, id: &JobId) -> Result<Option<Standing>, PortError>;
    /// Records that every task is on the stream, unless the job was reopened since this generation.
    ///
    /// # Errors
    /// Unknown when the store does not answer; permanent when there is no such job.
    async fn mark_enqueued(&self, id: &JobId, generation: u32) -> Result<(), PortError>;
    /// Records that so many of a job's tasks, in the order in which they are put, are on the stream, unless the job was reopened since
    /// this generation: a splitter that is started again goes on from there.
    ///
    /// # Errors
    /// Unknown when the store does not answer; permanent when there is no such job.
    async fn record_put(&self, id: &JobId, generation: u32, n_put: u32) -> Result<(), PortError>;
    /// How many that were last; 0 if none were recorded.
    ///
    /// # Errors
    /// Unknown when the store does not answer; permanent when there is no such job.
    async fn n_put(&self, id: &JobId) -> Result<u32, PortError>;
    /// Takes in a bucket's progress unless a later one is known, and returns the updated job.
    ///
    /// # Errors
    /// Unknown when the store does not answer; permanent when there is no such job.
    async fn record_progress(
        &self,
        id: &JobId,
        bucket: u32,
        progress: BucketProgress,
    ) -> Result<JobRow, PortError>;
    /// Ends a job on condition that it is still running and was not reopened since this generation, or has ended in
    /// exactly this way: a caller that lost the reply to its own write must learn that it was written.
    ///
    /// # Errors
    /// Unknown when the store does not answer; permanent when there is no such job.
    async fn end_job(&self, id: &JobId, generation: u32, ending: &Ending) -> Result<Written, PortError>;
    /// Reopens an ended job, on condition that its ending is the one of `ended_us`. Its progress is kept.
    ///
    /// # Errors
    /// Unknown when the store does not answer; permanent when there is no such job.
    async fn reopen_job(&self, id: &JobId, ended_us: u64, reopened: &Reopened) -> Result<Written, PortError>;
    /// Records that the end of `ended_us` was announced, unless the job was reopened since.
    ///
    /// # Errors
    /// Unknown when the store does not answer; permanent when there is no such job.
    async fn mark_announced(&self, id: &JobId, ended_us: u64) -> Result<(), PortError>;
    /// A bucket; the empty one if nothing was merged yet.
    ///
    /// # Errors
    /// Unknown when the store does not answer.
    async fn bucket(&self, id: &JobId, bucket: u32) -> Result<BucketRow, PortError>;
    /// Writes a bucket on condition that the stored version is `row.version - 1`.
    ///
    /// # Errors
    /// Unknown when the store does not answer.
    async fn put_bucket(&self, id: &JobId, bucket: u32, row: &BucketRow) -> Result<Written, PortError>;
}

/// The order of a listing of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Most recently created first.
    NewestFirst,
    /// Least recently created first.
    OldestFirst,
}

/// The jobs, listed.
pub trait JobList {
    /// The ids of the jobs with a status, at most `at_most`. A job that has ended is listed as running until its end
    /// was announced: the collector still has to attend to it. A job that was written just now may be missing.
    ///
    /// # Errors
    /// Unknown when the store does not answer.
    async fn jobs(&self, status: JobStatus, order: Order, at_most: usize) -> Result<Vec<JobId>, PortError>;
}

/// Records whose every delivery failed: kept as one object per batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// The object's name.
    pub name: String,
    /// When they were given up, microseconds since 1970.
    pub since_us: u64,
}

/// The content of a [`GivenUp`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUpRecords {
    /// The records, as they were put on their stream.
    pub records: Vec<Vec<u8>>,
    /// How often they were delivered.
    pub n_deliveries: u32,
    /// Why no more: the condition, and how the function ended.
    pub reason: String,
}

/// The records of both streams whose every delivery failed, until they are forgotten.
pub trait GivenUpStore {
    /// Those that were given up since then, microseconds since 1970: the oldest first, at most `at_most`.
    ///
    /// # Errors
    /// Unknown when the store does not answer.
    async fn given_up(&self, since_us: u64, at_most: usize) -> Result<Vec<GivenUp>, PortError>;
    /// The content of one; `None` when it is not there any more.
    ///
    /// # Errors
    /// Permanent when it cannot be read.
    async fn given_up_records(&self, name: &str) -> Result<Option<GivenUpRecords>, PortError>;
    /// Removes one; that it is not there is no error.
    ///
    /// # Errors
    /// Unknown when the store does not answer.
    async fn forget_given_up(&self, name: &str) -> Result<(), PortError>;
}

/// Where the end of a job is announced.
pub trait JobEvents {
    /// Announces the end of a job, at least once per ended job.
    ///
    /// # Errors
    /// When the announcement is not known to have been delivered.
    async fn job_ended(&self, row: &JobRow) -> Result<(), PortError>;
    /// Announces that a message did not become a job because another job has its id; which message, by its digest. At least once.
    ///
    /// # Errors
    /// When the announcement is not known to have been delivered.
    async fn id_taken(&self, id: &JobId, message: Digest, reason: &str) -> Result<(), PortError>;
}
