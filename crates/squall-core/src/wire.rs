//! The messages: task records, worker requests and replies, result records, and their encoding.
//!
//! Messages are postcard behind two magic bytes, a version and a checksum, so that a stream shared by two versions of
//! the grid reports the mismatch instead of misreading, and a damaged message is refused.

use std::fmt::Display;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::workload::Weight;

mod result;
mod subtask;
mod task;

pub use result::{ResultElsewhere, ResultRecord};
pub use subtask::{FailedPiece, ReplyElsewhere, SubtaskReply, SubtaskRequest};
pub use task::TaskRecord;

const MAGIC: [u8; 2] = *b"sq";
const SEAL_BYTES: usize = 8;

/// Where the content begins: behind the magic bytes, the version, the kind and the seal.
const HEAD_BYTES: usize = MAGIC.len() + 2 + SEAL_BYTES;

/// The content of a message of this kind, with its version and its digest. The seal is the start of the content's SHA-256: garbage
/// that happens to decode must not become a number in an answer.
fn opened<M: Message>(bytes: &[u8]) -> Result<(u8, &[u8], Digest), &'static str> {
    match bytes {
        [a, b, version, kind, sealed @ ..] if [*a, *b] == MAGIC && *kind == M::KIND => {
            let (found, content) = sealed.split_first_chunk().ok_or("the content is not what was sent")?;
            let digest = Digest::of(content);
            if *found == digest.start() {
                Ok((*version, content, digest))
            } else {
                Err("the content is not what was sent")
            }
        }
        [a, b, _, _, ..] if [*a, *b] == MAGIC => Err("another kind of message"),
        _ => Err("not a message of this grid"),
    }
}

/// Malformed bytes.
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

    /// A message of a version that this build does not read.
    pub fn unread_version<M: Message>(version: u8) -> Self {
        Self::new(M::WHAT, format!("version {version}; this build reads {}", M::VERSION))
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
/// When the bytes have another shape, or there are too many.
pub fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, CodecError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(CodecError::new(what, format!("{} bytes too many", rest.len()))),
        Err(error) => Err(CodecError::new(what, error)),
    }
}

/// A message of the grid, or a value that the grid stores.
///
/// Its envelope is two magic bytes, the version of its shape, its kind, and the start of the content's SHA-256. A shape
/// never changes within a version: a new field is a new version, and values that may still be stored in an older one
/// are read by [`older`](Message::older).
pub trait Message: Serialize + DeserializeOwned {
    /// Its name in errors.
    const WHAT: &'static str;
    /// Its kind in the envelope: one kind of message is never read as another.
    const KIND: u8;
    /// The version of its shape.
    const VERSION: u8;

    /// Reads the content of a message of an older version.
    ///
    /// # Errors
    /// When that version is no longer read, or the content does not decode.
    fn older(version: u8, _content: &[u8]) -> Result<Self, CodecError> {
        Err(CodecError::unread_version::<Self>(version))
    }

    /// Reads the form stored before envelopes were introduced; `None` for messages that always had one.
    fn unversioned(_bytes: &[u8]) -> Option<Result<Self, CodecError>> {
        None
    }

    /// The length of the message with its envelope, without encoding it.
    fn encoded_len(&self) -> usize {
        HEAD_BYTES + postcard::experimental::serialized_size(self).unwrap_or_default()
    }

    /// The message with its envelope.
    fn to_bytes(&self) -> Vec<u8> {
        self.to_bytes_and_digest().0
    }

    /// The message with its envelope, and the digest of its content.
    #[expect(clippy::expect_used, reason = "postcard fails only on maps and sequences of unknown length")]
    fn to_bytes_and_digest(&self) -> (Vec<u8>, Digest) {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + 128);
        bytes.extend(MAGIC);
        bytes.extend([Self::VERSION, Self::KIND]);
        bytes.extend([0; SEAL_BYTES]);
        let mut bytes = postcard::to_extend(self, bytes).expect("a value of known length encodes");
        let digest = Digest::of(&bytes[HEAD_BYTES..]);
        bytes[HEAD_BYTES - SEAL_BYTES..HEAD_BYTES].copy_from_slice(&digest.start());
        (bytes, digest)
    }

    /// Reads a message.
    ///
    /// # Errors
    /// When the envelope is not ours, this build does not read its version, or the content does not decode.
    fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        match opened::<Self>(bytes) {
            Ok((version, content, _)) => Self::of_version(version, content),
            // Content without an envelope may begin with any bytes, including those of one: so this comes last.
            Err(error) => Self::unversioned(bytes).unwrap_or_else(|| Err(CodecError::new(Self::WHAT, error))),
        }
    }

    /// Reads a message that always had an envelope, and returns the digest of its content too.
    ///
    /// # Errors
    /// As of [`from_bytes`](Message::from_bytes).
    fn from_bytes_with_digest(bytes: &[u8]) -> Result<(Self, Digest), CodecError> {
        let (version, content, digest) =
            opened::<Self>(bytes).map_err(|error| CodecError::new(Self::WHAT, error))?;
        Ok((Self::of_version(version, content)?, digest))
    }

    /// Reads the content of a message of this version.
    ///
    /// # Errors
    /// When this build does not read it, or it does not decode.
    fn of_version(version: u8, content: &[u8]) -> Result<Self, CodecError> {
        if version == Self::VERSION { decode(Self::WHAT, content) } else { Self::older(version, content) }
    }
}

