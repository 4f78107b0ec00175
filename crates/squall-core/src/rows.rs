//! The content of the job store: one row per job, one per bucket.

mod bucket;
mod ending;
mod job;
mod plan;
mod status;

pub use bucket::{BucketProgress, BucketRow, TaskSpans};
pub use ending::{Ending, JobEnd};
pub use job::{JobRow, Reopened, Standing};
pub use plan::{Plan, Published, Resent, ResentList};
pub use status::JobStatus;

#[cfg(test)]
mod tests;
