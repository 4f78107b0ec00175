//! What travels: task records, worker requests and replies, result records, and their encoding.
//!
//! Messages are postcard behind two magic bytes, a version and a checksum, so that a stream shared by two versions of
//! the grid says so instead of being misread, and a damaged message is refused instead of believed.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Fingerprint};
use crate::job::JobId;
use crate::receipt::{Receipt, TaskTimes};
use crate::workload::Weight;

const MAGIC: [u8; 2] = *b"sq";
const VERSION: u8 = 1;
const SEAL_BYTES: usize = 8;

/// The start of the content's SHA-256: rubbish that happens to decode must not become a number in an answer.
fn seal(content: &[u8]) -> [u8; SEAL_BYTES] {
    Digest::of(content).start()
}

/// Bytes that are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot decode {what}: {problem}")]
pub struct CodecError {
    what: &'static str,
    problem: String,
}

impl CodecError {
    /// An error about `what`.
    pub fn new(what: &'static str, problem: impl Display) -> Self {
        Self { what, problem: problem.to_string() }
    }
}

/// Encodes a value; the same value always gives the same bytes.
#[expect(clippy::expect_used, reason = "postcard fails only on maps and sequences of unknown length")]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("a value of known length encodes")
}

/// Decodes a value that fills `bytes` exactly.
///
/// # Errors
/// When the bytes are of another shape, or too many.
pub fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, CodecError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(CodecError::new(what, format!("{} bytes too many", rest.len()))),
        Err(error) => Err(CodecError::new(what, error)),
    }
}

/// A message of the grid.
pub trait Message: Serialize + DeserializeOwned {
    /// What it is called in errors.
    const WHAT: &'static str;
    /// What its envelope says it is: one kind of message is never read as another.
    const KIND: u8;

    /// The message with its envelope.
    fn to_bytes(&self) -> Vec<u8> {
        let content = encode(self);
        let mut bytes = Vec::with_capacity(MAGIC.len() + 2 + SEAL_BYTES + content.len());
        bytes.extend(MAGIC);
        bytes.extend([VERSION, Self::KIND]);
        bytes.extend(seal(&content));
        bytes.extend(content);
        bytes
    }

    /// Reads a message.
    ///
    /// # Errors
    /// When the envelope is not ours, is of another version, or the content does not decode.
    fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        match bytes {
            [a, b, VERSION, kind, sealed @ ..] if [*a, *b] == MAGIC && *kind == Self::KIND => {
                match sealed.split_first_chunk() {
                    Some((found, content)) if *found == seal(content) => decode(Self::WHAT, content),
                    _ => Err(CodecError::new(Self::WHAT, "the content is not what was sent")),
                }
            }
            [a, b, VERSION, ..] if [*a, *b] == MAGIC => {
                Err(CodecError::new(Self::WHAT, "another kind of message"))
            }
            [a, b, version, ..] if [*a, *b] == MAGIC => {
                Err(CodecError::new(Self::WHAT, format!("version {version}; this grid speaks {VERSION}")))
            }
            _ => Err(CodecError::new(Self::WHAT, "not a message of this grid")),
        }
    }
}

/// A task on the task stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Its job.
    pub job: JobId,
    /// The workload's name.
    pub workload: String,
    /// The job's shared input.
    pub input: Digest,
    /// Index of the task in its job.
    pub index: u32,
    /// The encoded slice.
    pub slice: Vec<u8>,
    /// The slice's weight.
    pub weight: Weight,
    /// Into how many subtasks the consumer cuts it.
    pub n_subtasks: u32,
    /// The bucket that its result is merged in.
    pub bucket: u32,
    /// How often its job was taken up before it was put.
    pub opening: u32,
    /// When it was put; microseconds of the grid's clock.
    pub put_us: u64,
}

impl TaskRecord {
    /// What identifies the task.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_task(self.job.as_str(), self.input, self.index, self.weight, &self.slice)
    }
}

impl Message for TaskRecord {
    const WHAT: &'static str = "task record";
    const KIND: u8 = b't';
}

/// What a consumer asks of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtaskRequest {
    /// The workload's name.
    pub workload: String,
    /// The job's shared input.
    pub input: Digest,
    /// The encoded slice.
    pub slice: Vec<u8>,
}

impl Message for SubtaskRequest {
    const WHAT: &'static str = "subtask request";
    const KIND: u8 = b'q';
}

/// What a worker answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtaskReply {
    /// Digest of the whole request, envelope and all: a reply to something else is rubbish.
    pub request: Digest,
    /// The encoded partial, or the workload's reason for having none.
    pub outcome: Result<Vec<u8>, String>,
    /// How long the worker worked, microseconds.
    pub worked_us: u64,
    /// The worker's memory, MB.
    pub memory_mb: u32,
}

impl Message for SubtaskReply {
    const WHAT: &'static str = "subtask reply";
    const KIND: u8 = b'a';
}

/// Bytes that travel with a row or a record when they are few, and by digest when they are many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stored {
    /// Here.
    Inline(Vec<u8>),
    /// In the blob store.
    Blob(Digest),
}

/// A piece of work that has no value, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Failure {
    /// Index of the task.
    pub task: u32,
    /// Index of the subtask in it.
    pub subtask: u32,
    /// The encoded slice, so that just this can be sent again.
    pub slice: Vec<u8>,
    /// Its weight.
    pub weight: Weight,
    /// Attempts that were made.
    pub attempts: u32,
    /// The last reason.
    pub reason: String,
}

/// A task's result on the result stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultRecord {
    /// Its job.
    pub job: JobId,
    /// Index of the task in its job.
    pub index: u32,
    /// The fingerprint of the task as the consumer received it.
    pub fingerprint: Fingerprint,
    /// The task's weight.
    pub weight: Weight,
    /// The merged partials of the subtasks that have a value; `None` when none has.
    pub partial: Option<Stored>,
    /// The subtasks that have none.
    pub failures: Vec<Failure>,
    /// What was spent.
    pub receipt: Receipt,
    /// When the task passed each stage.
    pub times: TaskTimes,
}

impl ResultRecord {
    /// Weight whose value is in the partial.
    pub fn weight_done(&self) -> Weight {
        let failed = self.failures.iter().map(|failure| failure.weight).fold(0, Weight::saturating_add);
        self.weight.saturating_sub(failed)
    }
}

impl Message for ResultRecord {
    const WHAT: &'static str = "result record";
    const KIND: u8 = b'r';
}

/// A result that is too large for a record of the stream: where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultElsewhere {
    /// Digest of the encoded [`ResultRecord`] in the blob store.
    pub record: Digest,
}

impl Message for ResultElsewhere {
    const WHAT: &'static str = "result record";
    const KIND: u8 = b'e';
}

#[cfg(test)]
mod tests;
