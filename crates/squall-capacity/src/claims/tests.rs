//! Transitions of an instance, in any order.

use expect_test::expect;
use proptest::prelude::*;

use super::*;

const LEASE_US: u64 = 50;

fn id() -> InstanceId {
    InstanceId::new("i-1").unwrap()
}

fn source(name: &str) -> SourceId {
    SourceId::new(name).unwrap()
}

fn run(n: u32) -> RunId {
    RunId::new(format!("r-{n}")).unwrap()
}

/// A transition of a row.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Claim(u32),
    Release(u32),
    Started(u32),
    Finished(u32),
    Drain,
    Undrain,
    Gone,
    Wait(u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let run = 0_u32..4;
    prop_oneof![
        4 => run.clone().prop_map(Deed::Claim),
        3 => run.clone().prop_map(Deed::Release),
        2 => run.clone().prop_map(Deed::Started),
        2 => run.prop_map(Deed::Finished),
        3 => Just(Deed::Drain),
        2 => Just(Deed::Undrain),
        1 => Just(Deed::Gone),
        4 => (1_u64..40).prop_map(Deed::Wait),
    ]
}

/// The row after a deed; `None` when it writes nothing.
fn done(row: &InstanceRow, deed: Deed, slots: u32, now_us: u64) -> Option<InstanceRow> {
    match deed {
        Deed::Claim(n) => claim(Some(row), &id(), &run(n), slots, now_us, LEASE_US).ok(),
        Deed::Release(n) => release(row, &run(n), now_us),
        Deed::Started(n) => started(Some(row), &id(), (&run(n), &source("scheduler")), now_us, LEASE_US).ok(),
        Deed::Finished(n) => finished(Some(row), &id(), (&run(n), &source("scheduler")), now_us).ok(),
        Deed::Drain => drain(row, now_us),
        Deed::Undrain => undrain(row, now_us),
        Deed::Gone => Some(gone(row, now_us)),
        Deed::Wait(_) => None,
    }
}

/// A row after any sequence of deeds, and the time.
fn any_row() -> impl Strategy<Value = (InstanceRow, u64)> {
    prop::collection::vec(deed(), 0..30).prop_map(|deeds| {
        let mut row = InstanceRow::new(id(), 10);
        let mut now_us = 10;
        for deed in deeds {
            if let Deed::Wait(us) = deed {
                now_us += us;
            }
            row = done(&row, deed, 2, now_us).unwrap_or(row);
        }
        (row, now_us)
    })
}

/// How many runs' runners claim the instance.
fn n_own(row: &InstanceRow, now_us: u64) -> usize {
    row.live_runs(now_us).filter(|run| row.told_by(run).is_none()).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn of_all_successors_of_a_row_only_one_can_be_written((row, now_us) in any_row(), deed in deed()) {
        // A write is conditional on the version before: two with the same version exclude each other.
        if let Some(next) = done(&row, deed, 2, now_us) {
            prop_assert_eq!(next.version, row.version + 1);
            prop_assert_eq!(&next.id, &row.id);
        }
    }

    #[test]
    fn a_leaving_instance_is_not_claimed_and_a_claimed_one_is_not_drained((row, now_us) in any_row()) {
        let claimed = claim(Some(&row), &id(), &run(9), 2, now_us, LEASE_US);
        match row.state {
            State::Draining { .. } => prop_assert_eq!(claimed, Err(Refused::Draining)),
            State::Gone { .. } => prop_assert_eq!(claimed, Err(Refused::Gone)),
            State::Open if n_own(&row, now_us) >= 2 => prop_assert_eq!(claimed, Err(Refused::Full)),
            State::Open => {
                let claimed = claimed.unwrap();
                prop_assert!(claimed.is_claimed(now_us) && drain(&claimed, now_us).is_none());
                prop_assert!(n_own(&claimed, now_us) <= 2);
            }
        }
        prop_assert_eq!(drain(&row, now_us).is_some(), row.state == State::Open && !row.is_claimed(now_us));
    }

    #[test]
    fn a_run_renews_its_claim_in_any_state_of_the_instance((row, now_us) in any_row()) {
        let is_draining = row.draining_since_us().is_some();
        for here in row.live_runs(now_us).filter(|_| !is_draining) {
            let renewed = claim(Some(&row), &id(), here, 9, now_us, LEASE_US).unwrap();
            prop_assert_eq!(renewed.state, row.state);
            prop_assert_eq!(renewed.runs[here], now_us + LEASE_US);
        }
        prop_assert!(!is_draining || !row.is_claimed(now_us), "no run is on a draining instance");
    }

    #[test]
    fn what_is_gone_stays_gone((row, now_us) in any_row(), deed in deed()) {
        let row = gone(&row, now_us);
        let next = done(&row, deed, 2, now_us).unwrap_or_else(|| row.clone());
        prop_assert_eq!(next.state, row.state);
    }

    #[test]
    fn idle_begins_with_the_end_of_the_last_run_and_never_lies_ahead((row, now_us) in any_row()) {
        let idle = row.idle_since_us(now_us);
        prop_assert_eq!(idle.is_some(), row.state == State::Open && !row.is_claimed(now_us));
        prop_assert!(idle.is_none_or(|since_us| since_us <= now_us && row.runs.values().all(|it| *it <= since_us)));
    }

    #[test]
    fn a_run_reported_as_started_and_finished_in_any_order_is_over(
        (row, now_us) in any_row(),
        tail in prop::collection::vec(any::<bool>(), 0..6),
        is_finished_first in any::<bool>(),
    ) {
        let both = if is_finished_first { [false, true] } else { [true, false] };
        let mut row = row;
        for is_started in both.into_iter().chain(tail) {
            let deed = if is_started { Deed::Started(9) } else { Deed::Finished(9) };
            row = done(&row, deed, 2, now_us).unwrap_or(row);
        }
        prop_assert!(row.live_runs(now_us).all(|it| *it != run(9)));
        let released = release(&row, &run(9), now_us).unwrap_or(row);
        let late = started(Some(&released), &id(), (&run(9), &source("scheduler")), now_us, LEASE_US);
        prop_assert_eq!(late, Err(Ignored::Finished), "even after the runner has released it too");
    }

    #[test]
    fn the_runs_that_ended_are_bounded_and_the_last_one_is_remembered(ended in prop::collection::vec(0_u32..200, 1..150)) {
        let mut row = InstanceRow::new(id(), 0);
        for (now_us, n) in (0..).zip(ended) {
            row = finished(Some(&row), &id(), (&run(n), &source("scheduler")), now_us).unwrap();
            prop_assert!(row.runs.len() <= MOST_ENDED);
            prop_assert_eq!(row.runs.get(&run(n)), Some(&0));
        }
    }

    #[test]
    fn a_second_report_of_the_end_does_not_restart_the_idle_time((row, now_us) in any_row()) {
        let run = &(&run(9), &source("scheduler"));
        let once = finished(Some(&row), &id(), *run, now_us).unwrap();
        let twice = finished(Some(&once), &id(), *run, now_us + 30).unwrap();
        prop_assert_eq!(once.idle_since_us, twice.idle_since_us);
    }
}

