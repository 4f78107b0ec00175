//! Answers that no function could hold in one piece.

use std::collections::BTreeMap;

use squall_core::data::Data;
use squall_core::ports::BlobStore;
use squall_core::registry::Registry;
use squall_core::sizing::MemoryLimits;
use squall_core::sources::{Given, Source};
use squall_core::workload::{Coverage, EvaluateError, InputError, Weight, Workload};

use super::*;

/// Bytes of the value of one column.
const COLUMN_BYTES: usize = 90_000;

/// A computation whose value has many bytes for each column.
struct Wide;

impl Workload for Wide {
    const NAME: &'static str = "wide";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Has a value of many bytes";
    type Input = BTreeMap<String, u32>;
    /// Columns, and how many of those before it each slice has too.
    type Prepared = (u32, u32);
    type Slice = (u32, u32);
    type Partial = BTreeMap<u32, Vec<u8>>;
    type Report = usize;

    fn input_schema() -> serde_json::Value {
        serde_json::json!({ "type": "object" })
    }

    fn sources(_: &Self::Input) -> Vec<Source> {
        Vec::new()
    }

    fn prepare(input: Self::Input, _: &Given) -> Result<Self::Prepared, InputError> {
        Ok((input["columns"], input.get("shared").copied().unwrap_or(0)))
    }

    fn whole((n_columns, _): &Self::Prepared) -> (u32, u32) {
        (0, *n_columns)
    }

    fn weight(_: &Self::Prepared, (start, end): &(u32, u32)) -> Weight {
        Weight::from(end - start)
    }

    fn divide(_: &Self::Prepared, (start, end): &(u32, u32), parts: NonZeroUsize) -> Vec<(u32, u32)> {
        let each = (end - start).div_ceil(u32::try_from(parts.get()).unwrap()).max(1);
        (*start..*end).step_by(each as usize).map(|at| (at, (at + each).min(*end))).collect()
    }

    fn evaluate(
        (_, shared): &Self::Prepared,
        (start, end): &(u32, u32),
        _: &mut dyn Data,
    ) -> Result<Self::Partial, EvaluateError> {
        let columns = start.saturating_sub(*shared)..*end;
        Ok(columns.map(|column| (column, vec![7; COLUMN_BYTES])).collect())
    }

    fn merge(into: &mut Self::Partial, other: Self::Partial) {
        into.extend(other);
    }

    fn value_bytes((_, shared): &Self::Prepared, (start, end): &(u32, u32)) -> u64 {
        u64::from(end - start.saturating_sub(*shared)) * COLUMN_BYTES as u64
    }

    fn units((n_columns, _): &Self::Prepared) -> (u64, &'static str) {
        (u64::from(*n_columns), "columns")
    }

    fn report(_: &Self::Prepared, partial: Option<&Self::Partial>, _: &Coverage) -> usize {
        partial.map_or(0, BTreeMap::len)
    }
}

fn grid() -> Grid {
    let inputs = Arc::new(InputCache::new(Registry::default().with::<Wide>()));
    let mut grid = Grid { inputs, ..Grid::new() };
    Arc::get_mut(&mut grid.ports.workers).unwrap().inputs = Arc::clone(&grid.inputs);
    grid
}

fn split_within(grid: &Grid, message: &str, memory: MemoryLimits) -> SplitOutcome {
    let config =
        SplitConfig { memory: Some(memory), max_buckets: 2, ..SplitConfig::of(&Deployment::default()) };
    let splitting = split(&grid.ports, &grid.inputs, &config, message.as_bytes(), id("wide"));
    run_until_done(&grid.ports.clock, splitting).unwrap().unwrap()
}

/// Memory of a consumer of 128 MB and a collector of 100 MB.
fn memory() -> MemoryLimits {
    MemoryLimits {
        input_bytes: 1_000,
        prepared_bytes: 1_000,
        subtask_bytes: 64_000_000,
        task_bytes: 64_000_000,
        bucket_bytes: 75_000_000,
    }
}

