//! The grid's steps one at a time, over memory.

use std::num::NonZeroUsize;

use futures::FutureExt;
use futures::executor::block_on;
use squall_core::cascade::CascadePolicy;
use squall_core::collate::Admission;
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::placement::ShardRange;
use squall_core::ports::{
    BlobStore, Clock, Created, Files, InvokeError, JobEvents, JobStore, Placement, PortError, ResultQueue,
    TaskQueue, Workers, Written,
};
use squall_core::rows::{BucketProgress, BucketRow, Ending, JobRow, JobStatus};
use squall_core::sizing::SizingPolicy;
use squall_core::wire::{Message, ResultRecord, Stored, TaskRecord};
use squall_grid::{
    CollectConfig, Collected, ConsumeConfig, ConsumeError, Consumed, InputCache, SplitConfig, SplitOutcome,
    WorkConfig, collect, consume, observe, split, work,
};
use squall_local::Directory;
use squall_local::memory::{Memory, Stream};
use squall_local::simulated::SimulatedClock;

/// Every port over memory; time stands still and workers answer at once.
struct Ports {
    memory: Memory,
    clock: SimulatedClock,
    inputs: InputCache,
}

impl Clock for Ports {
    fn now_us(&self) -> u64 {
        self.clock.now_us()
    }
    async fn sleep_until(&self, until_us: u64) {
        self.clock.sleep_until(until_us).await;
    }
}

impl Files for Ports {
    async fn read(&self, reference: &str) -> Result<Vec<u8>, PortError> {
        Directory::new(".").read(reference).await
    }
}

impl BlobStore for Ports {
    async fn put_blob(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), PortError> {
        self.memory.put_blob(digest, bytes).await
    }
    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, PortError> {
        self.memory.blob(digest).await
    }
}

impl TaskQueue for Ports {
    async fn shards(&self) -> Result<Vec<ShardRange>, PortError> {
        self.memory.shards().await
    }
    async fn put_tasks(&self, records: Vec<(Placement, Vec<u8>)>) -> Result<(), PortError> {
        self.memory.put_tasks(records).await
    }
}

impl ResultQueue for Ports {
    async fn put_result(&self, partition_key: String, record: Vec<u8>) -> Result<(), PortError> {
        self.memory.put_result(partition_key, record).await
    }
}

impl Workers for Ports {
    async fn invoke(&self, _: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let config = WorkConfig { n_vcpus: NonZeroUsize::MIN, memory_mb: 1_769 };
        work(self, &self.inputs, &config, &request)
            .await
            .map_err(|error| InvokeError::Failed(error.to_string()))
    }
}

impl JobEvents for Ports {
    async fn job_ended(&self, row: &JobRow) -> Result<(), PortError> {
        self.memory.job_ended(row).await
    }
}

impl JobStore for Ports {
    async fn create_job(&self, row: &JobRow) -> Result<Created, PortError> {
        self.memory.create_job(row).await
    }
    async fn job(&self, id: &JobId) -> Result<Option<JobRow>, PortError> {
        self.memory.job(id).await
    }
    async fn mark_enqueued(&self, id: &JobId) -> Result<(), PortError> {
        self.memory.mark_enqueued(id).await
    }
    async fn record_progress(
        &self,
        id: &JobId,
        bucket: u32,
        it: BucketProgress,
    ) -> Result<JobRow, PortError> {
        self.memory.record_progress(id, bucket, it).await
    }
    async fn end_job(&self, id: &JobId, ending: &Ending) -> Result<Written, PortError> {
        self.memory.end_job(id, ending).await
    }
    async fn mark_announced(&self, id: &JobId) -> Result<(), PortError> {
        self.memory.mark_announced(id).await
    }
    async fn bucket(&self, id: &JobId, bucket: u32) -> Result<BucketRow, PortError> {
        self.memory.bucket(id, bucket).await
    }
    async fn put_bucket(&self, id: &JobId, bucket: u32, row: &BucketRow) -> Result<Written, PortError> {
        self.memory.put_bucket(id, bucket, row).await
    }
}

const JOB: &str =
    r#"{"workload":"probe","id":"march","input":{"units":60},"sizing":{"tasks":6,"subtasks_per_task":2}}"#;
const NEVER_US: u64 = u64::MAX;

fn id(text: &str) -> JobId {
    JobId::new(text).unwrap()
}

