//! The files and objects that jobs name, on S3.

use std::ops::Range;

use aws_sdk_s3::error::ProvideErrorMetadata;
use squall_core::digest::Digest;
use squall_core::job::brief;
use squall_core::ports::{ObjectPages, Objects, PortError};
use squall_core::sources::Object;
use squall_core::uploads;

use super::{client, get, is_withheld, withheld};
use crate::connection::{Client, Connection};
use crate::error::{port_error_of, unreadable};

/// The files and objects that jobs name, as `s3://bucket/key` and `s3://bucket/prefix`, wherever the deployment may
/// read.
///
/// In the deployment's own bucket those are only the files that people uploaded ([`uploads`]), each with the content that its name says:
/// everybody who may publish may put files there.
#[derive(Debug)]
pub struct S3Objects {
    client: Client<aws_sdk_s3::Client>,
    connection: Connection,
    own_bucket: String,
}

impl S3Objects {
    /// The objects of every bucket; those of the deployment's own are uploads.
    pub fn new(connection: &Connection, own_bucket: impl Into<String>) -> Self {
        let client = Client::new(connection, client);
        Self { client, connection: connection.clone(), own_bucket: own_bucket.into() }
    }

    /// The digest of what must be at a location, if its name says it: that of an upload, here or to another deployment.
    ///
    /// # Errors
    /// Permanent for what is no upload in the deployment's own bucket.
    fn content_at(&self, bucket: &str, key: &str) -> Result<Option<Digest>, PortError> {
        let named = uploads::content_of(key);
        if named.is_some() || bucket != self.own_bucket {
            return Ok(named);
        }
        let place = brief(&format!("s3://{bucket}/{key}"));
        Err(PortError::permanent(format!(
            "{place} is no uploaded file: in the deployment's own bucket a job may name only s3://{bucket}/files/ and the SHA-256 of \
             the content, as `squall submit` uploads it"
        )))
    }

    /// Refuses the deployment's own bucket: nothing there may be listed, or read in ranges, which do not show what the whole is.
    fn not_own(&self, bucket: &str, location: &str) -> Result<(), PortError> {
        if bucket != self.own_bucket {
            return Ok(());
        }
        Err(PortError::permanent(format!(
            "{} is in the deployment's own bucket, where a job may name files, and no objects to list or to read in ranges; put them into a \
             place of the setting `readsFrom`",
            brief(location)
        )))
    }
}

impl Objects for S3Objects {
    type Pages = S3Pages;

    async fn read(&self, reference: &str) -> Result<Vec<u8>, PortError> {
        let (bucket, key) = whole_location(reference)?;
        let named = self.content_at(bucket, key)?;
        let bytes = get(&self.client, &format!("read {reference}"), bucket, key, named.is_some()).await?;
        match named.map(|named| (named, Digest::of(&bytes))) {
            Some((named, found)) if named != found => {
                Err(PortError::permanent(uploads::other_content(reference, named, found)))
            }
            _ => Ok(bytes),
        }
    }

    async fn list(&self, prefix: &str) -> Result<S3Pages, PortError> {
        let rest = prefix.strip_prefix("s3://").filter(|rest| !rest.starts_with('/') && !rest.is_empty());
        let Some(rest) = rest else {
            let what = "is not s3://bucket/prefix; a published job names its objects so";
            return Err(PortError::permanent(format!("{} {what}", brief(prefix))));
        };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        self.not_own(bucket, prefix)?;
        Ok(S3Pages {
            client: Client::new(&self.connection, client),
            bucket: bucket.to_owned(),
            prefix: key.to_owned(),
            root: format!("s3://{bucket}/"),
            from: From::Start,
        })
    }

    async fn stat(&self, location: &str) -> Result<Object, PortError> {
        let (bucket, key) = whole_location(location)?;
        let is_upload = self.content_at(bucket, key)?.is_some();
        let asked = self.client.get().await.head_object().bucket(bucket).key(key).send().await;
        let found = asked.map_err(|error| {
            let what = format!("look for {location}");
            let is_upload = is_upload && is_withheld(&error);
            let error = port_error_of(self.client.connection(), what, location, error);
            if is_upload { withheld(error) } else { error }
        })?;
        let bytes = found.content_length.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
        Ok(Object { name: location.to_owned(), bytes, etag: found.e_tag.unwrap_or_default() })
    }

