use expect_test::expect;
use squall_core::prices::Prices;
use squall_core::rows::{JobRow, JobStatus};

use super::{entry, newest_first, status, table};
use crate::on_aws::test_rows::job;

fn rows() -> Vec<JobRow> {
    let created_us = job("first", JobStatus::Complete).created_us;
    let later = |row: JobRow, seconds: u64| JobRow { created_us: created_us + seconds * 1_000_000, ..row };
    vec![
        job("first", JobStatus::Complete),
        later(job("a-somewhat-longer-name-20261122-101500-3f9c", JobStatus::Running), 3_540),
        later(job("third", JobStatus::Rejected), 60),
        later(job("fourth", JobStatus::OverBudget), 30),
    ]
}

#[test]
fn jobs_are_listed_newest_first_with_how_far_they_are() {
    let mut rows = rows();
    let now_us = rows[0].created_us + 3_600_000_000;
    newest_first(&mut rows, 20);
    expect![[r#"
        JOB                                          WORKLOAD   STATUS               AGE     DONE          COST
        a-somewhat-longer-name-20261122-101500-3f9c  portfolio  running        1 min 0 s   50.0 %     $0.001234
        third                                        –          rejected      59 min 0 s        –             –
        fourth                                       portfolio  over_budget  59 min 30 s   50.0 %  $0.000145104
        first                                        portfolio  complete       1 h 0 min  100.0 %  $0.000145104
    "#]].assert_eq(&table(&rows, &Prices::default(), now_us));
    assert_eq!(table(&[], &Prices::default(), now_us), "");
}

#[test]
fn a_job_that_changed_its_status_while_it_was_listed_is_listed_once() {
    let mut rows = [rows(), rows()].concat();
    newest_first(&mut rows, 3);
    let ids: Vec<_> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["a-somewhat-longer-name-20261122-101500-3f9c", "third", "fourth"]);
}

#[test]
fn programs_get_times_shares_and_costs() {
    let rows = rows();
    expect![[r#"
        {
          "job": "fourth",
          "workload": "portfolio",
          "status": "over_budget",
          "created": "2026-11-22T10:15:30.000Z",
          "ended": "2026-11-22T10:16:00.000Z",
          "coverage": 0.5,
          "cost_on_lambda_usd": "0.000145104",
          "reason": "for a reason"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&entry(&rows[3], &Prices::default())).unwrap());
    expect![[r#"
        {
          "job": "third",
          "workload": null,
          "status": "rejected",
          "created": "2026-11-22T10:16:00.000Z",
          "ended": "2026-11-22T10:16:00.000Z",
          "coverage": null,
          "cost_on_lambda_usd": "0.000000000",
          "reason": "for a reason"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&entry(&rows[2], &Prices::default())).unwrap());
}

#[test]
fn every_status_can_be_asked_for_by_its_name() {
    for known in JobStatus::ALL {
        assert_eq!(status(&known.to_string()), Ok(known));
    }
    assert!(status("done").unwrap_err().starts_with("expected one of running, complete,"));
}