fn everything_in(stream: &Stream) -> Vec<Vec<u8>> {
    let lane = |lane| stream.next_batch(lane, usize::MAX).now_or_never().unwrap_or_default();
    (0..stream.n_lanes()).flat_map(lane).map(|record| record.data.to_vec()).collect()
}

impl Ports {
    fn new() -> Self {
        let inputs = InputCache::new(squall_workloads::registry());
        Self { memory: Memory::new(2, 2, 1), clock: SimulatedClock::default(), inputs }
    }

    fn split(&self, message: &str) -> SplitOutcome {
        let config = SplitConfig {
            sizing: SizingPolicy::default(),
            lanes_per_shard: 2,
            workers_per_consumer: 4,
            vcpus_per_worker: 1,
            max_buckets: 2,
            default_deadline_s: 60,
        };
        block_on(split(self, &self.inputs, &config, message.as_bytes(), id("delivery-7"))).unwrap()
    }

    fn consume(&self, task: &[u8]) -> Consumed {
        self.try_consume(task).unwrap()
    }

    fn try_consume(&self, task: &[u8]) -> Result<Consumed, ConsumeError> {
        let config = ConsumeConfig { cascade: CascadePolicy::default(), memory_mb: 512 };
        block_on(consume(self, &self.inputs, &config, task, NEVER_US))
    }

    fn collect(&self, batch: &[Vec<u8>]) -> Collected {
        block_on(collect(self, &self.inputs, &CollectConfig::default(), batch))
    }

    fn row(&self, job: &str) -> JobRow {
        block_on(self.memory.job(&id(job))).unwrap().unwrap()
    }

    /// The results of every task of [`JOB`].
    fn results(&self) -> Vec<Vec<u8>> {
        self.split(JOB);
        for task in everything_in(&self.memory.tasks) {
            assert_eq!(self.consume(&task), Consumed::Published { n_failures: 0 });
        }
        everything_in(&self.memory.results)
    }
}

