//! The timer: tends every running job, so that none outlives its deadline or waits for a collector that died.

use squall_core::job::JobId;
use squall_core::ports::{BlobStore, Clock, JobEvents, JobList, JobStore, Order, PortError};
use squall_core::registry::Registry;
use squall_core::rows::JobStatus;

use crate::close::tend;

/// What a sweep did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Jobs that were looked after.
    pub n_tended: usize,
    /// Jobs that could not be; the next sweep is the retry.
    pub failed: Vec<(JobId, PortError)>,
}

/// Looks after the running jobs, at most so many, the oldest first: their time is up first. One that cannot be looked after
/// does not stand in the others' way.
///
/// # Errors
/// When the jobs cannot be listed.
pub async fn sweep<P>(ports: &P, registry: &Registry, at_most: usize) -> Result<Swept, PortError>
where
    P: JobStore + JobList + BlobStore + JobEvents + Clock,
{
    let mut swept = Swept::default();
    for id in ports.jobs(JobStatus::Running, Order::OldestFirst, at_most).await? {
        match tend(ports, registry, &id).await {
            Ok(()) => swept.n_tended += 1,
            Err(error) => swept.failed.push((id, error)),
        }
    }
    Ok(swept)
}
