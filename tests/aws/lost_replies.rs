//! The job store when its writes are executed and their replies are lost: a caller may be told that it came too late,
//! but the store keeps what it wrote, once.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use squall_core::code::CodeVersion;
use squall_core::digest::{Digest, Fingerprint};
use squall_core::job::JobId;
use squall_core::ports::{Created, JobStore, PortError, Written};
use squall_core::prices::NanoUsd;
use squall_core::receipt::{Receipt, Timeline};
use squall_core::rows::{BucketProgress, BucketRow, Ending, JobRow, JobStatus, Published, Reopened, Resent};
use squall_core::sizing::{Sizing, SizingReason};
use squall_core::wire::Stored;
use squall_core::workload::Coverage;

use super::{Adapters, deployed, run};
use crate::emulator::unique;
use crate::proxy::{Fault, Proxy, at_first};

const WRITES: [&str; 4] =
    ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:TransactWriteItems", "s3:PutObject"];

/// The year 2100: the emulator drops expired rows.
const CREATED_US: u64 = 4_102_444_800_000_000;

fn job(what: &str) -> JobRow {
    let id = JobId::new(unique(what)).unwrap();
    JobRow {
        message: Digest::of(id.as_str().as_bytes()),
        id,
        created_us: CREATED_US,
        expires_us: CREATED_US + 60_000_000,
        max_cost: Some(NanoUsd(7)),
        published: None,
        enqueued: false,
        progress: BTreeMap::new(),
        ending: None,
        announced: false,
    }
}

pub(super) fn ending(status: JobStatus) -> Ending {
    Ending {
        status,
        reason: Some("time ran out".to_owned()),
        coverage: Coverage { weight_done: 1, weight_total: 2 },
        missing: RoaringBitmap::from_iter([7]),
        failures: Vec::new(),
        answer: vec![Digest::of(b"answer")],
        receipt: Receipt::default(),
        timeline: Timeline::default(),
        ended_us: CREATED_US + 50_000_000,
    }
}

fn reopened() -> Reopened {
    let sizing = Sizing { n_tasks: 2, subtasks_per_task: 1, subtask_us: 1, reason: SizingReason::Asked };
    let published = Published {
        workload: "probe".to_owned(),
        code: CodeVersion::unnamed(1),
        input: Digest::of(b"input"),
        sizing,
        n_tasks: 2,
        weight: 2,
        fingerprints: Fingerprint::default(),
        n_buckets: 1,
        generation: 0,
        lifetime_us: 60_000_000,
        resent: Resent::default(),
        is_large: false,
    };
    Reopened { published, expires_us: CREATED_US + 90_000_000, max_cost: None }
}

/// A bucket with a partial of this many bytes: a large one is stored elsewhere than a small one.
fn bucket(version: u64, n_bytes: usize) -> BucketRow {
    let partial = Some(Stored::Inline(vec![version.to_le_bytes()[0]; n_bytes]));
    BucketRow { version, weight: version * 10, partial, ..BucketRow::default() }
}

/// Writes through `lossy`, reads through `direct`.
struct Both {
    lossy: Adapters,
    direct: Adapters,
}

impl Both {
    async fn kept(&self, job: &JobRow) -> JobRow {
        self.direct.jobs.job(&job.id).await.unwrap().unwrap()
    }

    async fn a_job_is_created_once(&self) {
        let row = job("created");
        let created = self.lossy.jobs.create_job(&row).await.unwrap();
        let ours = [Created::New, Created::Existing(Box::new(row.clone()))];
        assert!(ours.contains(&created), "{created:?}");
        assert_eq!(self.kept(&row).await, row);
        let another = JobRow { created_us: 5, ..row.clone() };
        let created = self.direct.jobs.create_job(&another).await.unwrap();
        assert_eq!(created, Created::Existing(Box::new(row)));
    }

    async fn a_job_ends_once(&self) {
        let row = job("ends");
        self.direct.jobs.create_job(&row).await.unwrap();
        let ours = ending(JobStatus::Complete);
        self.lossy.jobs.end_job(&row.id, 0, &ours).await.unwrap();
        assert_eq!(self.kept(&row).await, JobRow { ending: Some(ours), ..row.clone() });
        let written = self.direct.jobs.end_job(&row.id, 0, &ending(JobStatus::Expired)).await.unwrap();
        assert_eq!(written, Written::Raced);
    }

