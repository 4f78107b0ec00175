//! Situations and the decisions of a tick.

use expect_test::expect;

use super::*;
use crate::claims::{claim, drain, gone, terminating};
use crate::events::Runs;
use crate::ids::{RunId, SourceId};
use crate::levels::{Level, Levels};
use crate::policy::{Standby, Step};
use crate::seen::{NOW_US, id, instance, policy};

const LONG_AGO_US: u64 = 1_000_000;

/// `n_runs` runs, reported long ago; a group of 0 to 9 with `n` instances, all in service and idle for long.
fn seen(n_runs: u32, n: u32) -> ScaleInObservation {
    let mut levels = Levels::default();
    let level = Level::new(1, Runs { queued: n_runs, running: 0 }, LONG_AGO_US);
    levels.runs.insert(SourceId::new("scheduler").unwrap(), level);
    levels.run_seen_us = LONG_AGO_US;
    let instances = (0..n).map(|n| instance(n, Lifecycle::InService)).collect();
    let group = Group { name: "runs".to_owned(), min: 0, max: 9, desired: n, instances, cooling_until_us: 0 };
    let instances = (0..n).map(|n| InstanceRow::new(id(n), LONG_AGO_US)).collect();
    let now = ScaleOutObservation { now_us: NOW_US, group, levels, instances };
    ScaleInObservation { now, most_sessions: None, most_runs: Some(n_runs) }
}

fn with(mut seen: ScaleInObservation, change: impl FnOnce(&mut ScaleInObservation)) -> ScaleInObservation {
    change(&mut seen);
    seen
}

fn claimed(seen: ScaleInObservation, n: usize) -> ScaleInObservation {
    with(seen, |it| {
        let row = &it.now.instances[n];
        let run = RunId::new("r-1").unwrap();
        it.now.instances[n] = claim(Some(row), &row.id, &run, 1, NOW_US - 1, 1_000).unwrap();
    })
}

/// With `n` of its runs running.
fn running(seen: ScaleInObservation, n: u32) -> ScaleInObservation {
    with(seen, |it| it.now.levels.runs.values_mut().for_each(|level| level.value.running = n))
}

fn drained(seen: ScaleInObservation, n: usize, since_us: u64) -> ScaleInObservation {
    with(seen, |it| it.now.instances[n] = drain(&it.now.instances[n], since_us).unwrap())
}

/// Drained by a tick, and about to be terminated by it.
fn gone_since(seen: ScaleInObservation, n: usize, since_us: u64) -> ScaleInObservation {
    with(seen, |it| it.now.instances[n] = terminating(&it.now.instances[n], since_us))
}

/// Only said to go.
fn told_since(seen: ScaleInObservation, n: usize, since_us: u64) -> ScaleInObservation {
    with(seen, |it| it.now.instances[n] = gone(&it.now.instances[n], since_us))
}

fn bounds(seen: ScaleInObservation, min: u32, max: u32) -> ScaleInObservation {
    with(seen, |it| (it.now.group.min, it.now.group.max) = (min, max))
}

fn numbers(ids: &[InstanceId]) -> String {
    ids.iter().map(|id| id.as_str().trim_start_matches("i-00")).collect::<Vec<_>>().join(" ")
}

fn table(situations: Vec<(&str, Policy, ScaleInObservation)>) -> String {
    let mut table = String::new();
    for (what, policy, seen) in situations {
        let tick = plan_tick(&policy, &seen);
        table.push_str(&format!("{what}\n "));
        table.push_str(&tick.hold.map_or(String::new(), |hold| format!(" {hold:?}")));
        let Tick { adopt, lost, killed, forget, drain, terminate, reopen, .. } = &tick;
        let lists = [
            ("drain", drain),
            ("terminate", terminate),
            ("reopen", reopen),
            ("adopt", adopt),
            ("lost", lost),
            ("killed", killed),
            ("forget", forget),
        ];
        for (name, ids) in lists.iter().filter(|(_, ids)| !ids.is_empty()) {
            table.push_str(&format!(" {name} {}", numbers(ids)));
        }
        if !tick.scale_out.is_enough() {
            table.push_str(&format!(" first {:?}", tick.scale_out.raise));
        }
        table.push_str(&format!("\n  {}\n", tick.reason));
    }
    table
}

