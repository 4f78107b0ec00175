use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;

use squall_core::code::CodeVersion;
use squall_core::digest::Fingerprint;
use squall_core::ports::chain;
use squall_core::rows::{Published, Resent};
use squall_core::sizing::{Sizing, SizingReason};
use squall_core::workload::Coverage;

use super::*;
use crate::clock::WallClock;
use crate::emulator;
use crate::provision::{Resources, provision};

/// The year 2100: the emulator drops expired rows.
const CREATED_US: u64 = 4_102_444_800_000_000;

/// Makes a new table and a new bucket, and returns their names.
async fn places(connection: &Connection) -> (String, String) {
    let (table, bucket) = (emulator::unique("table"), emulator::unique("rows"));
    let resources = Resources {
        task_stream: "tasks-of-stores".to_owned(),
        task_shards: 1,
        result_stream: "results-of-stores".to_owned(),
        result_shards: 1,
        table: table.clone(),
        bucket: bucket.clone(),
        jobs_topic: "jobs-of-stores".to_owned(),
        events_topic: "events-of-stores".to_owned(),
    };
    provision(connection, &resources).await.unwrap();
    (table, bucket)
}

fn store(connection: &Connection, (table, bucket): &(String, String)) -> DynamoJobStore {
    DynamoJobStore::new(connection, table, Arc::new(S3Blobs::new(connection, bucket)))
}

fn id(id: &str) -> JobId {
    JobId::new(id).unwrap()
}

fn published() -> Published {
    Published {
        workload: "probe".to_owned(),
        code: CodeVersion::unnamed(1),
        input: Digest::of(b"input"),
        sizing: Sizing { n_tasks: 3, subtasks_per_task: 2, subtask_us: 1, reason: SizingReason::Waves },
        n_tasks: 3,
        weight: 3,
        fingerprints: Fingerprint(7),
        n_buckets: 2,
        generation: 0,
        lifetime_us: 60_000_000,
        resent: Resent::default(),
        is_large: false,
    }
}

fn running(name: &str) -> JobRow {
    JobRow {
        id: id(name),
        message: Digest::of(name.as_bytes()),
        created_us: CREATED_US,
        expires_us: CREATED_US + 60_000_000,
        max_cost: None,
        published: Some(published()),
        enqueued: false,
        progress: Default::default(),
        ending: None,
        announced: false,
    }
}

fn ending(reason: String) -> Ending {
    Ending {
        status: JobStatus::Expired,
        reason: Some(reason),
        coverage: Coverage { weight_done: 1, weight_total: 2 },
        missing: [3, 5].into_iter().collect(),
        failures: Vec::new(),
        answer: Vec::new(),
        receipt: Default::default(),
        timeline: Default::default(),
        ended_us: CREATED_US + 5,
    }
}

/// The item as the table holds it.
async fn raw(store: &DynamoJobStore, name: &str, sort_key: AttributeValue) -> Item {
    store.get(&id(name), sort_key, "look".to_owned()).await.unwrap().unwrap()
}

#[tokio::test]
async fn jobs_are_kept_and_listed_as_promised() {
    let Some(connection) = emulator::connection().await else { return };
    let store = store(&connection, &places(&connection).await);
    assert_eq!(squall_contracts::job_store(&store, "kept").await, Ok(()));
    assert_eq!(squall_contracts::job_list(&store, &WallClock, "listed").await, Ok(()));
}

#[tokio::test]
async fn a_list_goes_on_over_pages() {
    let Some(connection) = emulator::connection().await else { return };
    let store = store(&connection, &places(&connection).await);
    let mut expected = Vec::new();
    for age in 0..u64::try_from(2 * PAGE_JOBS + 3).unwrap() {
        let row = JobRow { created_us: CREATED_US + age, ..running(&format!("j{age}")) };
        store.create_job(&row).await.unwrap();
        expected.insert(0, row.id);
    }
    assert_eq!(store.jobs(JobStatus::Running, Order::NewestFirst, 1_000).await.unwrap(), expected);
    assert_eq!(
        store.jobs(JobStatus::Running, Order::NewestFirst, PAGE_JOBS + 2).await.unwrap(),
        expected[..PAGE_JOBS + 2]
    );
}

