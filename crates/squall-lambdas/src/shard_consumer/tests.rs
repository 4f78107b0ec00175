use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use squall_core::cascade::{CascadePolicy, ThrottleReason, Throttles};
use squall_core::ports::{Assembled, InvokeError};
use squall_core::wire::ResultRecord;
use squall_memory::Record;

use super::*;
use crate::tests::events::{self, sequence_number};
use crate::tests::grid::{Grid, START_US};

fn results(grid: &Grid) -> Vec<ResultRecord> {
    grid.results().concat().iter().map(|record| ResultRecord::from_bytes(&record.data).unwrap()).collect()
}

fn task_of(event: &KinesisEvent) -> TaskRecord {
    TaskRecord::from_bytes(&event.records[0].kinesis.data).unwrap()
}

#[test]
fn task_json_becomes_a_result_from_each_of_two_shards() {
    for (file, shard) in [("task.json", 0), ("task-of-another-shard.json", 1)] {
        let grid = Grid::with_sample_job();
        let event: KinesisEvent = events::read("shard-consumer", file);
        let event_id = event.records[0].event_id.clone().unwrap();
        assert!(event_id.starts_with(&format!("shardId-{shard:012}:")), "{event_id}");
        let task = task_of(&event);
        assert_eq!(grid.consume(event), [""; 0]);
        let results = results(&grid);
        assert_eq!(results.len(), 1);
        assert_eq!((results[0].index, results[0].fingerprint), (task.index, task.fingerprint()));
        assert_eq!((results[0].receipt.subtasks, results[0].weight_done()), (2, task.weight));
    }
}

#[test]
fn poison_json_is_reported_by_its_sequence_number() {
    let grid = Grid::with_sample_job();
    let event: KinesisEvent = events::read("shard-consumer", "poison.json");
    let sequence_number = event.records[0].kinesis.sequence_number.clone();
    assert_eq!(grid.consume(event), [sequence_number]);
    assert!(results(&grid).is_empty());
}

#[test]
fn a_batch_stops_at_its_first_failure_and_reports_only_that() {
    let grid = Grid::with_sample_job();
    let mut batch = grid.tasks()[0][..4].to_vec();
    for spoilt in [1, 3] {
        batch[spoilt] = Record { data: Vec::from("spoilt").into(), ..batch[spoilt].clone() };
    }
    let expected = [sequence_number(&batch[1])];
    assert_eq!(grid.consume(events::of_stream("squall-tasks", 0, &batch)), expected);
    let first = TaskRecord::from_bytes(&batch[0].data).unwrap();
    assert_eq!(results(&grid).iter().map(|result| result.index).collect::<Vec<_>>(), [first.index]);
}

#[test]
fn a_task_of_an_unknown_job_is_reported() {
    let event: KinesisEvent = events::read("shard-consumer", "task.json");
    assert_eq!(Grid::new().consume(event).len(), 1);
}

#[test]
fn a_task_of_a_job_past_its_deadline_is_dropped_and_not_reported() {
    let grid = Grid::with_sample_job();
    grid.wait_us(3_600_000_000);
    assert_eq!(grid.consume(events::read("shard-consumer", "task.json")), [""; 0]);
    assert!(results(&grid).is_empty());
}

/// Workers that refuse once for every reason.
struct Refusing<W> {
    workers: Arc<W>,
    left: Mutex<Vec<ThrottleReason>>,
}

impl<W: Workers> Workers for Refusing<W> {
    async fn invoke(&self, stripe: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let refused = self.left.lock().unwrap().pop();
        match refused {
            Some(reason) => Err(InvokeError::Throttled(reason.into())),
            None => self.workers.invoke(stripe, request).await,
        }
    }
}

#[test]
fn refusals_are_counted_by_reason() {
    let grid = Grid::with_sample_job();
    let event: KinesisEvent = events::read("shard-consumer", "task.json");
    let left = vec![ThrottleReason::Function, ThrottleReason::Concurrency, ThrottleReason::Concurrency];
    let Grid { ports, inputs, .. } = grid;
    let ports = Assembled {
        workers: Arc::new(Refusing { workers: ports.workers, left: Mutex::new(left) }),
        clock: ports.clock,
        files: ports.files,
        blobs: ports.blobs,
        jobs: ports.jobs,
        tasks: ports.tasks,
        results: ports.results,
        events: ports.events,
    };
    // The tests' clock never wakes a waiting task.
    let cascade = CascadePolicy { backoff_us: 0, n_stripes: 8, ..CascadePolicy::default() };
    let config = ConsumeConfig {
        cascade,
        memory_mb: 1_769,
        worker_memory_mb: 1_769,
        metering: squall_grid::Metering::Elapsed,
        patience_us: 0,
    };
    let consumed = consume(&ports, &inputs, &config, &event.records[0].kinesis.data, u64::MAX);
    let Ok(Consumed::Published { receipt, throttles, .. }) = block_on(consumed) else { panic!() };
    assert_eq!(throttles, Throttles { function: 1, concurrency: 2, call_rate: 0 });
    assert_eq!((receipt.throttles, receipt.subtasks), (3, 2));
}

#[test]
fn a_deadline_that_has_passed_is_not_known() {
    let now_us = START_US;
    let now_ms = now_us / 1_000;
    assert_eq!(deadline_us(now_ms + 900_000, now_us), now_us + 900_000_000);
    assert_eq!(deadline_us(now_ms + 1, now_us), now_us + 1_000);
    // As sent by `cargo lambda watch`: ten minutes after the beginning of 1970.
    for unknown in [0, 600_000, now_ms - 1, now_ms] {
        assert_eq!(deadline_us(unknown, now_us), u64::MAX, "{unknown}");
    }
    assert_eq!(deadline_us(u64::MAX, now_us), u64::MAX);
}
