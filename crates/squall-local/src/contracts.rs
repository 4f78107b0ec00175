//! What every implementation of the grid's ports must do, in memory or on AWS: one suite per port.
//!
//! Each suite takes a name that was never used before in what the port keeps, so it can be run against a table that is
//! shared, and again. It returns the first promise that is broken.

use std::collections::BTreeMap;
use std::fmt::Debug;

use roaring::RoaringBitmap;
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::ports::{BlobStore, Clock, Created, Files, JobStore, PortError, TaskQueue, Written};
use squall_core::prices::NanoUsd;
use squall_core::receipt::{Receipt, Timeline};
use squall_core::rows::{BucketProgress, BucketRow, Ending, JobRow, JobStatus};
use squall_core::wire::{Failure, Stored};
use squall_core::workload::Coverage;

/// A broken promise, in words.
pub type Broken = String;

fn same<T: PartialEq + Debug>(promise: &str, found: &T, expected: &T) -> Result<(), Broken> {
    if found == expected { Ok(()) } else { Err(format!("{promise}: found {found:?}, expected {expected:?}")) }
}

fn done<T>(what: &str, result: Result<T, PortError>) -> Result<T, Broken> {
    result.map_err(|error| format!("{what}: {error}"))
}

fn permanent<T: Debug>(what: &str, result: Result<T, PortError>) -> Result<(), Broken> {
    match result {
        Err(PortError::Permanent { .. }) => Ok(()),
        other => Err(format!("{what} is a permanent error: found {other:?}")),
    }
}

fn named(name: &str, what: &str) -> Result<JobId, Broken> {
    JobId::new(format!("{name}.{what}")).map_err(|error| error.to_string())
}

fn row(id: &JobId) -> JobRow {
    JobRow {
        id: id.clone(),
        message: Digest::of(id.as_str().as_bytes()),
        created_us: 1_700_000_000_000_000,
        expires_us: 1_700_000_060_000_000,
        max_cost: Some(NanoUsd(7)),
        published: None,
        enqueued: false,
        progress: BTreeMap::new(),
        ending: None,
        announced: false,
    }
}

fn ending(status: JobStatus) -> Ending {
    let failure = Failure {
        task: 3,
        subtask: 1,
        slice: vec![0, 255, 128],
        weight: u64::MAX,
        attempts: 4,
        reason: "crashed: “ü”\n".to_owned(),
    };
    Ending {
        status,
        reason: Some("time ran out".to_owned()),
        coverage: Coverage { weight_done: 1, weight_total: u64::MAX },
        missing: RoaringBitmap::from_iter([0, 7, u32::MAX]),
        failures: vec![failure],
        answer: Some(Digest::of(b"answer")),
        receipt: Receipt { worker_mb_us: u64::MAX, ..Receipt::default() },
        timeline: Timeline { first_merged_us: 5, ..Timeline::default() },
        ended_us: 1_700_000_050_000_000,
    }
}

fn progress(n_tasks: u32) -> BucketProgress {
    let cost = NanoUsd(u64::from(n_tasks) * 3);
    BucketProgress { n_tasks, weight_done: u64::from(n_tasks), cost, ..BucketProgress::default() }
}

/// Content by its digest.
///
/// # Errors
/// The first promise that is broken.
pub async fn blob_store(store: &impl BlobStore, name: &str) -> Result<(), Broken> {
    for bytes in [format!("{name}: blob").into_bytes(), vec![0; 1 << 20], Vec::new()] {
        let digest = Digest::of(&bytes);
        done("put a blob", store.put_blob(digest, bytes.clone()).await)?;
        done("put a blob again", store.put_blob(digest, bytes.clone()).await)?;
        let found = done("read a blob", store.blob(digest).await)?;
        same("a blob is what was put", &Digest::of(&found), &digest)?;
    }
    permanent("reading what nobody put", store.blob(Digest::of(format!("{name}: nothing").as_bytes())).await)
}

/// Files, one of which is there under `known` with this content.
///
/// # Errors
/// The first promise that is broken.
pub async fn files(files: &impl Files, known: &str, content: &[u8]) -> Result<(), Broken> {
    let found = done("read a file", files.read(known).await)?;
    same("a file is what was written", &Digest::of(&found), &Digest::of(content))?;
    permanent("reading a file that is not there", files.read(&format!("{known}.nowhere")).await)
}

