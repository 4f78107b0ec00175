//! Ends a job exactly once: proves it, merges the buckets, stores the answer, announces the end.

use std::pin::pin;

use futures::stream::{self, StreamExt};
use squall_core::collate::{Received, progress_of};
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::lifecycle::{Closing, is_failing, plan_closing, plan_ending};
use squall_core::ports::{BlobStore, Clock, JobEvents, JobStore, PortError, Written};
use squall_core::prices::Prices;
use squall_core::registry::Registry;
use squall_core::rows::{BucketProgress, Ending, JobEnd, JobRow, JobStatus, Published, ResentList};
use squall_core::wire::{Failure, Message};
use squall_core::workload::Coverage;

use crate::consume::fetched;

/// Buckets of a job that are read at the same time.
const READS_AT_ONCE: usize = 8;

/// Ends the job if everything is in, or its budget or deadline is exhausted. An end that this call wrote is added to
/// `ended`, even if announcing it then fails: no other caller writes it.
///
/// # Errors
/// When a port fails; nothing is left half done, and retrying is harmless.
pub async fn close_if_due<P>(
    ports: &P,
    registry: &Registry,
    prices: &Prices,
    row: &JobRow,
    ended: &mut Vec<JobEnd>,
) -> Result<Closing, PortError>
where
    P: JobStore + BlobStore + JobEvents + Clock,
{
    let workload = row.published.as_ref().map(|published| published.workload.as_str());
    let here = workload.and_then(|workload| registry.code_of(workload).ok());
    let closing = plan_closing(row, here.as_ref(), ports.now_us());
    match closing {
        Closing::NotYet => {}
        Closing::Ended => announce(ports, row).await?,
        due => {
            if let Some(row) = end(ports, registry, row, due).await? {
                ended.extend(row.end(prices));
                announce(ports, &row).await?;
            }
        }
    }
    Ok(closing)
}

/// The timer's work on a running job: takes the progress from the buckets again, in case the collector that wrote the
/// last one died before recording it, and ends the job if that is due, as [`close_if_due`] does.
///
/// # Errors
/// When a port fails; the next tick is the retry.
pub async fn tend<P>(
    ports: &P,
    registry: &Registry,
    prices: &Prices,
    id: &JobId,
    ended: &mut Vec<JobEnd>,
) -> Result<(), PortError>
where
    P: JobStore + BlobStore + JobEvents + Clock,
{
    let Some(mut row) = ports.job(id).await? else { return Ok(()) };
    if row.ending.is_none() {
        let behind = row.buckets_to_come();
        let read = async |bucket| Ok((bucket, progress_of(&ports.bucket(id, bucket).await?, prices)));
        let mut read = pin!(stream::iter(behind).map(read).buffer_unordered(READS_AT_ONCE));
        while let Some(found) = read.next().await {
            let (bucket, progress): (u32, BucketProgress) = found?;
            if row.progress.get(&bucket).map_or(0, |known| known.n_tasks) < progress.n_tasks {
                row = ports.record_progress(id, bucket, progress).await?;
            }
        }
    }
    close_if_due(ports, registry, prices, &row, ended).await.map(drop)
}

/// Ends the job with the content of its buckets and announces it, unless another caller was first, who then announces
/// it.
///
/// # Errors
/// When a port fails; nothing is left half done, and retrying is harmless.
pub async fn close<P>(ports: &P, registry: &Registry, row: &JobRow, closing: Closing) -> Result<(), PortError>
where
    P: JobStore + BlobStore + JobEvents + Clock,
{
    match end(ports, registry, row, closing).await? {
        Some(row) => announce(ports, &row).await,
        None => Ok(()),
    }
}

