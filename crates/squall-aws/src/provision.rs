//! Creates the resources of a grid and a capacity controller on an emulator. A real account is set up by `infra/`,
//! which also handles permissions, encryption and alarms.

use std::time::Duration;

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, IndexStatus, KeySchemaElement, KeyType,
    Projection, ProjectionType, ScalarAttributeType, TableDescription, TableStatus, TimeToLiveSpecification,
    TimeToLiveStatus,
};
use aws_sdk_kinesis::Client as Kinesis;
use aws_sdk_kinesis::types::StreamStatus;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use aws_sdk_sns::Client as Sns;
use squall_core::ports::PortError;
use tokio::time::{Instant, sleep};

use crate::connection::{Client, Connection};
use crate::error::{port_error, unsendable};

mod capacity;

pub use capacity::{Bounds, provision_group, provision_ledger};

/// Longest wait for a stream or a table: on AWS they take seconds, a large table half a minute.
const MOST_WAIT: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The resources to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resources {
    /// Name of the stream of tasks.
    pub task_stream: String,
    /// Its shards; an existing stream keeps those it has.
    pub task_shards: i32,
    /// Name of the stream of results.
    pub result_stream: String,
    /// Its shards; an existing stream keeps those it has.
    pub result_shards: i32,
    /// Name of the table of jobs and buckets.
    pub table: String,
    /// Name of the bucket.
    pub bucket: String,
    /// Name of the topic that jobs are published to.
    pub jobs_topic: String,
    /// Name of the topic that announces ended jobs.
    pub events_topic: String,
}

/// Identifiers that AWS assigns to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// ARN of the topic that jobs are published to.
    pub jobs_topic_arn: String,
    /// ARN of the topic that announces ended jobs.
    pub events_topic_arn: String,
}

/// Creates the resources that do not exist yet, and returns once all of them are usable.
///
/// # Errors
/// When a resource cannot be created, or is not usable after two minutes.
pub async fn provision(connection: &Connection, resources: &Resources) -> Result<Created, PortError> {
    provision_in_steps(connection, resources, &|_| ()).await
}

/// The same, and reports each step when it begins, such as `making stream squall-tasks`.
///
/// # Errors
/// As [`provision`].
pub async fn provision_in_steps(
    connection: &Connection,
    resources: &Resources,
    begin: &dyn Fn(String),
) -> Result<Created, PortError> {
    let Resources { task_stream, task_shards, result_stream, result_shards, table, .. } = resources;
    let Resources { bucket, jobs_topic, events_topic, .. } = resources;
    let kinesis = Client::new(connection, Kinesis::new);
    let dynamodb = Client::new(connection, DynamoDb::new);
    let sns = Client::new(connection, Sns::new);
    // Requested first and awaited last: they become active in parallel.
    for (stream, n_shards) in [(task_stream, task_shards), (result_stream, result_shards)] {
        begin(format!("making stream {stream}"));
        make_stream(&kinesis, stream, *n_shards).await?;
    }
    begin(format!("making table {table}"));
    make_table(&dynamodb, table).await?;
    begin(format!("making bucket {bucket}"));
    make_bucket(connection, bucket).await?;
    begin(format!("making topic {jobs_topic}"));
    let jobs_topic_arn = make_topic(&sns, jobs_topic).await?;
    begin(format!("making topic {events_topic}"));
    let events_topic_arn = make_topic(&sns, events_topic).await?;
    for stream in [task_stream, result_stream] {
        begin(format!("waiting until stream {stream} is active"));
        until(&format!("stream {stream}"), async || stream_is_active(&kinesis, stream).await).await?;
    }
    begin(format!("waiting until table {table} is active"));
    until(&format!("table {table}"), async || table_is_active(&dynamodb, table).await).await?;
    // Time to live can only be set on an active table.
    begin(format!("letting rows of table {table} expire"));
    expire_rows(&dynamodb, table).await?;
    Ok(Created { jobs_topic_arn, events_topic_arn })
}

