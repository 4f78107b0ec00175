//! How a consumer drives its subtasks through the workers: concurrency, retries, second copies, giving up.
//!
//! [`Cascade`] is a state machine without a clock or I/O: [`Cascade::next`] returns the next action and its reason, and
//! [`Cascade::settle`] takes in the outcome. The consumer only carries out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use squall_ports::jittered;

use crate::wire::Cause;

mod outcome;
mod pace;

use outcome::Fault;
pub use outcome::Outcome;
use pace::STRIPE_REST_US;
pub use pace::{Pace, Throttle, ThrottleReason, Throttles};

/// The operator's settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CascadePolicy {
    /// Initial limit on invocations in flight.
    pub initial_concurrency: u32,
    /// Highest limit on invocations in flight.
    pub max_concurrency: u32,
    /// Identical worker functions to spread over.
    pub n_stripes: u32,
    /// Attempts per subtask before it is reported failed. A throttled invocation does not count as an attempt.
    pub max_attempts: u32,
    /// An invocation that takes longer is abandoned, microseconds.
    pub attempt_timeout_us: u64,
    /// Wait before the second attempt, microseconds; doubles with each, jittered.
    pub backoff_us: u64,
    /// Longest such wait, microseconds.
    pub max_backoff_us: u64,
    /// A second copy is started when the first takes this many times the median.
    pub hedge_after_medians: f64,
    /// But never before this, microseconds.
    pub hedge_after_us: u64,
    /// Share of a task's subtasks that may get a second copy; 0 for none.
    pub duplicate_budget: f64,
    /// Time reserved to publish the result, microseconds: before the consumer's own deadline all of it, before the job's a tenth of
    /// the time that was left at the start if that is less.
    pub guard_us: u64,
}

impl Default for CascadePolicy {
    fn default() -> Self {
        Self {
            initial_concurrency: 64,
            max_concurrency: 512,
            n_stripes: 1,
            max_attempts: 4,
            attempt_timeout_us: 300_000_000,
            backoff_us: 50_000,
            max_backoff_us: 5_000_000,
            // Cubed waits for three times the median too; an earlier copy mostly repeats what was about to finish
            // anyway.
            hedge_after_medians: 3.0,
            hedge_after_us: 50_000,
            duplicate_budget: 0.02,
            guard_us: 5_000_000,
        }
    }
}

/// One invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its number, in starting order.
    pub id: u32,
    /// Index of the subtask.
    pub subtask: u32,
    /// Which of the identical worker functions to invoke.
    pub stripe: u32,
}

/// The next action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Invoke a worker.
    Start(Call, Start),
    /// Forget this invocation; it counts as failed.
    Abandon(Call),
    /// Do nothing until an invocation ends, or until this time, microseconds.
    Wait {
        /// When to ask again; `None` when only an ending invocation can change anything.
        until_us: Option<u64>,
    },
    /// Every subtask is answered or failed.
    Finished,
}

/// The reason for an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The subtask's first attempt.
    Turn,
    /// A failed attempt is repeated.
    Retry,
    /// The first copy has been running much longer than the others did.
    Hedge,
}

/// Counters for the receipt. Times are by the caller's clock, each invocation rounded up to a millisecond, as Lambda bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Invocations that were not refused.
    pub accepted: u64,
    /// Invocations refused.
    pub throttles: Throttles,
    /// Attempts after a failure.
    pub retries: u64,
    /// Second copies.
    pub hedges: u64,
    /// Time of the accepted invocations, microseconds.
    pub accepted_us: u64,
    /// Of that, time without a usable answer, microseconds.
    pub lost_us: u64,
    /// Of that, time of answers that came after another of the same subtask, microseconds.
    pub surplus_us: u64,
    /// Of the accepted invocations, those that had not ended.
    pub unfinished: u64,
}

#[derive(Debug, Clone, Default)]
struct Subtask {
    state: State,
    n_attempts: u32,
    n_throttles: u32,
    n_in_flight: u32,
    hedged: bool,
    /// The reason and the cause of the last failed attempt.
    last: Option<(String, Cause)>,
}

impl Subtask {
    /// Whether its attempts are used up; it has at least one, whatever the operator allows.
    fn has_spent(&self, max_attempts: u32) -> bool {
        self.n_attempts >= max_attempts.max(1)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    Answered,
    Failed(String, Cause),
}

#[derive(Debug, Clone, Copy)]
struct InFlight {
    call: Call,
    start: Start,
    started_us: u64,
}

/// When a task has to be over, microseconds of the grid's clock, and the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// The consumer runs out of time.
    Consumer(u64),
    /// The job reaches its deadline.
    Job(u64),
}

