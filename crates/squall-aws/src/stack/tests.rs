use squall_core::ports::chain;

use super::*;
use crate::emulator;

const TEMPLATE: &str = r#"{
    "Resources": { "Topic": { "Type": "AWS::SNS::Topic" } },
    "Outputs": {
        "TableName": { "Value": "squall" },
        "JobsTopicArn": { "Value": { "Ref": "Topic" } }
    }
}"#;

#[tokio::test]
async fn a_stack_tells_its_outputs() {
    let Some(connection) = emulator::connection().await else { return };
    let stack = emulator::unique("stack");
    let client = aws_sdk_cloudformation::Client::new(connection.config().await);
    client.create_stack().stack_name(&stack).template_body(TEMPLATE).send().await.unwrap();
    let mut outputs = BTreeMap::new();
    for _ in 0..100 {
        outputs = stack_outputs(&connection, &stack).await.unwrap();
        if !outputs.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(outputs.keys().collect::<Vec<_>>(), ["JobsTopicArn", "TableName"]);
    assert_eq!(outputs["TableName"], "squall");
    assert!(outputs["JobsTopicArn"].starts_with("arn:aws:sns:us-east-1:"), "{}", outputs["JobsTopicArn"]);
}

#[tokio::test]
async fn a_stack_that_is_not_there_is_named() {
    let Some(connection) = emulator::connection().await else { return };
    let error = stack_outputs(&connection, "nowhere").await.unwrap_err();
    assert!(matches!(error, PortError::Permanent { .. }));
    assert_eq!(chain(&error), "there is no stack nowhere in us-east-1");
}
