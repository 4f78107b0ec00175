//! One bucket of a job: where the results of its tasks are merged.

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use crate::digest::Fingerprint;
use crate::prices::NanoUsd;
use crate::receipt::{FirstReceipt, Receipt, TaskTimes, Timeline};
use crate::spans::Spans;
use crate::wire::{CodecError, Failure, FirstFailure, Message, Stored, decode, encode, failures_of};
use crate::workload::Weight;

/// The progress of one bucket; each entry only ever grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BucketProgress {
    /// Tasks merged.
    pub n_tasks: u32,
    /// Weight whose value is in the bucket.
    pub weight_done: Weight,
    /// Subtasks evaluated.
    pub n_subtasks: u64,
    /// Subtasks without a value.
    pub n_failures: u32,
    /// The cost of the tasks.
    pub cost: NanoUsd,
    /// When the first result was merged, microseconds of the grid's clock; 0 before.
    pub first_merged_us: u64,
}

impl BucketProgress {
    /// The version of its shape: the first byte of the stored form. An envelope would be longer than the rest, and a
    /// job's row has one of these for each bucket.
    const VERSION: u8 = 1;

    /// The form stored in a job's row.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![Self::VERSION];
        bytes.extend(encode(self));
        bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When this build does not read its version, or it does not decode.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        const WHAT: &str = "progress of a bucket";
        match bytes {
            [Self::VERSION, content @ ..] => decode(WHAT, content),
            [version, ..] => {
                Err(CodecError::new(WHAT, format!("version {version}; this build reads {}", Self::VERSION)))
            }
            [] => Err(CodecError::new(WHAT, "it is empty")),
        }
    }

    /// Reads the form stored before versions were introduced.
    ///
    /// # Errors
    /// When it does not decode.
    pub fn from_unversioned(bytes: &[u8]) -> Result<Self, CodecError> {
        decode("progress of a bucket", bytes)
    }
}

/// One bucket of one job: the merged results, and the tasks they came from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BucketRow {
    /// Grows by one with each write; a write is conditional on it.
    pub version: u64,
    /// The tasks that are in.
    pub merged: RoaringBitmap,
    /// The sum of their fingerprints.
    pub fingerprints: Fingerprint,
    /// Their weight.
    pub weight: Weight,
    /// Weight whose value is in the partial.
    pub weight_done: Weight,
    /// The merged partial.
    pub partial: Option<Stored>,
    /// The subtasks without a value, in order.
    pub failures: Vec<Failure>,
    /// The resources used.
    pub receipt: Receipt,
    /// The breakdown of the wait.
    pub timeline: Timeline,
    /// When the subtasks of its tasks passed their stages, as far as there was room.
    pub spans: Vec<TaskSpans>,
    /// Number of spans left out for lack of room.
    pub spans_left_out: u64,
}

/// The spans of one task that was merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSpans {
    /// Index of the task.
    pub task: u32,
    /// When the task passed each stage.
    pub times: TaskTimes,
    /// When it was merged, microseconds of the grid's clock.
    pub merged_us: u64,
    /// The spans of its subtasks.
    pub spans: Spans,
}

impl Message for BucketRow {
    const WHAT: &'static str = "bucket row";
    const KIND: u8 = b'b';
    const VERSION: u8 = 2;

    fn older(version: u8, content: &[u8]) -> Result<Self, CodecError> {
        match version {
            1 => decode::<First>(Self::WHAT, content).map(Self::from),
            _ => Err(CodecError::unread_version::<Self>(version)),
        }
    }

    fn unversioned(bytes: &[u8]) -> Option<Result<Self, CodecError>> {
        Some(decode::<BeforeVersions>(Self::WHAT, bytes).map(Self::from))
    }
}

/// The stored shape before versions were introduced.
#[derive(Serialize, Deserialize)]
struct BeforeVersions {
    version: u64,
    merged: RoaringBitmap,
    fingerprints: Fingerprint,
    weight: Weight,
    weight_done: Weight,
    partial: Option<Stored>,
    failures: Vec<FirstFailure>,
    receipt: FirstReceipt,
    timeline: Timeline,
}

/// The first version.
#[derive(Serialize, Deserialize)]
struct First {
    before: BeforeVersions,
    spans: Vec<TaskSpans>,
    spans_left_out: u64,
}

impl From<BeforeVersions> for BucketRow {
    fn from(before: BeforeVersions) -> Self {
        First { before, spans: Vec::new(), spans_left_out: 0 }.into()
    }
}

impl From<First> for BucketRow {
    fn from(First { before: it, spans, spans_left_out }: First) -> Self {
        Self {
            version: it.version,
            merged: it.merged,
            fingerprints: it.fingerprints,
            weight: it.weight,
            weight_done: it.weight_done,
            partial: it.partial,
            failures: failures_of(it.failures),
            receipt: it.receipt.into(),
            timeline: it.timeline,
            spans,
            spans_left_out,
        }
    }
}