impl Deadline {
    /// The earlier of the two.
    pub fn earlier(consumer_us: u64, job_us: u64) -> Self {
        if job_us < consumer_us { Self::Job(job_us) } else { Self::Consumer(consumer_us) }
    }

    /// When to stop, for a task that began at `began_us`: early enough to publish what is finished.
    fn stop_us(self, began_us: u64, guard_us: u64) -> u64 {
        match self {
            Self::Consumer(us) => us.saturating_sub(guard_us),
            // A short deadline is the author's wish, and must not be spent on caution.
            Self::Job(us) => us.saturating_sub(guard_us.min(us.saturating_sub(began_us) / 10)),
        }
    }

    fn passed(self) -> &'static str {
        match self {
            Self::Consumer(_) => "the consumer ran out of time",
            Self::Job(_) => "the job's deadline came",
        }
    }
}

/// The state of one task's subtasks.
#[derive(Debug, Clone)]
pub struct Cascade {
    policy: CascadePolicy,
    jitter_seed: u64,
    subtasks: Vec<Subtask>,
    n_open: usize,
    ready: VecDeque<u32>,
    later: BTreeSet<(u64, u32)>,
    in_flight: BTreeMap<u32, InFlight>,
    next_call: u32,
    pace: Pace,
    durations_us: Vec<u64>,
    counts: Counts,
    /// No second copy is started before this: one was refused.
    hedges_rest_until_us: u64,
    /// When the first action was asked for.
    began_us: Option<u64>,
}

impl Cascade {
    /// All subtasks open. `jitter_seed` spreads the back-offs of different tasks.
    pub fn new(policy: CascadePolicy, n_subtasks: u32, jitter_seed: u64) -> Self {
        Self {
            policy,
            jitter_seed,
            subtasks: vec![Subtask::default(); n_subtasks as usize],
            n_open: n_subtasks as usize,
            ready: (0..n_subtasks).collect(),
            later: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            next_call: 0,
            pace: Pace::new(&policy),
            durations_us: Vec::new(),
            counts: Counts::default(),
            hedges_rest_until_us: 0,
            began_us: None,
        }
    }

    /// Counts at `now_us`. An invocation in flight counts as accepted, and as unfinished: with the time that the others took, or
    /// until its timeout if none was answered.
    pub fn counts(&self, now_us: u64) -> Counts {
        let mut counts = self.counts;
        let median_us = self.durations_us.get(self.durations_us.len() / 2);
        let usual_us = median_us.copied().unwrap_or(self.policy.attempt_timeout_us);
        for flight in self.in_flight.values() {
            let took_us = billed_us(flight.started_us, now_us).max(usual_us);
            counts.accepted += 1;
            counts.unfinished += 1;
            counts.accepted_us = counts.accepted_us.saturating_add(took_us);
            match self.subtasks.get(flight.call.subtask as usize).map(|it| &it.state) {
                Some(State::Answered) => counts.surplus_us = counts.surplus_us.saturating_add(took_us),
                _ => counts.lost_us = counts.lost_us.saturating_add(took_us),
            }
        }
        counts
    }

    /// Failed subtasks: index, attempts, last reason and its cause.
    pub fn failures(&self) -> impl Iterator<Item = (u32, u32, &str, Cause)> {
        (0..).zip(&self.subtasks).filter_map(|(subtask, it)| match &it.state {
            State::Failed(reason, cause) => Some((subtask, it.n_attempts, reason.as_str(), *cause)),
            State::Open | State::Answered => None,
        })
    }

    /// The next action at `now_us`, when everything has to be over by the deadline.
    pub fn next(&mut self, now_us: u64, deadline: Deadline) -> Next {
        let began_us = *self.began_us.get_or_insert(now_us);
        let stop_us = deadline.stop_us(began_us, self.policy.guard_us);
        if now_us >= stop_us {
            self.give_up(deadline);
        }
        if self.n_open == 0 {
            return Next::Finished;
        }
        if let Some(late) = self.overdue(now_us) {
            return Next::Abandon(late);
        }
        while let Some(&(due_us, subtask)) = self.later.first()
            && due_us <= now_us
        {
            self.later.pop_first();
            self.ready.push_back(subtask);
        }
        let mut wake_us = stop_us;
        if self.in_flight.len() < self.pace.limit() {
            match self.pace.stripe(now_us, self.next_call) {
                Ok(stripe) => {
                    if let Some(start) = self.start_ready(now_us, stripe) {
                        return start;
                    }
                    match self.hedge_due_us() {
                        Some((due_us, call)) if due_us <= now_us => {
                            return self.start_hedge(now_us, call, stripe);
                        }
                        Some((due_us, _)) => wake_us = wake_us.min(due_us),
                        None => {}
                    }
                }
                Err(free_us) => wake_us = wake_us.min(free_us),
            }
        }
        if let Some(&(due_us, _)) = self.later.first() {
            wake_us = wake_us.min(due_us);
        }
        if let Some((_, oldest)) = self.in_flight.first_key_value() {
            wake_us = wake_us.min(oldest.started_us.saturating_add(self.policy.attempt_timeout_us));
        }
        Next::Wait { until_us: (wake_us < u64::MAX).then_some(wake_us) }
    }

