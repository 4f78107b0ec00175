//! The status of a job.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The status of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Tasks are in flight.
    Running,
    /// Every task is in the answer, and that is proven.
    Complete,
    /// Every task came back, some without a value: each is named.
    CompleteWithFailures,
    /// The deadline passed, or no task is in flight any more: what is missing or was cut off is named.
    Expired,
    /// It was cancelled.
    Cancelled,
    /// Its cost cap was reached.
    OverBudget,
    /// It was invalid; nothing was enqueued.
    Rejected,
    /// The tasks that came back are not the ones that were published: do not trust the answer.
    Inconsistent,
    /// Its first tasks all came back without any value, or more subtasks than are kept: the rest was not computed.
    Failed,
}

impl JobStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Running,
        Self::Complete,
        Self::CompleteWithFailures,
        Self::Expired,
        Self::Cancelled,
        Self::OverBudget,
        Self::Rejected,
        Self::Inconsistent,
        Self::Failed,
    ];
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
            Self::Failed => "failed",
        })
    }
}
