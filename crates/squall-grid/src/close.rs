//! Ends a job exactly once: proves it, merges the buckets, stores the answer, announces the end.

use std::pin::pin;

use futures::lock::Mutex;
use futures::stream::{self, StreamExt};
use squall_core::collate::{Received, progress_of};
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::lifecycle::{Closing, is_failing, plan_closing, plan_ending};
use squall_core::ports::{BlobStore, Clock, JobEvents, JobStore, PortError, Written};
use squall_core::prices::Prices;
use squall_core::registry::{AnyWorkload, Registry};
use squall_core::rows::{BucketProgress, Ending, JobEnd, JobRow, JobStatus, Published, ResentList};
use squall_core::wire::{CodecError, Failure, Message};
use squall_core::workload::Coverage;

use crate::consume::fetched;

/// Buckets of a job that are read at the same time.
pub(crate) const READS_AT_ONCE: usize = 8;
/// Size of a part of an answer, bytes as sent, or two buckets if those are larger: what a collector holds of the answer while it ends the
/// job. Most answers are one part.
const PART_BYTES: usize = 8_000_000;

/// What ends jobs, several at the same time.
pub struct Ends<'a> {
    registry: &'a Registry,
    prices: &'a Prices,
    /// Held while a job is ended whose buckets are large: one at a time.
    large: Mutex<()>,
}

impl<'a> Ends<'a> {
    /// By these workloads, at these prices.
    pub fn new(registry: &'a Registry, prices: &'a Prices) -> Self {
        Self { registry, prices, large: Mutex::new(()) }
    }
}

