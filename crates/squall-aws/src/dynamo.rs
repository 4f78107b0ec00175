//! Jobs and their buckets in one DynamoDB table; every write is one conditional write.
//!
//! **The lost reply.** The SDK retries a write whose reply was lost, and the retry meets the first attempt: its
//! condition fails although the write was ours. What that means for each write:
//!
//! * `create_job` finds the job that it wrote, and reports it as existing. The splitter resumes an existing job that is
//!   not enqueued just like one that it made, because it may have died in between. A rejected job is simply
//!   overwritten.
//! * `end_job` checks whether the ending that it found is its own, and if so reports it as written. Otherwise the end
//!   would never be announced: every collector would believe that another one had been first.
//! * `reopen_job` likewise checks whether the job was reopened from this ending with this plan.
//! * `put_bucket` reports a race. The collector reads again and finds its results merged.
//! * Repeating the marks and the progress has no effect.

use std::fmt::Display;
use std::sync::Arc;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};
use futures::stream::{self, StreamExt, TryStreamExt};
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::ports::{BlobStore, Created, JobList, JobStore, Order, PortError, Written};
use squall_core::rows::{BucketProgress, BucketRow, Ending, JobRow, JobStatus, Reopened, Standing};
use squall_core::wire::{CodecError, Message, Stored};

use crate::connection::{Client, Connection};
use crate::error::port_error_of;
use crate::s3::S3Blobs;

mod item;

use item::{Item, JobItem, bucket_sort_key, number, partition_key, stored, text};

/// Longest content of an attribute; what is longer goes to S3. An item may have
/// [`DYNAMODB_ITEM_BYTES`](squall_core::limits::DYNAMODB_ITEM_BYTES), and a job's has two of these beside about 60 bytes per bucket. But every write costs a unit per KB of the whole item, and all items of a job
/// share a partition of 1,000 units a second: at 64 KiB that is still 15 writes a second, and about there a write to S3
/// begins to cost less than the units would.
const INLINE_BYTES: usize = 64 * 1_024;
const BUCKET: &str = "bucket row";
/// Buckets of a job that are written at the same time when it is reopened.
const WRITES_AT_ONCE: usize = 8;
/// The index of the jobs by `status` and `created_us`.
const INDEX: &str = "by-status";

/// Jobs that one call lists: a page of keys is some 10 KB.
const PAGE_JOBS: usize = 100;

/// The jobs and their buckets in one table: keys `pk` and `sk`, the index `by-status`, time to live in `ttl`.
///
/// All reads but the list's are strongly consistent.
#[derive(Debug)]
pub struct DynamoJobStore {
    client: Client<aws_sdk_dynamodb::Client>,
    table: String,
    overflow: Arc<S3Blobs>,
}

/// The outcome of an update: the item after it, or the item that did not meet its condition.
enum Updated {
    Yes(Option<Item>),
    Refused(Option<Item>),
}

impl DynamoJobStore {
    /// The jobs of a table; content that is too large for it is kept in `overflow`.
    pub fn new(connection: &Connection, table: impl Into<String>, overflow: Arc<S3Blobs>) -> Self {
        Self { client: Client::new(connection, aws_sdk_dynamodb::Client::new), table: table.into(), overflow }
    }

    fn what(&self, verb: &str, object: impl Display, preposition: &str) -> String {
        format!("{verb} {object} {preposition} table {}", self.table)
    }

    fn undecodable(&self, object: impl Display, error: &CodecError) -> PortError {
        PortError::permanent(format!("{object} in table {}: {error}", self.table))
    }

    /// Stores bytes: few of them inline, many as a blob, returned once it is safely stored.
    async fn kept(&self, bytes: Vec<u8>) -> Result<Stored, PortError> {
        if bytes.len() <= INLINE_BYTES {
            return Ok(Stored::Inline(bytes));
        }
        let digest = Digest::of(&bytes);
        self.overflow.put_blob(digest, bytes).await?;
        Ok(Stored::Blob(digest))
    }

    async fn fetched(&self, stored: Stored) -> Result<Vec<u8>, PortError> {
        match stored {
            Stored::Inline(bytes) => Ok(bytes),
            Stored::Blob(digest) => self.overflow.blob(digest).await,
        }
    }

    async fn get(
        &self,
        id: &JobId,
        sort_key: AttributeValue,
        what: String,
    ) -> Result<Option<Item>, PortError> {
        let request = self.client.get().await.get_item().table_name(&self.table).consistent_read(true);
        let reply =
            request.key("pk", partition_key(id)).key("sk", sort_key).send().await.map_err(|error| {
                port_error_of(self.client.connection(), what, format!("table {}", self.table), error)
            })?;
        Ok(reply.item)
    }

