//! The output of streams and topics, and the fate of records that a shard refuses.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use squall_aws::transport::{Inbox, Position, StreamReader};
use squall_aws::{Connection, WallClock};
use squall_contracts::Found;
use squall_core::ports::{Assembled, Placement, TaskPut, TaskQueue};
use squall_grid::put_tasks;

use super::{connection_to, deployed, run};
use crate::emulator::unique;
use crate::proxy::{Fault, Proxy, at_first, refuse_records};

/// Reads a stream from its beginning.
pub(super) struct Reader(StreamReader);

impl Reader {
    pub(super) fn new(connection: &Connection, stream: &str) -> Self {
        Self(StreamReader::new(connection, stream))
    }

    /// Every record of a shard, by its index in the order of hash keys.
    pub(super) async fn found_in(&self, shard: usize) -> Vec<Found> {
        let shards = self.0.shards().await.unwrap();
        let mut next = Some(self.0.iterator(&shards[shard].id, &Position::TrimHorizon).await.unwrap());
        let mut found = Vec::new();
        while let Some(iterator) = next {
            let page = self.0.records(&iterator, 10_000).await.unwrap();
            let is_end = page.records.is_empty() && page.behind_ms == 0;
            found.extend(page.records.into_iter().map(|record| (record.partition_key, record.data)));
            next = page.next.filter(|_| !is_end);
        }
        found
    }

    /// Every record of the stream, shard by shard.
    pub(super) async fn found(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for shard in 0..self.0.shards().await.unwrap().len() {
            found.extend(self.found_in(shard).await);
        }
        found
    }
}

/// Listens to the announcements on a topic.
pub(super) struct Listener {
    inbox: Inbox,
    /// Job and status of each event so far.
    heard: RefCell<BTreeSet<(String, String)>>,
}

impl Listener {
    pub(super) async fn new(connection: &Connection, topic_arn: &str) -> Self {
        let inbox = Inbox::subscribe(connection, topic_arn, &unique("inbox")).await.unwrap();
        Self { inbox, heard: RefCell::default() }
    }

    /// Returns once it has received the announcement that the job has ended with this status.
    pub(super) async fn hears(&self, job: &str, status: &str) {
        let event = (job.to_owned(), status.to_owned());
        let listen = async {
            while !self.heard.borrow().contains(&event) {
                for (receipt, envelope) in self.inbox.receive().await.unwrap() {
                    let envelope: Value = serde_json::from_str(&envelope).unwrap();
                    let event: Value = serde_json::from_str(envelope["Message"].as_str().unwrap()).unwrap();
                    let text = |field: &str| event[field].as_str().unwrap().to_owned();
                    self.heard.borrow_mut().insert((text("job"), text("status")));
                    self.inbox.done(&receipt).await.unwrap();
                }
            }
        };
        let heard = tokio::time::timeout(Duration::from_secs(60), listen).await;
        assert!(heard.is_ok(), "no announcement that {job} is {status}: {:?}", self.heard.borrow());
    }
}

/// Puts records through a proxy; returns how often each of them is in each shard, and the proxy.
async fn put_through(proxy: &Proxy, n_records: usize) -> Vec<BTreeMap<String, usize>> {
    let deployed = deployed().unwrap();
    let (name, tasks) = (unique("put"), deployed.behind(proxy).tasks);
    let shards = tasks.shards().await.unwrap();
    let records = (0..n_records).map(|n| {
        let hash_key = shards[n % shards.len()].first;
        let placement = Placement { partition_key: format!("{name}/{n}"), hash_key };
        TaskPut { placement, data: n.to_string().into_bytes() }
    });
    let ports = Assembled {
        clock: Arc::<WallClock>::default(),
        files: Arc::new(()),
        blobs: Arc::new(()),
        jobs: Arc::new(()),
        tasks: Arc::new(tasks),
        results: Arc::new(()),
        workers: Arc::new(()),
        events: Arc::new(()),
    };
    put_tasks(&ports, &shards, &records.collect::<Vec<_>>(), async |_| ()).await.unwrap();
    let reader = Reader::new(&connection_to(deployed.endpoint), &deployed.resources.task_stream);
    let mut shards_found = Vec::new();
    for shard in 0..shards.len() {
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for (key, data) in reader.found_in(shard).await {
            if let Some(n) = key.strip_prefix(&format!("{name}/")) {
                assert_eq!(data, n.as_bytes());
                *found.entry(n.to_owned()).or_default() += 1;
            }
        }
        shards_found.push(found);
    }
    shards_found
}

fn expected_in(shard: usize, n_shards: usize, n_records: usize, n_times: usize) -> BTreeMap<String, usize> {
    (shard..n_records).step_by(n_shards).map(|n| (n.to_string(), n_times)).collect()
}

#[test]
fn refused_records_are_put_again_and_no_others() {
    let Some(deployed) = deployed() else { return };
    const N_RECORDS: usize = 1_300;
    let proxy = Proxy::start(deployed.endpoint, refuse_records(3, 300));
    let found = run(put_through(&proxy, N_RECORDS));
    for (shard, records) in found.iter().enumerate() {
        assert_eq!(*records, expected_in(shard, found.len(), N_RECORDS, 1), "shard {shard}");
    }
    assert!(proxy.count("kinesis:PutRecords").n_faults > 2, "{:?}", proxy.counts());
}

#[test]
fn a_shard_that_refuses_everything_at_first_has_everything_in_the_end() {
    let Some(deployed) = deployed() else { return };
    const N_RECORDS: usize = 40;
    let everything = Fault::RefuseRecords((0..N_RECORDS).collect());
    let proxy =
        Proxy::start(deployed.endpoint, at_first(|action| action == "kinesis:PutRecords", everything));
    let found = run(put_through(&proxy, N_RECORDS));
    for (shard, records) in found.iter().enumerate() {
        assert_eq!(*records, expected_in(shard, found.len(), N_RECORDS, 1), "shard {shard}");
    }
    assert!(proxy.count("kinesis:PutRecords").n_requests > 1, "{:?}", proxy.counts());
}

#[test]
fn records_whose_reply_was_lost_are_put_again() {
    let Some(deployed) = deployed() else { return };
    const N_RECORDS: usize = 40;
    let rules = at_first(|action| action == "kinesis:PutRecords", Fault::LoseReply);
    let proxy = Proxy::start(deployed.endpoint, rules);
    let found = run(put_through(&proxy, N_RECORDS));
    for (shard, records) in found.iter().enumerate() {
        assert_eq!(*records, expected_in(shard, found.len(), N_RECORDS, 2), "shard {shard}");
    }
}
