//! What a job waits behind.

use std::collections::BTreeMap;

use super::*;
use crate::sizing::Capacity;

fn row(id: &str, created_us: u64, n_tasks: u32, n_done: u32) -> JobRow {
    let results: Vec<_> = (0..n_tasks).map(|index| result(index, 10, &[])).collect();
    let progress = BucketProgress { n_tasks: n_done, ..BucketProgress::default() };
    JobRow {
        id: JobId::new(id).unwrap(),
        message: Digest::of(b""),
        created_us,
        // As of a job that lives for a millisecond.
        expires_us: created_us + 1_000,
        max_cost: None,
        published: Some(published(&results, 1)),
        enqueued: true,
        progress: BTreeMap::from([(0, progress)]),
        ending: None,
        announced: false,
    }
}

#[test]
fn a_job_waits_for_what_is_left_of_those_before_it_on_its_shards() {
    let capacity = Capacity {
        n_shards: 3,
        express_shards: 1,
        lanes_per_shard: 2,
        workers_per_consumer: 100,
        vcpus_per_worker: 1,
    };
    let ours = row("ours", 100, 10, 0);
    let rejected = JobRow { published: None, ..row("rejected", 1, 5, 0) };
    let others = [
        row("before", 50, 40, 10),
        row("same-moment", 100, 7, 0),
        row("done", 60, 4, 4),
        row("later", 101, 9, 0),
        row("small", 40, 1, 0),
        rejected,
        ours.clone(),
    ];
    assert_eq!(ahead_of(&ours, &others, &capacity), Ahead { n_jobs: 1, n_tasks: 30 });
    // A small job is on other shards, and waits for other small jobs only.
    assert_eq!(ahead_of(&row("tiny", 100, 1, 0), &others, &capacity), Ahead { n_jobs: 1, n_tasks: 1 });
    // A job that was reopened waits from then on.
    let reopened = JobRow { expires_us: 2_000, ..row("before", 50, 40, 10) };
    assert_eq!(ahead_of(&ours, [&reopened], &capacity), Ahead::default());
    let all_alike = Capacity { express_shards: 0, ..capacity };
    assert_eq!(ahead_of(&row("tiny", 99, 1, 0), &others, &all_alike), Ahead { n_jobs: 2, n_tasks: 31 });
}
