//! The names of a deployment's parts, from the outputs of its stack; its physical ids, from the stack's resources.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use squall_core::ports::PortError;

use crate::connection::Connection;
use crate::error::port_error;

/// The outputs of a CloudFormation stack, by name.
///
/// # Errors
/// Permanent when there is no such stack in the region; unknown when CloudFormation does not answer.
pub async fn stack_outputs(
    connection: &Connection,
    stack: &str,
) -> Result<BTreeMap<String, String>, PortError> {
    let client = Client::new(connection.config().await);
    let reply = match client.describe_stacks().stack_name(stack).send().await {
        Ok(reply) => reply,
        Err(error) => return Err(failed(connection, "read the outputs of", stack, error).await),
    };
    let Some(found) = reply.stacks().first() else { return Err(no_stack(connection, stack).await) };
    let output = |output: &aws_sdk_cloudformation::types::Output| {
        Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))
    };
    Ok(found.outputs().iter().filter_map(output).collect())
}

/// The physical ids of a stack's resources of a type such as `AWS::Kinesis::Stream`, in CloudFormation's order.
///
/// # Errors
/// Permanent when there is no such stack in the region; unknown when CloudFormation does not answer.
pub async fn stack_resources(
    connection: &Connection,
    stack: &str,
    resource_type: &str,
) -> Result<Vec<String>, PortError> {
    let client = Client::new(connection.config().await);
    let mut pages = client.list_stack_resources().stack_name(stack).into_paginator().send();
    let mut ids = Vec::new();
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(error) => return Err(failed(connection, "list the resources of", stack, error).await),
        };
        let wanted = page
            .stack_resource_summaries()
            .iter()
            // A resource that was deleted, or never created, is still listed.
            .filter(|it| it.resource_type() == Some(resource_type) && !is_gone(it));
        ids.extend(wanted.filter_map(|it| Some(it.physical_resource_id()?.to_owned())));
    }
    Ok(ids)
}

fn is_gone(resource: &aws_sdk_cloudformation::types::StackResourceSummary) -> bool {
    use aws_sdk_cloudformation::types::ResourceStatus::{CreateFailed, DeleteComplete};
    matches!(resource.resource_status(), Some(CreateFailed | DeleteComplete))
}

/// Why CloudFormation did not answer.
async fn failed<E>(
    connection: &Connection,
    doing: &str,
    stack: &str,
    error: SdkError<E, HttpResponse>,
) -> PortError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    // CloudFormation has no specific error for a stack that does not exist, only this validation error:
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    if error.code() == Some("ValidationError")
        && error.message().is_some_and(|message| message.contains("does not exist"))
    {
        return no_stack(connection, stack).await;
    }
    port_error(connection, format!("{doing} stack {stack}"), error)
}

async fn no_stack(connection: &Connection, stack: &str) -> PortError {
    let region = connection.region().await.unwrap_or_else(|| "this region".to_owned());
    PortError::permanent(format!("there is no stack {stack} in {region}"))
}

#[cfg(test)]
mod tests;
