//! The topics: jobs are published to one, their ends are announced on another.

use aws_sdk_sns::Client as Sns;
use aws_sdk_sns::types::MessageAttributeValue;
use serde_json::json;
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::limits::{LAMBDA_EVENT_BYTES, SNS_MESSAGE_BYTES};
use squall_core::ports::{JobEvents, PortError};
use squall_core::prices::Prices;
use squall_core::rows::JobRow;

use crate::connection::{Client, Connection};
use crate::error::{port_error_of, unsendable};

/// Most bytes of a message to a topic that does not say otherwise.
pub const MAX_MESSAGE_BYTES: usize = SNS_MESSAGE_BYTES;

/// What SNS puts around a message when it invokes a function: names, ARNs, a signature and URLs.
const ENVELOPE_BYTES: usize = 4_096;

/// Longest reason in an event; the job's row has it in full.
const MAX_REASON_CHARS: usize = 2_000;

/// The version of the event's shape; fields may be added without a new one.
const EVENT_VERSION: u32 = 1;

#[derive(Debug)]
struct Topic {
    client: Client<Sns>,
    arn: String,
}

impl Topic {
    fn new(connection: &Connection, arn: String) -> Self {
        Self { client: Client::new(connection, Sns::new), arn }
    }

    async fn publish(
        &self,
        message: &str,
        attributes: Vec<(&'static str, String)>,
    ) -> Result<String, PortError> {
        let what = || format!("publish to topic {}", self.arn);
        let mut request = self.client.get().await.publish().topic_arn(&self.arn).message(message);
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            request = request.message_attributes(name, value.map_err(|error| unsendable(what(), &error))?);
        }
        let sent = request.send().await.map_err(|error| {
            port_error_of(self.client.connection(), what(), format!("topic {}", self.arn), error)
        })?;
        Ok(sent.message_id.unwrap_or_default())
    }
}

/// The topic to which jobs are published.
#[derive(Debug)]
pub struct JobTopic {
    topic: Topic,
    max_bytes: usize,
}

impl JobTopic {
    /// The topic of this ARN, which takes [`MAX_MESSAGE_BYTES`].
    pub fn new(connection: &Connection, topic_arn: impl Into<String>) -> Self {
        Self { topic: Topic::new(connection, topic_arn.into()), max_bytes: MAX_MESSAGE_BYTES }
    }

    /// Takes messages of so many bytes, as the topic was set up.
    #[must_use]
    pub fn taking(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }

    /// Publishes a job, and returns the message's id.
    ///
    /// # Errors
    /// Permanent when the message has more bytes than the topic takes, or than fit into the event by which SNS invokes the
    /// splitter: nothing was sent.
    pub async fn publish(&self, message: &str) -> Result<String, PortError> {
        self.check(message).map_err(PortError::permanent)?;
        self.topic.publish(message, Vec::new()).await
    }

    fn check(&self, message: &str) -> Result<(), String> {
        let (bytes, max_bytes) = (message.len(), self.max_bytes);
        if bytes > max_bytes {
            return Err(format!(
                "the job has {bytes} bytes and SNS takes {max_bytes}; put its tables into files that it names"
            ));
        }
        // In the event the message is a JSON string: each quote takes two bytes.
        let as_event = json!(message).to_string().len() + ENVELOPE_BYTES;
        if as_event > LAMBDA_EVENT_BYTES {
            return Err(format!(
                "the job has {as_event} bytes as an event and Lambda takes {LAMBDA_EVENT_BYTES}; put its tables into files \
                 that it names"
            ));
        }
        Ok(())
    }
}

/// The topic to which a platform publishes its fleet's events.
#[derive(Debug)]
pub struct ActivityTopic(Topic);

impl ActivityTopic {
    /// The topic of this ARN.
    pub fn new(connection: &Connection, topic_arn: impl Into<String>) -> Self {
        Self(Topic::new(connection, topic_arn.into()))
    }

    /// Publishes an event.
    ///
    /// # Errors
    /// When it is not known to have been published.
    pub async fn publish(&self, event: &str) -> Result<(), PortError> {
        self.0.publish(event, Vec::new()).await.map(drop)
    }
}

/// Announces on a topic that jobs have ended. `status` and `workload` are message attributes too, for filter policies.
#[derive(Debug)]
pub struct SnsJobEvents(Topic, Prices);

impl SnsJobEvents {
    /// The topic of this ARN.
    pub fn new(connection: &Connection, topic_arn: impl Into<String>) -> Self {
        Self(Topic::new(connection, topic_arn.into()), Prices::default())
    }

    /// Tells what jobs cost at these prices, instead of those of us-east-1 and arm64.
    #[must_use]
    pub fn at(self, prices: Prices) -> Self {
        Self(self.0, prices)
    }
}

impl JobEvents for SnsJobEvents {
    async fn job_ended(&self, row: &JobRow) -> Result<(), PortError> {
        self.0.publish(&event(row, &self.1), attributes(row)).await.map(drop)
    }

    async fn id_taken(&self, id: &JobId, message: Digest, reason: &str) -> Result<(), PortError> {
        let attributes = vec![("status", ID_TAKEN.to_owned())];
        self.0.publish(&id_taken_event(id, message, reason), attributes).await.map(drop)
    }
}

/// The event: what there is to know without asking for the job.
fn event(row: &JobRow, prices: &Prices) -> String {
    let ending = row.ending.as_ref();
    let reason = ending.and_then(|ending| ending.reason.as_deref()).map(shortened);
    let coverage = ending.map(|ending| ending.coverage).unwrap_or_default();
    let cost = ending.map(|ending| prices.cost_of(&ending.receipt)).unwrap_or_default();
    json!({
        "version": EVENT_VERSION,
        "job": row.id.as_str(),
        "status": row.status().to_string(),
        "workload": row.published.as_ref().map(|published| published.workload.as_str()),
        "reason": reason,
        "coverage": { "weight_done": coverage.weight_done, "weight_total": coverage.weight_total },
        "cost_nano_usd": cost.0,
        "created_us": row.created_us,
        "ended_us": ending.map(|ending| ending.ended_us),
        // Which of two messages with one id.
        "message": row.message.to_string(),
    })
    .to_string()
}

/// The status of a message that did not become a job, because another has its id: not that job's.
const ID_TAKEN: &str = "id_taken";

fn id_taken_event(id: &JobId, message: Digest, reason: &str) -> String {
    json!({
        "version": EVENT_VERSION,
        "job": id.as_str(),
        "status": ID_TAKEN,
        "reason": shortened(reason),
        "message": message.to_string(),
    })
    .to_string()
}

fn attributes(row: &JobRow) -> Vec<(&'static str, String)> {
    let mut attributes = vec![("status", row.status().to_string())];
    // An attribute must have a value; a rejected job has no known workload.
    if let Some(published) = row.published.as_ref().filter(|published| !published.workload.is_empty()) {
        attributes.push(("workload", published.workload.clone()));
    }
    attributes
}

fn shortened(reason: &str) -> String {
    if reason.chars().count() <= MAX_REASON_CHARS {
        return reason.to_owned();
    }
    reason.chars().take(MAX_REASON_CHARS - 3).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests;
