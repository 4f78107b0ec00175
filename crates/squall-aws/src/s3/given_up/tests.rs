use super::*;
use crate::emulator;
use crate::s3::client;

/// The example of the Lambda guide, with a payload of two records.
fn record(payload: &str) -> String {
    serde_json::json!({
        "requestContext": {
            "requestId": "c9b8fa9f-5a7f-xmpl-af9c-0c604cde93a5",
            "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:myfunction",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1,
        },
        "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
        "version": "1.0",
        "timestamp": "2019-11-14T00:38:06.021Z",
        "KinesisBatchInfo": {
            "shardId": "shardId-000000000001",
            "startSequenceNumber": "49601189658422359378836298521827638475320189012309704722",
            "endSequenceNumber": "49601189658422359378836298522902373528957594348623495186",
            "approximateArrivalOfFirstRecord": "2019-11-14T00:38:04.835Z",
            "approximateArrivalOfLastRecord": "2019-11-14T00:38:05.580Z",
            "batchSize": 2,
            "streamArn": "arn:aws:kinesis:us-east-2:123456789012:stream/mystream",
        },
        "payload": payload,
    })
    .to_string()
}

const EVENT: &str = r#"{"Records":[{"kinesis":{"partitionKey":"1","data":"YQ==","sequenceNumber":"1"},"eventName":"x"},{"kinesis":{"data":"YmM="}}]}"#;

#[test]
fn an_invocation_record_has_the_records_and_the_reason() {
    let read = read(record(EVENT).as_bytes()).unwrap();
    assert_eq!(read.records, [b"a".to_vec(), b"bc".to_vec()]);
    assert_eq!(read.n_deliveries, 1);
    assert_eq!(read.reason, "RetryAttemptsExhausted, deliveries: 1, function error: Unhandled");
}

#[test]
fn what_is_no_invocation_record_is_said() {
    let without_payload = record(EVENT).replace("\"payload\"", "\"other\"");
    for (bytes, problem) in [
        ("{}", "it is not an invocation record: missing field `requestContext`"),
        ("\u{1f}", "it is not an invocation record: "),
        (without_payload.as_str(), "it has no `payload`: the records themselves"),
        (&record("[]"), "its `payload` is not the event of a stream: "),
        (&record(&EVENT.replace("YQ==", "Y")), "a record of its `payload` is not Base64: "),
    ] {
        let found = read(bytes.as_bytes()).unwrap_err();
        assert!(found.starts_with(problem), "{found}");
    }
}

#[tokio::test]
async fn what_was_given_up_is_listed_read_and_forgotten() {
    let Some(connection) = emulator::connection().await else { return };
    let bucket = emulator::unique("bucket");
    let s3 = client(connection.config().await);
    s3.create_bucket().bucket(&bucket).send().await.unwrap();
    let put = async |key: &str, text: &str| {
        let body = text.as_bytes().to_vec().into();
        s3.put_object().bucket(&bucket).key(key).body(body).send().await.unwrap();
    };
    put("aws/lambda/m/shardId-1/2026/11/30/one", &record(EVENT)).await;
    put("aws/lambda/m/shardId-1/2026/11/30/other", "rubbish").await;
    put("blobs/x", "no record").await;

    // In a bucket of their own, where there is one.
    let blobs = S3Blobs::new(&connection, emulator::unique("blobs")).with_given_up(&bucket);
    let listed = blobs.given_up(0, 10).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|it| it.since_us > 1_700_000_000_000_000));
    assert_eq!(blobs.given_up(0, 1).await.unwrap().len(), 1);
    let one = "aws/lambda/m/shardId-1/2026/11/30/one";
    assert_eq!(blobs.given_up_records(one).await.unwrap().unwrap().records.len(), 2);
    let error = blobs.given_up_records("aws/lambda/m/shardId-1/2026/11/30/other").await.unwrap_err();
    assert!(matches!(error, PortError::Permanent { .. }));

    assert_eq!(blobs.given_up(u64::MAX, 10).await.unwrap(), []);
    blobs.forget_given_up(one).await.unwrap();
    assert_eq!(blobs.given_up_records(one).await.unwrap(), None);
    blobs.forget_given_up(one).await.unwrap();
    let left: Vec<_> = blobs.given_up(0, 10).await.unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(left, ["aws/lambda/m/shardId-1/2026/11/30/other"]);
}