    async fn job_item(&self, id: &JobId) -> Result<Option<Item>, PortError> {
        let what = self.what("read", format_args!("job {id}"), "from");
        self.get(id, text(item::JOB_SORT_KEY), what).await
    }

    fn parsed(&self, id: &JobId, item: &Item) -> Result<JobItem, PortError> {
        JobItem::from_item(id, item).map_err(|error| self.undecodable(format_args!("job {id}"), &error))
    }

    async fn row(&self, id: &JobId, item: &Item) -> Result<JobRow, PortError> {
        let mut parsed = self.parsed(id, item)?;
        let plan = self.fetched(parsed.plan.clone()).await?;
        let ending = match parsed.ending.take() {
            Some(ending) => Some(self.fetched(ending).await?),
            None => None,
        };
        let row = parsed.into_row(&plan, ending.as_deref());
        row.map_err(|error| self.undecodable(format_args!("job {id}"), &error))
    }

    async fn update(&self, id: &JobId, sort_key: AttributeValue) -> UpdateItemFluentBuilder {
        let request = self.client.get().await.update_item().table_name(&self.table);
        request.key("pk", partition_key(id)).key("sk", sort_key)
    }

    async fn update_job(&self, id: &JobId) -> UpdateItemFluentBuilder {
        let request = self.update(id, text(item::JOB_SORT_KEY)).await;
        request.return_values_on_condition_check_failure(OnFailure::AllOld)
    }

    async fn send(
        &self,
        request: UpdateItemFluentBuilder,
        object: impl Display,
    ) -> Result<Updated, PortError> {
        match request.send().await {
            Ok(reply) => Ok(Updated::Yes(reply.attributes)),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Updated::Refused(failed.item.clone()))
                }
                _ => {
                    let what = self.what("write", object, "to");
                    let table = format!("table {}", self.table);
                    Err(port_error_of(self.client.connection(), what, table, error))
                }
            },
        }
    }

    /// The job's item that failed a condition: as returned, or read again if the service does not return it.
    async fn standing(&self, id: &JobId, item: Option<Item>) -> Result<Item, PortError> {
        let found = match item.filter(|item| !item.is_empty()) {
            Some(item) => Some(item),
            None => self.job_item(id).await?,
        };
        found.ok_or_else(|| PortError::permanent(format!("there is no job {id} in table {}", self.table)))
    }
}

impl JobStore for DynamoJobStore {
    async fn create_job(&self, row: &JobRow) -> Result<Created, PortError> {
        let plan = self.kept(item::plan(row.expires_us, row.max_cost, row.published.as_ref())).await?;
        let ending = match &row.ending {
            Some(ending) => Some(self.kept(ending.to_bytes()).await?),
            None => None,
        };
        let request = self.client.get().await.put_item().table_name(&self.table);
        let sent = request
            .set_item(Some(item::job_item(row, &plan, ending.as_ref())))
            .condition_expression("attribute_not_exists(pk) OR ended_as = :rejected")
            .expression_attribute_values(":rejected", text(JobStatus::Rejected.to_string()))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else { return Ok(Created::New) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                let item = self.standing(&row.id, failed.item.clone()).await?;
                Ok(Created::Existing(Box::new(self.row(&row.id, &item).await?)))
            }
            _ => {
                let what = self.what("write", format_args!("job {}", row.id), "to");
                Err(port_error_of(self.client.connection(), what, format!("table {}", self.table), error))
            }
        }
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRow>, PortError> {
        match self.job_item(id).await? {
            Some(item) => self.row(id, &item).await.map(Some),
            None => Ok(None),
        }
    }

    async fn standing(&self, id: &JobId) -> Result<Option<Standing>, PortError> {
        let Some(item) = self.job_item(id).await? else { return Ok(None) };
        let parsed = self.parsed(id, &item)?;
        let plan = self.fetched(parsed.plan.clone()).await?;
        let standing = parsed.into_standing(&plan);
        standing.map(Some).map_err(|error| self.undecodable(format_args!("job {id}"), &error))
    }