#[test]
fn only_the_source_that_reported_a_run_ends_it() {
    let new = InstanceRow::new(id(), 0);
    let (ours, theirs) = (source("scheduler"), source("stranger"));
    let begun = started(Some(&new), &id(), (&run(1), &ours), 10, LEASE_US).unwrap();
    assert_eq!(finished(Some(&begun), &id(), (&run(1), &theirs), 11), Err(Ignored::OfAnother));
    assert_eq!(started(Some(&begun), &id(), (&run(1), &theirs), 11, 1), Err(Ignored::OfAnother));
    assert!(!finished(Some(&begun), &id(), (&run(1), &ours), 11).unwrap().is_claimed(11));

    let claimed = claim(Some(&new), &id(), &run(2), 1, 10, LEASE_US).unwrap();
    for theirs in [theirs, source("runner/i-1")] {
        assert_eq!(finished(Some(&claimed), &id(), (&run(2), &theirs), 11), Err(Ignored::OfAnother));
    }
    assert_eq!(release(&claimed, &run(2), 12).unwrap().reported_by.len(), 0);
}

#[test]
fn a_strangers_end_does_not_hide_the_run_that_starts_after_it() {
    let (ours, theirs) = (source("scheduler"), source("stranger"));
    let row = finished(None, &id(), (&run(1), &theirs), 5).unwrap();
    let row = started(Some(&row), &id(), (&run(1), &ours), 6, LEASE_US).unwrap();
    assert!(row.is_claimed(7));
    assert_eq!(finished(Some(&row), &id(), (&run(1), &theirs), 8), Err(Ignored::OfAnother));
}

#[test]
fn a_claim_of_an_earlier_version_ends_by_any_report() {
    let text = r#"{"id":"i-1","version":3,"state":"open","runs":{"r-1":99},"idle_since_us":7}"#;
    let row: InstanceRow = serde_json::from_str(text).unwrap();
    assert!(!finished(Some(&row), &id(), (&run(1), &source("scheduler")), 8).unwrap().is_claimed(8));
}

#[test]
fn a_row_of_an_earlier_version_that_is_gone_is_only_said_to_go() {
    let text = r#"{"id":"i-1","version":3,"state":{"gone":{"since_us":5}},"runs":{},"idle_since_us":7}"#;
    let row: InstanceRow = serde_json::from_str(text).unwrap();
    assert_eq!(row.told_since_us(), Some(5));
    assert_eq!(serde_json::to_string(&row).unwrap(), text);
    assert_eq!(terminating(&row, 9).told_since_us(), None);
}

