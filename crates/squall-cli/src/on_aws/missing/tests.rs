use expect_test::{Expect, expect};
use squall_core::collate::Received;
use squall_core::rows::JobStatus;
use squall_core::wire::Failure;

use super::Found;
use crate::on_aws::test_rows::{failure, job};

fn check(status: JobStatus, missing: &[u32], failures: &[Failure], expected: &[Expect; 2]) {
    let mut row = job("demo", status);
    if let Some(ending) = &mut row.ending {
        ending.missing = missing.iter().copied().collect();
        ending.failures = failures.to_vec();
    }
    let mut received = Received { failures: failures.to_vec(), ..Received::default() };
    received.tasks.insert_range(0..50);
    for task in missing {
        received.tasks.remove(*task);
    }
    let found = Found::new(&row, row.published.as_ref().unwrap(), &received);
    expected[0].assert_eq(&found.text());
    expected[1].assert_eq(&found.json().to_string());
}

#[test]
fn missing_tasks_are_listed_in_ranges() {
    let some = [0, 1, 2, 10, 40];
    check(
        JobStatus::Expired,
        &some,
        &[],
        &[
            expect![[r#"
        demo: 5 of 50 tasks missing: 0-2, 10, 40
    "#]],
            expect![[
                r#"{"job":"demo","status":"expired","tasks":50,"missing":[[0,2],[10,10],[40,40]],"came_after_the_end":[],"failures":[]}"#
            ]],
        ],
    );
    check(
        JobStatus::Running,
        &some,
        &[],
        &[
            expect![[r#"
        demo: 5 of 50 tasks not merged yet, as the job still runs: 0-2, 10, 40
    "#]],
            expect![[
                r#"{"job":"demo","status":"running","tasks":50,"missing":[[0,2],[10,10],[40,40]],"came_after_the_end":[],"failures":[]}"#
            ]],
        ],
    );
}

#[test]
fn failed_subtasks_are_listed_with_their_reasons() {
    let failures = [failure(4, 2, "unit 42 was asked to fail"), failure(7, 0, "out of memory")];
    check(
        JobStatus::CompleteWithFailures,
        &[],
        &failures,
        &[
            expect![[r#"
                demo: every task came back
                task 4 subtask 2 failed after 3 attempts: unit 42 was asked to fail
                task 7 subtask 0 failed after 3 attempts: out of memory
            "#]],
            expect![[
                r#"{"job":"demo","status":"complete_with_failures","tasks":50,"missing":[],"came_after_the_end":[],"failures":[{"task":4,"subtask":2,"attempts":3,"reason":"unit 42 was asked to fail"},{"task":7,"subtask":0,"attempts":3,"reason":"out of memory"}]}"#
            ]],
        ],
    );
    check(
        JobStatus::Expired,
        &[49],
        &failures[..1],
        &[
            expect![[r#"
        demo: 1 of 50 tasks missing: 49
        task 4 subtask 2 failed after 3 attempts: unit 42 was asked to fail
    "#]],
            expect![[
                r#"{"job":"demo","status":"expired","tasks":50,"missing":[[49,49]],"came_after_the_end":[],"failures":[{"task":4,"subtask":2,"attempts":3,"reason":"unit 42 was asked to fail"}]}"#
            ]],
        ],
    );
}

#[test]
fn a_whole_job_misses_nothing() {
    check(
        JobStatus::Complete,
        &[],
        &[],
        &[
            expect![[r#"
        demo: nothing is missing and nothing failed
    "#]],
            expect![[
                r#"{"job":"demo","status":"complete","tasks":50,"missing":[],"came_after_the_end":[],"failures":[]}"#
            ]],
        ],
    );
}

#[test]
fn what_came_in_after_the_end_is_still_missing_in_the_answer() {
    let mut row = job("demo", JobStatus::Cancelled);
    let ending = row.ending.as_mut().unwrap();
    ending.missing = [2, 5, 6, 7].into_iter().collect();
    let mut received = Received::default();
    received.tasks.insert_range(0..50);
    received.tasks.remove(5);
    received.tasks.remove(7);
    let found = Found::new(&row, row.published.as_ref().unwrap(), &received);
    expect![[r#"
        demo: 4 of 50 tasks missing: 2, 5-7
        2 of them came in after the end: `squall retry` does not send those again
    "#]]
    .assert_eq(&found.text());
    assert_eq!(found.json()["came_after_the_end"].to_string(), "[[2,2],[6,6]]");
}
