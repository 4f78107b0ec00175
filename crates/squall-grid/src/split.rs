//! Task-splitter: from a published message to tasks on the stream.

use std::num::NonZeroUsize;

use roaring::RoaringBitmap;
use squall_core::bundle::Bundle;
use squall_core::digest::{Digest, Fingerprint};
use squall_core::job::{Job, JobId};
use squall_core::lifecycle::{Arrival, plan_arrival};
use squall_core::outbox::MAX_RECORD_BYTES;
use squall_core::placement::{Placed, heaviest_first, plan_placement};
use squall_core::ports::{
    BlobStore, Clock, Created, JobEvents, JobStore, Objects, Placement, PortError, TaskPut, TaskQueue,
};
use squall_core::registry::Piece;
use squall_core::rows::{JobRow, Published, Resent};
use squall_core::sizing::{Capacity, Sizing, TASK_VALUE_BYTES, plan_sizing};
use squall_core::wire::{CodecError, Failure, Message, TaskRecord};
use squall_core::workload::{InputError, Weight};

use crate::close::{read_buckets, resent_of};
use crate::inputs::{InputCache, LoadError, Prepared};
use crate::load::{self, NoBlobs, load};
use crate::put::put_tasks;

mod config;
mod refused;

use config::Buckets;
pub use config::SplitConfig;

use refused::{refuse_id, reject};

/// What became of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum SplitOutcome {
    /// Its tasks are on the stream.
    Enqueued {
        /// The job.
        job: JobId,
        /// Tasks that were put now: for a job that was split before, those that are not in yet.
        n_tasks: u64,
    },
    /// Its tasks were on the stream already.
    AlreadyEnqueued(JobId),
    /// It is invalid; recorded, nothing enqueued.
    Rejected(JobId, InputError),
    /// Its id belongs to another job; nothing recorded, nothing enqueued.
    IdTaken(JobId),
}

/// Why a message does not become a job: its own fault, or a port's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The message or its input is invalid.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A port did not answer.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// Splits one published message; `delivery` is the id of a job that names none.
///
/// # Errors
/// When a port fails. Delivering the message again completes the split, with the same tasks.
pub async fn split<P>(
    ports: &P,
    inputs: &InputCache,
    config: &SplitConfig,
    message: &[u8],
    delivery: JobId,
) -> Result<SplitOutcome, PortError>
where
    P: Objects + BlobStore + JobStore + JobEvents + TaskQueue + Clock,
{
    let job = match Job::from_message(message) {
        Ok(job) => job,
        // Under the id that its author gave, where the author looks for it.
        Err(error) => {
            let id = Job::id_of(message).unwrap_or(delivery);
            return reject(ports, id, Digest::of(message), error).await;
        }
    };
    let id = job.id.clone().unwrap_or(delivery);
    let mut arrival = plan_arrival(ports.job(&id).await?.as_ref(), job.digest);
    let mut cut_now = None;
    if arrival == Arrival::New {
        let loaded = match load(ports, ports, inputs, &job, config.memory.as_ref()).await {
            Ok(loaded) => loaded,
            Err(Rejection::Port(error)) => return Err(error),
            Err(Rejection::Input(error)) => return reject(ports, id, job.digest, error).await,
        };
        let (row, pieces) = match create(ports, inputs, config, &job, &id, loaded).await {
            Ok(created) => created,
            Err(Rejection::Port(error)) => return Err(error),
            Err(Rejection::Input(error)) => return reject(ports, id, job.digest, error).await,
        };
        cut_now = pieces;
        // The same message may have arrived twice at once.
        arrival = plan_arrival(Some(&row), job.digest);
    }
    match arrival {
        Arrival::Resume(published) => {
            let (pieces, resent, missing) = match cut_now {
                Some(pieces) => (pieces, Vec::new(), None),
                None => {
                    let received = read_buckets(ports, &id, &published).await?;
                    let resent = resent_of(ports, &published).await?;
                    let pieces = cut_again(ports, inputs, &id, &published, &resent).await?;
                    let mut missing = received.missing(&published);
                    missing -= known_to_be_put(ports, &id, &published, &pieces).await?;
                    (pieces, resent, Some(missing))
                }
            };
            let n_tasks = enqueue(
                ports,
                |n_shards| config.capacity(n_shards),
                &id,
                &published,
                (&pieces, &resent),
                missing.as_ref(),
            )
            .await?;
            Ok(SplitOutcome::Enqueued { job: id, n_tasks })
        }
        Arrival::New | Arrival::Done => Ok(SplitOutcome::AlreadyEnqueued(id)),
        Arrival::IdTaken => refuse_id(ports, id, job.digest, None).await,
    }
}

