//! Cascade-worker: from a subtask request to its reply.

use std::any::Any;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::channel::oneshot;
use futures::future::join_all;
use squall_core::code::CodeVersion;
use squall_core::data::{Data, DataError, NoData};
use squall_core::deployment::Deployment;
use squall_core::digest::Digest;
use squall_core::ports::{BlobStore, Clock, InvokeError, Objects, PortError, chain};
use squall_core::registry::{Evaluation, Merger, Piece};
use squall_core::wire::{CodecError, FailedPiece, Message, ReplyElsewhere, SubtaskReply, SubtaskRequest};
use squall_core::workload::{EvaluateError, InputError};

use crate::REPLY_MAX_BYTES;
use crate::data::{ReadPolicy, connect};
use crate::inputs::{InputCache, LoadError, Prepared};
use crate::patience::Patience;

/// How long a worker waits for its input, microseconds.
const INPUT_PATIENCE_US: u64 = 10_000_000;

/// A worker's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkConfig {
    /// Threads over which to divide a subtask.
    pub n_vcpus: NonZeroUsize,
    /// Memory for which it is billed, MB.
    pub memory_mb: u32,
    /// How to read the objects that a job names.
    pub read: ReadPolicy,
    /// Most bytes of a reply; a larger one goes to the blob store, and its digest is the reply.
    pub max_reply_bytes: usize,
}

impl WorkConfig {
    /// As a deployment has it.
    pub fn of(deployment: &Deployment) -> Self {
        let n_vcpus = NonZeroUsize::new(deployment.worker_vcpus() as usize);
        Self {
            n_vcpus: n_vcpus.unwrap_or(NonZeroUsize::MIN),
            memory_mb: deployment.worker_memory_mb,
            read: ReadPolicy::default(),
            max_reply_bytes: REPLY_MAX_BYTES,
        }
    }
}