/// Time.
///
/// # Errors
/// The first promise that is broken.
pub async fn clock(clock: &impl Clock) -> Result<(), Broken> {
    let before_us = clock.now_us();
    clock.sleep_until(before_us).await;
    let until_us = clock.now_us() + 1_000;
    clock.sleep_until(until_us).await;
    let after_us = clock.now_us();
    if after_us < until_us { Err(format!("woke at {after_us} µs, before {until_us} µs")) } else { Ok(()) }
}

/// The stream of tasks: its shards own every hash key once, in order.
///
/// # Errors
/// The first promise that is broken.
pub async fn task_queue(queue: &impl TaskQueue) -> Result<(), Broken> {
    let shards = done("list the shards", queue.shards().await)?;
    same("the space starts at zero", &shards.first().map(|shard| shard.first), &Some(0))?;
    same("the space ends at its end", &shards.last().map(|shard| shard.last), &Some(u128::MAX))?;
    for pair in shards.windows(2) {
        same("shards neither overlap nor leave a gap", &pair[0].last.checked_add(1), &Some(pair[1].first))?;
    }
    done("put no records", queue.put_tasks(Vec::new()).await)
}

/// The jobs and their buckets.
///
/// # Errors
/// The first promise that is broken.
pub async fn job_store(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    nothing_is_known_of_a_job_that_never_was(store, name).await?;
    an_id_is_taken_once(store, name).await?;
    a_rejected_job_may_be_replaced(store, name).await?;
    a_job_ends_once(store, name).await?;
    marks_stay(store, name).await?;
    progress_only_grows(store, name).await?;
    a_bucket_is_written_over_what_was_read(store, name).await
}

async fn nothing_is_known_of_a_job_that_never_was(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    let id = named(name, "never")?;
    same("an unknown job is none", &done("read a job", store.job(&id).await)?, &None)?;
    let empty = BucketRow::default();
    same("an unknown bucket is empty", &done("read a bucket", store.bucket(&id, 0).await)?, &empty)?;
    permanent("enqueueing an unknown job", store.mark_enqueued(&id).await)?;
    permanent("progress of an unknown job", store.record_progress(&id, 0, progress(1)).await)?;
    permanent("ending an unknown job", store.end_job(&id, &ending(JobStatus::Expired)).await)?;
    permanent("announcing an unknown job", store.mark_announced(&id).await)?;
    same("asking does not make a job", &done("read a job", store.job(&id).await)?, &None)
}

async fn an_id_is_taken_once(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    let id = named(name, "once")?;
    let first = row(&id);
    let second = JobRow { message: Digest::of(b"another"), created_us: 5, ..first.clone() };
    same("a new id is new", &done("create a job", store.create_job(&first).await)?, &Created::New)?;
    for again in [&first, &second] {
        let created = done("create a job", store.create_job(again).await)?;
        same("an id is taken by its first job", &created, &Created::Existing(Box::new(first.clone())))?;
    }
    same("a job is what was stored", &done("read a job", store.job(&id).await)?, &Some(first.clone()))?;
    let other = row(&named(name, "other")?);
    same("another id is new", &done("create a job", store.create_job(&other).await)?, &Created::New)?;
    // Also when it has ended: the same id never runs twice.
    done("end a job", store.end_job(&id, &ending(JobStatus::Complete)).await)?;
    let ended = JobRow { ending: Some(ending(JobStatus::Complete)), ..first };
    let created = done("create a job", store.create_job(&second).await)?;
    same("an ended job keeps its id", &created, &Created::Existing(Box::new(ended)))
}

async fn a_rejected_job_may_be_replaced(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    let id = named(name, "rejected")?;
    let rejected = JobRow { ending: Some(ending(JobStatus::Rejected)), ..row(&id) };
    let mended = JobRow { message: Digest::of(b"mended"), ..row(&id) };
    for attempt in [&rejected, &rejected, &mended] {
        let created = done("create a job", store.create_job(attempt).await)?;
        same("a rejected job leaves its id free", &created, &Created::New)?;
        same("the last job is kept", &done("read a job", store.job(&id).await)?, &Some(attempt.clone()))?;
    }
    let created = done("create a job", store.create_job(&rejected).await)?;
    same("a rejection does not replace a job", &created, &Created::Existing(Box::new(mended)))
}

