//! A stack's mappings: the event source mappings that CloudFormation created, in the terms of the file.

use anyhow::{Context, Result, bail, ensure};
use squall_aws::Connection;
use squall_aws::transport::{EventSourceMapping, event_source_mapping};

use super::config::{Config, Mapping, Start};

const RESOURCE_TYPE: &str = "AWS::Lambda::EventSourceMapping";

/// Reads a stack's mappings. `say` receives the reason why a mapping is not pumped.
///
/// # Errors
/// When there is no such stack, it has no mappings, or a mapping has a setting that the pump does not support.
pub(super) async fn read(connection: &Connection, stack: &str, say: impl Fn(&str)) -> Result<Config> {
    let ids = squall_aws::stack_resources(connection, stack, RESOURCE_TYPE).await?;
    ensure!(!ids.is_empty(), "the stack {stack} has no event source mapping");
    let mut mappings = Vec::new();
    for id in ids {
        match plan(&event_source_mapping(connection, &id).await?)? {
            Plan::Pump(mapping) => mappings.push(*mapping),
            Plan::Skip(why) => say(&why),
        }
    }
    ensure!(
        !mappings.is_empty(),
        "nothing to pump: every event source mapping of the stack {stack} is disabled"
    );
    Config::of_mappings(mappings)
}

/// The decision on a mapping.
#[derive(Debug, PartialEq)]
enum Plan {
    Pump(Box<Mapping>),
    /// Skipped for now, and the reason.
    Skip(String),
}

/// A mapping in our terms.
///
/// # Errors
/// When it has a setting that the pump does not support.
fn plan(known: &EventSourceMapping) -> Result<Plan> {
    let function = known.function_arn.split(":function:").last().unwrap_or_default();
    let name = format!("mapping {} of {function}", known.id);
    if matches!(known.state.as_str(), "Disabled" | "Disabling") {
        return Ok(Plan::Skip(format!("{name} is disabled: not pumped")));
    }
    mapping(known).map(|mapping| Plan::Pump(Box::new(mapping))).context(name)
}

fn mapping(known: &EventSourceMapping) -> Result<Mapping> {
    let Some(source) = &known.source_arn else {
        bail!("its source has no ARN; only Kinesis streams are pumped")
    };
    ensure!(is_stream(source), "EventSourceArn is {source}; only Kinesis streams are pumped");
    let window_s = known.tumbling_window_s;
    ensure!(window_s == 0, "TumblingWindowInSeconds is {window_s}; the pump has no tumbling windows");
    ensure!(known.n_filters == 0, "FilterCriteria is set; the pump does not filter");
    let starting_position = match known.starting_position.as_deref() {
        Some("TRIM_HORIZON") => Start::TrimHorizon,
        Some("LATEST") => Start::Latest,
        other => {
            let other = other.unwrap_or("not set");
            bail!("StartingPosition is {other}; the pump starts at TRIM_HORIZON or LATEST")
        }
    };
    let mut partial_failures = false;
    for kind in &known.response_types {
        ensure!(
            kind == "ReportBatchItemFailures",
            "FunctionResponseTypes has {kind}, which the pump does not know"
        );
        partial_failures = true;
    }
    Ok(Mapping {
        name: Some(known.id.clone()),
        stream: source.clone(),
        function: known.function_arn.clone(),
        // Lambda's own default for a stream, if the mapping sets none.
        batch_size: count("BatchSize", known.batch_size.unwrap_or(100))?,
        parallelization_factor: count("ParallelizationFactor", known.parallelization_factor.unwrap_or(1))?,
        starting_position,
        batching_window_s: count("MaximumBatchingWindowInSeconds", known.batching_window_s.unwrap_or(0))?,
        maximum_retry_attempts: known.maximum_retry_attempts.unwrap_or(-1).into(),
        maximum_record_age_s: known.maximum_record_age_s.unwrap_or(-1).into(),
        bisect: known.bisect,
        partial_failures,
        on_failure: known.on_failure.clone(),
    })
}

/// Whether it is a stream itself: not a consumer of one, which is read by enhanced fan-out.
fn is_stream(arn: &str) -> bool {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "kinesis", _, _, stream] => {
            stream.strip_prefix("stream/").is_some_and(|name| !name.is_empty() && !name.contains('/'))
        }
        _ => false,
    }
}

fn count<N: TryFrom<i32>>(field: &str, value: i32) -> Result<N> {
    N::try_from(value).ok().with_context(|| format!("{field} is {value}"))
}

#[cfg(test)]
mod tests;
