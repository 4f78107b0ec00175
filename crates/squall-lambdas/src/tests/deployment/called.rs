//! The operations of AWS that each function calls: the table of `calls`, checked against the requests that its adapters send when
//! the port methods that its step uses are called.
//!
//! The list of those port methods is written by hand, in one function per binary below: a step that begins to use another
//! method of a port needs a line there.

use std::collections::{BTreeMap, BTreeSet};

use squall_capacity::claims::InstanceRow;
use squall_capacity::ids::InstanceId;
use squall_capacity::levels::Levels;
use squall_capacity::ports::{Ledger, Metrics, ScalingGroup, Series};
use squall_core::digest::Digest;
use squall_core::ports::{
    BlobStore, GivenUpStore, JobEvents, JobList, JobStore, ObjectPages, Objects, Order, Placement,
    ResultQueue, TaskPut, TaskQueue, Workers,
};
use squall_core::rows::{BucketProgress, BucketRow, Ending, JobRow, JobStatus};

use super::recorder::Recorder;
use super::{Function, Templates, functions};
use crate::calls::{CALLS, calls_of};
use crate::result_collector::CollectorEvent;
use crate::tests::events;
use crate::tests::grid::Grid;
use crate::{CapacityConfig, CollectorConfig, ConsumerConfig, SplitterConfig, WorkerConfig, ports};

/// The IAM action for an operation
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
pub(crate) fn action_of(operation: &'static str) -> &'static str {
    match operation {
        // It has no action of its own (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
        "s3:HeadObject" => "s3:GetObject",
        // Content in parts (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions).
        "s3:CreateMultipartUpload" | "s3:UploadPart" | "s3:CompleteMultipartUpload" => "s3:PutObject",
        "s3:ListObjectsV2" => "s3:ListBucket",
        "lambda:Invoke" => "lambda:InvokeFunction",
        other => other,
    }
}

/// The operations sent, by adapter.
struct Sent<'a> {
    recorder: &'a Recorder,
    by_adapter: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Sent<'_> {
    /// Attributes the operations since the last call to an adapter.
    fn by(&mut self, adapter: &'static str) {
        self.by_adapter.entry(adapter).or_default().extend(self.recorder.take());
    }
}

/// A job's row and its ending, as the functions write them.
struct Rows {
    job: JobRow,
    ending: Ending,
}

impl Rows {
    fn new() -> Self {
        let grid = Grid::with_sample_job();
        let job = grid.row("sample-probe");
        let batch: CollectorEvent = events::read("result-collector", "aggregated-batch.json");
        grid.collect(batch);
        Self { job, ending: grid.row("sample-probe").ending.unwrap() }
    }

    fn ended(&self) -> JobRow {
        JobRow { ending: Some(self.ending.clone()), ..self.job.clone() }
    }
}

/// A port that the function does not have. If it gets one, this no longer compiles, and calls of the new adapter belong here.
fn absent(_: &()) {}

async fn blobs_read(blobs: &impl BlobStore) {
    drop(blobs.blob(Digest::of(b"content")).await);
}

/// In one piece, and in parts.
async fn blobs_written(blobs: &impl BlobStore) {
    for n_bytes in [1, (16 << 20) + 1] {
        drop(blobs.put_blob(Digest::of(b"content"), vec![0; n_bytes]).await);
    }
}

async fn splitter(function: &Function, rows: &Rows, sent: &mut Sent<'_>) {
    let config = SplitterConfig::from_vars(&|name| function.variables().remove(name)).unwrap();
    let ports = ports::splitter_ports(&config, &sent.recorder.connection());
    absent(&ports.results);
    absent(&ports.workers);
    drop(ports.files.read("s3://bucket/key").await);
    drop(ports.files.stat("s3://bucket/key").await);
    sent.by("S3Objects");
    let mut pages = ports.files.list("s3://bucket/prefix").await.unwrap();
    drop(pages.next_page().await);
    sent.by("S3Pages");
    blobs_read(&*ports.blobs).await;
    blobs_written(&*ports.blobs).await;
    sent.by("S3Blobs");
    drop(ports.jobs.job(&rows.job.id).await);
    drop(ports.jobs.create_job(&rows.job).await);
    drop(ports.jobs.mark_enqueued(&rows.job.id, 0).await);
    drop(ports.jobs.record_put(&rows.job.id, 0, 1).await);
    drop(ports.jobs.n_put(&rows.job.id).await);
    drop(ports.jobs.mark_announced(&rows.job.id, 1).await);
    sent.by("DynamoJobStore");
    drop(ports.tasks.shards().await);
    let placement = Placement { partition_key: "task".to_owned(), hash_key: 0 };
    drop(ports.tasks.put_tasks(&[&TaskPut { placement, data: vec![0] }]).await);
    sent.by("KinesisTaskQueue");
    drop(ports.events.job_ended(&rows.ended()).await);
    sent.by("SnsJobEvents");
}

