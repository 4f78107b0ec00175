//! Rows of jobs for tests.

use squall_core::code::CodeVersion;
use squall_core::digest::{Digest, Fingerprint};
use squall_core::job::JobId;
use squall_core::prices::NanoUsd;
use squall_core::receipt::Receipt;
use squall_core::rows::{BucketProgress, Ending, JobRow, JobStatus, Published, Resent};
use squall_core::sizing::{Capacity, SizingPolicy, SizingRequest, plan_sizing};
use squall_core::wire::{Cause, Failure};
use squall_core::workload::Coverage;

const CREATED_US: u64 = 1_795_342_500_000_000;

/// A job of 50 tasks that was received at 2026-11-22 10:15:00 UTC; it is half done, and if it has ended, it ended a
/// minute later. A complete one is done; a rejected one was never accepted.
pub(crate) fn job(id: &str, status: JobStatus) -> JobRow {
    let (weight_done, weight_total) = if status == JobStatus::Complete { (200, 200) } else { (100, 200) };
    let receipt = Receipt { worker_mb_us: 5_000_000_000, invocations: 400, ..Receipt::default() };
    let ending = Ending {
        status,
        reason: (status != JobStatus::Complete).then(|| "for a reason".to_owned()),
        coverage: Coverage { weight_done, weight_total },
        missing: Default::default(),
        failures: Vec::new(),
        answer: Vec::new(),
        receipt: if status == JobStatus::Rejected { Receipt::default() } else { receipt },
        timeline: Default::default(),
        ended_us: CREATED_US + 60_000_000,
    };
    let progress =
        BucketProgress { n_tasks: 25, weight_done, cost: NanoUsd(1_234_567), ..Default::default() };
    JobRow {
        id: JobId::new(id).unwrap(),
        message: Digest::of(b"message"),
        created_us: CREATED_US,
        expires_us: CREATED_US + 600_000_000,
        max_cost: None,
        published: (status != JobStatus::Rejected).then(published),
        enqueued: true,
        progress: [(0, progress)].into(),
        ending: (status != JobStatus::Running).then_some(ending),
        announced: false,
    }
}

fn published() -> Published {
    let capacity = Capacity {
        n_shards: 1,
        express_shards: 0,
        lanes_per_shard: 2,
        workers_per_consumer: 4,
        vcpus_per_worker: 1,
    };
    Published {
        workload: "portfolio".to_owned(),
        code: CodeVersion::unnamed(1),
        input: Digest::of(b"input"),
        sizing: plan_sizing(&SizingPolicy::default(), &capacity, &SizingRequest::default(), 200),
        n_tasks: 50,
        weight: 200,
        fingerprints: Fingerprint::default(),
        n_buckets: 1,
        generation: 0,
        lifetime_us: 60_000_000,
        resent: Resent::default(),
        is_large: false,
    }
}

/// A subtask without a value.
pub(crate) fn failure(task: u32, subtask: u32, reason: &str) -> Failure {
    Failure {
        task,
        subtask,
        slice: Vec::new(),
        weight: 1,
        attempts: 3,
        reason: reason.to_owned(),
        cause: Cause::default(),
    }
}
