//! Blobs by their digest, and the files and objects that jobs name, on S3.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use bytes::Bytes;
use squall_core::digest::Digest;
use squall_core::ports::{BlobStore, PortError};
use squall_core::uploads;

use crate::connection::{Client, Connection};
use crate::error::{port_error_of, unreadable};

mod given_up;
mod multipart;
mod objects;

use multipart::{PART_BYTES, put_in_parts};

/// Whether a put may replace what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    /// It may: the new content is the old.
    Any,
    /// It may not, and then nothing is put.
    OnlyNew,
}

impl Put {
    /// The header `If-None-Match`.
    fn if_none_match(self) -> Option<String> {
        (self == Self::OnlyNew).then(|| "*".to_owned())
    }
}

/// What came of one try to put something.
enum Tried {
    /// It is there, or something else that it may not replace.
    Done,
    /// Another put of the same name was under way: it may be tried again.
    Conflict(PortError),
}

/// Waits before a put that met another is tried again: the other is done within moments, and then there is nothing to put.
const CONFLICT_WAITS: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1_600),
];

pub use objects::{S3Objects, S3Pages};

pub(crate) fn client(config: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(builder(config).build())
}

fn builder(config: &SdkConfig) -> Builder {
    // By default the bucket is part of the host name, which does not work with an emulator's host.
    let path_style = config.endpoint_url().is_some();
    Builder::from(config).force_path_style(path_style)
}

/// A client for sending: the time limit of an answer counts from the start of the request, and a body takes as long as
/// it takes. The SDK's stalled-stream protection detects one that stalls.
fn sending_client(config: &SdkConfig) -> aws_sdk_s3::Client {
    let usual = config.timeout_config().and_then(|timeouts| timeouts.connect_timeout());
    let mut timeouts = TimeoutConfig::builder();
    timeouts.set_connect_timeout(usual);
    let config = builder(config).timeout_config(timeouts.disable_read_timeout().build());
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Content by its digest, in one bucket: `blobs/<SHA-256 in hexadecimal>`.
///
/// Nothing is ever deleted; the bucket's lifecycle rule decides how long blobs live, which must be longer than the jobs
/// do.
#[derive(Debug)]
pub struct S3Blobs {
    client: Client<aws_sdk_s3::Client>,
    sending: Client<aws_sdk_s3::Client>,
    bucket: String,
    /// Where Lambda's mappings put what they give up.
    given_up: String,
}

impl S3Blobs {
    /// The blobs of a bucket.
    pub fn new(connection: &Connection, bucket: impl Into<String>) -> Self {
        let bucket = bucket.into();
        Self {
            client: Client::new(connection, client),
            sending: Client::new(connection, sending_client),
            given_up: bucket.clone(),
            bucket,
        }
    }

    /// The same, with the records that were given up in a bucket of their own.
    #[must_use]
    pub fn with_given_up(self, bucket: impl Into<String>) -> Self {
        Self { given_up: bucket.into(), ..self }
    }

    /// Stores a file for jobs to name, under `files/<SHA-256 in hexadecimal>`, and returns its `s3://` URI; with a suffix, under a name of
    /// its own. What is there is not replaced, and not looked at: the caller may have no right to read it. Whoever reads a file holds its
    /// content against its name.
    ///
    /// # Errors
    /// When the bucket does not answer or does not exist.
    pub async fn upload(&self, bytes: Vec<u8>, suffix: Option<&str>) -> Result<String, PortError> {
        let key = uploads::key_of(Digest::of(&bytes), suffix);
        let uri = format!("s3://{}/{key}", self.bucket);
        self.put(&format!("upload to {uri}"), key, bytes, Put::OnlyNew).await?;
        Ok(uri)
    }

    async fn put(&self, what: &str, key: String, bytes: Vec<u8>, put: Put) -> Result<(), PortError> {
        let bytes = Bytes::from(bytes);
        let mut waits = CONFLICT_WAITS.into_iter();
        loop {
            let tried = if bytes.len() > PART_BYTES {
                put_in_parts(&self.sending, what, (&self.bucket, &key), &bytes, put).await?
            } else {
                self.put_whole(what, &key, &bytes, put).await?
            };
            match (tried, waits.next()) {
                (Tried::Done, _) => return Ok(()),
                (Tried::Conflict(_), Some(wait)) => tokio::time::sleep(wait).await,
                (Tried::Conflict(error), None) => return Err(error),
            }
        }
    }

    async fn put_whole(&self, what: &str, key: &str, bytes: &Bytes, put: Put) -> Result<Tried, PortError> {
        let request = self.sending.get().await.put_object().bucket(&self.bucket).key(key);
        let request = request.set_if_none_match(put.if_none_match());
        match request.body(ByteStream::from(bytes.clone())).send().await {
            Ok(_) => Ok(Tried::Done),
            Err(error) => not_put(&self.sending, what, &self.bucket, put, error),
        }
    }
}

/// What an error means that a put ended with.
fn not_put<E>(
    client: &Client<aws_sdk_s3::Client>,
    what: &str,
    bucket: &str,
    put: Put,
    error: SdkError<E, HttpResponse>,
) -> Result<Tried, PortError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if is_there(put, &error) {
        return Ok(Tried::Done);
    }
    // <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>: put it again, in parts from their beginning.
    let is_conflict = put == Put::OnlyNew && error.code() == Some("ConditionalRequestConflict");
    let error = port_error_of(client.connection(), what, format!("bucket {bucket}"), error);
    if is_conflict { Ok(Tried::Conflict(error)) } else { Err(error) }
}