#[tokio::test]
async fn what_is_too_large_for_the_table_is_in_the_bucket() {
    let Some(connection) = emulator::connection().await else { return };
    let places = places(&connection).await;
    let store = store(&connection, &places);
    store.create_job(&running("large")).await.unwrap();
    for (longest, is_inline) in [(INLINE_BYTES, true), (INLINE_BYTES + 1, false)] {
        let mut row =
            BucketRow { version: 1, partial: Some(Stored::Inline(Vec::new())), ..BucketRow::default() };
        // Its length prefix is two bytes longer than that of an empty one.
        let partial = vec![7; longest - row.to_bytes().len() - 2];
        row.partial = Some(Stored::Inline(partial));
        let encoded = row.to_bytes();
        assert_eq!(encoded.len(), longest);
        let bucket = u32::from(is_inline);
        assert_eq!(store.put_bucket(&id("large"), bucket, &row).await.unwrap(), Written::Yes);
        assert_eq!(store.bucket(&id("large"), bucket).await.unwrap(), row);
        let item = raw(&store, "large", bucket_sort_key(bucket)).await;
        let kept = item::get_stored(BUCKET, &item, "row").unwrap();
        let (here, there) = (Stored::Inline(encoded.clone()), Stored::Blob(Digest::of(&encoded)));
        assert_eq!(kept, if is_inline { here } else { there });
    }
    let blobs = S3Blobs::new(&connection, &places.1);
    let large = store.bucket(&id("large"), 0).await.unwrap().to_bytes();
    assert_eq!(blobs.blob(Digest::of(&large)).await.unwrap(), large);
}

#[tokio::test]
async fn buckets_live_as_long_as_their_job() {
    let Some(connection) = emulator::connection().await else { return };
    let store = store(&connection, &places(&connection).await);
    let row = running("ttl");
    store.create_job(&row).await.unwrap();
    let bucket = |version| BucketRow { version, ..BucketRow::default() };
    for version in [1, 2] {
        store.put_bucket(&row.id, 0, &bucket(version)).await.unwrap();
        assert_eq!(raw(&store, "ttl", bucket_sort_key(0)).await["ttl"], item::ttl(row.expires_us));
    }
    let ended = ending("late".to_owned());
    store.end_job(&row.id, 0, &ended).await.unwrap();
    let later_us = row.expires_us + 86_400_000_000;
    let reopened = Reopened { published: published(), expires_us: later_us, max_cost: None };
    assert_eq!(store.reopen_job(&row.id, ended.ended_us, &reopened).await.unwrap(), Written::Yes);
    for sort_key in [text(item::JOB_SORT_KEY), bucket_sort_key(0)] {
        assert_eq!(raw(&store, "ttl", sort_key).await["ttl"], item::ttl(later_us));
    }
    assert_eq!(
        store.bucket(&row.id, 1).await.unwrap(),
        BucketRow::default(),
        "what was not there is not made"
    );
    assert_eq!(store.put_bucket(&row.id, 0, &bucket(3)).await.unwrap(), Written::Yes);
    assert_eq!(raw(&store, "ttl", bucket_sort_key(0)).await["ttl"], item::ttl(later_us));
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named() {
    let Some(connection) = emulator::connection().await else { return };
    let nowhere = ("no-such-table".to_owned(), "no-such-bucket".to_owned());
    let error = store(&connection, &nowhere).job(&id("march")).await.unwrap_err();
    assert!(matches!(error, PortError::Permanent { .. }));
    let text = chain(&error);
    let expected =
        "cannot read job march from table no-such-table: table no-such-table does not exist in us-east-1";
    assert!(text.starts_with(expected), "{text}");
}

/// A proxy before the emulator that loses the reply to the next request that contains a text.
struct Lossy {
    url: String,
    lose: Arc<Mutex<Option<&'static str>>>,
}

impl Lossy {
    fn before(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (upstream, lose) = (upstream.trim_start_matches("http://").to_owned(), Arc::default());
        let lost = Arc::clone(&lose);
        // Both end with the process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (upstream, lose) = (TcpStream::connect(&upstream).unwrap(), Arc::clone(&lost));
                thread::spawn(move || carry(&client.unwrap(), &upstream, &lose));
            }
        });
        Self { url, lose }
    }

    /// The result of a call when the reply to the first request with this text is lost.
    async fn losing<T>(&self, text: &'static str, call: impl Future<Output = Result<T, PortError>>) -> T {
        *self.lose.lock().unwrap() = Some(text);
        let result = call.await.unwrap();
        assert_eq!(*self.lose.lock().unwrap(), None, "a reply was lost");
        result
    }
}

