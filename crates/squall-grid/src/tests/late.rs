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
