//! What the operator of a deployment allows a job: cost, duration, invocations. The author's wishes are held against it before
//! anything of the job costs.

use crate::job::Job;
use crate::prices::NanoUsd;
use crate::sizing::{Sizing, duration};
use crate::workload::InputError;

/// The most that one job may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobCaps {
    /// Highest cost cap.
    pub max_cost: NanoUsd,
    /// Cost cap of a job that names none.
    pub default_cost: NanoUsd,
    /// Longest deadline, seconds.
    pub max_deadline_s: u64,
    /// Most subtasks, of all tasks together.
    pub max_subtasks: u64,
    /// What a subtask costs at least: its request, and a millisecond of a worker.
    pub least_of_subtask: NanoUsd,
    /// What a task costs at least: its record and its result on their streams.
    pub least_of_task: NanoUsd,
}

impl JobCaps {
    /// The cost at which the job ends.
    pub fn cost_of(&self, job: &Job) -> NanoUsd {
        job.max_cost.unwrap_or(self.default_cost)
    }

    /// Checks what the author asks for, and the cut.
    ///
    /// # Errors
    /// The first field that is over its cap, with its value and the cap.
    pub fn check(&self, job: &Job, sizing: &Sizing) -> Result<(), InputError> {
        if let Some(cost) = job.max_cost.filter(|cost| *cost > self.max_cost) {
            let problem = format!("{cost}; a job of this deployment may cost {} at most", self.max_cost);
            return Err(InputError::new("max_cost_usd", problem));
        }
        if let Some(deadline_s) = job.deadline_s.filter(|deadline_s| *deadline_s > self.max_deadline_s) {
            let most = duration(self.max_deadline_s.saturating_mul(1_000_000));
            let problem = format!("{deadline_s}; a job of this deployment may take {most} at most");
            return Err(InputError::new("deadline_s", problem));
        }
        let (tasks, per_task) = (u64::from(sizing.n_tasks), u64::from(sizing.subtasks_per_task));
        let subtasks = tasks.saturating_mul(per_task);
        let cut = format!("{tasks} tasks × {per_task} subtasks are {subtasks} invocations");
        if subtasks > self.max_subtasks {
            let most = self.max_subtasks;
            let problem =
                format!("{cut}; a job of this deployment may have {most} at most: use fewer, longer ones");
            return Err(InputError::new("sizing", problem));
        }
        let least = subtasks.saturating_mul(self.least_of_subtask.0);
        let least = NanoUsd(least.saturating_add(tasks.saturating_mul(self.least_of_task.0)));
        let cap = self.cost_of(job);
        if least > cap {
            let problem = format!(
                "{cut}, which cost {least} at least, and the job's cap is {cap}: use fewer, longer ones, or a higher `max_cost_usd`"
            );
            return Err(InputError::new("sizing", problem));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
