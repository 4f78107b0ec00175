//! Who waits for whom: many jobs of one deployment, under simulated time.

use squall_core::job::JobId;
use squall_core::rows::JobStatus;
use squall_sim::grid::{Faults, Latencies, Publication, Scenario, Simulated, simulate};

use crate::faults::config;

const SECOND_US: u64 = 1_000_000;

/// Three shards of two lanes, of which the last shard is kept for small jobs, or not.
fn scenario(express_shards: u32) -> Scenario {
    let mut config = config();
    config.split.express_shards = express_shards;
    config.split.lanes_per_shard = 2;
    config.result_delivery.batch_size = 1_000;
    Scenario {
        n_task_shards: 3,
        lanes_per_task_shard: 2,
        n_result_shards: 1,
        config,
        latencies: Latencies { port_us: 5_000, worker_us: 2_000, computation_us: 1_000_000 },
        limits: Default::default(),
        faults: Faults::default(),
        seed: 7,
    }
}

/// A job, and when it is published.
struct Job {
    id: JobId,
    message: String,
    at_us: u64,
}

fn job(id: &str, message: String, at_us: u64) -> Job {
    Job { id: JobId::new(id).unwrap(), message, at_us }
}

fn together(scenario: &Scenario, jobs: &[Job]) -> Vec<Simulated> {
    let publications: Vec<_> = jobs
        .iter()
        .map(|it| Publication { message: it.message.as_bytes(), delivery: &it.id, at_us: it.at_us })
        .collect();
    simulate(scenario, squall_workloads::registry(), &publications).unwrap()
}

fn probe(units: u64, sizing: &str) -> String {
    format!(r#"{{"workload":"probe","input":{{"units":{units}}}{sizing}}}"#)
}

/// What 20 small jobs wait that are published a second apart behind one of a thousand tasks, and the status of every job.
fn waits_behind_a_large_job(express_shards: u32) -> Vec<u64> {
    let large = probe(4_000, r#","sizing":{"tasks":1000,"subtasks_per_task":4}"#);
    let mut jobs = vec![job("large", large, 0)];
    jobs.extend((0..20).map(|n| job(&format!("small-{n}"), probe(4, ""), SECOND_US * (10 + n))));
    let outcomes = together(&scenario(express_shards), &jobs);
    for it in &outcomes {
        assert_eq!(it.observation.as_ref().unwrap().row.status(), JobStatus::Complete);
    }
    outcomes[1..].iter().map(|it| it.took_us).collect()
}

#[test]
fn a_small_job_does_not_wait_behind_a_large_one() {
    // By itself it takes as long as its slowest subtask: a second of computation at most.
    let alone = together(&scenario(1), &[job("small", probe(4, ""), 0)]).remove(0).took_us;
    let waits = waits_behind_a_large_job(1);
    let longest = *waits.iter().max().unwrap();
    assert!(longest < alone + 3 * SECOND_US, "{} ms, alone {} ms", longest / 1_000, alone / 1_000);
    // Without a shard for small jobs each waits for every task that was published before it.
    let behind = waits_behind_a_large_job(0);
    assert!(*behind.iter().min().unwrap() > 60 * SECOND_US, "{behind:?}");
}

/// Of other small jobs, however many subtasks they have, one task each is in front.
#[test]
fn a_small_job_waits_for_one_task_of_each_small_job_before_it() {
    let jobs: Vec<_> = (0..10).map(|n| job(&format!("small-{n}"), probe(64, ""), SECOND_US)).collect();
    let outcomes = together(&scenario(1), &jobs);
    let mut took: Vec<_> = outcomes.iter().map(|it| it.took_us).collect();
    took.sort_unstable();
    for it in &outcomes {
        let row = &it.observation.as_ref().unwrap().row;
        assert_eq!((row.status(), row.published.as_ref().unwrap().n_tasks), (JobStatus::Complete, 1));
    }
    assert!(took[9] < 10 * SECOND_US, "the last waits for nine tasks of a second at most: {took:?}");
}

/// Ten jobs of one to a hundred thousand tasks, a second apart, on four lanes and two for small jobs. The small one passes. The others
/// share the lanes in the order in which their tasks are put: a stream takes a thousand a second and shard, so that what is published
/// meanwhile does not wait for all of a large job. No lane idles while there is a task.
#[test]
fn jobs_of_all_sizes_share_the_lanes() {
    let sizes = [100_000_u64, 30_000, 10_000, 3_000, 1_000, 300, 100, 30, 10, 1];
    let jobs: Vec<_> = (0..)
        .zip(sizes)
        .map(|(n, tasks)| {
            let sizing = format!(r#","sizing":{{"tasks":{tasks},"subtasks_per_task":1}}"#);
            job(&format!("of-{tasks}"), probe(tasks, &sizing), n * SECOND_US)
        })
        .collect();
    let mut scenario = scenario(1);
    scenario.latencies.computation_us = 150_000;
    let outcomes = together(&scenario, &jobs);
    let ended: Vec<_> = jobs.iter().zip(&outcomes).map(|(it, outcome)| it.at_us + outcome.took_us).collect();
    let mut busy_us = 0;
    for it in &outcomes {
        let ending = it.observation.as_ref().unwrap().row.ending.as_ref().unwrap();
        assert_eq!(ending.status, JobStatus::Complete);
        busy_us += ending.receipt.consumer_mb_us / u64::from(scenario.config.consume.memory_mb);
    }
    let (single, others) = ended.split_last().unwrap();
    assert!(single - 9 * SECOND_US < SECOND_US, "a job of one task: {ended:?}");
    let largest = others[0];
    // The stream takes the large job's tasks for 50 s.
    assert!(others[4..].iter().all(|us| *us < largest / 4), "{ended:?}");
    assert!(others.iter().all(|us| *us <= largest), "{ended:?}");
    assert!(busy_us > 4 * largest * 9 / 10, "the lanes were busy {busy_us} of {} µs", 4 * largest);
}
