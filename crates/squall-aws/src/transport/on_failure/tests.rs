use super::*;
use crate::emulator;
use crate::transport::Inbox;

#[test]
fn a_destination_is_a_bucket_a_queue_or_a_topic() {
    let bucket =
        |prefix: &str| Destination::Bucket { bucket: "failed".to_owned(), prefix: prefix.to_owned() };
    let arn = "arn:aws-cn:sns:cn-north-1:123456789012:failed";
    for (text, expected) in [
        ("s3://failed", bucket("")),
        ("s3://failed/", bucket("")),
        ("arn:aws:s3:::failed", bucket("")),
        ("s3://failed/tasks/of", bucket("tasks/of")),
        (
            "arn:aws:sqs:eu-west-1:123456789012:failed",
            Destination::Queue { account: "123456789012".to_owned(), name: "failed".to_owned() },
        ),
        (arn, Destination::Topic { arn: arn.to_owned() }),
    ] {
        assert_eq!(parsed(text).unwrap(), expected);
    }
    for text in [
        "",
        "failed",
        "s3://",
        "s3:///tasks",
        "arn:aws:s3:::",
        "arn:aws:s3:::failed/tasks",
        "arn:aws:sqs:eu-west-1:1:",
        "arn:aws:kinesis:eu-west-1:1:stream",
    ] {
        let told = parsed(text).unwrap_err();
        assert!(
            told.to_string().starts_with(&format!("on-failure destination `{text}`; expected")),
            "{told}"
        );
    }
}

#[test]
fn a_key_has_its_prefix_and_one_slash() {
    for (prefix, key) in
        [("", "name"), ("tasks", "tasks/name"), ("tasks/", "tasks/name"), ("a/b//", "a/b/name")]
    {
        assert_eq!(key_of(prefix, "name"), key);
    }
}

#[tokio::test]
async fn what_was_given_up_is_kept_where_it_should_be() {
    let Some(connection) = emulator::connection().await else { return };
    let config = connection.config().await;
    let json = r#"{"requestContext": {"condition": "RetryAttemptsExhausted"}}"#;

    let (bucket, s3) = (emulator::unique("failed"), crate::s3::client(config));
    s3.create_bucket().bucket(&bucket).send().await.unwrap();
    let to_bucket = OnFailure::parse(&connection, &format!("s3://{bucket}/tasks")).unwrap();
    to_bucket.put("shard-0/1.json", json).await.unwrap();
    let kept = s3.get_object().bucket(&bucket).key("tasks/shard-0/1.json").send().await.unwrap();
    assert_eq!(kept.body.collect().await.unwrap().to_vec(), json.as_bytes());

    let sns = aws_sdk_sns::Client::new(config);
    let topic = sns.create_topic().name(emulator::unique("failed")).send().await.unwrap().topic_arn.unwrap();
    let queue = emulator::unique("failed");
    let inbox = Inbox::subscribe(&connection, &topic, &queue).await.unwrap();
    OnFailure::parse(&connection, &topic).unwrap().put("1", json).await.unwrap();
    let (receipt, envelope) = inbox.receive().await.unwrap().remove(0);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&envelope).unwrap()["Message"], json);
    inbox.done(&receipt).await.unwrap();

    let queue_arn = topic.replace(":sns:", ":sqs:").rsplit_once(':').unwrap().0.to_owned() + ":" + &queue;
    OnFailure::parse(&connection, &queue_arn).unwrap().put("1", json).await.unwrap();
    assert_eq!(inbox.receive().await.unwrap().remove(0).1, json);

    for nowhere in ["s3://nowhere-at-all", "arn:aws:sqs:us-east-1:000000000000:nowhere"] {
        let told = OnFailure::parse(&connection, nowhere).unwrap().put("1", json).await.unwrap_err();
        assert!(
            matches!(told, PortError::Permanent { .. }) && told.to_string().contains("nowhere"),
            "{told}"
        );
    }
}
