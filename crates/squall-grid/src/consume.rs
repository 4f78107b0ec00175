//! Shard-consumer: from one task to one result, through a cascade of workers.

use std::error::Error;
use std::num::NonZeroUsize;

use futures::future::{AbortHandle, Either, abortable, select};
use futures::lock::Mutex;
use futures::stream::{FuturesUnordered, StreamExt};
use squall_core::cascade::{Cascade, CascadePolicy, Deadline, Next, Outcome, Throttles};
use squall_core::deployment::Deployment;
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::lifecycle::{Admission, plan_admission};
use squall_core::limits::KINESIS_PUT_UNIT_BYTES;
use squall_core::ports::{BlobStore, Clock, JobStore, PortError, ResultQueue, Workers, chain};
use squall_core::receipt::{Receipt, TaskTimes};
use squall_core::registry::{Piece, ReplyMerger};
use squall_core::spans::{Span, SpanEnd, Spans, room_beside};
use squall_core::wire::{
    Cause, CodecError, FailedPiece, Failure, Message, ResultElsewhere, ResultRecord, Stored, SubtaskRequest,
    TaskRecord, bound_reasons,
};
use squall_core::workload::Weight;

use crate::inputs::{InputCache, LoadError, Prepared};
use crate::patience::Patience;
use crate::put::put_result;
use crate::span_log::SpanLog;
use crate::{INLINE_MAX_BYTES, RESULT_MAX_BYTES};

mod taking;

use taking::{Taking, answer};

/// A reason is for people; thousands of them may travel in one record.
const MOST_REASON_CHARS: usize = 300;

/// A consumer's settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConsumeConfig {
    /// How to drive the workers.
    pub cascade: CascadePolicy,
    /// Memory for which the consumer is billed, MB.
    pub memory_mb: u32,
    /// Memory for which a worker is billed, MB.
    pub worker_memory_mb: u32,
    /// How the workers' time is measured.
    pub metering: Metering,
    /// How long a task waits for stores that do not answer, before its delivery fails; microseconds.
    pub patience_us: u64,
}

/// How the time of a worker's invocation is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metering {
    /// By the consumer's clock, from the invocation to its end: what Lambda bills, and the way there and back. A worker that lies,
    /// hangs or dies cannot make it less.
    Elapsed,
    /// As the worker reports it: for threads of this process, whose queue counts as part of an invocation.
    Reported,
}

impl ConsumeConfig {
    /// As a deployment has it.
    pub fn of(deployment: &Deployment) -> Self {
        Self {
            cascade: deployment.cascade(),
            memory_mb: deployment.consumer_memory_mb,
            worker_memory_mb: deployment.worker_memory_mb,
            metering: Metering::Elapsed,
            patience_us: 60_000_000,
        }
    }
}

/// What became of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consumed {
    /// Its result is on the result stream.
    Published {
        /// Subtasks without a value.
        n_failures: usize,
        /// The resources used.
        receipt: Box<Receipt>,
        /// Its refused invocations, by reason.
        throttles: Throttles,
        /// When it passed each stage.
        times: TaskTimes,
    },
    /// It was not started.
    Dropped(Admission),
}

