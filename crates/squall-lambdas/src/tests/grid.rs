//! The four functions over memory: a test passes what one puts on a stream to the next.

use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lambda_events::kinesis::KinesisEvent;
use futures::FutureExt;
use futures::executor::block_on;
use lambda_runtime::{Context, LambdaEvent};
use squall_aws::payload::{from_payload, to_payload};
use squall_core::cascade::CascadePolicy;
use squall_core::job::JobId;
use squall_core::ports::{Assembled, Clock, InvokeError, JobStore, Workers};
use squall_core::rows::JobRow;
use squall_core::sizing::SizingPolicy;
use squall_grid::{CollectConfig, ConsumeConfig, InputCache, Metering, ReadPolicy, SplitConfig, WorkConfig};
use squall_lambda_host::delivery::DeliveryPolicy;
use squall_local::Directory;
use squall_memory::{Memory, Record, Stream, grid_ports, worker_ports};

use crate::result_collector::CollectorEvent;
use crate::tests::events;
use crate::{Failure, cascade_worker, result_collector, shard_consumer, task_splitter};

/// The start of the tests: 2026-11-22 09:00 UTC.
pub(crate) const START_US: u64 = 1_795_338_000_000_000;

/// A clock that a test moves; it never wakes a waiting task.
pub(crate) struct Clockwork(AtomicU64);

impl Clock for Clockwork {
    fn now_us(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    async fn sleep_until(&self, until_us: u64) {
        if self.now_us() < until_us {
            pending().await
        }
    }
}

/// Workers that are invoked like Lambda functions: a payload in, a payload out.
pub(crate) struct Invoked {
    ports: Assembled<Clockwork, Directory, Memory>,
    inputs: Arc<InputCache>,
}

impl Workers for Invoked {
    async fn invoke(&self, _: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let event = serde_json::from_slice(&to_payload(&request)).unwrap();
        let response = cascade_worker::handle(&self.ports, &self.inputs, &WORK, event).await;
        let response = response.map_err(|failure| InvokeError::Failed(format!("{failure:?}")))?;
        Ok(from_payload(&serde_json::to_vec(&response).unwrap()).unwrap())
    }
}

pub(crate) const WORK: WorkConfig = WorkConfig {
    n_vcpus: NonZeroUsize::MIN,
    memory_mb: 1_769,
    read: ReadPolicy::DEFAULT,
    max_reply_bytes: usize::MAX,
};

type EveryPort = Assembled<Clockwork, Directory, Memory, Memory, Memory, Memory, Invoked, Memory>;

/// Two shards of each stream, one lane each.
pub(crate) struct Grid {
    pub(crate) ports: EveryPort,
    pub(crate) memory: Arc<Memory>,
    pub(crate) inputs: Arc<InputCache>,
}

impl Grid {
    pub(crate) fn new() -> Self {
        let memory = Arc::new(Memory::new(2, 1, 2));
        let clock = Arc::new(Clockwork(AtomicU64::new(START_US)));
        let inputs = Arc::new(InputCache::new(squall_workloads::registry()));
        let files = || Arc::new(Directory::new("."));
        let workers = Invoked {
            ports: worker_ports(&memory, Arc::clone(&clock), files()),
            inputs: Arc::clone(&inputs),
        };
        let ports = grid_ports(&memory, clock, files(), Arc::new(workers));
        Self { ports, memory, inputs }
    }

    /// A grid to which the job of `sns-job.json` was published.
    pub(crate) fn with_sample_job() -> Self {
        let grid = Self::new();
        grid.split("sns-job.json").unwrap();
        grid
    }

    /// A grid on whose result stream are the results of that job.
    pub(crate) fn with_results() -> Self {
        let grid = Self::with_sample_job();
        for task in grid.tasks().into_iter().flatten() {
            assert_eq!(grid.consume(events::of_stream("squall-tasks", 0, &[task])), [""; 0]);
        }
        grid
    }

    pub(crate) fn split(&self, file: &str) -> Result<(), Failure> {
        let event = events::read("task-splitter", file);
        block_on(task_splitter::handle(&self.ports, &self.inputs, &split_config(), event))
    }

    /// The sequence numbers that the consumer reports.
    pub(crate) fn consume(&self, batch: KinesisEvent) -> Vec<String> {
        let config = ConsumeConfig {
            cascade: CascadePolicy::default(),
            memory_mb: 1_769,
            worker_memory_mb: 1_769,
            metering: Metering::Elapsed,
            patience_us: 0,
        };
        let event = LambdaEvent::new(batch, Context::default());
        let response = block_on(shard_consumer::handle(&self.ports, &self.inputs, &config, event));
        events::reported(&response.unwrap())
    }

    /// The sequence numbers that the collector reports.
    pub(crate) fn collect(&self, event: CollectorEvent) -> Vec<String> {
        let config = CollectConfig::default();
        let event = LambdaEvent::new(event, Context::default());
        let response = block_on(result_collector::handle(&self.ports, &self.inputs, &config, event));
        events::reported(&response.unwrap())
    }

    /// The tasks that were put since the last time, by shard.
    pub(crate) fn tasks(&self) -> Vec<Vec<Record>> {
        everything_in(&self.memory.tasks, &self.ports.clock)
    }

    /// The results that were put since the last time, by shard.
    pub(crate) fn results(&self) -> Vec<Vec<Record>> {
        everything_in(&self.memory.results, &self.ports.clock)
    }

    pub(crate) fn wait_us(&self, us: u64) {
        self.ports.clock.0.fetch_add(us, Ordering::Relaxed);
    }

    pub(crate) fn row(&self, job: &str) -> JobRow {
        block_on(self.memory.job(&JobId::new(job).unwrap())).unwrap().unwrap()
    }
}

pub(crate) fn split_config() -> SplitConfig {
    SplitConfig {
        sizing: SizingPolicy::default(),
        express_shards: 0,
        lanes_per_shard: 1,
        workers_per_consumer: 4,
        vcpus_per_worker: 1,
        max_buckets: 8,
        default_deadline_s: 60,
        limits: None,
        caps: None,
        memory: None,
    }
}

fn everything_in(stream: &Stream, clock: &Clockwork) -> Vec<Vec<Record>> {
    let everything = DeliveryPolicy { batch_size: usize::MAX, ..DeliveryPolicy::default() };
    let lane = |lane| {
        let batch = stream.lane(lane).next_batch(clock, &everything).now_or_never().flatten();
        batch.map_or_else(Vec::new, |batch| batch.records)
    };
    (0..stream.n_lanes()).map(lane).collect()
}
