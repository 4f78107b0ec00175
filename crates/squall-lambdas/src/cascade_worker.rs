//! Cascade-worker: from a subtask request to its reply.

use aws_lambda_events::encodings::Base64Data;
use squall_aws::WORK_PERMANENT;
use squall_core::ports::{BlobStore, Clock, Objects};
use squall_grid::{InputCache, WorkConfig, work};
use tracing::debug;

use crate::failure::Failure;

/// Answers one request. Request and reply travel as a JSON string in base64.
///
/// It logs nothing unless it fails: there are thousands of subtasks a second, and the consumer counts them.
///
/// # Errors
/// When it cannot start; the consumer retries, unless the failure is of the kind [`WORK_PERMANENT`].
pub async fn handle<P: BlobStore + Objects + Clock>(
    ports: &P,
    inputs: &InputCache,
    config: &WorkConfig,
    request: Base64Data,
) -> Result<Base64Data, Failure> {
    let reply = work(ports, inputs, config, &request).await;
    let reply = reply.map_err(|error| {
        let kind = if error.is_permanent() { WORK_PERMANENT } else { "Work" };
        Failure::new(kind, "no reply", &error)
    })?;
    debug!(request_bytes = request.len(), reply_bytes = reply.len(), "replied");
    let mut response = Base64Data::default();
    response.0 = reply;
    Ok(response)
}

#[cfg(test)]
mod tests;
