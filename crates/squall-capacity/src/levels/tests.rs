//! Duplicated and reordered events merge to the same levels.

use proptest::prelude::*;

use super::*;

fn event(source: u8, order: u64, payload: Payload) -> Activity {
    let source = SourceId::new(format!("s{source}")).unwrap();
    Activity { source, order, time_us: order * 10, payload }
}

fn runs(queued: u32, running: u32) -> Payload {
    Payload::Runs { level: Runs { queued, running }, started: Vec::new(), finished: Vec::new() }
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        (0_u32..4).prop_map(Payload::Sessions),
        (0_u32..3, 0_u32..3).prop_map(|(queued, running)| runs(queued, running))
    ]
}

/// Events of three sources; some share their order.
fn events() -> impl Strategy<Value = Vec<Activity>> {
    prop::collection::vec(
        (0_u8..3, 1_u64..20, payload()).prop_map(|(source, order, payload)| event(source, order, payload)),
        1..12,
    )
}

fn merged<'a>(events: impl IntoIterator<Item = &'a Activity>) -> Levels {
    let mut levels = Levels::default();
    for event in events {
        levels.record(event);
    }
    levels
}

/// Every event at least once, some several times, in any order.
fn deliveries() -> impl Strategy<Value = (Vec<Activity>, Vec<Activity>)> {
    events().prop_flat_map(|events| {
        let once = events.clone();
        let doubled = prop::collection::vec(prop::sample::select(events.clone()), 0..12);
        doubled.prop_flat_map(move |doubled| {
            let all: Vec<_> = once.iter().cloned().chain(doubled).collect();
            (Just(once.clone()), Just(all).prop_shuffle())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_order_and_number_of_deliveries_gives_the_same_levels((once, delivered) in deliveries()) {
        let (a, b) = (merged(&once), merged(&delivered));
        prop_assert_eq!(&a.sessions, &b.sessions);
        prop_assert_eq!(&a.runs, &b.runs);
    }

    /// The time of the last run depends on the order of arrival, but lies between that of the last event with runs and that
    /// of the last event.
    #[test]
    fn the_last_run_is_no_earlier_than_reported_and_no_later_than_the_last_event((_, delivered) in deliveries()) {
        let levels = merged(&delivered);
        let had_run = |it: &&Activity| matches!(it.payload, Payload::Runs { level, .. } if level.total() > 0);
        let told_us = delivered.iter().filter(had_run).map(|it| it.time_us).max().unwrap_or(0);
        let last_us = delivered.iter().map(|it| it.time_us).max().unwrap_or(0);
        prop_assert!((told_us..=last_us).contains(&levels.run_seen_us));
        prop_assert!(levels.session_came_us <= last_us);
    }

    #[test]
    fn a_second_delivery_changes_nothing(events in events()) {
        let levels = merged(&events);
        for event in &events {
            let mut again = levels.clone();
            prop_assert_eq!(again.record(event), Recorded::Known);
            prop_assert_eq!(&again, &levels);
        }
    }

    #[test]
    fn silent_sources_do_not_count(events in events(), since_us in 0_u64..200) {
        let levels = merged(&events);
        let (left, silent) = levels.without_silent(since_us);
        prop_assert!(left.sessions.values().all(|it| it.time_us >= since_us));
        prop_assert!(left.runs.values().all(|it| it.time_us >= since_us));
        prop_assert!(left.n_runs() <= levels.n_runs() && left.n_sessions() <= levels.n_sessions());
        prop_assert_eq!(silent.is_empty(), left == levels);
        prop_assert!(silent.windows(2).all(|pair| pair[0] < pair[1]), "in order and once each: {silent:?}");
    }
}

#[test]
fn of_two_levels_with_the_same_order_the_larger_counts() {
    let (few, many) = (event(0, 5, Payload::Sessions(2)), event(0, 5, Payload::Sessions(3)));
    assert_eq!(merged([&few, &many]).n_sessions(), 3);
    assert_eq!(merged([&many, &few]).n_sessions(), 3);
}

#[test]
fn a_short_run_that_was_overtaken_by_its_end_was_still_a_run() {
    let (started, ended) = (event(0, 1, runs(1, 0)), event(0, 2, runs(0, 0)));
    assert_eq!(merged([&started, &ended]).run_seen_us, 20);
    assert_eq!(merged([&ended, &started]).run_seen_us, 10);
}

#[test]
fn sums_of_all_sources_do_not_overflow() {
    let events = [
        event(0, 1, Payload::Sessions(u32::MAX)),
        event(1, 1, Payload::Sessions(1)),
        event(0, 1, runs(u32::MAX, 1)),
    ];
    let levels = merged(&events);
    assert_eq!((levels.n_sessions(), levels.n_runs()), (u32::MAX, u32::MAX));
}

/// The maximum number of sources, all with a session since 10 µs, except one at zero.
fn full() -> Levels {
    let mut levels = Levels::default();
    for n in 0..MOST_SOURCES {
        let source = SourceId::new(format!("pod-{n}")).unwrap();
        let payload = Payload::Sessions(u32::from(n != 7));
        levels.record(&Activity { source, order: 1, time_us: 10, payload });
    }
    levels
}

#[test]
fn one_source_too_many_is_refused_and_known_sources_are_still_recorded() {
    let mut levels = full();
    let one = Activity { source: SourceId::new("pod-7").unwrap(), ..event(0, 2, Payload::Sessions(1)) };
    levels.record(&one);
    let known = levels.clone();
    assert_eq!(levels.record(&event(1, 2, Payload::Sessions(9))), Recorded::TooManySources);
    assert_eq!(levels, Levels { left_out_us: 20, ..known.clone() });
    assert_eq!(levels.record(&event(1, 3, Payload::Sessions(0))), Recorded::TooManySources);
    assert_eq!(levels, Levels { left_out_us: 20, ..known }, "one that needs nothing is not missed");
    let heard = Activity { source: SourceId::new("pod-3").unwrap(), ..event(0, 2, Payload::Sessions(9)) };
    assert_eq!(levels.record(&heard), Recorded::Updated);
    assert_eq!(levels.n_sessions(), 499 + 9);
}

#[test]
fn a_source_at_zero_makes_room_and_one_with_a_level_does_not() {
    let mut levels = full();
    let next = event(1, 2, Payload::Sessions(9));
    assert_eq!(levels.record(&next), Recorded::Updated);
    assert!(!levels.sessions.contains_key("pod-7"));
    assert_eq!(levels.n_sessions(), 499 + 9);
    let another = Activity { source: SourceId::new("another").unwrap(), ..next };
    assert_eq!(levels.record(&another), Recorded::TooManySources, "the others still have sessions");
}

#[test]
fn invented_sources_at_zero_do_not_lock_a_real_one_out() {
    let mut levels = Levels::default();
    for n in 0..2_000_u64 {
        let source = SourceId::new(format!("invented-{n}")).unwrap();
        levels.record(&Activity { source, order: n, time_us: n, payload: runs(0, 0) });
    }
    assert_eq!(levels.runs.len(), MOST_SOURCES);
    assert_eq!(levels.record(&event(1, 2, runs(3, 0))), Recorded::Updated);
    assert!(!levels.runs.contains_key("invented-1500"), "the stalest goes");
    assert_eq!(levels.n_runs(), 3);
}

#[test]
fn sources_that_are_forgotten_make_room_and_those_that_count_do_not() {
    let mut levels = full();
    levels.sessions.remove("pod-7");
    let heard = Activity { source: SourceId::new("pod-3").unwrap(), ..event(0, 9, Payload::Sessions(1)) };
    levels.record(&heard);
    for (n, silent_us) in [(1, 11), (2, 11), (3, 11)] {
        let new = event(n, 20, Payload::Sessions(5));
        assert_eq!(levels.record_among(&new, silent_us), Recorded::Updated);
    }
    assert!(levels.sessions.contains_key("pod-3") && levels.sessions.contains_key("s1"));
    assert_eq!(levels.record_among(&event(4, 20, Payload::Sessions(5)), 10), Recorded::TooManySources);
}

/// 2026-11-22T10:15:00Z.
const NOW_US: u64 = 1_795_342_500_000_000;
const SECOND_US: u64 = 1_000_000;

/// A number of runs of one source, with a sequence, some seconds later.
fn told(sequence: u64, later_s: u64, queued: u32) -> Activity {
    Activity { time_us: NOW_US + later_s * SECOND_US, order: sequence, ..event(0, 1, runs(queued, 0)) }
}

#[test]
fn a_sequence_that_no_counter_reaches_is_not_believed_of_a_counter() {
    let mut levels = Levels::default();
    levels.record(&told(42, 0, 3));
    for wrong in [u64::MAX, 1 << 40, 42 + LEAP + 1, 777_777_777_777_777] {
        let leap = Recorded::Contradicted(Contradiction::Leap);
        assert_eq!(levels.record(&told(wrong, 1, 0)), leap, "{wrong}");
    }
    assert_eq!(levels.contradicted().map(|(_, n)| n).collect::<Vec<_>>(), [4]);
    assert_eq!(levels.record(&told(43, 2, 5)), Recorded::Updated);
    assert_eq!((levels.n_runs(), levels.contradicted().count()), (5, 0));
}

#[test]
fn a_source_may_move_from_a_counter_to_a_clock_of_any_unit() {
    for unit in [1, 1_000, SECOND_US, 1_000 * SECOND_US] {
        let mut levels = Levels::default();
        levels.record(&told(42, 0, 3));
        let clock = u64::try_from(u128::from(NOW_US) * u128::from(unit) / u128::from(SECOND_US)).unwrap();
        assert_eq!(levels.record(&told(clock, 1, 4)), Recorded::Updated, "{unit}");
        assert_eq!(levels.record(&told(clock + unit, 2, 5)), Recorded::Updated, "{unit}");
    }
}

#[test]
fn a_sequence_that_is_no_clock_and_no_counter_may_leap() {
    let mut levels = Levels::default();
    let flake = |ms: u64| (300_000_000_000 + ms) << 20;
    assert_eq!(levels.record(&told(flake(0), 0, 3)), Recorded::Updated);
    assert_eq!(levels.record(&told(flake(60_000), 60, 4)), Recorded::Updated);
}

#[test]
fn a_wrong_sequence_silences_its_source_for_ten_minutes_at_most() {
    let mut levels = Levels::default();
    levels.record(&told(42, 0, 3));
    // As large as one that is read can be.
    let wrong = (NOW_US + 300 * SECOND_US) * 1_000;
    assert_eq!(levels.record(&told(wrong, 1, 0)), Recorded::Updated);
    assert_eq!(levels.record(&told(43, 2, 5)), Recorded::Known);
    let back = Recorded::Contradicted(Contradiction::Back);
    for later_s in [62, 300, 601] {
        assert_eq!(levels.record(&told(43 + later_s, later_s, 5)), back, "{later_s}");
    }
    let n_ignored = levels.contradicted().next().map(|(_, n)| n);
    assert_eq!((levels.n_runs(), levels.runs["s0"].value.queued, n_ignored), (5, 0, Some(3)));
    assert_eq!(levels.record(&told(700, 602, 5)), Recorded::Updated);
    assert_eq!(levels.record(&told(701, 603, 6)), Recorded::Updated);
    assert_eq!((levels.n_runs(), levels.contradicted().count()), (6, 0));
}

#[test]
fn a_source_that_begins_to_count_anew_is_heard_again() {
    let mut levels = Levels::default();
    levels.record(&told(5_000, 0, 3));
    assert_eq!(levels.record(&told(1, 601, 1)), Recorded::Updated);
    assert_eq!(levels.n_runs(), 1);
    assert_eq!(levels.record(&told(4_999, 0, 9)), Recorded::Updated, "its sequence is larger");
    assert_eq!(levels.record(&told(2, 605, 2)), Recorded::Updated, "and soon overruled");
}

/// A number of running runs of one source.
fn running(sequence: u64, later_s: u64, running: u32) -> Activity {
    Activity { time_us: NOW_US + later_s * SECOND_US, order: sequence, ..event(0, 1, runs(0, running)) }
}

#[test]
fn of_a_level_and_one_that_contradicts_it_the_larger_counts_until_the_source_confirms_one() {
    let times_us = |levels: &Levels| (levels.run_seen_us - NOW_US) / SECOND_US;
    // It began anew after a minute, or at once; or its sequence leaps.
    for (sequence, later_s) in [(1, 300), (1, 61), (1, 30), (1, 2), (u64::MAX, 30), (1 << 40, 300)] {
        let mut levels = Levels::default();
        levels.record(&running(1_000, 0, 0));
        levels.record(&running(sequence, later_s, 2));
        assert_eq!((levels.n_running(), levels.n_runs(), times_us(&levels)), (2, 2, later_s), "{sequence}");
        levels.record(&running(sequence.saturating_add(1), later_s + 1, 1));
        assert_eq!((levels.n_running(), times_us(&levels)), (1, later_s + 1), "its own order goes on");
        levels.record(&running(1_001, later_s + 2, 0));
        assert_eq!(levels.n_running(), 0, "{sequence} was wrong");
        assert_eq!(levels.contradicted().count(), 0);
    }
    let mut levels = Levels::default();
    levels.record(&running(1_000, 0, 3));
    levels.record(&running(1, 300, 1));
    assert_eq!(levels.n_running(), 3, "the one recorded is the larger");
    levels.record(&running(1_001, 299, 4));
    assert_eq!((levels.n_running(), levels.contradicted().count()), (4, 1), "older than what contradicts it");
    levels.record(&running(2, 901, 0));
    assert_eq!(levels.n_running(), 0, "ten minutes without a word by the old order");
}

#[test]
fn what_contradicts_a_level_for_ten_minutes_replaces_it_without_another_event() {
    let mut levels = Levels::default();
    levels.record(&running(1_000, 0, 3));
    levels.record(&running(1, 300, 1));
    levels.record(&running(2, 500, 2));
    let at = |later_s: u64| levels.settled(NOW_US + later_s * SECOND_US);
    assert_eq!((at(900), at(900).n_running()), (levels.clone(), 3));
    assert_eq!(at(901).n_running(), 2);
    assert_eq!(at(901).contradicted().count(), 1, "an operator still learns of it");
    assert_eq!(at(901).without_silent(NOW_US + 500 * SECOND_US).0.n_running(), 2, "it was heard");
}

#[test]
fn an_event_that_was_overtaken_does_not_replace_what_overtook_it_however_long_it_is_quiet() {
    let mut levels = Levels::default();
    levels.record(&running(10, 0, 1));
    levels.record(&running(9, 30, 0));
    assert_eq!(levels.settled(u64::MAX).n_running(), 1);
    levels.record(&running(11, 31, 0));
    assert_eq!(levels.n_running(), 0);
}

#[test]
fn of_three_orders_of_one_source_none_hides_anothers_run() {
    for third in [1, 4, u64::MAX] {
        let mut levels = Levels::default();
        levels.record(&running(1_000, 0, 0));
        levels.record(&running(5, 100, 1));
        levels.record(&running(third, 200, 0));
        assert_eq!(levels.n_running(), 1, "{third}");
        // Ten minutes after the first, the second order is the one to contradict.
        levels.record(&running(u64::MAX - 1, 650, 0));
        assert_eq!(levels.n_running(), 1, "{third}");
    }
}

#[test]
fn larger_runs_are_larger_in_every_part() {
    let larger = |a: (u32, u32), b: (u32, u32)| {
        let of = |(queued, running)| Runs { queued, running };
        let Runs { queued, running } = of(a).larger(of(b));
        (queued, running)
    };
    assert_eq!(larger((5, 1), (0, 3)), (3, 3));
    assert_eq!(larger((0, 1), (0, 3)), (0, 3));
    assert_eq!(larger((u32::MAX, 9), (9, u32::MAX)), (0, u32::MAX));
}

#[test]
fn a_level_of_0_1_is_read_and_one_that_nothing_contradicts_is_written_like_it() {
    let json = r#"{"order":42,"value":{"queued":1,"running":2},"time_us":7}"#;
    let level: Level<Runs> = serde_json::from_str(json).unwrap();
    assert_eq!((level.n_ignored, level.beside), (0, None));
    assert_eq!(serde_json::to_string(&level).unwrap(), json);
    let mut levels = Levels::default();
    levels.record(&running(1_000, 0, 0));
    levels.record(&running(1, 300, 1));
    let again: Levels = serde_json::from_str(&serde_json::to_string(&levels).unwrap()).unwrap();
    assert_eq!(again, levels);
}
