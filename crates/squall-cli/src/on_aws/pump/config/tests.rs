use super::*;

const MAPPING: &str = r#"
[[mapping]]
stream = "tasks"
function = "shard-consumer"
starting_position = "TRIM_HORIZON"
"#;

fn refusal(text: &str) -> String {
    format!("{:#}", Config::read(text).unwrap_err())
}

#[test]
fn what_is_not_said_is_as_on_lambda() {
    let config = Config::read(MAPPING).unwrap();
    let plan = config.mapping[0].plan("arn".to_owned(), Duration::from_secs(1));
    assert_eq!(plan.delivery, DeliveryPolicy::default());
    assert_eq!(
        (plan.lanes_per_shard, plan.start, plan.poll_us),
        (1, StartingPosition::TrimHorizon, 1_000_000)
    );
}

#[test]
fn limits_of_one_more_are_counted_as_lambda_counts_them() {
    let config =
        Config::read(&format!("{MAPPING}maximum_retry_attempts = 0\nmaximum_record_age_s = 60")).unwrap();
    let delivery = config.mapping[0].plan("arn".to_owned(), Duration::ZERO).delivery;
    assert_eq!((delivery.max_attempts, delivery.max_record_age_us), (Some(1), Some(60_000_000)));
}

#[test]
fn what_does_not_check_is_named() {
    for (field, problem) in [
        ("batch_size = 0", "mapping 1 (tasks): batch_size is 0; expected 1 to 10000"),
        ("parallelization_factor = 11", "mapping 1 (tasks): parallelization_factor is 11; expected 1 to 10"),
        ("batching_window_s = 301", "mapping 1 (tasks): batching_window_s is 301; expected 0 to 300"),
        (
            "maximum_retry_attempts = -2",
            "mapping 1 (tasks): maximum_retry_attempts is -2; expected -1 to 10000",
        ),
        (
            "maximum_record_age_s = 59",
            "mapping 1 (tasks): maximum_record_age_s is 59; expected -1 for no limit, or 60 to 604800",
        ),
    ] {
        assert_eq!(refusal(&format!("{MAPPING}{field}")), problem);
    }
    assert!(refusal(&format!("{MAPPING}batchsize = 1")).contains("unknown field `batchsize`"));
    assert!(refusal(&MAPPING.replace("TRIM", "TRUE")).contains("unknown variant `TRUE_HORIZON`"));
    assert_eq!(refusal(""), "nothing to pump: there is no [[mapping]], [[subscription]] or [[schedule]]");
    let named = refusal("[[subscription]]\ntopic = 'jobs'\nfunction = 'task-splitter'");
    assert_eq!(named, "subscription: topic `jobs`; expected the ARN of an SNS topic");
    let too_often = refusal("[[schedule]]\nevery_s = 0\nfunction = 'result-collector'");
    assert_eq!(too_often, "schedule: every_s is 0; expected 1 to 86400");
}

#[test]
fn what_is_named_by_an_arn_is_called_by_its_name() {
    let arns =
        MAPPING.replace("\"tasks\"", "\"arn:aws:kinesis:us-east-1:123456789012:stream/tasks\"").replace(
            "\"shard-consumer\"",
            "\"arn:aws:lambda:us-east-1:123456789012:function:shard-consumer:live\"",
        );
    for (text, function) in [(MAPPING, "shard-consumer"), (&arns, "shard-consumer:live")] {
        assert_eq!(Config::read(text).unwrap().mapping[0].names(), ("tasks", function));
    }
}
