//! Small worlds: at most three instances, two events, two runs, and few faults, so that every order of events is
//! explored.

use squall_capacity::events::{Activity, Notice, Payload, Runs, runner_source};
use squall_capacity::ids::{InstanceId, SourceId};
use squall_capacity::launch::Launch;
use squall_capacity::policy::{Policy, RaiseBy, ScaleIn};
use squall_capacity::scale_in::{DRAIN_GRACE_US, TOLD_US};

use super::state::{Budget, Scenario};
use crate::fleet::model::GroupSettings;

/// Boot time and termination time of an instance, microseconds.
const BOOT_US: u64 = 100_000_000;

fn policy() -> Policy {
    Policy::from_json(
        r#"{"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300},
            "standby": {"steps": [{"sessions": 1, "instances": 2}]}}"#,
    )
    .unwrap()
}

fn event(source: &str, order: u64, payload: Payload) -> Activity {
    Activity { source: SourceId::new(source).unwrap(), order, time_us: order, payload }
}

/// A number of queued runs, as reported by the scheduler.
pub(super) fn runs(order: u64, queued: u32) -> Activity {
    let level = Runs { queued, running: 0 };
    event("scheduler", order, Payload::Runs { level, started: Vec::new(), finished: Vec::new() })
}

/// A number of sessions, as reported by the web server.
pub(super) fn sessions(order: u64, n: u32) -> Activity {
    event("web", order, Payload::Sessions(n))
}

/// A notice that an instance is about to be reclaimed, in its name.
pub(super) fn told_to_go(instance: &str) -> Activity {
    let instance_id = InstanceId::new(instance).unwrap();
    let source = runner_source(&instance_id);
    event(&source, 2, Payload::Notice { instance_id, notice: Notice::SpotInterruption })
}

fn scenario() -> Scenario {
    let group = GroupSettings {
        max: 3,
        boot_us: (BOOT_US, BOOT_US),
        terminate_us: BOOT_US,
        ..GroupSettings::default()
    };
    Scenario {
        policy: policy(),
        group,
        n_serving: 0,
        before: vec![runs(1, 0), sessions(1, 0)],
        launch_left: None,
        events: Vec::new(),
        n_runs: 0,
        leaps_us: Vec::new(),
        most: None,
        budget: Budget::default(),
    }
}

/// Two scale-outs, for one run and then for three.
pub(super) fn two_scale_outs() -> Scenario {
    let budget = Budget { duplicates: 1, ..Budget::default() };
    Scenario { events: vec![runs(2, 1), runs(3, 3)], budget, ..scenario() }
}

/// Sessions and runs rise at once; an actor dies.
pub(super) fn sessions_and_runs() -> Scenario {
    let budget = Budget { crashes: 1, faults: 1, ..Budget::default() };
    Scenario { events: vec![sessions(2, 1), runs(2, 3)], budget, ..scenario() }
}

/// A message is lost, a tick looks while the other is processed, and an actor dies.
pub(super) fn lost_message() -> Scenario {
    let budget = Budget { losses: 1, crashes: 1, ticks: 1, ..Budget::default() };
    Scenario { events: vec![runs(2, 3), runs(3, 1)], budget, ..scenario() }
}

/// Runs are announced while a tick drains two idle instances.
pub(super) fn scale_out_meets_scale_in() -> Scenario {
    let budget = Budget { ticks: 1, crashes: 1, faults: 1, ..Budget::default() };
    Scenario { n_serving: 2, events: vec![runs(2, 2)], budget, ..scenario() }
}

/// Two concurrent ticks, one of which may die, and leaps of time.
pub(super) fn scale_in_overlaps() -> Scenario {
    let budget = Budget { ticks: 2, crashes: 1, faults: 1, waits: 1, ..Budget::default() };
    Scenario { n_serving: 2, leaps_us: vec![DRAIN_GRACE_US], budget, ..scenario() }
}

/// A run looks for an instance while a tick drains all idle ones.
pub(super) fn run_meets_scale_in() -> Scenario {
    let budget = Budget { ticks: 1, faults: 1, crashes: 1, waits: 1, ..Budget::default() };
    Scenario { n_serving: 2, n_runs: 1, leaps_us: vec![DRAIN_GRACE_US], budget, ..scenario() }
}

/// Two runs look for an instance, one of which is surplus.
pub(super) fn two_runs_meet_scale_in() -> Scenario {
    let budget = Budget { ticks: 1, ..Budget::default() };
    Scenario { n_serving: 2, n_runs: 2, before: vec![runs(1, 1), sessions(1, 0)], budget, ..scenario() }
}

