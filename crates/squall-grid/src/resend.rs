//! Reopens an ended job: only missing and failed work goes on the stream.

use squall_core::collate::Received;
use squall_core::deployment::Deployment;
use squall_core::job::JobId;
use squall_core::lifecycle::{NotResent, Resend, ResendRequest, plan_resend};
use squall_core::ports::{BlobStore, Clock, JobStore, PortError, TaskQueue, Written};
use squall_core::rows::ResentList;
use squall_core::wire::Message;

use crate::close::{read_buckets, resent_of};
use crate::consume::stored;
use crate::inputs::InputCache;
use crate::split::{cut_again, enqueue, known_to_be_put};

/// The work that was sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resent {
    /// Tasks that had not come back.
    pub n_missing: u64,
    /// Subtasks without a value, each as a task of its own.
    pub n_failed: u64,
}

/// Why nothing was sent again.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// The store does not know the job.
    #[error("job {0} is not known")]
    Unknown(JobId),
    /// The decision was not to.
    #[error("job {0} is not sent again")]
    Not(JobId, #[source] NotResent),
    /// It was reopened or ended meanwhile.
    #[error("job {0} has changed meanwhile; look at it again")]
    Raced(JobId),
    /// A port failed.
    #[error("cannot send job {0} again")]
    Port(JobId, #[source] PortError),
}

/// Reopens an ended job under its own id: the tasks that are not in are put on the stream again, and each subtask
/// without a value as a task of its own. Results already in the answer stay there.
///
/// If killed between its two writes, it leaves a running job whose tasks are not all on the stream; running it again
/// completes that.
///
/// # Errors
/// When there is nothing to send, or a port fails.
pub async fn resend<P>(
    ports: &P,
    inputs: &InputCache,
    deployment: &Deployment,
    id: &JobId,
    request: &ResendRequest,
) -> Result<Resent, ResendError>
where
    P: JobStore + BlobStore + TaskQueue + Clock,
{
    let failed = |error| ResendError::Port(id.clone(), error);
    let row = ports.job(id).await.map_err(failed)?.ok_or_else(|| ResendError::Unknown(id.clone()))?;
    // From the buckets, not from the ending: a collector may have been merging when the job ended.
    let (received, before) = match &row.published {
        Some(published) => (
            read_buckets(ports, id, published).await.map_err(failed)?,
            resent_of(ports, published).await.map_err(failed)?,
        ),
        None => (Received::default(), Vec::new()),
    };
    let plan = plan_resend(&row, &received, before, request, deployment, ports.now_us());
    let Resend { over_ended_us, mut reopened, resent, mut tasks } =
        plan.map_err(|reason| ResendError::Not(id.clone(), reason))?;
    // Before anything is written: a job that cannot be cut again must not be reopened.
    let pieces = cut_again(ports, inputs, id, &reopened.published, &resent).await.map_err(failed)?;
    // Where the splitter did not finish, some of what is not in is on the stream.
    tasks -= known_to_be_put(ports, id, &reopened.published, &pieces).await.map_err(failed)?;
    if !resent.is_empty() {
        let list = stored(ports, ResentList(resent.clone()).to_bytes()).await.map_err(failed)?;
        reopened.published.resent.list = Some(list);
    }
    if let Some(ended_us) = over_ended_us
        && ports.reopen_job(id, ended_us, &reopened).await.map_err(failed)? == Written::Raced
    {
        return Err(ResendError::Raced(id.clone()));
    }
    let capacity = |n_shards| deployment.capacity_of(n_shards);
    enqueue(ports, capacity, id, &reopened.published, (&pieces, &resent), Some(&tasks))
        .await
        .map_err(failed)?;
    let n_failed = tasks.range(reopened.published.n_cut()..).count() as u64;
    Ok(Resent { n_missing: tasks.len() - n_failed, n_failed })
}