    /// Whether an answer to this call would be the first to its subtask.
    pub fn wants(&self, call: Call) -> bool {
        self.in_flight.contains_key(&call.id)
            && self.subtasks.get(call.subtask as usize).is_some_and(|it| it.state == State::Open)
    }

    /// Takes in the outcome of `call`; ignored if the call was abandoned.
    pub fn settle(&mut self, now_us: u64, call: Call, outcome: Outcome) {
        let Some(flight) = self.in_flight.remove(&call.id) else { return };
        let Some(subtask) = self.subtasks.get_mut(call.subtask as usize) else { return };
        subtask.n_in_flight -= 1;
        if let Outcome::Throttled(throttle) = outcome {
            return self.on_throttle(now_us, flight, throttle);
        }
        let first = subtask.state == State::Open;
        let billed_us = billed_us(flight.started_us, now_us);
        let fault = outcome.fault();
        if fault.as_ref().is_none_or(|fault| fault.ran) {
            self.counts.accepted += 1;
            self.counts.accepted_us = self.counts.accepted_us.saturating_add(billed_us);
        }
        match fault {
            None => {
                if first {
                    subtask.state = State::Answered;
                    self.n_open -= 1;
                } else {
                    self.counts.surplus_us = self.counts.surplus_us.saturating_add(billed_us);
                }
                self.pace.on_success();
                let took_us = now_us.saturating_sub(flight.started_us);
                let at = self.durations_us.partition_point(|&other_us| other_us <= took_us);
                self.durations_us.insert(at, took_us);
            }
            Some(fault) => {
                if fault.ran {
                    self.counts.lost_us = self.counts.lost_us.saturating_add(billed_us);
                }
                self.on_failure(now_us, call.subtask, fault);
            }
        }
    }

    fn on_throttle(
        &mut self,
        now_us: u64,
        InFlight { call, start, started_us }: InFlight,
        throttle: Throttle,
    ) {
        let reason = throttle.reason;
        let subtask = &mut self.subtasks[call.subtask as usize];
        self.counts.throttles.count(reason);
        self.counts.retries -= u64::from(start == Start::Retry);
        if start == Start::Hedge {
            // Nothing ran: the subtask may have its copy later, but not over and over.
            self.counts.hedges -= 1;
            subtask.hedged = false;
            self.hedges_rest_until_us = now_us.saturating_add(STRIPE_REST_US);
        }
        self.pace.on_throttle(now_us, started_us, call.stripe, throttle);
        if subtask.state != State::Open || subtask.n_in_flight > 0 {
            return;
        }
        match subtask.last.take() {
            // The refused copy was the last hope of an attempt that has failed meanwhile.
            Some((reason, cause)) if subtask.has_spent(self.policy.max_attempts) => {
                subtask.state = State::Failed(reason, cause);
                self.n_open -= 1;
            }
            _ => {
                subtask.last = Some((format!("throttled ({reason:?})"), Cause::Outage));
                subtask.n_throttles += 1;
                let n_throttles = subtask.n_throttles;
                self.back_off(now_us, call.subtask, n_throttles, throttle.rest_us());
            }
        }
    }

    fn on_failure(&mut self, now_us: u64, index: u32, Fault { reason, cause, again, .. }: Fault) {
        let subtask = &mut self.subtasks[index as usize];
        subtask.n_attempts += 1;
        if subtask.state != State::Open {
            return;
        }
        if !again || (subtask.has_spent(self.policy.max_attempts) && subtask.n_in_flight == 0) {
            subtask.state = State::Failed(reason, cause);
            self.n_open -= 1;
            return;
        }
        subtask.last = Some((reason, cause));
        if subtask.n_in_flight == 0 {
            let n_attempts = subtask.n_attempts;
            self.back_off(now_us, index, n_attempts, 0);
        }
    }

