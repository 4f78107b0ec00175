//! The records of a Kinesis `PutRecords`, in the JSON that the SDK speaks.
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Value, json};

fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

/// Number of records.
pub(super) fn number(body: &[u8]) -> usize {
    parsed(body)["Records"].as_array().map_or(0, Vec::len)
}

/// The request without some of its records.
pub(super) fn without(body: &Bytes, refused: &BTreeSet<usize>) -> Bytes {
    let mut request = parsed(body);
    let Some(records) = request["Records"].as_array_mut() else { return body.clone() };
    let mut index = 0;
    records.retain(|_| {
        index += 1;
        !refused.contains(&(index - 1))
    });
    request.to_string().into()
}

/// The reply to the whole request, from the reply to the rest of it.
pub(super) fn with_refusals(body: &[u8], refused: &BTreeSet<usize>) -> Bytes {
    let mut reply = parsed(body);
    let taken = reply["Records"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let n_records = taken.len() + refused.len();
    let mut taken = taken.into_iter();
    let refusal = json!({
        "ErrorCode": "ProvisionedThroughputExceededException",
        "ErrorMessage": "Rate exceeded for shard shardId-000000000000",
    });
    let told = |index| if refused.contains(&index) { Some(refusal.clone()) } else { taken.next() };
    reply["Records"] = (0..n_records).filter_map(told).collect();
    reply["FailedRecordCount"] = refused.len().into();
    reply.to_string().into()
}

#[cfg(test)]
mod tests;