#[test]
fn invented_runs_do_not_fill_a_row() {
    let mut row = InstanceRow::new(id(), 0);
    let stranger = source("stranger");
    for n in 0..u32::try_from(MOST_RUNS).unwrap() {
        row = started(Some(&row), &id(), (&run(n), &stranger), 1, LEASE_US).unwrap();
    }
    assert_eq!(started(Some(&row), &id(), (&run(9_999), &stranger), 1, LEASE_US), Err(Ignored::TooMany));
    started(Some(&row), &id(), (&run(9_999), &stranger), 1 + LEASE_US, LEASE_US).unwrap();
}

fn shown(row: &InstanceRow, now_us: u64) -> String {
    let runs: Vec<_> = row.runs.iter().map(|(run, until_us)| format!("{run} until {until_us}")).collect();
    let idle =
        row.idle_since_us(now_us).map_or("not idle".to_owned(), |since_us| format!("idle since {since_us}"));
    format!("{:?} [{}], {idle}", row.state, runs.join(", "))
}

#[test]
fn an_instance_goes_through_its_life() {
    let mut table = String::new();
    let mut row = InstanceRow::new(id(), 0);
    let deeds = [
        (10, Deed::Claim(1)),
        (20, Deed::Claim(2)),
        (20, Deed::Claim(3)),
        (30, Deed::Claim(1)),
        (30, Deed::Drain),
        (40, Deed::Release(2)),
        (41, Deed::Release(2)),
        (80, Deed::Drain),
        (81, Deed::Claim(1)),
        (82, Deed::Started(7)),
        (83, Deed::Finished(7)),
        (84, Deed::Started(7)),
        (90, Deed::Drain),
        (91, Deed::Undrain),
        (92, Deed::Undrain),
        (95, Deed::Claim(4)),
        (96, Deed::Gone),
        (97, Deed::Claim(4)),
        (98, Deed::Claim(5)),
        (99, Deed::Undrain),
    ];
    for (now_us, deed) in deeds {
        let next = done(&row, deed, 2, now_us);
        let refused = match deed {
            Deed::Claim(n) => claim(Some(&row), &id(), &run(n), 2, now_us, LEASE_US).err(),
            _ => None,
        };
        let why = refused.map_or("nothing".to_owned(), |it| it.to_string());
        table
            .push_str(&format!("{now_us} {deed:?}: {}\n", next.as_ref().map_or(why, |it| shown(it, now_us))));
        row = next.unwrap_or(row);
    }
    expect![[r#"
        10 Claim(1): Open [r-1 until 60], not idle
        20 Claim(2): Open [r-1 until 60, r-2 until 70], not idle
        20 Claim(3): the instance already has as many runs as it takes
        30 Claim(1): Open [r-1 until 80, r-2 until 70], not idle
        30 Drain: nothing
        40 Release(2): Open [r-1 until 80], not idle
        41 Release(2): nothing
        80 Drain: Draining { since_us: 80 } [r-1 until 80], not idle
        81 Claim(1): Open [r-1 until 131], not idle
        82 Started(7): Open [r-1 until 131, r-7 until 132], not idle
        83 Finished(7): Open [r-1 until 131, r-7 until 0], not idle
        84 Started(7): nothing
        90 Drain: nothing
        91 Undrain: nothing
        92 Undrain: nothing
        95 Claim(4): Open [r-1 until 131, r-4 until 145, r-7 until 0], not idle
        96 Gone: Gone { since_us: 96, is_terminating: false } [r-1 until 131, r-4 until 145, r-7 until 0], not idle
        97 Claim(4): Gone { since_us: 96, is_terminating: false } [r-1 until 131, r-4 until 147, r-7 until 0], not idle
        98 Claim(5): the instance is gone: it was terminated, or is about to be reclaimed
        99 Undrain: nothing
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_run_that_somebody_reports_refuses_the_instance_to_no_runner() {
    let told = started(None, &id(), (&run(1), &source("stranger")), 10, 1_000).unwrap();
    let own = claim(Some(&told), &id(), &run(2), 1, 11, LEASE_US).unwrap();
    assert_eq!(own.live_runs(12).count(), 2, "the reported run still keeps the instance");
    assert_eq!(claim(Some(&own), &id(), &run(3), 1, 12, LEASE_US), Err(Refused::Full));
    let both = claim(Some(&own), &id(), &run(1), 1, 12, LEASE_US);
    assert_eq!(both, Err(Refused::Full), "nor does a report give a runner a place that another has");
}

#[test]
fn no_event_claims_in_the_name_of_the_instances_runner() {
    let runner = source(&runner_source(&id()));
    let begun = started(None, &id(), (&run(1), &runner), 10, 1_000);
    assert_eq!(begun, Err(Ignored::OfAnother));
    let row = InstanceRow::new(id(), 10);
    assert_eq!(finished(Some(&row), &id(), (&run(1), &runner), 10), Err(Ignored::OfAnother));
}
