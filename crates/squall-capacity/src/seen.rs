//! Observations for tests: groups and ledgers in any state, and the effect of carrying out a plan.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::claims::{InstanceRow, State, gone, terminating, undrain};
use crate::events::Runs;
use crate::group::{Group, Instance, Lifecycle};
use crate::ids::{InstanceId, RunId, SourceId};
use crate::launch::Launch;
use crate::levels::{Level, Levels};
use crate::policy::{Policy, RaiseBy, ScaleIn, Standby, Step, us};
use crate::scale_in::{ScaleInObservation, Tick};
use crate::scale_out::{Raise, ScaleOut, ScaleOutObservation};

pub(crate) const NOW_US: u64 = 10_000_000_000;

pub(crate) fn id(n: u32) -> InstanceId {
    InstanceId::new(format!("i-{n:03}")).unwrap()
}

pub(crate) fn instance(n: u32, lifecycle: Lifecycle) -> Instance {
    Instance { id: id(n), lifecycle, is_protected: true }
}

/// One run per instance, 300 s idle, no standby.
pub(crate) fn policy() -> Policy {
    Policy::from_json(r#"{"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}}"#)
        .unwrap()
}

pub(crate) fn any_policy() -> impl Strategy<Value = Policy> {
    let scale_in = prop_oneof![
        Just(ScaleIn::AllIdle {}),
        (0_u32..1_000, 1_u32..4)
            .prop_map(|(idle_s, most_per_tick)| ScaleIn::ByInstance { idle_s, most_per_tick }),
    ];
    let raise_by = prop_oneof![Just(RaiseBy::SetDesired), Just(RaiseBy::LaunchInstances)];
    (1_u32..3, 0_u32..3, any::<bool>(), scale_in, raise_by, any::<bool>()).prop_map(
        |(runs_per_instance, headroom, stands_by, scale_in, raise_by, forgets)| Policy {
            runs_per_instance: runs_per_instance.try_into().unwrap(),
            headroom,
            standby: if stands_by { standby() } else { Standby::default() },
            scale_in,
            raise_by,
            forget_source_after_s: forgets.then_some(1_500),
            ..policy()
        },
    )
}

fn standby() -> Standby {
    let steps = vec![Step { sessions: 1, instances: 1 }, Step { sessions: 3, instances: 4 }];
    Standby { steps, decay_s: Some(1_000), floor: 1 }
}

/// A time at or before now, often one at a threshold.
fn past_us() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0_u32), Just(119), Just(120), Just(300), Just(599), Just(600), 0_u32..3_000]
        .prop_map(|s| NOW_US - us(s))
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![
        4 => Just(State::Open),
        2 => past_us().prop_map(|since_us| State::Draining { since_us }),
        1 => (past_us(), any::<bool>())
            .prop_map(|(since_us, is_terminating)| State::Gone { since_us, is_terminating }),
    ]
}

fn rows(most: u32) -> impl Strategy<Value = Vec<InstanceRow>> {
    let until_us = prop_oneof![Just(0), past_us(), (1_u64..1_000).prop_map(|s| NOW_US + s)];
    let runs = prop::collection::btree_map(
        (0_u32..9).prop_map(|n| RunId::new(format!("r-{n}")).unwrap()),
        until_us,
        0..2,
    );
    let row = (state(), runs, past_us(), 1_u64..9);
    prop::collection::btree_map(0..most, row, 0..most as usize + 1).prop_map(|rows| {
        rows.into_iter()
            .map(|(n, (state, runs, idle_since_us, version))| InstanceRow {
                id: id(n),
                version,
                state,
                runs,
                reported_by: BTreeMap::new(),
                idle_since_us,
            })
            .collect()
    })
}

fn group(most: u32) -> impl Strategy<Value = Group> {
    let lifecycle = prop_oneof![
        1 => Just(Lifecycle::Pending),
        5 => Just(Lifecycle::InService),
        1 => Just(Lifecycle::Standby),
        1 => Just(Lifecycle::Leaving),
    ];
    let instances = prop::collection::btree_map(0..most, lifecycle, 0..most as usize + 1);
    let cooling = prop_oneof![3 => Just(0), 1 => past_us(), 1 => Just(NOW_US + 1), 1 => Just(u64::MAX)];
    // Usually as many are live as desired; a changing group has more or fewer.
    (0_u32..4, 0_u32..10, instances, prop_oneof![3 => Just(None), 2 => (0_u32..14).prop_map(Some)], cooling)
        .prop_map(|(min, more, instances, desired, cooling_until_us)| {
            let instances = instances.into_iter().map(|(n, lifecycle)| instance(n, lifecycle)).collect();
            let group = Group {
                name: "runs".to_owned(),
                min,
                max: min + more,
                desired: 0,
                instances,
                cooling_until_us,
            };
            Group { desired: desired.unwrap_or(group.n_live()), ..group }
        })
}

