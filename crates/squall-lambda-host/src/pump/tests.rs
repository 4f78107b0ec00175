use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::{join, select};
use serde_json::Value;
use squall_core::ports::Clock;

use super::*;
use crate::delivery::lane::lane_of;
use squall_sim_time::{Random, SimulatedClock, run_until_done};

mod many;
mod reshards;
mod restarts;
mod river;
mod rules;

use river::River;

const SECOND_US: u64 = 1_000_000;

/// One invocation, as the function saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    at_us: u64,
    shard: String,
    /// Key and data of each record.
    records: Vec<(String, String)>,
    sequences: Vec<String>,
}

impl Seen {
    fn data(&self) -> String {
        self.records.iter().map(|(_, data)| data.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn position(&self, data: &str) -> Option<usize> {
        self.records.iter().position(|(_, it)| it == data)
    }

    /// The answer that reports the records at these positions.
    fn failing(&self, positions: &[usize]) -> Invoked {
        let failures: Vec<_> = positions
            .iter()
            .map(|position| serde_json::json!({ "itemIdentifier": self.sequences[*position] }))
            .collect();
        Invoked::Answered(serde_json::json!({ "batchItemFailures": failures }).to_string().into_bytes())
    }
}

/// The outcome of a function, and its duration, microseconds.
type Conduct<'a> = dyn Fn(&Seen) -> (Invoked, u64) + 'a;

/// A mapping's environment under simulated time.
struct Scene<'a> {
    clock: SimulatedClock,
    river: RefCell<River>,
    function: Box<Conduct<'a>>,
    takes: Takes,
    n_keep_failures: Cell<u32>,
    marks: RefCell<Option<Marks>>,
    n_stores: Cell<u32>,
    seen: RefCell<Vec<Seen>>,
    kept: RefCell<Vec<(String, Value)>>,
    notices: RefCell<Vec<String>>,
    in_flight: Cell<usize>,
    most_in_flight: Cell<usize>,
}

impl<'a> Scene<'a> {
    fn new(n_shards: u32, function: impl Fn(&Seen) -> (Invoked, u64) + 'a) -> Self {
        Self {
            clock: SimulatedClock::default(),
            river: RefCell::new(River::new(n_shards)),
            function: Box::new(function),
            takes: Takes::Metadata,
            n_keep_failures: Cell::default(),
            marks: RefCell::default(),
            n_stores: Cell::default(),
            seen: RefCell::default(),
            kept: RefCell::default(),
            notices: RefCell::default(),
            in_flight: Cell::default(),
            most_in_flight: Cell::default(),
        }
    }

    fn put(&self, key: &str, data: &str) {
        self.river.borrow_mut().put(key, data, self.clock.now_us());
    }

    /// Runs a mapping for a while, then stops it and waits for deliveries in progress.
    fn run(&self, mapping: &Mapping, for_us: u64) -> Result<(), PortError> {
        self.run_beside(mapping, for_us, async {})
    }

    fn run_beside(
        &self,
        mapping: &Mapping,
        for_us: u64,
        beside: impl Future<Output = ()>,
    ) -> Result<(), PortError> {
        let until_us = self.clock.now_us() + for_us;
        let clock = self.clock.clone();
        let stop = async move { clock.sleep_until(until_us).await };
        run_until_done(&self.clock, join(run_mapping(mapping, self, stop), beside)).unwrap().0
    }

    /// Runs a mapping for a while, then kills it.
    fn run_and_kill(&self, mapping: &Mapping, for_us: u64) {
        let until_us = self.clock.now_us() + for_us;
        let running = std::pin::pin!(run_mapping(mapping, self, std::future::pending()));
        let killing = std::pin::pin!(self.clock.sleep_until(until_us));
        run_until_done(&self.clock, async {
            select(running, killing).await;
        })
        .unwrap();
        self.in_flight.set(0);
    }

    fn deliveries(&self) -> Vec<String> {
        self.seen.borrow().iter().map(Seen::data).collect()
    }

