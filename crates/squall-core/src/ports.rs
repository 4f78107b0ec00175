//! What the grid needs from outside, in the grid's words. Adapters implement these; steps are written over them.
//!
//! A port fails with [`PortError`]; the same contract suite holds for every implementation.
#![expect(async_fn_in_trait, reason = "steps run on whatever executor their binary brings, never spawned")]

pub use squall_ports::{Clock, PortError, Written, chain};

use crate::cascade::ThrottleReason;
use crate::digest::Digest;
use crate::job::JobId;
use crate::placement::ShardRange;
use crate::rows::{BucketProgress, BucketRow, Ending, JobRow, JobStatus, Reopened};

mod assembled;

pub use assembled::Assembled;

/// The files that a job names.
pub trait Files {
    /// The content of the file that a job's input calls `reference`.
    ///
    /// # Errors
    /// Permanent when there is no such file.
    async fn read(&self, reference: &str) -> Result<Vec<u8>, PortError>;
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
    /// Puts records, at least once each, in order per shard as far as the stream can.
    ///
    /// # Errors
    /// When it is not known that all are on the stream; some may be.
    async fn put_tasks(&self, records: Vec<(Placement, Vec<u8>)>) -> Result<(), PortError>;
}

/// The stream of results.
pub trait ResultQueue {
    /// Puts a record, at least once.
    ///
    /// # Errors
    /// When it is not known to be on the stream.
    async fn put_result(&self, partition_key: String, record: Vec<u8>) -> Result<(), PortError>;
}

/// Why a worker did not answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// It was refused before it ran.
    #[error("throttled: {0:?}")]
    Throttled(ThrottleReason),
    /// It crashed, timed out, or nobody knows what became of it.
    #[error("{0}")]
    Failed(String),
    /// It can never be asked, such as a payload over the limit.
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

/// What became of creating a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Created {
    /// It is new.
    New,
    /// The id is taken, by this.
    Existing(Box<JobRow>),
}

/// The jobs and their buckets.
///
/// A read sees every write that was acknowledged before it, by whomever: a stale bucket would look like a lost result.
pub trait JobStore {
    /// Stores a job unless its id is taken by one that was not rejected.
    ///
    /// # Errors
    /// Unknown when the store does not answer.
    async fn create_job(&self, row: &JobRow) -> Result<Created, PortError>;
    /// A job.
    ///
    /// # Errors
    /// Unknown when the store does not answer.
    async fn job(&self, id: &JobId) -> Result<Option<JobRow>, PortError>;
    /// Notes that every task is on the stream, unless the job was taken up again since this opening.
    ///
    /// # Errors
    /// Unknown when the store does not answer; permanent when there is no such job.
    async fn mark_enqueued(&self, id: &JobId, opening: u32) -> Result<(), PortError>;
    /// Takes in a bucket's progress unless a later one is known, and returns the job as it is then.
    ///
    /// # Errors
    /// Unknown when the store does not answer; permanent when there is no such job.
    async fn record_progress(
        &self,
        id: &JobId,
        bucket: u32,
        progress: BucketProgress,
    ) -> Result<JobRow, PortError>;
    /// Ends a job on condition that it still runs and was not taken up again since this opening, or has ended in exactly
    /// this way: whoever lost the reply to its own write must hear that it was written.
    ///
    /// # Errors
    /// Unknown when the store does not answer; permanent when there is no such job.
    async fn end_job(&self, id: &JobId, opening: u32, ending: &Ending) -> Result<Written, PortError>;
    /// Takes an ended job up again, on condition that its ending is the one of `ended_us`. Its progress stays.
    ///
    /// # Errors
    /// Unknown when the store does not answer; permanent when there is no such job.
    async fn reopen_job(&self, id: &JobId, ended_us: u64, reopened: &Reopened) -> Result<Written, PortError>;
    /// Notes that the end of `ended_us` was told, unless the job was taken up again since.
    ///
    /// # Errors
    /// Unknown when the store does not answer; permanent when there is no such job.
    async fn mark_announced(&self, id: &JobId, ended_us: u64) -> Result<(), PortError>;
    /// A bucket; the empty one when nothing was merged yet.
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

/// Which of many jobs come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Those that were created last.
    NewestFirst,
    /// Those that were created first.
    OldestFirst,
}

/// The jobs, listed.
pub trait JobList {
    /// The ids of the jobs of a status, at most so many. A job that has ended is listed as running until its end was
    /// told: somebody still has to look after it. A job that was written just now may be missing.
    ///
    /// # Errors
    /// Unknown when the store does not answer.
    async fn jobs(&self, status: JobStatus, order: Order, at_most: usize) -> Result<Vec<JobId>, PortError>;
}

/// Who wants to know that a job has ended.
pub trait JobEvents {
    /// Tells, at least once per ended job.
    ///
    /// # Errors
    /// When it is not known to have been told.
    async fn job_ended(&self, row: &JobRow) -> Result<(), PortError>;
}