async fn a_job_ends_once(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    let id = named(name, "ends")?;
    done("create a job", store.create_job(&row(&id)).await)?;
    let first = ending(JobStatus::Complete);
    same("a running job ends", &done("end a job", store.end_job(&id, &first).await)?, &Written::Yes)?;
    for second in [ending(JobStatus::Expired), first.clone()] {
        let written = done("end a job", store.end_job(&id, &second).await)?;
        same("an ended job does not end again", &written, &Written::Raced)?;
    }
    let found = done("read a job", store.job(&id).await)?.and_then(|row| row.ending);
    same("the first ending stays", &found, &Some(first))?;
    let rejected = JobRow { ending: Some(ending(JobStatus::Rejected)), ..row(&named(name, "rejected-end")?) };
    done("create a job", store.create_job(&rejected).await)?;
    let written = done("end a job", store.end_job(&rejected.id, &ending(JobStatus::Complete)).await)?;
    same("a rejected job does not end", &written, &Written::Raced)
}

async fn marks_stay(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    let id = named(name, "marks")?;
    let plain = row(&id);
    done("create a job", store.create_job(&plain).await)?;
    for _ in 0..2 {
        done("mark enqueued", store.mark_enqueued(&id).await)?;
        let expected = JobRow { enqueued: true, ..plain.clone() };
        same("enqueued is all that changed", &done("read a job", store.job(&id).await)?, &Some(expected))?;
    }
    for _ in 0..2 {
        done("mark announced", store.mark_announced(&id).await)?;
        let expected = JobRow { enqueued: true, announced: true, ..plain.clone() };
        same("announced is all that changed", &done("read a job", store.job(&id).await)?, &Some(expected))?;
    }
    Ok(())
}

async fn progress_only_grows(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    let id = named(name, "progress")?;
    done("create a job", store.create_job(&row(&id)).await)?;
    let mut expected = BTreeMap::new();
    // Late, doubled and out of order, as collectors that race report.
    for (bucket, n_tasks, kept) in
        [(0, 3, 3), (1, 9, 9), (0, 2, 3), (0, 3, 3), (1, 10, 10), (0, 7, 7), (1, 1, 10)]
    {
        let row = done("record progress", store.record_progress(&id, bucket, progress(n_tasks)).await)?;
        expected.insert(bucket, progress(kept));
        same("each bucket keeps its latest progress", &row.progress, &expected)?;
        same("what is returned is what is kept", &done("read a job", store.job(&id).await)?, &Some(row))?;
    }
    // A late collector of a job that has ended does no harm.
    done("end a job", store.end_job(&id, &ending(JobStatus::Expired)).await)?;
    let row = done("record progress", store.record_progress(&id, 2, progress(1)).await)?;
    same("progress leaves the ending alone", &row.ending, &Some(ending(JobStatus::Expired)))
}

async fn a_bucket_is_written_over_what_was_read(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    let id = named(name, "bucket")?;
    done("create a job", store.create_job(&row(&id)).await)?;
    let version = |version: u64| BucketRow {
        version,
        merged: RoaringBitmap::from_iter(0..u32::try_from(version).unwrap_or(0)),
        weight: u64::MAX,
        partial: Some(Stored::Inline(vec![0, 255])),
        failures: ending(JobStatus::Complete).failures,
        ..BucketRow::default()
    };
    let put = async |n| done("put a bucket", store.put_bucket(&id, 4, &version(n)).await);
    same("a bucket starts at version 1", &put(2).await?, &Written::Raced)?;
    let found = done("read a bucket", store.bucket(&id, 4).await)?;
    same("a lost race writes nothing", &found, &BucketRow::default())?;
    same("the first write is on nothing", &put(1).await?, &Written::Yes)?;
    same("the same version is not written twice", &put(1).await?, &Written::Raced)?;
    same("nor one that skips", &put(3).await?, &Written::Raced)?;
    same("nor one from before", &put(0).await?, &Written::Raced)?;
    same("the next is", &put(2).await?, &Written::Yes)?;
    same("a bucket is what was put", &done("read a bucket", store.bucket(&id, 4).await)?, &version(2))?;
    let other = done("read a bucket", store.bucket(&id, 5).await)?;
    same("another bucket is its own", &other, &BucketRow::default())?;
    let other = done("read a bucket", store.bucket(&named(name, "bucketless")?, 4).await)?;
    same("another job's bucket is its own", &other, &BucketRow::default())
}

#[cfg(test)]
mod tests;
