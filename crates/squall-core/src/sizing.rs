//! How finely a job is cut: a pure decision, with its reason.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use squall_ports::{SPLIT_MIX64_STEP, split_mix64};

use crate::workload::{InputError, Weight};

/// Most tasks that one job may have: a million records saturate the default stream's write limit for minutes.
pub const MAX_TASKS: u32 = 1_000_000;
/// Most subtasks of one task: the consumer holds the state of each.
pub const MAX_SUBTASKS_PER_TASK: u32 = 10_000;
/// Subtasks of a task per worker of its consumer: the last ones of a task leave workers idle, so there should be some
/// before them.
const SUBTASKS_PER_WORKER: u64 = 4;
/// Tasks per lane where Lambda assigns them to the lanes of a shard by a hash: the fullest of a hundred lanes then has less than twice
/// its share, and with two tasks per lane three times ([`fullest_lane`]).
const TASKS_PER_HASHED_LANE: u64 = 12;
/// Memory that the value of a task takes at most while it is merged, bytes, unless its author asks for fewer tasks: some 6 MB to send.
pub const TASK_VALUE_BYTES: u64 = 32_000_000;
/// The same of a subtask: some 2 MB to send, which fits into the reply of a function.
const SUBTASK_VALUE_BYTES: u64 = 10_000_000;
/// Longest subtask that may be asked for, milliseconds: well under what a function may run.
pub const MAX_SUBTASK_MS: f64 = 600_000.0;

mod fits;

pub use fits::{MemoryLimits, TimeLimits};

/// The author's wishes for the cut; fields left out are decided by the grid.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SizingRequest {
    /// Number of tasks.
    pub tasks: Option<u32>,
    /// Subtasks per task.
    pub subtasks_per_task: Option<u32>,
    /// Target duration of a subtask, milliseconds.
    pub subtask_ms: Option<f64>,
}

impl SizingRequest {
    /// Checks the ranges.
    ///
    /// # Errors
    /// The field that is out of range, with the range.
    pub fn check(&self) -> Result<(), InputError> {
        let check = |field: &str, value: Option<u32>, max: u32| match value {
            Some(value) if value == 0 || value > max => {
                Err(InputError::new(format!("sizing.{field}"), format!("{value}; expected 1 to {max}")))
            }
            _ => Ok(()),
        };
        check("tasks", self.tasks, MAX_TASKS)?;
        check("subtasks_per_task", self.subtasks_per_task, MAX_SUBTASKS_PER_TASK)?;
        match self.subtask_ms {
            Some(ms) if !(0.001..=MAX_SUBTASK_MS).contains(&ms) => Err(InputError::new(
                "sizing.subtask_ms",
                format!("{ms:?}; expected milliseconds from 0.001 to {MAX_SUBTASK_MS}"),
            )),
            _ => Ok(()),
        }
    }
}

/// The size of the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Shards of the task stream.
    pub n_shards: u32,
    /// Of these, the last ones are kept for jobs that they finish in a moment: the tasks of no other job are in front of those. 0 for
    /// none.
    pub express_shards: u32,
    /// Lanes per shard: a lane runs its tasks one after another.
    pub lanes_per_shard: u32,
    /// Workers that a consumer can keep busy at once.
    pub workers_per_consumer: u32,
    /// vCPUs of a worker.
    pub vcpus_per_worker: u32,
}

/// How long the workers of the express shards may be busy with one job, nanoseconds.
const EXPRESS_NS: u64 = 2_000_000_000;

impl Capacity {
    /// Lanes of the shards on which most jobs run.
    pub fn lanes(&self) -> u32 {
        u32::try_from(self.shards_of(false).len())
            .unwrap_or(u32::MAX)
            .max(1)
            .saturating_mul(self.lanes_per_shard.max(1))
    }

    /// Whether tasks of this number and weight go to the express shards: one for each at most, so that the next job waits for
    /// one, and together no more than they do in a moment.
    pub fn is_express(&self, n_tasks: u64, weight: Weight) -> bool {
        let vcpus = u64::from(self.workers_per_consumer.max(1)) * u64::from(self.vcpus_per_worker.max(1));
        let express = u64::from(self.express_shards);
        self.n_shards > self.express_shards
            && n_tasks <= express
            && weight <= EXPRESS_NS.saturating_mul(express).saturating_mul(vcpus)
    }

