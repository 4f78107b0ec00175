//! Payloads: read from `events/`, or written like Lambda's stream mappings.

use std::fs;
use std::path::{Path, PathBuf};

use aws_lambda_events::encodings::Base64Data;
use aws_lambda_events::kinesis::KinesisEvent;
use aws_lambda_events::streams::KinesisEventResponse;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use squall_memory::Record;

use super::grid::START_US;

pub(crate) fn folder(function: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(function)
}

/// A payload of `events/`, as the runtime would read it.
pub(crate) fn read<T: DeserializeOwned>(function: &str, file: &str) -> T {
    serde_json::from_slice(&fs::read(folder(function).join(file)).unwrap()).unwrap()
}

/// Bytes as a JSON string in base64.
pub(crate) fn base64(bytes: &[u8]) -> Value {
    let mut data = Base64Data::default();
    data.0 = bytes.to_vec();
    serde_json::to_value(data).unwrap()
}

/// Records of one shard as a batch, in AWS's format (<https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>).
pub(crate) fn json_of_stream(stream: &str, shard: usize, records: &[Record]) -> Value {
    let record = |record: &Record| {
        let sequence_number = sequence_number(record);
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": &*record.partition_key,
                "sequenceNumber": sequence_number,
                "data": base64(&record.data),
                "approximateArrivalTimestamp": START_US as f64 / 1e6 + 0.25,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": format!("shardId-{shard:012}:{sequence_number}"),
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/squall",
            "awsRegion": "us-east-1",
            "eventSourceARN": format!("arn:aws:kinesis:us-east-1:123456789012:stream/{stream}"),
        })
    };
    json!({ "Records": records.iter().map(record).collect::<Vec<_>>() })
}

/// The same, as the runtime would read it.
pub(crate) fn of_stream(stream: &str, shard: usize, records: &[Record]) -> KinesisEvent {
    serde_json::from_value(json_of_stream(stream, shard, records)).unwrap()
}

/// Sequence numbers have 56 digits.
pub(crate) fn sequence_number(record: &Record) -> String {
    format!("4968013194250640257{:037}", record.sequence)
}

/// The sequence numbers that a response reports.
pub(crate) fn reported(response: &KinesisEventResponse) -> Vec<String> {
    response.batch_item_failures.iter().map(|failure| failure.item_identifier.clone().unwrap()).collect()
}
