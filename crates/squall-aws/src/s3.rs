//! Blobs by their digest, and the files that jobs name, on S3.

use aws_config::SdkConfig;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use squall_core::digest::Digest;
use squall_core::job::brief;
use squall_core::ports::{BlobStore, Files, PortError};

use crate::connection::{Client, Connection};
use crate::error::{port_error_of, unreadable};

pub(crate) fn client(config: &SdkConfig) -> aws_sdk_s3::Client {
    // By default the bucket is part of the host's name, and an emulator's host has no such names.
    let path_style = config.endpoint_url().is_some();
    aws_sdk_s3::Client::from_conf(Builder::from(config).force_path_style(path_style).build())
}

/// Content by its digest, in one bucket: `blobs/<SHA-256 in hexadecimal>`.
///
/// Nothing is ever deleted; the bucket's lifecycle rule decides how long blobs live, which has to be longer than the
/// jobs do.
#[derive(Debug)]
pub struct S3Blobs {
    client: Client<aws_sdk_s3::Client>,
    bucket: String,
}

impl S3Blobs {
    /// The blobs of a bucket.
    pub fn new(connection: &Connection, bucket: impl Into<String>) -> Self {
        Self { client: Client::new(connection, client), bucket: bucket.into() }
    }

    /// Stores a file for jobs to name, under `files/<SHA-256 in hexadecimal>`, and returns its `s3://` URI. What is
    /// there already is not sent again.
    ///
    /// # Errors
    /// When the bucket does not answer or does not exist.
    pub async fn upload(&self, bytes: Vec<u8>) -> Result<String, PortError> {
        let key = format!("files/{}", Digest::of(&bytes));
        let uri = format!("s3://{}/{key}", self.bucket);
        let asked = self.client.get().await.head_object().bucket(&self.bucket).key(&key).send().await;
        match asked {
            Ok(_) => {}
            // Whoever may not list the bucket is not told that something is missing either.
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
        let request = self.client.get().await.put_object().bucket(&self.bucket).key(key);
        request.body(ByteStream::from(bytes)).send().await.map(drop).map_err(|error| {
            port_error_of(self.client.connection(), what, format!("bucket {}", self.bucket), error)
        })
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

/// The files that jobs name, as `s3://bucket/key`, wherever the deployment may read.
#[derive(Debug)]
pub struct S3Files {
    client: Client<aws_sdk_s3::Client>,
}

impl S3Files {
    /// The files of every bucket.
    pub fn new(connection: &Connection) -> Self {
        Self { client: Client::new(connection, client) }
    }
}

impl Files for S3Files {
    async fn read(&self, reference: &str) -> Result<Vec<u8>, PortError> {
        let Some((bucket, key)) = location(reference) else {
            return Err(PortError::permanent(format!(
                "{} is not s3://bucket/key; a published job names its files so, and `squall submit` uploads others",
                brief(reference)
            )));
        };
        get(&self.client, &format!("read {reference}"), bucket, key).await
    }
}

/// The bucket and the key of an `s3://` URI.
fn location(uri: &str) -> Option<(&str, &str)> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    (!bucket.is_empty() && !key.is_empty()).then_some((bucket, key))
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
