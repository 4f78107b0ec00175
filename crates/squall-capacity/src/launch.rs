//! A launch: scale-out requests it, and the ledger records it until it has finished.

use serde::{Deserialize, Serialize};

/// A launch, requested under a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Launch {
    /// Makes the request idempotent.
    pub token: String,
    /// Number of instances.
    pub n: u32,
    /// When it was first requested, microseconds since 1970.
    pub asked_us: u64,
}