async fn consumer(function: &Function, rows: &Rows, sent: &mut Sent<'_>) {
    let config = ConsumerConfig::from_vars(&|name| function.variables().remove(name)).unwrap();
    let ports = ports::consumer_ports(&config, &sent.recorder.connection());
    absent(&ports.files);
    absent(&ports.tasks);
    absent(&ports.events);
    blobs_read(&*ports.blobs).await;
    blobs_written(&*ports.blobs).await;
    sent.by("S3Blobs");
    drop(ports.jobs.standing(&rows.job.id).await);
    sent.by("DynamoJobStore");
    drop(ports.results.put_result("bucket", &[0]).await);
    sent.by("KinesisResultQueue");
    drop(ports.workers.invoke(0, vec![0]).await);
    sent.by("LambdaWorkers");
}

async fn worker(function: &Function, sent: &mut Sent<'_>) {
    let config = WorkerConfig::from_vars(&|name| function.variables().remove(name)).unwrap();
    let ports = ports::worker_ports(&config, &sent.recorder.connection());
    absent(&ports.jobs);
    absent(&ports.tasks);
    absent(&ports.results);
    absent(&ports.workers);
    absent(&ports.events);
    drop(ports.files.read_range("s3://bucket/key", "\"etag\"", 0..1).await);
    sent.by("S3Objects");
    blobs_read(&*ports.blobs).await;
    blobs_written(&*ports.blobs).await;
    sent.by("S3Blobs");
}

async fn collector(function: &Function, rows: &Rows, sent: &mut Sent<'_>) {
    let config = CollectorConfig::from_vars(&|name| function.variables().remove(name)).unwrap();
    let ports = ports::collector_ports(&config, &sent.recorder.connection());
    absent(&ports.files);
    absent(&ports.tasks);
    absent(&ports.results);
    absent(&ports.workers);
    blobs_read(&*ports.blobs).await;
    blobs_written(&*ports.blobs).await;
    sent.by("S3Blobs");
    drop(ports.blobs.given_up(0, 1).await);
    drop(ports.blobs.given_up_records("aws/lambda/batch").await);
    drop(ports.blobs.forget_given_up("aws/lambda/batch").await);
    sent.by("S3Blobs: given up");
    let id = &rows.job.id;
    drop(ports.jobs.jobs(JobStatus::Running, Order::OldestFirst, 1).await);
    drop(ports.jobs.job(id).await);
    drop(ports.jobs.bucket(id, 0).await);
    for version in [1, 2] {
        drop(ports.jobs.put_bucket(id, 0, &BucketRow { version, ..BucketRow::default() }).await);
    }
    drop(ports.jobs.record_progress(id, 0, BucketProgress::default()).await);
    drop(ports.jobs.end_job(id, 0, &rows.ending).await);
    drop(ports.jobs.mark_announced(id, 1).await);
    sent.by("DynamoJobStore");
    drop(ports.events.job_ended(&rows.ended()).await);
    sent.by("SnsJobEvents");
}

async fn capacity(function: &Function, sent: &mut Sent<'_>) {
    let config = CapacityConfig::from_vars(&|name| function.variables().remove(name)).unwrap();
    let ports = ports::capacity_ports(&config, &sent.recorder.connection());
    let id = InstanceId::new("i-0a1b2c3d").unwrap();
    let scales_in = function.binary == "scale-in";
    drop(ports.group.describe().await);
    drop(ports.group.set_desired(1).await);
    drop(ports.group.launch(1, "token").await);
    if scales_in {
        drop(ports.group.terminate(&id).await);
    } else {
        drop(ports.group.protect(&id, true).await);
    }
    sent.by("AutoScalingGroup");
    drop(ports.ledger.levels().await);
    drop(ports.ledger.put_levels(&Levels { version: 1, ..Levels::default() }).await);
    drop(ports.ledger.instances(&[]).await);
    drop(ports.ledger.instance(&id).await);
    drop(ports.ledger.put_instance(&InstanceRow::new(id.clone(), 1)).await);
    if scales_in {
        drop(ports.ledger.forget_instance(&id, 1).await);
    }
    sent.by("DynamoLedger");
    drop(ports.metrics.put(&[(Series::Runs, 1.0)]).await);
    if scales_in {
        drop(ports.metrics.maximum(Series::Runs, 60).await);
    }
    sent.by("CloudWatchMetrics");
}

#[test]
fn the_table_lists_exactly_what_the_adapters_send() {
    let recorder = Recorder::start();
    let rows = Rows::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut recorded = BTreeSet::new();
    for function in functions(&Templates::read()) {
        if !recorded.insert(function.binary.clone()) {
            continue;
        }
        let mut sent = Sent { recorder: &recorder, by_adapter: BTreeMap::new() };
        runtime.block_on(async {
            match function.binary.as_str() {
                "task-splitter" => splitter(&function, &rows, &mut sent).await,
                "shard-consumer" => consumer(&function, &rows, &mut sent).await,
                "cascade-worker" => worker(&function, &mut sent).await,
                "result-collector" => collector(&function, &rows, &mut sent).await,
                "scale-out" | "scale-in" => capacity(&function, &mut sent).await,
                other => panic!("no calls are recorded for {other}"),
            }
        });
        let operations = |of: &[&str]| of.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<_>>();
        let listed: BTreeMap<_, _> =
            calls_of(&function.binary).iter().map(|(adapter, of)| (*adapter, operations(of))).collect();
        assert_eq!(sent.by_adapter, listed, "the operations that {} sends, and its table", function.binary);
    }
    assert_eq!(recorded, CALLS.iter().map(|(binary, _)| (*binary).to_owned()).collect());
}
