//! How far each shard of a mapping is processed, and so where to continue reading.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Where to start reading a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// At the oldest available record.
    TrimHorizon,
    /// At records put from now on.
    Latest,
    /// After a record.
    After(String),
}

/// How far a shard is processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Nothing of it is done; it is read from its oldest record.
    TrimHorizon,
    /// Nothing of it is done; it is read from its end.
    Latest,
    /// Everything up to and including this sequence number is done.
    After(String),
    /// All of it is done, and nothing more will come.
    Finished,
}

/// The marks of a mapping, by shard.
pub type Marks = BTreeMap<String, Mark>;

impl Mark {
    /// Where to continue reading; `None` when there is nothing left.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::TrimHorizon => Some(Position::TrimHorizon),
            Self::Latest => Some(Position::Latest),
            Self::After(sequence) => Some(Position::After(sequence.clone())),
            Self::Finished => None,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrimHorizon => f.write_str("from its oldest record"),
            Self::Latest => f.write_str("from its newest record"),
            Self::After(sequence) => write!(f, "after {sequence}"),
            Self::Finished => f.write_str("at its end"),
        }
    }
}
