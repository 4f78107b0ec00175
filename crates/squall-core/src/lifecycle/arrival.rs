//! How a published message relates to the job that has its id.

use crate::digest::Digest;
use crate::rows::{JobRow, JobStatus, Published};

/// The decision on a published message.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrival {
    /// No job has the id, or only one that was rejected.
    New,
    /// The message came before and its job got no further than this: put the same tasks on the stream.
    Resume(Box<Published>),
    /// The message came before, and nothing is left to do.
    Done,
    /// The id belongs to another message.
    IdTaken,
}

/// Decides what to do with a message of this digest, given the job that has its id.
pub fn plan_arrival(known: Option<&JobRow>, message: Digest) -> Arrival {
    match known {
        None => Arrival::New,
        Some(row) if row.status() == JobStatus::Rejected => Arrival::New,
        Some(row) if row.message != message => Arrival::IdTaken,
        Some(row) if row.enqueued || row.ending.is_some() => Arrival::Done,
        Some(row) => {
            row.published.clone().map_or(Arrival::Done, |published| Arrival::Resume(Box::new(published)))
        }
    }
}
