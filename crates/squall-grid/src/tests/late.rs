//! Results that come after their job's end.

use super::*;

/// What was under way when a job was cancelled is in its costs, and is not computed again by a retry; its answer stays.
#[test]
fn results_that_come_after_the_end_are_kept_for_a_retry() {
    let grid = Grid::new();
    let results = grid.results();
    grid.collect(&results[..2]);
    block_on(close(&grid.ports, grid.inputs.registry(), &grid.row("march"), Closing::Cancelled)).unwrap();
    let ended = grid.row("march");
    let collected = grid.collect(&results[2..5]);
    assert_eq!((collected.n_merged, collected.n_late, collected.ended), (0, 3, vec![]));
    let row = grid.row("march");
    assert_eq!(row.ending, ended.ending);
    let prices = Prices::default();
    assert!(row.cost(&prices) > ended.cost(&prices), "{} of {}", row.cost(&prices), ended.cost(&prices));

    assert_eq!(grid.resend().unwrap().n_missing, 1);
    everything_in(&grid.memory.tasks).iter().for_each(|task| drop(grid.consume(task)));
    grid.collect(&everything_in(&grid.memory.results));
    let row = grid.row("march");
    assert_eq!((row.status(), row.total().n_tasks), (JobStatus::Complete, 6));
    assert_eq!(row.cost(&prices), prices.cost_of(&row.ending.unwrap().receipt));
}

/// As every small job: its only task came in after it was cancelled.
#[test]
fn a_job_whose_missing_tasks_are_all_in_ends_complete_after_a_retry() {
    let grid = Grid::new();
    let results = grid.results();
    grid.collect(&results[..2]);
    block_on(close(&grid.ports, grid.inputs.registry(), &grid.row("march"), Closing::Cancelled)).unwrap();
    grid.collect(&results[2..]);
    assert_eq!(grid.resend().unwrap(), Resent { n_missing: 0, n_failed: 0 });
    assert!(everything_in(&grid.memory.tasks).is_empty());
    block_on(sweep(&grid.ports, grid.inputs.registry(), &Prices::default(), 10, NEVER_US)).unwrap();
    assert_eq!(grid.row("march").status(), JobStatus::Complete);
    assert!(matches!(grid.resend(), Err(ResendError::Not(_, NotResent::Complete))));
}
