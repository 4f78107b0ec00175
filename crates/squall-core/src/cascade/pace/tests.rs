use expect_test::expect;
use proptest::prelude::*;

use super::*;

fn pace(initial_concurrency: u32, max_concurrency: u32, n_stripes: u32) -> Pace {
    Pace::new(&CascadePolicy { initial_concurrency, max_concurrency, n_stripes, ..CascadePolicy::default() })
}

#[test]
fn each_reason_slows_as_it_should() {
    let mut table = String::new();
    for reason in [ThrottleReason::Function, ThrottleReason::Concurrency, ThrottleReason::CallRate] {
        for n_stripes in [1, 2] {
            let mut pace = pace(100, 500, n_stripes);
            pace.on_throttle(1_000, 0, 0, reason.into());
            let stripes = [0, 1].map(|call_id| pace.stripe(1_000, call_id));
            table.push_str(&format!("{reason:?}, {n_stripes} stripes: {} {stripes:?}\n", pace.limit()));
        }
    }
    expect![[r#"
        Function, 1 stripes: 50 [Err(101000), Err(101000)]
        Function, 2 stripes: 100 [Ok(1), Ok(1)]
        Concurrency, 1 stripes: 50 [Ok(0), Ok(0)]
        Concurrency, 2 stripes: 50 [Ok(0), Ok(1)]
        CallRate, 1 stripes: 80 [Ok(0), Ok(0)]
        CallRate, 2 stripes: 80 [Ok(0), Ok(1)]
    "#]]
    .assert_eq(&table);
}

#[test]
fn the_last_stripe_that_is_refused_halves() {
    let mut pace = pace(100, 500, 2);
    pace.on_throttle(1_000, 0, 0, ThrottleReason::Function.into());
    assert_eq!((pace.limit(), pace.stripe(1_000, 0)), (100, Ok(1)));
    pace.on_throttle(2_000, 0, 1, ThrottleReason::Function.into());
    assert_eq!((pace.limit(), pace.stripe(2_000, 0)), (50, Err(101_000)));
    // The first is free again, at that exact moment.
    assert_eq!(pace.stripe(100_999, 1), Err(101_000));
    assert_eq!(pace.stripe(101_000, 1), Ok(0));
}

#[test]
fn a_burst_of_refusals_is_one() {
    let mut pace = pace(64, 64, 1);
    for late_us in 0..30 {
        pace.on_throttle(1_000 + late_us, late_us, 0, ThrottleReason::Concurrency.into());
    }
    assert_eq!(pace.limit(), 32);
    // This one was started after the limit had been lowered.
    pace.on_throttle(2_000, 1_001, 0, ThrottleReason::Concurrency.into());
    assert_eq!(pace.limit(), 16);
}

/// The limit after each of four rounds in which every invocation in flight is answered.
fn rounds(mut pace: Pace) -> String {
    let mut table = String::new();
    for _ in 0..4 {
        for _ in 0..pace.limit() {
            pace.on_success();
        }
        table.push_str(&format!("{} ", pace.limit()));
    }
    table
}

#[test]
fn until_the_first_refusal_every_round_doubles_the_limit_up_to_the_most() {
    expect!["20 40 80 100 "].assert_eq(&rounds(pace(10, 100, 1)));
}

#[test]
fn after_a_refusal_every_round_adds_about_one() {
    let mut pace = pace(20, 100, 1);
    pace.on_throttle(1_000, 0, 0, ThrottleReason::Concurrency.into());
    assert_eq!(pace.limit(), 10);
    expect!["10 11 12 13 "].assert_eq(&rounds(pace));
}

#[test]
fn refusals_are_counted_by_reason() {
    let mut throttles = Throttles::default();
    for (n, reason) in
        [(1, ThrottleReason::Function), (2, ThrottleReason::Concurrency), (3, ThrottleReason::CallRate)]
    {
        (0..n).for_each(|_| throttles.count(reason));
    }
    assert_eq!(throttles, Throttles { function: 1, concurrency: 2, call_rate: 3 });
    assert_eq!(throttles.total(), 6);
}

#[test]
fn one_is_always_in_flight() {
    let mut pace = pace(0, 0, 0);
    for round in 0..50 {
        pace.on_throttle(round * 1_000 + 999, round * 1_000, 0, ThrottleReason::Concurrency.into());
        assert_eq!(pace.limit(), 1);
    }
    assert_eq!(pace.stripe(0, u32::MAX), Ok(0));
}

proptest! {
    #[test]
    fn the_limit_stays_within_one_and_the_most(
        initial in 0..600_u32,
        most in 0..600_u32,
        events in prop::collection::vec((0..4_u32, 0..1_000_000_u64, 0..3_u32), 0..200),
    ) {
        let mut pace = pace(initial, most, 3);
        let mut now_us = 0;
        for (kind, later_us, stripe) in events {
            now_us += later_us;
            match kind {
                0 => pace.on_throttle(now_us, now_us - later_us, stripe, ThrottleReason::Function.into()),
                1 => pace.on_throttle(now_us, now_us - later_us, stripe, ThrottleReason::Concurrency.into()),
                2 => pace.on_throttle(now_us, now_us - later_us, stripe, ThrottleReason::CallRate.into()),
                _ => pace.on_success(),
            }
            prop_assert!((1..=most.max(1) as usize).contains(&pace.limit()));
            match pace.stripe(now_us, stripe) {
                Ok(stripe) => prop_assert!(stripe < 3),
                Err(free_us) => prop_assert!(now_us < free_us && free_us <= now_us + STRIPE_REST_US),
            }
        }
    }
}

/// A service that says when to come back is not asked before; but no answer holds a task up for longer than ten seconds.
#[test]
fn what_a_service_asks_for_is_waited() {
    let asked = |reason, retry_after_us| {
        let mut pace = Pace::new(&CascadePolicy { n_stripes: 2, ..CascadePolicy::default() });
        pace.on_throttle(1_000, 0, 0, Throttle { reason, retry_after_us });
        pace.rest_until_us
    };
    assert_eq!(asked(ThrottleReason::Function, 2_000_000), [2_001_000, 0]);
    assert_eq!(asked(ThrottleReason::CallRate, 2_000_000), [2_001_000; 2]);
    assert_eq!(asked(ThrottleReason::CallRate, 0), [0; 2]);
    assert_eq!(asked(ThrottleReason::Concurrency, 86_400_000_000), [10_001_000; 2]);
    // A refusal that was on its way does not shorten the rest.
    let mut pace = Pace::new(&CascadePolicy { n_stripes: 2, ..CascadePolicy::default() });
    pace.on_throttle(1_000, 0, 0, Throttle { reason: ThrottleReason::CallRate, retry_after_us: 5_000_000 });
    pace.on_throttle(11_000, 0, 0, ThrottleReason::Function.into());
    assert_eq!(pace.rest_until_us, [5_001_000; 2]);
}
