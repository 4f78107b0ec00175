use squall_sim_time::{SimulatedClock, run_until_done};

use super::*;

const SECOND_US: u64 = 1_000_000;

/// Asks a port that refuses until `back_us`; when the answer was there, and whether it was one.
fn asked(back_us: u64, patience_us: u64, deadline_us: u64) -> (u64, bool) {
    let clock = SimulatedClock::default();
    let asking = async {
        let patience = Patience::new(&clock, patience_us, deadline_us);
        let call = async || {
            if clock.now_us() < back_us { Err(PortError::refused("put row: throttled")) } else { Ok(()) }
        };
        patience.ask(&clock, call).await.is_ok()
    };
    let is_ok = run_until_done(&clock, asking).unwrap();
    (clock.now_us(), is_ok)
}

#[test]
fn a_hiccup_is_waited_out() {
    let (at_us, is_ok) = asked(30 * SECOND_US, 60 * SECOND_US, u64::MAX);
    assert!(is_ok && (30 * SECOND_US..41 * SECOND_US).contains(&at_us), "{at_us}");
}

#[test]
fn patience_ends_and_leaves_most_of_the_time_to_the_work() {
    let (at_us, is_ok) = asked(u64::MAX, 20 * SECOND_US, u64::MAX);
    assert!(!is_ok && (10 * SECOND_US..20 * SECOND_US).contains(&at_us), "{at_us}");
    let (at_us, is_ok) = asked(u64::MAX, 60 * SECOND_US, 60 * SECOND_US);
    assert!(!is_ok && at_us < 15 * SECOND_US, "{at_us}");
}

#[test]
fn what_cannot_succeed_is_not_asked_again() {
    let clock = SimulatedClock::default();
    let patience = Patience::new(&clock, 60 * SECOND_US, u64::MAX);
    let mut n_calls = 0;
    let call = async || {
        n_calls += 1;
        Err::<(), _>(PortError::permanent("there is no such table"))
    };
    assert!(run_until_done(&clock, patience.ask(&clock, call)).unwrap().is_err());
    assert_eq!((n_calls, clock.now_us()), (1, 0));
}
