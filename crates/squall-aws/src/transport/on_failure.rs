//! The destination of records that could not be processed.

use aws_sdk_s3::primitives::ByteStream;
use squall_core::job::brief;
use squall_core::ports::PortError;

use crate::connection::Connection;
use crate::error::port_error_of;

/// An on-failure destination, as in Lambda's mappings
/// (<https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html>).
#[derive(Debug)]
pub struct OnFailure {
    connection: Connection,
    destination: Destination,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Destination {
    Bucket { bucket: String, prefix: String },
    Queue { account: String, name: String },
    Topic { arn: String },
}

impl OnFailure {
    /// `s3://bucket/prefix`, or the ARN of a bucket, an SQS queue or an SNS topic.
    ///
    /// # Errors
    /// Permanent when it is none of these.
    pub fn parse(connection: &Connection, destination: &str) -> Result<Self, PortError> {
        Ok(Self { connection: connection.clone(), destination: parsed(destination)? })
    }

    /// Whether it is a bucket: only a bucket can hold the records themselves.
    pub fn is_bucket(&self) -> bool {
        matches!(self.destination, Destination::Bucket { .. })
    }

    /// Stores the record of a failure. A bucket stores it under this name; a queue and a topic only get the JSON.
    ///
    /// # Errors
    /// When it is not known to be stored.
    pub async fn put(&self, name: &str, json: &str) -> Result<(), PortError> {
        let config = self.connection.config().await;
        match &self.destination {
            Destination::Bucket { bucket, prefix } => {
                let key = key_of(prefix, name);
                let request = crate::s3::client(config).put_object().bucket(bucket).key(&key);
                let request = request.content_type("application/json");
                let sent = request.body(ByteStream::from(json.as_bytes().to_vec())).send().await;
                sent.map(drop).map_err(|error| {
                    let what = format!("write s3://{bucket}/{key}");
                    port_error_of(&self.connection, what, format!("bucket {bucket}"), error)
                })
            }
            Destination::Queue { account, name: queue } => {
                let client = aws_sdk_sqs::Client::new(config);
                let found = client.get_queue_url().queue_name(queue).queue_owner_aws_account_id(account);
                let (what, thing) = (format!("send to queue {queue}"), format!("queue {queue}"));
                let found = found.send().await;
                let found = found.map_err(|error| port_error_of(&self.connection, &what, &thing, error))?;
                let sent = client.send_message().set_queue_url(found.queue_url).message_body(json);
                let sent = sent.send().await;
                sent.map(drop).map_err(|error| port_error_of(&self.connection, what, thing, error))
            }
            Destination::Topic { arn } => {
                let sent = aws_sdk_sns::Client::new(config).publish().topic_arn(arn).message(json);
                let sent = sent.send().await;
                let thing = format!("topic {arn}");
                sent.map(drop).map_err(|error| {
                    port_error_of(&self.connection, format!("publish to {thing}"), &thing, error)
                })
            }
        }
    }
}

fn parsed(destination: &str) -> Result<Destination, PortError> {
    if let Some(path) = destination.strip_prefix("s3://") {
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        if !bucket.is_empty() {
            return Ok(Destination::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() });
        }
    }
    // arn:partition:service:region:account:name
    let parts: Vec<&str> = destination.split(':').collect();
    match parts[..] {
        ["arn", _, "s3", "", "", bucket] if !bucket.is_empty() && !bucket.contains('/') => {
            Ok(Destination::Bucket { bucket: bucket.to_owned(), prefix: String::new() })
        }
        ["arn", _, "sqs", _, account, name] if !account.is_empty() && !name.is_empty() => {
            Ok(Destination::Queue { account: account.to_owned(), name: name.to_owned() })
        }
        ["arn", _, "sns", _, _, name] if !name.is_empty() => {
            Ok(Destination::Topic { arn: destination.to_owned() })
        }
        _ => Err(PortError::permanent(format!(
            "on-failure destination {}; expected s3://bucket/prefix or the ARN of a bucket, an SQS queue or an SNS topic",
            brief(destination)
        ))),
    }
}

fn key_of(prefix: &str, name: &str) -> String {
    match prefix.trim_end_matches('/') {
        "" => name.to_owned(),
        prefix => format!("{prefix}/{name}"),
    }
}

#[cfg(test)]
mod tests;
