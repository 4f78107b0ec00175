//! Cascade-worker: from a subtask request to its reply.

use std::any::Any;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};

use squall_core::digest::Digest;
use squall_core::ports::{BlobStore, Clock};
use squall_core::wire::{CodecError, Message, SubtaskReply, SubtaskRequest};
use squall_core::workload::{EvaluateError, InputError};

use crate::inputs::{InputCache, LoadError, Prepared};

/// What a worker knows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkConfig {
    /// Threads to divide a subtask over.
    pub n_vcpus: NonZeroUsize,
    /// Memory that it is billed for, MB.
    pub memory_mb: u32,
}

/// Why a worker has no reply.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// The request does not decode.
    #[error("cannot read the request")]
    Codec(#[from] CodecError),
    /// The job's input is not there.
    #[error("cannot work")]
    Load(#[from] LoadError),
    /// The workload is not in this binary.
    #[error("cannot work")]
    Workload(#[from] InputError),
}

/// Evaluates one subtask.
///
/// A workload's own failure, a panic among them, is an answer: it would fail the same way again.
///
/// # Errors
/// When it cannot begin.
pub async fn work<P: BlobStore + Clock>(
    ports: &P,
    inputs: &InputCache,
    config: &WorkConfig,
    request: &[u8],
) -> Result<Vec<u8>, WorkError> {
    let started_us = ports.now_us();
    let asked = Digest::of(request);
    let request = SubtaskRequest::from_bytes(request)?;
    let workload = inputs.registry().get(&request.workload)?;
    let prepared = inputs.get(ports, request.input).await?;
    let merge = |partials: Vec<Vec<u8>>| -> Result<Vec<u8>, String> {
        let mut merger = workload.merger();
        for partial in &partials {
            merger.add(partial).map_err(|error| error.to_string())?;
        }
        merger.finish().ok_or_else(|| "the slice is empty".to_owned())
    };
    let outcome = if config.n_vcpus.get() == 1 {
        evaluate(&prepared, &request.slice)
    } else {
        on_all_vcpus(&prepared, &request.slice, config.n_vcpus).and_then(merge)
    };
    let reply = SubtaskReply {
        request: asked,
        outcome,
        worked_us: ports.now_us().saturating_sub(started_us),
        memory_mb: config.memory_mb,
    };
    Ok(reply.to_bytes())
}

fn on_all_vcpus(prepared: &Prepared, slice: &[u8], n_vcpus: NonZeroUsize) -> Result<Vec<Vec<u8>>, String> {
    let pieces = prepared.divide(slice, n_vcpus).map_err(|error| error.to_string())?;
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            pieces.iter().map(|piece| scope.spawn(|| evaluate(prepared, &piece.slice))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| Err(said(&*panic)))).collect()
    })
}

fn evaluate(prepared: &Prepared, slice: &[u8]) -> Result<Vec<u8>, String> {
    match catch_unwind(AssertUnwindSafe(|| prepared.evaluate(slice))) {
        Ok(outcome) => outcome.map_err(|EvaluateError(reason)| reason),
        Err(panic) => Err(said(&*panic)),
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the workload panicked: {}", words.unwrap_or("without a message"))
}
