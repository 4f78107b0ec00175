use std::time::Duration;

use expect_test::{Expect, expect};
use squall_lambda_host::delivery::DeliveryPolicy;
use squall_lambda_host::pump::StartingPosition;

use super::*;

fn usual() -> EventSourceMapping {
    EventSourceMapping {
        id: "0f91c9b2-4c64-4f0e-9bd9-7a3a5d6d7c11".to_owned(),
        state: "Enabled".to_owned(),
        source_arn: Some("arn:aws:kinesis:us-east-1:123456789012:stream/tasks".to_owned()),
        function_arn: "arn:aws:lambda:us-east-1:123456789012:function:shard-consumer".to_owned(),
        starting_position: Some("TRIM_HORIZON".to_owned()),
        ..EventSourceMapping::default()
    }
}

fn pumped(known: &EventSourceMapping) -> squall_lambda_host::pump::Mapping {
    match plan(known).unwrap() {
        Plan::Pump(mapping) => mapping.plan("the stream's ARN".to_owned(), Duration::from_secs(1)),
        Plan::Skip(why) => panic!("{why}"),
    }
}

#[test]
fn what_lambda_does_not_say_is_as_on_lambda() {
    let plan = pumped(&usual());
    assert_eq!(plan.delivery, DeliveryPolicy::default());
    assert_eq!((plan.lanes_per_shard, plan.start), (1, StartingPosition::TrimHorizon));
    assert_eq!(plan.name, usual().id);
    assert_eq!(plan.function, usual().function_arn);
}

#[test]
fn every_setting_is_pumped_as_it_is() {
    let known = EventSourceMapping {
        batch_size: Some(7),
        batching_window_s: Some(3),
        parallelization_factor: Some(4),
        starting_position: Some("LATEST".to_owned()),
        maximum_retry_attempts: Some(0),
        maximum_record_age_s: Some(60),
        bisect: true,
        response_types: vec!["ReportBatchItemFailures".to_owned()],
        ..usual()
    };
    let plan = pumped(&known);
    let expected = DeliveryPolicy {
        batch_size: 7,
        window_us: 3_000_000,
        max_attempts: Some(1),
        max_record_age_us: Some(60_000_000),
        bisect: true,
        partial_failures: true,
        ..DeliveryPolicy::default()
    };
    assert_eq!(plan.delivery, expected);
    assert_eq!((plan.lanes_per_shard, plan.start), (4, StartingPosition::Latest));
    let endless =
        EventSourceMapping { maximum_retry_attempts: Some(-1), maximum_record_age_s: Some(-1), ..usual() };
    assert_eq!(pumped(&endless).delivery, DeliveryPolicy::default());
}

#[test]
fn what_is_disabled_is_left_out_with_a_word() {
    for state in ["Disabled", "Disabling"] {
        // Its other settings do not matter.
        let known = EventSourceMapping { state: state.to_owned(), source_arn: None, n_filters: 2, ..usual() };
        let why = "mapping 0f91c9b2-4c64-4f0e-9bd9-7a3a5d6d7c11 of shard-consumer is disabled: not pumped";
        assert_eq!(plan(&known).unwrap(), Plan::Skip(why.to_owned()));
    }
    for state in ["Enabled", "Enabling", "Creating", "Updating"] {
        pumped(&EventSourceMapping { state: state.to_owned(), ..usual() });
    }
}

#[test]
fn what_the_pump_does_not_have_is_refused_by_its_mapping_and_setting() {
    let source = |arn: &str| Some(format!("arn:aws:{arn}"));
    let mut table = String::new();
    for known in [
        EventSourceMapping { source_arn: None, ..usual() },
        EventSourceMapping { source_arn: source("sqs:us-east-1:123456789012:jobs"), ..usual() },
        EventSourceMapping {
            source_arn: source("dynamodb:us-east-1:123456789012:table/t/stream/2026"),
            ..usual()
        },
        EventSourceMapping {
            source_arn: source("kinesis:us-east-1:123456789012:stream/tasks/consumer/fast:1"),
            ..usual()
        },
        EventSourceMapping { tumbling_window_s: 30, ..usual() },
        EventSourceMapping { n_filters: 1, ..usual() },
        EventSourceMapping { starting_position: Some("AT_TIMESTAMP".to_owned()), ..usual() },
        EventSourceMapping { starting_position: None, ..usual() },
        EventSourceMapping { response_types: vec!["SomethingNew".to_owned()], ..usual() },
        EventSourceMapping { batch_size: Some(-3), ..usual() },
    ] {
        let error = format!("{:#}", plan(&known).unwrap_err());
        let rest = error.strip_prefix("mapping 0f91c9b2-4c64-4f0e-9bd9-7a3a5d6d7c11 of shard-consumer: ");
        table += &format!("{}\n", rest.unwrap_or_else(|| panic!("{error}")));
    }
    check(
        &table,
        expect![[r#"
        its source has no ARN; only Kinesis streams are pumped
        EventSourceArn is arn:aws:sqs:us-east-1:123456789012:jobs; only Kinesis streams are pumped
        EventSourceArn is arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2026; only Kinesis streams are pumped
        EventSourceArn is arn:aws:kinesis:us-east-1:123456789012:stream/tasks/consumer/fast:1; only Kinesis streams are pumped
        TumblingWindowInSeconds is 30; the pump has no tumbling windows
        FilterCriteria is set; the pump does not filter
        StartingPosition is AT_TIMESTAMP; the pump starts at TRIM_HORIZON or LATEST
        StartingPosition is not set; the pump starts at TRIM_HORIZON or LATEST
        FunctionResponseTypes has SomethingNew, which the pump does not know
        BatchSize is -3
    "#]],
    );
}

fn check(found: &str, expected: Expect) {
    expected.assert_eq(found);
}
