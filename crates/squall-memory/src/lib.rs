//! The grid's ports in memory: streams with shards and lanes, a job store with conditional writes, blobs.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::placement::ShardRange;
use squall_core::ports::{
    Assembled, BlobStore, Created, GivenUp, GivenUpRecords, GivenUpStore, JobEvents, JobList, JobStore,
    NotPut, Order, PortError, ResultQueue, TaskPut, TaskQueue, Written,
};
use squall_core::rows::{BucketProgress, BucketRow, Ending, JobRow, JobStatus, Reopened, Standing};
use tokio::sync::Notify;

mod objects;
mod stream;

pub use objects::{MemoryObjects, MemoryPages};
pub use stream::{Record, Stream};

/// Every port of a grid over one memory.
pub type GridPorts<C, F, W> = Assembled<C, F, Memory, Memory, Memory, Memory, W, Memory>;

/// The ports of a grid over `memory`.
pub fn grid_ports<C, F, W>(
    memory: &Arc<Memory>,
    clock: Arc<C>,
    files: Arc<F>,
    workers: Arc<W>,
) -> GridPorts<C, F, W> {
    Assembled {
        clock,
        files,
        blobs: Arc::clone(memory),
        jobs: Arc::clone(memory),
        tasks: Arc::clone(memory),
        results: Arc::clone(memory),
        workers,
        events: Arc::clone(memory),
    }
}

/// The ports of a worker over `memory`: it reads inputs and files.
pub fn worker_ports<C, F>(memory: &Arc<Memory>, clock: Arc<C>, files: Arc<F>) -> Assembled<C, F, Memory> {
    Assembled {
        clock,
        files,
        blobs: Arc::clone(memory),
        jobs: Arc::default(),
        tasks: Arc::default(),
        results: Arc::default(),
        workers: Arc::default(),
        events: Arc::default(),
    }
}

/// The state of a grid, in memory.
#[derive(Debug)]
pub struct Memory {
    /// The task stream.
    pub tasks: Stream,
    /// The result stream.
    pub results: Stream,
    jobs: Mutex<HashMap<JobId, JobRow>>,
    /// How many tasks of each job are on the stream.
    put: Mutex<HashMap<JobId, u32>>,
    buckets: Mutex<HashMap<(JobId, u32), BucketRow>>,
    blobs: Mutex<HashMap<Digest, Vec<u8>>>,
    /// By number, in the order of time.
    given_up: Mutex<BTreeMap<String, (u64, GivenUpRecords)>>,
    /// Notified whenever a job's end is announced.
    pub ended: Notify,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    /// An empty grid with this many shards per stream, and this many lanes per task shard.
    pub fn new(n_task_shards: u32, lanes_per_task_shard: u32, n_result_shards: u32) -> Self {
        Self {
            tasks: Stream::new(n_task_shards, lanes_per_task_shard),
            results: Stream::new(n_result_shards, 1),
            jobs: Mutex::default(),
            put: Mutex::default(),
            buckets: Mutex::default(),
            blobs: Mutex::default(),
            given_up: Mutex::default(),
            ended: Notify::new(),
        }
    }

    /// Keeps records that were given up at `now_us`.
    pub fn give_up(&self, records: GivenUpRecords, now_us: u64) {
        let mut given_up = locked(&self.given_up);
        let last = given_up.last_key_value().and_then(|(name, _)| name.parse::<u64>().ok());
        let name = format!("{:020}", last.map_or(0, |last| last + 1));
        given_up.insert(name, (now_us, records));
    }

    fn with_job<T>(&self, id: &JobId, change: impl FnOnce(&mut JobRow) -> T) -> Result<T, PortError> {
        match locked(&self.jobs).get_mut(id) {
            Some(row) => Ok(change(row)),
            None => Err(PortError::permanent(format!("there is no job {id}"))),
        }
    }
}

impl TaskQueue for Memory {
    async fn shards(&self) -> Result<Vec<ShardRange>, PortError> {
        Ok(self.tasks.shards().to_vec())
    }

    async fn put_tasks(&self, records: &[&TaskPut]) -> Result<Vec<NotPut>, PortError> {
        for TaskPut { placement, data } in records {
            self.tasks.put(&placement.partition_key, Some(placement.hash_key), data);
        }
        Ok(Vec::new())
    }
}

impl ResultQueue for Memory {
    async fn put_result(&self, partition_key: &str, record: &[u8]) -> Result<(), PortError> {
        self.results.put(partition_key, None, record);
        Ok(())
    }
}

impl BlobStore for Memory {
    async fn put_blob(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), PortError> {
        locked(&self.blobs).insert(digest, bytes);
        Ok(())
    }

    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, PortError> {
        let found = locked(&self.blobs).get(&digest).cloned();
        found.ok_or_else(|| PortError::permanent(format!("there is no blob {digest}")))
    }
}