/// Why a task has no result yet.
#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    /// It does not decode.
    #[error("cannot read the task")]
    Codec(#[from] CodecError),
    /// The store does not know its job.
    #[error("job {0} is not known")]
    UnknownJob(JobId),
    /// A port failed.
    #[error("cannot finish the task")]
    Port(#[from] PortError),
}

/// Why a task has no pieces.
#[derive(Debug, thiserror::Error)]
enum DivideError {
    /// Its slice does not decode.
    #[error("cannot divide the task")]
    Codec(#[from] CodecError),
    /// Its pieces are not the published ones: this binary divides differently than the splitter's.
    #[error("the task was published with weight {published}, its pieces weigh {divided}")]
    Weight { published: Weight, divided: u128 },
}

/// Takes one task through the cascade and publishes its result; the consumer itself has until `deadline_us`.
///
/// # Errors
/// When the task does not decode or a port fails; if delivered again, it is computed again, and merged once.
pub async fn consume<P>(
    ports: &P,
    inputs: &InputCache,
    config: &ConsumeConfig,
    record: &[u8],
    deadline_us: u64,
) -> Result<Consumed, ConsumeError>
where
    P: JobStore + BlobStore + Workers + ResultQueue + Clock,
{
    let read_us = ports.now_us();
    let task = TaskRecord::from_bytes(record)?;
    let patience = Patience::new(ports, config.patience_us, deadline_us);
    let job = patience.ask(ports, async || ports.standing(&task.job).await).await?;
    match plan_admission(job.as_ref(), task.generation, read_us) {
        Admission::Start => {}
        Admission::Unknown => return Err(ConsumeError::UnknownJob(task.job)),
        admission => return Ok(Consumed::Dropped(admission)),
    }
    // Early enough that finished subtasks are in the answer.
    let job_us = job.map_or(u64::MAX, |job| job.expires_us);
    let deadline = Deadline::earlier(deadline_us, job_us);
    let (pieces, prepared) = match prepare(ports, inputs, &task, patience).await {
        Ok(ready) => ready,
        Err(NotReady::Port(error)) => return Err(error.into()),
        Err(NotReady::Never(reason)) => {
            return refuse(ports, config, &task, (record.len(), deadline_us), read_us, &reason).await;
        }
    };
    let times = TaskTimes { put_us: task.put_us, read_us, invoked_us: ports.now_us(), answered_us: 0 };

    let cascaded = cascade(ports, config, &task, &pieces, prepared.replies(), (read_us, deadline)).await;

    let times = TaskTimes { answered_us: ports.now_us(), ..times };
    publish(ports, config, &task, (record.len(), deadline_us), times, cascaded).await
}

/// Why a task cannot be started.
enum NotReady {
    /// A port did not answer: delivering the task again may help.
    Port(PortError),
    /// It never can be started by this binary, and why.
    Never(String),
}

impl NotReady {
    fn never(error: impl Error) -> Self {
        Self::Never(chain(&error))
    }
}

/// The task's pieces, and its job's input, against which their values are checked.
async fn prepare(
    ports: &(impl BlobStore + Clock),
    inputs: &InputCache,
    task: &TaskRecord,
    patience: Patience,
) -> Result<(Vec<Piece>, Prepared), NotReady> {
    inputs.registry().same_code(&task.workload, &task.code).map_err(NotReady::never)?;
    let prepared = match patience.ask(ports, async || inputs.get(ports, task.input).await).await {
        Err(LoadError::Port(error @ (PortError::Refused { .. } | PortError::Unknown { .. }))) => {
            return Err(NotReady::Port(error));
        }
        loaded => loaded.map_err(NotReady::never)?,
    };
    Ok((divided(&prepared, task).map_err(NotReady::never)?, prepared))
}

/// The task's pieces.
fn divided(prepared: &Prepared, task: &TaskRecord) -> Result<Vec<Piece>, DivideError> {
    let parts = NonZeroUsize::new(task.n_subtasks as usize).unwrap_or(NonZeroUsize::MIN);
    let pieces = prepared.divide(&task.slice, parts)?;
    let divided = pieces.iter().map(|piece| u128::from(piece.weight)).sum::<u128>();
    if divided == u128::from(task.weight) {
        return Ok(pieces);
    }
    Err(DivideError::Weight { published: task.weight, divided })
}

/// Publishes why the task cannot be computed here: at once and by name, instead of keeping a lane busy with redeliveries that cannot
/// succeed; the job would only hear of them at its deadline.
async fn refuse<P: BlobStore + ResultQueue + Clock>(
    ports: &P,
    config: &ConsumeConfig,
    task: &TaskRecord,
    (record_bytes, deadline_us): (usize, u64),
    read_us: u64,
    reason: &str,
) -> Result<Consumed, ConsumeError> {
    let failure = Failure::of_whole_task(task, 0, shortened(&format!("the consumer refused: {reason}")));
    let cascaded = Cascaded {
        partial: None,
        failures: vec![failure],
        receipt: Receipt::default(),
        throttles: Throttles::default(),
        spans: Vec::new(),
    };
    let now_us = ports.now_us();
    let times = TaskTimes { put_us: task.put_us, read_us, invoked_us: now_us, answered_us: now_us };
    publish(ports, config, task, (record_bytes, deadline_us), times, cascaded).await
}

async fn publish<P: BlobStore + ResultQueue + Clock>(
    ports: &P,
    config: &ConsumeConfig,
    task: &TaskRecord,
    (record_bytes, until_us): (usize, u64),
    times: TaskTimes,
    cascaded: Cascaded,
) -> Result<Consumed, ConsumeError> {
    let (mut receipt, throttles) = (cascaded.receipt, cascaded.throttles);
    receipt.tasks = 1;
    receipt.consumer_mb_us =
        times.answered_us.saturating_sub(times.read_us).saturating_mul(u64::from(config.memory_mb));
    // What the workers did is lost if it cannot be stored, so that there is a new patience for it.
    let patience = Patience::new(ports, config.patience_us, until_us);
    let partial = match cascaded.partial {
        Some(bytes) => Some(patience.ask(ports, async || stored(ports, bytes.clone()).await).await?),
        None => None,
    };
    let n_inline = partial.as_ref().map_or(0, inline_bytes);
    receipt.blob_writes += partial.as_ref().map_or(0, Stored::n_blobs);
    let mut result = ResultRecord {
        job: task.job.clone(),
        index: task.index,
        fingerprint: task.fingerprint(),
        weight: task.weight,
        partial,
        failures: cascaded.failures,
        receipt,
        times,
        spans: Spans::pack(cascaded.spans, room_beside(n_inline)),
    };
    // All results of a bucket go to the same shard, so that collectors seldom race for its row.
    let partition_key = format!("{}/{}", task.job, task.bucket);
    let n_failures = result.failures.len();
    // What it costs to put is part of what is put: a few bytes more than were measured.
    let n_bytes = result.encoded_len() + COUNTERS_MAX_BYTES;
    let elsewhere = n_bytes > RESULT_MAX_BYTES;
    result.receipt.blob_writes += u64::from(elsewhere);
    result.receipt.put_units =
        put_units(record_bytes) + put_units(if elsewhere { ELSEWHERE_BYTES } else { n_bytes });
    let receipt = Box::new(result.receipt);
    let mut bytes = result.to_bytes();
    if elsewhere {
        let record = Digest::of(&bytes);
        patience.ask(ports, async || ports.put_blob(record, bytes.clone()).await).await?;
        bytes = ResultElsewhere { record }.to_bytes();
    }
    put_result(ports, &partition_key, bytes, until_us).await?;
    Ok(Consumed::Published { n_failures, receipt, throttles, times })
}

struct Cascaded {
    partial: Option<Vec<u8>>,
    failures: Vec<Failure>,
    receipt: Receipt,
    throttles: Throttles,
    spans: Vec<Span>,
}

async fn cascade<P: BlobStore + Workers + Clock>(
    ports: &P,
    config: &ConsumeConfig,
    task: &TaskRecord,
    pieces: &[Piece],
    mut merger: Box<dyn ReplyMerger + '_>,
    (read_us, deadline): (u64, Deadline),
) -> Cascaded {
    let n_subtasks = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
    let mut cascade = Cascade::new(config.cascade, n_subtasks, u64::from(task.index));
    let code = task.code.id();
    let mut receipt = Receipt::default();
    let mut log = SpanLog::new(read_us, pieces.len());
    let fetching = Mutex::new(());
    let (Deadline::Consumer(consumer_us) | Deadline::Job(consumer_us)) = deadline;
    let mut calls = FuturesUnordered::new();
    // By the call's id, which counts from 0.
    let mut aborts: Vec<Option<AbortHandle>> = Vec::with_capacity(pieces.len());
    // Pieces of answered subtasks.
    let mut failed: Vec<(u32, FailedPiece)> = Vec::new();
    loop {
        let now_us = ports.now_us();
        match cascade.next(now_us, deadline) {
            Next::Start(call, why) => {
                log.invoked(call, why, now_us);
                let request = SubtaskRequest {
                    workload: task.workload.clone(),
                    code,
                    input: task.input,
                    slice: pieces[call.subtask as usize].slice.clone(),
                };
                let (request, asked) = request.to_bytes_and_digest();
                let fetching = &fetching;
                let invoked = async move {
                    (call, asked, answer(ports, (call.stripe, request), fetching, consumer_us).await)
                };
                let (invoked, abort) = abortable(invoked);
                aborts.resize(call.id as usize + 1, None);
                aborts[call.id as usize] = Some(abort);
                calls.push(invoked);
            }
            Next::Abandon(call) => {
                // Its connection is closed: a thousand hanging calls must not use up the process's descriptors.
                if let Some(abort) = aborts.get_mut(call.id as usize).and_then(Option::take) {
                    abort.abort();
                }
                let reason = format!("no reply within {} s", config.cascade.attempt_timeout_us / 1_000_000);
                log.ended(call, SpanEnd::Failed, None, now_us);
                cascade.settle(now_us, call, Outcome::TimedOut(reason));
            }
            Next::Wait { until_us } => {
                let ended = match until_us {
                    None => calls.next().await,
                    Some(until_us) => {
                        let sleep = std::pin::pin!(ports.sleep_until(until_us));
                        if calls.is_empty() {
                            sleep.await;
                            None
                        } else {
                            match select(calls.next(), sleep).await {
                                Either::Left((ended, _)) => ended,
                                Either::Right(_) => None,
                            }
                        }
                    }
                };
                if let Some(Ok((call, asked, answer))) = ended {
                    if let Some(abort) = aborts.get_mut(call.id as usize) {
                        *abort = None;
                    }
                    let taking = Taking {
                        now_us: ports.now_us(),
                        code,
                        worker_memory_mb: config.worker_memory_mb,
                        piece: &pieces[call.subtask as usize],
                        merger: &mut *merger,
                        receipt: &mut receipt,
                        log: &mut log,
                        failed: &mut failed,
                    };
                    taking.take(&mut cascade, call, asked, answer);
                }
            }
            Next::Finished => break,
        }
    }
    let mut failures: Vec<_> = cascade
        .failures()
        .map(|(subtask, attempts, reason, cause)| Failure {
            task: task.index,
            subtask,
            slice: pieces[subtask as usize].slice.clone(),
            weight: pieces[subtask as usize].weight,
            attempts,
            reason: shortened(reason),
            cause,
        })
        .collect();
    let n_failed = failures.len();
    failures.extend(failed.into_iter().map(|(subtask, piece)| Failure {
        task: task.index,
        subtask,
        slice: piece.slice,
        weight: piece.weight,
        attempts: 1,
        reason: shortened(&piece.reason),
        cause: Cause::OfItself,
    }));
    failures.sort();
    bound_reasons(&mut failures);
    let counts = cascade.counts(ports.now_us());
    receipt.unfinished = counts.unfinished;
    if config.metering == Metering::Elapsed {
        receipt.worker_us = counts.accepted_us;
        receipt.lost_us = counts.lost_us;
        receipt.duplicate_us = counts.surplus_us;
        receipt.worker_mb_us = counts.accepted_us.saturating_mul(u64::from(config.worker_memory_mb));
    }
    receipt.subtasks = (pieces.len() - n_failed) as u64;
    receipt.invocations = counts.accepted;
    receipt.throttles = counts.throttles.total();
    receipt.retries = counts.retries;
    receipt.hedges = counts.hedges;
    let (throttles, spans) = (counts.throttles, log.into_spans());
    Cascaded { partial: merger.finish(), failures, receipt, throttles, spans }
}

pub(crate) fn shortened(reason: &str) -> String {
    reason.chars().take(MOST_REASON_CHARS).collect()
}

/// Most bytes by which a receipt grows when its last counters are filled in.
const COUNTERS_MAX_BYTES: usize = 16;
/// Bytes of a record that names a result in the blob store.
const ELSEWHERE_BYTES: usize = 64;

/// Keeps few bytes inline and puts many into the blob store.
pub(crate) async fn stored(blobs: &impl BlobStore, bytes: Vec<u8>) -> Result<Stored, PortError> {
    if bytes.len() <= INLINE_MAX_BYTES {
        return Ok(Stored::Inline(bytes));
    }
    let digest = Digest::of(&bytes);
    blobs.put_blob(digest, bytes).await?;
    Ok(Stored::Blob(digest))
}

/// The bytes, inline or from the blob store.
pub(crate) async fn fetched(blobs: &impl BlobStore, stored: &Stored) -> Result<Vec<u8>, PortError> {
    match stored {
        Stored::Inline(bytes) => Ok(bytes.clone()),
        Stored::Blob(digest) => blobs.blob(*digest).await,
    }
}

fn inline_bytes(stored: &Stored) -> usize {
    match stored {
        Stored::Inline(bytes) => bytes.len(),
        Stored::Blob(_) => 32,
    }
}

fn put_units(bytes: usize) -> u64 {
    (bytes as u64).max(1).div_ceil(KINESIS_PUT_UNIT_BYTES)
}