/// Bytes that travel inline in a row or a record if they are few, and by digest if they are many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stored {
    /// The bytes themselves.
    Inline(Vec<u8>),
    /// The digest of a blob in the blob store.
    Blob(Digest),
}

impl Stored {
    /// How many blobs that is, 0 or 1: what reading or writing it adds to a receipt.
    pub fn n_blobs(&self) -> u64 {
        u64::from(matches!(self, Self::Blob(_)))
    }
}

/// A piece of work that has no value, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Failure {
    /// Index of the task.
    pub task: u32,
    /// Index of the subtask in it.
    pub subtask: u32,
    /// The encoded slice, so that only this is sent again.
    pub slice: Vec<u8>,
    /// Its weight.
    pub weight: Weight,
    /// Attempts made.
    pub attempts: u32,
    /// The reason of the last failed attempt.
    pub reason: String,
    /// Its cause.
    pub cause: Cause,
}

/// Why a piece of work has no value: what may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Cause {
    /// Attempts crashed, were refused, or were never run: another time they may succeed.
    #[default]
    Outage,
    /// The computation itself has none: it fails in the same way again, but some of its parts may have one.
    OfItself,
    /// It takes longer than a worker may run, or its reply is larger than one may be: its parts may fit.
    TooLarge,
    /// The job's deadline came first.
    Deadline,
    /// The consumer refused the task as a whole (no attempt), or died of it at every delivery (attempts).
    WholeTask,
}

/// Shortens all reasons but the first ones: thousands of failures travel in one record, and are kept in one row.
pub fn bound_reasons(failures: &mut [Failure]) {
    const IN_FULL: usize = 100;
    const OTHERS_CHARS: usize = 40;
    for failure in failures.iter_mut().skip(IN_FULL) {
        if let Some((end, _)) = failure.reason.char_indices().nth(OTHERS_CHARS + 1) {
            let end = failure.reason.char_indices().nth(OTHERS_CHARS).map_or(end, |(at, _)| at);
            failure.reason.truncate(end);
            failure.reason.push('…');
        }
    }
}

impl Failure {
    /// A task of which nothing has a value.
    pub fn of_whole_task(task: &TaskRecord, attempts: u32, reason: String) -> Self {
        Self {
            task: task.index,
            subtask: 0,
            slice: task.slice.clone(),
            weight: task.weight,
            attempts,
            reason,
            cause: Cause::WholeTask,
        }
    }

    /// Whether to cut it when it is sent again: its parts may have a value where it has none, or nothing of it was tried.
    pub fn may_be_cut_finer(&self) -> bool {
        match self.cause {
            Cause::OfItself | Cause::TooLarge | Cause::WholeTask => true,
            Cause::Outage | Cause::Deadline => false,
        }
    }
}

/// The first stored shape of a failure: without its cause.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FirstFailure {
    task: u32,
    subtask: u32,
    slice: Vec<u8>,
    weight: Weight,
    attempts: u32,
    reason: String,
}

impl From<FirstFailure> for Failure {
    fn from(it: FirstFailure) -> Self {
        let FirstFailure { task, subtask, slice, weight, attempts, reason } = it;
        // Only a failure of the computation itself was not tried again.
        let cause = if attempts == 1 { Cause::OfItself } else { Cause::Outage };
        Self { task, subtask, slice, weight, attempts, reason, cause }
    }
}

/// The failures of a first stored shape.
pub(crate) fn failures_of(first: Vec<FirstFailure>) -> Vec<Failure> {
    first.into_iter().map(Failure::from).collect()
}

#[cfg(test)]
mod tests;