    async fn mark_enqueued(&self, id: &JobId, generation: u32) -> Result<(), PortError> {
        let request = self
            .update_job(id)
            .await
            .update_expression("SET enqueued = :true")
            .condition_expression("opening = :generation")
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":generation", number(generation.into()));
        match self.send(request, format_args!("job {id}")).await? {
            Updated::Yes(_) => Ok(()),
            // It was reopened, or there is no such job.
            Updated::Refused(item) => self.standing(id, item).await.map(drop),
        }
    }

    async fn record_put(&self, id: &JobId, generation: u32, n_put: u32) -> Result<(), PortError> {
        let request = self
            .update_job(id)
            .await
            .update_expression("SET sent = :n")
            .condition_expression("opening = :generation")
            .expression_attribute_values(":n", number(n_put.into()))
            .expression_attribute_values(":generation", number(generation.into()));
        match self.send(request, format_args!("job {id}")).await? {
            Updated::Yes(_) => Ok(()),
            // It was reopened, or there is no such job.
            Updated::Refused(item) => self.standing(id, item).await.map(drop),
        }
    }

    async fn n_put(&self, id: &JobId) -> Result<u32, PortError> {
        let item = Self::standing(self, id, None).await?;
        let sent = item.get("sent").and_then(|it| it.as_n().ok()).and_then(|it| it.parse().ok());
        Ok(sent.unwrap_or(0))
    }

    async fn record_progress(
        &self,
        id: &JobId,
        bucket: u32,
        progress: BucketProgress,
    ) -> Result<JobRow, PortError> {
        let (n_tasks, done) = item::progress_names(bucket);
        let request = self
            .update_job(id)
            .await
            .update_expression(format!("SET {n_tasks} = :n, {done} = :p"))
            .condition_expression(format!(
                "attribute_exists(pk) AND (attribute_not_exists({n_tasks}) OR {n_tasks} < :n)"
            ))
            .expression_attribute_values(":n", number(progress.n_tasks.into()))
            .expression_attribute_values(":p", item::progress(&progress))
            .return_values(ReturnValue::AllNew);
        let item = match self.send(request, format_args!("job {id}")).await? {
            Updated::Yes(Some(item)) => item,
            Updated::Yes(None) => self.standing(id, None).await?,
            // The same progress is known, or a later one; or there is no such job.
            Updated::Refused(item) => self.standing(id, item).await?,
        };
        self.row(id, &item).await
    }

    async fn end_job(&self, id: &JobId, generation: u32, ending: &Ending) -> Result<Written, PortError> {
        let kept = self.kept(ending.to_bytes()).await?;
        let request = self
            .update_job(id)
            .await
            .update_expression("SET ending = :ending, ended_us = :ended_us, ended_as = :status")
            .condition_expression("opening = :generation AND attribute_not_exists(ended_us)")
            .expression_attribute_values(":generation", number(generation.into()))
            .expression_attribute_values(":ending", stored(&kept))
            .expression_attribute_values(":ended_us", number(ending.ended_us))
            .expression_attribute_values(":status", text(ending.status.to_string()));
        match self.send(request, format_args!("job {id}")).await? {
            Updated::Yes(_) => Ok(Written::Yes),
            Updated::Refused(item) => {
                let found = self.parsed(id, &self.standing(id, item).await?)?;
                Ok(if found.ending == Some(kept) { Written::Yes } else { Written::Raced })
            }
        }
    }

    async fn reopen_job(&self, id: &JobId, ended_us: u64, reopened: &Reopened) -> Result<Written, PortError> {
        let Reopened { published, expires_us, max_cost } = reopened;
        let plan = self.kept(item::plan(*expires_us, *max_cost, Some(published))).await?;
        // First, because a running job needs them: if it is not reopened after all, they only live a little longer.
        let kept = (0..published.n_buckets).map(|bucket| self.keep_bucket(id, bucket, *expires_us));
        stream::iter(kept).buffer_unordered(WRITES_AT_ONCE).try_collect::<()>().await?;
        let request = self
            .update_job(id)
            .await
            .update_expression(
                "SET #plan = :plan, opening = :generation, #ttl = :ttl, #status = :running, enqueued = :false, \
                 announced = :false, reopened_us = :ended_us REMOVE ending, ended_us, ended_as",
            )
            .condition_expression("ended_us = :ended_us")
            .expression_attribute_names("#plan", "plan")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":plan", stored(&plan))
            .expression_attribute_values(":generation", number(published.generation.into()))
            .expression_attribute_values(":ttl", item::ttl(*expires_us))
            .expression_attribute_values(":running", text(JobStatus::Running.to_string()))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .expression_attribute_values(":ended_us", number(ended_us));
        match self.send(request, format_args!("job {id}")).await? {
            Updated::Yes(_) => Ok(Written::Yes),
            Updated::Refused(item) => {
                let found = self.parsed(id, &self.standing(id, item).await?)?;
                let ours =
                    found.ending.is_none() && found.reopened_us == Some(ended_us) && found.plan == plan;
                Ok(if ours { Written::Yes } else { Written::Raced })
            }
        }
    }

    async fn mark_announced(&self, id: &JobId, ended_us: u64) -> Result<(), PortError> {
        let request = self
            .update_job(id)
            .await
            .update_expression("SET announced = :true, #status = ended_as")
            .condition_expression("ended_us = :ended_us")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .expression_attribute_values(":ended_us", number(ended_us));
        match self.send(request, format_args!("job {id}")).await? {
            Updated::Yes(_) => Ok(()),
            // It was reopened, or there is no such job.
            Updated::Refused(item) => self.standing(id, item).await.map(drop),
        }
    }

    async fn bucket(&self, id: &JobId, bucket: u32) -> Result<BucketRow, PortError> {
        let object = format!("bucket {bucket} of job {id}");
        let what = self.what("read", &object, "from");
        let Some(item) = self.get(id, bucket_sort_key(bucket), what).await? else {
            return Ok(BucketRow::default());
        };
        let kept =
            item::get_stored(BUCKET, &item, "row").map_err(|error| self.undecodable(&object, &error))?;
        let bytes = self.fetched(kept).await?;
        BucketRow::from_bytes(&bytes).map_err(|error| self.undecodable(&object, &error))
    }

    async fn put_bucket(&self, id: &JobId, bucket: u32, row: &BucketRow) -> Result<Written, PortError> {
        let Some(before) = row.version.checked_sub(1) else { return Ok(Written::Raced) };
        let kept = self.kept(row.to_bytes()).await?;
        let request = self
            .update(id, bucket_sort_key(bucket))
            .await
            .expression_attribute_names("#row", "row")
            .expression_attribute_values(":row", stored(&kept))
            .expression_attribute_values(":version", number(row.version));
        let request = if before == 0 {
            // Only the first write sets the expiry: later ones leave it alone.
            let expires = self.job_item(id).await?.and_then(|mut job| job.remove("ttl"));
            let request = request.condition_expression("attribute_not_exists(pk)");
            match expires {
                Some(ttl) => request
                    .update_expression("SET #row = :row, version = :version, #ttl = :ttl")
                    .expression_attribute_names("#ttl", "ttl")
                    .expression_attribute_values(":ttl", ttl),
                None => request.update_expression("SET #row = :row, version = :version"),
            }
        } else {
            request
                .update_expression("SET #row = :row, version = :version")
                .condition_expression("version = :before")
                .expression_attribute_values(":before", number(before))
        };
        match self.send(request, format_args!("bucket {bucket} of job {id}")).await? {
            Updated::Yes(_) => Ok(Written::Yes),
            Updated::Refused(_) => Ok(Written::Raced),
        }
    }
}