/// Writes the job's row and returns the pieces that it promises, or finds the row that was there first.
async fn create<P>(
    ports: &P,
    inputs: &InputCache,
    config: &SplitConfig,
    job: &Job,
    id: &JobId,
    (prepared, bundle): (Prepared, Bundle),
) -> Result<(JobRow, Option<Vec<Piece>>), Rejection>
where
    P: BlobStore + JobStore + TaskQueue + Clock,
{
    let n_shards = u32::try_from(ports.shards().await?.len()).unwrap_or(u32::MAX);
    let (sizing, pieces) =
        cut_job(config, n_shards, job, &prepared).map_err(|error| uncuttable(id, &error))?;
    config.fits(job, &sizing, n_shards)?;
    let Buckets { n_buckets, is_large } = config.fits_memory(&prepared, &pieces, sizing.subtasks_per_task)?;
    let (digest, blob) = bundle.to_blob();
    inputs.keep(digest, blob.len() as u64, &prepared).await;
    let lifetime_us = job.deadline_s.unwrap_or(config.default_deadline_s).saturating_mul(1_000_000);
    let code = inputs.registry().code_of(&job.workload);
    let mut published = Published {
        code: code.map_err(|error| PortError::permanent(error.to_string()))?,
        workload: bundle.workload,
        input: digest,
        sizing,
        n_tasks: 0,
        weight: 0,
        fingerprints: Fingerprint::default(),
        n_buckets,
        generation: 0,
        lifetime_us,
        resent: Resent::default(),
        is_large,
    };
    record_cut(id, &pieces, &mut published);
    check_size(job, &pieces, &sizing)?;
    ports.put_blob(digest, blob).await?;
    let now_us = ports.now_us();
    let row = JobRow {
        id: id.clone(),
        message: job.digest,
        created_us: now_us,
        expires_us: now_us.saturating_add(lifetime_us),
        max_cost: config.caps.map_or(job.max_cost, |caps| Some(caps.cost_of(job))),
        published: Some(published),
        enqueued: false,
        progress: Default::default(),
        ending: None,
        announced: false,
    };
    match ports.create_job(&row).await? {
        Created::New => Ok((row, Some(pieces))),
        Created::Existing(known) => Ok((*known, None)),
    }
}

/// The pieces that the job's row promises, cut again from its stored input, whichever splitter wrote it.
pub(crate) async fn cut_again<P: BlobStore>(
    ports: &P,
    inputs: &InputCache,
    id: &JobId,
    promised: &Published,
    resent: &[Failure],
) -> Result<Vec<Piece>, PortError> {
    let version = inputs.registry().same_version(&promised.workload, &promised.code);
    version.map_err(|error| PortError::permanent(error.to_string()))?;
    let prepared = match inputs.get(ports, promised.input).await {
        Ok(prepared) => prepared,
        Err(LoadError::Port(error)) => return Err(error),
        Err(error) => return Err(PortError::permanent(format!("the input of job {id}: {error}"))),
    };
    let mut pieces = prepared
        .divide(&prepared.whole().slice, parts(promised.sizing.n_tasks))
        .map_err(|error| uncuttable(id, &error))?;
    pieces
        .extend(resent.iter().map(|failure| Piece { slice: failure.slice.clone(), weight: failure.weight }));
    let mut published = promised.clone();
    record_cut(id, &pieces, &mut published);
    if published != *promised {
        let what =
            format!("job {id} was cut differently before: another version of this binary wrote its row");
        return Err(PortError::permanent(what));
    }
    Ok(pieces)
}

