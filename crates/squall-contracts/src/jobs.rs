//! The contract of every job store, and of every job list.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use squall_core::code::CodeVersion;
use squall_core::digest::{Digest, Fingerprint};
use squall_core::job::JobId;
use squall_core::ports::{Clock, Created, JobList, JobStore, Order, Written};
use squall_core::prices::NanoUsd;
use squall_core::rows::{
    BucketProgress, BucketRow, Ending, JobRow, JobStatus, Published, Reopened, Resent, ResentList,
};
use squall_core::sizing::{Sizing, SizingReason};
use squall_core::wire::{Failure, Message, Stored};

use super::{Broken, done, ending, named, permanent, row, same};

fn progress(n_tasks: u32) -> BucketProgress {
    let cost = NanoUsd(u64::from(n_tasks) * 3);
    BucketProgress { n_tasks, weight_done: u64::from(n_tasks), cost, ..BucketProgress::default() }
}

fn resent(failures: Vec<Failure>) -> Resent {
    let list = Stored::Inline(ResentList(failures.clone()).to_bytes());
    Resent::of(&failures, Some(list))
}

fn reopened(n_tasks: u32, expires_s: u64) -> Reopened {
    let published = Published {
        workload: "probe".to_owned(),
        code: CodeVersion { workload: 3, build: "0.2.0 (abc)".to_owned() },
        input: Digest::of(b"input"),
        sizing: Sizing { n_tasks, subtasks_per_task: 2, subtask_us: 1_000, reason: SizingReason::Waves },
        n_tasks,
        weight: u64::MAX,
        fingerprints: Fingerprint(u128::MAX),
        n_buckets: 2,
        generation: 1,
        lifetime_us: 60_000_000,
        resent: resent(ending(JobStatus::Complete).failures),
        is_large: false,
    };
    Reopened {
        published,
        expires_us: super::CREATED_US + expires_s * 1_000_000,
        max_cost: Some(NanoUsd(expires_s)),
    }
}

/// A consumer's view of a job agrees with the job's row.
async fn standing_is_of_the_row(store: &impl JobStore, id: &JobId) -> Result<(), Broken> {
    let row = done("read a job", store.job(id).await)?;
    let standing = done("read a job's standing", store.standing(id).await)?;
    same("a job's standing is its row's", &standing, &row.as_ref().map(JobRow::standing))
}

/// The jobs and their buckets.
///
/// # Errors
/// The first broken promise.
pub async fn job_store(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    nothing_is_known_of_a_job_that_never_was(store, name).await?;
    an_id_is_taken_once(store, name).await?;
    a_rejected_job_may_be_replaced(store, name).await?;
    a_job_ends_once(store, name).await?;
    marks_stay(store, name).await?;
    progress_only_grows(store, name).await?;
    an_ended_job_is_written_once(store, name).await?;
    a_bucket_is_written_over_what_was_read(store, name).await?;
    large_rows_are_kept(store, name).await
}

async fn nothing_is_known_of_a_job_that_never_was(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    let id = named(name, "never")?;
    same("an unknown job is none", &done("read a job", store.job(&id).await)?, &None)?;
    let empty = BucketRow::default();
    same("an unknown bucket is empty", &done("read a bucket", store.bucket(&id, 0).await)?, &empty)?;
    permanent("enqueueing an unknown job", store.mark_enqueued(&id, 0).await)?;
    permanent("tasks of an unknown job", store.record_put(&id, 0, 1).await)?;
    permanent("tasks of an unknown job", store.n_put(&id).await)?;
    permanent("progress of an unknown job", store.record_progress(&id, 0, progress(1)).await)?;
    permanent("ending an unknown job", store.end_job(&id, 0, &ending(JobStatus::Expired)).await)?;
    permanent("announcing an unknown job", store.mark_announced(&id, 1).await)?;
    permanent("reopening an unknown job", store.reopen_job(&id, 0, &reopened(9, 1)).await)?;
    same("asking does not make a job", &done("read a job", store.job(&id).await)?, &None)?;
    standing_is_of_the_row(store, &id).await
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
    // Even when it has ended: the same id never runs twice.
    done("end a job", store.end_job(&id, 0, &ending(JobStatus::Complete)).await)?;
    let ended = JobRow { ending: Some(ending(JobStatus::Complete)), ..first };
    let created = done("create a job", store.create_job(&second).await)?;
    same("an ended job keeps its id", &created, &Created::Existing(Box::new(ended)))?;
    standing_is_of_the_row(store, &id).await?;
    standing_is_of_the_row(store, &other.id).await
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
    standing_is_of_the_row(store, &id).await?;
    same("a rejection does not replace a job", &created, &Created::Existing(Box::new(mended)))
}

