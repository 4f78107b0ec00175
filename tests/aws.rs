//! The adapters of `squall-aws` fulfil the contracts of their ports: on an emulator, also when requests are refused on
//! the way or executed without an answer.

use std::sync::OnceLock;
use std::time::Duration;

use squall_aws::provision::{Created, Resources, provision};
use squall_aws::{
    Connection, DynamoJobStore, KinesisResultQueue, KinesisTaskQueue, S3Blobs, S3Objects, SnsJobEvents,
    WallClock,
};
use squall_core::placement::ShardRange;
use squall_core::ports::Objects as _;

use crate::emulator::{self, connection_to, unique};
use crate::proxy::{Fault, Proxy, at_random};
use streams::Reader;

mod capacity;
mod functions;
mod live;
mod lost_replies;
mod streams;

/// The storage of a grid.
struct Deployed {
    endpoint: &'static str,
    resources: Resources,
    created: Created,
}

/// One for all tests, or `None` without an emulator. Every test uses its own names in it.
fn deployed() -> Option<&'static Deployed> {
    static DEPLOYED: OnceLock<Option<Deployed>> = OnceLock::new();
    DEPLOYED.get_or_init(|| emulator::endpoint().map(|endpoint| run(deploy(endpoint)))).as_ref()
}

async fn deploy(endpoint: &'static str) -> Deployed {
    let resources = Resources {
        task_stream: unique("tasks"),
        task_shards: 3,
        result_stream: unique("results"),
        result_shards: 2,
        table: unique("jobs"),
        bucket: unique("blobs"),
        jobs_topic: unique("jobs-topic"),
        events_topic: unique("events-topic"),
    };
    let created = provision(&connection_to(endpoint), &resources).await.unwrap();
    Deployed { endpoint, resources, created }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

impl Deployed {
    /// The adapters, connected directly to the emulator.
    fn direct(&self) -> Adapters {
        self.adapters(&connection_to(self.endpoint))
    }

    /// The adapters behind a proxy.
    fn behind(&self, proxy: &Proxy) -> Adapters {
        self.adapters(&connection_to(proxy.url()))
    }

    fn adapters(&self, connection: &Connection) -> Adapters {
        let Resources { table, bucket, task_stream, result_stream, .. } = &self.resources;
        let names =
            Names { table, bucket, task_stream, result_stream, events: &self.created.events_topic_arn };
        Adapters::new(connection, names)
    }
}

/// The arguments of the adapters.
#[derive(Clone, Copy)]
struct Names<'a> {
    table: &'a str,
    bucket: &'a str,
    task_stream: &'a str,
    result_stream: &'a str,
    /// The topic's ARN.
    events: &'a str,
}

struct Adapters {
    blobs: S3Blobs,
    files: S3Objects,
    /// Those of a deployment with another bucket.
    objects: S3Objects,
    jobs: DynamoJobStore,
    tasks: KinesisTaskQueue,
    results: KinesisResultQueue,
    events: SnsJobEvents,
}

impl Adapters {
    fn new(connection: &Connection, names: Names) -> Self {
        Self {
            blobs: S3Blobs::new(connection, names.bucket),
            files: S3Objects::new(connection, names.bucket),
            objects: S3Objects::new(connection, "another"),
            jobs: DynamoJobStore::new(connection, names.table, S3Blobs::new(connection, names.bucket).into()),
            tasks: KinesisTaskQueue::new(connection, names.task_stream),
            results: KinesisResultQueue::new(connection, names.result_stream),
            events: SnsJobEvents::new(connection, names.events),
        }
    }

    async fn blobs_and_files_are_kept_as_promised(&self) {
        assert_eq!(squall_contracts::blob_store(&self.blobs, &unique("blobs")).await, Ok(()));
        let content = unique("a file").into_bytes();
        let reference = self.blobs.upload(content.clone(), None).await.unwrap();
        assert!(reference.starts_with("s3://"), "{reference}");
        assert_eq!(self.blobs.upload(content.clone(), None).await.unwrap(), reference);
        assert_eq!(self.files.read(&reference).await.unwrap(), content);
        // As an object, which nobody else put there.
        assert_eq!(squall_contracts::objects(&self.objects, &reference, &content).await, Ok(()));
    }

