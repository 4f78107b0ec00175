//! A consumer's request to a worker, and the reply.

use serde::{Deserialize, Serialize};

use super::Message;
use crate::code::CodeId;
use crate::digest::Digest;
use crate::workload::Weight;

/// A consumer's request to a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtaskRequest {
    /// The workload's name.
    pub workload: String,
    /// The code that cut the job: a worker with other code refuses.
    pub code: CodeId,
    /// The job's shared input.
    pub input: Digest,
    /// The encoded slice.
    pub slice: Vec<u8>,
}

impl Message for SubtaskRequest {
    const WHAT: &'static str = "subtask request";
    const KIND: u8 = b'q';
    const VERSION: u8 = 2;
}

/// A worker's reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtaskReply {
    /// Digest of the content of the request: a reply to another request is discarded.
    pub request: Digest,
    /// The code of the worker.
    pub code: CodeId,
    /// The encoded partial, or the workload's reason for having none.
    pub outcome: Result<Vec<u8>, String>,
    /// The pieces of the slice that are not in the partial: a worker divides it over its vCPUs, and one may fail alone.
    pub failed: Vec<FailedPiece>,
    /// When the worker began, microseconds of its clock since 1970.
    pub began_us: u64,
    /// Whether this was the first request of the worker's process.
    pub cold: bool,
    /// How long the worker waited for the job's input, microseconds; part of `worked_us`.
    pub loaded_us: u64,
    /// How long the worker worked, microseconds.
    pub worked_us: u64,
    /// The worker's memory, MB.
    pub memory_mb: u32,
}

/// A piece of a subtask without a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedPiece {
    /// The encoded slice.
    pub slice: Vec<u8>,
    /// Its weight.
    pub weight: Weight,
    /// The workload's reason.
    pub reason: String,
}

impl Message for SubtaskReply {
    const WHAT: &'static str = "subtask reply";
    const KIND: u8 = b'a';
    const VERSION: u8 = 3;
}

/// A reply that is too large for a function's answer: where to find it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyElsewhere {
    /// Digest of the encoded [`SubtaskReply`] in the blob store.
    pub reply: Digest,
}

impl Message for ReplyElsewhere {
    const WHAT: &'static str = "subtask reply";
    const KIND: u8 = b'w';
    const VERSION: u8 = 1;
}
