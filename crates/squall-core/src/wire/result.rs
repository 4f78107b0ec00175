//! A task's result, as it travels on the result stream.

use serde::{Deserialize, Serialize};

use super::{Failure, Message, Stored, TaskRecord};
use crate::digest::{Digest, Fingerprint};
use crate::job::JobId;
use crate::receipt::{Receipt, TaskTimes};
use crate::spans::Spans;
use crate::workload::Weight;

/// A task's result on the result stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultRecord {
    /// Its job.
    pub job: JobId,
    /// Index of the task in its job.
    pub index: u32,
    /// The fingerprint of the task as the consumer received it.
    pub fingerprint: Fingerprint,
    /// The task's weight.
    pub weight: Weight,
    /// The merged partials of the subtasks that have a value; `None` when none has.
    pub partial: Option<Stored>,
    /// The subtasks without a value.
    pub failures: Vec<Failure>,
    /// The resources used.
    pub receipt: Receipt,
    /// When the task passed each stage.
    pub times: TaskTimes,
    /// When its subtasks passed theirs, as far as there was room.
    pub spans: Spans,
}

impl ResultRecord {
    /// The result of a task of which nothing has a value.
    pub fn without_value(task: &TaskRecord, failure: Failure, times: TaskTimes) -> Self {
        Self {
            job: task.job.clone(),
            index: task.index,
            fingerprint: task.fingerprint(),
            weight: task.weight,
            partial: None,
            failures: vec![failure],
            receipt: Receipt { tasks: 1, ..Receipt::default() },
            times,
            spans: Spans::default(),
        }
    }

    /// Weight whose value is in the partial.
    pub fn weight_done(&self) -> Weight {
        let failed = self.failures.iter().map(|failure| failure.weight).fold(0, Weight::saturating_add);
        self.weight.saturating_sub(failed)
    }
}

impl Message for ResultRecord {
    const WHAT: &'static str = "result record";
    const KIND: u8 = b'r';
    const VERSION: u8 = 3;
}

/// A result that is too large for a record of the stream: where to find it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultElsewhere {
    /// Digest of the encoded [`ResultRecord`] in the blob store.
    pub record: Digest,
}

impl Message for ResultElsewhere {
    const WHAT: &'static str = "result record";
    const KIND: u8 = b'e';
    const VERSION: u8 = 1;
}
