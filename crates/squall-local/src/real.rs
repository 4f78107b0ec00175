//! The grid by the wall clock: threads and real work.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use squall_core::cascade::CascadePolicy;
use squall_core::deployment::Deployment;
use squall_core::job::JobId;
use squall_core::lifecycle::Closing;
use squall_core::ports::{Clock, JobStore, PortError};
use squall_core::registry::Registry;
use squall_core::rows::JobRow;
use squall_core::sizing::SizingPolicy;
use squall_grid::{
    Checked, CollectConfig, ConsumeConfig, InputCache, LoadError, Metering, Observation, SplitConfig,
    SplitOutcome, WorkConfig, observe,
};
use tokio::sync::Notify;

use crate::directory::Directory;
use crate::host::Host;
use crate::serve::{Lost, ServeConfig, close_now, deliver, serve};
use squall_lambda_host::delivery::DeliveryPolicy;
use squall_memory::{Memory, grid_ports, worker_ports};

mod ports;
mod workers;

use ports::{RealClock, RealPorts};
use workers::WorkerPool;

/// The size of a local grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalConfig {
    /// Shards of the task stream.
    pub n_shards: u32,
    /// Lanes per shard.
    pub lanes_per_shard: u32,
    /// Workers, of one vCPU each.
    pub n_workers: NonZeroUsize,
    /// How finely to cut a job that sets no sizes.
    pub sizing: SizingPolicy,
}

impl LocalConfig {
    /// Two shards of one lane, and a worker for each of `n_cores`.
    pub fn for_cores(n_cores: NonZeroUsize) -> Self {
        // An invocation costs microseconds here, so subtasks can be short and the answer builds up smoothly.
        let sizing = SizingPolicy { subtask_ms: 50.0, min_subtask_ms: 2.0, ..SizingPolicy::default() };
        Self { n_shards: 2, lanes_per_shard: 1, n_workers: n_cores, sizing }
    }

    /// The deployment that this stands for: its workers have one vCPU each.
    pub fn deployment(&self) -> Deployment {
        Deployment {
            shards: self.n_shards,
            result_shards: 1,
            lanes_per_shard: self.lanes_per_shard,
            express_shards: 0,
            stripes: 1,
            workers_per_consumer: u32::try_from(self.n_workers.get()).unwrap_or(u32::MAX),
            max_buckets: 4,
            ..Deployment::default()
        }
    }

    /// How it cuts a job.
    pub fn split(&self) -> SplitConfig {
        SplitConfig {
            sizing: self.sizing,
            limits: None,
            caps: None,
            memory: None,
            ..SplitConfig::of(&self.deployment())
        }
    }

    fn serve(&self) -> ServeConfig {
        let deployment = self.deployment();
        // Every lane may fill every worker and keeps some more at their door, so that no worker waits while a reply is
        // taken in, and a lane that is done early leaves none idle.
        let in_flight = deployment.workers_per_consumer.saturating_mul(8);
        let delivery = DeliveryPolicy {
            max_attempts: Some(3),
            bisect: true,
            partial_failures: true,
            backoff_us: 10_000,
            ..DeliveryPolicy::default()
        };
        ServeConfig {
            split: self.split(),
            consume: ConsumeConfig {
                cascade: CascadePolicy {
                    initial_concurrency: in_flight,
                    max_concurrency: in_flight,
                    // Threads of one machine do not straggle one by one, and a copy would take a core from a first
                    // attempt.
                    duplicate_budget: 0.0,
                    // A thread cannot be lost, and its queue counts as part of the attempt.
                    attempt_timeout_us: u64::MAX,
                    guard_us: 50_000,
                    ..deployment.cascade()
                },
                metering: Metering::Reported,
                patience_us: 0,
                ..ConsumeConfig::of(&deployment)
            },
            collect: CollectConfig::of(&deployment),
            task_delivery: DeliveryPolicy { batch_size: 1, ..delivery },
            result_delivery: DeliveryPolicy { batch_size: 1_000, ..delivery },
            consumer_timeout_us: u64::MAX,
            message_attempts: 1,
            timer_period_us: 1_000_000,
        }
    }
}

