//! Blobs by their digest, and the files and objects that jobs name, on S3.

use aws_config::SdkConfig;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use squall_core::digest::Digest;
use squall_core::ports::{BlobStore, PortError};

use crate::connection::{Client, Connection};
use crate::error::{port_error_of, unreadable};

mod given_up;
mod multipart;
mod objects;

use multipart::{PART_BYTES, put_in_parts};

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
}

impl S3Blobs {
    /// The blobs of a bucket.
    pub fn new(connection: &Connection, bucket: impl Into<String>) -> Self {
        Self {
            client: Client::new(connection, client),
            sending: Client::new(connection, sending_client),
            bucket: bucket.into(),
        }
    }

    /// Stores a file for jobs to name, under `files/<SHA-256 in hexadecimal>`, and returns its `s3://` URI. An existing
    /// file is not sent again.
    ///
    /// # Errors
    /// When the bucket does not answer or does not exist.
    pub async fn upload(&self, bytes: Vec<u8>) -> Result<String, PortError> {
        let key = format!("files/{}", Digest::of(&bytes));
        let uri = format!("s3://{}/{key}", self.bucket);
        let asked = self.client.get().await.head_object().bucket(&self.bucket).key(&key).send().await;
        match asked {
            Ok(_) => {}
            // A caller that may not list the bucket gets 403 for a missing object too.
            Err(SdkError::ServiceError(answer)) if matches!(answer.raw().status().as_u16(), 403 | 404) => {
                self.put(&format!("upload to {uri}"), key, bytes).await?;
            }
            Err(error) => {
                let bucket = format!("bucket {}", self.bucket);
                return Err(port_error_of(
                    self.client.connection(),
                    format!("look for {uri}"),
                    bucket,
                    error,
                ));
            }
        }
        Ok(uri)
    }

    async fn put(&self, what: &str, key: String, bytes: Vec<u8>) -> Result<(), PortError> {
        let error =
            |error| port_error_of(self.sending.connection(), what, format!("bucket {}", self.bucket), error);
        if bytes.len() > PART_BYTES {
            return put_in_parts(&self.sending, what, &self.bucket, &key, bytes).await;
        }
        let request = self.sending.get().await.put_object().bucket(&self.bucket).key(key);
        request.body(ByteStream::from(bytes)).send().await.map(drop).map_err(error)
    }
}

impl BlobStore for S3Blobs {
    async fn put_blob(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), PortError> {
        let what = format!("write blob {} to bucket {}", digest.short(), self.bucket);
        self.put(&what, format!("blobs/{digest}"), bytes).await
    }

    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, PortError> {
        let what = format!("read blob {} from bucket {}", digest.short(), self.bucket);
        let bytes = get(&self.client, &what, &self.bucket, &format!("blobs/{digest}")).await?;
        let found = Digest::of(&bytes);
        if found != digest {
            let problem = format!("cannot {what}: what came has digest {}; it was damaged", found.short());
            return Err(PortError::unknown(problem));
        }
        Ok(bytes)
    }
}

async fn get(
    client: &Client<aws_sdk_s3::Client>,
    what: &str,
    bucket: &str,
    key: &str,
) -> Result<Vec<u8>, PortError> {
    let asked = client.get().await.get_object().bucket(bucket).key(key).send().await;
    let reply = asked.map_err(|error| {
        let thing = match error.code() {
            Some("NoSuchBucket") => format!("bucket {bucket}"),
            _ => format!("s3://{bucket}/{key}"),
        };
        port_error_of(client.connection(), what, thing, error)
    })?;
    let bytes = reply.body.collect().await.map_err(|error| unreadable(what, &error))?;
    Ok(bytes.to_vec())
}

#[cfg(test)]
mod tests;
