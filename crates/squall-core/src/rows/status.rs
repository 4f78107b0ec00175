//! Where a job is in its life.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Tasks are under way.
    Running,
    /// Every task is in the answer, and that is proven.
    Complete,
    /// Every task came back, some without a value: each is named.
    CompleteWithFailures,
    /// The deadline passed, or nothing is under way any more: what is missing is named.
    Expired,
    /// Somebody stopped it.
    Cancelled,
    /// Its cost cap was reached.
    OverBudget,
    /// It did not check; nothing was enqueued.
    Rejected,
    /// What came back is not what was published: the answer is not to be trusted.
    Inconsistent,
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::CompleteWithFailures => "complete_with_failures",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::OverBudget => "over_budget",
            Self::Rejected => "rejected",
            Self::Inconsistent => "inconsistent",
        })
    }
}
