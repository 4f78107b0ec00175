//! The task and result streams on Kinesis.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_kinesis::Client as Kinesis;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, Shard};
use squall_core::placement::ShardRange;
use squall_core::ports::{NotPut, PortError, ResultQueue, TaskPut, TaskQueue};

use crate::connection::{Client, Connection};
use crate::error::{port_error_of, unsendable};

mod shards;

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
}

impl TaskQueue for KinesisTaskQueue {
    async fn shards(&self) -> Result<Vec<ShardRange>, PortError> {
        Ok(self.map().await?.ranges())
    }

    async fn put_tasks(&self, records: &[&TaskPut]) -> Result<Vec<NotPut>, PortError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let map = self.map().await?;
        let entry = |TaskPut { placement, data }: &TaskPut| {
            PutRecordsRequestEntry::builder()
                .partition_key(&placement.partition_key)
                .explicit_hash_key(placement.hash_key.to_string())
                .data(Blob::new(data.as_slice()))
                .build()
                .map_err(|error| unsendable(format!("put a record on stream {}", self.stream), &error))
        };
        let entries = records.iter().copied().map(entry).collect::<Result<_, _>>()?;
        let what = || format!("put {} records on stream {}", records.len(), self.stream);
        let request =
            self.client.get().await.put_records().stream_name(&self.stream).set_records(Some(entries));
        let reply = request.send().await.map_err(|error| {
            port_error_of(self.client.connection(), what(), format!("stream {}", self.stream), error)
        })?;
        if reply.records.len() != records.len() {
            let n_replies = reply.records.len();
            return Err(PortError::unknown(format!("{}: the reply is about {n_replies}", what())));
        }
        let mut not_put = Vec::new();
        for (index, (record, put)) in records.iter().zip(&reply.records).enumerate() {
            if let Some(code) = put.error_code() {
                let reason = format!("{code}: {}", put.error_message().unwrap_or("no message"));
                not_put.push(NotPut { index, reason });
            } else if put.shard_id().is_some_and(|id| !map.agrees(record.placement.hash_key, id)) {
                self.remember(None);
            }
        }
        Ok(not_put)
    }
}

/// The writing side of the result stream.
#[derive(Debug)]
pub struct KinesisResultQueue {
    client: Client<Kinesis>,
    stream: String,
}

impl KinesisResultQueue {
    /// The stream with this name.
    pub fn new(connection: &Connection, stream: impl Into<String>) -> Self {
        Self { client: Client::new(connection, Kinesis::new), stream: stream.into() }
    }
}

impl ResultQueue for KinesisResultQueue {
    async fn put_result(&self, partition_key: &str, record: &[u8]) -> Result<(), PortError> {
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
