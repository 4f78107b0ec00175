//! Whether an invocation runs, and what follows an event's failed attempt.

use std::time::Duration;

/// The `Reason` of a 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The function's reserved concurrency is in use, or is zero.
    Reserved,
    /// The unreserved concurrency is in use.
    Account,
}

impl Reason {
    /// Its spelling on AWS: <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors>.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reserved => "ReservedFunctionConcurrentInvocationLimitExceeded",
            Self::Account => "ConcurrentInvocationLimitExceeded",
        }
    }
}

/// The state when an invocation arrives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// The function's invocations in flight.
    pub(super) in_flight: u32,
    /// The function's reserved concurrency.
    pub(super) reserved: Option<u32>,
    /// Invocations in flight of all functions without reserved concurrency.
    pub(super) unreserved_in_flight: u32,
    /// The account's concurrency that no function reserved.
    pub(super) unreserved: u32,
    /// Whether one of the function's environments is idle.
    pub(super) idle: bool,
}

/// Whether and where an invocation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InvocationPlan {
    /// It runs in an idle environment.
    Warm,
    /// It runs in a new environment.
    Cold,
    /// It does not run.
    Throttle(Reason),
}

/// Decides whether and where an invocation runs.
pub(super) fn plan_invocation(seen: &Seen) -> InvocationPlan {
    let refused = match seen.reserved {
        Some(reserved) => (seen.in_flight >= reserved).then_some(Reason::Reserved),
        None => (seen.unreserved_in_flight >= seen.unreserved).then_some(Reason::Account),
    };
    match refused {
        Some(reason) => InvocationPlan::Throttle(reason),
        None if seen.idle => InvocationPlan::Warm,
        None => InvocationPlan::Cold,
    }
}

/// How asynchronous events are retried.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventPolicy {
    /// Further attempts after the function failed.
    pub(super) retries: u32,
    /// The wait before the first of them; a minute on AWS.
    pub(super) base: Duration,
}

/// The outcome of an event's last attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The function ran and failed.
    Failed,
    /// It was throttled.
    Throttled,
    /// It was throttled, and will be as long as its reserved concurrency is zero.
    SwitchedOff,
}

/// The state when an attempt did not succeed.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventSeen {
    /// The last attempt.
    pub(super) last: Attempt,
    /// Attempts that failed, the last one included.
    pub(super) n_failed: u32,
    /// Attempts that were throttled, the last one included.
    pub(super) n_throttled: u32,
    /// Since the event was accepted.
    pub(super) age: Duration,
}

/// The decision on an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventPlan {
    /// It is retried.
    Again {
        /// After this long.
        after: Duration,
    },
    /// It is dropped.
    Drop {
        /// The reason.
        reason: &'static str,
    },
}

/// Decides what to do with an event whose attempt did not succeed:
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>.
pub(super) fn plan_event(policy: &EventPolicy, seen: &EventSeen) -> EventPlan {
    let doubled = |first: Duration, n: u32| first.saturating_mul(1 << n.saturating_sub(1).min(20));
    match seen.last {
        Attempt::SwitchedOff => EventPlan::Drop { reason: "the function's reserved concurrency is 0" },
        Attempt::Failed if seen.n_failed > policy.retries => EventPlan::Drop { reason: "no retry is left" },
        Attempt::Failed => EventPlan::Again { after: doubled(policy.base, seen.n_failed) },
        Attempt::Throttled => {
            let after = doubled(policy.base / 60, seen.n_throttled).min(policy.base.saturating_mul(5));
            if seen.age.saturating_add(after) > policy.base.saturating_mul(360) {
                EventPlan::Drop { reason: "it was throttled for too long" }
            } else {
                EventPlan::Again { after }
            }
        }
    }
}

#[cfg(test)]
mod tests;
