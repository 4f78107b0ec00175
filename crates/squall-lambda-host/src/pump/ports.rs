//! What the pump needs from outside, in its own vocabulary.

use std::fmt;

use squall_core::ports::{Clock, PortError};

use super::marks::{Mark, Marks, Position};
use crate::delivery::Condition;

/// A shard as listed by its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its name.
    pub id: String,
    /// The shards that it was split or merged from; they may no longer exist.
    pub parents: Vec<String>,
    /// Whether it takes no more records.
    pub is_closed: bool,
}

/// A record as stored by its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRecord {
    /// Its sequence number.
    pub sequence: String,
    /// Records of one key keep their order.
    pub partition_key: String,
    /// The content.
    pub data: Vec<u8>,
    /// When it was put, microseconds since 1970.
    pub arrived_us: u64,
}

/// The result of one read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order of the shard.
    pub records: Vec<StreamRecord>,
    /// Where to continue reading; `None` when the shard is closed and this was its end.
    pub next: Option<String>,
    /// How far behind the newest record this is, milliseconds.
    pub behind_ms: u64,
}

/// A stream.
#[expect(async_fn_in_trait, reason = "runs on one thread, never spawned")]
pub trait StreamSource {
    /// Every shard of which the stream still has records, open or closed.
    ///
    /// # Errors
    /// Permanent when there is no such stream.
    async fn shards(&self) -> Result<Vec<Shard>, PortError>;
    /// An iterator from which to read a shard. It may expire.
    ///
    /// # Errors
    /// Permanent when there is no such position.
    async fn iterator(&self, shard: &str, from: &Position) -> Result<String, PortError>;
    /// Reads at most `limit` records.
    ///
    /// # Errors
    /// When the stream does not answer or the iterator has expired; either way another iterator will do.
    async fn records(&self, iterator: &str, limit: usize) -> Result<Page, PortError>;
}

/// The outcome of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invoked {
    /// The function answered.
    Answered(Vec<u8>),
    /// It ran and failed.
    Failed(String),
    /// It is not known to have run: throttled, or unreachable.
    Refused(String),
}

/// A function.
#[expect(async_fn_in_trait, reason = "runs on one thread, never spawned")]
pub trait Function {
    /// Invokes it and waits for its answer.
    async fn invoke(&self, payload: Vec<u8>) -> Invoked;
}

/// The content that an on-failure destination accepts
/// (<https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// There is none.
    Nothing,
    /// Which records, and the reason: queues and topics.
    Metadata,
    /// The records as well: buckets.
    Everything,
}

/// The destination of records that are given up.
#[expect(async_fn_in_trait, reason = "runs on one thread, never spawned")]
pub trait FailureDestination {
    /// The content that it accepts.
    fn takes(&self) -> Takes;
    /// Stores an invocation record; the same name is the same record.
    ///
    /// # Errors
    /// When it is not known to be stored.
    async fn keep(&self, name: &str, record: &str) -> Result<(), PortError>;
}

/// The position of a mapping, for its next start.
pub trait Checkpoints {
    /// The marks of a mapping; `None` when it has never run.
    ///
    /// # Errors
    /// When they cannot be read: no marks are better than wrong ones.
    fn load(&self, mapping: &str) -> Result<Option<Marks>, PortError>;
    /// Stores the marks of a mapping.
    ///
    /// # Errors
    /// When they are not known to be stored.
    fn store(&self, mapping: &str, marks: &Marks) -> Result<(), PortError>;
}

/// Receives notices.
pub trait Watcher {
    /// Receives a notice.
    fn note(&self, notice: &Notice<'_>);
}

/// Everything that a mapping needs.
pub trait World: StreamSource + Function + FailureDestination + Checkpoints + Watcher + Clock {}

impl<T: StreamSource + Function + FailureDestination + Checkpoints + Watcher + Clock> World for T {}

/// An event in a mapping's life, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice<'a> {
    /// A shard is read from here on.
    Opened {
        /// Its id.
        shard: &'a str,
        /// The mark from which it is read.
        from: &'a Mark,
    },
    /// A shard was closed, and is read and processed to its end.
    Finished {
        /// Its id.
        shard: &'a str,
    },
    /// A delivery failed, whole or in part.
    Failed {
        /// The shard's id.
        shard: &'a str,
        /// The sequence number of the first record that failed.
        first: &'a str,
        /// Number of records in the batch from there on.
        n_records: usize,
        /// Number of the delivery, from 1.
        attempt: u32,
        /// The function's error.
        reason: &'a str,
    },
    /// The function is unavailable; reported once per batch.
    Refused {
        /// The shard's id.
        shard: &'a str,
        /// The error.
        reason: &'a str,
    },
    /// Records were given up.
    GivenUp {
        /// The shard's id.
        shard: &'a str,
        /// The sequence number of the first of them.
        first: &'a str,
        /// Number of records.
        n_records: usize,
        /// The reason.
        condition: Condition,
        /// The name of the invocation record; `None` when there is no destination.
        kept_as: Option<&'a str>,
    },
    /// A call to the outside failed; it is retried.
    Trouble {
        /// The call.
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
                let records = records(*n_records);
                write!(f, "{shard} delivery {attempt} of {records} from {first} failed: {reason}")
            }
            Self::Refused { shard, reason } => {
                write!(f, "{shard} is waiting: the function cannot be invoked: {reason}")
            }
            Self::GivenUp { shard, first, n_records, condition, kept_as } => {
                let (records, condition) = (records(*n_records), condition.as_str());
                write!(f, "{shard} gave up {records} from {first}: {condition}, ")?;
                match kept_as {
                    Some(name) => write!(f, "kept as {name}"),
                    None => f.write_str("not kept: there is no on-failure destination"),
                }
            }
            Self::Trouble { what, error } => write!(f, "cannot {what}, trying again: {error}"),
        }
    }
}

/// A number of records, in words.
fn records(n: usize) -> String {
    if n == 1 { "1 record".to_owned() } else { format!("{n} records") }
}
