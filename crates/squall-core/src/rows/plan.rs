//! The splitter's plan, and the part of a job's row that changes only when the job is reopened.

use serde::{Deserialize, Serialize};

use crate::code::CodeVersion;
use crate::digest::{Digest, Fingerprint};
use crate::prices::NanoUsd;
use crate::sizing::Sizing;
use crate::wire::{CodecError, Failure, FirstFailure, Message, Stored, decode, failures_of};
use crate::workload::Weight;

/// Subtasks that were sent again: a few numbers in the row, because every read of the job includes them, and a separate
/// list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Resent {
    /// Their number.
    pub n: u32,
    /// Their weights added up.
    pub weight: Weight,
    /// The encoded [`ResentList`]; `None` when there are none.
    pub list: Option<Stored>,
}

impl Resent {
    /// The summary of a list that is stored at `list`.
    pub fn of(failures: &[Failure], list: Option<Stored>) -> Self {
        Self {
            n: u32::try_from(failures.len()).unwrap_or(u32::MAX),
            weight: failures.iter().map(|failure| failure.weight).fold(0, Weight::saturating_add),
            list,
        }
    }
}

/// The subtasks that were sent again, in the order of the tasks that were made of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ResentList(pub Vec<Failure>);

impl Message for ResentList {
    const WHAT: &'static str = "list of subtasks that were sent again";
    const KIND: u8 = b'f';
    const VERSION: u8 = 2;

    fn older(version: u8, content: &[u8]) -> Result<Self, CodecError> {
        match version {
            1 => decode(Self::WHAT, content).map(|first| Self(failures_of(first))),
            _ => Err(CodecError::unread_version::<Self>(version)),
        }
    }
}

/// What the splitter published: the set that has to come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The workload's name.
    pub workload: String,
    /// The code that cut it: no other code computes or merges any of it.
    pub code: CodeVersion,
    /// The shared input.
    pub input: Digest,
    /// The cut.
    pub sizing: Sizing,
    /// Number of tasks, including those that were sent again.
    pub n_tasks: u32,
    /// The job's weight.
    pub weight: Weight,
    /// The sum of the tasks' fingerprints.
    pub fingerprints: Fingerprint,
    /// Number of buckets in which their results are merged.
    pub n_buckets: u32,
    /// How often the job was reopened. A task, a mark or an ending of an earlier generation has no effect.
    pub generation: u32,
    /// How long it may take from publication or reopening, microseconds.
    pub lifetime_us: u64,
    /// The subtasks that came back without a value and were sent again, each as a task of its own: the last tasks.
    pub resent: Resent,
    /// Whether the values of a bucket take so much memory that the collector holds those of one bucket at a time.
    pub is_large: bool,
}

impl Published {
    /// The bucket of a task.
    pub fn bucket_of(&self, task: u32) -> u32 {
        task % self.n_buckets.max(1)
    }

    /// Number of tasks that share a bucket.
    pub fn n_tasks_of(&self, bucket: u32) -> u32 {
        let n_buckets = self.n_buckets.max(1);
        self.n_tasks / n_buckets + u32::from(bucket < self.n_tasks % n_buckets)
    }

    /// Number of tasks of the original cut.
    pub fn n_cut(&self) -> u32 {
        self.n_tasks.saturating_sub(self.resent.n)
    }

    /// The weight of all tasks together: work that was sent again counts again.
    pub fn weight_sent(&self) -> Weight {
        self.weight.saturating_add(self.resent.weight)
    }
}

/// The part of a job's row that changes only when the job is reopened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// When the job expires, microseconds of the grid's clock.
    pub expires_us: u64,
    /// Cost at which no new task is started.
    pub max_cost: Option<NanoUsd>,
    /// What was published; `None` for a rejected job.
    pub published: Option<Published>,
}

impl Message for Plan {
    const WHAT: &'static str = "plan of a job";
    const KIND: u8 = b'p';
    const VERSION: u8 = 2;

    fn older(version: u8, content: &[u8]) -> Result<Self, CodecError> {
        match version {
            1 => decode::<first::Plan>(Self::WHAT, content).map(Self::from),
            _ => Err(CodecError::unread_version::<Self>(version)),
        }
    }

    fn unversioned(bytes: &[u8]) -> Option<Result<Self, CodecError>> {
        Some(decode::<before_versions::Plan>(Self::WHAT, bytes).map(Self::from))
    }
}

/// The first version.
mod first {
    use serde::{Deserialize, Serialize};

    use super::{CodeVersion, Digest, Fingerprint, NanoUsd, Resent, Sizing, Weight};

    #[derive(Serialize, Deserialize)]
    pub(super) struct Plan {
        expires_us: u64,
        max_cost: Option<NanoUsd>,
        published: Option<Published>,
    }

    #[derive(Serialize, Deserialize)]
    struct Published {
        workload: String,
        code: CodeVersion,
        input: Digest,
        sizing: Sizing,
        n_tasks: u32,
        weight: Weight,
        fingerprints: Fingerprint,
        n_buckets: u32,
        generation: u32,
        lifetime_us: u64,
        resent: Resent,
    }

    impl From<Plan> for super::Plan {
        fn from(it: Plan) -> Self {
            let published = it.published.map(|it| super::Published {
                workload: it.workload,
                code: it.code,
                input: it.input,
                sizing: it.sizing,
                n_tasks: it.n_tasks,
                weight: it.weight,
                fingerprints: it.fingerprints,
                n_buckets: it.n_buckets,
                generation: it.generation,
                lifetime_us: it.lifetime_us,
                resent: it.resent,
                is_large: false,
            });
            Self { expires_us: it.expires_us, max_cost: it.max_cost, published }
        }
    }
}

/// The stored shape before versions were introduced.
mod before_versions {
    use serde::{Deserialize, Serialize};

    use super::{
        CodeVersion, Digest, Fingerprint, FirstFailure, Message, NanoUsd, Resent, ResentList, Sizing, Stored,
        Weight, failures_of,
    };

    pub(super) type Plan = (u64, Option<NanoUsd>, Option<Published>);

    #[derive(Serialize, Deserialize)]
    pub(super) struct Published {
        workload: String,
        input: Digest,
        sizing: Sizing,
        n_tasks: u32,
        weight: Weight,
        fingerprints: Fingerprint,
        n_buckets: u32,
        opening: u32,
        lifetime_us: u64,
        resent: Vec<FirstFailure>,
    }

    impl From<Plan> for super::Plan {
        fn from((expires_us, max_cost, published): Plan) -> Self {
            Self { expires_us, max_cost, published: published.map(super::Published::from) }
        }
    }

    impl From<Published> for super::Published {
        fn from(it: Published) -> Self {
            let failures = failures_of(it.resent);
            let (resent, list) = (Resent::of(&failures, None), ResentList(failures));
            Self {
                workload: it.workload,
                code: CodeVersion::before_names(),
                input: it.input,
                sizing: it.sizing,
                n_tasks: it.n_tasks,
                weight: it.weight,
                fingerprints: it.fingerprints,
                n_buckets: it.n_buckets,
                generation: it.opening,
                lifetime_us: it.lifetime_us,
                resent: Resent { list: (resent.n > 0).then(|| Stored::Inline(list.to_bytes())), ..resent },
                is_large: false,
            }
        }
    }
}
