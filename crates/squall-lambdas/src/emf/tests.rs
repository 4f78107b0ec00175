use std::collections::BTreeMap;

use serde_json::{Value, json};
use squall_core::job::JobId;
use squall_core::receipt::{Receipt, TaskTimes};

use super::*;

fn end(status: JobStatus, cost: u64, lasted_us: u64) -> JobEnd {
    JobEnd { status, cost: NanoUsd(cost), lasted_us }
}

/// The output of one invocation. The recorder is shared by the process: other tests may add to it, so counts are
/// compared as lower bounds, with numbers that only this test has.
#[test]
fn a_document_has_every_metric_with_its_unit_under_one_dimension() {
    const MANY: u64 = 1_000_000_000;
    let collector = start("shard-consumer", "Squall/Test").unwrap();
    split(&SplitOutcome::Enqueued { job: JobId::new("march").unwrap(), n_tasks: 6 * MANY });
    let receipt = Receipt { subtasks: MANY, throttles: 2 * MANY, hedges: 3 * MANY, ..Receipt::default() };
    let times = TaskTimes { put_us: 1_000, read_us: 8_500, invoked_us: 9_000, answered_us: 12_000 };
    let throttles = Throttles { function: 7 * MANY, concurrency: 8 * MANY, call_rate: 9 * MANY };
    task(0, &receipt, &throttles, &times);
    let ended = vec![end(JobStatus::Complete, 12_345_678, 2_500_000)];
    collected(
        &Collected { n_duplicates: 4_000_000_000, n_races: 5_000_000_000, ended, ..Collected::default() },
        1_000,
        43_125,
    );
    let ended = [
        JobStatus::CompleteWithFailures,
        JobStatus::Expired,
        JobStatus::OverBudget,
        JobStatus::Inconsistent,
        JobStatus::Cancelled,
    ];
    let ended = ended.map(|status| end(status, 0, 0)).to_vec();
    swept(&Swept { ended, ..Swept::default() });
    let mut written = Vec::new();
    collector.set_property("requestId", "r-1").flush(&mut written).unwrap();

    let lines = String::from_utf8(written).unwrap();
    assert_eq!(lines.lines().count(), 1);
    let document: Value = serde_json::from_str(&lines).unwrap();
    assert_eq!((&document["Function"], &document["requestId"]), (&json!("shard-consumer"), &json!("r-1")));
    let directive = &document["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(
        (&directive["Namespace"], &directive["Dimensions"]),
        (&json!("Squall/Test"), &json!([["Function"]]))
    );
    let units: BTreeMap<&str, &str> = directive["Metrics"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|metric| Some((metric["Name"].as_str().unwrap(), metric["Unit"].as_str()?)))
        .collect();
    for (name, at_least) in [
        ("Tasks", 1),
        ("Subtasks", MANY),
        ("Throttles", 2 * MANY),
        ("Hedges", 3 * MANY),
        ("ResultsDuplicate", 4 * MANY),
        ("MergeConflicts", 5 * MANY),
        ("TasksPut", 6 * MANY),
        ("ThrottlesFunction", 7 * MANY),
        ("ThrottlesConcurrency", 8 * MANY),
        ("ThrottlesCallRate", 9 * MANY),
        ("JobsComplete", 1),
        ("JobsFailed", 4),
        ("JobsCancelled", 1),
    ] {
        assert_eq!(units.get(name), Some(&"Count"), "{name}");
        assert!(document[name].as_u64().unwrap() >= at_least, "{name}");
    }
    let ms = Some(&"Milliseconds");
    for (name, unit, value) in [
        ("QueuedMs", ms, 7.5),
        ("DividedMs", ms, 0.5),
        ("CascadedMs", ms, 3.0),
        ("CollectedMs", ms, 42.125),
        ("JobSeconds", Some(&"Seconds"), 2.5),
        ("JobCostUsd", None, 0.012_345_678),
    ] {
        assert_eq!(units.get(name), unit, "{name}");
        let values = document[name].as_array().unwrap();
        assert!(values.contains(&json!(value)), "{name}: {values:?}");
    }
}

#[test]
fn more_jobs_than_a_document_has_values_for_share_them() {
    let ends: Vec<JobEnd> = (1..=250).map(|n| end(JobStatus::Expired, n, n * 1_000_000)).collect();
    let of = |n: usize| values(&ends[..n]).collect::<Vec<_>>();
    assert_eq!(of(0), []);
    assert_eq!(of(2), [(1e-9, 1.0), (2e-9, 2.0)]);
    assert_eq!((of(100).len(), of(101).len()), (100, 51));
    let shared = of(250);
    assert_eq!((shared.len(), shared[0], shared[83]), (84, (6e-9, 3.0), (250e-9, 250.0)));
}
