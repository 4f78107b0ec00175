//! Messages that do not become a job.

use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::ports::{Clock, Created, JobEvents, JobStore, PortError};
use squall_core::rows::{Ending, JobRow, JobStatus};
use squall_core::workload::{Coverage, InputError};

use super::SplitOutcome;
use crate::close::announce;

/// Records a message that is no valid job under its id, and announces that.
pub(super) async fn reject<P: JobStore + JobEvents + Clock>(
    ports: &P,
    id: JobId,
    message: Digest,
    error: InputError,
) -> Result<SplitOutcome, PortError> {
    let row = rejected(&id, message, error.to_string(), ports.now_us());
    match ports.create_job(&row).await? {
        // Two deliveries of it raced, and this one could not load what the other did.
        Created::Existing(known) if known.message == message => Ok(SplitOutcome::AlreadyEnqueued(id)),
        Created::Existing(_) => refuse_id(ports, id, message, Some(&error)).await,
        Created::New => {
            announce(ports, &row).await?;
            Ok(SplitOutcome::Rejected(id, error))
        }
    }
}

/// Announces that a message was not taken in because another job has its id; there is no row for it.
pub(super) async fn refuse_id<P: JobEvents>(
    ports: &P,
    id: JobId,
    message: Digest,
    error: Option<&InputError>,
) -> Result<SplitOutcome, PortError> {
    let besides = error.map_or(String::new(), |error| format!("; nor is it valid: {error}"));
    let reason = format!("another job has the id {id}; publish this one under another{besides}");
    ports.id_taken(&id, message, &reason).await?;
    Ok(SplitOutcome::IdTaken(id))
}

/// The row of a message that does not become a job.
fn rejected(id: &JobId, message: Digest, reason: String, now_us: u64) -> JobRow {
    let ending = Ending {
        status: JobStatus::Rejected,
        reason: Some(reason),
        coverage: Coverage::default(),
        missing: Default::default(),
        failures: Vec::new(),
        answer: Vec::new(),
        receipt: Default::default(),
        timeline: Default::default(),
        ended_us: now_us,
    };
    JobRow {
        id: id.clone(),
        message,
        created_us: now_us,
        expires_us: now_us,
        max_cost: None,
        published: None,
        enqueued: false,
        progress: Default::default(),
        ending: Some(ending),
        announced: false,
    }
}
