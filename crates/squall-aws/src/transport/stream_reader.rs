//! The reading side of a stream.

use aws_sdk_kinesis::Client as Kinesis;
use aws_sdk_kinesis::types::ShardIteratorType;
use squall_core::limits::KINESIS_READ_RECORDS;
use squall_core::ports::PortError;

use crate::connection::{Client, Connection};
use crate::error::port_error_of;
use crate::kinesis::{Named, is_closed, list_shards};

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its id.
    pub id: String,
    /// The shards that it was split or merged from; read them to their ends first.
    pub parents: Vec<String>,
    /// Whether it takes no more records.
    pub closed: bool,
}

/// The position to read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// The oldest available record.
    TrimHorizon,
    /// Records put from now on.
    Latest,
    /// The record after the one of this sequence number.
    AfterSequence(String),
}

/// The result of one read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records, in the shard's order; often empty, even if there are more.
    pub records: Vec<StreamRecord>,
    /// The iterator to continue with; `None` when the shard is closed and was read to its end.
    pub next: Option<String>,
    /// How far the reader is behind the newest record, milliseconds.
    pub behind_ms: u64,
}

/// A record of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRecord {
    /// Its sequence number, a decimal number that grows within the shard.
    pub sequence: String,
    /// Its partition key.
    pub partition_key: String,
    /// The content.
    pub data: Vec<u8>,
    /// Approximate arrival time, microseconds since 1970; 0 when the stream does not report it.
    pub arrived_us: u64,
}

/// Reads a stream.
#[derive(Debug)]
pub struct StreamReader {
    client: Client<Kinesis>,
    name_or_arn: String,
}

impl StreamReader {
    /// The stream with this name or ARN.
    pub fn new(connection: &Connection, stream_name_or_arn: impl Into<String>) -> Self {
        Self { client: Client::new(connection, Kinesis::new), name_or_arn: stream_name_or_arn.into() }
    }

    fn stream(&self) -> Named<'_> {
        Named::new(&self.name_or_arn)
    }

    /// The stream's ARN.
    ///
    /// # Errors
    /// Permanent when there is no such stream.
    pub async fn arn(&self) -> Result<String, PortError> {
        if let Some(arn) = self.stream().arn() {
            return Ok(arn);
        }
        let what = || format!("describe stream {}", self.name_or_arn);
        let request = self.client.get().await.describe_stream_summary().set_stream_name(self.stream().name());
        let reply = request.send().await.map_err(|error| {
            port_error_of(self.client.connection(), what(), format!("stream {}", self.name_or_arn), error)
        })?;
        let summary = reply.stream_description_summary;
        summary.map(|it| it.stream_arn).ok_or_else(|| PortError::unknown(format!("{}: no answer", what())))
    }

    /// Its shards, open and closed.
    ///
    /// # Errors
    /// Permanent when there is no such stream.
    pub async fn shards(&self) -> Result<Vec<Shard>, PortError> {
        let shards = list_shards(&self.client, self.stream()).await?;
        let ours = |shard: aws_sdk_kinesis::types::Shard| Shard {
            closed: is_closed(&shard),
            parents: shard.parent_shard_id.into_iter().chain(shard.adjacent_parent_shard_id).collect(),
            id: shard.shard_id,
        };
        Ok(shards.into_iter().map(ours).collect())
    }

    /// An iterator, valid for five minutes.
    ///
    /// # Errors
    /// Permanent when there is no such shard.
    pub async fn iterator(&self, shard: &str, from: &Position) -> Result<String, PortError> {
        let (kind, after) = match from {
            Position::TrimHorizon => (ShardIteratorType::TrimHorizon, None),
            Position::Latest => (ShardIteratorType::Latest, None),
            Position::AfterSequence(sequence) => {
                (ShardIteratorType::AfterSequenceNumber, Some(sequence.clone()))
            }
        };
        let what = || format!("iterate over shard {shard} of stream {}", self.name_or_arn);
        let request = self.client.get().await.get_shard_iterator().shard_id(shard).shard_iterator_type(kind);
        let request = request.set_stream_name(self.stream().name()).set_stream_arn(self.stream().arn());
        let reply = request.set_starting_sequence_number(after).send().await;
        let reply = reply.map_err(|error| {
            port_error_of(self.client.connection(), what(), format!("shard {shard}"), error)
        })?;
        reply.shard_iterator.ok_or_else(|| PortError::unknown(format!("{}: no answer", what())))
    }

    /// The records at an iterator, at most `limit`.
    ///
    /// # Errors
    /// Refused when the iterator has expired: take a new one after the last sequence number that was read.
    pub async fn records(&self, iterator: &str, limit: usize) -> Result<Page, PortError> {
        let limit = i32::try_from(limit.clamp(1, KINESIS_READ_RECORDS)).unwrap_or(i32::MAX);
        let what = || format!("read stream {}", self.name_or_arn);
        let request = self.client.get().await.get_records().shard_iterator(iterator).limit(limit);
        let request = request.set_stream_arn(self.stream().arn());
        let reply = request.send().await.map_err(|error| {
            if error.as_service_error().is_some_and(|it| it.is_expired_iterator_exception()) {
                return PortError::refused(format!("{}: the iterator has expired", what()));
            }
            port_error_of(self.client.connection(), what(), format!("stream {}", self.name_or_arn), error)
        })?;
        let ours = |record: aws_sdk_kinesis::types::Record| StreamRecord {
            arrived_us: record
                .approximate_arrival_timestamp
                .and_then(|at| u64::try_from(at.as_nanos() / 1_000).ok())
                .unwrap_or(0),
            sequence: record.sequence_number,
            partition_key: record.partition_key.unwrap_or_default(),
            data: record.data.into_inner(),
        };
        Ok(Page {
            records: reply.records.into_iter().map(ours).collect(),
            next: reply.next_shard_iterator,
            behind_ms: reply.millis_behind_latest.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0),
        })
    }
}