    /// The shards of such tasks, and of the others. A stream that was merged to fewer shards keeps none.
    pub fn shards_of(&self, is_express: bool) -> Range<u32> {
        let kept = if self.n_shards > self.express_shards { self.express_shards } else { 0 };
        let first_kept = self.n_shards - kept;
        if is_express && kept > 0 { first_kept..self.n_shards } else { 0..first_kept }
    }
}

/// The operator's settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizingPolicy {
    /// Target duration of a subtask, milliseconds. 250 ms keeps the overhead of an invocation (a few ms) near 1 % and
    /// stragglers short.
    pub subtask_ms: f64,
    /// A shorter subtask is not worth its overhead, milliseconds: on Lambda an invocation takes some 5 to 10 ms by itself.
    pub min_subtask_ms: f64,
    /// Minimum subtasks per worker, so that uneven ones level out at the end.
    pub waves: u32,
}

impl Default for SizingPolicy {
    fn default() -> Self {
        Self { subtask_ms: 250.0, min_subtask_ms: 10.0, waves: 8 }
    }
}

/// The reason for the cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SizingReason {
    /// The author set the number of pieces.
    Asked,
    /// The author set the duration.
    AskedDuration,
    /// Subtasks of the target duration give every worker enough of them.
    Duration,
    /// Subtasks are shorter than the target, so that every worker gets its waves.
    Waves,
    /// The job is so small that shorter subtasks would not be worth their overhead.
    Small,
    /// The limit on tasks was reached; the subtasks are longer than the target.
    Capped,
    /// The work cannot be divided further.
    Indivisible,
    /// The job is small enough for the express shards: one task for each.
    Express,
    /// The value of fewer pieces would be too large to send, or to merge.
    Value,
}

/// The cut of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizing {
    /// Tasks on the stream.
    pub n_tasks: u32,
    /// Number of subtasks that a consumer cuts from each.
    pub subtasks_per_task: u32,
    /// Expected duration of a subtask on one worker, microseconds.
    pub subtask_us: u64,
    /// The reason for the cut.
    pub reason: SizingReason,
}

impl Sizing {
    /// The cut, or a finer one whose parts have values small enough to send and to merge; `value_bytes` is the memory that the value of
    /// the whole job takes. What the author asked for stays.
    #[must_use]
    pub fn for_value_of(self, value_bytes: u64, request: &SizingRequest) -> Self {
        let least_tasks = match request.tasks {
            Some(_) => self.n_tasks,
            None => self.n_tasks.max(clamp(value_bytes.div_ceil(TASK_VALUE_BYTES), MAX_TASKS)),
        };
        let of_a_task = value_bytes / u64::from(least_tasks);
        let subtasks_per_task = match request.subtasks_per_task {
            Some(_) => self.subtasks_per_task,
            None => {
                let least = of_a_task.div_ceil(SUBTASK_VALUE_BYTES);
                // More tasks of fewer subtasks, unless those would be too few.
                let as_before = pieces_of(self.n_tasks, self.subtasks_per_task).div_ceil(least_tasks.into());
                clamp(least.max(as_before), MAX_SUBTASKS_PER_TASK)
            }
        };
        if (least_tasks, subtasks_per_task) == (self.n_tasks, self.subtasks_per_task) {
            return self;
        }
        let total_us = self.subtask_us.saturating_mul(pieces_of(self.n_tasks, self.subtasks_per_task));
        Self {
            n_tasks: least_tasks,
            subtasks_per_task,
            subtask_us: total_us / pieces_of(least_tasks, subtasks_per_task),
            reason: SizingReason::Value,
        }
    }

    /// The cut that resulted, if the workload had fewer pieces to give.
    #[must_use]
    pub fn as_cut(self, n_tasks: usize, n_subtasks: usize) -> Self {
        let n_tasks = u32::try_from(n_tasks).unwrap_or(u32::MAX).max(1);
        let subtasks_per_task = u32::try_from(n_subtasks).unwrap_or(u32::MAX).max(1);
        if n_tasks >= self.n_tasks && subtasks_per_task >= self.subtasks_per_task {
            return self;
        }
        let total_us = self.subtask_us.saturating_mul(pieces_of(self.n_tasks, self.subtasks_per_task));
        Self {
            n_tasks,
            subtasks_per_task,
            subtask_us: total_us / pieces_of(n_tasks, subtasks_per_task),
            reason: SizingReason::Indivisible,
        }
    }
}