/// Whether nothing was put because something is there: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>.
fn is_there(put: Put, error: &impl ProvideErrorMetadata) -> bool {
    put == Put::OnlyNew && error.code() == Some("PreconditionFailed")
}

impl BlobStore for S3Blobs {
    async fn put_blob(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), PortError> {
        let what = format!("write blob {} to bucket {}", digest.short(), self.bucket);
        self.put(&what, format!("blobs/{digest}"), bytes, Put::Any).await
    }

    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, PortError> {
        let what = format!("read blob {} from bucket {}", digest.short(), self.bucket);
        let bytes = get(&self.client, &what, &self.bucket, &format!("blobs/{digest}"), false).await?;
        let found = Digest::of(&bytes);
        if found != digest {
            let problem = format!("cannot {what}: what came has digest {}; it was damaged", found.short());
            return Err(PortError::unknown(problem));
        }
        Ok(bytes)
    }
}

/// Whether S3 has an object and does not give it: because of its storage class, its key, or the reader's rights, which it tells apart only
/// if there is a body.
fn is_withheld<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let status = error.raw_response().map(|response| response.status().as_u16());
    match error.code() {
        Some("InvalidObjectState" | "InvalidRequest" | "AccessDenied") => true,
        Some(code) => code.starts_with("KMS."),
        None => matches!(status, Some(400 | 403)),
    }
}

/// The error for an upload that S3 has and does not give, with what its owner can do.
fn withheld(error: PortError) -> PortError {
    match error {
        PortError::Permanent { what, source } => {
            PortError::Permanent { what: format!("{what}; {}", uploads::not_given()), source }
        }
        other => other,
    }
}

/// Reads an object; `is_upload` if another publisher may have put it there.
async fn get(
    client: &Client<aws_sdk_s3::Client>,
    what: &str,
    bucket: &str,
    key: &str,
    is_upload: bool,
) -> Result<Vec<u8>, PortError> {
    let asked = client.get().await.get_object().bucket(bucket).key(key).send().await;
    let reply = asked.map_err(|error| {
        let is_upload = is_upload && is_withheld(&error);
        let thing = match error.code() {
            Some("NoSuchBucket") => format!("bucket {bucket}"),
            _ => format!("s3://{bucket}/{key}"),
        };
        let error = port_error_of(client.connection(), what, thing, error);
        if is_upload { withheld(error) } else { error }
    })?;
    let bytes = reply.body.collect().await.map_err(|error| unreadable(what, &error))?;
    Ok(bytes.to_vec())
}

#[cfg(test)]
mod tests;
