//! A launch, as the ledger notes it and the decisions ask for it.

use serde::{Deserialize, Serialize};

/// A launch, asked for under a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Launch {
    /// However often it is asked for, it happens once.
    pub token: String,
    /// Instances.
    pub n: u32,
    /// When it was first asked for, microseconds since 1970.
    pub asked_us: u64,
}