#[test]
fn a_message_that_comes_twice_is_enqueued_once() {
    let ports = Ports::new();
    assert_eq!(ports.split(JOB), SplitOutcome::Enqueued(id("march")));
    let mut tasks: Vec<_> =
        everything_in(&ports.memory.tasks).iter().map(|it| TaskRecord::from_bytes(it).unwrap()).collect();
    tasks.sort_by_key(|task| task.index);
    let published = ports.row("march").published.unwrap();
    assert_eq!(tasks.iter().map(|task| task.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(tasks.iter().map(|task| task.weight).sum::<u64>(), published.weight);
    assert!(tasks.iter().all(|task| task.bucket == published.bucket_of(task.index)));
    assert!(ports.row("march").enqueued);

    assert_eq!(ports.split(JOB), SplitOutcome::AlreadyEnqueued(id("march")));
    assert!(everything_in(&ports.memory.tasks).is_empty());
}

#[test]
fn an_id_belongs_to_its_first_job() {
    let ports = Ports::new();
    ports.split(JOB);
    let row = ports.row("march");
    assert_eq!(ports.split(&JOB.replace("60", "61")), SplitOutcome::IdTaken(id("march")));
    // Nor is it taken by a message that does not check.
    assert_eq!(ports.split(&JOB.replace("60", "0")), SplitOutcome::IdTaken(id("march")));
    assert_eq!(ports.row("march"), row);
}

#[test]
fn a_rejected_job_is_recorded_and_may_be_mended() {
    let ports = Ports::new();
    let SplitOutcome::Rejected(rejected, error) = ports.split(&JOB.replace("units", "unit")) else {
        panic!()
    };
    assert_eq!((rejected, error.place.as_str()), (id("march"), "input.unit"));
    let row = ports.row("march");
    assert_eq!((row.status(), row.ending.unwrap().reason), (JobStatus::Rejected, Some(error.to_string())));
    assert!(everything_in(&ports.memory.tasks).is_empty());
    assert!(block_on(observe(&ports, &ports.inputs, &id("march"))).unwrap().unwrap().report().is_none());
    assert_eq!(ports.split(JOB), SplitOutcome::Enqueued(id("march")));
    assert_eq!(ports.row("march").status(), JobStatus::Running);
    // What has no id that can be read is recorded under its delivery.
    assert!(matches!(ports.split("hello"), SplitOutcome::Rejected(it, _) if it == id("delivery-7")));
}

#[test]
fn an_answer_so_far_becomes_the_answer() {
    let ports = Ports::new();
    let results = ports.results();
    let shares: Vec<_> = results
        .iter()
        .map(|result| {
            assert_eq!(ports.collect(std::slice::from_ref(result)).n_merged, 1);
            let seen = block_on(observe(&ports, &ports.inputs, &id("march"))).unwrap().unwrap();
            (seen.row.status().to_string(), (seen.coverage.share() * 6.0).round(), seen.headline().unwrap())
        })
        .collect();
    assert_eq!(shares[0], ("running".to_owned(), 1.0, "10 of 60 units".to_owned()));
    assert_eq!(shares[5], ("complete".to_owned(), 6.0, "60 of 60 units".to_owned()));
    assert!(ports.row("march").announced);
    let receipt = ports.row("march").ending.unwrap().receipt;
    assert_eq!((receipt.tasks, receipt.subtasks, receipt.invocations), (6, 12, 12));
}

#[test]
fn results_are_merged_once_and_late_ones_not_at_all() {
    let ports = Ports::new();
    let results = ports.results();
    let twice = [&results[..3], &results[..3]].concat();
    let collected = ports.collect(&twice);
    assert_eq!((collected.n_merged, collected.n_duplicates, collected.failed), (3, 3, vec![]));
    let collected = ports.collect(&twice);
    assert_eq!((collected.n_merged, collected.n_duplicates), (0, 6));
    ports.collect(&results);
    let row = ports.row("march");
    assert_eq!(row.status(), JobStatus::Complete);
    let collected = ports.collect(&results);
    assert_eq!((collected.n_merged, collected.n_late), (0, 6));
    assert_eq!(ports.row("march"), row);
}

#[test]
fn only_what_cannot_be_merged_is_named() {
    let ports = Ports::new();
    let results = ports.results();
    let good = ResultRecord::from_bytes(&results[0]).unwrap();
    let rubbish = ResultRecord { partial: Some(Stored::Inline(vec![0xff])), ..good.clone() };
    let vanished = ResultRecord { partial: Some(Stored::Blob(Digest::of(b"gone"))), ..good.clone() };
    let batch = [
        b"hello".to_vec(),
        rubbish.to_bytes(),
        results[1].clone(),
        ResultRecord { index: 6, ..good.clone() }.to_bytes(),
        ResultRecord { job: id("april"), ..good }.to_bytes(),
    ];
    let collected = ports.collect(&batch);
    assert_eq!(collected.n_merged, 1);
    let mut reasons: Vec<_> =
        collected.failed.iter().map(|(position, reason)| format!("{position}: {reason}")).collect();
    reasons.sort();
    assert_eq!(reasons.len(), 4, "{reasons:?}");
    assert_eq!(reasons[0], "0: cannot decode result record: not a message of this grid");
    assert!(reasons[1].starts_with("1: cannot decode partial: "), "{}", reasons[1]);
    assert_eq!(reasons[2..], ["3: task 6 is not one of the job's 6", "4: job april is not known"]);
    assert_eq!(ports.collect(&[vanished.to_bytes()]).failed.len(), 1);
    // None of it stands in the way of the rest.
    ports.collect(&results);
    assert_eq!(ports.row("march").status(), JobStatus::Complete);
}

#[test]
fn a_task_of_a_job_that_has_ended_is_dropped() {
    let ports = Ports::new();
    ports.split(JOB);
    let tasks = everything_in(&ports.memory.tasks);
    let stranger = TaskRecord { job: id("april"), ..TaskRecord::from_bytes(&tasks[0]).unwrap() };
    // The store may only not know it yet: it is delivered again, not dropped.
    assert!(matches!(ports.try_consume(&stranger.to_bytes()), Err(ConsumeError::UnknownJob(_))));
    // A task that weighs something else than its pieces was divided by other code.
    let heavier = TaskRecord { weight: 1_000_000, ..TaskRecord::from_bytes(&tasks[0]).unwrap() };
    assert!(matches!(ports.try_consume(&heavier.to_bytes()), Err(ConsumeError::Weight { .. })));
    for task in &tasks {
        ports.consume(task);
    }
    ports.collect(&everything_in(&ports.memory.results));
    assert_eq!(ports.consume(&tasks[0]), Consumed::Dropped(Admission::Ended));
    assert!(everything_in(&ports.memory.results).is_empty());
}
