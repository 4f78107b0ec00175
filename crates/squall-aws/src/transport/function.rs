//! One function, as an event source invokes it.

use aws_sdk_lambda::Client as Lambda;

use crate::connection::{Client, Connection};
use crate::lambda::{Invocation, invoke, invoke_async, invoke_client};

/// A function. Each invocation is one request: the caller counts the attempts.
#[derive(Debug)]
pub struct Function {
    client: Client<Lambda>,
    name: String,
}

impl Function {
    /// The function with this name or ARN.
    pub fn new(connection: &Connection, name: impl Into<String>) -> Self {
        Self { client: Client::new(connection, invoke_client), name: name.into() }
    }

    /// Invokes it with a JSON payload and waits for its answer, which is JSON too.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn invoke(&self, payload: Vec<u8>) -> Result<Vec<u8>, Invocation> {
        invoke(&self.client, &self.name, payload).await
    }

    /// Sends it a JSON payload to process asynchronously, with Lambda's own retries.
    ///
    /// # Errors
    /// When the payload is not known to have been accepted.
    pub async fn invoke_async(&self, payload: Vec<u8>) -> Result<(), Invocation> {
        invoke_async(&self.client, &self.name, payload).await
    }
}
