//! One job is never computed by two builds: other code is refused by name, and nothing is merged.

use squall_core::registry::Registry;
use squall_core::wire::SubtaskRequest;

use super::*;

fn built_as(build: &str) -> Registry {
    squall_workloads::registry().built_as(build)
}

/// The functions of a grid after a deploy: the same world, other code.
fn deployed(grid: Grid, build: &str) -> Grid {
    Grid { inputs: Arc::new(InputCache::new(built_as(build))), ..grid }
}

#[test]
fn a_worker_of_another_build_is_refused_and_nothing_is_merged() {
    let grid = Grid::with_workers_of("0.2.0 (bbb)");
    grid.split(JOB);
    for task in everything_in(&grid.memory.tasks) {
        assert!(matches!(grid.consume(&task), Consumed::Published { n_failures: 2, .. }));
    }
    let results = everything_in(&grid.memory.results);
    for result in &results {
        let result = ResultRecord::from_bytes(result).unwrap();
        assert_eq!(result.partial, None);
        for failure in &result.failures {
            assert_eq!(failure.reason, "the worker refused: it is probe version 1 of build 0.2.0 (bbb)");
            assert_eq!(failure.attempts, 1, "another attempt would not do better");
        }
    }
    assert_eq!(grid.collect(&results).n_merged, 6);
    let ending = grid.row("march").ending.unwrap();
    assert_eq!((ending.status, ending.answer), (JobStatus::CompleteWithFailures, Vec::new()));
    assert_eq!((ending.coverage.weight_done, ending.failures.len()), (0, 12));
}

#[test]
fn a_worker_that_answers_for_other_code_is_not_believed() {
    let grid = Grid::new();
    grid.split(JOB);
    let task = TaskRecord::from_bytes(&everything_in(&grid.memory.tasks)[0]).unwrap();
    let request = SubtaskRequest {
        workload: task.workload.clone(),
        code: task.code.id(),
        input: task.input,
        slice: task.slice.clone(),
    };
    let config = WorkConfig {
        n_vcpus: NonZeroUsize::MIN,
        memory_mb: 1_769,
        read: ReadPolicy::default(),
        max_reply_bytes: usize::MAX,
    };
    let other = InputCache::new(built_as("0.2.0 (bbb)"));
    let reply = block_on(work(&grid.ports, &other, &config, &request.to_bytes())).unwrap();
    let reply = squall_core::wire::SubtaskReply::from_bytes(&reply).unwrap();
    assert_ne!(reply.code, request.code);
    assert!(reply.outcome.is_err());
}

#[test]
fn a_consumer_of_another_build_refuses_at_once_and_by_name() {
    let grid = deployed(Grid::new(), "0.2.0 (aaa)");
    grid.split(JOB);
    let tasks = everything_in(&grid.memory.tasks);
    let grid = deployed(grid, "0.2.0 (bbb)");
    for task in &tasks {
        assert!(matches!(grid.consume(task), Consumed::Published { n_failures: 1, .. }));
    }
    let results = everything_in(&grid.memory.results);
    let result = ResultRecord::from_bytes(&results[0]).unwrap();
    assert_eq!(
        result.failures[0].reason,
        "the consumer refused: the job was made by probe version 1 of build 0.2.0 (aaa); this is probe version 1 of \
         build 0.2.0 (bbb)"
    );
    // Collected by the build that made it, the job ends, and has nothing in its answer.
    let grid = deployed(grid, "0.2.0 (aaa)");
    grid.collect(&results);
    let ending = grid.row("march").ending.unwrap();
    assert_eq!((ending.status, ending.answer), (JobStatus::CompleteWithFailures, Vec::new()));
}

#[test]
fn a_collector_of_another_build_merges_nothing_more_and_ends_the_job() {
    let grid = deployed(Grid::with_workers_of("0.2.0 (aaa)"), "0.2.0 (aaa)");
    let results = grid.results();
    assert_eq!(grid.collect(&results[..2]).n_merged, 2);
    let grid = deployed(grid, "0.2.0 (bbb)");
    let collected = grid.collect(&results[2..]);
    assert_eq!((collected.n_merged, collected.n_late, collected.failed.len()), (0, 4, 0));
    let ending = grid.row("march").ending.unwrap();
    assert_eq!((ending.status, ending.missing.len()), (JobStatus::Expired, 4));
    let reason = ending.reason.unwrap();
    assert!(
        reason.starts_with(
            "it was made by probe version 1 of build 0.2.0 (aaa), and another build was deployed"
        ),
        "{reason}"
    );
    // Results merged before are in the answer, which any build of this version can show.
    let seen = block_on(observe(&grid.ports, &grid.inputs, &id("march"))).unwrap().unwrap();
    assert_eq!(seen.headline().unwrap(), "20 of 60 units");
}

#[test]
fn the_timer_ends_a_job_of_another_build() {
    let grid = deployed(Grid::new(), "0.2.0 (aaa)");
    grid.split(JOB);
    let grid = deployed(grid, "0.2.0 (bbb)");
    block_on(sweep(&grid.ports, grid.inputs.registry(), &Prices::default(), 10, NEVER_US)).unwrap();
    assert_eq!(grid.row("march").status(), JobStatus::Expired);
}
