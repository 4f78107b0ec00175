use std::sync::Arc;

use expect_test::expect;
use futures::executor::block_on;
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::ports::{Assembled, PortError};
use squall_core::prices::Prices;
use squall_core::rows::{JobEnd, JobRow, JobStatus};
use squall_grid::observe;

use super::*;
use crate::tests::events;
use crate::tests::grid::Grid;

fn batch(file: &str) -> CollectorEvent {
    events::read("result-collector", file)
}

/// The data of a batch's records.
fn data(file: &str) -> Vec<Vec<u8>> {
    let CollectorEvent::Batch(event) = batch(file) else { unreachable!() };
    event.records.into_iter().map(|record| record.kinesis.data.0).collect()
}

fn hash(grid: &Grid) -> String {
    let id = JobId::new("sample-probe").unwrap();
    let observation = block_on(observe(&grid.ports, &grid.inputs, &id)).unwrap().unwrap();
    let report = observation.report().unwrap().json;
    assert_eq!(report["units_done"], 64);
    report["hash"].as_str().unwrap().to_owned()
}

#[test]
fn the_batches_of_both_shards_complete_the_job_however_often_they_come() {
    let grid = Grid::with_sample_job();
    for _ in 0..2 {
        assert_eq!(grid.collect(batch("shard-0.json")), [""; 0]);
        assert_eq!(grid.row("sample-probe").status(), JobStatus::Running);
    }
    for _ in 0..2 {
        assert_eq!(grid.collect(batch("shard-1.json")), [""; 0]);
        assert_eq!(grid.row("sample-probe").status(), JobStatus::Complete);
    }
    assert!(grid.row("sample-probe").announced);
}

#[test]
fn aggregated_batch_json_gives_the_same_answer_as_the_batches_of_both_shards() {
    let (apart, at_once) = (Grid::with_sample_job(), Grid::with_sample_job());
    apart.collect(batch("shard-1.json"));
    apart.collect(batch("shard-0.json"));
    assert_eq!(at_once.collect(batch("aggregated-batch.json")), [""; 0]);
    assert_eq!(at_once.row("sample-probe").status(), JobStatus::Complete);
    assert_eq!(hash(&apart), hash(&at_once));
    expect!["32f449636d75c483"].assert_eq(&hash(&at_once));
}

#[test]
fn records_that_cannot_be_merged_are_reported_lowest_first_and_the_others_are_merged() {
    let grid = Grid::with_sample_job();
    let CollectorEvent::Batch(mut event) = batch("aggregated-batch.json") else { unreachable!() };
    event.records[11].kinesis.data.0 = b"spoilt".to_vec();
    event.records[3].kinesis.data.0.pop();
    let expected = [3, 11].map(|position| event.records[position].kinesis.sequence_number.clone());
    assert_eq!(grid.collect(CollectorEvent::Batch(event)), expected);
    assert_eq!(grid.row("sample-probe").total().n_tasks, 14);
}

#[test]
fn results_of_an_unknown_job_are_reported() {
    assert_eq!(Grid::new().collect(batch("aggregated-batch.json")).len(), 16);
}

#[test]
fn scheduled_json_ends_a_job_that_is_past_its_deadline() {
    let grid = Grid::with_sample_job();
    grid.collect(batch("shard-0.json"));
    assert_eq!(grid.collect(batch("scheduled.json")), [""; 0]);
    assert_eq!(grid.row("sample-probe").status(), JobStatus::Running);
    grid.wait_us(3_600_000_000);
    assert_eq!(grid.collect(batch("scheduled.json")), [""; 0]);
    let row = grid.row("sample-probe");
    assert_eq!(row.status(), JobStatus::Expired);
    let n_missing = row.ending.as_ref().unwrap().missing.len();
    assert_eq!(n_missing, 16 - u64::from(row.total().n_tasks));
    assert!(row.announced);
}

