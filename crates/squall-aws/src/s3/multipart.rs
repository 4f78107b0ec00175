//! Content too large for one request, in parts.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use squall_core::limits;
use squall_core::ports::PortError;

use super::{Put, Tried, not_put};
use crate::connection::Client;
use crate::error::port_error_of;

/// Bytes of a part, and most that are sent in one request. An upload has at most [`limits::S3_PARTS`]: 160 GB.
pub(super) const PART_BYTES: usize = 16 << 20;
const _: () = assert!(PART_BYTES >= limits::S3_PART_BYTES, "S3 takes no smaller part, but for the last");
/// Parts that are sent at the same time.
const AT_ONCE: usize = 4;

/// Stores content in parts, in a bucket under a key. An upload that fails, meets another, or finds something there that it may not replace, leaves
/// nothing behind.
///
/// # Errors
/// When the bucket does not answer or does not exist.
pub(super) async fn put_in_parts(
    client: &Client<aws_sdk_s3::Client>,
    what: &str,
    (bucket, key): (&str, &str),
    bytes: &Bytes,
    put: Put,
) -> Result<Tried, PortError> {
    let s3 = client.get().await;
    let thing = &format!("bucket {bucket}");
    let begun = s3.create_multipart_upload().bucket(bucket).key(key).send().await;
    let begun = begun.map_err(|error| port_error_of(client.connection(), what, thing, error))?;
    let id = begun.upload_id.unwrap_or_default();
    let ranges = (0..bytes.len()).step_by(PART_BYTES).map(|from| from..bytes.len().min(from + PART_BYTES));
    let parts = (1..).zip(ranges).map(|(number, range)| {
        let body = ByteStream::from(bytes.slice(range));
        let part = s3.upload_part().bucket(bucket).key(key).upload_id(&id).part_number(number).body(body);
        async move {
            let sent = part.send().await;
            let sent = sent.map_err(|error| port_error_of(client.connection(), what, thing, error))?;
            let part = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag);
            Ok::<_, PortError>(part.build())
        }
    });
    let sent: Result<Vec<CompletedPart>, _> = stream::iter(parts).buffered(AT_ONCE).try_collect().await;
    let done = match sent {
        Ok(parts) => {
            let upload = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
            let done = s3.complete_multipart_upload().bucket(bucket).key(key).upload_id(&id);
            let done = done.multipart_upload(upload).set_if_none_match(put.if_none_match()).send().await;
            match done {
                Ok(_) => return Ok(Tried::Done),
                Err(error) => not_put(client, what, bucket, put, error),
            }
        }
        Err(error) => Err(error),
    };
    // If this fails too, the bucket's lifecycle rule aborts the upload.
    let _ = s3.abort_multipart_upload().bucket(bucket).key(key).upload_id(&id).send().await;
    done
}
