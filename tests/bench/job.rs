//! A probe job whose store is memory, and streams that only store their records.

use std::sync::{Arc, Mutex, PoisonError};

use squall_aws::WallClock;
use squall_core::job::JobId;
use squall_core::placement::ShardRange;
use squall_core::ports::{Assembled, NotPut, PortError, ResultQueue, TaskPut, TaskQueue};
use squall_core::sizing::SizingPolicy;
use squall_grid::{InputCache, SplitConfig, SplitOutcome, split};
use squall_local::Directory;
use squall_memory::{Memory, Stream};

/// A stream without readers.
pub(crate) struct Kept {
    shards: Vec<ShardRange>,
    records: Mutex<Vec<Vec<u8>>>,
}

impl Kept {
    pub(crate) fn new(n_shards: u32) -> Self {
        Self { shards: Stream::new(n_shards, 1).shards().to_vec(), records: Mutex::default() }
    }

    /// The records put so far, each once.
    pub(crate) fn taken(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, records: impl Iterator<Item = Vec<u8>>) {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).extend(records);
    }
}

impl TaskQueue for Kept {
    async fn shards(&self) -> Result<Vec<ShardRange>, PortError> {
        Ok(self.shards.clone())
    }

    async fn put_tasks(&self, records: &[&TaskPut]) -> Result<Vec<NotPut>, PortError> {
        self.keep(records.iter().map(|record| record.data.clone()));
        Ok(Vec::new())
    }
}

impl ResultQueue for Kept {
    async fn put_result(&self, _partition_key: &str, record: &[u8]) -> Result<(), PortError> {
        self.keep([record.to_vec()].into_iter());
        Ok(())
    }
}

/// The ports of a splitter: the store in memory, any task stream.
pub(crate) type Splitter<T> = Assembled<WallClock, Directory, Memory, Memory, T, (), (), Memory>;

pub(crate) fn splitter<T>(memory: &Arc<Memory>, tasks: Arc<T>) -> Splitter<T> {
    Assembled {
        clock: Arc::default(),
        files: Arc::new(Directory::new(".")),
        blobs: Arc::clone(memory),
        jobs: Arc::clone(memory),
        tasks,
        results: Arc::default(),
        workers: Arc::default(),
        events: Arc::clone(memory),
    }
}

/// Splits a probe job into this many tasks, with this many subtasks each.
pub(crate) async fn publish<T: TaskQueue>(
    ports: &Splitter<T>,
    inputs: &InputCache,
    id: &JobId,
    n_tasks: u32,
    n_subtasks: u32,
) {
    let units = u64::from(n_tasks) * u64::from(n_subtasks);
    let message = format!(
        r#"{{"workload":"probe","input":{{"units":{units}}},"sizing":{{"tasks":{n_tasks},"subtasks_per_task":{n_subtasks}}}}}"#
    );
    let config = SplitConfig {
        sizing: SizingPolicy::default(),
        express_shards: 0,
        lanes_per_shard: 1,
        workers_per_consumer: 1,
        vcpus_per_worker: 1,
        max_buckets: 32,
        default_deadline_s: 3_600,
        limits: None,
        caps: None,
        memory: None,
    };
    let outcome = split(ports, inputs, &config, message.as_bytes(), id.clone()).await;
    let enqueued = SplitOutcome::Enqueued { job: id.clone(), n_tasks: u64::from(n_tasks) };
    assert_eq!(outcome.expect("the ports answer"), enqueued);
}