    async fn jobs_are_kept_as_promised(&self) {
        assert_eq!(squall_contracts::job_store(&self.jobs, &unique("jobs")).await, Ok(()));
    }
}

/// The streams fulfil their contract for a writer that uses `from`.
async fn streams_carry_as_promised(deployed: &Deployed, from: &Adapters) {
    let Resources { task_stream, result_stream, .. } = &deployed.resources;
    let connection = connection_to(deployed.endpoint);
    let (tasks, results) = (Reader::new(&connection, task_stream), Reader::new(&connection, result_stream));
    let in_shard = async |index, _: &ShardRange| Ok(tasks.found_in(index).await);
    assert_eq!(squall_contracts::task_queue(&from.tasks, &unique("tasks"), 700, in_shard).await, Ok(()));
    let in_stream = async || Ok(results.found().await);
    assert_eq!(squall_contracts::result_queue(&from.results, &unique("results"), in_stream).await, Ok(()));
}

/// Ends of jobs that `from` announces reach the listener.
async fn ends_of_jobs_are_announced(deployed: &Deployed, from: &Adapters) {
    let topic = &deployed.created.events_topic_arn;
    let inbox = streams::Listener::new(&connection_to(deployed.endpoint), topic).await;
    let told = squall_contracts::job_events(&from.events, &unique("events")).await.unwrap();
    assert!(!told.is_empty());
    for row in told {
        inbox.hears(row.id.as_str(), &row.status().to_string()).await;
    }
}

#[test]
fn time_passes_as_promised() {
    assert_eq!(run(squall_contracts::clock(&WallClock)), Ok(()));
}

#[test]
fn blobs_and_files_are_kept_as_promised() {
    let Some(deployed) = deployed() else { return };
    run(deployed.direct().blobs_and_files_are_kept_as_promised());
}

#[test]
fn jobs_are_kept_as_promised() {
    let Some(deployed) = deployed() else { return };
    run(deployed.direct().jobs_are_kept_as_promised());
}

#[test]
fn jobs_are_listed_as_promised() {
    let Some(endpoint) = emulator::endpoint() else { return };
    // A list includes all jobs, so these are alone in their table.
    let proxy = Proxy::start(endpoint, at_random(4, 100, &[Fault::Refuse]));
    run(async {
        let jobs = deploy(endpoint).await.behind(&proxy).jobs;
        assert_eq!(squall_contracts::job_list(&jobs, &WallClock, &unique("listed")).await, Ok(()));
    });
    assert!(proxy.n_faults() > 0, "{:?}", proxy.counts());
}

#[test]
fn streams_and_topics_carry_as_promised() {
    let Some(deployed) = deployed() else { return };
    run(async {
        let direct = deployed.direct();
        streams_carry_as_promised(deployed, &direct).await;
        ends_of_jobs_are_announced(deployed, &direct).await;
    });
}

/// Faults after which a retry makes no difference: the request had no effect, or was only late.
const HARMLESS: [Fault; 3] = [Fault::Refuse, Fault::Reset, Fault::Delay(Duration::from_millis(30))];

#[test]
fn promises_hold_where_requests_are_refused() {
    let Some(deployed) = deployed() else { return };
    let proxy = Proxy::start(deployed.endpoint, at_random(1, 60, &HARMLESS));
    run(async {
        let adapters = deployed.behind(&proxy);
        futures::join!(
            adapters.blobs_and_files_are_kept_as_promised(),
            adapters.jobs_are_kept_as_promised(),
            streams_carry_as_promised(deployed, &adapters),
            ends_of_jobs_are_announced(deployed, &adapters),
        );
    });
    assert!(proxy.n_faults() > 0, "{:?}", proxy.counts());
}

#[test]
fn promises_of_streams_and_blobs_hold_where_replies_are_lost() {
    let Some(deployed) = deployed() else { return };
    let done_anyway = [Fault::LoseReply, Fault::BlameReply, Fault::Twice];
    let proxy = Proxy::start(deployed.endpoint, at_random(2, 80, &done_anyway));
    run(async {
        let adapters = deployed.behind(&proxy);
        futures::join!(
            adapters.blobs_and_files_are_kept_as_promised(),
            streams_carry_as_promised(deployed, &adapters),
            ends_of_jobs_are_announced(deployed, &adapters),
        );
    });
    assert!(proxy.n_faults() > 0, "{:?}", proxy.counts());
}
