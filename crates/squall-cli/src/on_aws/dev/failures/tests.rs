use expect_test::expect;

use super::*;

#[test]
fn the_first_failure_of_a_kind_is_shown_and_no_other() {
    let log = [
        (
            "task-splitter",
            r#"{"timestamp":"2026-11-30T10:00:00Z","level":"INFO","message":"split","job":"demo"}"#,
        ),
        ("task-splitter", r#"{"level":"ERROR","message":"task 1 of job demo-7f: no result: stream gone"}"#),
        ("task-splitter", r#"{"level":"ERROR","message":"task 23 of job demo-80: no result: stream gone"}"#),
        ("shard-consumer", r#"{"level":"ERROR","message":"task 1 of job demo-7f: no result: stream gone"}"#),
        ("cascade-worker-0", "RequestId: 0f-1 Error: Runtime exited with error: signal: killed"),
        ("cascade-worker-0", "RequestId: 0f-2 Error: Runtime exited with error: signal: killed"),
        ("cascade-worker-0", "RequestId: 0f-3 Error: Task timed out after 300.00 seconds"),
        ("cascade-worker-0", "thread 'main' has something to say"),
        ("cascade-worker-0", r#"{"level":"ERROR","error":"no table"}"#),
        ("cascade-worker-0", r#"{"level":"ERROR","code":7}"#),
    ];
    let mut failures = Failures::default();
    let shown = log.iter().filter_map(|(function, line)| {
        failures.first(function, line).map(|failure| format!("{function}: {failure}\n"))
    });
    expect![[r#"
        task-splitter: task 1 of job demo-7f: no result: stream gone
        shard-consumer: task 1 of job demo-7f: no result: stream gone
        cascade-worker-0: Runtime exited with error: signal: killed
        cascade-worker-0: Task timed out after 300.00 seconds
        cascade-worker-0: no table
        cascade-worker-0: {"level":"ERROR","code":7}
    "#]]
    .assert_eq(&shown.collect::<String>());
}
