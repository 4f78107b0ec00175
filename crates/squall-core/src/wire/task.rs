//! A task, as it travels on the task stream.

use serde::{Deserialize, Serialize};

use super::Message;
use crate::code::CodeVersion;
use crate::digest::{Digest, Fingerprint};
use crate::job::JobId;
use crate::workload::Weight;

/// A task on the task stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Its job.
    pub job: JobId,
    /// The workload's name.
    pub workload: String,
    /// The code that cut the job: no other code may evaluate its slices.
    pub code: CodeVersion,
    /// The job's shared input.
    pub input: Digest,
    /// Index of the task in its job.
    pub index: u32,
    /// The encoded slice.
    pub slice: Vec<u8>,
    /// The slice's weight.
    pub weight: Weight,
    /// Number of subtasks into which the consumer cuts it.
    pub n_subtasks: u32,
    /// The bucket in which its result is merged.
    pub bucket: u32,
    /// The generation of its job: how often the job had been reopened when the task was put.
    pub generation: u32,
    /// When it was put; microseconds of the grid's clock.
    pub put_us: u64,
}

impl TaskRecord {
    /// The task's identity, from its content.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_task(self.job.as_str(), self.input, self.index, self.weight, &self.slice)
    }
}

impl Message for TaskRecord {
    const WHAT: &'static str = "task record";
    const KIND: u8 = b't';
    const VERSION: u8 = 2;
}
