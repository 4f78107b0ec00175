//! Events as Lambda delivers them, and its records of batches that it gave up.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::Mapping;
use super::ports::{StreamRecord, Takes};
use crate::delivery::Condition;
use crate::delivery::lane::key_hash;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct KinesisEvent<'a> {
    records: Vec<KinesisEventRecord<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KinesisEventRecord<'a> {
    kinesis: KinesisRecord<'a>,
    event_source: &'a str,
    event_version: &'a str,
    #[serde(rename = "eventID")]
    event_id: String,
    event_name: &'a str,
    invoke_identity_arn: &'a str,
    aws_region: &'a str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KinesisRecord<'a> {
    kinesis_schema_version: &'a str,
    partition_key: &'a str,
    sequence_number: &'a str,
    data: String,
    approximate_arrival_timestamp: f64,
}

/// A batch of one shard (<https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>).
pub fn kinesis_event<'a>(
    mapping: &Mapping,
    shard: &str,
    records: impl Iterator<Item = &'a StreamRecord>,
) -> Vec<u8> {
    let arn = Arn::of(&mapping.stream_arn);
    // The role that reads on AWS; no role is assumed here.
    let identity = format!("arn:aws:iam::{}:role/{}", arn.account, mapping.function_name());
    let record = |record: &'a StreamRecord| KinesisEventRecord {
        kinesis: KinesisRecord {
            kinesis_schema_version: "1.0",
            partition_key: &record.partition_key,
            sequence_number: &record.sequence,
            data: STANDARD.encode(&record.data),
            approximate_arrival_timestamp: seconds(record.arrived_us),
        },
        event_source: "aws:kinesis",
        event_version: "1.0",
        event_id: format!("{shard}:{}", record.sequence),
        event_name: "aws:kinesis:record",
        invoke_identity_arn: &identity,
        aws_region: arn.region,
        event_source_arn: &mapping.stream_arn,
    };
    let event = KinesisEvent { records: records.map(record).collect() };
    // Strings and a finite number always serialize.
    serde_json::to_vec(&event).unwrap_or_default()
}

/// Most bytes that a record adds to an event; keys that need escaping aside.
pub(super) fn size_in_event(mapping: &Mapping, record: &StreamRecord) -> usize {
    /// Names, punctuation, shard, twice the sequence number, the number, the identity except the function's name.
    const AROUND: usize = 640;
    let names = mapping.stream_arn.len() + mapping.function.len() + record.partition_key.len();
    AROUND + names + record.data.len().div_ceil(3) * 4
}

/// Kinesis reports milliseconds, as seconds.
fn seconds(us: u64) -> f64 {
    (us / 1_000) as f64 / 1_000.0
}

/// A batch that was given up, as its invocation record describes it.
pub(super) struct GivenUpBatch<'a> {
    pub(super) shard: &'a str,
    pub(super) records: &'a [&'a StreamRecord],
    pub(super) condition: Condition,
    pub(super) n_deliveries: u32,
    pub(super) now_us: u64,
}

impl GivenUpBatch<'_> {
    /// Its name in a bucket: the same batch has the same name, so storing it twice is the same as storing it once.
    pub(super) fn name(&self, mapping: &Mapping) -> String {
        let at = moment(self.arrived_us().1);
        let id = self.id();
        let day = at.format("%Y/%m/%d/%Y-%m-%dT%H.%M.%S");
        // A mapping created by Lambda has a UUID for a name.
        let mapping = if is_uuid(&mapping.name) { mapping.name.clone() } else { uuid(&mapping.name) };
        format!("aws/lambda/{mapping}/{}/{day}-{id}", self.shard)
    }

    /// The invocation record
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html>).
    pub(super) fn invocation_record(&self, mapping: &Mapping, takes: Takes) -> String {
        let (first_us, last_us) = self.arrived_us();
        let arn = Arn::of(&mapping.stream_arn);
        let function_arn = if mapping.function.starts_with("arn:") {
            mapping.function.clone()
        } else {
            format!("arn:aws:lambda:{}:{}:function:{}", arn.region, arn.account, mapping.function)
        };
        let mut record = json!({
            "requestContext": {
                "requestId": self.id(),
                "functionArn": function_arn,
                "condition": self.condition.as_str(),
                "approximateInvokeCount": self.n_deliveries,
            },
        });
        if self.condition == Condition::RetryAttemptsExhausted {
            record["responseContext"] =
                json!({ "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" });
        }
        record["version"] = json!("1.0");
        record["timestamp"] = json!(to_the_millisecond(self.now_us));
        record["KinesisBatchInfo"] = json!({
            "shardId": self.shard,
            "startSequenceNumber": self.records.first().map(|record| &record.sequence),
            "endSequenceNumber": self.records.last().map(|record| &record.sequence),
            "approximateArrivalOfFirstRecord": to_the_millisecond(first_us),
            "approximateArrivalOfLastRecord": to_the_millisecond(last_us),
            "batchSize": self.records.len(),
            "streamArn": mapping.stream_arn,
        });
        if takes == Takes::Everything {
            let event = kinesis_event(mapping, self.shard, self.records.iter().copied());
            record["payload"] = Value::String(String::from_utf8_lossy(&event).into_owned());
        }
        record.to_string()
    }

    fn id(&self) -> String {
        let sequences: Vec<_> = self.records.iter().map(|record| record.sequence.as_str()).collect();
        uuid(&format!("{} {}", self.shard, sequences.join(" ")))
    }

    fn arrived_us(&self) -> (u64, u64) {
        let arrived = |record: Option<&&StreamRecord>| record.map_or(0, |record| record.arrived_us);
        (arrived(self.records.first()), arrived(self.records.last()))
    }
}