/// Runs the job to its end, looks at it in between, and returns its row and the number of columns of its answer.
fn ended(grid: &Grid, message: &str, memory: MemoryLimits, n_tasks: u64) -> (JobRow, serde_json::Value) {
    assert_eq!(split_within(grid, message, memory), SplitOutcome::Enqueued { job: id("wide"), n_tasks });
    for task in everything_in(&grid.memory.tasks) {
        assert!(matches!(grid.consume(&task), Consumed::Published { n_failures: 0, .. }));
    }
    let results = everything_in(&grid.memory.results);
    let (some, others) = results.split_at(results.len() / 2);
    let look = || block_on(observe(&grid.ports, &grid.inputs, &id("wide"))).unwrap().unwrap();
    assert_eq!(grid.collect(some).failed, vec![]);
    assert!(look().report().is_some());
    assert_eq!(grid.collect(others).failed, vec![]);
    let row = grid.row("wide");
    assert_eq!(row.status(), JobStatus::Complete);
    (row, look().report().unwrap().json)
}

#[test]
fn an_answer_that_is_larger_than_the_collector_is_stored_in_parts_and_read_as_one() {
    let grid = grid();
    // Twenty megabytes.
    let message = r#"{"workload":"wide","input":{"columns":220},"sizing":{"tasks":11}}"#;
    let (row, n_columns) = ended(&grid, message, memory(), 11);
    assert_eq!(n_columns, 220);
    let published = row.published.unwrap();
    assert!(published.is_large);
    assert_eq!(published.n_buckets, 11, "as small as they can be");
    let parts = row.ending.unwrap().answer;
    let sizes: Vec<_> = parts.iter().map(|it| block_on(grid.memory.blob(*it)).unwrap().len()).collect();
    assert_eq!(sizes.len(), 3, "{sizes:?}");
    assert!(sizes.iter().all(|bytes| *bytes < 8_000_000 + 20 * COLUMN_BYTES), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>() / COLUMN_BYTES, 220);
}

/// However large it is: it takes no more once it is merged. Not so one of which each bucket shares a part with the next.
#[test]
fn an_answer_of_which_every_bucket_has_nearly_all_is_one_part_and_others_are_bounded() {
    for (n_columns, n_tasks, shared, n_parts) in [(60, 6, 60, 1), (120, 6, 120, 1), (220, 11, 10, 2)] {
        let grid = grid();
        let message = format!(
            r#"{{"workload":"wide","input":{{"columns":{n_columns},"shared":{shared}}},"sizing":{{"tasks":{n_tasks}}}}}"#
        );
        let (row, found) = ended(&grid, &message, memory(), n_tasks);
        assert_eq!(found, n_columns);
        let parts = row.ending.unwrap().answer;
        let sizes: Vec<_> = parts.iter().map(|it| block_on(grid.memory.blob(*it)).unwrap().len()).collect();
        assert_eq!(sizes.len(), n_parts, "{sizes:?}");
        assert!(n_parts == 1 || sizes.iter().all(|bytes| *bytes < 16_000_000), "{sizes:?}");
    }
}

#[test]
fn what_neither_the_collector_nor_a_consumer_can_merge_is_refused() {
    let refused = |message: &str, memory| match split_within(&grid(), message, memory) {
        SplitOutcome::Rejected(_, error) => error.to_string(),
        outcome => panic!("{outcome:?}"),
    };
    let message =
        r#"{"workload":"wide","input":{"columns":2000},"sizing":{"tasks":2,"subtasks_per_task":1}}"#;
    assert_eq!(
        refused(message, memory()),
        "input: the value of a subtask takes about 90 MB to compute; the workers of this deployment hold 64 MB at most: use more tasks or \
         subtasks, ask for less, or give them more memory"
    );
    assert_eq!(
        refused(message, MemoryLimits { subtask_bytes: u64::MAX, ..memory() }),
        "input: the value of a task takes about 90 MB to merge; the consumers of this deployment hold 64 MB at most: use more tasks, ask for \
         less, or give them more memory"
    );
    assert_eq!(
        refused(message, MemoryLimits { subtask_bytes: u64::MAX, task_bytes: u64::MAX, ..memory() }),
        "input: a bucket of its answer takes about 90 MB to merge; the collector of this deployment holds 75 MB at most: use more tasks, ask \
         for less, or give it more memory"
    );
    // Without a wish, it is cut so that it fits.
    let message = message.replace(r#","sizing":{"tasks":2,"subtasks_per_task":1}"#, "");
    assert!(matches!(split_within(&grid(), &message, memory()), SplitOutcome::Enqueued { n_tasks: 6, .. }));
}
