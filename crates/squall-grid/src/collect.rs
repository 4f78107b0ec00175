//! Result-collector: merges results into their buckets exactly once.

use std::collections::BTreeMap;
use std::pin::pin;

use futures::stream::{self, StreamExt};
use squall_core::collate::{book_results, check_published, fresh, progress_of};
use squall_core::deployment::Deployment;
use squall_core::job::JobId;
use squall_core::lifecycle::{Merging, plan_merge};
use squall_core::limits::{DYNAMODB_READ_UNIT_BYTES, DYNAMODB_WRITE_UNIT_BYTES};
use squall_core::ports::{BlobStore, Clock, JobEvents, JobStore, PortError, Written, chain};
use squall_core::prices::Prices;
use squall_core::receipt::Receipt;
use squall_core::rows::{BucketRow, JobEnd, JobRow, Published};
use squall_core::wire::{Message, ResultElsewhere, ResultRecord, Stored};

use crate::INLINE_MAX_BYTES;
use crate::close::{Ends, announce, close_if_due};
use crate::consume::{fetched, stored};
use crate::inputs::InputCache;
use crate::patience::Patience;

/// Buckets of a job that a batch is merged into at the same time.
const BUCKETS_AT_ONCE: usize = 4;
/// Large partials of a bucket that are fetched at the same time.
const PARTIALS_AT_ONCE: usize = 4;

/// A collector's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectConfig {
    /// Races lost for one bucket before its results are left to the next delivery.
    pub max_races: u32,
    /// What the work costs, which is held against a job's cap.
    pub prices: Prices,
    /// Memory for which the collector is billed, MB.
    pub memory_mb: u32,
    /// How long a batch waits for stores that do not answer, before its delivery fails; microseconds.
    pub patience_us: u64,
}

impl Default for CollectConfig {
    fn default() -> Self {
        Self::of(&Deployment::default())
    }
}

impl CollectConfig {
    /// As a deployment has it.
    pub fn of(deployment: &Deployment) -> Self {
        Self {
            max_races: 8,
            prices: deployment.prices(),
            memory_mb: deployment.collector_memory_mb,
            patience_us: 20_000_000,
        }
    }
}

/// The outcome of a batch.
#[derive(Debug, Default)]
pub struct Collected {
    /// Results merged.
    pub n_merged: usize,
    /// Results that were in already.
    pub n_duplicates: usize,
    /// Results of jobs that have ended.
    pub n_late: usize,
    /// Races lost for a bucket.
    pub n_races: usize,
    /// Jobs whose end this batch wrote.
    pub ended: Vec<JobEnd>,
    /// Positions in the batch that have to be delivered again, with the reason.
    pub failed: Vec<(usize, String)>,
}

/// Merges a batch of result records.
///
/// Never fails as a whole: results that could not be merged are named, and only those need to be delivered again. Any
/// record may be delivered again without changing the answer.
pub async fn collect<P>(
    ports: &P,
    inputs: &InputCache,
    config: &CollectConfig,
    batch: &[impl AsRef<[u8]>],
) -> Collected
where
    P: JobStore + BlobStore + JobEvents + Clock,
{
    collect_of(ports, inputs, config, batch, &BTreeMap::new()).await
}

/// Merges a batch as [`collect`] does. A record whose position has a generation is dropped unless its job runs in that.
pub(crate) async fn collect_of<P>(
    ports: &P,
    inputs: &InputCache,
    config: &CollectConfig,
    batch: &[impl AsRef<[u8]>],
    generations: &BTreeMap<usize, u32>,
) -> Collected
where
    P: JobStore + BlobStore + JobEvents + Clock,
{
    let mut collected = Collected::default();
    let patience = Patience::new(ports, config.patience_us, u64::MAX);
    let mut jobs: BTreeMap<JobId, Vec<(usize, ResultRecord)>> = BTreeMap::new();
    for (position, record) in batch.iter().enumerate() {
        match read(ports, record.as_ref(), patience).await {
            Ok(result) => jobs.entry(result.job.clone()).or_default().push((position, result)),
            Err(error) => collected.failed.push((position, error)),
        }
    }
    let n_left = (1..=jobs.len() as u64).rev();
    for ((id, results), n_left) in jobs.into_iter().zip(n_left) {
        // A job whose store does not answer must not use up the others' time.
        let patience = patience.share(ports, n_left);
        let of_job = OfJob { inputs, config, patience, id: &id, generations };
        of_job.collect(ports, results, &mut collected).await;
    }
    collected
}