async fn a_job_ends_once(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    let id = named(name, "ends")?;
    done("create a job", store.create_job(&row(&id)).await)?;
    let first = ending(JobStatus::Complete);
    same("a running job ends", &done("end a job", store.end_job(&id, 0, &first).await)?, &Written::Yes)?;
    let later = Ending { ended_us: first.ended_us + 1, ..first.clone() };
    for second in [ending(JobStatus::Expired), later] {
        let written = done("end a job", store.end_job(&id, 0, &second).await)?;
        same("an ended job does not end again", &written, &Written::Raced)?;
    }
    // A caller that lost the first reply must learn now that it was written, or the end is never announced.
    let again = done("end a job", store.end_job(&id, 0, &first).await)?;
    same("an ending that was written is written", &again, &Written::Yes)?;
    let found = done("read a job", store.job(&id).await)?.and_then(|row| row.ending);
    same("the first ending stays", &found, &Some(first))?;
    let rejected = JobRow { ending: Some(ending(JobStatus::Rejected)), ..row(&named(name, "rejected-end")?) };
    done("create a job", store.create_job(&rejected).await)?;
    let written = done("end a job", store.end_job(&rejected.id, 0, &ending(JobStatus::Complete)).await)?;
    same("a rejected job does not end", &written, &Written::Raced)
}

async fn marks_stay(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    let id = named(name, "marks")?;
    let plain = row(&id);
    done("create a job", store.create_job(&plain).await)?;
    for _ in 0..2 {
        done("mark enqueued", store.mark_enqueued(&id, 0).await)?;
        let expected = JobRow { enqueued: true, ..plain.clone() };
        same("enqueued is all that changed", &done("read a job", store.job(&id).await)?, &Some(expected))?;
    }
    let enqueued = JobRow { enqueued: true, ..plain.clone() };
    same("none of its tasks is known to be put", &done("read what was put", store.n_put(&id).await)?, &0)?;
    for (generation, n_put, expected) in [(0, 7, 7), (0, 1_000_000, 1_000_000), (1, 9, 1_000_000)] {
        done("record what was put", store.record_put(&id, generation, n_put).await)?;
        same("what was put is kept", &done("read what was put", store.n_put(&id).await)?, &expected)?;
    }
    same("the row has not changed", &done("read a job", store.job(&id).await)?, &Some(enqueued))?;
    let over = ending(JobStatus::Expired);
    done("mark announced", store.mark_announced(&id, over.ended_us).await)?;
    let running = JobRow { enqueued: true, ..plain.clone() };
    same("a running job has no end to tell", &done("read a job", store.job(&id).await)?, &Some(running))?;
    done("end a job", store.end_job(&id, 0, &over).await)?;
    done("mark announced", store.mark_announced(&id, over.ended_us + 1).await)?;
    let mut ended = JobRow { enqueued: true, ending: Some(over.clone()), ..plain };
    let found = done("read a job", store.job(&id).await)?;
    same("another end that was told is not this one", &found, &Some(ended.clone()))?;
    ended.announced = true;
    for _ in 0..2 {
        done("mark announced", store.mark_announced(&id, over.ended_us).await)?;
        let found = done("read a job", store.job(&id).await)?;
        same("announced is all that changed", &found, &Some(ended.clone()))?;
    }
    Ok(())
}