    async fn a_job_is_taken_up_again_once(&self) {
        let row = JobRow { announced: true, enqueued: true, ..job("reopened") };
        self.direct.jobs.create_job(&row).await.unwrap();
        let ended = ending(JobStatus::Expired);
        self.direct.jobs.end_job(&row.id, 0, &ended).await.unwrap();
        self.lossy.jobs.reopen_job(&row.id, ended.ended_us, &reopened()).await.unwrap();
        let mut expected = row.clone();
        expected.reopen(reopened());
        assert_eq!(self.kept(&row).await, expected);
    }

    async fn marks_and_progress_are_noted(&self) {
        let row = job("noted");
        self.direct.jobs.create_job(&row).await.unwrap();
        self.lossy.jobs.mark_enqueued(&row.id, 0).await.unwrap();
        let progress = BucketProgress { n_tasks: 4, weight_done: 4, ..BucketProgress::default() };
        let seen = self.lossy.jobs.record_progress(&row.id, 1, progress).await.unwrap();
        let ended = ending(JobStatus::Expired);
        self.direct.jobs.end_job(&row.id, 0, &ended).await.unwrap();
        self.lossy.jobs.mark_announced(&row.id, ended.ended_us).await.unwrap();
        let progress = BTreeMap::from([(1, progress)]);
        assert_eq!(seen, JobRow { enqueued: true, progress: progress.clone(), ..row.clone() });
        let kept = JobRow { enqueued: true, announced: true, progress, ending: Some(ended), ..row.clone() };
        assert_eq!(self.kept(&row).await, kept);
    }

    async fn a_bucket_counts_each_write_once(&self, n_bytes: usize) {
        let row = job("bucket");
        self.direct.jobs.create_job(&row).await.unwrap();
        for version in [1, 2] {
            let ours = bucket(version, n_bytes);
            self.lossy.jobs.put_bucket(&row.id, 3, &ours).await.unwrap();
            assert_eq!(self.direct.jobs.bucket(&row.id, 3).await.unwrap(), ours);
        }
        let written = self.direct.jobs.put_bucket(&row.id, 3, &bucket(3, n_bytes)).await.unwrap();
        assert_eq!(written, Written::Yes, "two writes are two versions");
    }
}

fn every_reply_is_lost_once(fault: Fault) {
    let Some(deployed) = deployed() else { return };
    let proxy = Proxy::start(deployed.endpoint, at_first(|action| WRITES.contains(&action), fault));
    run(async {
        let both = Both { lossy: deployed.behind(&proxy), direct: deployed.direct() };
        futures::join!(
            both.a_job_is_created_once(),
            both.a_job_ends_once(),
            both.a_job_is_taken_up_again_once(),
            both.marks_and_progress_are_noted(),
            both.a_bucket_counts_each_write_once(10),
            both.a_bucket_counts_each_write_once(600 << 10),
        );
    });
    assert!(proxy.n_faults() >= 10, "{:?}", proxy.counts());
    assert!(proxy.count("s3:PutObject").n_faults > 0, "{:?}", proxy.counts());
}

#[test]
fn a_write_that_is_done_again_because_its_reply_was_lost_counts_once() {
    every_reply_is_lost_once(Fault::LoseReply);
}

#[test]
fn a_write_that_is_done_again_because_it_was_called_failed_counts_once() {
    every_reply_is_lost_once(Fault::BlameReply);
}

#[test]
fn a_write_without_any_reply_is_a_transient_error_and_may_have_happened() {
    let Some(deployed) = deployed() else { return };
    let proxy = Proxy::start(deployed.endpoint, |request| {
        if WRITES.contains(&request.action.as_str()) { Fault::LoseReply } else { Fault::None }
    });
    run(async {
        let both = Both { lossy: deployed.behind(&proxy), direct: deployed.direct() };
        let (row, ended) = (job("unheard"), job("unheard"));
        both.direct.jobs.create_job(&ended).await.unwrap();
        let ours = ending(JobStatus::Complete);
        let (created, written) =
            futures::join!(both.lossy.jobs.create_job(&row), both.lossy.jobs.end_job(&ended.id, 0, &ours));
        assert!(matches!(created, Err(PortError::Unknown { .. })), "{created:?}");
        assert!(matches!(written, Err(PortError::Unknown { .. })), "{written:?}");
        assert_eq!(both.kept(&row).await, row);
        assert_eq!(both.kept(&ended).await.ending, Some(ours));
    });
}