impl fmt::Display for Sizing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let because = match self.reason {
            SizingReason::Asked => "the job asks for that many",
            SizingReason::AskedDuration => "the job asks for subtasks of that length",
            SizingReason::Duration => {
                "subtasks of that length keep their overhead small and stragglers short"
            }
            SizingReason::Waves => "every worker should get several subtasks, so that uneven ones level out",
            SizingReason::Small => "shorter subtasks would not be worth their overhead",
            SizingReason::Indivisible => "the work has no more pieces than that",
            SizingReason::Express => "it is small enough for what is kept for small jobs",
            SizingReason::Value => "the values of fewer would be too large to send and to merge",
            SizingReason::Capped => "a job has no more pieces than that",
        };
        write!(
            f,
            "{} × {}, ~{} each, because {because}",
            counted(self.n_tasks.into(), "task"),
            counted(self.subtasks_per_task.into(), "subtask"),
            duration(self.subtask_us),
        )
    }
}

/// How many tasks the fullest lane gets, in thousandths, on average, when each of `n_shards` shards has `n_tasks` tasks and `n_lanes`
/// lanes: Lambda assigns each task to a lane of its shard by a hash of its partition key, as balls to bins.
pub fn fullest_lane(n_shards: u32, n_tasks: u32, n_lanes: u32) -> u64 {
    /// Enough for an average that is right within some per cent.
    const DRAWS: u64 = 200;
    /// Above this the lanes are nearly even, and drawing takes its time.
    const MOST_TASKS: u32 = 10_000;
    let n_lanes = n_lanes.max(1);
    if n_lanes == 1 || n_tasks.saturating_mul(n_shards) > MOST_TASKS {
        return u64::from(n_tasks.div_ceil(n_lanes)) * 1_000;
    }
    let mut state = 0_u64;
    let fullest = (0..DRAWS).map(|_| {
        let mut fullest_of_shard = || {
            let mut lanes = vec![0_u64; n_lanes as usize];
            for _ in 0..n_tasks {
                state = state.wrapping_add(SPLIT_MIX64_STEP);
                let lane = split_mix64(state) % u64::from(n_lanes);
                if let Some(load) = lanes.get_mut(usize::try_from(lane).unwrap_or(0)) {
                    *load += 1;
                }
            }
            lanes.into_iter().max().unwrap_or(0)
        };
        (0..n_shards).map(|_| fullest_of_shard()).max().unwrap_or(0)
    });
    fullest.sum::<u64>() * 1_000 / DRAWS
}

/// So many of something, for people.
pub(crate) fn counted(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// A duration for people.
pub fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000..60_000_000 => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
        60_000_000..3_600_000_000 => format!("{} min {} s", us / 60_000_000, us % 60_000_000 / 1_000_000),
        3_600_000_000..172_800_000_000 => {
            format!("{} h {} min", us / 3_600_000_000, us % 3_600_000_000 / 60_000_000)
        }
        _ => format!("{} days", us / 86_400_000_000),
    }
}

