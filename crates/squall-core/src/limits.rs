//! Every limit and list price of AWS that the code or `infra/` uses, each with its source and the date it was read.
//!
//! This table is the source of truth: constants elsewhere refer to it, and `infra/lib/aws.json` is written from it (a test holds
//! the file to the table; `UPDATE_EXPECT=1 cargo test -p squall-core limits` writes it anew).

use serde_json::{Value, json};

/// A limit of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limit {
    /// Its name, that of the constant.
    pub name: &'static str,
    /// Its value.
    pub value: u64,
    /// The unit of the value.
    pub unit: &'static str,
    /// Where AWS documents it.
    pub source: &'static str,
    /// When that was read, `YYYY-MM-DD`.
    pub read: &'static str,
}

/// A list price of AWS in us-east-1, and where it is known to be in other regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListPrice {
    /// Its name, that of the constant.
    pub name: &'static str,
    /// Millionths of a millionth of a US dollar, in us-east-1.
    pub pico_usd: u64,
    /// What the price is of.
    pub unit: &'static str,
    /// Where AWS publishes it.
    pub source: &'static str,
    /// When that was read, `YYYY-MM-DD`.
    pub read: &'static str,
    /// The price in other regions, as far as it was read.
    pub elsewhere: &'static [(&'static str, u64)],
}

impl ListPrice {
    /// The price in a region; `None` where it was not read.
    pub fn in_region(&self, region: &str) -> Option<u64> {
        if region == HOME_REGION {
            return Some(self.pico_usd);
        }
        self.elsewhere.iter().find(|(known, _)| *known == region).map(|(_, pico_usd)| *pico_usd)
    }
}

/// The region whose prices stand in for those of a region that is not in the table.
pub const HOME_REGION: &str = "us-east-1";