/// Why a worker has no reply.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The request does not decode.
    #[error("cannot read the request")]
    Codec(#[from] CodecError),
    /// The job's input is unavailable.
    #[error("cannot run the subtask")]
    Load(#[from] LoadError),
    /// The workload is not in this binary.
    #[error("cannot run the subtask")]
    Workload(#[from] InputError),
    /// The store of the objects that the job names did not answer.
    #[error("cannot read the slice's data: {0}")]
    Data(String),
    /// The reply is too large to be sent, and could not be stored.
    #[error("cannot store the reply")]
    Reply(#[source] PortError),
    /// The machine cannot start another thread.
    #[error("cannot start a thread")]
    Thread(#[from] std::io::Error),
}

impl WorkError {
    /// Whether every attempt at the same request would fail in the same way.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Codec(_) | Self::Workload(_) => true,
            Self::Load(LoadError::Port(error)) => matches!(error, PortError::Permanent { .. }),
            Self::Load(_) => true,
            Self::Reply(error) => error.is_permanent(),
            Self::Data(_) | Self::Thread(_) => false,
        }
    }
}

impl From<WorkError> for InvokeError {
    fn from(error: WorkError) -> Self {
        let reason = chain(&error);
        if error.is_permanent() { Self::Hopeless(reason) } else { Self::Failed(reason) }
    }
}

/// Evaluates one subtask.
///
/// A workload's own failure, including a panic, is an answer: it would fail the same way again.
///
/// # Errors
/// When it cannot start.
pub async fn work<P: BlobStore + Objects + Clock>(
    ports: &P,
    inputs: &InputCache,
    config: &WorkConfig,
    request: &[u8],
) -> Result<Vec<u8>, WorkError> {
    let began_us = ports.now_us();
    let cold = inputs.first_use();
    let (request, asked) = SubtaskRequest::from_bytes_with_digest(request)?;
    let (workload, code) = inputs.registry().get_with_code(&request.workload)?;
    let mut loaded_us = 0;
    let mut failed = Vec::new();
    let outcome = if code == request.code {
        // Thousands of cold workers read the same blob at once, and S3 refuses some of them for a moment.
        let patience = Patience::new(ports, INPUT_PATIENCE_US, u64::MAX);
        let prepared = patience.ask(ports, async || inputs.get(ports, request.input).await).await?;
        loaded_us = ports.now_us().saturating_sub(began_us);
        let mut merge = |evaluated: Vec<Evaluated>| {
            let merged = merged(workload.merger(), evaluated)?;
            failed = merged.1;
            Ok(merged.0)
        };
        if !prepared.listings().is_empty() {
            reading(ports, inputs, config, &prepared, &request.slice).await?.and_then(&mut merge)
        } else if config.n_vcpus.get() == 1 {
            evaluate(&prepared, &request.slice, &mut NoData).map(|evaluation| {
                failed = evaluation.failed;
                evaluation.partial
            })
        } else {
            on_all_vcpus(&prepared, &request.slice, config.n_vcpus).and_then(&mut merge)
        }
    } else {
        let here = CodeVersion { workload: workload.version(), build: inputs.registry().build().to_owned() };
        Err(format!("the worker refused: it is {} {here}", request.workload))
    };
    let reply = SubtaskReply {
        request: asked,
        code,
        outcome,
        failed,
        began_us,
        cold,
        loaded_us,
        worked_us: ports.now_us().saturating_sub(began_us),
        memory_mb: config.memory_mb,
    };
    let bytes = reply.to_bytes();
    if bytes.len() <= config.max_reply_bytes {
        return Ok(bytes);
    }
    let reply = Digest::of(&bytes);
    ports.put_blob(reply, bytes).await.map_err(WorkError::Reply)?;
    Ok(ReplyElsewhere { reply }.to_bytes())
}

/// A piece of a slice, and its value or the workload's reason for having none.
type Evaluated = (Piece, Result<Evaluation, String>);

/// The merged partials, and the pieces without one and their parts.
///
/// # Errors
/// The reason of the first, if none has a partial.
fn merged(
    mut merger: Box<dyn Merger>,
    evaluated: Vec<Evaluated>,
) -> Result<(Vec<u8>, Vec<FailedPiece>), String> {
    let mut failed = Vec::new();
    for (piece, outcome) in evaluated {
        let merge = |evaluation: Evaluation| {
            merger.add(&evaluation.partial).map_err(|error| error.to_string())?;
            Ok(evaluation.failed)
        };
        match outcome.and_then(merge) {
            Ok(parts) => failed.extend(parts),
            Err(reason) => failed.push(FailedPiece { slice: piece.slice, weight: piece.weight, reason }),
        }
    }
    match (merger.finish(), failed.first()) {
        (Some(partial), _) => Ok((partial, failed)),
        (None, Some(first)) => Err(first.reason.clone()),
        (None, None) => Err("the slice is empty".to_owned()),
    }
}

/// Evaluates on threads that are fed from here. Each divides the data it reads as well as the work.
async fn reading<P: BlobStore + Objects>(
    ports: &P,
    inputs: &InputCache,
    config: &WorkConfig,
    prepared: &Prepared,
    slice: &[u8],
) -> Result<Result<Vec<Evaluated>, String>, WorkError> {
    let pieces = match prepared.divide(slice, config.n_vcpus) {
        Ok(pieces) => pieces,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let mut evaluating = Vec::new();
    for piece in pieces {
        let extents = match prepared.reads(&piece.slice) {
            Ok(extents) => extents,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let (reader, mut data) = connect(extents, &config.read);
        let (done, ended) = oneshot::channel();
        let evaluated = Arc::clone(prepared);
        let of = piece.clone();
        let thread = std::thread::Builder::new().name("evaluate".to_owned());
        thread.spawn(move || {
            let outcome = evaluate(&evaluated, &piece.slice, &mut data);
            // The step may have been abandoned.
            let _ = done.send((outcome, data.failure()));
        })?;
        evaluating.push(async move {
            reader.read_for_thread(ports, inputs, prepared.listings(), &config.read).await;
            (of, ended.await)
        });
    }
    let mut pieces = Vec::new();
    for (piece, ended) in join_all(evaluating).await {
        let outcome = match ended {
            // Whatever the workload reported: a slice whose data was not read has no value.
            Ok((_, Some(DataError::Unavailable(reason)))) => return Err(WorkError::Data(reason)),
            Ok((_, Some(DataError::Gone(reason)))) => Err(reason),
            Ok((outcome, None)) => outcome,
            Err(_) => Err("the evaluating thread is gone".to_owned()),
        };
        pieces.push((piece, outcome));
    }
    Ok(Ok(pieces))
}

fn on_all_vcpus(prepared: &Prepared, slice: &[u8], n_vcpus: NonZeroUsize) -> Result<Vec<Evaluated>, String> {
    let pieces = prepared.divide(slice, n_vcpus).map_err(|error| error.to_string())?;
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = pieces
            .iter()
            .map(|piece| scope.spawn(|| evaluate(prepared, &piece.slice, &mut NoData)))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| Err(said(&*panic)))).collect()
    });
    Ok(pieces.into_iter().zip(outcomes).collect())
}

fn evaluate(prepared: &Prepared, slice: &[u8], data: &mut dyn Data) -> Result<Evaluation, String> {
    match catch_unwind(AssertUnwindSafe(|| prepared.evaluate(slice, data))) {
        Ok(outcome) => outcome.map_err(|EvaluateError(reason)| reason),
        Err(panic) => Err(said(&*panic)),
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the workload panicked: {}", words.unwrap_or("without a message"))
}
