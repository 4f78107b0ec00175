//! What a result is good for when it comes.

use crate::rows::{JobRow, JobStatus, Published};

/// What to merge a result for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Merging<'a> {
    /// The job runs: into its answer.
    IntoTheAnswer(&'a Published),
    /// The job ended without some of its tasks. Its answer stays as it is, but what a task cost is counted, and a retry does not send
    /// it again.
    ForARetry(&'a Published),
    /// The job ended with all of them, or never had any: drop the result.
    ForNothing,
}

/// Decides what a result of this job is merged for.
pub fn plan_merge(row: &JobRow) -> Merging<'_> {
    match (&row.published, &row.ending) {
        (None, _) => Merging::ForNothing,
        (Some(published), None) => Merging::IntoTheAnswer(published),
        (Some(published), Some(ending)) => match ending.status {
            JobStatus::Cancelled | JobStatus::Expired | JobStatus::OverBudget | JobStatus::Failed
                if !ending.missing.is_empty() =>
            {
                Merging::ForARetry(published)
            }
            _ => Merging::ForNothing,
        },
    }
}
