//! Rows as items of the table, and back. Makes no calls.
//!
//! A job is the item `pk` = `job#<id>`, `sk` = `job`, with
//! * `message`, `created_us`, `plan`, `opening` (its generation), `status`, `enqueued`, `announced`, `ttl`;
//! * for each bucket that reported, `n<bucket>` (its tasks) and `g<bucket>` (its progress; `p<bucket>` before versions);
//! * `sent`, how many of its tasks, in their order, are known to be on the stream, while they are put;
//! * once it has ended, `ending`, `ended_us` and `ended_as`; once it was reopened, `reopened_us`.
//!
//! The index has a job by `status`, which stays `running` until the job's end was announced.
//!
//! A bucket is the item `pk` = `job#<id>`, `sk` = `bucket#<00000>`, with `version`, `row` and `ttl`.
//!
//! Conditions and the index use attributes of their own; the rest is versioned messages, as on the wire. `plan`,
//! `ending` and `row` are encoded [`Stored`]: the bytes themselves, or the digest of the blob that holds them.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use squall_core::job::JobId;
use squall_core::prices::NanoUsd;
use squall_core::rows::{BucketProgress, Ending, JobRow, JobStatus, Plan, Published, Standing};
use squall_core::wire::{CodecError, Message, Stored, decode, encode};

/// How long the rows of a job outlive it, seconds: 30 days, long enough to outlast a long holiday.
const RETENTION_S: u64 = 30 * 86_400;
const JOB: &str = "job row";
/// The sort key of a job's own item.
pub(super) const JOB_SORT_KEY: &str = "job";

/// An item as DynamoDB stores it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The partition key of everything that belongs to a job.
pub(super) fn partition_key(id: &JobId) -> AttributeValue {
    text(format!("job#{id}"))
}

/// The sort key of a bucket; the padding keeps the first hundred thousand in order for people.
pub(super) fn bucket_sort_key(bucket: u32) -> AttributeValue {
    text(format!("bucket#{bucket:05}"))
}

/// The names of a bucket's attributes on its job's item: its number of tasks, and its progress.
pub(super) fn progress_names(bucket: u32) -> (String, String) {
    (format!("n{bucket}"), format!("g{bucket}"))
}

/// The bucket to which a progress attribute belongs, and whether it predates versions.
fn progress_of(name: &str) -> Option<(u32, bool)> {
    let number = |prefix| name.strip_prefix(prefix).and_then(|digits| digits.parse().ok());
    number('g').map(|bucket| (bucket, false)).or_else(|| number('p').map(|bucket| (bucket, true)))
}

pub(super) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn bytes(bytes: Vec<u8>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

pub(super) fn stored(stored: &Stored) -> AttributeValue {
    bytes(encode(stored))
}

/// When DynamoDB may delete the rows of a job, seconds since 1970. Deletion may take a few days, and skips rows that
/// expired more than five years ago: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html>.
pub(super) fn ttl(expires_us: u64) -> AttributeValue {
    number((expires_us / 1_000_000).saturating_add(RETENTION_S))
}

/// The stored form of the part of a job that changes only when it is reopened.
pub(super) fn plan(expires_us: u64, max_cost: Option<NanoUsd>, published: Option<&Published>) -> Vec<u8> {
    Plan { expires_us, max_cost, published: published.cloned() }.to_bytes()
}

/// The progress of a bucket as an attribute.
pub(super) fn progress(progress: &BucketProgress) -> AttributeValue {
    bytes(progress.to_bytes())
}

/// The status under which the index has a job: running until its end was announced.
fn listed_as(row: &JobRow) -> JobStatus {
    if row.announced { row.status() } else { JobStatus::Running }
}

/// A new job's item.
pub(super) fn job_item(row: &JobRow, plan: &Stored, ending: Option<&Stored>) -> Item {
    let mut item = Item::from([
        ("pk".to_owned(), partition_key(&row.id)),
        ("sk".to_owned(), text(JOB_SORT_KEY)),
        ("message".to_owned(), bytes(encode(&row.message))),
        ("created_us".to_owned(), number(row.created_us)),
        ("plan".to_owned(), stored(plan)),
        ("opening".to_owned(), number(row.generation().into())),
        ("status".to_owned(), text(listed_as(row).to_string())),
        ("enqueued".to_owned(), AttributeValue::Bool(row.enqueued)),
        ("announced".to_owned(), AttributeValue::Bool(row.announced)),
        ("ttl".to_owned(), ttl(row.expires_us)),
    ]);
    for (bucket, known) in &row.progress {
        let (n_tasks, done) = progress_names(*bucket);
        item.insert(n_tasks, number(known.n_tasks.into()));
        item.insert(done, progress(known));
    }
    if let (Some(known), Some(kept)) = (&row.ending, ending) {
        item.insert("ending".to_owned(), stored(kept));
        item.insert("ended_us".to_owned(), number(known.ended_us));
        item.insert("ended_as".to_owned(), text(known.status.to_string()));
    }
    item
}

/// A job's item, read as far as possible without the blobs that it names.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct JobItem {
    /// Encoded: the part that changes only when the job is reopened.
    pub(super) plan: Stored,
    /// Encoded: the ending.
    pub(super) ending: Option<Stored>,
    /// The end time of the ending from which the job was last reopened.
    pub(super) reopened_us: Option<u64>,
    /// Without the content of `plan` and `ending`.
    row: JobRow,
}

