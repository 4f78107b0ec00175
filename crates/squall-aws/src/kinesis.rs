//! The task and result streams on Kinesis.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_kinesis::Client as Kinesis;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, Shard};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use squall_core::placement::ShardRange;
use squall_core::ports::{Placement, PortError, ResultQueue, TaskQueue};
use tokio::time::Instant;

use crate::connection::{Client, Connection};
use crate::error::{port_error_of, unsendable};

mod outbox;
mod shards;

use outbox::{Item, Outbox, Step, checked_bytes};
pub use outbox::{
    MAX_CALL_BYTES, MAX_CALL_RECORDS, MAX_RECORD_BYTES, SHARD_BYTES_PER_S, SHARD_RECORDS_PER_S,
};
use shards::{OpenShard, ShardMap};

/// The writing side of the task stream.
///
/// The shards are listed once, and again after a reshard: every reply names the shard that a record went to, and a
/// mismatch with the list reveals a reshard. Until then tasks go to the right hash keys, but those of a split shard all
/// to one of its halves: only the first job after a reshard may take longer.
#[derive(Debug)]
pub struct KinesisTaskQueue {
    client: Client<Kinesis>,
    stream: String,
    map: Mutex<Option<Arc<ShardMap>>>,
}

impl KinesisTaskQueue {
    /// The stream with this name.
    pub fn new(connection: &Connection, stream: impl Into<String>) -> Self {
        let client = Client::new(connection, Kinesis::new);
        Self { client, stream: stream.into(), map: Mutex::new(None) }
    }

    fn remember(&self, map: Option<Arc<ShardMap>>) {
        *self.map.lock().unwrap_or_else(PoisonError::into_inner) = map;
    }

    async fn map(&self) -> Result<Arc<ShardMap>, PortError> {
        let known = self.map.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(map) = known {
            return Ok(map);
        }
        let shards = list_shards(&self.client, Named::Name(&self.stream)).await?;
        let open = shards.iter().filter(|shard| !is_closed(shard)).map(open_shard);
        let map = Arc::new(ShardMap::new(&self.stream, open.collect::<Result<_, _>>()?)?);
        self.remember(Some(Arc::clone(&map)));
        Ok(map)
    }

    /// One call; returns the records that were refused, and why the last of them was.
    async fn call(
        &self,
        records: &[(Placement, Vec<u8>)],
        map: &ShardMap,
        batch: Vec<usize>,
    ) -> Result<Answer, PortError> {
        let entry = |&index: &usize| {
            let (placement, data) = &records[index];
            PutRecordsRequestEntry::builder()
                .partition_key(&placement.partition_key)
                .explicit_hash_key(placement.hash_key.to_string())
                .data(Blob::new(data.as_slice()))
                .build()
                .map_err(|error| unsendable(format!("put a record on stream {}", self.stream), &error))
        };
        let entries = batch.iter().map(entry).collect::<Result<_, _>>()?;
        let what = || format!("put {} records on stream {}", batch.len(), self.stream);
        let request =
            self.client.get().await.put_records().stream_name(&self.stream).set_records(Some(entries));
        let reply = request.send().await.map_err(|error| {
            port_error_of(self.client.connection(), what(), format!("stream {}", self.stream), error)
        })?;
        if reply.records.len() != batch.len() {
            let n_replies = reply.records.len();
            return Err(PortError::unknown(format!("{}: the reply is about {n_replies}", what())));
        }
        let (mut refused, mut why) = (Vec::new(), String::new());
        for (&index, record) in batch.iter().zip(&reply.records) {
            if let Some(code) = record.error_code() {
                refused.push(index);
                why = format!("{code}: {}", record.error_message().unwrap_or("no message"));
            } else if record.shard_id().is_some_and(|id| !map.agrees(records[index].0.hash_key, id)) {
                self.remember(None);
            }
        }
        Ok(Answer { batch, refused, why })
    }
}

struct Answer {
    batch: Vec<usize>,
    refused: Vec<usize>,
    why: String,
}

impl TaskQueue for KinesisTaskQueue {
    async fn shards(&self) -> Result<Vec<ShardRange>, PortError> {
        Ok(self.map().await?.ranges())
    }

