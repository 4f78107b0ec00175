//! The identity of an item.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An item's identity and its place in the order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ItemId {
    /// Its index, from 0; for an object the position of its first byte among those of all objects, laid end to end.
    pub at: u64,
    /// The object's name; empty for other items.
    pub name: String,
}

impl ItemId {
    /// The identity of the item of this index.
    pub fn index(at: u64) -> Self {
        Self { at, name: String::new() }
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() { write!(f, "item {}", self.at) } else { f.write_str(&self.name) }
    }
}