/// A result, from the record itself or from the blob that it names.
async fn read(
    ports: &(impl BlobStore + Clock),
    record: &[u8],
    patience: Patience,
) -> Result<ResultRecord, String> {
    let error = match ResultRecord::from_bytes(record) {
        Ok(result) => return Ok(result),
        Err(error) => error,
    };
    let Ok(elsewhere) = ResultElsewhere::from_bytes(record) else { return Err(error.to_string()) };
    let asked = patience.ask(ports, async || ports.blob(elsewhere.record).await).await;
    let bytes = asked.map_err(|error| chain(&error))?;
    ResultRecord::from_bytes(&bytes).map_err(|error| error.to_string())
}

/// One job's part of a batch.
struct OfJob<'a> {
    inputs: &'a InputCache,
    config: &'a CollectConfig,
    patience: Patience,
    id: &'a JobId,
    generations: &'a BTreeMap<usize, u32>,
}

impl OfJob<'_> {
    async fn collect<P>(&self, ports: &P, mut results: Vec<(usize, ResultRecord)>, collected: &mut Collected)
    where
        P: JobStore + BlobStore + JobEvents + Clock,
    {
        let Self { inputs, config, patience, id, generations } = self;
        let all: Vec<usize> = results.iter().map(|(position, _)| *position).collect();
        let row = match patience.ask(ports, async || ports.job(id).await).await {
            Ok(Some(row)) => row,
            Ok(None) => return collected.fail(&all, &format!("job {id} is not known")),
            Err(error) => return collected.fail(&all, &error.to_string()),
        };
        let n_before = results.len();
        results.retain(|(position, _)| {
            let generation = generations.get(position);
            generation.is_none_or(|it| row.ending.is_none() && *it == row.generation())
        });
        collected.n_late += n_before - results.len();
        if results.is_empty() {
            return;
        }
        let published = match plan_merge(&row) {
            Merging::IntoTheAnswer(published) | Merging::ForARetry(published) => published,
            Merging::ForNothing => {
                collected.n_late += results.len();
                return self.announce(ports, &row, &all, collected).await;
            }
        };
        // One job is never computed by two builds: nothing more is merged, and the job ends.
        if inputs.registry().same_code(&published.workload, &published.code).is_err() {
            collected.n_late += results.len();
            return self.close(ports, &row, &all, collected).await;
        }
        let n_results = results.len();
        let mut buckets: BTreeMap<u32, Vec<(usize, ResultRecord)>> = BTreeMap::new();
        for (position, result) in results {
            match check_published(published, &result) {
                Ok(()) => {
                    buckets.entry(published.bucket_of(result.index)).or_default().push((position, result));
                }
                Err(error) => collected.failed.push((position, error.to_string())),
            }
        }
        // Large ones would not fit side by side.
        let at_once = if published.is_large { 1 } else { BUCKETS_AT_ONCE.min(buckets.len().max(1)) };
        let merge = async |(bucket, results): (u32, Vec<(usize, ResultRecord)>)| {
            let merge = Merge { inputs, config, id, published, bucket, at_once };
            let merged = patience.ask(ports, async || merge.run(ports, &results).await).await;
            (merged, results)
        };
        let mut merging = pin!(stream::iter(buckets).map(merge).buffer_unordered(at_once));
        let mut latest: Option<JobRow> = None;
        while let Some((merged, results)) = merging.next().await {
            match merged {
                Ok((known, mut merged)) => {
                    if row.ending.is_some() {
                        (merged.n_merged, merged.n_duplicates) = (0, 0);
                    }
                    // Each write of progress returns the row as it left it: the last one has all.
                    let n_tasks = |row: &JobRow| row.total().n_tasks;
                    if latest.as_ref().is_none_or(|latest| n_tasks(latest) <= n_tasks(&known)) {
                        latest = Some(known);
                    }
                    collected.add(merged);
                }
                Err(error) => {
                    let positions: Vec<usize> = results.iter().map(|(position, _)| *position).collect();
                    collected.fail(&positions, &error.to_string());
                }
            }
        }
        if row.ending.is_some() {
            collected.n_late += n_results;
            return self.announce(ports, &row, &all, collected).await;
        }
        if let Some(row) = latest {
            self.close(ports, &row, &all, collected).await;
        }
    }

    /// Announces an end that the collector that wrote it may have died before announcing.
    async fn announce<P>(&self, ports: &P, row: &JobRow, all: &[usize], collected: &mut Collected)
    where
        P: JobStore + JobEvents,
    {
        if let Err(error) = announce(ports, row).await {
            collected.fail(all, &error.to_string());
        }
    }

    /// Ends the job if that is due. The whole batch is delivered again if it could not be ended: the next delivery is the retry.
    async fn close<P>(&self, ports: &P, row: &JobRow, all: &[usize], collected: &mut Collected)
    where
        P: JobStore + BlobStore + JobEvents + Clock,
    {
        let ends = Ends::new(self.inputs.registry(), &self.config.prices);
        if let Err(error) = close_if_due(ports, &ends, row, &mut collected.ended).await {
            collected.fail(all, &error.to_string());
        }
    }
}

