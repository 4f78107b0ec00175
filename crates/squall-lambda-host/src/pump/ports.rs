//! What the pump needs from outside, in our words.

use std::fmt;

use squall_core::ports::{Clock, PortError};

use super::marks::{Mark, Marks, Position};
use crate::delivery::Condition;

/// A shard as its stream lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its name.
    pub id: String,
    /// The shards that it was split or merged from; they may be gone.
    pub parents: Vec<String>,
    /// Whether nothing more will be put into it.
    pub is_closed: bool,
}

/// A record as its stream has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRecord {
    /// Its sequence number.
    pub sequence: String,
    /// Records of one key keep their order.
    pub partition_key: String,
    /// What was put.
    pub data: Vec<u8>,
    /// When it was put, microseconds since 1970.
    pub arrived_us: u64,
}

/// What one read brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order of the shard.
    pub records: Vec<StreamRecord>,
    /// Where to read on; `None` when the shard is closed and this was its end.
    pub next: Option<String>,
    /// How far behind the newest record this is, milliseconds.
    pub behind_ms: u64,
}

/// A stream.
#[expect(async_fn_in_trait, reason = "runs on one thread, never spawned")]
pub trait StreamSource {
    /// Every shard that the stream still has records of, open or closed.
    ///
    /// # Errors
    /// Permanent when there is no such stream.
    async fn shards(&self) -> Result<Vec<Shard>, PortError>;
    /// A place to read a shard from. It may expire.
    ///
    /// # Errors
    /// Permanent when there is no such place.
    async fn iterator(&self, shard: &str, from: &Position) -> Result<String, PortError>;
    /// Reads at most `limit` records.
    ///
    /// # Errors
    /// When the stream does not answer or the iterator has expired; either way another iterator will do.
    async fn records(&self, iterator: &str, limit: usize) -> Result<Page, PortError>;
}

/// How an invocation went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invoked {
    /// The function answered.
    Answered(Vec<u8>),
    /// It ran and failed.
    Failed(String),
    /// It did not run, as far as anybody knows: throttled, or out of reach.
    Refused(String),
}

/// A function.
#[expect(async_fn_in_trait, reason = "runs on one thread, never spawned")]
pub trait Function {
    /// Invokes it and waits for its answer.
    async fn invoke(&self, payload: Vec<u8>) -> Invoked;
}

/// What an on-failure destination takes
/// (<https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// There is none.
    Nothing,
    /// Which records, and why: queues and topics.
    Metadata,
    /// The records as well: buckets.
    Everything,
}

/// Where records go that are given up.
#[expect(async_fn_in_trait, reason = "runs on one thread, never spawned")]
pub trait FailureDestination {
    /// What it takes.
    fn takes(&self) -> Takes;
    /// Keeps an invocation record; the same name is the same record.
    ///
    /// # Errors
    /// When it is not known to be kept.
    async fn keep(&self, name: &str, record: &str) -> Result<(), PortError>;
}

/// Where a mapping was, for when it is started again.
pub trait Checkpoints {
    /// The marks of a mapping; `None` when it has never run.
    ///
    /// # Errors
    /// When they cannot be read: better none than the wrong ones.
    fn load(&self, mapping: &str) -> Result<Option<Marks>, PortError>;
    /// Keeps the marks of a mapping.
    ///
    /// # Errors
    /// When they are not known to be kept.
    fn store(&self, mapping: &str, marks: &Marks) -> Result<(), PortError>;
}

/// Who wants to know what happens.
pub trait Watcher {
    /// Takes note.
    fn note(&self, notice: &Notice<'_>);
}

/// Everything that a mapping needs.
pub trait World: StreamSource + Function + FailureDestination + Checkpoints + Watcher + Clock {}

impl<T: StreamSource + Function + FailureDestination + Checkpoints + Watcher + Clock> World for T {}

/// Something that people want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice<'a> {
    /// A shard is read from here on.
    Opened {
        /// Which.
        shard: &'a str,
        /// From where.
        from: &'a Mark,
    },
    /// A shard was closed, and is read and processed to its end.
    Finished {
        /// Which.
        shard: &'a str,
    },
    /// A delivery failed, whole or in part.
    Failed {
        /// Of which shard.
        shard: &'a str,
        /// The sequence number of the first record that failed.
        first: &'a str,
        /// How many records were in the batch from there on.
        n_records: usize,
        /// Which delivery it was, from 1.
        attempt: u32,
        /// What the function said.
        reason: &'a str,
    },
    /// The function is not to be had; told once per batch.
    Refused {
        /// Of which shard.
        shard: &'a str,
        /// What was said.
        reason: &'a str,
    },
    /// Records were given up.
    GivenUp {
        /// Of which shard.
        shard: &'a str,
        /// The sequence number of the first of them.
        first: &'a str,
        /// How many.
        n_records: usize,
        /// Why.
        condition: Condition,
        /// The name of the invocation record; `None` when there is no destination.
        kept_as: Option<&'a str>,
    },
    /// Something outside does not answer; it is asked again.
    Trouble {
        /// What was asked.
        what: &'a str,
        /// The error and its causes.
        error: &'a str,
    },
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { shard, from } => write!(f, "{shard} opened, {from}"),
            Self::Finished { shard } => write!(f, "{shard} closed, read and processed to its end"),
            Self::Failed { shard, first, n_records, attempt, reason } => {
                write!(f, "{shard} delivery {attempt} of {n_records} records from {first} failed: {reason}")
            }
            Self::Refused { shard, reason } => {
                write!(f, "{shard} waits, the function is not to be had: {reason}")
            }
            Self::GivenUp { shard, first, n_records, condition, kept_as } => {
                let condition = condition.as_str();
                write!(f, "{shard} gave up {n_records} records from {first}: {condition}, ")?;
                match kept_as {
                    Some(name) => write!(f, "kept as {name}"),
                    None => f.write_str("kept nowhere: there is no on-failure destination"),
                }
            }
            Self::Trouble { what, error } => write!(f, "cannot {what}, trying again: {error}"),
        }
    }
}
