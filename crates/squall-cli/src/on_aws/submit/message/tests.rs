use std::collections::BTreeMap;

use expect_test::expect;
use squall_core::job::{Job, JobId};

use super::{Draft, fresh_id};

const JOB: &str = r#"{
  "deadline_s": 600,
  "workload": "portfolio",
  "input": {
    "positions": "book.csv",
    "market": "s3://prices/market.json",
    "scenarios": { "type": "explicit", "file": "shocks.csv" },
    "report": { "levels": [0.975, 0.5] }
  },
  "files": { "shocks.csv": "../shared/shocks.csv" },
  "max_cost_usd": 5
}"#;

fn draft(job: &str) -> Draft {
    Draft::new(&squall_workloads::registry(), job.as_bytes()).unwrap()
}

fn id(text: &str) -> JobId {
    JobId::new(text).unwrap()
}

fn places(places: &[(&str, &str)]) -> BTreeMap<String, String> {
    places.iter().map(|(name, place)| ((*name).to_owned(), (*place).to_owned())).collect()
}

#[test]
fn local_files_are_distinguished_from_those_in_s3() {
    let draft = draft(JOB);
    assert_eq!(draft.here, places(&[("book.csv", "book.csv"), ("shocks.csv", "../shared/shocks.csv")]));
    assert_eq!(draft.in_s3, ["s3://prices/market.json"]);
    assert!(!draft.is_all_here());
}

#[test]
fn the_message_keeps_its_authors_fields_in_their_order() {
    let uploaded = places(&[("book.csv", "s3://mine/files/b00c"), ("shocks.csv", "s3://mine/files/50c5")]);
    let message = draft(JOB).message(&id("nightly"), &uploaded);
    expect![[r#"{"deadline_s":600,"workload":"portfolio","input":{"positions":"book.csv","market":"s3://prices/market.json","scenarios":{"type":"explicit","file":"shocks.csv"},"report":{"levels":[0.975,0.5]}},"files":{"shocks.csv":"s3://mine/files/50c5","book.csv":"s3://mine/files/b00c"},"max_cost_usd":5,"id":"nightly"}"#]]
    .assert_eq(&message);
    let job = Job::from_message(message.as_bytes()).unwrap();
    assert_eq!(job.files, uploaded);
    assert_eq!(job.input_json, Job::from_message(JOB.as_bytes()).unwrap().input_json);
    assert_eq!(message, draft(JOB).message(&id("nightly"), &uploaded));
}

#[test]
fn a_chosen_id_takes_the_place_of_the_authors() {
    let job = r#"{"id": "mine", "workload": "probe", "input": {"units": 3}}"#;
    assert_eq!(draft(job).id, Some(id("mine")));
    expect![[r#"{"id":"other","workload":"probe","input":{"units":3}}"#]]
        .assert_eq(&draft(job).message(&id("other"), &BTreeMap::new()));
}

#[test]
fn a_job_that_does_not_check_is_no_draft() {
    let registry = squall_workloads::registry();
    for (job, place) in [
        (r#"{"workload": "prob", "input": {}}"#, "workload"),
        (r#"{"workload": "probe", "input": {"unit": 1}}"#, "input.unit"),
        (r#"{"workload": "probe", "input": {"units": 1}, "id": "a b"}"#, "id"),
        (r#"{"workload": "probe", "input": {"units": 1}, "files": {"a": 1}}"#, "files"),
    ] {
        assert_eq!(Draft::new(&registry, job.as_bytes()).unwrap_err().place, place, "{job}");
    }
}

#[test]
fn a_fresh_id_says_what_and_when_and_is_its_own() {
    // 2026-11-22 10:15:00 UTC.
    let now_us = 1_795_342_500_000_000;
    let fresh = |stem: &str| fresh_id(stem, now_us, "3f9c0d5e8a7b6142").unwrap().to_string();
    assert_eq!(fresh("demo"), "demo-20261122-101500-3f9c0d5e8a7b6142");
    assert!(fresh("").starts_with("job-2026"));
    assert!(fresh("risk report (März)").starts_with("risk-report--M-rz--2026"));
    assert!(fresh("-rf").starts_with("rf-2026"));
    assert!(fresh("--").starts_with("job-2026"));
    let long = fresh(&"long".repeat(100));
    assert!(long.len() < 100 && long.ends_with("-3f9c0d5e8a7b6142"), "{long}");
}
