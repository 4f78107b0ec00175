//! How a job ended.

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use super::JobStatus;
use crate::digest::Digest;
use crate::prices::NanoUsd;
use crate::receipt::{Receipt, Timeline};
use crate::wire::{CodecError, Failure, Message, decode};
use crate::workload::Coverage;

/// How a job ended, and what it is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// The status it ended with.
    pub status: JobStatus,
    /// In words, for everything but a complete job.
    pub reason: Option<String>,
    /// How much is in the answer.
    pub coverage: Coverage,
    /// The tasks that never came back.
    pub missing: RoaringBitmap,
    /// The subtasks without a value.
    pub failures: Vec<Failure>,
    /// The merged partial, in the blob store; `None` when nothing was merged.
    pub answer: Option<Digest>,
    /// What was spent.
    pub receipt: Receipt,
    /// What the wait was made of.
    pub timeline: Timeline,
    /// When it ended, microseconds of the grid's clock.
    pub ended_us: u64,
}

impl Message for Ending {
    const WHAT: &'static str = "ending of a job";
    const KIND: u8 = b'n';
    const VERSION: u8 = 1;

    /// The first version is what was stored before, with an envelope.
    fn unversioned(bytes: &[u8]) -> Option<Result<Self, CodecError>> {
        Some(decode(Self::WHAT, bytes))
    }
}

/// What an ended job came to, for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobEnd {
    /// The status it ended with.
    pub status: JobStatus,
    /// What everything ever spent on it cost, earlier generations included.
    pub cost: NanoUsd,
    /// From when it was first seen to its end, microseconds.
    pub lasted_us: u64,
}