impl DynamoJobStore {
    /// Extends the life of an existing bucket to that of its job.
    async fn keep_bucket(&self, id: &JobId, bucket: u32, expires_us: u64) -> Result<(), PortError> {
        let request = self.update(id, bucket_sort_key(bucket)).await;
        let request = request
            .update_expression("SET #ttl = :ttl")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", item::ttl(expires_us));
        self.send(request, format_args!("bucket {bucket} of job {id}")).await.map(drop)
    }
}

impl JobList for DynamoJobStore {
    async fn jobs(&self, status: JobStatus, order: Order, at_most: usize) -> Result<Vec<JobId>, PortError> {
        let mut found = Vec::new();
        let mut from = None;
        while found.len() < at_most {
            let left = PAGE_JOBS.min(at_most - found.len());
            let request = self.client.get().await.query().table_name(&self.table).index_name(INDEX);
            let page = request
                .key_condition_expression("#status = :status")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":status", text(status.to_string()))
                .scan_index_forward(order == Order::OldestFirst)
                .limit(i32::try_from(left).unwrap_or(i32::MAX))
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| {
                    let what = self.what("list", format_args!("{status} jobs"), "in");
                    let table = format!("table {} with index {INDEX}", self.table);
                    port_error_of(self.client.connection(), what, table, error)
                })?;
            for item in page.items() {
                found.push(item::job_id(item).map_err(|error| self.undecodable("a job", &error))?);
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