    /// An unknown error may also mean that a shard refused everything for about 20 seconds.
    async fn put_tasks(&self, records: Vec<(Placement, Vec<u8>)>) -> Result<(), PortError> {
        if records.is_empty() {
            return Ok(());
        }
        let map = self.map().await?;
        let item = |(placement, data): &(Placement, Vec<u8>)| {
            let bytes = checked_bytes(&self.stream, &placement.partition_key, data)?;
            Ok(Item { shard: map.index_of(placement.hash_key), bytes })
        };
        let items = records.iter().map(item).collect::<Result<_, PortError>>()?;
        let started = Instant::now();
        let now_us = || u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut outbox = Outbox::new(items, map.len(), jitter_seed(&records), 0);
        let mut calls = FuturesUnordered::new();
        let mut why = String::new();
        loop {
            match outbox.next(now_us()) {
                Step::Call(batch) => calls.push(self.call(&records, &map, batch)),
                Step::Wait { until_us } => {
                    let wake = async {
                        match until_us {
                            Some(until_us) => {
                                tokio::time::sleep_until(started + Duration::from_micros(until_us)).await;
                            }
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        Some(answer) = calls.next() => {
                            let answer = answer?;
                            outbox.settle(now_us(), &answer.batch, &answer.refused);
                            if !answer.refused.is_empty() {
                                why = answer.why;
                            }
                        }
                        () = wake => {}
                    }
                }
                Step::Done => return Ok(()),
                Step::GiveUp { n_left, rounds } => {
                    return Err(PortError::unknown(format!(
                        "{n_left} of {} records are not on stream {}: a shard refused {rounds} times in a row: {why}",
                        records.len(),
                        self.stream
                    )));
                }
            }
        }
    }
}

/// Different for different jobs, so that splitters that are refused together do not retry together.
fn jitter_seed(records: &[(Placement, Vec<u8>)]) -> u64 {
    let mut hasher = DefaultHasher::new();
    records.first().map(|(placement, _)| &placement.partition_key).hash(&mut hasher);
    hasher.finish()
}

/// The writing side of the result stream.
#[derive(Debug)]
pub struct KinesisResultQueue {
    client: Client<Kinesis>,
    stream: String,
}

/// Attempts to put a result: it carries the work of many invocations, and whole lanes put theirs at the same moment.
/// With the SDK's waits, doubling up to 20 s, that is about a minute of patience.
const RESULT_ATTEMPTS: u32 = 9;

fn patient_client(config: &SdkConfig) -> Kinesis {
    let retries = RetryConfig::standard().with_max_attempts(RESULT_ATTEMPTS);
    Kinesis::from_conf(aws_sdk_kinesis::config::Builder::from(config).retry_config(retries).build())
}

impl KinesisResultQueue {
    /// The stream with this name.
    pub fn new(connection: &Connection, stream: impl Into<String>) -> Self {
        Self { client: Client::new(connection, patient_client), stream: stream.into() }
    }
}

impl ResultQueue for KinesisResultQueue {
    /// A record over the limit of [`MAX_RECORD_BYTES`] is a permanent error.
    async fn put_result(&self, partition_key: String, record: Vec<u8>) -> Result<(), PortError> {
        checked_bytes(&self.stream, &partition_key, &record)?;
        let request =
            self.client.get().await.put_record().stream_name(&self.stream).partition_key(partition_key);
        let sent = request.data(Blob::new(record)).send().await;
        sent.map(drop).map_err(|error| {
            let stream = format!("stream {}", self.stream);
            port_error_of(self.client.connection(), format!("put a record on {stream}"), stream, error)
        })
    }
}

/// A stream, identified by name or ARN.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Named<'a> {
    Name(&'a str),
    Arn(&'a str),
}

impl<'a> Named<'a> {
    pub(crate) fn new(name_or_arn: &'a str) -> Self {
        if name_or_arn.starts_with("arn:") { Self::Arn(name_or_arn) } else { Self::Name(name_or_arn) }
    }

    pub(crate) fn name(self) -> Option<String> {
        if let Self::Name(name) = self { Some(name.to_owned()) } else { None }
    }

    pub(crate) fn arn(self) -> Option<String> {
        if let Self::Arn(arn) = self { Some(arn.to_owned()) } else { None }
    }

    pub(crate) fn as_str(self) -> &'a str {
        let (Self::Name(text) | Self::Arn(text)) = self;
        text
    }
}

/// All shards, open and closed, of all pages.
pub(crate) async fn list_shards(
    client: &Client<Kinesis>,
    stream: Named<'_>,
) -> Result<Vec<Shard>, PortError> {
    let kinesis = client.get().await;
    let (mut shards, mut next) = (Vec::new(), None);
    loop {
        // A token identifies the stream too; giving both is refused.
        let request = match next {
            None => kinesis.list_shards().set_stream_name(stream.name()).set_stream_arn(stream.arn()),
            Some(token) => kinesis.list_shards().next_token(token),
        };
        let page = request.send().await.map_err(|error| {
            let stream = format!("stream {}", stream.as_str());
            port_error_of(client.connection(), format!("list the shards of {stream}"), stream, error)
        })?;
        shards.extend(page.shards.unwrap_or_default());
        next = page.next_token;
        if next.is_none() {
            return Ok(shards);
        }
    }
}

/// A shard is closed once it has a last sequence number.
pub(crate) fn is_closed(shard: &Shard) -> bool {
    shard.sequence_number_range.as_ref().is_some_and(|range| range.ending_sequence_number.is_some())
}

fn open_shard(shard: &Shard) -> Result<OpenShard, PortError> {
    let Shard { shard_id, hash_key_range, .. } = shard;
    let Some(keys) = hash_key_range else {
        return Err(PortError::permanent(format!("shard {shard_id} has no hash keys")));
    };
    let (first, last) = (&keys.starting_hash_key, &keys.ending_hash_key);
    match (hash_key(first), hash_key(last)) {
        (Some(first), Some(last)) => {
            Ok(OpenShard { id: shard_id.clone(), range: ShardRange { first, last } })
        }
        _ => Err(PortError::permanent(format!(
            "shard {shard_id} has the hash keys {first:?} to {last:?}; expected whole numbers"
        ))),
    }
}

/// A hash key, 0 to 2^128 - 1. Some emulators end the last shard at 2^128; a larger number counts as the last key.
fn hash_key(decimal: &str) -> Option<u128> {
    let is_number = !decimal.is_empty() && decimal.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| decimal.parse().unwrap_or(u128::MAX))
}

#[cfg(test)]
mod tests;
