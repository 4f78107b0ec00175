//! What the streams gave up comes back to its job.

use squall_core::ports::{GivenUpRecords, GivenUpStore};

use super::*;
use crate::{TakenBack, take_back};

fn given_up(grid: &Grid, records: &[Vec<u8>]) {
    let reason = "RetryAttemptsExhausted, deliveries: 6".to_owned();
    grid.memory.give_up(
        GivenUpRecords { records: records.to_vec(), n_deliveries: 6, reason },
        grid.ports.clock.now_us(),
    );
}

fn taken_of(grid: &Grid, at_most: usize, until_us: u64) -> TakenBack {
    block_on(take_back(&grid.ports, &grid.inputs, &CollectConfig::default(), at_most, until_us)).unwrap()
}

fn taken_until(grid: &Grid, until_us: u64) -> TakenBack {
    taken_of(grid, 100, until_us)
}

fn taken(grid: &Grid) -> TakenBack {
    taken_until(grid, NEVER_US)
}

fn wait_until(grid: &Grid, us: u64) {
    run_until_done(&grid.ports.clock, grid.ports.sleep_until(us)).unwrap();
}

fn n_kept(grid: &Grid) -> usize {
    block_on(grid.memory.given_up(0, 100)).unwrap().len()
}

#[test]
fn a_task_is_booked_as_failed_with_its_reason_and_a_retry_sends_it_again() {
    let grid = Grid::new();
    grid.split(JOB);
    let tasks = everything_in(&grid.memory.tasks);
    given_up(&grid, &tasks[..1]);
    given_up(&grid, &tasks[1..2]);
    tasks[2..].iter().for_each(|task| drop(grid.consume(task)));
    grid.collect(&everything_in(&grid.memory.results));
    assert_eq!(grid.row("march").status(), JobStatus::Running);

    let found = taken(&grid);
    assert_eq!((found.n_tasks, found.n_late, found.n_left, found.ended.len()), (2, 0, 0, 1));
    assert_eq!(n_kept(&grid), 0);
    let ending = grid.row("march").ending.unwrap();
    assert_eq!(ending.status, JobStatus::CompleteWithFailures);
    assert_eq!((ending.failures.len(), ending.failures[0].attempts), (2, 6));
    assert_eq!(
        ending.failures[0].reason,
        "the consumer gave no result: RetryAttemptsExhausted, deliveries: 6"
    );
    assert_eq!(ending.failures[0].cause, Cause::WholeTask);

    grid.resend().unwrap();
    everything_in(&grid.memory.tasks).iter().for_each(|task| drop(grid.consume(task)));
    grid.collect(&everything_in(&grid.memory.results));
    assert_eq!(grid.row("march").status(), JobStatus::Complete);
}

#[test]
fn a_result_is_merged_after_all_and_a_task_whose_result_is_in_changes_nothing() {
    let grid = Grid::new();
    grid.split(JOB);
    let tasks = everything_in(&grid.memory.tasks);
    tasks.iter().for_each(|task| drop(grid.consume(task)));
    let results = everything_in(&grid.memory.results);
    grid.collect(&results[1..]);
    // Its consumer died after it had published.
    let of_first = ResultRecord::from_bytes(&results[0]).unwrap().index;
    let in_already = tasks.iter().find(|it| TaskRecord::from_bytes(it).unwrap().index != of_first).unwrap();
    given_up(&grid, std::slice::from_ref(in_already));
    given_up(&grid, &results[..1]);
    let found = taken(&grid);
    assert_eq!((found.n_tasks, found.n_results, found.ended.len()), (1, 1, 1));
    assert_eq!((grid.row("march").status(), n_kept(&grid)), (JobStatus::Complete, 0));
}

#[test]
fn what_was_reopened_or_has_ended_is_dropped() {
    let grid = Grid::new();
    grid.split(JOB);
    let tasks = everything_in(&grid.memory.tasks);
    let row = grid.row("march");
    block_on(close(&grid.ports, grid.inputs.registry(), &row, Closing::Cancelled)).unwrap();
    given_up(&grid, &tasks[..1]);
    assert_eq!((taken(&grid).n_late, n_kept(&grid)), (1, 0));
    grid.resend().unwrap();
    given_up(&grid, &tasks[..1]);
    assert_eq!((taken(&grid).n_late, n_kept(&grid)), (1, 0));
    assert_eq!(grid.row("march").total().n_tasks, 0);
}

#[test]
fn what_cannot_be_booked_stays_and_holds_nothing_up() {
    let grid = Grid::new();
    let other = Grid::new();
    other.split(&JOB.replace("march", "april"));
    given_up(&grid, &everything_in(&other.memory.tasks)[..1]);
    given_up(&grid, &[b"rubbish".to_vec()]);
    grid.split(JOB);
    given_up(&grid, &everything_in(&grid.memory.tasks)[..1]);
    let found = taken(&grid);
    assert_eq!((found.n_tasks, found.n_left, n_kept(&grid)), (1, 2, 2));
    let reasons: Vec<_> = found.failed.iter().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["job april is not known", "cannot decode result record: not a message of this grid"]
    );
    // No time is left: nothing is read.
    let found = taken_until(&grid, 0);
    assert_eq!((found.n_left, found.failed.len(), n_kept(&grid)), (2, 0, 2));
    // Nothing is tried for longer than a day.
    wait_until(&grid, 90_000_000_000);
    let found = taken(&grid);
    assert_eq!((found.n_left, found.failed.len(), n_kept(&grid)), (0, 0, 2));
}

/// A collector that dies of one result must not keep the others from being tried: each minute it begins with others.
#[test]
fn of_many_results_each_is_tried_before_long() {
    let grid = Grid::new();
    (0..250).for_each(|_| given_up(&grid, &[b"rubbish".to_vec()]));
    let mut tried = std::collections::BTreeSet::new();
    for minute in 0..40 {
        wait_until(&grid, minute * 60_000_000);
        let found = taken_of(&grid, 1_000, NEVER_US);
        assert_eq!((found.failed.len(), found.n_left), (100, 250));
        tried.extend(found.failed.into_iter().map(|(batch, _)| batch));
    }
    assert_eq!(tried.len(), 250);
}

/// Between looking at a job and booking, it may be ended and sent again.
#[test]
fn a_task_of_an_earlier_generation_is_not_booked_into_a_later_one() {
    let grid = Grid::new();
    grid.split(JOB);
    let task = TaskRecord::from_bytes(&everything_in(&grid.memory.tasks)[0]).unwrap();
    let failure = Failure::of_whole_task(&task, 6, "died".to_owned());
    let result = ResultRecord::without_value(&task, failure, Default::default()).to_bytes();
    block_on(close(&grid.ports, grid.inputs.registry(), &grid.row("march"), Closing::Cancelled)).unwrap();
    grid.resend().unwrap();
    let generations = [(0, 0)].into();
    let config = CollectConfig::default();
    let results = [result];
    let of = crate::collect::collect_of(&grid.ports, &grid.inputs, &config, &results, &generations);
    let collected = block_on(of);
    assert_eq!((collected.n_merged, collected.n_late), (0, 1));
    assert_eq!(grid.row("march").total().n_tasks, 0);
}