async fn until(what: &str, is_so: impl AsyncFn() -> Result<bool, PortError>) -> Result<(), PortError> {
    let started = Instant::now();
    while !is_so().await? {
        if started.elapsed() > MOST_WAIT {
            let waited_s = MOST_WAIT.as_secs();
            return Err(PortError::unknown(format!("{what} is not active after {waited_s} s")));
        }
        sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

async fn make_stream(client: &Client<Kinesis>, name: &str, n_shards: i32) -> Result<(), PortError> {
    match client.get().await.create_stream().stream_name(name).shard_count(n_shards).send().await {
        Err(error) if !error.as_service_error().is_some_and(|it| it.is_resource_in_use_exception()) => {
            Err(port_error(client.connection(), format!("make stream {name}"), error))
        }
        _ => Ok(()),
    }
}

async fn stream_is_active(client: &Client<Kinesis>, name: &str) -> Result<bool, PortError> {
    let reply = client.get().await.describe_stream_summary().stream_name(name).send().await;
    let reply =
        reply.map_err(|error| port_error(client.connection(), format!("describe stream {name}"), error))?;
    Ok(reply.stream_description_summary.is_some_and(|it| it.stream_status == StreamStatus::Active))
}

/// The single table of jobs and buckets: rows by `pk` and `sk`, jobs by status and age in the index `by-status`,
/// deleted some time after `ttl`.
async fn make_table(client: &Client<DynamoDb>, name: &str) -> Result<(), PortError> {
    let what = || format!("make table {name}");
    let key = |name: &str, kind| {
        let key = KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
        key.map_err(|error| unsendable(what(), &error))
    };
    let attribute = |name: &str, kind| {
        let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build();
        attribute.map_err(|error| unsendable(what(), &error))
    };
    let by_status = GlobalSecondaryIndex::builder()
        .index_name("by-status")
        .key_schema(key("status", KeyType::Hash)?)
        .key_schema(key("created_us", KeyType::Range)?)
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build();
    let made = client
        .get()
        .await
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("pk", KeyType::Hash)?)
        .key_schema(key("sk", KeyType::Range)?)
        .attribute_definitions(attribute("pk", ScalarAttributeType::S)?)
        .attribute_definitions(attribute("sk", ScalarAttributeType::S)?)
        .attribute_definitions(attribute("status", ScalarAttributeType::S)?)
        .attribute_definitions(attribute("created_us", ScalarAttributeType::N)?)
        .global_secondary_indexes(by_status.map_err(|error| unsendable(what(), &error))?)
        .send()
        .await;
    match made {
        Err(error) if !error.as_service_error().is_some_and(|it| it.is_resource_in_use_exception()) => {
            Err(port_error(client.connection(), what(), error))
        }
        _ => Ok(()),
    }
}

async fn table_is_active(client: &Client<DynamoDb>, name: &str) -> Result<bool, PortError> {
    let reply = client.get().await.describe_table().table_name(name).send().await;
    let reply =
        reply.map_err(|error| port_error(client.connection(), format!("describe table {name}"), error))?;
    Ok(reply.table.is_some_and(|table| is_active(&table)))
}

fn is_active(table: &TableDescription) -> bool {
    let indexes = table.global_secondary_indexes.iter().flatten();
    // An emulator may not report an index's status.
    let mut indexes = indexes.filter_map(|index| index.index_status.as_ref());
    table.table_status == Some(TableStatus::Active) && indexes.all(|status| *status == IndexStatus::Active)
}

async fn expire_rows(client: &Client<DynamoDb>, name: &str) -> Result<(), PortError> {
    let what = || format!("let rows of table {name} expire");
    let asked = client.get().await.describe_time_to_live().table_name(name).send().await;
    let known =
        asked.map_err(|error| port_error(client.connection(), what(), error))?.time_to_live_description;
    // Setting it twice is an error.
    let status = known.and_then(|it| it.time_to_live_status);
    if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
        return Ok(());
    }
    let by_ttl = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(true).build();
    let by_ttl = by_ttl.map_err(|error| unsendable(what(), &error))?;
    let told = client
        .get()
        .await
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(by_ttl)
        .send()
        .await;
    told.map(drop).map_err(|error| port_error(client.connection(), what(), error))
}

async fn make_bucket(connection: &Connection, name: &str) -> Result<(), PortError> {
    let client = crate::s3::client(connection.config().await);
    let mut request = client.create_bucket().bucket(name);
    // us-east-1 has no location constraint (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html).
    if let Some(region) = connection.region().await.filter(|region| region != "us-east-1") {
        let here = BucketLocationConstraint::from(region.as_str());
        let here = CreateBucketConfiguration::builder().location_constraint(here).build();
        request = request.create_bucket_configuration(here);
    }
    match request.send().await {
        Err(error) if !error.as_service_error().is_some_and(|it| it.is_bucket_already_owned_by_you()) => {
            Err(port_error(connection, format!("make bucket {name}"), error))
        }
        _ => Ok(()),
    }
}

async fn make_topic(client: &Client<Sns>, name: &str) -> Result<String, PortError> {
    let what = || format!("make topic {name}");
    // Creating an existing topic returns its ARN.
    let made = client
        .get()
        .await
        .create_topic()
        .name(name)
        .send()
        .await
        .map_err(|error| port_error(client.connection(), what(), error))?;
    made.topic_arn.ok_or_else(|| PortError::unknown(format!("{}: no answer", what())))
}
