//! Where a deployment is, from the outputs of its stack.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use squall_core::ports::PortError;

use crate::connection::Connection;
use crate::error::port_error;

/// The outputs of a CloudFormation stack, by name.
///
/// # Errors
/// Permanent when there is no such stack in the region; transient when CloudFormation does not answer.
pub async fn stack_outputs(
    connection: &Connection,
    stack: &str,
) -> Result<BTreeMap<String, String>, PortError> {
    let client = aws_sdk_cloudformation::Client::new(connection.config().await);
    let reply = match client.describe_stacks().stack_name(stack).send().await {
        Ok(reply) => reply,
        // CloudFormation has no error of its own for a stack that is not there, only this validation error:
        // https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
        Err(error)
            if error.code() == Some("ValidationError")
                && error.message().is_some_and(|message| message.contains("does not exist")) =>
        {
            return Err(no_stack(connection, stack).await);
        }
        Err(error) => {
            return Err(port_error(connection, format!("read the outputs of stack {stack}"), error));
        }
    };
    let Some(found) = reply.stacks().first() else { return Err(no_stack(connection, stack).await) };
    let output = |output: &aws_sdk_cloudformation::types::Output| {
        Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))
    };
    Ok(found.outputs().iter().filter_map(output).collect())
}

async fn no_stack(connection: &Connection, stack: &str) -> PortError {
    let region = connection.region().await.unwrap_or_else(|| "this region".to_owned());
    PortError::permanent(format!("there is no stack {stack} in {region}"))
}

#[cfg(test)]
mod tests;
