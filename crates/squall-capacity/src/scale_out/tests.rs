//! The group only grows, as far as needed and as far as allowed.

use expect_test::expect;
use proptest::prelude::*;

use super::*;
use crate::claims::{State, drain, gone};
use crate::events::Runs;
use crate::levels::Level;
use crate::seen::{NOW_US, any_policy, id, instance, policy, raised, scale_out_seen};

/// The desired capacity less the leaving instances: the capacity for runs.
fn usable(seen: &ScaleOutObservation) -> u32 {
    seen.group.desired.saturating_sub(n_leaving(&seen.group, &seen.instances))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn it_never_lowers_and_never_leaves_the_bounds(policy in any_policy(), seen in scale_out_seen()) {
        let ScaleOut { target, raise, .. } = plan_scale_out(&policy, &seen);
        let Group { min, max, desired, .. } = seen.group;
        prop_assert!((min..=max).contains(&target));
        match raise {
            Raise::SetDesired { to } => prop_assert!(to == target && to > desired),
            Raise::Launch(Launch { n, .. }) => prop_assert!((1..=MOST_PER_LAUNCH).contains(&n) && desired + n <= target),
            Raise::Hold => prop_assert!(target <= desired),
            // What was asked for before goes first.
            Raise::LaunchAgain(launch) | Raise::GiveUp(launch) => prop_assert_eq!(Some(launch), seen.levels.launch),
        }
    }

    #[test]
    fn the_target_is_the_demand_within_the_bounds(policy in any_policy(), seen in scale_out_seen()) {
        let ScaleOut { demand, target, over_maximum, under_minimum, undrain, .. } = plan_scale_out(&policy, &seen);
        let Group { min, max, .. } = seen.group;
        let wanted = demand.wanted();
        prop_assert!(target >= wanted.min(max));
        let n_left = n_leaving(&seen.group, &seen.instances) - u32::try_from(undrain.len()).unwrap();
        prop_assert!(target == max || target - n_left >= wanted.max(min), "leaving instances are replaced");
        prop_assert_eq!(wanted - over_maximum + under_minimum, if min <= max { wanted.clamp(min, max) } else { max });
    }

    #[test]
    fn only_draining_instances_in_service_are_kept_the_last_drained_first(policy in any_policy(), seen in scale_out_seen()) {
        let plan = plan_scale_out(&policy, &seen);
        let serves = |id: &InstanceId| seen.group.instance(id).is_some_and(|it| it.lifecycle == Lifecycle::InService);
        let drains = seen.instances.iter().filter(|row| serves(&row.id)).filter_map(|row| Some((row.draining_since_us()?, &row.id)));
        let (kept, left): (Vec<_>, Vec<_>) = drains.partition(|(_, id)| plan.undrain.contains(id));
        prop_assert_eq!(kept.len(), plan.undrain.len());
        let earliest_kept = kept.iter().map(|(since_us, _)| *since_us).min().unwrap_or(u64::MAX);
        prop_assert!(left.iter().all(|(since_us, _)| *since_us <= earliest_kept));
        prop_assert!(kept.is_empty() || usable(&seen) < seen.group.clamp(plan.demand.wanted()), "only when needed");
    }

    #[test]
    fn it_converges_with_enough(policy in any_policy(), seen in scale_out_seen()) {
        let mut seen = seen;
        let mut plan = plan_scale_out(&policy, &seen);
        let mut n_rounds = 0;
        while !plan.is_enough() {
            n_rounds += 1;
            prop_assert!(n_rounds <= 3, "{}", plan.reason);
            seen = raised(&seen, &plan);
            plan = plan_scale_out(&policy, &seen);
        }
        let Group { max, desired, .. } = seen.group;
        prop_assert!(usable(&seen) >= seen.group.clamp(plan.demand.wanted()) || desired >= max);
        prop_assert!(desired >= seen.group.n_live() || desired >= max, "desired never stays below live");
    }

    #[test]
    fn a_token_is_valid_for_the_service_and_unique_to_a_launch(name in ".{0,300}", version in any::<u64>(), now_us in any::<u64>()) {
        let it = token(&name, version, now_us);
        prop_assert!((1..=64).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_/".contains(&it)));
        prop_assert_ne!(&it, &token(&name, version.wrapping_add(1), now_us));
        prop_assert_ne!(&it, &token(&name, version, now_us.wrapping_add(1)));
        prop_assert_ne!(&it, &token(&format!("{name}2"), version, now_us));
    }
}

/// `n_runs` runs; a group of `min` to `max` with `desired` instances, all in service.
fn seen(n_runs: u32, min: u32, max: u32, desired: u32) -> ScaleOutObservation {
    let mut levels = Levels { version: 7, ..Levels::default() };
    let level = Level::new(1, Runs { queued: n_runs, running: 0 }, NOW_US);
    levels.runs.insert(SourceId::new("scheduler").unwrap(), level);
    let instances = (0..desired).map(|n| instance(n, Lifecycle::InService)).collect();
    let group = Group { name: "runs".to_owned(), min, max, desired, instances, cooling_until_us: 0 };
    ScaleOutObservation {
        now_us: NOW_US,
        group,
        levels,
        instances: (0..desired).map(|n| InstanceRow::new(id(n), 1)).collect(),
    }
}

/// The same, with the first `n` draining, the last of them drained last.
fn draining(seen: ScaleOutObservation, n: usize) -> ScaleOutObservation {
    let mut seen = seen;
    for (at_us, row) in (2..).zip(seen.instances.iter_mut().take(n)) {
        *row = drain(row, at_us).unwrap();
    }
    seen
}

fn living(seen: ScaleOutObservation, n: u32, lifecycle: Lifecycle) -> ScaleOutObservation {
    let mut seen = seen;
    for it in seen.group.instances.iter_mut().take(n as usize) {
        it.lifecycle = lifecycle;
    }
    seen
}

fn noted(seen: ScaleOutObservation, asked_us: u64) -> ScaleOutObservation {
    let launch = Some(Launch { token: "t-1".to_owned(), n: 2, asked_us });
    ScaleOutObservation { levels: Levels { launch, ..seen.levels }, ..seen }
}

#[test]
fn each_situation_has_its_decision_and_its_reason() {
    let by_launch = Policy { raise_by: RaiseBy::LaunchInstances, ..policy() };
    let forgetful = Policy { forget_source_after_s: Some(600), ..policy() };
    let mut all_gone = seen(2, 0, 9, 2);
    all_gone.instances = all_gone.instances.iter().map(|row| gone(row, 5)).collect();
    let mut silent = seen(3, 0, 9, 1);
    silent.levels.runs.values_mut().for_each(|it| it.time_us = NOW_US - us(601));
    let mut lowered = seen(1, 0, 9, 4);
    lowered.group.desired = 2;
    let situations = [
        ("nothing, none", policy(), seen(0, 0, 9, 0)),
        ("the first run of an empty group", policy(), seen(1, 0, 9, 0)),
        ("as many as there are", policy(), seen(3, 0, 9, 3)),
        ("one more", policy(), seen(4, 0, 9, 3)),
        ("fewer", policy(), seen(1, 0, 9, 3)),
        ("over the maximum", policy(), seen(12, 0, 9, 3)),
        ("over the maximum, at the maximum", policy(), seen(12, 0, 9, 9)),
        ("under the minimum", policy(), seen(0, 2, 9, 1)),
        ("a group that cannot change", policy(), seen(5, 3, 3, 3)),
        ("desired above the maximum", policy(), seen(20, 0, 5, 8)),
        ("desired below the minimum", policy(), seen(0, 4, 9, 1)),
        ("some boot", policy(), living(seen(3, 0, 9, 3), 2, Lifecycle::Pending)),
        ("some stand by", policy(), living(seen(3, 0, 9, 3), 2, Lifecycle::Standby)),
        ("some leave", policy(), living(seen(3, 0, 9, 3), 2, Lifecycle::Leaving)),
        ("drained, and not needed", policy(), draining(seen(1, 0, 9, 3), 2)),
        ("drained, and one needed", policy(), draining(seen(2, 0, 9, 3), 2)),
        ("drained, and more needed", policy(), draining(seen(5, 0, 9, 3), 2)),
        ("drained while it booted", policy(), living(draining(seen(3, 0, 9, 3), 1), 1, Lifecycle::Pending)),
        ("gone and still there", policy(), all_gone),
        ("desired below what lives", policy(), lowered),
        ("a source that fell silent", forgetful.clone(), silent),
        ("by launch: two more", by_launch.clone(), seen(3, 0, 9, 1)),
        ("by launch: five hundred", by_launch.clone(), seen(500, 0, 500, 0)),
        ("by launch: over the maximum", by_launch.clone(), seen(12, 0, 9, 3)),
        ("by launch: enough", by_launch.clone(), seen(3, 0, 9, 3)),
        (
            "a launch that may not have happened",
            by_launch.clone(),
            noted(seen(3, 0, 9, 1), NOW_US - TOKEN_US + 1),
        ),
        ("a launch of long ago", by_launch.clone(), noted(seen(3, 0, 9, 1), NOW_US - TOKEN_US)),
        ("a launch from before the policy changed", policy(), noted(seen(3, 0, 9, 3), NOW_US)),
    ];
    let mut table = String::new();
    for (what, policy, seen) in situations {
        let ScaleOut { target, undrain, raise, silent, reason, .. } = plan_scale_out(&policy, &seen);
        let raise = match raise {
            Raise::Hold => "Hold".to_owned(),
            Raise::SetDesired { to } => format!("SetDesired {to}"),
            Raise::Launch(launch) => format!("Launch {} under {}", launch.n, launch.token),
            Raise::LaunchAgain(launch) => format!("LaunchAgain {} under {}", launch.n, launch.token),
            Raise::GiveUp(launch) => format!("GiveUp {} under {}", launch.n, launch.token),
        };
        let more = if undrain.is_empty() { String::new() } else { format!(", undrain {undrain:?}") };
        let more = if silent.is_empty() { more } else { format!("{more}, silent {silent:?}") };
        table.push_str(&format!("{what}\n  {raise}, target {target}{more}\n  {reason}\n"));
    }
    expect![[r#"
        nothing, none
          Hold, target 0
          0 runs need 0, 0 sessions need 0; desired is 0: enough
        the first run of an empty group
          SetDesired 1, target 1
          1 run needs 1, 0 sessions need 0; desired goes from 0 to 1
        as many as there are
          Hold, target 3
          3 runs need 3, 0 sessions need 0; desired is 3: enough
        one more
          SetDesired 4, target 4
          4 runs need 4, 0 sessions need 0; desired goes from 3 to 4
        fewer
          Hold, target 3
          1 run needs 1, 0 sessions need 0; desired is 3: enough
        over the maximum
          SetDesired 9, target 9
          12 runs need 12, 0 sessions need 0; the maximum is 9; desired goes from 3 to 9
        over the maximum, at the maximum
          Hold, target 9
          12 runs need 12, 0 sessions need 0; the maximum is 9; desired is 9: no room to grow
        under the minimum
          SetDesired 2, target 2
          0 runs need 0, 0 sessions need 0; the minimum is 2; desired goes from 1 to 2
        a group that cannot change
          Hold, target 3
          5 runs need 5, 0 sessions need 0; the maximum is 3; desired is 3: no room to grow
        desired above the maximum
          Hold, target 5
          20 runs need 20, 0 sessions need 0; the maximum is 5; desired is 8: no room to grow
        desired below the minimum
          SetDesired 4, target 4
          0 runs need 0, 0 sessions need 0; the minimum is 4; desired goes from 1 to 4
        some boot
          Hold, target 3
          3 runs need 3, 0 sessions need 0; desired is 3: enough
        some stand by
          Hold, target 3
          3 runs need 3, 0 sessions need 0; desired is 3: enough
        some leave
          Hold, target 3
          3 runs need 3, 0 sessions need 0; desired is 3: enough
        drained, and not needed
          Hold, target 3
          1 run needs 1, 0 sessions need 0; 2 leaving; desired is 3: enough
        drained, and one needed
          Hold, target 3, undrain [InstanceId("i-001")]
          2 runs need 2, 0 sessions need 0; keeping 1 that were draining; 1 leaving; desired is 3: enough
        drained, and more needed
          SetDesired 5, target 5, undrain [InstanceId("i-001"), InstanceId("i-000")]
          5 runs need 5, 0 sessions need 0; keeping 2 that were draining; desired goes from 3 to 5
        drained while it booted
          SetDesired 4, target 4
          3 runs need 3, 0 sessions need 0; 1 leaving; desired goes from 3 to 4
        gone and still there
          SetDesired 4, target 4
          2 runs need 2, 0 sessions need 0; 2 leaving; desired goes from 2 to 4
        desired below what lives
          SetDesired 4, target 4
          1 run needs 1, 0 sessions need 0; 4 live; desired goes from 2 to 4
        a source that fell silent
          Hold, target 1, silent [SourceId("scheduler")]
          0 runs need 0, 0 sessions need 0; ignoring silent sources: scheduler; desired is 1: enough
        by launch: two more
          Launch 2 under bfeddc1f6f584edb-7-10000000000, target 3
          3 runs need 3, 0 sessions need 0; launching 2, desired goes from 1 to 3
        by launch: five hundred
          Launch 100 under bfeddc1f6f584edb-7-10000000000, target 500
          500 runs need 500, 0 sessions need 0; launching 100, desired goes from 0 to 100, on the way to 500
        by launch: over the maximum
          Launch 6 under bfeddc1f6f584edb-7-10000000000, target 9
          12 runs need 12, 0 sessions need 0; the maximum is 9; launching 6, desired goes from 3 to 9
        by launch: enough
          Hold, target 3
          3 runs need 3, 0 sessions need 0; desired is 3: enough
        a launch that may not have happened
          LaunchAgain 2 under t-1, target 3
          3 runs need 3, 0 sessions need 0; retrying launch t-1 of 2
        a launch of long ago
          GiveUp 2 under t-1, target 3
          3 runs need 3, 0 sessions need 0; giving up launch t-1 of 2: too old to retry
        a launch from before the policy changed
          LaunchAgain 2 under t-1, target 3
          3 runs need 3, 0 sessions need 0; retrying launch t-1 of 2
    "#]]
    .assert_eq(&table);
}

#[test]
fn five_hundred_instances_are_planned_for() {
    let full = draining(seen(500, 0, 500, 500), 250);
    let plan = plan_scale_out(&policy(), &full);
    assert_eq!((plan.undrain.len(), plan.raise, plan.target), (250, Raise::Hold, 500));
    assert!(full.instances[0].state != State::Open);
}