impl GivenUpStore for Memory {
    async fn given_up(&self, since_us: u64, at_most: usize) -> Result<Vec<GivenUp>, PortError> {
        let given_up = locked(&self.given_up);
        let listed =
            given_up.iter().map(|(name, (since_us, _))| GivenUp { name: name.clone(), since_us: *since_us });
        Ok(listed.filter(|it| it.since_us >= since_us).take(at_most).collect())
    }

    async fn given_up_records(&self, name: &str) -> Result<Option<GivenUpRecords>, PortError> {
        Ok(locked(&self.given_up).get(name).map(|(_, records)| records.clone()))
    }

    async fn forget_given_up(&self, name: &str) -> Result<(), PortError> {
        locked(&self.given_up).remove(name);
        Ok(())
    }
}

impl JobStore for Memory {
    async fn create_job(&self, row: &JobRow) -> Result<Created, PortError> {
        let mut jobs = locked(&self.jobs);
        match jobs.get(&row.id) {
            Some(known) if known.status() != JobStatus::Rejected => {
                Ok(Created::Existing(Box::new(known.clone())))
            }
            _ => {
                jobs.insert(row.id.clone(), row.clone());
                locked(&self.put).remove(&row.id);
                Ok(Created::New)
            }
        }
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRow>, PortError> {
        Ok(locked(&self.jobs).get(id).cloned())
    }

    async fn standing(&self, id: &JobId) -> Result<Option<Standing>, PortError> {
        Ok(locked(&self.jobs).get(id).map(JobRow::standing))
    }

    async fn mark_enqueued(&self, id: &JobId, generation: u32) -> Result<(), PortError> {
        self.with_job(id, |row| row.enqueued |= row.generation() == generation)
    }

    async fn record_put(&self, id: &JobId, generation: u32, n_put: u32) -> Result<(), PortError> {
        if self.with_job(id, |row| row.generation())? == generation {
            locked(&self.put).insert(id.clone(), n_put);
        }
        Ok(())
    }

    async fn n_put(&self, id: &JobId) -> Result<u32, PortError> {
        self.with_job(id, |_| ())?;
        Ok(locked(&self.put).get(id).copied().unwrap_or(0))
    }

    async fn record_progress(
        &self,
        id: &JobId,
        bucket: u32,
        progress: BucketProgress,
    ) -> Result<JobRow, PortError> {
        self.with_job(id, |row| {
            row.record_progress(bucket, progress);
            row.clone()
        })
    }

    async fn end_job(&self, id: &JobId, generation: u32, ending: &Ending) -> Result<Written, PortError> {
        self.with_job(id, |row| match &row.ending {
            Some(known) if known == ending => Written::Yes,
            Some(_) => Written::Raced,
            None if row.generation() != generation => Written::Raced,
            None => {
                row.ending = Some(ending.clone());
                Written::Yes
            }
        })
    }

    async fn reopen_job(&self, id: &JobId, ended_us: u64, reopened: &Reopened) -> Result<Written, PortError> {
        self.with_job(id, |row| {
            if row.ending.as_ref().is_none_or(|ending| ending.ended_us != ended_us) {
                return Written::Raced;
            }
            row.reopen(reopened.clone());
            Written::Yes
        })
    }

    async fn mark_announced(&self, id: &JobId, ended_us: u64) -> Result<(), PortError> {
        self.with_job(id, |row| {
            row.announced |= row.ending.as_ref().is_some_and(|ending| ending.ended_us == ended_us);
        })
    }

    async fn bucket(&self, id: &JobId, bucket: u32) -> Result<BucketRow, PortError> {
        Ok(locked(&self.buckets).get(&(id.clone(), bucket)).cloned().unwrap_or_default())
    }

    async fn put_bucket(&self, id: &JobId, bucket: u32, row: &BucketRow) -> Result<Written, PortError> {
        let mut buckets = locked(&self.buckets);
        let known = buckets.entry((id.clone(), bucket)).or_default();
        if known.version + 1 != row.version {
            return Ok(Written::Raced);
        }
        *known = row.clone();
        Ok(Written::Yes)
    }
}

impl JobList for Memory {
    async fn jobs(&self, status: JobStatus, order: Order, at_most: usize) -> Result<Vec<JobId>, PortError> {
        let listed_as = |row: &JobRow| if row.announced { row.status() } else { JobStatus::Running };
        let jobs = locked(&self.jobs);
        let mut found: Vec<_> = jobs.values().filter(|row| listed_as(row) == status).collect();
        found.sort_by_key(|row| (row.created_us, &row.id));
        if order == Order::NewestFirst {
            found.reverse();
        }
        Ok(found.into_iter().take(at_most).map(|row| row.id.clone()).collect())
    }
}

impl JobEvents for Memory {
    async fn job_ended(&self, _row: &JobRow) -> Result<(), PortError> {
        self.ended.notify_waiters();
        Ok(())
    }

    async fn id_taken(&self, _id: &JobId, _message: Digest, _reason: &str) -> Result<(), PortError> {
        Ok(())
    }
}
