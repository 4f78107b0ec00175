//! The timer: tends every running job, so that none outlives its deadline or waits for a dead collector.

use std::pin::pin;

use futures::stream::{self, StreamExt};
use squall_core::job::JobId;
use squall_core::ports::{BlobStore, Clock, JobEvents, JobList, JobStore, Order, PortError};
use squall_core::prices::Prices;
use squall_core::registry::Registry;
use squall_core::rows::{JobEnd, JobStatus};

use crate::close::{Ends, tend};

/// Jobs that a sweep tends at the same time: each waits for its store most of the time.
const JOBS_AT_ONCE: usize = 8;

/// The outcome of a sweep.
#[derive(Debug, Default)]
pub struct Swept {
    /// Jobs that were tended.
    pub n_tended: usize,
    /// Jobs for which no time was left.
    pub n_left: usize,
    /// Jobs whose end this sweep wrote.
    pub ended: Vec<JobEnd>,
    /// Jobs that could not be tended; the next sweep is the retry.
    pub failed: Vec<(JobId, PortError)>,
}

/// Tends the running jobs, at most `at_most`, several at once, oldest first: their deadlines come first. None is
/// started after `until_us`. A job that cannot be tended does not hold up the others.
///
/// # Errors
/// When the jobs cannot be listed.
pub async fn sweep<P>(
    ports: &P,
    registry: &Registry,
    prices: &Prices,
    at_most: usize,
    until_us: u64,
) -> Result<Swept, PortError>
where
    P: JobStore + JobList + BlobStore + JobEvents + Clock,
{
    let (mut swept, ends) = (Swept::default(), Ends::new(registry, prices));
    let running = ports.jobs(JobStatus::Running, Order::OldestFirst, at_most).await?;
    let tended = stream::iter(running).map(async |id| {
        if ports.now_us() >= until_us {
            return (id, None, Vec::new());
        }
        let mut ended = Vec::new();
        let done = tend(ports, &ends, &id, &mut ended).await;
        (id, Some(done), ended)
    });
    let mut tended = pin!(tended.buffer_unordered(JOBS_AT_ONCE));
    while let Some((id, done, ended)) = tended.next().await {
        swept.ended.extend(ended);
        match done {
            None => swept.n_left += 1,
            Some(Ok(())) => swept.n_tended += 1,
            Some(Err(error)) => swept.failed.push((id, error)),
        }
    }
    Ok(swept)
}