macro_rules! limits {
    ($($(#[doc = $about:literal])+ $name:ident: $kind:ty = $value:literal $unit:literal, $source:literal, $read:literal;)+) => {
        $(
            $(#[doc = $about])+
            #[doc = concat!("\n<", $source, ">, read ", $read, ".")]
            pub const $name: $kind = $value;
        )+

        /// All limits.
        pub const LIMITS: &[Limit] = &[
            $(Limit { name: stringify!($name), value: $value, unit: $unit, source: $source, read: $read }),+
        ];
    };
}

macro_rules! prices {
    ($($(#[doc = $about:literal])+ $name:ident = $pico_usd:literal per $unit:literal, $source:literal, $read:literal, $elsewhere:expr;)+) => {
        $(
            $(#[doc = $about])+
            #[doc = concat!("\n<", $source, ">, read ", $read, ".")]
            pub const $name: ListPrice = ListPrice {
                name: stringify!($name),
                pico_usd: $pico_usd,
                unit: $unit,
                source: $source,
                read: $read,
                elsewhere: $elsewhere,
            };
        )+

        /// All list prices.
        pub const PRICES: &[ListPrice] = &[$($name),+];
    };
}

limits! {
    /// Longest that a function may run: 1,800 s since the service models of 2026-11-20, 900 s before.
    LAMBDA_TIMEOUT_S: u64 = 1_800 "s", "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html", "2026-11-30";
    /// Least memory of a function.
    LAMBDA_MEMORY_MIN_MB: u32 = 128 "MB", "https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html", "2026-11-21";
    /// Most memory of a function.
    LAMBDA_MEMORY_MAX_MB: u32 = 10_240 "MB", "https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html", "2026-11-21";
    /// Memory that comes with one vCPU.
    LAMBDA_MB_PER_VCPU: u32 = 1_769 "MB", "https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html", "2026-11-21";
    /// Most bytes of a synchronous invocation's request.
    LAMBDA_REQUEST_BYTES: usize = 6_291_456 "bytes", "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html", "2026-11-21";
    /// Most bytes of a reply, as Lambda's own message says.
    LAMBDA_REPLY_BYTES: usize = 6_291_556 "bytes", "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html", "2026-11-21";
    /// Most bytes of an asynchronous invocation's event: 1 MB since 2025-10, 256 KB before.
    LAMBDA_EVENT_BYTES: usize = 1_048_576 "bytes", "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html", "2026-11-30";
    /// Most bytes of a function's variables, names and values.
    LAMBDA_ENVIRONMENT_BYTES: usize = 4_096 "bytes", "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html", "2026-11-21";
    /// Longest init phase of an environment.
    LAMBDA_INIT_S: u64 = 10 "s", "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html", "2026-11-21";
    /// Concurrency of an account that asked for no more.
    LAMBDA_ACCOUNT_CONCURRENCY: u32 = 1_000 "invocations at once", "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html", "2026-11-21";
    /// Concurrency of a new account.
    LAMBDA_NEW_ACCOUNT_CONCURRENCY: u32 = 10 "invocations at once", "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html", "2026-11-21";
    /// Environments that a function gains in each `LAMBDA_RAMP_S`.
    LAMBDA_RAMP_ENVIRONMENTS: u32 = 1_000 "environments", "https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html", "2026-11-21";
    /// The time in which a function gains `LAMBDA_RAMP_ENVIRONMENTS`.
    LAMBDA_RAMP_S: u64 = 10 "s", "https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html", "2026-11-21";
    /// Most lanes of a shard: a mapping's parallelization factor.
    LAMBDA_LANES_PER_SHARD: u32 = 10 "lanes", "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html", "2026-11-21";
    /// Most records of a mapping's batch.
    LAMBDA_BATCH_RECORDS: usize = 10_000 "records", "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html", "2026-11-21";
    /// Longest that a mapping gathers a batch.
    LAMBDA_BATCHING_WINDOW_S: u64 = 300 "s", "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html", "2026-11-21";
    /// Oldest record that a mapping with a maximum age delivers.
    LAMBDA_RECORD_AGE_S: u32 = 604_800 "s", "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html", "2026-11-21";
    /// Most times that a mapping with a maximum delivers a batch again.
    LAMBDA_RETRY_ATTEMPTS: u32 = 10_000 "attempts", "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html", "2026-11-21";
    /// Most records that one call puts on a stream.
    KINESIS_CALL_RECORDS: usize = 500 "records", "https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html", "2026-11-21";
    /// Most bytes that one call puts on a stream: 10 MiB since 2025-10, 5 MiB before.
    KINESIS_CALL_BYTES: u64 = 10_485_760 "bytes", "https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html", "2026-11-30";
    /// Most bytes of a record and its partition key, on a stream that was not set up for larger ones.
    KINESIS_RECORD_BYTES: u64 = 1_048_576 "bytes", "https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html", "2026-11-21";
    /// Records that a shard takes in a second.
    KINESIS_SHARD_RECORDS_PER_S: u64 = 1_000 "records/s", "https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html", "2026-11-21";
    /// Bytes that a shard takes in a second, data and partition keys.
    KINESIS_SHARD_BYTES_PER_S: u64 = 1_048_576 "bytes/s", "https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html", "2026-11-21";
    /// Most records that one call reads from a shard.
    KINESIS_READ_RECORDS: usize = 10_000 "records", "https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html", "2026-11-21";
    /// How long an iterator of a shard lasts.
    KINESIS_ITERATOR_S: u64 = 300 "s", "https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html", "2026-11-21";
    /// Bytes of a record that one PUT payload unit pays for, rounded up.
    KINESIS_PUT_UNIT_BYTES: u64 = 25_600 "bytes", "https://aws.amazon.com/kinesis/data-streams/pricing/", "2026-11-21";
    /// Shortest, and usual, retention of a stream.
    KINESIS_RETENTION_MIN_H: u64 = 24 "h", "https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html", "2026-11-21";
    /// Longest retention of a stream.
    KINESIS_RETENTION_MAX_H: u64 = 8_760 "h", "https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html", "2026-11-21";
    /// Most bytes of an item with the names of its attributes.
    DYNAMODB_ITEM_BYTES: usize = 409_600 "bytes", "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html", "2026-11-21";
    /// Bytes of an item that one read request unit pays for, rounded up, of a strongly consistent read.
    DYNAMODB_READ_UNIT_BYTES: u64 = 4_096 "bytes", "https://aws.amazon.com/dynamodb/pricing/on-demand/", "2026-11-21";
    /// Bytes of an item that one write request unit pays for, rounded up.
    DYNAMODB_WRITE_UNIT_BYTES: u64 = 1_024 "bytes", "https://aws.amazon.com/dynamodb/pricing/on-demand/", "2026-11-21";
    /// Most bytes of a message to a topic that does not say otherwise.
    SNS_MESSAGE_BYTES: usize = 262_144 "bytes", "https://docs.aws.amazon.com/sns/latest/api/API_Publish.html", "2026-11-21";
    /// Most bytes of a message that a topic's `MaximumMessageSize` can allow.
    SNS_LARGE_MESSAGE_BYTES: usize = 1_048_576 "bytes", "https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html", "2026-11-30";
    /// Least bytes of a part of an upload, but for the last.
    S3_PART_BYTES: usize = 5_242_880 "bytes", "https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html", "2026-11-21";
    /// Most parts of an upload.
    S3_PARTS: usize = 10_000 "parts", "https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html", "2026-11-21";
    /// Most values of a metric in one document of the embedded metric format.
    CLOUDWATCH_METRIC_VALUES: usize = 100 "values", "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html", "2026-11-21";
    /// Most bytes of an event of a log.
    CLOUDWATCH_LOG_EVENT_BYTES: usize = 1_048_576 "bytes", "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html", "2026-11-21";
}

// Lambda's list is the same in all of these (https://aws.amazon.com/lambda/pricing/, 2026-11-30). Prices of Tokyo are those of
// AWS's price list of 2026-09-23 (https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/index.json). A region that a price
// below does not name is not known to cost what us-east-1 does.
const LAMBDA_ARM64_ELSEWHERE: &[(&str, u64)] = &[
    ("us-east-2", 13_333_400),
    ("us-west-2", 13_333_400),
    ("eu-west-1", 13_333_400),
    ("eu-central-1", 13_333_400),
    ("ap-northeast-1", 13_333_400),
    ("ap-southeast-1", 13_333_400),
    ("ap-southeast-2", 13_333_400),
];
const LAMBDA_X86_64_ELSEWHERE: &[(&str, u64)] = &[
    ("us-east-2", 16_666_700),
    ("us-west-2", 16_666_700),
    ("eu-west-1", 16_666_700),
    ("eu-central-1", 16_666_700),
    ("ap-northeast-1", 16_666_700),
    ("ap-southeast-1", 16_666_700),
    ("ap-southeast-2", 16_666_700),
];
const LAMBDA_REQUEST_ELSEWHERE: &[(&str, u64)] = &[
    ("us-east-2", 200_000),
    ("us-west-2", 200_000),
    ("eu-west-1", 200_000),
    ("eu-central-1", 200_000),
    ("ap-northeast-1", 200_000),
    ("ap-southeast-1", 200_000),
    ("ap-southeast-2", 200_000),
];

prices! {
    /// Lambda on arm64, first tier.
    LAMBDA_GB_S_ARM64 = 13_333_400 per "GB-second", "https://aws.amazon.com/lambda/pricing/", "2026-11-21", LAMBDA_ARM64_ELSEWHERE;
    /// Lambda on x86-64, first tier.
    LAMBDA_GB_S_X86_64 = 16_666_700 per "GB-second", "https://aws.amazon.com/lambda/pricing/", "2026-11-21", LAMBDA_X86_64_ELSEWHERE;
    /// Lambda, per request.
    LAMBDA_REQUEST = 200_000 per "request", "https://aws.amazon.com/lambda/pricing/", "2026-11-21", LAMBDA_REQUEST_ELSEWHERE;
    /// Kinesis, provisioned, per PUT payload unit.
    KINESIS_PUT_UNIT = 14_000 per "PUT payload unit", "https://aws.amazon.com/kinesis/data-streams/pricing/", "2026-11-21",
        &[("us-east-2", 14_000), ("us-west-2", 14_000), ("ap-northeast-1", 21_500)];
    /// Kinesis, provisioned, per shard.
    KINESIS_SHARD_HOUR = 15_000_000_000 per "shard-hour", "https://aws.amazon.com/kinesis/data-streams/pricing/", "2026-11-21",
        &[("us-east-2", 15_000_000_000), ("us-west-2", 15_000_000_000), ("ap-northeast-1", 19_500_000_000)];
    /// Kinesis, retention of more than 24 hours, on top.
    KINESIS_LONG_SHARD_HOUR = 20_000_000_000 per "shard-hour", "https://aws.amazon.com/kinesis/data-streams/pricing/", "2026-11-21", &[];
    /// DynamoDB on demand, per write request unit.
    DYNAMODB_WRITE_UNIT = 625_000 per "write request unit", "https://aws.amazon.com/dynamodb/pricing/on-demand/", "2026-11-21",
        &[("us-east-2", 625_000), ("us-west-2", 625_000), ("ap-northeast-1", 715_000)];
    /// DynamoDB on demand, per read request unit.
    DYNAMODB_READ_UNIT = 125_000 per "read request unit", "https://aws.amazon.com/dynamodb/pricing/on-demand/", "2026-11-21",
        &[("us-east-2", 125_000), ("us-west-2", 125_000), ("ap-northeast-1", 142_500)];
    /// S3 Standard, a request that writes an object.
    S3_PUT = 5_000_000 per "request", "https://aws.amazon.com/s3/pricing/", "2026-11-30", &[];
    /// S3 Standard, a request that reads an object.
    S3_GET = 400_000 per "request", "https://aws.amazon.com/s3/pricing/", "2026-11-30", &[];
    /// A key of one's own.
    KMS_KEY_MONTH = 1_000_000_000_000 per "key-month", "https://aws.amazon.com/kms/pricing/", "2026-11-21", &[];
    /// An alarm.
    CLOUDWATCH_ALARM_MONTH = 100_000_000_000 per "alarm-month", "https://aws.amazon.com/cloudwatch/pricing/", "2026-11-21", &[];
    /// A dashboard; the first three of an account are free.
    CLOUDWATCH_DASHBOARD_MONTH = 3_000_000_000_000 per "dashboard-month", "https://aws.amazon.com/cloudwatch/pricing/", "2026-11-21", &[];
    /// A metric, by the hours that have data.
    CLOUDWATCH_METRIC_MONTH = 300_000_000_000 per "metric-month", "https://aws.amazon.com/cloudwatch/pricing/", "2026-11-21", &[];
    /// A metric that is read.
    CLOUDWATCH_METRIC_READ = 10_000_000 per "metric read", "https://aws.amazon.com/cloudwatch/pricing/", "2026-11-21", &[];
    /// A write of metrics.
    CLOUDWATCH_METRIC_WRITE = 10_000_000 per "request", "https://aws.amazon.com/cloudwatch/pricing/", "2026-11-21", &[];
    /// A trace; the first 100,000 of an account are free.
    XRAY_TRACE = 5_000_000 per "trace", "https://aws.amazon.com/xray/pricing/", "2026-11-21", &[];
}

/// The table as JSON, for what is not written in Rust: `limits` and `prices` by name, prices in US dollars of us-east-1.
pub fn to_json() -> Value {
    let limit = |it: &Limit| {
        (
            it.name.to_owned(),
            json!({ "value": it.value, "unit": it.unit, "source": it.source, "read": it.read }),
        )
    };
    let price = |it: &ListPrice| {
        let elsewhere = it.elsewhere.iter().map(|(region, pico_usd)| (*region, *pico_usd));
        let by_region = std::iter::once((HOME_REGION, it.pico_usd)).chain(elsewhere);
        let usd: serde_json::Map<_, _> =
            by_region.map(|(region, pico_usd)| (region.to_owned(), json!(dollars(pico_usd)))).collect();
        (it.name.to_owned(), json!({ "usd": usd, "unit": it.unit, "source": it.source, "read": it.read }))
    };
    json!({
        "limits": Value::Object(LIMITS.iter().map(limit).collect()),
        "prices": Value::Object(PRICES.iter().map(price).collect()),
    })
}

/// Dollars as they are written, by way of the decimal digits: no binary fraction is divided.
fn dollars(pico_usd: u64) -> f64 {
    const PICO: u64 = 1_000_000_000_000;
    let text = format!("{}.{:012}", pico_usd / PICO, pico_usd % PICO);
    text.parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests;