/// Writes the end of the job and returns its row as announced; `None` if another caller was first, or the buckets do not confirm
/// that it fails.
async fn end<P>(
    ports: &P,
    registry: &Registry,
    row: &JobRow,
    closing: Closing,
) -> Result<Option<JobRow>, PortError>
where
    P: JobStore + BlobStore + Clock,
{
    let Some(published) = &row.published else { return Ok(None) };
    let same_version = registry.same_version(&published.workload, &published.code);
    let (received, partial) = match &same_version {
        Ok(_) => read_and_merge_buckets(ports, registry, row, published).await?,
        // This binary cannot read its partials, so the merged results stay in its buckets.
        Err(_) => (read_buckets(ports, &row.id, published).await?, None),
    };
    if closing == Closing::Failing && !is_failing(&received) {
        return Ok(None);
    }
    let (mut status, mut reason) = plan_ending(closing, published, &received);
    let mut coverage = received.coverage(published);
    if let Err(error) = &same_version {
        (status, coverage) = (JobStatus::Expired, Coverage { weight_done: 0, ..coverage });
        reason = Some(format!("{error}; its results cannot be merged by this version: publish it again"));
    }
    let answer = match partial {
        None => None,
        Some(bytes) => {
            let digest = Digest::of(&bytes);
            ports.put_blob(digest, bytes).await?;
            Some(digest)
        }
    };
    let ending = Ending {
        status,
        reason,
        coverage,
        missing: received.missing(published),
        failures: received.failures,
        answer,
        receipt: received.receipt,
        timeline: received.timeline,
        ended_us: ports.now_us(),
    };
    Ok(match ports.end_job(&row.id, published.generation, &ending).await? {
        Written::Yes => Some(JobRow { ending: Some(ending), announced: false, ..row.clone() }),
        Written::Raced => None,
    })
}

/// Announces that a job has ended, unless that is known to have been announced.
///
/// # Errors
/// When a port fails; the end may be announced again.
pub async fn announce<P: JobStore + JobEvents>(ports: &P, row: &JobRow) -> Result<(), PortError> {
    let Some(ending) = row.ending.as_ref().filter(|_| !row.announced) else { return Ok(()) };
    ports.job_ended(row).await?;
    ports.mark_announced(&row.id, ending.ended_us).await
}

/// Reads the buckets and returns their combined content, without their partials. It needs no workload, and fetches no
/// partial. `read_and_merge_buckets` is the same walk with the partials.
///
/// # Errors
/// When a port fails.
pub async fn read_buckets(
    ports: &(impl JobStore + BlobStore),
    id: &JobId,
    published: &Published,
) -> Result<Received, PortError> {
    let mut received = Received::default();
    let mut rows =
        pin!(stream::iter(0..published.n_buckets).map(|it| ports.bucket(id, it)).buffered(READS_AT_ONCE));
    while let Some(row) = rows.next().await {
        received.add(&row?);
    }
    received.forget_resent(&resent_of(ports, published).await?);
    Ok(received)
}

/// Reads the buckets as [`read_buckets`] does, and merges their partials too; `None` without any partial.
///
/// # Errors
/// When a port fails, or this binary cannot merge the partials.
pub(crate) async fn read_and_merge_buckets<P: JobStore + BlobStore>(
    ports: &P,
    registry: &Registry,
    row: &JobRow,
    published: &Published,
) -> Result<(Received, Option<Vec<u8>>), PortError> {
    let unreadable = |error: &dyn std::error::Error| PortError::permanent(format!("job {}: {error}", row.id));
    let workload = registry.same_version(&published.workload, &published.code);
    let mut merger = workload.map_err(|error| unreadable(&error))?.merger();
    let mut received = Received::default();
    let read = async |bucket| {
        let row = ports.bucket(&row.id, bucket).await?;
        let partial = match &row.partial {
            Some(partial) => Some(fetched(ports, partial).await?),
            None => None,
        };
        Ok::<_, PortError>((row, partial))
    };
    let mut rows = pin!(stream::iter(0..published.n_buckets).map(read).buffered(READS_AT_ONCE));
    while let Some(found) = rows.next().await {
        let (bucket, partial) = found?;
        if let Some(partial) = partial {
            merger.add(&partial).map_err(|error| unreadable(&error))?;
        }
        received.add(&bucket);
    }
    received.forget_resent(&resent_of(ports, published).await?);
    Ok((received, merger.finish()))
}

/// The subtasks of a job that were sent again.
pub(crate) async fn resent_of(
    blobs: &impl BlobStore,
    published: &Published,
) -> Result<Vec<Failure>, PortError> {
    let Some(list) = &published.resent.list else { return Ok(Vec::new()) };
    let list = ResentList::from_bytes(&fetched(blobs, list).await?);
    list.map(|ResentList(resent)| resent).map_err(|error| PortError::permanent(error.to_string()))
}
