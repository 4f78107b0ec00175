use expect_test::expect;

use super::*;

#[test]
fn what_an_answer_says() {
    let answers = [
        "",
        "null",
        "{}",
        r#"{"statusCode": 200}"#,
        r#"{"batchItemFailures": null}"#,
        r#"{"batchItemFailures": []}"#,
        r#"{"batchItemFailures": [{"itemIdentifier": "101"}]}"#,
        r#"{"batchItemFailures": [{"itemIdentifier": "102"}, {"itemIdentifier": "99"}]}"#,
        r#"{"batchItemFailures": [{"itemIdentifier": "102"}, {"itemIdentifier": "7"}]}"#,
        r#"{"batchItemFailures": [{"itemIdentifier": ""}]}"#,
        r#"{"batchItemFailures": [{"itemIdentifier": null}]}"#,
        r#"{"batchItemFailures": [{"sequenceNumber": "99"}]}"#,
        r#"{"batchItemFailures": ["99"]}"#,
        r#"{"batchItemFailures": 3}"#,
        r#""done""#,
        "{",
    ];
    let told = |answer: &&str| {
        let (handled, reason) = read_response(answer.as_bytes(), &["99", "101", "102"]);
        format!("{answer}: {handled:?}{}{reason}\n", if reason.is_empty() { "" } else { ", " })
    };
    let table: String = answers.iter().map(told).collect();
    expect![[r#"
        : All
        null: All
        {}: All
        {"statusCode": 200}: All
        {"batchItemFailures": null}: All
        {"batchItemFailures": []}: All
        {"batchItemFailures": [{"itemIdentifier": "101"}]}: UpTo(1), the function reported the record as failed
        {"batchItemFailures": [{"itemIdentifier": "102"}, {"itemIdentifier": "99"}]}: UpTo(0), the function reported the record as failed
        {"batchItemFailures": [{"itemIdentifier": "102"}, {"itemIdentifier": "7"}]}: Nothing, the function's list of failed records does not fit its batch: {"itemIdentifier":"7"}
        {"batchItemFailures": [{"itemIdentifier": ""}]}: Nothing, the function's list of failed records does not fit its batch: {"itemIdentifier":""}
        {"batchItemFailures": [{"itemIdentifier": null}]}: Nothing, the function's list of failed records does not fit its batch: {"itemIdentifier":null}
        {"batchItemFailures": [{"sequenceNumber": "99"}]}: Nothing, the function's list of failed records does not fit its batch: {"sequenceNumber":"99"}
        {"batchItemFailures": ["99"]}: Nothing, the function's list of failed records does not fit its batch: "99"
        {"batchItemFailures": 3}: Nothing, the function's list of failed records does not fit its batch: 3
        "done": Nothing, the function's list of failed records does not fit its batch: "done"
        {: Nothing, the function's list of failed records does not fit its batch: {
    "#]].assert_eq(&table);
}