/// Puts the tasks on the stream, all of them or those of a set, and records that they are there. Returns their number.
pub(crate) async fn enqueue<P>(
    ports: &P,
    capacity: impl Fn(u32) -> Capacity,
    id: &JobId,
    published: &Published,
    (pieces, resent): (&[Piece], &[Failure]),
    only: Option<&RoaringBitmap>,
) -> Result<u64, PortError>
where
    P: JobStore + TaskQueue + Clock,
{
    let shards = ports.shards().await?;
    if shards.is_empty() {
        return Err(PortError::refused("the task stream has no open shard"));
    }
    let now_us = ports.now_us();
    let sent = |index: &u32| only.is_none_or(|only| only.contains(*index));
    let tasks: Vec<(u32, &Piece)> = (0..).zip(pieces).filter(|(index, _)| sent(index)).collect();
    let weights: Vec<Weight> = tasks.iter().map(|(_, piece)| piece.weight).collect();
    let first = usize::try_from(u64::from_le_bytes(Digest::of(id.as_str().as_bytes()).start())).unwrap_or(0);
    let capacity = capacity(u32::try_from(shards.len()).unwrap_or(u32::MAX));
    let weight = weights.iter().fold(0, |sum: Weight, weight| sum.saturating_add(*weight));
    // Part of a job is no small job.
    let is_express = capacity.is_express(weights.len() as u64, weight)
        && capacity.is_express(published.n_cut().into(), published.weight);
    let theirs = capacity.shards_of(is_express);
    let placed = plan_placement(&weights, theirs.len(), first);
    let records = placed.into_iter().map(|Placed { task, shard }| {
        let (index, piece) = tasks[task];
        let n_subtasks = n_subtasks(published, resent, index);
        let record = TaskRecord { n_subtasks, ..task_record(id, published, index, piece, now_us) };
        let partition_key = partition_key(id, index);
        let shard = &shards[theirs.start as usize + shard];
        let placement = Placement { partition_key, hash_key: shard.first };
        TaskPut { placement, data: record.to_bytes() }
    });
    // Of a cut that an earlier delivery began to put: where the tasks that are left stand in the order of all.
    let positions: Option<Vec<u32>> = only.map(|_| {
        let order = (0_u32..).zip(put_order(pieces));
        order.filter(|(_, index)| sent(index)).map(|(position, _)| position).collect()
    });
    let mark = async |n_put: usize| {
        let of_all = match &positions {
            Some(positions) => positions.get(n_put).copied(),
            None => u32::try_from(n_put).ok(),
        };
        let n_put = of_all.unwrap_or(published.n_tasks);
        // Only of the first cut: what a retry sends has an order of its own. What is not recorded is put again, and merged once.
        if published.generation == 0 {
            let _ = ports.record_put(id, 0, n_put).await;
        }
    };
    put_tasks(ports, &shards, &records.collect::<Vec<_>>(), mark).await?;
    ports.mark_enqueued(id, published.generation).await?;
    Ok(weights.len() as u64)
}

/// The tasks of a cut in the order in which they are put.
fn put_order(pieces: &[Piece]) -> impl Iterator<Item = u32> {
    let weights: Vec<Weight> = pieces.iter().map(|piece| piece.weight).collect();
    heaviest_first(&weights).into_iter().map(|task| u32::try_from(task).unwrap_or(u32::MAX))
}

/// Tasks of the first cut that an earlier run is known to have put; none of a job that was reopened.
pub(crate) async fn known_to_be_put(
    ports: &impl JobStore,
    id: &JobId,
    published: &Published,
    pieces: &[Piece],
) -> Result<RoaringBitmap, PortError> {
    if published.generation > 0 {
        return Ok(RoaringBitmap::new());
    }
    let n_put = ports.n_put(id).await? as usize;
    Ok(put_order(pieces).take(n_put).collect())
}

/// A message that a splitter would take.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The job.
    pub job: Job,
    /// Its weight: nanoseconds of one vCPU.
    pub weight: Weight,
    /// How it would be cut.
    pub sizing: Sizing,
    /// What its author should know of its input, a line each.
    pub notes: Vec<String>,
}

/// Checks a message as the splitter would, and returns how it would be cut; enqueues nothing.
///
/// # Errors
/// The first error in the message or its input.
pub async fn check<P: Objects>(
    ports: &P,
    inputs: &InputCache,
    config: &SplitConfig,
    n_shards: u32,
    message: &[u8],
) -> Result<Checked, Rejection> {
    let job = Job::from_message(message)?;
    let (prepared, _) = load(ports, &NoBlobs, inputs, &job, config.memory.as_ref()).await?;
    let weight = prepared.whole().weight;
    let (sizing, pieces) = cut_job(config, n_shards, &job, &prepared)
        .map_err(|error| InputError::new("input", error.to_string()))?;
    config.fits(&job, &sizing, n_shards)?;
    config.fits_memory(&prepared, &pieces, sizing.subtasks_per_task)?;
    if config.limits.is_some() {
        check_size(&job, &pieces, &sizing)?;
    }
    Ok(Checked { job, weight, sizing, notes: prepared.notes() })
}

/// Checks as much of a message as the files tell of which `is_here` says so by their location; enqueues nothing.
///
/// # Errors
/// The first error in the message, its input, or these files.
pub async fn check_some<P: Objects>(
    ports: &P,
    inputs: &InputCache,
    config: &SplitConfig,
    message: &[u8],
    is_here: impl Fn(&str) -> bool,
) -> Result<(), Rejection> {
    let job = Job::from_message(message)?;
    load::check_some(ports, inputs, &job, config.memory.as_ref(), is_here).await
}

fn uncuttable(id: &JobId, error: &CodecError) -> PortError {
    PortError::permanent(format!("cannot cut job {id}: {error}"))
}