struct Merge<'a> {
    inputs: &'a InputCache,
    config: &'a CollectConfig,
    id: &'a JobId,
    published: &'a Published,
    bucket: u32,
    /// Buckets that are merged side by side, and share the collector's time.
    at_once: usize,
}

impl Merge<'_> {
    /// Merges results into one bucket; returns the updated job and what became of them.
    async fn run<P>(
        &self,
        ports: &P,
        results: &[(usize, ResultRecord)],
    ) -> Result<(JobRow, Collected), PortError>
    where
        P: JobStore + BlobStore + Clock,
    {
        let mut collected = Collected::default();
        let mut unfit = BTreeMap::new();
        // The lost races are paid too.
        let (began_us, mut used) = (ports.now_us(), Receipt::default());
        for _ in 0..=self.config.max_races {
            let mut row = ports.bucket(self.id, self.bucket).await?;
            let n_bytes = row_bytes(&row);
            used.blob_reads += u64::from(n_bytes > INLINE_MAX_BYTES as u64);
            used.store_reads += read_units(n_bytes.min(INLINE_MAX_BYTES as u64));
            let candidates: Vec<&ResultRecord> = results
                .iter()
                .filter(|(position, _)| !unfit.contains_key(position))
                .map(|(_, result)| result)
                .collect();
            let mut fresh = fresh(&row, &candidates);
            let rejected = self.merge_partials(ports, &mut row, &mut fresh, &mut used).await?;
            for (index, reason) in rejected {
                let same_task = results.iter().filter(|(_, result)| result.index == index);
                unfit.extend(same_task.map(|(position, _)| (*position, reason.clone())));
            }
            if !fresh.is_empty() {
                let now_us = ports.now_us();
                used.collector_mb_us =
                    now_us.saturating_sub(began_us).saturating_mul(u64::from(self.config.memory_mb))
                        / self.at_once as u64;
                book_results(&mut row, &fresh, now_us);
                let n_bytes = row_bytes(&row);
                // What is too large for the row goes to the blob store.
                used.blob_writes += u64::from(n_bytes > INLINE_MAX_BYTES as u64);
                used.store_writes += write_units(n_bytes.min(INLINE_MAX_BYTES as u64))
                    + progress_write_units(self.published.n_buckets);
                row.receipt.add(&used);
                if ports.put_bucket(self.id, self.bucket, &row).await? == Written::Raced {
                    collected.n_races += 1;
                    continue;
                }
            }
            collected.n_merged += fresh.len();
            collected.n_duplicates += results.len() - fresh.len() - unfit.len();
            collected.failed.extend(unfit);
            // Also when nothing was fresh: the collector that merged them may have died before it recorded that.
            let progress = progress_of(&row, &self.config.prices);
            return Ok((ports.record_progress(self.id, self.bucket, progress).await?, collected));
        }
        Err(PortError::refused(format!("lost every race for bucket {} of job {}", self.bucket, self.id)))
    }

    /// Adds the fresh results' partials to the row's; removes those that do not decode from `fresh`.
    async fn merge_partials<P: BlobStore>(
        &self,
        ports: &P,
        row: &mut BucketRow,
        fresh: &mut Vec<&ResultRecord>,
        used: &mut Receipt,
    ) -> Result<Vec<(u32, String)>, PortError> {
        let mut merger = self
            .inputs
            .registry()
            .get(&self.published.workload)
            .map_err(|error| PortError::permanent(error.to_string()))?
            .merger();
        let mut unfit = Vec::new();
        let mut n_added = 0;
        let with_partial: Vec<_> =
            fresh.iter().filter_map(|&result| Some((result.index, result.partial.as_ref()?))).collect();
        used.blob_reads += with_partial.iter().map(|(_, partial)| partial.n_blobs()).sum::<u64>();
        let fetch = async |(index, partial)| (index, fetched(ports, partial).await);
        let mut partials = pin!(stream::iter(with_partial).map(fetch).buffered(if self.published.is_large {
            1
        } else {
            PARTIALS_AT_ONCE
        }));
        while let Some((index, partial)) = partials.next().await {
            let partial = match partial {
                // Lost for good: this fails only its own result.
                Err(error @ PortError::Permanent { .. }) => {
                    unfit.push((index, chain(&error)));
                    continue;
                }
                fetched => fetched?,
            };
            match merger.add(&partial) {
                Ok(()) => n_added += 1,
                Err(error) => unfit.push((index, error.to_string())),
            }
        }
        fresh.retain(|result| unfit.iter().all(|(index, _)| *index != result.index));
        if n_added == 0 {
            return Ok(unfit);
        }
        if let Some(known) = &row.partial {
            used.blob_reads += known.n_blobs();
            let known = fetched(ports, known).await?;
            merger.add(&known).map_err(|error| PortError::permanent(error.to_string()))?;
        }
        row.partial = match merger.finish() {
            Some(bytes) => Some(stored(ports, bytes).await?),
            None => None,
        };
        used.blob_writes += row.partial.as_ref().map_or(0, Stored::n_blobs);
        Ok(unfit)
    }
}

