use std::collections::BTreeMap;

use serde_json::{Value, json};
use squall_core::receipt::{Receipt, TaskTimes};

use super::*;

/// What one invocation writes. The recorder is the process's: other tests may add to it, so counts are compared as at
/// least, with numbers that only this test has.
#[test]
fn a_document_has_every_metric_with_its_unit_under_one_dimension() {
    const MANY: u64 = 1_000_000_000;
    let collector = start("shard-consumer", "Squall/Test").unwrap();
    let receipt = Receipt { subtasks: MANY, throttles: 2 * MANY, hedges: 3 * MANY, ..Receipt::default() };
    let times = TaskTimes { put_us: 1_000, read_us: 8_500, invoked_us: 9_000, answered_us: 12_000 };
    task(0, &receipt, &times);
    collected(
        &Collected { n_duplicates: 4_000_000_000, n_races: 5_000_000_000, ..Collected::default() },
        1_000,
        43_125,
    );
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
        .map(|metric| (metric["Name"].as_str().unwrap(), metric["Unit"].as_str().unwrap()))
        .collect();
    for (name, at_least) in [
        ("Tasks", 1),
        ("Subtasks", MANY),
        ("Throttles", 2 * MANY),
        ("Hedges", 3 * MANY),
        ("ResultsDuplicate", 4 * MANY),
        ("MergeConflicts", 5 * MANY),
    ] {
        assert_eq!(units.get(name), Some(&"Count"), "{name}");
        assert!(document[name].as_u64().unwrap() >= at_least, "{name}");
    }
    for (name, value) in [("QueuedMs", 7.5), ("DividedMs", 0.5), ("CascadedMs", 3.0), ("CollectedMs", 42.125)]
    {
        assert_eq!(units.get(name), Some(&"Milliseconds"), "{name}");
        let values = document[name].as_array().unwrap();
        assert!(values.contains(&json!(value)), "{name}: {values:?}");
    }
}
