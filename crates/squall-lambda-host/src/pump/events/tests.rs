use expect_test::expect;

use super::*;
use crate::delivery::DeliveryPolicy;
use crate::pump::StartingPosition;

fn mapping() -> Mapping {
    Mapping {
        name: "squall-tasks--shard-consumer".to_owned(),
        stream_arn: "arn:aws:kinesis:eu-west-1:123456789012:stream/squall-tasks".to_owned(),
        function: "shard-consumer".to_owned(),
        delivery: DeliveryPolicy::default(),
        lanes_per_shard: 1,
        start: StartingPosition::TrimHorizon,
        poll_us: 1,
        discovery_us: 1,
        checkpoint_us: 0,
    }
}

fn record(sequence: &str, data: &[u8], arrived_us: u64) -> StreamRecord {
    StreamRecord {
        sequence: sequence.to_owned(),
        partition_key: "march/0".to_owned(),
        data: data.to_vec(),
        arrived_us,
    }
}

fn pretty(json: &[u8]) -> String {
    serde_json::to_string_pretty(&serde_json::from_slice::<Value>(json).unwrap()).unwrap()
}

#[test]
fn a_batch_looks_as_lambda_delivers_it() {
    let records = [record("4959", b"Hello, this is a test.", 1_545_084_650_987_654)];
    let event = kinesis_event(&mapping(), "shardId-000000000006", records.iter());
    expect![[r#"
        {
          "Records": [
            {
              "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": "march/0",
                "sequenceNumber": "4959",
                "data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
                "approximateArrivalTimestamp": 1545084650.987
              },
              "eventSource": "aws:kinesis",
              "eventVersion": "1.0",
              "eventID": "shardId-000000000006:4959",
              "eventName": "aws:kinesis:record",
              "invokeIdentityArn": "arn:aws:iam::123456789012:role/shard-consumer",
              "awsRegion": "eu-west-1",
              "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/squall-tasks"
            }
          ]
        }"#]]
    .assert_eq(&pretty(&event));
}

#[test]
fn a_record_adds_no_more_to_an_event_than_is_reckoned() {
    for n_bytes in [0, 1, 2, 3, 1_000, 99_999] {
        let record = record(&"4".repeat(56), &vec![7; n_bytes], u64::MAX);
        let mapping = Mapping { function: "f".repeat(64), ..mapping() };
        let event = kinesis_event(&mapping, "shardId-000000000006", std::iter::once(&record));
        let reckoned = size_in_event(&mapping, &record);
        assert!((event.len()..event.len() + 200).contains(&reckoned), "{reckoned} for {}", event.len());
    }
}

fn given_up(records: &[&StreamRecord], condition: Condition, takes: Takes) -> (String, String) {
    let batch = GivenUpBatch {
        shard: "shardId-000000000001",
        records,
        condition,
        n_deliveries: 3,
        now_us: 1_573_691_886_021_000,
    };
    (batch.name(&mapping()), pretty(batch.invocation_record(&mapping(), takes).as_bytes()))
}

#[test]
fn given_up_records_are_described_as_lambda_does() {
    let (first, last) =
        (record("70", b"a", 1_573_691_884_835_000), record("71", b"b", 1_573_691_885_580_000));
    let (name, json) = given_up(&[&first, &last], Condition::RetryAttemptsExhausted, Takes::Metadata);
    expect![[r#"
        aws/lambda/f60cdeea-3169-0877-d6c0-0e3800d328f1/shardId-000000000001/2019/11/14/2019-11-14T00.38.05-a76c7790-013c-42ca-8fc7-deeaaa99fc20
        {
          "requestContext": {
            "requestId": "a76c7790-013c-42ca-8fc7-deeaaa99fc20",
            "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:shard-consumer",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3
          },
          "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled"
          },
          "version": "1.0",
          "timestamp": "2019-11-14T00:38:06.021Z",
          "KinesisBatchInfo": {
            "shardId": "shardId-000000000001",
            "startSequenceNumber": "70",
            "endSequenceNumber": "71",
            "approximateArrivalOfFirstRecord": "2019-11-14T00:38:04.835Z",
            "approximateArrivalOfLastRecord": "2019-11-14T00:38:05.580Z",
            "batchSize": 2,
            "streamArn": "arn:aws:kinesis:eu-west-1:123456789012:stream/squall-tasks"
          }
        }"#]].assert_eq(&format!("{name}\n{json}"));
}

#[test]
fn a_bucket_gets_the_records_too_and_a_record_that_was_too_old_has_no_answer() {
    let only = record("70", b"a", 1_573_691_884_835_000);
    let (_, json) = given_up(&[&only], Condition::RecordAgeExceeded, Takes::Everything);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["requestContext"]["condition"], "RecordAgeExceeded");
    assert_eq!(json.get("responseContext"), None);
    let payload: Value = serde_json::from_str(json["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload["Records"][0]["kinesis"]["data"], "YQ==");
}

#[test]
fn a_mapping_of_lambdas_own_keeps_its_uuid() {
    let only = record("70", b"a", 5);
    let batch = GivenUpBatch {
        shard: "shardId-000000000001",
        records: &[&only],
        condition: Condition::RecordAgeExceeded,
        n_deliveries: 1,
        now_us: 6,
    };
    let id = "0f91c9b2-4c64-4f0e-9bd9-7a3a5d6d7c11";
    let name = batch.name(&Mapping { name: id.to_owned(), ..mapping() });
    assert!(name.starts_with(&format!("aws/lambda/{id}/shardId-000000000001/1970/01/01/")), "{name}");
    let other = batch.name(&Mapping { name: id.replace('-', "+"), ..mapping() });
    assert!(!other.contains('+'), "{other}");
}

#[test]
fn the_same_batch_has_the_same_name_and_another_has_another() {
    let (a, b) = (record("70", b"a", 5), record("71", b"b", 5));
    let name = |records: &[&StreamRecord]| given_up(records, Condition::RecordAgeExceeded, Takes::Metadata).0;
    assert_eq!(name(&[&a]), name(&[&a]));
    assert_ne!(name(&[&a]), name(&[&b]));
    assert_ne!(name(&[&a]), name(&[&a, &b]));
}

#[test]
fn a_message_looks_as_sns_delivers_it_to_a_function() {
    let envelope = r#"{
        "Type": "Notification",
        "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:squall-jobs",
        "Message": "{\"workload\":\"probe\"}",
        "Timestamp": "2019-01-02T12:45:07.000Z",
        "SignatureVersion": "1",
        "Signature": "tcc6faL2yUC6dgZdmrwh1Y4cGa/ebXEkAi6RibDsvpi+tE/1+82j...65r==",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/cert.pem",
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
        "MessageAttributes": { "kind": { "Type": "String", "Value": "job" } }
    }"#;
    expect![[r#"
        {
          "Records": [
            {
              "EventSource": "aws:sns",
              "EventVersion": "1.0",
              "EventSubscriptionArn": "arn:aws:sns:us-east-1:123456789012:squall-jobs:756e4504-b2c7-9a1f-38de-033407ace4d8",
              "Sns": {
                "Type": "Notification",
                "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
                "TopicArn": "arn:aws:sns:us-east-1:123456789012:squall-jobs",
                "Subject": null,
                "Message": "{\"workload\":\"probe\"}",
                "Timestamp": "2019-01-02T12:45:07.000Z",
                "SignatureVersion": "1",
                "Signature": "tcc6faL2yUC6dgZdmrwh1Y4cGa/ebXEkAi6RibDsvpi+tE/1+82j...65r==",
                "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/cert.pem",
                "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
                "MessageAttributes": {
                  "kind": {
                    "Type": "String",
                    "Value": "job"
                  }
                }
              }
            }
          ]
        }"#]].assert_eq(&pretty(&sns_event(envelope).unwrap()));
}

#[test]
fn what_is_no_envelope_says_what_it_lacks() {
    assert_eq!(sns_event("{}").unwrap_err(), "it has no TopicArn");
    assert!(sns_event("hello").unwrap_err().starts_with("it is not JSON"));
}

#[test]
fn a_schedule_looks_as_eventbridge_sends_it() {
    let event = scheduled_event("collect-every-10s", "us-east-1", "123456789012", 1_444_306_866_000_000);
    expect![[r#"
        {
          "version": "0",
          "id": "d4bdf779-b5d8-7a93-15e1-aba17a710106",
          "detail-type": "Scheduled Event",
          "source": "aws.events",
          "account": "123456789012",
          "time": "2015-10-08T12:21:06Z",
          "region": "us-east-1",
          "resources": [
            "arn:aws:events:us-east-1:123456789012:rule/collect-every-10s"
          ],
          "detail": {}
        }"#]]
    .assert_eq(&pretty(&event));
}

#[test]
fn an_arn_says_where_its_thing_is() {
    assert_eq!(Arn::of(&mapping().stream_arn), Arn { region: "eu-west-1", account: "123456789012" });
    assert_eq!(Arn::of("squall-tasks"), Arn { region: "", account: "" });
}
