//! Receives a topic's messages outside Lambda, through a queue that is subscribed to it.

use aws_sdk_sns::Client as Sns;
use aws_sdk_sqs::Client as Sqs;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;
use squall_core::ports::PortError;

use crate::connection::{Client, Connection};
use crate::error::{port_error, port_error_of};

/// Longest wait for a message, seconds: the maximum, because every empty answer is a call that costs.
const WAIT_S: i32 = 20;
/// Most messages at once, the maximum of SQS.
const MOST_MESSAGES: i32 = 10;

/// A queue that is subscribed to a topic. Messages come in SNS's envelope, as a Lambda would receive them.
#[derive(Debug)]
pub struct Inbox {
    client: Client<Sqs>,
    queue_url: String,
}

impl Inbox {
    /// Creates the queue, lets the topic send to it, and subscribes it, each unless done already.
    ///
    /// # Errors
    /// Permanent when there is no such topic.
    pub async fn subscribe(
        connection: &Connection,
        topic_arn: &str,
        queue_name: &str,
    ) -> Result<Self, PortError> {
        let client = Client::new(connection, Sqs::new);
        let sqs = client.get().await;
        let what = || format!("make queue {queue_name}");
        let made = sqs.create_queue().queue_name(queue_name).send().await;
        let made = made.map_err(|error| port_error(connection, what(), error))?;
        let queue_url = made.queue_url.ok_or_else(|| PortError::unknown(format!("{}: no answer", what())))?;

        let what = || format!("set up queue {queue_name}");
        let asked = sqs.get_queue_attributes().queue_url(&queue_url);
        let asked = asked.attribute_names(QueueAttributeName::QueueArn).send().await;
        let attributes =
            asked.map_err(|error| port_error(connection, what(), error))?.attributes.unwrap_or_default();
        let queue_arn = attributes.get(&QueueAttributeName::QueueArn).cloned();
        let queue_arn = queue_arn.ok_or_else(|| PortError::unknown(format!("{}: it has no ARN", what())))?;
        // https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "sns.amazonaws.com" },
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": { "ArnEquals": { "aws:SourceArn": topic_arn } },
            }],
        });
        let allowed = sqs.set_queue_attributes().queue_url(&queue_url);
        let allowed = allowed.attributes(QueueAttributeName::Policy, policy.to_string()).send().await;
        allowed.map_err(|error| port_error(connection, what(), error))?;

        // A queue that is already subscribed keeps its subscription.
        let subscription = Sns::new(connection.config().await).subscribe().topic_arn(topic_arn);
        let subscribed = subscription.protocol("sqs").endpoint(&queue_arn).send().await;
        subscribed.map_err(|error| {
            let topic = format!("topic {topic_arn}");
            port_error_of(connection, format!("subscribe queue {queue_name} to {topic}"), topic, error)
        })?;
        Ok(Self { client, queue_url })
    }

    /// Messages that are waiting, or arrive within 20 seconds: receipts, and SNS's envelopes as JSON. A message that is
    /// not [`done`](Inbox::done) within the queue's visibility timeout is delivered again.
    ///
    /// # Errors
    /// Unknown when the queue does not answer.
    pub async fn receive(&self) -> Result<Vec<(String, String)>, PortError> {
        let request = self.client.get().await.receive_message().queue_url(&self.queue_url);
        let request = request.max_number_of_messages(MOST_MESSAGES).wait_time_seconds(WAIT_S);
        let reply = request.send().await.map_err(|error| {
            let queue = format!("queue {}", self.queue_url);
            port_error_of(self.client.connection(), format!("receive from {queue}"), queue, error)
        })?;
        let ours = |message: aws_sdk_sqs::types::Message| message.receipt_handle.zip(message.body);
        Ok(reply.messages.unwrap_or_default().into_iter().filter_map(ours).collect())
    }

    /// Deletes a message from the queue.
    ///
    /// # Errors
    /// Unknown when the message is not known to be deleted.
    pub async fn done(&self, receipt: &str) -> Result<(), PortError> {
        let request =
            self.client.get().await.delete_message().queue_url(&self.queue_url).receipt_handle(receipt);
        let sent = request.send().await;
        sent.map(drop).map_err(|error| {
            let queue = format!("queue {}", self.queue_url);
            port_error_of(self.client.connection(), format!("take a message from {queue}"), queue, error)
        })
    }
}