/// A message of a topic, unwrapped from the envelope in which a queue receives it
/// (<https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html>).
///
/// # Errors
/// When it is not an envelope, with what is missing.
pub fn sns_event(envelope: &str) -> Result<Vec<u8>, String> {
    let envelope: Value =
        serde_json::from_str(envelope).map_err(|error| format!("it is not JSON: {error}"))?;
    let text = |name: &str| envelope.get(name).and_then(Value::as_str);
    let needed = |name: &str| text(name).ok_or_else(|| format!("it has no {name}"));
    let topic = needed("TopicArn")?;
    let event = json!({ "Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": format!("{topic}:{}", uuid(topic)),
        "Sns": {
            "Type": text("Type").unwrap_or("Notification"),
            "MessageId": needed("MessageId")?,
            "TopicArn": topic,
            "Subject": envelope.get("Subject"),
            "Message": needed("Message")?,
            "Timestamp": needed("Timestamp")?,
            "SignatureVersion": text("SignatureVersion").unwrap_or("1"),
            "Signature": text("Signature").unwrap_or_default(),
            // A queue receives `SigningCertURL`, a function `SigningCertUrl`.
            "SigningCertUrl": text("SigningCertURL").unwrap_or_default(),
            "UnsubscribeUrl": text("UnsubscribeURL").unwrap_or_default(),
            "MessageAttributes": envelope.get("MessageAttributes").cloned().unwrap_or_else(|| json!({})),
        },
    }]});
    Ok(event.to_string().into_bytes())
}

/// The event of a schedule (<https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html>).
pub fn scheduled_event(schedule: &str, region: &str, account: &str, now_us: u64) -> Vec<u8> {
    let time = moment(now_us).to_rfc3339_opts(SecondsFormat::Secs, true);
    let event = json!({
        "version": "0",
        "id": uuid(&format!("{schedule} {now_us}")),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": time,
        "region": region,
        "resources": [format!("arn:aws:events:{region}:{account}:rule/{schedule}")],
        "detail": {},
    });
    event.to_string().into_bytes()
}

/// The region and the account of an ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// Such as `us-east-1`; empty if the ARN has none.
    pub region: &'a str,
    /// Twelve digits; empty if the ARN has none.
    pub account: &'a str,
}

impl<'a> Arn<'a> {
    /// Parses an ARN; both parts are empty for any other text.
    pub fn of(text: &'a str) -> Self {
        let parts: Vec<_> = text.split(':').collect();
        match parts[..] {
            ["arn", _, _, region, account, ..] => Self { region, account },
            _ => Self { region: "", account: "" },
        }
    }
}

/// An id in the shape of a UUID, always the same for the same text.
fn uuid(text: &str) -> String {
    let hex = format!("{:032x}", key_hash(text));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn is_uuid(text: &str) -> bool {
    let is_dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    text.len() == 36
        && text.bytes().enumerate().all(
            |(at, byte)| {
                if is_dash(at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
            },
        )
}

fn moment(us: u64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(i64::try_from(us).unwrap_or(i64::MAX)).unwrap_or_default()
}

fn to_the_millisecond(us: u64) -> String {
    moment(us).to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests;