    /// Waits before the next attempt, for `least_us` at least.
    fn back_off(&mut self, now_us: u64, subtask: u32, n_times: u32, least_us: u64) {
        let doubled = self.policy.backoff_us.saturating_mul(1 << n_times.saturating_sub(1).min(20));
        let full_us = doubled.min(self.policy.max_backoff_us);
        let wait_us = jittered(full_us, self.jitter_seed ^ (u64::from(subtask) << 32) ^ u64::from(n_times));
        self.later.insert((now_us.saturating_add(wait_us.max(least_us)), subtask));
    }

    fn overdue(&self, now_us: u64) -> Option<Call> {
        let (_, oldest) = self.in_flight.first_key_value()?;
        let timed_out = now_us >= oldest.started_us.saturating_add(self.policy.attempt_timeout_us);
        timed_out.then_some(oldest.call)
    }

    fn start_ready(&mut self, now_us: u64, stripe: u32) -> Option<Next> {
        let subtask = self.ready.pop_front()?;
        let start = if self.subtasks[subtask as usize].n_attempts > 0 { Start::Retry } else { Start::Turn };
        self.counts.retries += u64::from(start == Start::Retry);
        Some(self.start(now_us, subtask, stripe, start))
    }

    fn start_hedge(&mut self, now_us: u64, subtask: u32, stripe: u32) -> Next {
        self.subtasks[subtask as usize].hedged = true;
        self.counts.hedges += 1;
        self.start(now_us, subtask, stripe, Start::Hedge)
    }

    fn start(&mut self, now_us: u64, subtask: u32, stripe: u32, start: Start) -> Next {
        let call = Call { id: self.next_call, subtask, stripe };
        self.next_call += 1;
        self.subtasks[subtask as usize].n_in_flight += 1;
        self.in_flight.insert(call.id, InFlight { call, start, started_us: now_us });
        Next::Start(call, start)
    }

    /// The next subtask to get a second copy, and when.
    ///
    /// Only once nothing else is waiting: a copy must not take the place of a first attempt.
    fn hedge_due_us(&self) -> Option<(u64, u32)> {
        let allowed = self.policy.duplicate_budget * count(self.subtasks.len());
        // A task of few subtasks may still have one, if any are allowed at all.
        let allowed = if self.policy.duplicate_budget > 0.0 { allowed.max(1.0) } else { 0.0 };
        let spent = self.counts.hedges >= whole(allowed);
        let enough_seen = self.durations_us.len() * 2 >= self.subtasks.len();
        if spent || !enough_seen || !self.ready.is_empty() || self.durations_us.is_empty() {
            return None;
        }
        let median_us = self.durations_us[self.durations_us.len() / 2];
        let after_us =
            whole(count(usize::try_from(median_us).unwrap_or(usize::MAX)) * self.policy.hedge_after_medians)
                .max(self.policy.hedge_after_us);
        let slow = self.in_flight.values().find(|flight| {
            let subtask = &self.subtasks[flight.call.subtask as usize];
            subtask.state == State::Open && !subtask.hedged
        })?;
        let due_us = slow.started_us.saturating_add(after_us).max(self.hedges_rest_until_us);
        Some((due_us, slow.call.subtask))
    }

    fn give_up(&mut self, deadline: Deadline) {
        for subtask in &mut self.subtasks {
            if subtask.state == State::Open {
                let (before, cause) =
                    subtask.last.take().map_or((None, None), |(it, cause)| (Some(it), Some(cause)));
                let passed = deadline.passed();
                let reason =
                    before.map_or(passed.to_owned(), |before| format!("{passed}; before that: {before}"));
                let cause = match deadline {
                    Deadline::Job(_) => Cause::Deadline,
                    // What was still running took too long, or would have.
                    Deadline::Consumer(_) if subtask.n_in_flight > 0 => Cause::TooLarge,
                    Deadline::Consumer(_) => cause.unwrap_or_default(),
                };
                subtask.state = State::Failed(reason, cause);
            }
        }
        self.n_open = 0;
    }
}

/// How long an invocation took, rounded up to a millisecond.
fn billed_us(started_us: u64, now_us: u64) -> u64 {
    now_us.saturating_sub(started_us).div_ceil(1_000).saturating_mul(1_000)
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand at most, or a duration")]
fn count(n: usize) -> f64 {
    n as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "never negative; saturates")]
fn whole(x: f64) -> u64 {
    x as u64
}

#[cfg(test)]
mod tests;
