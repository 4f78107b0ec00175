use std::sync::Arc;

use futures::executor::block_on;
use lambda_runtime::Diagnostic;
use squall_core::placement::ShardRange;
use squall_core::ports::{Assembled, NotPut, PortError, TaskPut};
use squall_core::rows::JobStatus;

use super::*;
use crate::tests::events;
use crate::tests::grid::{Grid, split_config};

#[test]
fn sns_job_json_is_cut_and_put_on_the_stream() {
    let grid = Grid::new();
    grid.split("sns-job.json").unwrap();
    let row = grid.row("sample-probe");
    assert_eq!(row.published.unwrap().n_tasks, 16);
    assert!(row.enqueued);
    assert_eq!(grid.tasks().iter().map(Vec::len).collect::<Vec<_>>(), [8, 8]);
}

#[test]
fn a_message_that_is_delivered_again_is_done_with_at_once() {
    let grid = Grid::with_sample_job();
    grid.tasks();
    grid.split("sns-job.json").unwrap();
    assert!(grid.tasks().iter().all(Vec::is_empty));
}

#[test]
fn the_tasks_that_are_put_are_counted() {
    let grid = Grid::new();
    let message = br#"{"workload":"probe","id":"seven","input":{"units":7},"sizing":{"tasks":7}}"#;
    let job = JobId::new("seven").unwrap();
    let split = || block_on(split(&grid.ports, &grid.inputs, &split_config(), message, job.clone())).unwrap();
    assert_eq!(split(), SplitOutcome::Enqueued { job: job.clone(), n_tasks: 7 });
    assert_eq!(grid.tasks().concat().len(), 7);
    assert_eq!(split(), SplitOutcome::AlreadyEnqueued(job.clone()));
}

#[test]
fn sns_rejected_json_is_recorded_under_its_message_id_and_not_retried() {
    let grid = Grid::new();
    grid.split("sns-rejected.json").unwrap();
    let row = grid.row("sns-3f1b0d5e-8a0c-5b7f-9d0e-6c2f8e4f7a11");
    assert_eq!(row.status(), JobStatus::Rejected);
    let reason = row.ending.unwrap().reason.unwrap();
    assert!(reason.starts_with("workload: `probr` is not a workload here"), "{reason}");
    assert!(row.announced);
    assert!(grid.tasks().iter().all(Vec::is_empty));
}

#[test]
fn an_external_job_of_a_worker_that_is_not_declared_is_rejected_before_anything_is_put() {
    let grid = Grid::new();
    let names = ["pricer".to_owned()].into();
    let inputs = InputCache::new(crate::externals::accepting(squall_workloads::registry(), names));
    let rejected = |worker: &str| {
        let input = format!(r#"{{"items":{{"json_lines":"not-there.jsonl"}},"worker":{worker}}}"#);
        let message = format!(r#"{{"workload":"external","input":{input}}}"#);
        let id = JobId::new("external").unwrap();
        match block_on(split(&grid.ports, &inputs, &split_config(), message.as_bytes(), id)).unwrap() {
            SplitOutcome::Rejected(_, reason) => reason.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        rejected(r#"{"command":["python3","price.py"]}"#),
        "input.worker: the job names a command, `python3 price.py`; a deployment runs only workers that its operator has declared, \
         by their names: `pricer`"
    );
    assert_eq!(grid.row("external").status(), JobStatus::Rejected);
    assert!(grid.tasks().iter().all(Vec::is_empty));
    let grid = Grid::new();
    let message =
        r#"{"workload":"external","input":{"items":{"range":[0,8]},"worker":"pricer"},"sizing":{"tasks":4}}"#;
    let id = JobId::new("declared").unwrap();
    let outcome = block_on(split(&grid.ports, &inputs, &split_config(), message.as_bytes(), id.clone()));
    assert_eq!(outcome.unwrap(), SplitOutcome::Enqueued { job: id, n_tasks: 4 });
}

#[test]
fn a_message_under_anothers_id_is_done_with() {
    let grid = Grid::with_sample_job();
    let row = grid.row("sample-probe");
    let mut event: SnsEvent = events::read("task-splitter", "sns-job.json");
    event.records[0].sns.message =
        r#"{"workload":"probe","id":"sample-probe","input":{"units":7}}"#.to_owned();
    block_on(handle(&grid.ports, &grid.inputs, &split_config(), event)).unwrap();
    assert_eq!(grid.row("sample-probe"), row);
}

/// A task stream that does not answer.
struct Down;

impl TaskQueue for Down {
    async fn shards(&self) -> Result<Vec<ShardRange>, PortError> {
        Err(PortError::refused("cannot list the shards of squall-tasks").with_source("connection refused"))
    }

    async fn put_tasks(&self, _: &[&TaskPut]) -> Result<Vec<NotPut>, PortError> {
        Err(PortError::unknown("cannot put"))
    }
}

#[test]
fn a_stream_that_does_not_answer_fails_the_invocation_with_every_cause() {
    let Grid { ports, inputs, .. } = Grid::new();
    let ports = Assembled {
        tasks: Arc::new(Down),
        clock: ports.clock,
        files: ports.files,
        blobs: ports.blobs,
        jobs: ports.jobs,
        results: ports.results,
        workers: ports.workers,
        events: ports.events,
    };
    let event = events::read("task-splitter", "sns-job.json");
    let failure = block_on(handle(&ports, &inputs, &split_config(), event)).unwrap_err();
    let message = "message 95df01b4-ee98-5cb9-9903-4c221d41eb5e: cannot list the shards of squall-tasks: connection refused";
    assert_eq!(format!("{failure:?}"), format!("PortRefused: {message}"));
    let Diagnostic { error_type, error_message } = failure.into();
    assert_eq!((error_type.as_str(), error_message.as_str()), ("PortRefused", message));
}
