//! Records that Lambda's mappings gave up: the objects that it writes to their on-failure destination
//! (<https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html>).

use aws_sdk_s3::error::ProvideErrorMetadata;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use squall_core::ports::{GivenUp, GivenUpRecords, GivenUpStore, PortError};

use super::S3Blobs;
use crate::error::{port_error_of, unreadable};

/// Where Lambda writes them.
const PREFIX: &str = "aws/lambda/";
/// Pages of a listing at most, of a thousand keys: what could not be taken back stays until the bucket's lifecycle removes it.
const MOST_PAGES: usize = 100;

/// Lambda's invocation record, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InvocationRecord {
    request_context: RequestContext,
    response_context: Option<ResponseContext>,
    /// The event as it was delivered, as text; only a bucket gets it.
    payload: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    condition: String,
    #[serde(default)]
    approximate_invoke_count: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext {
    function_error: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<EventRecord>,
}

#[derive(Deserialize)]
struct EventRecord {
    kinesis: EventData,
}

#[derive(Deserialize)]
struct EventData {
    data: String,
}

/// Reads the content of an object.
///
/// # Errors
/// What it has instead, for people.
fn read(bytes: &[u8]) -> Result<GivenUpRecords, String> {
    let record: InvocationRecord =
        serde_json::from_slice(bytes).map_err(|error| format!("it is not an invocation record: {error}"))?;
    let payload = record.payload.ok_or("it has no `payload`: the records themselves")?;
    let event: Event = serde_json::from_str(&payload)
        .map_err(|error| format!("its `payload` is not the event of a stream: {error}"))?;
    let data = |it: EventRecord| STANDARD.decode(it.kinesis.data);
    let records = event.records.into_iter().map(data).collect::<Result<_, _>>();
    let records = records.map_err(|error| format!("a record of its `payload` is not Base64: {error}"))?;
    let RequestContext { condition, approximate_invoke_count: n_deliveries } = record.request_context;
    let error = record.response_context.and_then(|it| it.function_error);
    let ended = error.map_or(String::new(), |error| format!(", function error: {error}"));
    let reason = format!("{condition}, deliveries: {n_deliveries}{ended}");
    Ok(GivenUpRecords { records, n_deliveries, reason })
}

impl GivenUpStore for S3Blobs {
    async fn given_up(&self, since_us: u64, at_most: usize) -> Result<Vec<GivenUp>, PortError> {
        let (client, bucket) = (&self.client, &self.given_up);
        let mut found = Vec::new();
        let mut token = None;
        // Sorted by mapping and shard, not by time: so all are listed before the oldest are chosen.
        for _ in 0..MOST_PAGES {
            let request = client.get().await.list_objects_v2().bucket(bucket).prefix(PREFIX);
            let page = request.set_continuation_token(token).send().await.map_err(|error| {
                let what = format!("list s3://{bucket}/{PREFIX}");
                port_error_of(client.connection(), what, format!("bucket {bucket}"), error)
            })?;
            found.extend(page.contents.unwrap_or_default().into_iter().filter_map(|it| {
                let since_s = it.last_modified.and_then(|at| u64::try_from(at.secs()).ok()).unwrap_or(0);
                it.key.map(|name| GivenUp { name, since_us: since_s.saturating_mul(1_000_000) })
            }));
            token = page.next_continuation_token;
            if token.is_none() {
                break;
            }
        }
        found.retain(|it: &GivenUp| it.since_us >= since_us);
        found.sort_by(|one, other| (one.since_us, &one.name).cmp(&(other.since_us, &other.name)));
        found.truncate(at_most);
        Ok(found)
    }

    async fn given_up_records(&self, name: &str) -> Result<Option<GivenUpRecords>, PortError> {
        let (client, bucket) = (&self.client, &self.given_up);
        let what = format!("read s3://{bucket}/{name}");
        let asked = client.get().await.get_object().bucket(bucket).key(name).send().await;
        let reply = match asked {
            Ok(reply) => reply,
            // Another tick took it back.
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => {
                return Err(port_error_of(
                    client.connection(),
                    &what,
                    format!("s3://{bucket}/{name}"),
                    error,
                ));
            }
        };
        let bytes = reply.body.collect().await.map_err(|error| unreadable(&what, &error))?;
        let records = read(&bytes.to_vec());
        records.map(Some).map_err(|problem| PortError::permanent(format!("cannot {what}: {problem}")))
    }

    async fn forget_given_up(&self, name: &str) -> Result<(), PortError> {
        let (client, bucket) = (&self.client, &self.given_up);
        let deleted = client.get().await.delete_object().bucket(bucket).key(name).send().await;
        deleted.map(drop).map_err(|error| {
            let what = format!("delete s3://{bucket}/{name}");
            port_error_of(client.connection(), what, format!("bucket {bucket}"), error)
        })
    }
}

#[cfg(test)]
mod tests;