impl JobItem {
    /// Reads an item.
    pub(super) fn from_item(id: &JobId, item: &Item) -> Result<Self, CodecError> {
        let mut progress = BTreeMap::new();
        for (name, value) in item {
            let Some((bucket, unversioned)) = progress_of(name) else { continue };
            let bytes = as_bytes(JOB, name, value)?;
            let found = if unversioned {
                BucketProgress::from_unversioned(bytes)?
            } else {
                BucketProgress::from_bytes(bytes)?
            };
            // A job that was started before versions were introduced may have both.
            let known: &mut BucketProgress = progress.entry(bucket).or_default();
            if found.n_tasks >= known.n_tasks {
                *known = found;
            }
        }
        let row = JobRow {
            id: id.clone(),
            message: decode(JOB, get_bytes(JOB, item, "message")?)?,
            created_us: get_number(JOB, item, "created_us")?,
            expires_us: 0,
            max_cost: None,
            published: None,
            enqueued: get_flag(item, "enqueued")?,
            progress,
            ending: None,
            announced: get_flag(item, "announced")?,
        };
        let ending = match item.get("ending") {
            Some(value) => Some(decode(JOB, as_bytes(JOB, "ending", value)?)?),
            None => None,
        };
        let reopened_us = match item.get("reopened_us") {
            Some(_) => Some(get_number(JOB, item, "reopened_us")?),
            None => None,
        };
        Ok(Self { plan: get_stored(JOB, item, "plan")?, ending, reopened_us, row })
    }

    /// The part that a consumer needs, given the content of the plan.
    pub(super) fn into_standing(self, plan: &[u8]) -> Result<Standing, CodecError> {
        let ended = self.ending.is_some();
        let standing = self.into_row(plan, None)?.standing();
        Ok(Standing { ended: ended || standing.ended, ..standing })
    }

    /// The job, given the content of its plan and its ending.
    pub(super) fn into_row(self, plan: &[u8], ending: Option<&[u8]>) -> Result<JobRow, CodecError> {
        let Plan { expires_us, max_cost, published } = Plan::from_bytes(plan)?;
        let ending = ending.map(Ending::from_bytes).transpose()?;
        Ok(JobRow { expires_us, max_cost, published, ending, ..self.row })
    }
}

/// An attribute that holds bytes or the digest of their blob.
pub(super) fn get_stored(what: &'static str, item: &Item, name: &str) -> Result<Stored, CodecError> {
    decode(what, get_bytes(what, item, name)?)
}

/// The job that an item of the index belongs to.
pub(super) fn job_id(item: &Item) -> Result<JobId, CodecError> {
    let key = item.get("pk").and_then(|key| key.as_s().ok());
    let id = key.and_then(|key| key.strip_prefix("job#")).ok_or_else(|| unfit(JOB, "pk", "a job's key"))?;
    JobId::stored(id).map_err(|error| CodecError::new(JOB, error))
}

fn get_bytes<'a>(what: &'static str, item: &'a Item, name: &str) -> Result<&'a [u8], CodecError> {
    as_bytes(what, name, item.get(name).ok_or_else(|| unfit(what, name, "there"))?)
}

fn as_bytes<'a>(what: &'static str, name: &str, value: &'a AttributeValue) -> Result<&'a [u8], CodecError> {
    value.as_b().map(AsRef::as_ref).map_err(|_| unfit(what, name, "bytes"))
}

fn get_number(what: &'static str, item: &Item, name: &str) -> Result<u64, CodecError> {
    let number = item.get(name).and_then(|value| value.as_n().ok()).and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| unfit(what, name, "a whole number"))
}

fn get_flag(item: &Item, name: &str) -> Result<bool, CodecError> {
    item.get(name).and_then(|value| value.as_bool().ok()).copied().ok_or_else(|| unfit(JOB, name, "a flag"))
}

fn unfit(what: &'static str, name: &str, expected: &str) -> CodecError {
    CodecError::new(what, format!("attribute `{name}` is not {expected}"))
}

#[cfg(test)]
mod tests;
