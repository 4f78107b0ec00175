//! Whether a task may start.

use crate::rows::Standing;

/// Whether a consumer may start a task of this job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Start it.
    Start,
    /// The job has ended: drop the task.
    Ended,
    /// The job was reopened since the task was put, and the missing tasks were sent anew: drop the task.
    Superseded,
    /// The store does not know the job (yet): have the task delivered again.
    Unknown,
    /// The cost cap is reached, although the job has not ended yet: drop the task.
    OverBudget,
    /// The deadline has passed, although the job has not ended yet: drop the task.
    Expired,
}

/// Decides whether a task of this generation of its job may start at `now_us`; `None` when the store does not know the job.
pub fn plan_admission(job: Option<&Standing>, generation: u32, now_us: u64) -> Admission {
    let Some(job) = job else { return Admission::Unknown };
    if job.generation != generation {
        Admission::Superseded
    } else if job.ended {
        Admission::Ended
    } else if job.n_tasks_in >= job.n_tasks {
        // The job is about to end as complete; the task is a copy, and its result a duplicate.
        Admission::Start
    } else if job.max_cost.is_some_and(|cap| job.cost >= cap) {
        Admission::OverBudget
    } else if now_us >= job.expires_us {
        Admission::Expired
    } else {
        Admission::Start
    }
}
