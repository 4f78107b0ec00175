use squall_core::ports::{Placement, PortError, TaskPut, TaskQueue};

use super::*;
use crate::connection::Connection;
use crate::provision::{Created, Resources, provision};
use crate::{JobTopic, KinesisTaskQueue, MAX_MESSAGE_BYTES, emulator};

mod resharding;

fn resources() -> Resources {
    Resources {
        task_stream: emulator::unique("tasks"),
        task_shards: 2,
        result_stream: emulator::unique("results"),
        result_shards: 1,
        table: emulator::unique("table"),
        bucket: emulator::unique("bucket"),
        jobs_topic: emulator::unique("jobs"),
        events_topic: emulator::unique("events"),
    }
}

async fn provisioned() -> Option<(Connection, Resources, Created)> {
    let connection = emulator::connection().await?;
    let resources = resources();
    let created = provision(&connection, &resources).await.unwrap();
    Some((connection, resources, created))
}

#[tokio::test]
async fn what_is_provisioned_can_be_used_and_is_left_alone_the_second_time() {
    let Some((connection, resources, created)) = provisioned().await else { return };
    let tasks = KinesisTaskQueue::new(&connection, &resources.task_stream);
    assert_eq!(tasks.put_tasks(&[&task(0)]).await.unwrap(), []);
    let again = Resources { task_shards: 5, ..resources.clone() };
    assert_eq!(provision(&connection, &again).await.unwrap(), created);
    let reader = StreamReader::new(&connection, &resources.task_stream);
    assert_eq!(reader.shards().await.unwrap().len(), 2, "a stream keeps its shards");
    let iterator =
        reader.iterator(&reader.shards().await.unwrap()[0].id, &Position::TrimHorizon).await.unwrap();
    assert_eq!(reader.records(&iterator, 10).await.unwrap().records.len(), 1, "and its records");

    let dynamodb = aws_sdk_dynamodb::Client::new(connection.config().await);
    let table = dynamodb.describe_table().table_name(&resources.table).send().await.unwrap().table.unwrap();
    let keys: Vec<_> = table.key_schema().iter().map(|key| key.attribute_name()).collect();
    assert_eq!(keys, ["pk", "sk"]);
    assert_eq!(table.global_secondary_indexes()[0].index_name(), Some("by-status"));
    let ttl = dynamodb.describe_time_to_live().table_name(&resources.table).send().await.unwrap();
    assert_eq!(ttl.time_to_live_description.unwrap().attribute_name(), Some("ttl"));
}

fn task(n: u32) -> TaskPut {
    let placement = Placement { partition_key: format!("job/{n}"), hash_key: 0 };
    TaskPut { placement, data: n.to_le_bytes().to_vec() }
}

#[tokio::test]
async fn a_shard_is_read_page_by_page_and_from_where_one_left_off() {
    let Some((connection, resources, _)) = provisioned().await else { return };
    let named = StreamReader::new(&connection, &resources.task_stream);
    let reader = StreamReader::new(&connection, named.arn().await.unwrap());
    assert_eq!(reader.arn().await.unwrap(), named.arn().await.unwrap());
    let shard = reader.shards().await.unwrap().remove(0);
    assert!(!shard.closed && shard.parents.is_empty());
    let latest = reader.iterator(&shard.id, &Position::Latest).await.unwrap();

    let tasks = KinesisTaskQueue::new(&connection, &resources.task_stream);
    let records: Vec<_> = (0..5).map(task).collect();
    assert_eq!(tasks.put_tasks(&records.iter().collect::<Vec<_>>()).await.unwrap(), []);
    let keys = |page: &Page| page.records.iter().map(|it| it.partition_key.clone()).collect::<Vec<_>>();
    let all = reader.records(&latest, 100).await.unwrap();
    assert_eq!(keys(&all), ["job/0", "job/1", "job/2", "job/3", "job/4"]);
    assert_eq!(all.records[3].data, 3_u32.to_le_bytes());
    let since_2020_us = 1_577_836_800_000_000;
    assert!((since_2020_us..since_2020_us * 10).contains(&all.records[0].arrived_us), "{:?}", all.records[0]);

    let oldest = reader.iterator(&shard.id, &Position::TrimHorizon).await.unwrap();
    let first = reader.records(&oldest, 2).await.unwrap();
    assert_eq!(keys(&first), ["job/0", "job/1"]);
    let second = reader.records(first.next.as_deref().unwrap(), 2).await.unwrap();
    assert_eq!(keys(&second), ["job/2", "job/3"]);
    let after = Position::AfterSequence(second.records[1].sequence.clone());
    let rest = reader.iterator(&shard.id, &after).await.unwrap();
    assert_eq!(keys(&reader.records(&rest, 100).await.unwrap()), ["job/4"]);

    let told = reader.iterator("shardId-000000000099", &Position::Latest).await.unwrap_err();
    assert!(matches!(told, PortError::Permanent { .. }) && told.to_string().contains("shard"), "{told}");
    let told = StreamReader::new(&connection, "nowhere").arn().await.unwrap_err();
    assert!(matches!(told, PortError::Permanent { .. }) && told.to_string().contains("nowhere"), "{told}");
}

#[tokio::test]
async fn a_published_job_arrives_in_its_envelope_until_it_is_done() {
    let Some((connection, _, created)) = provisioned().await else { return };
    let queue = emulator::unique("inbox");
    let inbox = Inbox::subscribe(&connection, &created.jobs_topic_arn, &queue).await.unwrap();
    // A second one shares the subscription: it must not duplicate the messages.
    let inbox_again = Inbox::subscribe(&connection, &created.jobs_topic_arn, &queue).await.unwrap();
    let topic = JobTopic::new(&connection, &created.jobs_topic_arn);
    let job = format!("{{\"workload\": \"“ü” {}\"}}", "x".repeat(200_000));
    let id = topic.publish(&job).await.unwrap();
    let mut messages = inbox_again.receive().await.unwrap();
    assert_eq!(messages.len(), 1);
    let (receipt, envelope) = messages.remove(0);
    let envelope: serde_json::Value = serde_json::from_str(&envelope).unwrap();
    assert_eq!((&envelope["Message"], &envelope["MessageId"]), (&job.clone().into(), &id.into()));
    assert_eq!(envelope["TopicArn"], created.jobs_topic_arn);
    inbox.done(&receipt).await.unwrap();
}

#[tokio::test]
async fn a_job_that_is_too_large_is_not_sent() {
    // No server listens there: only a call would notice.
    let connection = emulator::connection_to("http://127.0.0.1:1").await;
    let topic = JobTopic::new(&connection, "arn:aws:sns:us-east-1:123456789012:jobs");
    let told = topic.publish(&"x".repeat(MAX_MESSAGE_BYTES + 1)).await.unwrap_err();
    assert!(matches!(told, PortError::Permanent { .. }));
    assert_eq!(
        told.to_string(),
        "the job has 262145 bytes and SNS takes 262144; put its tables into files that it names"
    );
}