#[test]
fn an_end_is_counted_once_by_the_collector_that_wrote_it() {
    let grid = Grid::with_sample_job();
    grid.wait_us(2_000_000);
    let (config, batch) = (CollectConfig::default(), data("aggregated-batch.json"));
    let ended = || block_on(collect(&grid.ports, &grid.inputs, &config, &batch)).ended;
    let ends = ended();
    let cost = Prices::default().cost_of(&grid.row("sample-probe").ending.unwrap().receipt);
    assert_eq!(ends, [JobEnd { status: JobStatus::Complete, cost, lasted_us: 2_000_000 }]);
    assert_eq!(ended(), []);
    assert_eq!(
        block_on(sweep(&grid.ports, grid.inputs.registry(), &Prices::default(), 10, u64::MAX)).unwrap().ended,
        []
    );
}

#[test]
fn an_end_by_the_timer_is_counted_once() {
    let grid = Grid::with_sample_job();
    let ended = || {
        block_on(sweep(&grid.ports, grid.inputs.registry(), &Prices::default(), 10, u64::MAX)).unwrap().ended
    };
    assert_eq!(ended(), []);
    grid.wait_us(3_600_000_000);
    assert_eq!(ended().iter().map(|end| end.status).collect::<Vec<_>>(), [JobStatus::Expired]);
    assert_eq!(ended(), []);
}

/// A topic that does not answer.
struct Down;

impl JobEvents for Down {
    async fn job_ended(&self, _: &JobRow) -> Result<(), PortError> {
        Err(PortError::unknown("cannot publish"))
    }

    async fn id_taken(&self, _: &JobId, _: Digest, _: &str) -> Result<(), PortError> {
        Err(PortError::unknown("cannot publish"))
    }
}

#[test]
fn an_end_that_cannot_be_announced_is_still_counted() {
    let Grid { ports, inputs, .. } = Grid::with_sample_job();
    let ports = Assembled {
        events: Arc::new(Down),
        clock: ports.clock,
        files: ports.files,
        blobs: ports.blobs,
        jobs: ports.jobs,
        tasks: ports.tasks,
        results: ports.results,
        workers: ports.workers,
    };
    let (config, batch) = (CollectConfig::default(), data("aggregated-batch.json"));
    let n_ended = || {
        let collected = block_on(collect(&ports, &inputs, &config, &batch));
        assert_eq!(collected.failed.len(), batch.len(), "to be told by another delivery");
        collected.ended.len()
    };
    assert_eq!([n_ended(), n_ended()], [1, 0]);
}

#[test]
fn an_event_of_another_shape_is_named() {
    let situations = [
        r#"{"Records":[]}"#,
        r#"{"detail-type":"Scheduled Event","source":"aws.scheduler","detail":"{}"}"#,
        r#"{"detail-type":"Object Created","source":"aws.s3","detail":{}}"#,
        r#"{"Records":[],"detail-type":"Scheduled Event"}"#,
        r#"{"requestContext":{},"body":""}"#,
        r#"{}"#,
        r#"{"Records":[{"EventSource":"aws:sns","Sns":{}}]}"#,
        r#""Scheduled Event""#,
    ];
    let table: Vec<String> = situations
        .iter()
        .map(|event| match serde_json::from_str::<CollectorEvent>(event) {
            Ok(CollectorEvent::Batch(batch)) => format!("{event}\n    a batch of {}", batch.records.len()),
            Ok(CollectorEvent::Tick) => format!("{event}\n    a tick"),
            Err(error) => format!("{event}\n    {error}"),
        })
        .collect();
    expect![[r#"
        {"Records":[]}
            a batch of 0
        {"detail-type":"Scheduled Event","source":"aws.scheduler","detail":"{}"}
            a tick
        {"detail-type":"Object Created","source":"aws.s3","detail":{}}
            the `detail-type` `Object Created`; expected `Records` of a stream or the `detail-type` `Scheduled Event`
        {"Records":[],"detail-type":"Scheduled Event"}
            both `Records` and `detail-type`; expected `Records` of a stream or the `detail-type` `Scheduled Event`
        {"requestContext":{},"body":""}
            an object with the fields `requestContext`, `body`; expected `Records` of a stream or the `detail-type` `Scheduled Event`
        {}
            an object without fields; expected `Records` of a stream or the `detail-type` `Scheduled Event`
        {"Records":[{"EventSource":"aws:sns","Sns":{}}]}
            missing field `kinesis` at line 1 column 46
        "Scheduled Event"
            invalid type: string "Scheduled Event", expected a batch of a stream or a scheduled event at line 1 column 17"#]].assert_eq(&table.join("\n"));
}