/// Tells a running grid to stop.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Notify>);

impl Stop {
    /// Stops the grid: the job is cancelled, and the answer so far is kept.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

/// The outcome of a run.
pub struct Finished {
    /// The splitter's outcome for the message.
    pub outcome: SplitOutcome,
    /// The job at its end; `None` when the message did not become one.
    pub observation: Option<Observation>,
    /// Records that were given up, and why.
    pub lost: Vec<Lost>,
    /// When the run began, microseconds of the grid's clock.
    pub started_us: u64,
    /// When it ended, microseconds of the grid's clock.
    pub ended_us: u64,
}

/// Observes a running job periodically.
pub trait Progress {
    /// Time between two observations, microseconds.
    fn period_us(&self) -> u64;
    /// Called with the job's row.
    fn row(&mut self, row: &JobRow, now_us: u64);
    /// Called with the answer so far; only as often as it stays cheap.
    fn answer(&mut self, observation: &Observation);
}

impl Progress for () {
    fn period_us(&self) -> u64 {
        u64::MAX
    }
    fn row(&mut self, _: &JobRow, _: u64) {}
    fn answer(&mut self, _: &Observation) {}
}

/// A grid in this process.
pub struct LocalGrid {
    config: ServeConfig,
    inputs: Arc<InputCache>,
    ports: RealPorts,
}

impl Host for LocalGrid {
    type Ports = RealPorts;

    async fn invocation<T>(&self, step: impl AsyncFnOnce(&RealPorts) -> T) -> Option<T> {
        Some(step(&self.ports).await)
    }

    fn clock(&self) -> &impl Clock {
        &*self.ports.clock
    }
}

impl LocalGrid {
    /// A grid whose workers have started; the job's files are in `directory`.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn new(config: &LocalConfig, registry: Registry, directory: Directory) -> std::io::Result<Self> {
        let memory = Arc::new(Memory::new(config.n_shards, config.lanes_per_shard, 1));
        let clock = Arc::new(RealClock::new());
        let inputs = Arc::new(InputCache::new(registry));
        // Threads answer in memory, however much.
        let work = WorkConfig { max_reply_bytes: usize::MAX, ..WorkConfig::of(&config.deployment()) };
        let files = Arc::new(directory);
        let for_workers = Arc::new(worker_ports(&memory, Arc::clone(&clock), Arc::clone(&files)));
        let workers = WorkerPool::start(config.n_workers, work, &for_workers, &inputs)?;
        let ports = grid_ports(&memory, clock, files, Arc::new(workers));
        Ok(Self { config: config.serve(), inputs, ports })
    }