#[test]
fn by_instance_the_long_idle_are_drained() {
    let standing_by = Policy {
        standby: Standby { steps: vec![Step { sessions: 1, instances: 2 }], decay_s: None, floor: 0 },
        ..policy()
    };
    let few = Policy { scale_in: ScaleIn::ByInstance { idle_s: 300, most_per_tick: 2 }, ..policy() };
    let brief = |seen: ScaleInObservation, n: usize, s: u32| {
        with(seen, |it| it.now.instances[n].idle_since_us = NOW_US - us(s))
    };
    let situations = vec![
        ("no runs for long", policy(), seen(0, 3)),
        ("no instance", policy(), seen(0, 0)),
        ("at the minimum", policy(), bounds(seen(0, 3), 3, 9)),
        ("a group that cannot change", policy(), bounds(seen(0, 3), 3, 3)),
        ("no more than two at once", few, seen(0, 5)),
        ("two of three needed", policy(), seen(2, 3)),
        ("two needed by the metric", policy(), with(seen(0, 3), |it| it.most_runs = Some(2))),
        ("the metric has no data", policy(), with(seen(0, 3), |it| it.most_runs = None)),
        (
            "no level reported",
            policy(),
            with(seen(0, 3), |it| (it.most_runs, it.now.levels) = (None, Levels::default())),
        ),
        ("no session level reported", standing_by.clone(), seen(0, 3)),
        ("a session", standing_by, with(seen(0, 3), |it| it.most_sessions = Some(1))),
        ("one works", policy(), running(claimed(seen(0, 3), 0), 1)),
        ("one busy and unclaimed", policy(), running(seen(0, 3), 1)),
        ("two busy, one of them unclaimed", policy(), running(claimed(seen(0, 4), 0), 2)),
        ("one busy and not reported", policy(), claimed(seen(0, 1), 0)),
        ("idle not long enough", policy(), brief(seen(0, 1), 0, 299)),
        ("idle just long enough", policy(), brief(seen(0, 1), 0, 300)),
        ("the longest idle first", policy(), brief(brief(seen(1, 3), 0, 301), 1, 302)),
        (
            "one boots",
            policy(),
            with(seen(0, 1), |it| it.now.group.instances[0].lifecycle = Lifecycle::Pending),
        ),
        ("desired instances that do not arrive", policy(), with(seen(1, 2), |it| it.now.group.desired = 5)),
        ("fewer desired than live", policy(), with(seen(0, 3), |it| it.now.group.desired = 2)),
        ("fewer there than needed", policy(), seen(4, 3)),
        ("five hundred", policy(), bounds(seen(500, 9), 0, 500)),
    ];
    expect![[r#"
        no runs for long
          drain 0 1 2
          at most 0 runs and 0 sessions in the window need 0 of 3: draining 3: i-000, i-001, i-002
        no instance
          Needed
          at most 0 runs and 0 sessions in the window need 0, the bounds are 0 to 9; 0 of 0 desired take runs: none to spare
        at the minimum
          Needed
          at most 0 runs and 0 sessions in the window need 0, the bounds are 3 to 9; 3 of 3 desired take runs: none to spare
        a group that cannot change
          Needed
          at most 0 runs and 0 sessions in the window need 0, the bounds are 3 to 3; 3 of 3 desired take runs: none to spare
        no more than two at once
          drain 0 1
          at most 0 runs and 0 sessions in the window need 0 of 5: draining 2: i-000, i-001
        two of three needed
          drain 0
          at most 2 runs and 0 sessions in the window need 2 of 3: draining 1: i-000
        two needed by the metric
          drain 0
          at most 2 runs and 0 sessions in the window need 2 of 3: draining 1: i-000
        the metric has no data
          drain 0 1 2
          at most 0 runs and 0 sessions in the window need 0 of 3: draining 3: i-000, i-001, i-002
        no level reported
          RunsUnknown
          no run level reported yet: holding
        no session level reported
          SessionsUnknown
          no session level reported yet: holding
        a session
          drain 0
          at most 0 runs and 1 sessions in the window need 2 of 3: draining 1: i-000
        one works
          drain 1 2
          at most 1 runs and 0 sessions in the window need 1 of 3: draining 2: i-001, i-002
        one busy and unclaimed
          Unclaimed
          1 of 3 are needed, but more runs are running than have claimed an instance: any may be busy
        two busy, one of them unclaimed
          Unclaimed
          2 of 4 are needed, but more runs are running than have claimed an instance: any may be busy
        one busy and not reported
          NoneIdle
          0 of 1 are needed, but none has been idle for long enough
        idle not long enough
          NoneIdle
          0 of 1 are needed, but none has been idle for long enough
        idle just long enough
          drain 0
          at most 0 runs and 0 sessions in the window need 0 of 1: draining 1: i-000
        the longest idle first
          drain 2 1
          at most 1 runs and 0 sessions in the window need 1 of 3: draining 2: i-002, i-001
        one boots
          Needed
          at most 0 runs and 0 sessions in the window need 0, the bounds are 0 to 9; 0 of 1 desired take runs: none to spare
        desired instances that do not arrive
          drain 0
          at most 1 runs and 0 sessions in the window need 1 of 5: draining 1: i-000
        fewer desired than live
          DesiredBelowLive first SetDesired { to: 3 }
          2 are desired and 3 live: holding until the desired capacity is raised
        fewer there than needed
          Needed first SetDesired { to: 4 }
          at most 4 runs and 0 sessions in the window need 4, the bounds are 0 to 9; 3 of 3 desired take runs: none to spare
        five hundred
          Needed first SetDesired { to: 500 }
          at most 500 runs and 0 sessions in the window need 500, the bounds are 0 to 500; 9 of 9 desired take runs: none to spare
    "#]]
    .assert_eq(&table(situations));
}

#[test]
fn all_idle_drains_all_or_none() {
    let policy = Policy { scale_in: ScaleIn::AllIdle {}, ..policy() };
    let ran = |s: u32| with(seen(0, 3), |it| it.now.levels.run_seen_us = NOW_US - us(s));
    let situations = vec![
        ("no runs for long", policy.clone(), seen(0, 3)),
        ("to the minimum", policy.clone(), bounds(seen(0, 3), 1, 9)),
        ("a run, now", policy.clone(), seen(1, 3)),
        ("a run, by the metric", policy.clone(), with(seen(0, 3), |it| it.most_runs = Some(1))),
        ("a run that the metric does not know yet", policy.clone(), ran(599)),
        ("the last run was a window ago", policy.clone(), ran(600)),
        ("one busy and not reported", policy.clone(), claimed(seen(0, 3), 1)),
        ("cooling down", policy.clone(), with(seen(0, 3), |it| it.now.group.cooling_until_us = NOW_US + 1)),
        (
            "an activity is in progress",
            policy.clone(),
            with(seen(0, 3), |it| it.now.group.cooling_until_us = u64::MAX),
        ),
        ("cooled down", policy, with(seen(0, 3), |it| it.now.group.cooling_until_us = NOW_US)),
    ];
    expect![[r#"
        no runs for long
          drain 0 1 2
          at most 0 runs and 0 sessions in the window need 0 of 3: draining 3: i-000, i-001, i-002
        to the minimum
          drain 0 1
          at most 0 runs and 0 sessions in the window need 0 of 3: draining 2: i-000, i-001
        a run, now
          NotQuiet
          1 of 3 are needed, but a run was active within the window: all or none
        a run, by the metric
          NotQuiet
          1 of 3 are needed, but a run was active within the window: all or none
        a run that the metric does not know yet
          NotQuiet
          0 of 3 are needed, but a run was active within the window: all or none
        the last run was a window ago
          drain 0 1 2
          at most 0 runs and 0 sessions in the window need 0 of 3: draining 3: i-000, i-001, i-002
        one busy and not reported
          NotQuiet
          0 of 3 are needed, but a run was active within the window: all or none
        cooling down
          Cooling
          0 of 3 are needed, but the group is changing or cooling down
        an activity is in progress
          Cooling
          0 of 3 are needed, but the group is changing or cooling down
        cooled down
          drain 0 1 2
          at most 0 runs and 0 sessions in the window need 0 of 3: draining 3: i-000, i-001, i-002
    "#]]
    .assert_eq(&table(situations));
}

#[test]
fn leftovers_of_other_ticks_are_cleaned_up() {
    let old = NOW_US - DRAIN_GRACE_US;
    let leaves =
        |seen: ScaleInObservation| with(seen, |it| it.now.group.instances[0].lifecycle = Lifecycle::Leaving);
    let left = |seen: ScaleInObservation| {
        with(seen, |it| {
            it.now.group.instances.remove(0);
            it.now.group.desired -= 1;
        })
    };
    let situations = vec![
        ("new to the ledger", policy(), with(seen(2, 2), |it| it.now.instances.clear())),
        ("drained just now", policy(), drained(seen(1, 2), 0, old + 1)),
        ("drained, and the tick died", policy(), drained(seen(1, 2), 0, old)),
        ("drained, and needed again", policy(), drained(seen(2, 2), 0, old)),
        ("gone, and the call died", policy(), gone_since(seen(1, 2), 0, old)),
        ("gone, and needed again", policy(), gone_since(seen(2, 2), 0, old)),
        ("gone, at the maximum", policy(), bounds(gone_since(seen(2, 2), 0, old), 0, 2)),
        ("gone, in a group that cannot change", policy(), bounds(gone_since(seen(2, 2), 0, old), 2, 2)),
        ("gone, with a run that started anyway", policy(), gone_since(claimed(seen(1, 2), 0), 0, old)),
        ("gone, and a run is unclaimed", policy(), running(gone_since(seen(0, 2), 0, old), 1)),
        ("drained, and a run is unclaimed", policy(), running(drained(seen(0, 2), 0, old), 1)),
        ("said to go", policy(), told_since(seen(1, 2), 0, NOW_US - TOLD_US + 1)),
        ("said to go long ago", policy(), told_since(seen(1, 2), 0, NOW_US - TOLD_US)),
        ("said to go long ago, and busy", policy(), told_since(claimed(seen(1, 2), 0), 0, NOW_US - TOLD_US)),
        (
            "all said to go, and a run is unclaimed",
            policy(),
            running(told_since(told_since(seen(0, 2), 0, 1), 1, 1), 1),
        ),
        ("terminated from outside, idle", policy(), leaves(seen(1, 2))),
        ("terminated from outside, with its run", policy(), leaves(claimed(seen(1, 2), 0))),
        ("left, gone just now", policy(), left(gone_since(seen(1, 2), 0, old + 1))),
        ("left, gone long ago", policy(), left(gone_since(seen(1, 2), 0, old))),
        ("left with its run, gone long ago", policy(), left(gone_since(claimed(seen(1, 2), 0), 0, old))),
        ("left, idle", policy(), left(seen(1, 2))),
        ("left, or not listed yet, with a claim", policy(), left(claimed(seen(1, 2), 0))),
    ];
    expect![[r#"
        new to the ledger
          Needed adopt 0 1
          at most 2 runs and 0 sessions in the window need 2, the bounds are 0 to 9; 2 of 2 desired take runs: none to spare
        drained just now
          Needed
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 2 desired take runs: none to spare
        drained, and the tick died
          Needed terminate 0
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 2 desired take runs: none to spare; drained earlier and still there: i-000
        drained, and needed again
          Needed first Hold
          at most 2 runs and 0 sessions in the window need 2, the bounds are 0 to 9; 1 of 2 desired take runs: none to spare
        gone, and the call died
          Needed terminate 0
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 2 desired take runs: none to spare; drained earlier and still there: i-000
        gone, and needed again
          Needed terminate 0 first SetDesired { to: 3 }
          at most 2 runs and 0 sessions in the window need 2, the bounds are 0 to 9; 1 of 2 desired take runs: none to spare; drained earlier and still there: i-000
        gone, at the maximum
          Needed terminate 0
          at most 2 runs and 0 sessions in the window need 2, the bounds are 0 to 2; 1 of 2 desired take runs: none to spare; drained earlier and still there: i-000
        gone, in a group that cannot change
          Needed reopen 0
          at most 2 runs and 0 sessions in the window need 2, the bounds are 2 to 2; 1 of 2 desired take runs: none to spare; still in service, taking runs again: i-000
        gone, with a run that started anyway
          Needed
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 2 desired take runs: none to spare
        gone, and a run is unclaimed
          Needed reopen 0
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 2 desired take runs: none to spare; still in service, taking runs again: i-000
        drained, and a run is unclaimed
          Needed reopen 0
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 2 desired take runs: none to spare; still in service, taking runs again: i-000
        said to go
          Needed
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 2 desired take runs: none to spare
        said to go long ago
          Needed reopen 0
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 2 desired take runs: none to spare; still in service, taking runs again: i-000
        said to go long ago, and busy
          Needed reopen 0
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 2 desired take runs: none to spare; still in service, taking runs again: i-000
        all said to go, and a run is unclaimed
          Needed reopen 0 1 first SetDesired { to: 3 }
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 0 of 2 desired take runs: none to spare; still in service, taking runs again: i-000, i-001
        terminated from outside, idle
          Needed lost 0
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 2 desired take runs: none to spare
        terminated from outside, with its run
          Needed lost 0
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 2 desired take runs: none to spare
        left, gone just now
          Needed
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 1 desired take runs: none to spare
        left, gone long ago
          Needed forget 0
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 1 desired take runs: none to spare
        left with its run, gone long ago
          Needed killed 0 forget 0
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 1 desired take runs: none to spare
        left, idle
          Needed lost 0
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 1 desired take runs: none to spare
        left, or not listed yet, with a claim
          Needed
          at most 1 runs and 0 sessions in the window need 1, the bounds are 0 to 9; 1 of 1 desired take runs: none to spare
    "#]].assert_eq(&table(situations));
}
