//! Workers that send what is not the value of their slice, or that did it in no time.

use squall_core::wire::{FailedPiece, SubtaskReply, encode};

use super::*;

/// What a worker makes of its reply.
pub(super) type Lie = fn(Vec<u8>) -> Vec<u8>;

fn altered(reply: &[u8], alter: impl FnOnce(&mut SubtaskReply)) -> Vec<u8> {
    let mut reply = SubtaskReply::from_bytes(reply).unwrap();
    alter(&mut reply);
    reply.to_bytes()
}

/// A sum of so many units, as the probe encodes it.
fn sum_of(units: u64) -> Vec<u8> {
    encode(&(units, 7_u64))
}

fn too_many_units(reply: Vec<u8>) -> Vec<u8> {
    altered(&reply, |it| it.outcome = Ok(sum_of(60)))
}

fn no_units(reply: Vec<u8>) -> Vec<u8> {
    altered(&reply, |it| it.outcome = Ok(sum_of(0)))
}

/// All of another slice is said to have failed, and weighs what it should.
fn a_failure_of_another_slice(reply: Vec<u8>) -> Vec<u8> {
    altered(&reply, |it| {
        it.outcome = Ok(sum_of(0));
        it.failed =
            vec![FailedPiece { slice: encode(&(1_000_u64, 5_u64)), weight: 5, reason: String::new() }];
    })
}

fn an_endless_slice(reply: Vec<u8>) -> Vec<u8> {
    altered(&reply, |it| {
        it.failed =
            vec![FailedPiece { slice: encode(&(u64::MAX, u64::MAX)), weight: 5, reason: String::new() }];
    })
}

fn a_failure_that_weighs_more(reply: Vec<u8>) -> Vec<u8> {
    altered(&reply, |it| {
        it.outcome = Ok(sum_of(0));
        it.failed = (0..5)
            .map(|n| FailedPiece { slice: encode(&(n, 1_u64)), weight: u64::MAX, reason: String::new() })
            .collect();
    })
}

fn eternal(reply: Vec<u8>) -> Vec<u8> {
    altered(&reply, |it| {
        (it.worked_us, it.loaded_us, it.began_us, it.memory_mb) = (u64::MAX, u64::MAX, u64::MAX, u32::MAX);
    })
}

/// The job's ending and receipt after all of its tasks were consumed and collected, with so many lies at first.
fn ended(lie: Lie, n_lies: usize) -> (Grid, Vec<Consumed>) {
    let mut grid = Grid::new();
    let workers = Arc::get_mut(&mut grid.ports.workers).unwrap();
    workers.lie = Some(lie);
    workers.lies = AtomicUsize::new(n_lies);
    grid.split(JOB);
    let tasks = everything_in(&grid.memory.tasks);
    let consumed = tasks.iter().map(|task| grid.consume(task)).collect();
    grid.collect(&everything_in(&grid.memory.results));
    (grid, consumed)
}

#[test]
fn a_value_that_is_not_of_its_slice_is_no_value_and_is_asked_for_again() {
    let (honest, _) = ended(too_many_units, 0);
    let answer = |grid: &Grid| grid.row("march").ending.unwrap().answer;
    for lie in
        [too_many_units, no_units, a_failure_of_another_slice, an_endless_slice, a_failure_that_weighs_more]
    {
        let (grid, consumed) = ended(lie, 1);
        let ending = grid.row("march").ending.unwrap();
        assert_eq!(ending.status, JobStatus::Complete);
        assert_eq!(answer(&grid), answer(&honest), "the lie is not in the answer");
        let retries = consumed.iter().map(|it| match it {
            Consumed::Published { receipt, .. } => receipt.retries,
            Consumed::Dropped(_) => 0,
        });
        assert_eq!(retries.sum::<u64>(), 1);
    }
}

#[test]
fn a_worker_that_only_lies_has_no_value_in_the_answer() {
    let (grid, _) = ended(too_many_units, usize::MAX);
    let ending = grid.row("march").ending.unwrap();
    assert!(ending.answer.is_empty() && ending.coverage.weight_done == 0, "{ending:?}");
    let reason = &ending.failures[0].reason;
    assert_eq!(reason, "cannot decode partial: it has 60 of 5 units");
}

#[test]
fn nobody_worked_longer_than_was_waited_for_or_in_more_memory_than_there_is() {
    let grid = {
        let mut grid = Grid::new();
        let workers = Arc::get_mut(&mut grid.ports.workers).unwrap();
        (workers.lie, workers.lies) = (Some(eternal as Lie), AtomicUsize::new(usize::MAX));
        grid
    };
    for result in grid.results() {
        let result = ResultRecord::from_bytes(&result).unwrap();
        let waited_us = result.times.answered_us - result.times.read_us;
        assert!(result.receipt.worker_us <= 2 * (waited_us + 1_000), "{result:?}");
        for span in result.spans.iter() {
            assert!(span.began_us <= span.loaded_us && span.loaded_us <= span.ended_us);
            assert!(span.ended_us <= span.answered_us && span.answered_us <= waited_us, "{span:?}");
        }
    }
}