/// Cuts the job: its sizing, with the number of pieces that the cut actually has, and those pieces.
fn cut_job(
    config: &SplitConfig,
    n_shards: u32,
    job: &Job,
    prepared: &Prepared,
) -> Result<(Sizing, Vec<Piece>), CodecError> {
    let capacity = config.capacity(n_shards);
    let whole = prepared.whole();
    let value_bytes = prepared.value_bytes(&whole.slice)?;
    let mut sizing = plan_sizing(&config.sizing, &capacity, &job.sizing, whole.weight)
        .for_value_of(value_bytes, &job.sizing);
    let mut tasks = prepared.divide(&whole.slice, parts(sizing.n_tasks))?;
    if value_bytes > TASK_VALUE_BYTES && job.sizing.tasks.is_none() {
        // Where values overlap, the parts of a value are larger than its share.
        let mut largest = 0;
        for task in &tasks {
            largest = prepared.value_bytes(&task.slice)?.max(largest);
        }
        let finer = sizing.for_value_of(largest.saturating_mul(tasks.len() as u64), &job.sizing);
        if finer != sizing {
            sizing = finer;
            tasks = prepared.divide(&whole.slice, parts(sizing.n_tasks))?;
        }
    }
    let n_subtasks = match tasks.first() {
        Some(first) => prepared.divide(&first.slice, parts(sizing.subtasks_per_task))?.len(),
        None => 0,
    };
    let cut = sizing.as_cut(tasks.len(), n_subtasks);
    // A redelivery knows only the resulting cut: the pieces are those of that number.
    let tasks = if cut.n_tasks == sizing.n_tasks {
        tasks
    } else {
        prepared.divide(&whole.slice, parts(cut.n_tasks))?
    };
    Ok((cut, tasks))
}

fn parts(n: u32) -> NonZeroUsize {
    NonZeroUsize::new(n as usize).unwrap_or(NonZeroUsize::MIN)
}

/// Records the cut in the published job: number, weight and fingerprints of its pieces, those of the whole job and after
/// them those sent again.
fn record_cut(id: &JobId, pieces: &[Piece], published: &mut Published) {
    published.n_tasks = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
    let cut = pieces.len().saturating_sub(published.resent.n as usize);
    published.weight = pieces[..cut].iter().fold(0, |sum, piece| piece.weight.saturating_add(sum));
    published.fingerprints = Fingerprint::default();
    for (index, piece) in (0..).zip(pieces) {
        let fingerprint =
            Fingerprint::of_task(id.as_str(), published.input, index, piece.weight, &piece.slice);
        published.fingerprints = published.fingerprints.plus(fingerprint);
    }
}

/// Checks that the largest task fits on the stream, whatever the job's id, before there is a job that could never be put.
fn check_size(job: &Job, pieces: &[Piece], sizing: &Sizing) -> Result<(), InputError> {
    let largest = pieces.iter().map(|piece| piece.slice.len()).max().unwrap_or(0) as u64;
    let bytes = largest.saturating_add(job.workload.len() as u64).saturating_add(ENVELOPE_BYTES);
    if bytes <= MAX_RECORD_BYTES {
        return Ok(());
    }
    let problem = format!(
        "{}; the largest task has up to {bytes} bytes with its envelope, and a record {MAX_RECORD_BYTES} at most: more tasks are smaller",
        sizing.n_tasks
    );
    Err(InputError::new("sizing.tasks", problem))
}

/// Most bytes of a task's record besides its slice and the workload's name: ids, the build, numbers, the partition key.
const ENVELOPE_BYTES: u64 = 1_024;

fn partition_key(id: &JobId, index: u32) -> String {
    format!("{id}/{index}")
}

/// Into how many subtasks to cut a task. A subtask that was sent again stays whole, so that sending it again costs as many
/// invocations as failed; unless it failed by itself or took too long: then its parts are tried.
fn n_subtasks(published: &Published, resent: &[Failure], index: u32) -> u32 {
    let again = index.checked_sub(published.n_cut()).and_then(|at| resent.get(at as usize));
    match again {
        Some(failure) if !failure.may_be_cut_finer() => 1,
        _ => published.sizing.subtasks_per_task,
    }
}

fn task_record(id: &JobId, published: &Published, index: u32, piece: &Piece, now_us: u64) -> TaskRecord {
    TaskRecord {
        job: id.clone(),
        workload: published.workload.clone(),
        code: published.code.clone(),
        input: published.input,
        index,
        slice: piece.slice.clone(),
        weight: piece.weight,
        n_subtasks: published.sizing.subtasks_per_task,
        bucket: published.bucket_of(index),
        generation: published.generation,
        put_us: now_us,
    }
}
