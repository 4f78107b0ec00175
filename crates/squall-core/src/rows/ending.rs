//! How a job ended.

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use super::JobStatus;
use crate::digest::Digest;
use crate::prices::NanoUsd;
use crate::receipt::{FirstReceipt, Receipt, Timeline};
use crate::wire::{CodecError, Failure, FirstFailure, Message, decode, failures_of};
use crate::workload::Coverage;

/// How a job ended, with its answer and coverage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// The status it ended with.
    pub status: JobStatus,
    /// The reason in words, for every status but complete.
    pub reason: Option<String>,
    /// The share of the job that is in the answer.
    pub coverage: Coverage,
    /// The tasks that never came back.
    pub missing: RoaringBitmap,
    /// The subtasks without a value.
    pub failures: Vec<Failure>,
    /// The merged partial, in the blob store: of a large answer several parts, which whoever reads it merges; none when nothing was
    /// merged.
    pub answer: Vec<Digest>,
    /// The resources used.
    pub receipt: Receipt,
    /// The breakdown of the wait.
    pub timeline: Timeline,
    /// When it ended, microseconds of the grid's clock.
    pub ended_us: u64,
}

impl Message for Ending {
    const WHAT: &'static str = "ending of a job";
    const KIND: u8 = b'n';
    const VERSION: u8 = 3;

    fn older(version: u8, content: &[u8]) -> Result<Self, CodecError> {
        match version {
            1 => decode::<First>(Self::WHAT, content).map(Self::from),
            2 => decode::<Second>(Self::WHAT, content).map(Self::from),
            _ => Err(CodecError::unread_version::<Self>(version)),
        }
    }

    /// The first version is the form that was stored before, with an envelope.
    fn unversioned(bytes: &[u8]) -> Option<Result<Self, CodecError>> {
        Some(decode::<First>(Self::WHAT, bytes).map(Self::from))
    }
}

/// The first version.
#[derive(Serialize, Deserialize)]
struct First {
    status: JobStatus,
    reason: Option<String>,
    coverage: Coverage,
    missing: RoaringBitmap,
    failures: Vec<FirstFailure>,
    answer: Option<Digest>,
    receipt: FirstReceipt,
    timeline: Timeline,
    ended_us: u64,
}

impl From<First> for Ending {
    fn from(it: First) -> Self {
        Self {
            status: it.status,
            reason: it.reason,
            coverage: it.coverage,
            missing: it.missing,
            failures: failures_of(it.failures),
            answer: it.answer.into_iter().collect(),
            receipt: it.receipt.into(),
            timeline: it.timeline,
            ended_us: it.ended_us,
        }
    }
}

/// The second version.
#[derive(Serialize, Deserialize)]
struct Second {
    status: JobStatus,
    reason: Option<String>,
    coverage: Coverage,
    missing: RoaringBitmap,
    failures: Vec<Failure>,
    answer: Option<Digest>,
    receipt: Receipt,
    timeline: Timeline,
    ended_us: u64,
}

impl From<Second> for Ending {
    fn from(it: Second) -> Self {
        Self {
            status: it.status,
            reason: it.reason,
            coverage: it.coverage,
            missing: it.missing,
            failures: it.failures,
            answer: it.answer.into_iter().collect(),
            receipt: it.receipt,
            timeline: it.timeline,
            ended_us: it.ended_us,
        }
    }
}

/// The totals of an ended job, for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobEnd {
    /// The status it ended with.
    pub status: JobStatus,
    /// The cost of everything ever spent on it, earlier generations included.
    pub cost: NanoUsd,
    /// From when it was first seen to its end, microseconds.
    pub lasted_us: u64,
}
