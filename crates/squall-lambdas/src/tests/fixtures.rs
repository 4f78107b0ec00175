//! The payloads in `events/` that follow from one another: the functions' output for `sns-job.json` is the content of
//! the files. After a change of the wire, `UPDATE_EXPECT=1` rewrites them.

use std::collections::BTreeSet;
use std::fs;

use aws_lambda_events::eventbridge::EventBridgeEvent;
use expect_test::{ExpectFile, expect_file};
use serde_json::Value;
use squall_core::wire::{Message, SubtaskRequest, TaskRecord};
use squall_memory::Record;

use super::events::{self, folder, json_of_stream};
use super::grid::Grid;

/// Every payload, and its expected outcome in the tests of its function.
const PAYLOADS: &[(&str, &[&str])] = &[
    ("task-splitter", &["sns-job.json", "sns-rejected.json"]),
    ("shard-consumer", &["poison.json", "task.json", "task-of-another-shard.json"]),
    ("cascade-worker", &["request.json"]),
    ("result-collector", &["aggregated-batch.json", "scheduled.json", "shard-0.json", "shard-1.json"]),
    (
        "scale-out",
        &[
            "malformed.json",
            "runs-on-instances.json",
            "runs.json",
            "sessions.json",
            "several.json",
            "version-2.json",
        ],
    ),
    ("scale-in", &["rule.json", "schedule.json"]),
];

fn holds(file: &ExpectFile, payload: &Value) {
    file.assert_eq(&format!("{}\n", serde_json::to_string_pretty(payload).unwrap()));
}

/// A record of the task stream that was not put by a splitter.
pub(crate) fn poison() -> Record {
    let data = *b"this is not a task of the grid";
    Record { sequence: 16, partition_key: "sample-probe/16".into(), data: data.into() }
}

#[test]
fn every_payload_in_the_folders_is_tested() {
    for (function, files) in PAYLOADS {
        let found: BTreeSet<String> = fs::read_dir(folder(function))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(found, files.iter().map(|file| (*file).to_owned()).collect(), "events/{function}");
    }
}

#[test]
fn the_consumers_payloads_are_what_the_splitter_puts() {
    let tasks = Grid::with_sample_job().tasks();
    let of_shard = |shard: usize| json_of_stream("squall-tasks", shard, &tasks[shard][..1]);
    holds(&expect_file!["../../../../events/shard-consumer/task.json"], &of_shard(0));
    holds(&expect_file!["../../../../events/shard-consumer/task-of-another-shard.json"], &of_shard(1));
    let poison = json_of_stream("squall-tasks", 0, &[poison()]);
    holds(&expect_file!["../../../../events/shard-consumer/poison.json"], &poison);
}

#[test]
fn the_workers_payload_is_what_a_consumer_asks() {
    let tasks = Grid::with_sample_job().tasks();
    let TaskRecord { workload, code, input, slice, .. } = TaskRecord::from_bytes(&tasks[0][0].data).unwrap();
    // The whole task in one subtask.
    let request = SubtaskRequest { workload, code: code.id(), input, slice };
    let payload = events::base64(&request.to_bytes());
    holds(&expect_file!["../../../../events/cascade-worker/request.json"], &payload);
}

#[test]
fn the_collectors_payloads_are_what_the_consumers_put() {
    let results = Grid::with_results().results();
    assert!(results.iter().all(|shard| shard.len() > 1), "several results on each shard");
    let of_shard = |shard: usize| json_of_stream("squall-results", shard, &results[shard]);
    holds(&expect_file!["../../../../events/result-collector/shard-0.json"], &of_shard(0));
    holds(&expect_file!["../../../../events/result-collector/shard-1.json"], &of_shard(1));
    let mut all = results.concat();
    all.sort_by_key(|record| record.sequence);
    let batch = json_of_stream("squall-results", 0, &all);
    holds(&expect_file!["../../../../events/result-collector/aggregated-batch.json"], &batch);
}

#[test]
fn the_timers_payloads_are_events_of_eventbridge() {
    let payloads = [
        ("result-collector", "scheduled.json", "aws.events"),
        ("scale-in", "rule.json", "aws.events"),
        ("scale-in", "schedule.json", "aws.scheduler"),
    ];
    for (function, file, source) in payloads {
        let event: EventBridgeEvent = events::read(function, file);
        assert_eq!((event.source.as_str(), event.detail_type.as_str()), (source, "Scheduled Event"));
    }
}
