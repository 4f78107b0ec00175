//! Cascades under random failures of every kind.

use proptest::prelude::*;
use squall_ports::{SPLIT_MIX64_STEP, split_mix64};

use super::pool::{Fate, run};
use super::*;

/// How often each outcome befalls an invocation, in hundredths; the rest are answered.
#[derive(Debug, Clone)]
struct Weather {
    throttle: u64,
    fail: u64,
    hopeless: u64,
    hang: u64,
    straggle: u64,
    seed: u64,
}

impl Weather {
    fn fate(&self, call: Call) -> Fate {
        let mut state = self.seed.wrapping_add(u64::from(call.id).wrapping_mul(SPLIT_MIX64_STEP));
        let mut below = |n: u64| {
            let number = split_mix64(state);
            state = state.wrapping_add(SPLIT_MIX64_STEP);
            number % n
        };
        let reasons = [ThrottleReason::Function, ThrottleReason::Concurrency, ThrottleReason::CallRate];
        let soon_us = below(20_000);
        let mut roll = below(100);
        let mut happens = |share: u64| {
            let hit = roll < share;
            roll = roll.wrapping_sub(share);
            hit
        };
        if happens(self.throttle) {
            return Some((
                soon_us,
                Outcome::Throttled(Throttle {
                    reason: reasons[usize::try_from(below(3)).unwrap()],
                    retry_after_us: below(4) * 500_000,
                }),
            ));
        }
        if happens(self.fail) {
            return Some((soon_us, failed()));
        }
        if happens(self.hopeless) {
            return Some((soon_us, Outcome::Hopeless("impossible".to_owned())));
        }
        if happens(self.hang) {
            return None;
        }
        // Some of these exceed the timeout: their answers come late.
        let slower = if happens(self.straggle) { 200 } else { 1 };
        Some(((1 + below(30_000)) * slower, Outcome::Answered))
    }
}

prop_compose! {
    fn any_policy()(
        initial_concurrency in 0..20_u32,
        max_concurrency in 0..20_u32,
        n_stripes in 0..4_u32,
        max_attempts in 0..6_u32,
        attempt_timeout_us in 10_000..5_000_000_u64,
        backoff_us in 1..100_000_u64,
        max_backoff_us in 1..1_000_000_u64,
        hedge_after_medians in 0.0..5.0,
        hedge_after_us in 0..100_000_u64,
        duplicate_budget in prop_oneof![Just(0.0), 0.0..1.0],
        guard_us in 0..10_000_000_u64,
    ) -> CascadePolicy {
        CascadePolicy {
            initial_concurrency, max_concurrency, n_stripes, max_attempts, attempt_timeout_us, backoff_us,
            max_backoff_us, hedge_after_medians, hedge_after_us, duplicate_budget, guard_us,
        }
    }
}

prop_compose! {
    /// Calm, hopelessly stormy, and everything between.
    fn any_weather()(
        throttle in prop_oneof![Just(0), 0..100_u64],
        fail in prop_oneof![Just(0), 0..60_u64],
        hopeless in prop_oneof![Just(0), 0..20_u64],
        hang in prop_oneof![Just(0), 0..20_u64],
        straggle in prop_oneof![Just(0), 0..30_u64],
        seed: u64,
    ) -> Weather {
        Weather { throttle, fail, hopeless, hang, straggle, seed }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// The pool asserts the invariants at every step: above all that the cascade ends, and never waits for nothing.
    #[test]
    fn every_subtask_ends_answered_or_failed_whatever_the_weather(
        policy in any_policy(),
        n_subtasks in 0..40_u32,
        deadline_us in 0..120_000_000_u64,
        weather in any_weather(),
    ) {
        let run = run(policy, n_subtasks, deadline_us, &mut |call, _| weather.fate(call));
        prop_assert_eq!(run.n_answered + run.failures.len(), n_subtasks as usize);
    }

    #[test]
    fn throttles_alone_cost_time_and_no_subtask(
        throttle in 0..90_u64,
        n_subtasks in 1..40_u32,
        seed: u64,
    ) {
        let weather = Weather { throttle, fail: 0, hopeless: 0, hang: 0, straggle: 0, seed };
        let policy = CascadePolicy { max_attempts: 1, ..policy() };
        let run = run(policy, n_subtasks, 3_600 * SECOND_US, &mut |call, _| weather.fate(call));
        prop_assert_eq!(run.n_answered, n_subtasks as usize);
        prop_assert_eq!(run.counts.retries, 0);
    }

    #[test]
    fn the_same_cascade_has_the_same_history(weather in any_weather(), n_subtasks in 0..20_u32) {
        let once = || run(policy(), n_subtasks, 60 * SECOND_US, &mut |call, _| weather.fate(call));
        let (one, other) = (once(), once());
        prop_assert_eq!(one.log, other.log);
        prop_assert_eq!(one.ended_us, other.ended_us);
    }
}

/// Found by the first of these.
#[test]
fn a_refused_copy_leaves_no_attempt_beyond_the_last() {
    let policy = CascadePolicy { duplicate_budget: 0.25, max_attempts: 1, ..policy() };
    let fate = [(1, Some((300_500, failed()))), (4, throttled(ThrottleReason::CallRate))];
    let run = played(policy, 4, &fate);
    assert_eq!(run.failures, [(1, 1, "crashed".to_owned())], "{}", run.log.join("\n"));
    assert_eq!((run.counts.hedges, run.counts.throttles.total()), (0, 1));
}
