//! Groups of every size and state, through both controllers.

use std::fmt::Write as _;

use expect_test::expect;
use futures::executor::block_on;
use squall_capacity::group::Lifecycle;
use squall_capacity::policy::Policy;

use super::events;
use super::world::{World, instance};
use crate::scale_in::TimerEvent;
use crate::{scale_in, scale_out};

/// Two runs per instance; three instances on standby for ten sessions; instances idle for five minutes are terminated.
pub(crate) fn policy() -> Policy {
    let json = r#"{
        "runs_per_instance": 2,
        "standby": {"steps": [{"sessions": 1, "instances": 1}, {"sessions": 10, "instances": 3}]},
        "scale_in": {"mode": "by_instance", "idle_s": 300}
    }"#;
    Policy::from_json(json).unwrap()
}

/// Reports these numbers, as the platform would.
pub(crate) fn has_sessions_and_runs(world: &World, n_sessions: u32, n_runs: u32) {
    let time = "2026-11-21T08:59:00Z";
    let sessions = format!(
        r#"{{"version": 1, "type": "session_activity", "source": "a", "time": "{time}", "active_sessions": {n_sessions}}}"#
    );
    let runs = format!(
        r#"{{"version": 1, "type": "run_activity", "source": "a", "time": "{time}", "queued_runs": {n_runs}, "running_runs": 0}}"#
    );
    let mut state = world.state();
    for text in [sessions, runs] {
        let now_us = state.now_us;
        state.levels.record(&squall_capacity::events::Activity::from_json(&text, now_us).unwrap());
    }
}

/// The changes of a group by an event, a tick, and another tick once idle instances may be terminated.
fn becomes(world: &World) -> String {
    let mut story = String::new();
    let mut note = |what: &str, done: Result<(), crate::Failure>| {
        let group = world.seen().group;
        let failed = done.err().map(|failure| format!(", failed: {failure:?}")).unwrap_or_default();
        let (desired, n_live) = (group.desired, group.n_live());
        write!(story, "{what} {desired} desired {n_live} live{failed}; ").unwrap();
    };
    let (ports, policy) = (world.ports(), policy());
    note("at first", Ok(()));
    let event = events::read("scale-out", "runs.json");
    note("runs", block_on(scale_out::handle(&ports, &policy, event)));
    for instance in &mut world.state().group.instances {
        if instance.lifecycle == Lifecycle::Pending {
            instance.lifecycle = Lifecycle::InService;
        }
    }
    note("tick", block_on(scale_in::handle(&ports, &policy, TimerEvent)));
    {
        let mut state = world.state();
        state.levels.runs.clear();
        state.points.clear();
    }
    has_sessions_and_runs(world, 0, 0);
    world.state().now_us += 301_000_000;
    note("later", block_on(scale_in::handle(&ports, &policy, TimerEvent)));
    story
}

fn with(lifecycles: &[Lifecycle]) -> World {
    let world = World::new(0, 20, &[]);
    let instances = lifecycles.iter().enumerate().map(|(n, it)| instance(&format!("i-{n:03}"), *it));
    world.state().group.instances = instances.collect();
    let n_live = world.seen().group.n_live();
    world.state().group.desired = n_live;
    world
}

#[test]
fn groups_of_every_kind_become_what_they_have_to_be() {
    let ids: Vec<String> = (0..500).map(|n| format!("i-{n:03}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let below = World::new(3, 9, &["i-1"]);
    let above = World::new(0, 2, &["i-1", "i-2", "i-3", "i-4"]);
    let stale = World::new(0, 9, &ids[..6]);
    stale.state().group.desired = 2;
    let every = [Lifecycle::Pending, Lifecycle::InService, Lifecycle::Standby, Lifecycle::Leaving];
    let every: Vec<_> = every.iter().flat_map(|it| [*it; 3]).collect();
    let situations = [
        ("none", World::new(0, 9, &[])),
        ("none, and none may be", World::new(0, 0, &[])),
        ("min = max", World::new(2, 2, &["i-1", "i-2"])),
        ("desired below the minimum", below),
        ("desired above the maximum", above),
        ("desired below what lives", stale),
        ("500", World::new(0, 1_000, &ids)),
        ("every state", with(&every)),
        ("all pending", with(&[Lifecycle::Pending; 3])),
        ("all aside", with(&[Lifecycle::Standby; 3])),
        ("all leaving", with(&[Lifecycle::Leaving; 3])),
    ];
    let mut table = String::new();
    for (what, world) in &situations {
        writeln!(table, "{what}\n    {}", becomes(world).trim_end_matches("; ")).unwrap();
        let state = world.seen();
        assert!(state.lines.iter().all(|line| line.starts_with('{')), "{what}");
    }
    expect![[r#"
        none
            at first 0 desired 0 live; runs 4 desired 4 live; tick 4 desired 4 live; later 0 desired 0 live
        none, and none may be
            at first 0 desired 0 live; runs 0 desired 0 live; tick 0 desired 0 live; later 0 desired 0 live
        min = max
            at first 2 desired 2 live; runs 2 desired 2 live; tick 2 desired 2 live; later 2 desired 2 live
        desired below the minimum
            at first 1 desired 1 live; runs 4 desired 4 live; tick 4 desired 4 live; later 3 desired 3 live
        desired above the maximum
            at first 4 desired 4 live; runs 4 desired 4 live; tick 4 desired 4 live; later 0 desired 0 live
        desired below what lives
            at first 2 desired 6 live; runs 6 desired 6 live; tick 6 desired 6 live; later 0 desired 0 live
        500
            at first 500 desired 500 live; runs 500 desired 500 live; tick 500 desired 500 live; later 480 desired 480 live
        every state
            at first 6 desired 6 live; runs 6 desired 6 live; tick 6 desired 6 live; later 0 desired 0 live
        all pending
            at first 3 desired 3 live; runs 4 desired 4 live; tick 4 desired 4 live; later 0 desired 0 live
        all aside
            at first 0 desired 0 live; runs 4 desired 4 live; tick 4 desired 4 live; later 0 desired 0 live
        all leaving
            at first 0 desired 0 live; runs 4 desired 4 live; tick 4 desired 4 live; later 0 desired 0 live
    "#]].assert_eq(&table);
}
