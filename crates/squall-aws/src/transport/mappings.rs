//! Lambda's view of an event source mapping.

use aws_sdk_lambda::operation::get_event_source_mapping::GetEventSourceMappingOutput;
use squall_core::ports::PortError;

use crate::connection::Connection;
use crate::error::port_error_of;

/// An event source mapping as configured, in the terms of
/// <https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html>. Settings that are not set are
/// `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventSourceMapping {
    /// Its UUID.
    pub id: String,
    /// Such as `Enabled`, `Disabled` or `Updating`.
    pub state: String,
    /// The ARN of the stream, queue or table; self-managed sources have none.
    pub source_arn: Option<String>,
    /// The function's ARN, with its version or alias.
    pub function_arn: String,
    /// Records per batch.
    pub batch_size: Option<i32>,
    /// `MaximumBatchingWindowInSeconds`.
    pub batching_window_s: Option<i32>,
    /// Concurrent batches per shard.
    pub parallelization_factor: Option<i32>,
    /// `TRIM_HORIZON`, `LATEST` or `AT_TIMESTAMP`.
    pub starting_position: Option<String>,
    /// -1 for no limit.
    pub maximum_retry_attempts: Option<i32>,
    /// -1 for no limit.
    pub maximum_record_age_s: Option<i32>,
    /// `BisectBatchOnFunctionError`.
    pub bisect: bool,
    /// `FunctionResponseTypes`.
    pub response_types: Vec<String>,
    /// The ARN of the on-failure destination.
    pub on_failure: Option<String>,
    /// Seconds; 0 is none.
    pub tumbling_window_s: i32,
    /// Number of filters.
    pub n_filters: usize,
}

/// Reads the event source mapping with this UUID.
///
/// # Errors
/// Permanent when there is no such mapping.
pub async fn event_source_mapping(
    connection: &Connection,
    id: &str,
) -> Result<EventSourceMapping, PortError> {
    let client = aws_sdk_lambda::Client::new(connection.config().await);
    let reply = client.get_event_source_mapping().uuid(id).send().await.map_err(|error| {
        let mapping = format!("event source mapping {id}");
        port_error_of(connection, format!("read {mapping}"), mapping, error)
    })?;
    Ok(read(id, reply))
}

fn read(id: &str, reply: GetEventSourceMappingOutput) -> EventSourceMapping {
    EventSourceMapping {
        id: id.to_owned(),
        state: reply.state.unwrap_or_default(),
        source_arn: reply.event_source_arn,
        function_arn: reply.function_arn.unwrap_or_default(),
        batch_size: reply.batch_size,
        batching_window_s: reply.maximum_batching_window_in_seconds,
        parallelization_factor: reply.parallelization_factor,
        starting_position: reply.starting_position.map(|it| it.as_str().to_owned()),
        maximum_retry_attempts: reply.maximum_retry_attempts,
        maximum_record_age_s: reply.maximum_record_age_in_seconds,
        bisect: reply.bisect_batch_on_function_error.unwrap_or(false),
        response_types: reply
            .function_response_types
            .unwrap_or_default()
            .iter()
            .map(|it| it.as_str().to_owned())
            .collect(),
        on_failure: reply
            .destination_config
            .and_then(|it| it.on_failure)
            .and_then(|it| it.destination)
            // Templates unset it with an empty one.
            .filter(|arn| !arn.is_empty()),
        tumbling_window_s: reply.tumbling_window_in_seconds.unwrap_or(0),
        n_filters: reply.filter_criteria.and_then(|it| it.filters).map_or(0, |filters| filters.len()),
    }
}

#[cfg(test)]
mod tests;
