//! Task-splitter: from an SNS event to tasks on the stream.

use aws_lambda_events::sns::{SnsEvent, SnsMessage};
use squall_core::job::JobId;
use squall_core::ports::{BlobStore, Clock, JobEvents, JobStore, Objects, TaskQueue};
use squall_grid::{InputCache, SplitConfig, SplitOutcome, split};
use tracing::{info, warn};

use crate::emf;
use crate::failure::Failure;

/// Splits each message. A message that cannot become a job is finished: it is recorded, and another delivery would have
/// the same result.
///
/// # Errors
/// When a port fails. Lambda delivers the event again; the interrupted split is completed, with the same tasks.
pub async fn handle<P>(
    ports: &P,
    inputs: &InputCache,
    config: &SplitConfig,
    event: SnsEvent,
) -> Result<(), Failure>
where
    P: Objects + BlobStore + JobStore + JobEvents + TaskQueue + Clock,
{
    for record in event.records {
        let SnsMessage { message_id, message, .. } = record.sns;
        let what = format!("message {message_id}");
        // The same in every delivery of a message.
        let delivery = JobId::new(format!("sns-{message_id}"))
            .map_err(|error| Failure::new("UnreadableEvent", &what, &error))?;
        let outcome = split(ports, inputs, config, message.as_bytes(), delivery).await;
        let outcome = outcome.map_err(|error| Failure::port(&what, &error))?;
        emf::split(&outcome);
        log(&message_id, &outcome);
    }
    Ok(())
}

fn log(message: &str, outcome: &SplitOutcome) {
    match outcome {
        SplitOutcome::Enqueued { job, n_tasks } => {
            info!(message_id = message, %job, n_tasks, "enqueued");
        }
        SplitOutcome::AlreadyEnqueued(job) => info!(message_id = message, %job, "was enqueued before"),
        SplitOutcome::Rejected(job, reason) => warn!(message_id = message, %job, %reason, "rejected"),
        SplitOutcome::IdTaken(job) => {
            warn!(message_id = message, %job, "not recorded: another job has this id");
        }
    }
}

#[cfg(test)]
mod tests;