    /// Runs one message to its end, or until it is stopped.
    ///
    /// # Errors
    /// When the message could not be delivered or the answer could not be read.
    pub fn run(
        &self,
        message: &[u8],
        delivery: &JobId,
        stop: &Stop,
        progress: &mut impl Progress,
    ) -> Result<Finished, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        runtime.block_on(self.run_message(message, delivery, stop, progress))
    }

    async fn run_message(
        &self,
        message: &[u8],
        delivery: &JobId,
        stop: &Stop,
        progress: &mut impl Progress,
    ) -> Result<Finished, RunError> {
        let started_us = self.ports.now_us();
        let outcome = deliver(self, &self.config, &self.inputs, message, delivery).await?;
        let lost = Mutex::new(Vec::new());
        if let SplitOutcome::Enqueued { job: id, .. } | SplitOutcome::AlreadyEnqueued(id) = &outcome {
            let memory = &self.ports.jobs;
            let keep = |record: Lost| lost.lock().unwrap_or_else(PoisonError::into_inner).push(record);
            let serving = serve(self, &self.config, memory, &self.inputs, &keep);
            let ending = self.until_ended(id, stop);
            let looking = self.look(id, progress);
            tokio::select! {
                () = serving => {}
                () = looking => {}
                () = ending => {}
            }
        }
        let ended_us = self.ports.now_us();
        let (SplitOutcome::Enqueued { job: id, .. }
        | SplitOutcome::AlreadyEnqueued(id)
        | SplitOutcome::Rejected(id, _)
        | SplitOutcome::IdTaken(id)) = &outcome;
        let observation = observe(&self.ports, &self.inputs, id).await?;
        let lost = lost.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Finished { outcome, observation, lost, started_us, ended_us })
    }

    /// Returns when the job has ended: by itself, because it was stopped, or because no task is in flight any more.
    async fn until_ended(&self, id: &JobId, stop: &Stop) {
        let memory = &self.ports.jobs;
        let has_ended = async || matches!(memory.job(id).await, Ok(Some(row)) if row.ending.is_some());
        loop {
            let mut told = std::pin::pin!(memory.ended.notified());
            told.as_mut().enable();
            if has_ended().await {
                return;
            }
            let drained = async {
                // A result is put before its task is finished, so this order misses nothing.
                memory.tasks.drained().await;
                memory.results.drained().await;
            };
            tokio::select! {
                () = told => {}
                () = drained => return close_now(self, &self.config, &self.inputs, id, Closing::Stalled).await,
                () = stop.0.notified() => return close_now(self, &self.config, &self.inputs, id, Closing::Cancelled).await,
            }
        }
    }

    async fn look(&self, id: &JobId, progress: &mut impl Progress) {
        /// Fraction of the time that may be spent on observing the answer.
        const MOST_OF_THE_TIME: u64 = 20;
        let clock = &self.ports;
        let mut next_answer_us = 0;
        loop {
            let now_us = clock.now_us();
            clock.sleep_until(now_us.saturating_add(progress.period_us())).await;
            let Ok(Some(row)) = clock.jobs.job(id).await else { continue };
            let from_us = clock.now_us();
            if from_us >= next_answer_us && row.total().n_tasks > 0 {
                if let Ok(Some(observation)) = observe(&self.ports, &self.inputs, id).await {
                    progress.answer(&observation);
                }
                let now_us = clock.now_us();
                next_answer_us = now_us.saturating_add((now_us - from_us).saturating_mul(MOST_OF_THE_TIME));
            }
            progress.row(&row, clock.now_us());
        }
    }

    /// Checks a message and says how a deployment whose task stream has so many shards would cut it, without running it.
    ///
    /// # Errors
    /// The first error in the message or its input.
    pub fn check(
        split: &SplitConfig,
        n_shards: u32,
        registry: Registry,
        directory: &Directory,
        message: &[u8],
    ) -> Result<Checked, squall_grid::Rejection> {
        let inputs = InputCache::new(registry);
        futures::executor::block_on(squall_grid::check(directory, &inputs, split, n_shards, message))
    }

    /// Checks as much of a message as the files tell that are on this machine.
    ///
    /// # Errors
    /// The first error in the message, its input, or these files.
    pub fn check_some(
        split: &SplitConfig,
        registry: Registry,
        directory: &Directory,
        message: &[u8],
    ) -> Result<(), squall_grid::Rejection> {
        let inputs = InputCache::new(registry);
        let is_here = |place: &str| !place.contains("://") || place.starts_with("file://");
        futures::executor::block_on(squall_grid::check_some(directory, &inputs, split, message, is_here))
    }
}

/// Why there is no answer at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The machine cannot provide another thread or timer.
    #[error("cannot start")]
    Start(#[from] std::io::Error),
    /// The message could not be processed.
    #[error("cannot split the job")]
    Split(#[from] PortError),
    /// The answer could not be read.
    #[error("cannot read the answer")]
    Answer(#[from] LoadError),
}