async fn progress_only_grows(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    let id = named(name, "progress")?;
    done("create a job", store.create_job(&row(&id)).await)?;
    let mut expected = BTreeMap::new();
    // Late, duplicated and out of order, as racing collectors report.
    for (bucket, n_tasks, kept) in
        [(0, 3, 3), (1, 9, 9), (0, 2, 3), (0, 3, 3), (1, 10, 10), (0, 7, 7), (1, 1, 10)]
    {
        let row = done("record progress", store.record_progress(&id, bucket, progress(n_tasks)).await)?;
        expected.insert(bucket, progress(kept));
        same("each bucket keeps its latest progress", &row.progress, &expected)?;
        same("what is returned is what is kept", &done("read a job", store.job(&id).await)?, &Some(row))?;
    }
    // A late collector of a job that has ended does no harm.
    done("end a job", store.end_job(&id, 0, &ending(JobStatus::Expired)).await)?;
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

async fn an_ended_job_is_written_once(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    let id = named(name, "reopened")?;
    let published = Published { generation: 0, ..reopened(9, 1).published };
    let plain = JobRow { published: Some(published), ..row(&id) };
    done("create a job", store.create_job(&plain).await)?;
    done("mark enqueued", store.mark_enqueued(&id, 0).await)?;
    done("record progress", store.record_progress(&id, 1, progress(3)).await)?;
    let first = ending(JobStatus::CompleteWithFailures);
    let reopen =
        async |ended_us, plan: &Reopened| done("reopen", store.reopen_job(&id, ended_us, plan).await);
    let plan = reopened(12, 2);
    same("a running job is not reopened", &reopen(first.ended_us, &plan).await?, &Written::Raced)?;
    done("end a job", store.end_job(&id, 0, &first).await)?;
    done("mark announced", store.mark_announced(&id, first.ended_us).await)?;
    let other = reopen(first.ended_us - 1, &plan).await?;
    same("a job is reopened from the ending that was seen", &other, &Written::Raced)?;
    let mut expected = JobRow { enqueued: true, announced: true, ending: Some(first.clone()), ..plain };
    expected.progress.insert(1, progress(3));
    same("a lost race changes nothing", &done("read", store.job(&id).await)?, &Some(expected.clone()))?;

    same("an ended job is reopened", &reopen(first.ended_us, &plan).await?, &Written::Yes)?;
    expected.reopen(plan);
    same("it runs, its progress stays", &done("read", store.job(&id).await)?, &Some(expected.clone()))?;
    let second = reopen(first.ended_us, &reopened(15, 3)).await?;
    same("it is reopened once", &second, &Written::Raced)?;
    // Writes of the generation before it was reopened have no effect.
    done("mark enqueued", store.mark_enqueued(&id, 0).await)?;
    let late = done("end a job", store.end_job(&id, 0, &ending(JobStatus::Cancelled)).await)?;
    same("who knew it before does not end it", &late, &Written::Raced)?;
    let first_again = done("end a job", store.end_job(&id, 0, &first).await)?;
    same("nor as it ended before", &first_again, &Written::Raced)?;
    same("and it is as it was", &done("read", store.job(&id).await)?, &Some(expected.clone()))?;
    done("mark enqueued", store.mark_enqueued(&id, 1).await)?;

    expected = done("record progress", store.record_progress(&id, 1, progress(4)).await)?;
    same("progress goes on from where it was", &expected.progress.get(&1), &Some(&progress(4)))?;
    standing_is_of_the_row(store, &id).await?;
    let last = Ending { ended_us: first.ended_us + 7, ..ending(JobStatus::Complete) };
    same("it ends again", &done("end a job", store.end_job(&id, 1, &last).await)?, &Written::Yes)?;
    let old = reopen(first.ended_us, &reopened(15, 3)).await?;
    same("an ending of before is over", &old, &Written::Raced)?;
    expected.ending = Some(last);
    same("as it says", &done("read a job", store.job(&id).await)?, &Some(expected))
}

async fn large_rows_are_kept(store: &impl JobStore, name: &str) -> Result<(), Broken> {
    let id = named(name, "large")?;
    let large = |seed: u8| -> Vec<Failure> {
        let slice = vec![seed; 1_000];
        (0..600)
            .map(|task| Failure {
                task,
                slice: slice.clone(),
                ..ending(JobStatus::Complete).failures[0].clone()
            })
            .collect()
    };
    let published =
        |seed, generation| Published { resent: resent(large(seed)), generation, ..reopened(9, 1).published };
    let mut expected = JobRow { published: Some(published(1, 0)), ..row(&id) };
    // Not `same`: half a megabyte in a message is unreadable.
    let kept = async |what: &str, expected: &JobRow| {
        let found = done("read a large job", store.job(&id).await)?;
        same(what, &(found.as_ref() == Some(expected)), &true)
    };
    same("it is new", &done("create", store.create_job(&expected).await)?, &Created::New)?;
    kept("a large job is what was stored", &expected).await?;
    let created = done("create again", store.create_job(&expected).await)?;
    let existing = Created::Existing(Box::new(expected.clone()));
    same("and keeps its id", &(created == existing), &true)?;
    let reported = done("record progress", store.record_progress(&id, 0, progress(2)).await)?;
    expected.record_progress(0, progress(2));
    same("progress returns a large job whole", &(reported == expected), &true)?;
    let ended = Ending { failures: large(2), ..ending(JobStatus::CompleteWithFailures) };
    for attempt in ["a large ending is written", "and again"] {
        same(attempt, &done("end", store.end_job(&id, 0, &ended).await)?, &Written::Yes)?;
    }
    expected.ending = Some(ended.clone());
    kept("a large ending is what was stored", &expected).await?;
    let plan = Reopened { published: published(3, 1), ..reopened(9, 1) };
    let written = done("reopen", store.reopen_job(&id, ended.ended_us, &plan).await)?;
    same("a large job is reopened", &written, &Written::Yes)?;
    expected.reopen(plan);
    kept("a large job that was reopened is what was stored", &expected).await?;

    for version in 1..=2 {
        let bucket = BucketRow { version, failures: large(4), ..BucketRow::default() };
        same(
            "a large bucket is written",
            &done("put", store.put_bucket(&id, 0, &bucket).await)?,
            &Written::Yes,
        )?;
        let found = done("read a large bucket", store.bucket(&id, 0).await)?;
        same("a large bucket is what was put", &(found == bucket), &true)?;
    }
    Ok(())
}

/// The jobs, listed. A list may lag behind the store: each answer is polled for some seconds of the clock.
///
/// # Errors
/// The first broken promise.
pub async fn job_list<S: JobStore + JobList>(
    store: &S,
    clock: &impl Clock,
    name: &str,
) -> Result<(), Broken> {
    // Newer than any other test's jobs here, and than those of earlier runs.
    let since_us = 2 * super::CREATED_US + clock.now_us();
    let mut ids = Vec::new();
    for (age, what) in (0..).zip(["oldest", "middle", "newest"]) {
        let id = named(name, what)?;
        done("create a job", store.create_job(&JobRow { created_us: since_us + age, ..row(&id) }).await)?;
        ids.push(id);
    }
    let [oldest, middle, newest] = &ids[..] else { return Err("three jobs".to_owned()) };
    let rejected = named(name, "listed-as-rejected")?;
    let refused = ending(JobStatus::Rejected);
    let refused = JobRow { ending: Some(refused), announced: true, created_us: since_us, ..row(&rejected) };
    done("create a rejected job", store.create_job(&refused).await)?;
    let listed = Listed { store, clock };

    listed.are(JobStatus::Running, &[newest, middle, oldest]).await?;
    listed.are(JobStatus::Running, &[newest, middle]).await?;
    listed.are(JobStatus::Running, &[]).await?;
    listed.are(JobStatus::Rejected, &[&rejected]).await?;
    let over = ending(JobStatus::OverBudget);
    done("end a job", store.end_job(middle, 0, &over).await)?;
    // The collector that tends running jobs also announces their ends.
    listed.are(JobStatus::Running, &[newest, middle, oldest]).await?;
    done("mark announced", store.mark_announced(middle, over.ended_us).await)?;
    listed.are(JobStatus::Running, &[newest, oldest]).await?;
    listed.are(JobStatus::OverBudget, &[middle]).await?;
    done("reopen a job", store.reopen_job(middle, over.ended_us, &reopened(9, 1)).await)?;
    listed.are(JobStatus::Running, &[newest, middle, oldest]).await?;
    let running = done("list", store.jobs(JobStatus::Running, Order::OldestFirst, 1_000).await)?;
    let place = |id: &JobId| running.iter().position(|it| it == id);
    same("the oldest come first", &(place(oldest) < place(newest)), &true)?;
    same("a rejected job does not run", &running.contains(&rejected), &false)?;
    let stale = done("list", store.jobs(JobStatus::OverBudget, Order::NewestFirst, 1_000).await)?;
    same("a job has one status", &stale.contains(middle), &false)?;
    // Ended jobs are no longer in the way of the collector that tends running ones.
    for id in [oldest, middle, newest] {
        let cancelled = ending(JobStatus::Cancelled);
        let generation = u32::from(id == middle);
        done("end a job", store.end_job(id, generation, &cancelled).await)?;
        done("mark announced", store.mark_announced(id, cancelled.ended_us).await)?;
    }
    listed.are(JobStatus::Cancelled, &[newest, middle, oldest]).await
}

struct Listed<'a, S, C> {
    store: &'a S,
    clock: &'a C,
}

impl<S: JobList, C: Clock> Listed<'_, S, C> {
    /// The first jobs of a status are, or soon become, these.
    async fn are(&self, status: JobStatus, expected: &[&JobId]) -> Result<(), Broken> {
        const TRIES: u32 = 50;
        let mut found = Vec::new();
        for _ in 0..TRIES {
            found = done("list the jobs", self.store.jobs(status, Order::NewestFirst, expected.len()).await)?;
            if found.iter().eq(expected.iter().copied()) {
                return Ok(());
            }
            self.clock.sleep_until(self.clock.now_us() + 100_000).await;
        }
        let expected: Vec<JobId> = expected.iter().copied().cloned().collect();
        same(&format!("the newest {status} jobs, in order"), &found, &expected)
    }
}

#[cfg(test)]
mod tests;