/// A run, two concurrent ticks, and leaps of time.
pub(super) fn run_meets_two_ticks() -> Scenario {
    let budget = Budget { ticks: 2, waits: 1, faults: 1, ..Budget::default() };
    Scenario { n_serving: 1, n_runs: 1, leaps_us: vec![DRAIN_GRACE_US], budget, ..scenario() }
}

/// A run on a group that does not protect new instances.
pub(super) fn unprotected_group() -> Scenario {
    let mut scenario = run_meets_scale_in();
    scenario.group.protected_from_launch = false;
    scenario.budget = Budget { ticks: 1, ..Budget::default() };
    scenario
}

/// Two scale-outs, a run and a tick.
pub(super) fn everybody() -> Scenario {
    let budget = Budget { ticks: 1, faults: 1, ..Budget::default() };
    Scenario { n_serving: 1, n_runs: 1, events: vec![runs(2, 2)], budget, ..scenario() }
}

/// A stranger tells an instance to go, in its name, while a run looks for one and a tick looks whether it went.
pub(super) fn told_to_go_by_a_stranger() -> Scenario {
    let budget = Budget { ticks: 1, waits: 1, ..Budget::default() };
    let events = vec![told_to_go("i-00000001")];
    Scenario { n_serving: 1, n_runs: 1, events, leaps_us: vec![TOLD_US], budget, ..scenario() }
}

/// The same in a group that can neither shrink nor grow.
pub(super) fn told_to_go_in_a_full_group() -> Scenario {
    let mut scenario = told_to_go_by_a_stranger();
    (scenario.group.min, scenario.group.max) = (1, 1);
    scenario
}

/// A surplus instance beside needed ones.
pub(super) fn one_too_many() -> Scenario {
    Scenario { n_serving: 3, before: vec![runs(1, 2), sessions(1, 0)], ..run_meets_scale_in() }
}

/// Two scale-outs that launch with tokens; a reply is lost.
pub(super) fn launches() -> Scenario {
    let mut scenario = Scenario {
        events: vec![runs(2, 1), runs(3, 2)],
        most: Some(2),
        budget: Budget { faults: 1, ..Budget::default() },
        ..scenario()
    };
    scenario.policy.raise_by = RaiseBy::LaunchInstances;
    scenario
}

/// A scale-out launches up to the maximum while a tick does the same, and a call fails.
pub(super) fn launch_meets_tick() -> Scenario {
    let mut scenario = launches();
    scenario.events = vec![runs(2, 3)];
    scenario.most = Some(3);
    scenario.budget = Budget { ticks: 1, faults: 1, crashes: 1, ..Budget::default() };
    scenario
}

/// An actor died before a launch, and an operator changed the group before the next one: it would exceed the maximum
/// now.
pub(super) fn launch_left_behind() -> Scenario {
    let mut scenario = launch_meets_tick();
    // The refusal takes one delivery of three.
    scenario.budget.crashes = 0;
    scenario.n_serving = 1;
    scenario.launch_left = Some(Launch { token: "left".to_owned(), n: 3, asked_us: 5_000_000_000 });
    scenario
}

/// Two scale-outs, and a call that fails.
pub(super) fn two_scale_outs_with_a_fault() -> Scenario {
    Scenario { budget: Budget { faults: 1, ..Budget::default() }, ..two_scale_outs() }
}

/// A scale-out and a tick, and an actor dies while time passes.
pub(super) fn scale_in_dies() -> Scenario {
    let budget = Budget { ticks: 1, crashes: 1, waits: 1, ..Budget::default() };
    let leaps_us = vec![DRAIN_GRACE_US];
    Scenario { n_serving: 1, events: vec![runs(2, 1)], leaps_us, budget, ..scenario() }
}

/// A run looks for an instance while a tick drains either all of them or none.
pub(super) fn run_meets_all_or_none() -> Scenario {
    let mut scenario = run_meets_scale_in();
    scenario.policy.scale_in = ScaleIn::AllIdle {};
    scenario
}

/// Two concurrent ticks that may terminate only one instance, and a run.
pub(super) fn scale_in_down_to_the_minimum() -> Scenario {
    let mut scenario = Scenario { n_serving: 2, ..run_meets_two_ticks() };
    scenario.group.min = 1;
    scenario.budget = Budget { ticks: 2, faults: 1, ..Budget::default() };
    scenario
}