    fn conditions(&self) -> Vec<String> {
        let condition = |(_, record): &(String, Value)| {
            let request = &record["requestContext"];
            let n_records = &record["KinesisBatchInfo"]["batchSize"];
            format!(
                "{} ×{} after {}",
                request["condition"].as_str().unwrap(),
                n_records,
                request["approximateInvokeCount"]
            )
        };
        self.kept.borrow().iter().map(condition).collect()
    }
}

fn succeed(_: &Seen) -> (Invoked, u64) {
    (Invoked::Answered(Vec::new()), 0)
}

fn mapping() -> Mapping {
    Mapping {
        name: "river--mill".to_owned(),
        stream_arn: "arn:aws:kinesis:us-east-1:000000000000:stream/river".to_owned(),
        function: "mill".to_owned(),
        delivery: DeliveryPolicy { batch_size: 10, max_attempts: Some(3), ..DeliveryPolicy::default() },
        lanes_per_shard: 1,
        start: StartingPosition::TrimHorizon,
        poll_us: SECOND_US,
        discovery_us: 10 * SECOND_US,
        checkpoint_us: 0,
    }
}

fn parsed(payload: &[u8]) -> (String, Vec<(String, String)>, Vec<String>) {
    let event: Value = serde_json::from_slice(payload).unwrap();
    let records = event["Records"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let shard = text(&records[0]["eventID"]).split(':').next().unwrap().to_owned();
    let content = |record: &Value| {
        let data = STANDARD.decode(record["kinesis"]["data"].as_str().unwrap()).unwrap();
        (text(&record["kinesis"]["partitionKey"]), String::from_utf8(data).unwrap())
    };
    let sequences = records.iter().map(|record| text(&record["kinesis"]["sequenceNumber"])).collect();
    (shard, records.iter().map(content).collect(), sequences)
}

impl Clock for Scene<'_> {
    fn now_us(&self) -> u64 {
        self.clock.now_us()
    }

    async fn sleep_until(&self, until_us: u64) {
        self.clock.sleep_until(until_us).await;
    }
}

impl StreamSource for Scene<'_> {
    async fn shards(&self) -> Result<Vec<Shard>, PortError> {
        Ok(self.river.borrow().shards())
    }

    async fn iterator(&self, shard: &str, from: &Position) -> Result<String, PortError> {
        self.river.borrow().iterator(shard, from, self.now_us())
    }

    async fn records(&self, iterator: &str, limit: usize) -> Result<Page, PortError> {
        // A read takes its time.
        self.sleep_until(self.now_us() + 1_000).await;
        self.river.borrow_mut().records(iterator, limit, self.now_us())
    }
}

impl Function for Scene<'_> {
    async fn invoke(&self, payload: Vec<u8>) -> Invoked {
        let (shard, records, sequences) = parsed(&payload);
        let seen = Seen { at_us: self.now_us(), shard, records, sequences };
        self.seen.borrow_mut().push(seen.clone());
        let (outcome, takes_us) = (self.function)(&seen);
        self.in_flight.set(self.in_flight.get() + 1);
        self.most_in_flight.set(self.most_in_flight.get().max(self.in_flight.get()));
        self.sleep_until(self.now_us() + takes_us).await;
        self.in_flight.set(self.in_flight.get() - 1);
        outcome
    }
}

impl FailureDestination for Scene<'_> {
    fn takes(&self) -> Takes {
        self.takes
    }

    async fn keep(&self, name: &str, record: &str) -> Result<(), PortError> {
        if self.n_keep_failures.get() > 0 {
            self.n_keep_failures.set(self.n_keep_failures.get() - 1);
            return Err(PortError::unknown("the bucket is away"));
        }
        self.kept.borrow_mut().push((name.to_owned(), serde_json::from_str(record).unwrap()));
        Ok(())
    }
}

impl Checkpoints for Scene<'_> {
    fn load(&self, _: &str) -> Result<Option<Marks>, PortError> {
        Ok(self.marks.borrow().clone())
    }

    fn store(&self, _: &str, marks: &Marks) -> Result<(), PortError> {
        self.n_stores.set(self.n_stores.get() + 1);
        *self.marks.borrow_mut() = Some(marks.clone());
        Ok(())
    }
}

impl Watcher for Scene<'_> {
    fn note(&self, notice: &Notice<'_>) {
        self.notices.borrow_mut().push(notice.to_string());
    }
}
