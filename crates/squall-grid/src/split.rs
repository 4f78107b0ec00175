//! Task-splitter: from a published message to tasks on the stream.

use std::num::NonZeroUsize;

use squall_core::bundle::Bundle;
use squall_core::digest::{Digest, Fingerprint};
use squall_core::job::{Job, JobId};
use squall_core::placement::{Placed, plan_placement};
use squall_core::ports::{BlobStore, Clock, Created, Files, JobStore, Placement, PortError, TaskQueue};
use squall_core::registry::Piece;
use squall_core::rows::{Ending, JobRow, JobStatus, Published};
use squall_core::sizing::{Capacity, Sizing, SizingPolicy, plan_sizing};
use squall_core::wire::{Message, TaskRecord};
use squall_core::workload::{Coverage, Files as NamedFiles, InputError, Weight};

use crate::inputs::{InputCache, Prepared};

/// What the splitter knows of its deployment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplitConfig {
    /// How finely to cut.
    pub sizing: SizingPolicy,
    /// Lanes per shard: the mapping's parallelization factor.
    pub lanes_per_shard: u32,
    /// Workers that a consumer can keep busy at once.
    pub workers_per_consumer: u32,
    /// vCPUs of a worker.
    pub vcpus_per_worker: u32,
    /// Buckets of a job at most.
    pub max_buckets: u32,
    /// Deadline of a job that names none, seconds.
    pub default_deadline_s: u64,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum SplitOutcome {
    /// Its tasks are on the stream.
    Enqueued(JobId),
    /// They were already.
    AlreadyEnqueued(JobId),
    /// It does not check; recorded, nothing enqueued.
    Rejected(JobId, InputError),
    /// Its id belongs to another job; nothing recorded, nothing enqueued.
    IdTaken(JobId),
}

/// Why a message does not become a job: its own fault, or a port's.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// The message or its input does not check.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Something did not answer.
    #[error(transparent)]
    Port(#[from] PortError),
}

struct Checked {
    job: Job,
    prepared: Prepared,
    bundle: Bundle,
}

/// Splits one published message; `delivery` names a job that brings no id.
///
/// # Errors
/// When a port fails. Delivering the message again completes what was begun, with the same tasks.
pub async fn split<P>(
    ports: &P,
    inputs: &InputCache,
    config: &SplitConfig,
    message: &[u8],
    delivery: JobId,
) -> Result<SplitOutcome, PortError>
where
    P: Files + BlobStore + JobStore + TaskQueue + Clock,
{
    let checked = match load(ports, inputs, message).await {
        Ok(checked) => checked,
        Err(Rejection::Port(error)) => return Err(error),
        Err(Rejection::Input(error)) => {
            let id = Job::from_message(message).ok().and_then(|job| job.id).unwrap_or(delivery);
            return reject(ports, id, Digest::of(message), error).await;
        }
    };
    let Checked { job, prepared, bundle } = checked;
    let shards = ports.shards().await?;
    if shards.is_empty() {
        return Err(PortError::transient("the task stream has no open shard"));
    }
    let n_lanes = u32::try_from(shards.len()).unwrap_or(u32::MAX).saturating_mul(config.lanes_per_shard);
    let sizing = sizing_of(config, n_lanes, &job, prepared.whole().weight);
    let (digest, blob) = bundle.to_blob();
    inputs.keep(digest, &prepared).await;
    let id = job.id.clone().unwrap_or(delivery);
    let mut published = published_of(config, &bundle.workload, digest, sizing);
    let mut pieces = cut(&id, &prepared, &mut published)?;

    ports.put_blob(digest, blob).await?;
    let now_us = ports.now_us();
    let lifetime_us = job.deadline_s.unwrap_or(config.default_deadline_s).saturating_mul(1_000_000);
    let row = JobRow {
        id: id.clone(),
        message: job.digest,
        created_us: now_us,
        expires_us: now_us.saturating_add(lifetime_us),
        max_cost: job.max_cost,
        published: Some(published.clone()),
        enqueued: false,
        progress: Default::default(),
        ending: None,
        announced: false,
    };
    if let Created::Existing(known) = ports.create_job(&row).await? {
        if known.message != job.digest {
            return Ok(SplitOutcome::IdTaken(id));
        }
        if known.enqueued || known.ending.is_some() {
            return Ok(SplitOutcome::AlreadyEnqueued(id));
        }
        // An earlier delivery got no further than this: the same cut again, whatever the shards are now.
        if let Some(before) = known.published {
            published = Published { fingerprints: Fingerprint::default(), ..before };
            pieces = cut(&id, &prepared, &mut published)?;
        }
    }
    let weights: Vec<Weight> = pieces.iter().map(|piece| piece.weight).collect();
    let placed = plan_placement(&weights, shards.len());
    let records = placed.into_iter().map(|Placed { task, shard }| {
        let record = task_record(&id, &published, task, &pieces[task], now_us);
        let partition_key = format!("{id}/{task}");
        (Placement { partition_key, hash_key: shards[shard].first }, record.to_bytes())
    });
    ports.put_tasks(records.collect()).await?;
    ports.mark_enqueued(&id).await?;
    Ok(SplitOutcome::Enqueued(id))
}