/// Decides the cut of a job of `weight` (nanoseconds of one vCPU).
pub fn plan_sizing(
    policy: &SizingPolicy,
    capacity: &Capacity,
    request: &SizingRequest,
    weight: Weight,
) -> Sizing {
    // A job whose author asks for nothing in particular, and that the express shards finish in a moment.
    let express = u64::from(capacity.express_shards);
    if *request == SizingRequest::default() && express > 0 && capacity.is_express(express, weight) {
        let kept = Capacity {
            n_shards: capacity.express_shards,
            express_shards: 0,
            lanes_per_shard: 1,
            ..*capacity
        };
        let as_usual = plan_sizing(policy, &kept, request, weight);
        let subtasks = u64::from(as_usual.n_tasks) * u64::from(as_usual.subtasks_per_task);
        let tasks = clamp(express.min(subtasks), capacity.express_shards);
        let asked = SizingRequest { tasks: Some(tasks), ..*request };
        return Sizing { reason: SizingReason::Express, ..plan_sizing(policy, &kept, &asked, weight) };
    }
    let vcpus = capacity.vcpus_per_worker.max(1);
    let aimed_ns = request.subtask_ms.unwrap_or(policy.subtask_ms) * 1e6 * f64::from(vcpus);
    let shortest_ns = policy.min_subtask_ms * 1e6 * f64::from(vcpus);
    let by_duration = pieces(weight, aimed_ns);
    let by_overhead = pieces(weight, shortest_ns);
    let n_lanes = capacity.lanes();
    let workers = capacity.workers_per_consumer.max(1);
    let is_hashed = capacity.lanes_per_shard > 1;
    let waves = match is_hashed {
        // A task of fewer subtasks than its consumer has workers leaves some idle.
        true => u64::from(policy.waves).max(TASKS_PER_HASHED_LANE),
        false => u64::from(policy.waves.max(1)),
    };
    let by_waves = u64::from(n_lanes) * u64::from(workers) * waves;

    let (n_subtasks, reason) = if request.subtask_ms.is_some() {
        (by_duration, SizingReason::AskedDuration)
    } else if by_duration >= by_waves {
        (by_duration, SizingReason::Duration)
    } else if by_overhead >= by_waves {
        (by_waves, SizingReason::Waves)
    } else {
        (by_overhead, SizingReason::Small)
    };
    let most_per_task = u64::from(workers) * SUBTASKS_PER_WORKER;
    let per_task = request.subtasks_per_task.map_or(most_per_task, u64::from);
    let rounds = |per_task| in_whole_rounds(n_subtasks, per_task, u64::from(n_lanes));
    let (n_tasks, per_task, reason) = match (request.tasks, request.subtasks_per_task) {
        (Some(tasks), Some(subtasks)) => (u64::from(tasks), u64::from(subtasks), SizingReason::Asked),
        (Some(tasks), None) => (u64::from(tasks), n_subtasks.div_ceil(u64::from(tasks)), SizingReason::Asked),
        // Fewer subtasks per task, down to one for each worker, if that gives the lanes more tasks.
        (None, None) if is_hashed => {
            let enough = rounds(workers.into()).min(u64::from(n_lanes) * TASKS_PER_HASHED_LANE);
            (rounds(per_task).max(enough), per_task, reason)
        }
        (None, _) => (rounds(per_task), per_task, reason),
    };
    // A job smaller than its lanes times its workers: fewer subtasks per task rather than idle lanes.
    let per_task = match request.subtasks_per_task {
        Some(_) => per_task,
        None => per_task.min(n_subtasks.div_ceil(n_tasks)),
    };
    let capped = n_tasks > u64::from(MAX_TASKS) || per_task > u64::from(MAX_SUBTASKS_PER_TASK);
    let n_tasks = clamp(n_tasks, MAX_TASKS);
    let subtasks_per_task = clamp(per_task, MAX_SUBTASKS_PER_TASK);
    let pieces = u64::from(n_tasks) * u64::from(subtasks_per_task);
    Sizing {
        n_tasks,
        subtasks_per_task,
        subtask_us: weight / pieces / u64::from(vcpus) / 1_000,
        reason: if capped { SizingReason::Capped } else { reason },
    }
}

/// Tasks of `per_task` subtasks each, such that every lane gets the same number of them if there are enough.
fn in_whole_rounds(n_subtasks: u64, per_task: u64, n_lanes: u64) -> u64 {
    let n_tasks = n_subtasks.div_ceil(per_task);
    if n_tasks >= n_lanes { n_tasks.div_ceil(n_lanes) * n_lanes } else { n_subtasks.min(n_lanes) }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a positive count that saturates"
)]
fn pieces(weight: Weight, piece_ns: f64) -> u64 {
    ((weight as f64 / piece_ns).ceil() as u64).max(1)
}

fn pieces_of(n_tasks: u32, subtasks_per_task: u32) -> u64 {
    u64::from(n_tasks) * u64::from(subtasks_per_task)
}

fn clamp(n: u64, max: u32) -> u32 {
    u32::try_from(n).unwrap_or(max).clamp(1, max)
}

#[cfg(test)]
mod tests;