fn levels() -> impl Strategy<Value = Levels> {
    let source = |n: u32| SourceId::new(format!("s-{n}")).unwrap();
    let launch =
        (1_u32..4, past_us()).prop_map(|(n, asked_us)| Launch { token: "t".to_owned(), n, asked_us });
    let sessions = prop::collection::btree_map((0_u32..3).prop_map(source), (0_u32..5, past_us()), 0..3);
    let runs =
        prop::collection::btree_map((0_u32..3).prop_map(source), (0_u32..4, 0_u32..4, past_us()), 0..3);
    (sessions, runs, past_us(), past_us(), prop::option::weighted(0.2, launch)).prop_map(
        |(sessions, runs, session_came_us, run_seen_us, launch)| {
            let sessions =
                sessions.into_iter().map(|(it, (value, time_us))| (it, Level::new(1, value, time_us)));
            let runs = runs.into_iter().map(|(it, (queued, running, time_us))| {
                (it, Level::new(1, Runs { queued, running }, time_us))
            });
            Levels {
                version: 7,
                sessions: sessions.collect(),
                runs: runs.collect(),
                session_came_us,
                run_seen_us,
                launch,
                left_out_us: 0,
            }
        },
    )
}

pub(crate) fn scale_out_seen() -> impl Strategy<Value = ScaleOutObservation> {
    (group(12), levels(), rows(14)).prop_map(|(group, levels, instances)| ScaleOutObservation {
        now_us: NOW_US,
        group,
        levels,
        instances,
    })
}

pub(crate) fn scale_in_seen() -> impl Strategy<Value = ScaleInObservation> {
    let most = || prop::option::of(0_u32..8);
    (scale_out_seen(), most(), most()).prop_map(|(now, most_sessions, most_runs)| ScaleInObservation {
        now,
        most_sessions,
        most_runs,
    })
}

/// The observation after a scale-out plan is carried out; new instances are booting.
pub(crate) fn raised(seen: &ScaleOutObservation, plan: &ScaleOut) -> ScaleOutObservation {
    let mut seen = seen.clone();
    for row in seen.instances.iter_mut().filter(|row| plan.undrain.contains(&row.id)) {
        *row = undrain(row, seen.now_us).unwrap();
    }
    let group = &mut seen.group;
    let to = match &plan.raise {
        Raise::Hold | Raise::GiveUp(_) => group.desired,
        Raise::SetDesired { to } => *to,
        // The group refuses requests above its maximum.
        Raise::Launch(launch) | Raise::LaunchAgain(launch) => {
            Some(group.desired + launch.n).filter(|to| *to <= group.max).unwrap_or(group.desired)
        }
    };
    if plan.raise != Raise::Hold {
        seen.levels.launch = None;
        seen.levels.version += 2;
    }
    let n_new = to.saturating_sub(group.desired.max(group.n_live()));
    group.instances.extend((0..n_new).map(|n| instance(500 + to + n, Lifecycle::Pending)));
    group.desired = to;
    seen
}

/// The observation after a tick is carried out, without a claim in between.
pub(crate) fn ticked(seen: &ScaleInObservation, tick: &Tick) -> ScaleInObservation {
    let mut now = raised(&seen.now, &tick.scale_out);
    now.instances.extend(tick.adopt.iter().map(|id| InstanceRow::new(id.clone(), now.now_us)));
    now.instances.sort_by(|a, b| a.id.cmp(&b.id));
    for row in &mut now.instances {
        if tick.lost.contains(&row.id) {
            *row = gone(row, now.now_us);
        } else if tick.terminate.contains(&row.id) || tick.drain.contains(&row.id) {
            *row = terminating(row, now.now_us);
        } else if tick.reopen.contains(&row.id) {
            *row = crate::claims::reopened(row, now.now_us);
        }
    }
    now.instances.retain(|row| !tick.forget.contains(&row.id));
    for id in tick.terminate.iter().chain(&tick.drain) {
        now.group.instances.retain(|it| it.id != *id);
        now.group.desired -= 1;
    }
    ScaleInObservation { now, ..seen.clone() }
}
