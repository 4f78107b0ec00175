use aws_sdk_lambda::types::{
    DestinationConfig, EventSourcePosition, Filter, FilterCriteria, FunctionResponseType, OnFailure,
};
use squall_core::ports::chain;

use super::*;
use crate::{emulator, stack_resources};

#[test]
fn everything_that_is_configured_is_read() {
    let (stream, bucket) = ("arn:aws:kinesis:us-east-1:123456789012:stream/tasks", "arn:aws:s3:::failed");
    let function = "arn:aws:lambda:us-east-1:123456789012:function:shard-consumer:live";
    let on_failure = OnFailure::builder().destination(bucket).build();
    let filters = FilterCriteria::builder().filters(Filter::builder().pattern("{}").build()).build();
    let reply = GetEventSourceMappingOutput::builder()
        .uuid("a-uuid")
        .state("Enabled")
        .event_source_arn(stream)
        .function_arn(function)
        .batch_size(7)
        .maximum_batching_window_in_seconds(3)
        .parallelization_factor(10)
        .starting_position(EventSourcePosition::TrimHorizon)
        .maximum_retry_attempts(5)
        .maximum_record_age_in_seconds(3_600)
        .bisect_batch_on_function_error(true)
        .function_response_types(FunctionResponseType::ReportBatchItemFailures)
        .destination_config(DestinationConfig::builder().on_failure(on_failure).build())
        .tumbling_window_in_seconds(30)
        .filter_criteria(filters)
        .build();
    let expected = EventSourceMapping {
        id: "a-uuid".to_owned(),
        state: "Enabled".to_owned(),
        source_arn: Some(stream.to_owned()),
        function_arn: function.to_owned(),
        batch_size: Some(7),
        batching_window_s: Some(3),
        parallelization_factor: Some(10),
        starting_position: Some("TRIM_HORIZON".to_owned()),
        maximum_retry_attempts: Some(5),
        maximum_record_age_s: Some(3_600),
        bisect: true,
        response_types: vec!["ReportBatchItemFailures".to_owned()],
        on_failure: Some(bucket.to_owned()),
        tumbling_window_s: 30,
        n_filters: 1,
    };
    assert_eq!(read("a-uuid", reply), expected);
    let bare = read("a-uuid", GetEventSourceMappingOutput::builder().build());
    assert_eq!(bare, EventSourceMapping { id: "a-uuid".to_owned(), ..EventSourceMapping::default() });
}

const TEMPLATE: &str = r#"{
    "Resources": {
        "Stream": { "Type": "AWS::Kinesis::Stream", "Properties": { "ShardCount": 1 } },
        "Mapping": { "Type": "AWS::Lambda::EventSourceMapping", "Properties": {
            "EventSourceArn": { "Fn::GetAtt": ["Stream", "Arn"] },
            "FunctionName": "shard-consumer",
            "BatchSize": 3,
            "StartingPosition": "LATEST",
            "MaximumRetryAttempts": 0,
            "DestinationConfig": { "OnFailure": { "Destination": "arn:aws:s3:::failed" } }
        } }
    }
}"#;

#[tokio::test]
async fn the_mappings_of_a_stack_are_found_and_read() {
    let Some(connection) = emulator::connection().await else { return };
    let stack = emulator::unique("stack");
    let client = aws_sdk_cloudformation::Client::new(connection.config().await);
    client.create_stack().stack_name(&stack).template_body(TEMPLATE).send().await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..100 {
        ids = stack_resources(&connection, &stack, "AWS::Lambda::EventSourceMapping").await.unwrap();
        if !ids.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(ids.len(), 1);
    let found = event_source_mapping(&connection, &ids[0]).await.unwrap();
    assert_eq!((&found.id, &*found.state), (&ids[0], "Enabled"));
    assert!(found.source_arn.unwrap().starts_with("arn:aws:kinesis:us-east-1:"));
    assert!(found.function_arn.ends_with(":function:shard-consumer"), "{}", found.function_arn);
    assert_eq!((found.batch_size, found.maximum_retry_attempts), (Some(3), Some(0)));
    assert_eq!(found.starting_position.as_deref(), Some("LATEST"));
    assert_eq!(found.on_failure.as_deref(), Some("arn:aws:s3:::failed"));
    assert!(!found.bisect && found.response_types.is_empty());

    let error = event_source_mapping(&connection, "nowhere").await.unwrap_err();
    assert!(matches!(error, PortError::Permanent { .. }));
    assert!(chain(&error).starts_with("cannot read event source mapping nowhere: "), "{}", chain(&error));
    let error = stack_resources(&connection, "nowhere", "AWS::Lambda::EventSourceMapping").await.unwrap_err();
    assert_eq!(chain(&error), "there is no stack nowhere in us-east-1");
}