/// Ends the job if everything is in, or its budget or deadline is exhausted. An end that this call wrote is added to
/// `ended`, even if announcing it then fails: no other caller writes it.
///
/// # Errors
/// When a port fails; nothing is left half done, and retrying is harmless.
pub async fn close_if_due<P>(
    ports: &P,
    ends: &Ends<'_>,
    row: &JobRow,
    ended: &mut Vec<JobEnd>,
) -> Result<Closing, PortError>
where
    P: JobStore + BlobStore + JobEvents + Clock,
{
    let workload = row.published.as_ref().map(|published| published.workload.as_str());
    let here = workload.and_then(|workload| ends.registry.code_of(workload).ok());
    let closing = plan_closing(row, here.as_ref(), ports.now_us());
    match closing {
        Closing::NotYet => {}
        Closing::Ended => announce(ports, row).await?,
        due => {
            if let Some(row) = end(ports, ends, row, due).await? {
                ended.extend(row.end(ends.prices));
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
pub(crate) async fn tend<P>(
    ports: &P,
    ends: &Ends<'_>,
    id: &JobId,
    ended: &mut Vec<JobEnd>,
) -> Result<(), PortError>
where
    P: JobStore + BlobStore + JobEvents + Clock,
{
    let Some(mut row) = ports.job(id).await? else { return Ok(()) };
    if row.ending.is_none() {
        let behind = row.buckets_to_come();
        let read = async |bucket| Ok((bucket, progress_of(&ports.bucket(id, bucket).await?, ends.prices)));
        let mut read = pin!(stream::iter(behind).map(read).buffer_unordered(READS_AT_ONCE));
        while let Some(found) = read.next().await {
            let (bucket, progress): (u32, BucketProgress) = found?;
            if row.progress.get(&bucket).map_or(0, |known| known.n_tasks) < progress.n_tasks {
                row = ports.record_progress(id, bucket, progress).await?;
            }
        }
    }
    close_if_due(ports, ends, &row, ended).await.map(drop)
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
    match end(ports, &Ends::new(registry, &Prices::default()), row, closing).await? {
        Some(row) => announce(ports, &row).await,
        None => Ok(()),
    }
}

/// Writes the end of the job and returns its row as announced; `None` if another caller was first, or the buckets do not confirm
/// that it fails.
async fn end<P>(
    ports: &P,
    ends: &Ends<'_>,
    row: &JobRow,
    closing: Closing,
) -> Result<Option<JobRow>, PortError>
where
    P: JobStore + BlobStore + Clock,
{
    let Some(published) = &row.published else { return Ok(None) };
    let _alone = if published.is_large { Some(ends.large.lock().await) } else { None };
    let readable = ends.registry.reading(&published.workload, &published.code);
    let (received, answer) = match &readable {
        Ok(workload) => store_answer(ports, workload.as_ref(), row, published).await?,
        // This binary cannot read its partials, so the merged results stay in its buckets.
        Err(_) => (read_buckets(ports, &row.id, published).await?, Vec::new()),
    };
    if closing == Closing::Failing && !is_failing(&received) {
        return Ok(None);
    }
    let (mut status, mut reason) = plan_ending(closing, published, &received);
    let mut coverage = received.coverage(published);
    if let Err(error) = &readable {
        (status, coverage) = (JobStatus::Expired, Coverage { weight_done: 0, ..coverage });
        reason = Some(format!("{error}; its results cannot be merged by this version: publish it again"));
    }
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
    workload: &dyn AnyWorkload,
    row: &JobRow,
    published: &Published,
) -> Result<(Received, Option<Vec<u8>>), PortError> {
    let mut merger = workload.merger();
    let received = read_with_partials(ports, row, published, async |partial| {
        merger.add(&partial).map_err(|error| unreadable(row, &error))
    })
    .await?;
    Ok((received, merger.finish()))
}

/// Reads the buckets, and stores their merged partials in parts: a part that is large enough is stored before more is read.
async fn store_answer<P: JobStore + BlobStore>(
    ports: &P,
    workload: &dyn AnyWorkload,
    row: &JobRow,
    published: &Published,
) -> Result<(Received, Vec<Digest>), PortError> {
    let mut parts = Vec::new();
    let (mut merger, mut n_bytes, mut n_partials) = (workload.merger(), 0, 0);
    let (mut most_bytes, mut largest) = (PART_BYTES, 0);
    let received = read_with_partials(ports, row, published, async |partial| {
        (n_bytes, n_partials) = (n_bytes + partial.len(), n_partials + 1);
        largest = partial.len().max(largest);
        merger.add(&partial).map_err(|error| unreadable(row, &error))?;
        if n_bytes <= most_bytes || n_partials < 2 {
            return Ok(());
        }
        let merged = std::mem::replace(&mut merger, workload.merger()).finish().unwrap_or_default();
        // Partials of the same things take no more once they are merged than the largest of them.
        if merged.len() <= PART_BYTES.max(largest / 4 * 5) {
            (n_bytes, n_partials) = (merged.len(), 1);
            most_bytes = PART_BYTES.max(2 * n_bytes);
            return merger.add(&merged).map_err(|error| unreadable(row, &error));
        }
        (n_bytes, n_partials, most_bytes, largest) = (0, 0, PART_BYTES, 0);
        parts.push(stored_blob(ports, merged).await?);
        Ok(())
    })
    .await?;
    if let Some(merged) = merger.finish() {
        parts.push(stored_blob(ports, merged).await?);
    }
    Ok((received, parts))
}

async fn stored_blob(blobs: &impl BlobStore, bytes: Vec<u8>) -> Result<Digest, PortError> {
    let digest = Digest::of(&bytes);
    blobs.put_blob(digest, bytes).await.map(|()| digest)
}

fn unreadable(row: &JobRow, error: &CodecError) -> PortError {
    PortError::permanent(format!("job {}: {error}", row.id))
}

/// Reads the buckets as [`read_buckets`] does, and passes each partial on, in the order of the buckets.
async fn read_with_partials<P: JobStore + BlobStore>(
    ports: &P,
    row: &JobRow,
    published: &Published,
    mut take: impl AsyncFnMut(Vec<u8>) -> Result<(), PortError>,
) -> Result<Received, PortError> {
    let at_once = if published.is_large { 1 } else { READS_AT_ONCE };
    let mut received = Received::default();
    let read = async |bucket| {
        let row = ports.bucket(&row.id, bucket).await?;
        let partial = match &row.partial {
            Some(partial) => Some(fetched(ports, partial).await?),
            None => None,
        };
        Ok::<_, PortError>((row, partial))
    };
    let mut rows = pin!(stream::iter(0..published.n_buckets).map(read).buffered(at_once));
    while let Some(found) = rows.next().await {
        let (bucket, partial) = found?;
        if let Some(partial) = partial {
            take(partial).await?;
        }
        received.add(&bucket);
    }
    received.forget_resent(&resent_of(ports, published).await?);
    Ok(received)
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