/// Write units of a job's row when a bucket's progress is recorded: the plan, and some 60 bytes for each bucket.
fn progress_write_units(n_buckets: u32) -> u64 {
    write_units(512 + 60 * u64::from(n_buckets))
}

/// About the size of a bucket's row.
fn row_bytes(row: &BucketRow) -> u64 {
    let partial = match &row.partial {
        Some(Stored::Inline(bytes)) => bytes.len(),
        Some(Stored::Blob(_)) | None => 32,
    };
    let failures = row.failures.iter().map(|it| it.slice.len() + it.reason.len() + 16).sum::<usize>();
    let spans = row.spans.iter().map(|it| it.spans.len() * 16 + 48).sum::<usize>();
    (partial + failures + spans + row.merged.serialized_size() + 256) as u64
}

fn read_units(bytes: u64) -> u64 {
    bytes.div_ceil(DYNAMODB_READ_UNIT_BYTES)
}

fn write_units(bytes: u64) -> u64 {
    bytes.div_ceil(DYNAMODB_WRITE_UNIT_BYTES)
}

impl Collected {
    fn add(&mut self, other: Self) {
        let Self { n_merged, n_duplicates, n_late, n_races, ended, failed } = other;
        self.n_merged += n_merged;
        self.n_duplicates += n_duplicates;
        self.n_late += n_late;
        self.n_races += n_races;
        self.ended.extend(ended);
        self.failed.extend(failed);
    }

    fn fail(&mut self, positions: &[usize], reason: &str) {
        for position in positions {
            if self.failed.iter().all(|(known, _)| known != position) {
                self.failed.push((*position, reason.to_owned()));
            }
        }
    }
}
