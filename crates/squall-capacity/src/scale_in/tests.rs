//! Only instances that are not needed and not in use are removed, and only when all evidence agrees.

mod table;

use proptest::prelude::*;

use super::*;
use crate::scale_out::Raise;
use crate::seen::{any_policy, scale_in_seen, ticked};

fn usable(seen: &ScaleInObservation) -> u32 {
    seen.now.group.desired.saturating_sub(n_leaving(&seen.now.group, &seen.now.instances))
}

fn row<'a>(seen: &'a ScaleInObservation, id: &InstanceId) -> &'a InstanceRow {
    seen.now.instances.iter().find(|row| row.id == *id).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn an_instance_that_is_busy_or_not_in_service_is_not_touched(policy in any_policy(), seen in scale_in_seen()) {
        let tick = plan_tick(&policy, &seen);
        for id in tick.drain.iter().chain(&tick.terminate) {
            prop_assert!(!row(&seen, id).is_claimed(seen.now.now_us));
            prop_assert_eq!(seen.now.group.instance(id).unwrap().lifecycle, Lifecycle::InService);
        }
        for id in &tick.drain {
            prop_assert_eq!(row(&seen, id).state, State::Open);
        }
        for id in tick.terminate.iter().chain(&tick.reopen) {
            prop_assert!(is_old(row(&seen, id), seen.now.now_us));
            prop_assert!(!tick.drain.contains(id) && !tick.scale_out.undrain.contains(id));
        }
        for id in &tick.terminate {
            prop_assert_eq!(row(&seen, id).told_since_us(), None, "hearsay terminates nothing");
        }
    }

    #[test]
    fn nothing_is_terminated_while_fewer_runs_have_claimed_than_run(policy in any_policy(), seen in scale_in_seen()) {
        let ScaleInObservation { now, .. } = &seen;
        let (levels, _) = effective_levels(&policy, &now.levels, now.now_us);
        if has_unclaimed_run(&policy, now, &levels) {
            let tick = plan_tick(&policy, &seen);
            prop_assert_eq!((tick.drain, tick.terminate), (Vec::new(), Vec::new()), "{}", tick.reason);
        }
    }

    #[test]
    fn what_is_left_is_enough(policy in any_policy(), seen in scale_in_seen()) {
        let tick = plan_tick(&policy, &seen);
        let after = ticked(&seen, &tick);
        let Group { min, desired, .. } = after.now.group;
        let n_gone = tick.drain.len() + tick.terminate.len();
        prop_assert!(n_gone == 0 || desired >= min);
        let n_required = after.now.group.clamp(tick.scale_out.demand.wanted());
        prop_assert!(tick.drain.is_empty() || usable(&after) >= n_required, "{}", tick.reason);
        let n_serve = n_serving(&after.now.group, &after.now.instances);
        prop_assert!(tick.drain.is_empty() || n_serve >= n_required, "an instance that has not arrived may never arrive");
        prop_assert!(usable(&after) >= usable(&seen).min(n_required), "leaving instances are replaced, or were not usable");
    }

    #[test]
    fn the_longest_idle_are_drained_first_and_never_too_many_per_tick(policy in any_policy(), seen in scale_in_seen()) {
        let ScaleInObservation { now, .. } = &seen;
        let tick = plan_tick(&policy, &seen);
        let idle = |id: &InstanceId| row(&seen, id).idle_since_us(now.now_us).unwrap();
        prop_assert!(tick.drain.windows(2).all(|pair| idle(&pair[0]) <= idle(&pair[1])));
        let last_us = tick.drain.last().map_or(0, idle);
        let serves = |id: &InstanceId| now.group.instance(id).is_some_and(|it| it.lifecycle == Lifecycle::InService);
        let stays = now.instances.iter().filter(|row| serves(&row.id) && !tick.drain.contains(&row.id));
        prop_assert!(stays.filter_map(|row| row.idle_since_us(now.now_us)).all(|since_us| since_us >= last_us));
        if let ScaleIn::ByInstance { idle_s, most_per_tick } = policy.scale_in {
            prop_assert!(tick.drain.len() <= most_per_tick as usize);
            prop_assert!(tick.drain.iter().all(|id| idle(id) + us(idle_s) <= now.now_us));
        }
    }

    #[test]
    fn a_level_that_was_never_reported_holds_everything(policy in any_policy(), seen in scale_in_seen()) {
        let mut seen = ScaleInObservation { most_runs: None, ..seen };
        seen.now.levels.runs.clear();
        let tick = plan_tick(&policy, &seen);
        prop_assert_eq!((tick.hold, tick.drain), (Some(Hold::RunsUnknown), Vec::new()));
    }

    #[test]
    fn all_idle_waits_until_every_source_agrees(policy in any_policy(), seen in scale_in_seen()) {
        let policy = Policy { scale_in: ScaleIn::AllIdle {}, ..policy };
        let tick = plan_tick(&policy, &seen);
        let ScaleInObservation { now, most_runs, .. } = &seen;
        if !tick.drain.is_empty() {
            prop_assert!(tick.all_or_none && tick.hold.is_none());
            prop_assert_eq!(most_runs.unwrap_or(0), 0);
            prop_assert_eq!(tick.scale_out.demand.n_runs, 0);
            prop_assert!(now.instances.iter().all(|row| !row.is_claimed(now.now_us)));
            prop_assert!(now.group.cooling_until_us <= now.now_us);
            prop_assert!(now.levels.run_seen_us + us(policy.window_s) <= now.now_us);
        }
    }

    #[test]
    fn a_plan_lists_the_victims_or_the_reason_why_there_are_none(policy in any_policy(), seen in scale_in_seen()) {
        let tick = plan_tick(&policy, &seen);
        prop_assert_eq!(tick.hold.is_none(), !tick.drain.is_empty());
        prop_assert!(!tick.reason.is_empty());
        prop_assert!(tick.killed.iter().all(|id| tick.forget.contains(id)));
        prop_assert!(tick.adopt.iter().all(|id| !seen.now.instances.iter().any(|row| row.id == *id)));
        prop_assert!(tick.forget.iter().all(|id| seen.now.group.instance(id).is_none()));
    }

    #[test]
    fn ticks_converge_and_nothing_removed_is_launched_again(policy in any_policy(), seen in scale_in_seen()) {
        let mut seen = seen;
        let mut n_ticks = 0;
        loop {
            let tick = plan_tick(&policy, &seen);
            let after = ticked(&seen, &tick);
            // A stuck instance took no runs; terminating it makes room to launch another.
            if tick.terminate.is_empty() && !tick.drain.is_empty() && tick.scale_out.is_enough() {
                let next = plan_tick(&policy, &after).scale_out;
                prop_assert!(next.raise == Raise::Hold && next.undrain.is_empty(), "{}, then {}", tick.reason, next.reason);
            }
            if after == seen {
                break;
            }
            n_ticks += 1;
            prop_assert!(n_ticks < 30, "{}", tick.reason);
            seen = after;
        }
        let is_stuck = |row: &&InstanceRow| {
            let serves = seen.now.group.instance(&row.id).is_some_and(|it| it.lifecycle == Lifecycle::InService);
            let is_due = if row.told_since_us().is_some() { is_disproved } else { is_old };
            serves && is_due(row, seen.now.now_us) && !row.is_claimed(seen.now.now_us)
        };
        let is_held = seen.now.group.desired < seen.now.group.n_live();
        prop_assert!(is_held || seen.now.instances.iter().all(|row| !is_stuck(&row)), "no instance stays out of use forever");
    }

    #[test]
    fn more_is_wanted_over_the_window_than_now(policy in any_policy(), seen in scale_in_seen()) {
        let ScaleInObservation { now, most_sessions, most_runs } = &seen;
        let (levels, _) = effective_levels(&policy, &now.levels, now.now_us);
        let (n_sessions, n_runs) = (levels.n_sessions(), levels.n_runs());
        let at_once = demand_of(&policy, &levels, n_sessions, n_runs, now.now_us);
        let over = demand_of(&policy, &levels, n_sessions.max(most_sessions.unwrap_or(0)), n_runs.max(most_runs.unwrap_or(0)), now.now_us);
        prop_assert!(over.wanted() >= at_once.wanted());
    }
}