    async fn stat_listed(&self, location: &str) -> Result<Object, PortError> {
        self.not_own(whole_location(location)?.0, location)?;
        self.stat(location).await
    }

    async fn read_range(&self, location: &str, etag: &str, range: Range<u64>) -> Result<Vec<u8>, PortError> {
        let (bucket, key) = whole_location(location)?;
        self.not_own(bucket, location)?;
        let Some(last) = range.end.checked_sub(1).filter(|_| !range.is_empty()) else {
            return Ok(Vec::new());
        };
        let what = format!("read bytes {}-{last} of {location}", range.start);
        let request = self.client.get().await.get_object().bucket(bucket).key(key).if_match(etag);
        let asked = request.range(format!("bytes={}-{last}", range.start)).send().await;
        let reply = asked.map_err(|error| {
            // 412 if the content changed, 416 if it is shorter than listed.
            let status = error.raw_response().map(|response| response.status().as_u16());
            if matches!(error.code(), Some("PreconditionFailed" | "InvalidRange"))
                || matches!(status, Some(412 | 416))
            {
                return PortError::permanent(format!("{location} changed since it was listed (ETag {etag})"));
            }
            port_error_of(self.client.connection(), &what, location, error)
        })?;
        // A store that ignores `If-Match` must not appear to honour it.
        if let Some(found) = reply.e_tag().filter(|found| *found != etag) {
            let problem = format!("{location} changed since it was listed (ETag {etag}, now {found})");
            return Err(PortError::permanent(problem));
        }
        let bytes = reply.body.collect().await.map_err(|error| unreadable(&what, &error))?;
        Ok(bytes.to_vec())
    }
}

/// Where a listing continues.
#[derive(Debug)]
enum From {
    Start,
    Token(String),
    End,
}

/// A prefix of a bucket, listed a thousand keys at a time: S3 returns them sorted by their bytes.
#[derive(Debug)]
pub struct S3Pages {
    client: Client<aws_sdk_s3::Client>,
    bucket: String,
    prefix: String,
    root: String,
    from: From,
}

impl ObjectPages for S3Pages {
    fn root(&self) -> &str {
        &self.root
    }

    async fn next_page(&mut self) -> Result<Vec<Object>, PortError> {
        loop {
            let token = match &self.from {
                From::Start => None,
                From::Token(token) => Some(token.clone()),
                From::End => return Ok(Vec::new()),
            };
            let request = self.client.get().await.list_objects_v2().bucket(&self.bucket).prefix(&self.prefix);
            let page = request.set_continuation_token(token).send().await.map_err(|error| {
                let what = format!("list s3://{}/{}", self.bucket, self.prefix);
                port_error_of(self.client.connection(), what, format!("bucket {}", self.bucket), error)
            })?;
            self.from = match page.next_continuation_token {
                Some(token) => From::Token(token),
                None => From::End,
            };
            let objects: Vec<Object> =
                page.contents.unwrap_or_default().into_iter().filter_map(object).collect();
            if !objects.is_empty() {
                return Ok(objects);
            }
        }
    }
}

/// An entry of a listing as an object. Folder markers, whose keys end in `/` and which are empty, are skipped.
fn object(listed: aws_sdk_s3::types::Object) -> Option<Object> {
    let name = listed.key?;
    let bytes = listed.size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
    let marker = bytes == 0 && name.ends_with('/');
    (!marker).then(|| Object { name, bytes, etag: listed.e_tag.unwrap_or_default() })
}

fn whole_location(uri: &str) -> Result<(&str, &str), PortError> {
    location(uri).ok_or_else(|| {
        PortError::permanent(format!(
            "{} is not s3://bucket/key; a published job names its files so, and `squall submit` uploads others",
            brief(uri)
        ))
    })
}

/// The bucket and the key of an `s3://` URI.
pub(super) fn location(uri: &str) -> Option<(&str, &str)> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    (!bucket.is_empty() && !key.is_empty()).then_some((bucket, key))
}
