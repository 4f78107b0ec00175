use proptest::prelude::*;

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::*;
use crate::code::CodeVersion;
use crate::digest::{Digest, Fingerprint};
use crate::job::JobId;
use crate::prices::{NanoUsd, Prices};
use crate::receipt::{Receipt, Timeline};
use crate::sizing::{Capacity, SizingPolicy, SizingRequest, plan_sizing};
use crate::wire::{decode, encode};
use crate::workload::Coverage;

fn row() -> JobRow {
    JobRow {
        id: JobId::new("march").unwrap(),
        message: Digest::of(b""),
        created_us: 0,
        expires_us: 1,
        max_cost: None,
        published: None,
        enqueued: false,
        progress: BTreeMap::new(),
        ending: None,
        announced: false,
    }
}

fn progress(n_tasks: u32) -> BucketProgress {
    BucketProgress {
        n_tasks,
        weight_done: u64::from(n_tasks) * 10,
        n_subtasks: u64::from(n_tasks) * 4,
        n_failures: n_tasks / 2,
        cost: NanoUsd(u64::from(n_tasks) * 100),
        first_merged_us: 50,
    }
}

#[test]
fn every_status_has_its_name() {
    let names: Vec<_> = JobStatus::ALL
        .iter()
        .map(|status| {
            // People and programs read the same word.
            assert_eq!(serde_json::to_value(status).unwrap(), status.to_string());
            status.to_string()
        })
        .collect();
    assert_eq!(
        names.join(" "),
        "running complete complete_with_failures expired cancelled over_budget rejected inconsistent failed"
    );
}

#[test]
fn a_job_without_an_ending_runs() {
    assert_eq!(row().status(), JobStatus::Running);
}

#[test]
fn the_total_is_of_all_buckets() {
    let mut row = row();
    assert_eq!(row.total(), BucketProgress::default());
    row.record_progress(0, progress(2));
    row.record_progress(1, BucketProgress { first_merged_us: 40, ..progress(5) });
    row.record_progress(2, BucketProgress::default());
    assert_eq!(
        row.total(),
        BucketProgress {
            n_tasks: 7,
            weight_done: 70,
            n_subtasks: 28,
            n_failures: 3,
            cost: NanoUsd(700),
            first_merged_us: 40
        }
    );
}

#[test]
fn tasks_go_round_the_buckets() {
    let capacity = Capacity {
        n_shards: 1,
        express_shards: 0,
        lanes_per_shard: 1,
        workers_per_consumer: 1,
        vcpus_per_worker: 1,
    };
    let mut published = Published {
        workload: "probe".to_owned(),
        code: CodeVersion::unnamed(1),
        input: Digest::of(b""),
        sizing: plan_sizing(&SizingPolicy::default(), &capacity, &SizingRequest::default(), 1),
        n_tasks: 7,
        weight: 7,
        fingerprints: Fingerprint::default(),
        n_buckets: 3,
        generation: 0,
        lifetime_us: 1_000,
        resent: Resent::default(),
        is_large: false,
    };
    let buckets: Vec<_> = (0..7).map(|task| published.bucket_of(task)).collect();
    assert_eq!(buckets, [0, 1, 2, 0, 1, 2, 0]);
    published.n_buckets = 0;
    assert_eq!(published.bucket_of(6), 0);
}

#[test]
fn an_ended_job_comes_to_what_it_cost_since_it_was_first_seen() {
    let receipt = Receipt { tasks: 3, store_writes: 5, ..Receipt::default() };
    let ending = Ending {
        status: JobStatus::Expired,
        reason: None,
        coverage: Coverage::default(),
        missing: RoaringBitmap::new(),
        failures: Vec::new(),
        answer: Vec::new(),
        receipt,
        timeline: Timeline::default(),
        ended_us: 1_700,
    };
    let ended = |created_us| JobRow { created_us, ending: Some(ending.clone()), ..row() };
    let end = |lasted_us| JobEnd { status: JobStatus::Expired, cost: NanoUsd(3_725), lasted_us };
    assert_eq!(row().end(&Prices::default()), None);
    assert_eq!(ended(1_000).end(&Prices::default()), Some(end(700)));
    // By clocks that disagree.
    assert_eq!(ended(1_701).end(&Prices::default()), Some(end(0)));
}

proptest! {
    #[test]
    fn progress_only_grows_whatever_the_order(
        reports in prop::collection::vec((0..3_u32, 0..20_u32), 0..30).prop_shuffle(),
    ) {
        let mut row = row();
        let mut before = row.total();
        for (bucket, n_tasks) in &reports {
            row.record_progress(*bucket, progress(*n_tasks));
            let now = row.total();
            prop_assert!(now.n_tasks >= before.n_tasks && now.cost >= before.cost);
            before = now;
        }
        for bucket in 0..3 {
            let latest = reports.iter().filter(|(it, _)| *it == bucket).map(|(_, n_tasks)| *n_tasks).max();
            let expected = latest.filter(|n_tasks| *n_tasks > 0).map(progress).unwrap_or_default();
            prop_assert_eq!(row.progress.get(&bucket).copied().unwrap_or_default(), expected);
        }
    }
}

proptest! {
    #[test]
    fn a_damaged_row_is_refused_or_read_without_overflow(
        bytes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        n_tasks in prop::collection::vec(any::<u32>(), 1..4),
    ) {
        let progress = (0..).zip(n_tasks.into_iter().map(progress)).collect();
        let mut damaged = encode(&JobRow { progress, ..row() });
        for (place, byte) in bytes {
            let place = place.index(damaged.len());
            damaged[place] = byte;
        }
        if let Ok(row) = decode::<JobRow>("row", &damaged) {
            let prices = Prices::default();
            prop_assert!(row.began_us() >= row.created_us);
            let _ = (row.status(), row.end(&prices), row.standing(), row.total(), row.cost(&prices));
        }
    }
}