/// Checks a message as the splitter would, and says how it would be cut; enqueues nothing.
///
/// # Errors
/// What is wrong with it.
pub async fn check<P: Files>(
    ports: &P,
    inputs: &InputCache,
    config: &SplitConfig,
    n_shards: u32,
    message: &[u8],
) -> Result<(Job, Weight, Sizing), Rejection> {
    let Checked { job, prepared, .. } = load(ports, inputs, message).await?;
    let weight = prepared.whole().weight;
    let sizing = sizing_of(config, n_shards.saturating_mul(config.lanes_per_shard), &job, weight);
    Ok((job, weight, sizing))
}

async fn load<P: Files>(ports: &P, inputs: &InputCache, message: &[u8]) -> Result<Checked, Rejection> {
    let job = Job::from_message(message)?;
    let workload = inputs.registry().get(&job.workload)?;
    let mut files = NamedFiles::new();
    for reference in workload.references(&job.input_json)? {
        match ports.read(&reference).await {
            Ok(bytes) => files.insert(reference, bytes),
            Err(error @ PortError::Transient { .. }) => return Err(error.into()),
            Err(error @ PortError::Permanent { .. }) => {
                return Err(InputError::new(reference, chain(&error)).into());
            }
        };
    }
    let bundle = Bundle { workload: job.workload.clone(), input_json: job.input_json.clone(), files };
    let prepared = workload.prepare(&bundle)?;
    Ok(Checked { job, prepared, bundle })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn sizing_of(config: &SplitConfig, n_lanes: u32, job: &Job, weight: Weight) -> Sizing {
    let capacity = Capacity {
        n_lanes,
        workers_per_consumer: config.workers_per_consumer,
        vcpus_per_worker: config.vcpus_per_worker,
    };
    plan_sizing(&config.sizing, &capacity, &job.sizing, weight)
}

fn published_of(config: &SplitConfig, workload: &str, input: Digest, sizing: Sizing) -> Published {
    Published {
        workload: workload.to_owned(),
        input,
        sizing,
        n_tasks: 0,
        weight: 0,
        fingerprints: Fingerprint::default(),
        n_buckets: config.max_buckets.clamp(1, sizing.n_tasks.max(1)),
    }
}

/// Cuts the whole job, and books the pieces as what is published.
fn cut(id: &JobId, prepared: &Prepared, published: &mut Published) -> Result<Vec<Piece>, PortError> {
    let n_tasks = NonZeroUsize::new(published.sizing.n_tasks as usize).unwrap_or(NonZeroUsize::MIN);
    let pieces = prepared
        .divide(&prepared.whole().slice, n_tasks)
        .map_err(|error| PortError::permanent(format!("cannot cut job {id}: {error}")))?;
    published.n_tasks = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
    published.weight = pieces.iter().map(|piece| piece.weight).sum();
    for (index, piece) in (0..).zip(&pieces) {
        let fingerprint = Fingerprint::of_task(id.as_str(), index, piece.weight, &piece.slice);
        published.fingerprints = published.fingerprints.plus(fingerprint);
    }
    Ok(pieces)
}

fn task_record(id: &JobId, published: &Published, task: usize, piece: &Piece, now_us: u64) -> TaskRecord {
    let index = u32::try_from(task).unwrap_or(u32::MAX);
    TaskRecord {
        job: id.clone(),
        workload: published.workload.clone(),
        input: published.input,
        index,
        slice: piece.slice.clone(),
        weight: piece.weight,
        n_subtasks: published.sizing.subtasks_per_task,
        bucket: published.bucket_of(index),
        put_us: now_us,
    }
}

async fn reject<P: JobStore + Clock>(
    ports: &P,
    id: JobId,
    message: Digest,
    error: InputError,
) -> Result<SplitOutcome, PortError> {
    let now_us = ports.now_us();
    let ending = Ending {
        status: JobStatus::Rejected,
        reason: Some(error.to_string()),
        coverage: Coverage::default(),
        missing: Default::default(),
        failures: Vec::new(),
        answer: None,
        receipt: Default::default(),
        timeline: Default::default(),
        ended_us: now_us,
    };
    let row = JobRow {
        id: id.clone(),
        message,
        created_us: now_us,
        expires_us: now_us,
        max_cost: None,
        published: None,
        enqueued: false,
        progress: Default::default(),
        ending: Some(ending),
        announced: false,
    };
    match ports.create_job(&row).await? {
        Created::Existing(known) if known.message != message => Ok(SplitOutcome::IdTaken(id)),
        _ => Ok(SplitOutcome::Rejected(id, error)),
    }
}
