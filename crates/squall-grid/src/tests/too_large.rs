//! Tasks that do not fit on the stream: the job is rejected before it exists.

use std::collections::BTreeMap;

use squall_core::data::Data;
use squall_core::registry::Registry;
use squall_core::sources::{Given, Source};
use squall_core::workload::{Coverage, EvaluateError, InputError, Weight, Workload};

use super::*;

/// A computation whose slices carry their bytes with them.
struct Bulky;

impl Workload for Bulky {
    const NAME: &'static str = "bulky";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Counts bytes that travel in the slice";
    type Input = BTreeMap<String, usize>;
    type Prepared = usize;
    type Slice = Vec<u8>;
    type Partial = usize;
    type Report = usize;

    fn input_schema() -> serde_json::Value {
        serde_json::json!({ "type": "object" })
    }

    fn sources(_: &Self::Input) -> Vec<Source> {
        Vec::new()
    }

    fn prepare(input: Self::Input, _: &Given) -> Result<usize, InputError> {
        Ok(input["bytes"])
    }

    fn whole(n_bytes: &usize) -> Vec<u8> {
        vec![7; *n_bytes]
    }

    fn weight(_: &usize, slice: &Vec<u8>) -> Weight {
        slice.len() as Weight
    }

    fn divide(_: &usize, slice: &Vec<u8>, parts: NonZeroUsize) -> Vec<Vec<u8>> {
        slice.chunks(slice.len().div_ceil(parts.get())).map(<[u8]>::to_vec).collect()
    }

    fn evaluate(_: &usize, slice: &Vec<u8>, _: &mut dyn Data) -> Result<usize, EvaluateError> {
        Ok(slice.len())
    }

    fn merge(into: &mut usize, other: usize) {
        *into += other;
    }

    fn units(n_bytes: &usize) -> (u64, &'static str) {
        (*n_bytes as u64, "bytes")
    }

    fn report(_: &usize, partial: Option<&usize>, _: &Coverage) -> usize {
        partial.copied().unwrap_or(0)
    }
}

fn bulky_grid() -> Grid {
    let inputs = Arc::new(InputCache::new(Registry::default().with::<Bulky>()));
    Grid { inputs, ..Grid::new() }
}

fn split_into(n_tasks: u32) -> (Grid, SplitOutcome) {
    let grid = bulky_grid();
    let message =
        format!(r#"{{"workload":"bulky","input":{{"bytes":2500000}},"sizing":{{"tasks":{n_tasks}}}}}"#);
    let outcome = grid.split(&message);
    (grid, outcome)
}

#[test]
fn a_task_that_does_not_fit_on_the_stream_rejects_its_job_and_says_what_would_fit() {
    let (grid, outcome) = split_into(2);
    let SplitOutcome::Rejected(job, error) = outcome else { panic!("{outcome:?}") };
    let said = error.to_string();
    assert_eq!(
        said,
        "sizing.tasks: 2; the largest task has up to 1251032 bytes with its envelope, and a record 1048576 at most: more tasks are smaller"
    );
    assert_eq!(grid.row(job.as_str()).status(), JobStatus::Rejected);
    assert_eq!(grid.memory.tasks.n_outstanding(), 0);

    let (grid, outcome) = split_into(3);
    assert!(matches!(outcome, SplitOutcome::Enqueued { n_tasks: 3, .. }), "{outcome:?}");
    assert_eq!(grid.memory.tasks.n_outstanding(), 3);
}

/// What the envelope is taken to be is more than any record has.
#[test]
fn no_envelope_is_larger_than_is_reserved_for_it() {
    let task = TaskRecord {
        job: id(&"j".repeat(64)),
        workload: String::new(),
        code: squall_core::code::CodeVersion { workload: u32::MAX, build: "b".repeat(200) },
        input: Digest::of(b"input"),
        index: u32::MAX,
        slice: Vec::new(),
        weight: u64::MAX,
        n_subtasks: u32::MAX,
        bucket: u32::MAX,
        generation: u32::MAX,
        put_us: u64::MAX,
    };
    let partition_key = format!("{}/{}", task.job, task.index);
    assert!(task.to_bytes().len() + partition_key.len() < 1_024);
}

/// What does not fit into a function's answer goes through the blob store, and the answer is the same.
#[test]
fn a_reply_that_is_too_large_to_be_sent_is_fetched() {
    let (usual, other) = (Grid::new(), Grid::new());
    other.ports.workers.max_reply_bytes.store(10, Ordering::Relaxed);
    let answers = [usual, other].map(|grid| {
        grid.collect(&grid.results());
        let ending = grid.row("march").ending.unwrap();
        assert_eq!(ending.status, JobStatus::Complete, "{:?}", ending.reason);
        (ending.answer, ending.receipt)
    });
    assert_eq!(answers[0].0, answers[1].0);
    let [few, more] = answers.map(|(_, receipt)| (receipt.blob_writes, receipt.blob_reads));
    assert_eq!((more.0 - few.0, more.1 - few.1), (12, 12), "each reply is stored and fetched");
}

/// Ten thousand failures, whose slices alone are a megabyte, go through the blob store; of the reasons the first are kept in full.
#[test]
fn a_result_that_is_too_large_for_a_record_takes_the_other_way() {
    let grid = bulky_grid();
    let message = r#"{"workload":"bulky","id":"march","input":{"bytes":1000000},"sizing":{"tasks":1,"subtasks_per_task":10000}}"#;
    assert!(matches!(grid.split(message), SplitOutcome::Enqueued { n_tasks: 1, .. }));
    grid.ports.workers.crashing.store(true, Ordering::Relaxed);
    for task in everything_in(&grid.memory.tasks) {
        assert!(matches!(grid.consume(&task), Consumed::Published { n_failures: 10_000, .. }));
    }
    let results = everything_in(&grid.memory.results);
    assert!(results[0].len() < 100, "{}", results[0].len());
    grid.collect(&results);
    let ending = grid.row("march").ending.unwrap();
    assert_eq!(ending.status, JobStatus::CompleteWithFailures);
    assert_eq!(ending.failures.len(), 10_000);
    let said = "crashed; ".repeat(20);
    assert_eq!(ending.failures[99].reason, said);
    assert_eq!(ending.failures[9_999].reason, format!("{}…", &said[..40]));
}