/// Forwards requests and replies until one side disconnects.
fn carry(client: &TcpStream, upstream: &TcpStream, lose: &Mutex<Option<&str>>) -> Option<()> {
    let (mut requests, mut replies) = (BufReader::new(client), BufReader::new(upstream));
    loop {
        // The emulator answers no other `Host` than its own.
        let there = upstream.peer_addr().ok()?.to_string();
        let request = message(&mut requests, Some(&there))?;
        (&mut &*upstream).write_all(&request).ok()?;
        let reply = message(&mut replies, None)?;
        let request = String::from_utf8_lossy(&request);
        if lose.lock().unwrap().take_if(|text| request.contains(*text)).is_some() {
            return None;
        }
        (&mut &*client).write_all(&reply).ok()?;
    }
}

/// One HTTP message, of the length given in its head; to another host if one is given.
fn message(from: &mut impl BufRead, host: Option<&str>) -> Option<Vec<u8>> {
    let (mut whole, mut n_body) = (Vec::new(), 0);
    loop {
        let start = whole.len();
        if from.read_until(b'\n', &mut whole).ok()? == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&whole[start..]).to_ascii_lowercase();
        if let Some(n) = line.strip_prefix("content-length:") {
            n_body = n.trim().parse().unwrap();
        }
        if let Some(host) = host.filter(|_| line.starts_with("host:")) {
            whole.truncate(start);
            whole.extend_from_slice(format!("host: {host}\r\n").as_bytes());
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let start = whole.len();
    whole.resize(start + n_body, 0);
    from.read_exact(&mut whole[start..]).ok()?;
    Some(whole)
}

#[tokio::test]
async fn a_lost_reply_is_no_lost_race() {
    let Some(connection) = emulator::connection().await else { return };
    let places = places(&connection).await;
    let lossy = Lossy::before(connection.config().await.endpoint_url().unwrap());
    let store = store(&emulator::connection_to(&lossy.url).await, &places);

    let row = running("lost");
    let created = lossy.losing("PutItem", store.create_job(&row)).await;
    assert_eq!(created, Created::Existing(Box::new(row.clone())), "the splitter resumes it");

    lossy.losing("SET enqueued", store.mark_enqueued(&row.id, 0)).await;
    let progress = BucketProgress { n_tasks: 2, ..BucketProgress::default() };
    let after = lossy.losing("SET n1", store.record_progress(&row.id, 1, progress)).await;
    assert_eq!((after.enqueued, after.progress.get(&1)), (true, Some(&progress)));

    let bucket = BucketRow { version: 1, weight: 9, ..BucketRow::default() };
    let written = lossy.losing("bucket#00001", store.put_bucket(&row.id, 1, &bucket)).await;
    assert_eq!(written, Written::Raced, "the collector reads it again");
    assert_eq!(store.bucket(&row.id, 1).await.unwrap(), bucket);

    for reason in ["short".to_owned(), "long".repeat(INLINE_BYTES)] {
        let ended = ending(reason);
        let written = lossy.losing("SET ending", store.end_job(&row.id, 0, &ended)).await;
        assert_eq!(written, Written::Yes, "or its end would not be announced");
        assert_eq!(store.job(&row.id).await.unwrap().unwrap().ending.as_ref(), Some(&ended));
        let other = Ending { reason: Some("another".to_owned()), ..ended.clone() };
        assert_eq!(
            store.end_job(&row.id, 0, &other).await.unwrap(),
            Written::Raced,
            "of the same microsecond"
        );

        let reopened = Reopened { published: published(), expires_us: CREATED_US + 9, max_cost: None };
        let written = lossy.losing("reopened_us", store.reopen_job(&row.id, ended.ended_us, &reopened)).await;
        assert_eq!(written, Written::Yes, "or its tasks would not be sent");
        let other = Reopened { expires_us: CREATED_US + 10, ..reopened };
        assert_eq!(store.reopen_job(&row.id, ended.ended_us, &other).await.unwrap(), Written::Raced);
    }
}

#[tokio::test]
async fn a_rejection_whose_reply_was_lost_is_written_again() {
    let Some(connection) = emulator::connection().await else { return };
    let places = places(&connection).await;
    let lossy = Lossy::before(connection.config().await.endpoint_url().unwrap());
    let store = store(&emulator::connection_to(&lossy.url).await, &places);
    let ended = Ending { status: JobStatus::Rejected, ..ending("no workload".to_owned()) };
    let row = JobRow { published: None, ending: Some(ended), ..running("rejected") };
    assert_eq!(lossy.losing("PutItem", store.create_job(&row)).await, Created::New);
}
