//! Steps over a small world: duplicated, reordered, killed between any two calls, and concurrent.

mod claims;
mod orders;
mod races;
mod world;

use expect_test::expect;
use futures::executor::block_on;
use proptest::prelude::*;

use super::*;
use crate::claims::{InstanceRow, State};
use crate::events::{Activity, Payload, RunOn, Runs};
use crate::ids::{InstanceId, RunId, SourceId};
use crate::journal::Line;
use crate::levels::Recorded;
use crate::policy::{Policy, RaiseBy, ScaleIn, us};
use crate::ports::{PortError, Series};
use crate::scale_in::{DRAIN_GRACE_US, TOLD_US};
use crate::scale_out::TOKEN_US;
use crate::seen::{NOW_US, id, policy};
use world::{Fault, World};

fn run(n: u32) -> RunId {
    RunId::new(format!("r-{n}")).unwrap()
}

/// `queued` queued runs, reported long ago, so that nothing is recent.
fn runs(source: &str, order: u64, queued: u32) -> Activity {
    let payload =
        Payload::Runs { level: Runs { queued, running: 0 }, started: Vec::new(), finished: Vec::new() };
    Activity { source: SourceId::new(source).unwrap(), order, time_us: order, payload }
}

fn on(started: &[(u32, u32)], finished: &[(u32, u32)]) -> Activity {
    let list = |runs: &[(u32, u32)]| {
        runs.iter().map(|(it, at)| RunOn { run_id: run(*it), instance_id: id(*at) }).collect()
    };
    let payload = Payload::Runs { level: Runs::default(), started: list(started), finished: list(finished) };
    Activity { payload, ..runs("scheduler", 1, 0) }
}

fn by_launch() -> Policy {
    Policy { raise_by: RaiseBy::LaunchInstances, ..policy() }
}

/// Idle instances are drained immediately.
fn eager() -> Policy {
    Policy { scale_in: ScaleIn::ByInstance { idle_s: 0, most_per_tick: 20 }, ..policy() }
}

fn at_once() -> Policy {
    Policy { scale_in: ScaleIn::AllIdle {}, ..policy() }
}

fn calls(world: &World) -> String {
    world.see().calls.join("\n") + "\n"
}

#[test]
fn an_event_is_recorded_before_it_is_acted_on() {
    let world = World::new(1, 9);
    block_on(on_event(&world.ports(), &policy(), &runs("scheduler", 1, 3))).unwrap();
    expect![[r#"
        levels
        put levels
        levels
        describe
        instances
        levels
        set desired 3
        levels
        describe
        instances
        levels
    "#]]
    .assert_eq(&calls(&world));
    assert_eq!(world.see().group.desired, 3);
}

#[test]
fn a_launch_is_recorded_before_the_request_and_removed_after() {
    let world = World::new(1, 9);
    block_on(on_event(&world.ports(), &by_launch(), &runs("scheduler", 1, 3))).unwrap();
    expect![[r#"
        levels
        put levels
        levels
        describe
        instances
        levels
        put levels
        launch 2
        put levels
        levels
        describe
        instances
        levels
    "#]]
    .assert_eq(&calls(&world));
    assert_eq!((world.see().group.desired, world.see().levels.launch.clone()), (3, None));
}

#[test]
fn a_tick_drains_looks_again_and_only_then_terminates() {
    let world = World::new(2, 9);
    block_on(on_event(&world.ports(), &policy(), &runs("scheduler", 1, 1))).unwrap();
    world.get().calls.clear();
    block_on(tick(&world.ports(), &policy())).unwrap();
    expect![[r#"
        levels
        describe
        instances
        levels
        instance i-000
        put i-000 draining
        levels
        describe
        instances
        levels
        instance i-000
        put i-000 gone
        terminate i-000
    "#]]
    .assert_eq(&calls(&world));
    assert_eq!((world.see().group.desired, world.see().killed.len()), (1, 0));
}

#[test]
fn every_line_of_the_journal_reproduces_its_decision() {
    let world = World::new(2, 9);
    for (order, queued) in [(1, 3), (2, 0), (3, 5)] {
        block_on(on_event(&world.ports(), &by_launch(), &runs("scheduler", order, queued))).unwrap();
        block_on(tick(&world.ports(), &eager())).unwrap();
    }
    let lines = world.see().journal.clone();
    assert!(lines.len() > 6);
    for text in lines {
        let line: Line = serde_json::from_str(&text).unwrap();
        assert_eq!(line.again().to_json(), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn duplicated_and_reordered_events_give_the_same_group(
        (once, delivered) in prop::collection::vec((0_u8..2, 1_u64..9, 0_u32..9), 1..6).prop_flat_map(|once| {
            let doubled: Vec<_> = once.iter().chain(&once).copied().collect();
            (Just(once), Just(doubled).prop_shuffle())
        }),
        by in prop_oneof![Just(policy()), Just(by_launch())],
    ) {
        let settle = |events: &[(u8, u64, u32)]| {
            let world = World::new(0, 12);
            for (source, order, queued) in events {
                block_on(on_event(&world.ports(), &by, &runs(&format!("s{source}"), *order, *queued))).unwrap();
            }
            let levels = world.see().levels.runs.clone();
            (world.usable(), levels)
        };
        let ((_, levels), (usable, again)) = (settle(&once), settle(&delivered));
        prop_assert_eq!(&levels, &again);
        let wanted: u32 = levels.values().map(|it| it.value.total()).sum();
        prop_assert!(usable >= wanted.min(12), "it may be larger because of events in between");
    }
}

/// Runs a step with a fault in one call, then again without, for each of its calls.
fn with_every_fault(
    world: impl Fn() -> World,
    mut step: impl FnMut(&World) -> bool,
    check: impl Fn(&World, &str),
) {
    for fault in [Fault::Before, Fault::After] {
        for at in 0.. {
            let world = world();
            let at = at + world.see().calls.len();
            world.get().fault = Some((at, fault));
            let is_done = step(&world);
            let is_over = world.see().calls.len() <= at;
            world.get().fault = None;
            if !is_done {
                // Redelivered much later.
                world.get().now_us += DRAIN_GRACE_US;
                assert!(step(&world), "{fault:?} {at}: {}", calls(&world));
            }
            let what = format!("{fault:?} of call {at}:\n{}", calls(&world));
            check(&world, &what);
            if is_over {
                break;
            }
        }
    }
}

#[test]
fn an_event_that_dies_at_any_call_and_is_redelivered_ends_right() {
    for by in [policy(), by_launch()] {
        with_every_fault(
            || World::new(1, 9),
            |world| block_on(on_event(&world.ports(), &by, &runs("scheduler", 1, 3))).is_ok(),
            |world, what| {
                assert_eq!(world.see().group.desired, 3, "{what}");
                assert_eq!(world.see().levels.launch, None, "{what}");
            },
        );
    }
}

#[test]
fn a_tick_that_dies_at_any_call_and_runs_again_ends_right() {
    for by in [policy(), at_once()] {
        with_every_fault(
            || {
                let world = World::new(3, 9);
                block_on(on_event(&world.ports(), &by, &runs("scheduler", 1, 0))).unwrap();
                world
            },
            |world| block_on(tick(&world.ports(), &by)).is_ok(),
            |world, what| {
                // Instances drained or gone when the tick died wait for the grace period.
                world.get().now_us += DRAIN_GRACE_US;
                block_on(tick(&world.ports(), &by)).unwrap();
                assert_eq!((world.see().group.desired, world.see().killed.len()), (0, 0), "{what}");
            },
        );
    }
}

#[test]
fn a_claim_that_dies_at_any_call_and_is_retried_holds() {
    with_every_fault(
        || World::new(1, 9),
        |world| block_on(claim_instance(&world.ports(), &policy(), &id(0), &run(1))).is_ok(),
        |world, what| assert!(world.see().rows[&id(0)].is_claimed(world.see().now_us), "{what}"),
    );
}

#[test]
fn a_run_that_claims_again_keeps_its_instance_even_if_protecting_it_fails() {
    let world = World::new(1, 9);
    block_on(claim_instance(&world.ports(), &policy(), &id(0), &run(1))).unwrap();
    let next = world.see().calls.len();
    world.get().fault = Some((next + 2, Fault::Before));
    let again = block_on(claim_instance(&world.ports(), &policy(), &id(0), &run(1)));
    assert!(matches!(again, Err(RunnerError::Port(PortError::Unknown { .. }))), "{again:?}");
    assert!(world.see().rows[&id(0)].is_claimed(NOW_US));
}

#[test]
fn a_launch_whose_reply_was_lost_is_retried_and_happens_once() {
    let world = World::new(0, 9);
    world.get().fault = Some((7, Fault::After));
    block_on(on_event(&world.ports(), &by_launch(), &runs("scheduler", 1, 3))).unwrap_err();
    assert_eq!(world.see().calls.last().unwrap(), "launch 3");
    block_on(on_event(&world.ports(), &by_launch(), &runs("other", 1, 1))).unwrap();
    assert_eq!(world.see().calls.iter().filter(|it| *it == "launch 3").count(), 2);
    assert_eq!(world.see().group.desired, 4);
}

#[test]
fn a_launch_that_is_too_old_is_given_up_and_decided_anew() {
    let world = World::new(0, 9);
    world.get().fault = Some((7, Fault::Before));
    block_on(on_event(&world.ports(), &by_launch(), &runs("scheduler", 1, 3))).unwrap_err();
    world.get().now_us += TOKEN_US;
    block_on(on_event(&world.ports(), &by_launch(), &runs("scheduler", 1, 3))).unwrap();
    assert_eq!((world.see().group.desired, world.see().tokens.len()), (3, 1));
}

#[test]
fn a_launch_that_started_no_instance_is_removed_and_the_next_one_has_another_token() {
    let world = World::new(0, 9);
    world.get().is_short = true;
    let short = block_on(on_event(&world.ports(), &by_launch(), &runs("scheduler", 1, 3)));
    assert!(matches!(short, Err(StepError::Port(PortError::Refused { .. }))), "{short:?}");
    assert_eq!((world.see().levels.launch.clone(), world.see().group.desired), (None, 0));
    // Within the five minutes for which a launch that may have happened is retried.
    world.get().is_short = false;
    world.get().now_us += TOKEN_US / 100;
    block_on(on_event(&world.ports(), &by_launch(), &runs("scheduler", 1, 3))).unwrap();
    assert_eq!((world.see().levels.launch.clone(), world.see().group.desired), (None, 3));
    assert!(world.see().tokens.is_disjoint(&world.see().tokens_refused));
}

#[test]
fn a_permanently_refused_launch_does_not_block_later_steps() {
    let world = World::new(0, 9);
    world.get().refuses = true;
    let refused = block_on(on_event(&world.ports(), &by_launch(), &runs("scheduler", 1, 3)));
    assert!(matches!(refused, Err(StepError::Port(PortError::Permanent { .. }))), "{refused:?}");
    assert_eq!(world.see().levels.launch, None);
    world.get().refuses = false;
    block_on(on_event(&world.ports(), &by_launch(), &runs("scheduler", 1, 3))).unwrap();
    assert_eq!(world.see().group.desired, 3);
}

#[test]
fn an_instance_that_the_group_keeps_takes_runs_again() {
    let world = World::new(1, 9);
    block_on(on_event(&world.ports(), &policy(), &runs("scheduler", 1, 0))).unwrap();
    world.get().refuses = true;
    let Ticked { outcome, .. } = block_on(tick(&world.ports(), &policy())).unwrap();
    assert_eq!(outcome.refused, [(id(0), "it is not allowed".to_owned())]);
    assert_eq!(world.see().rows[&id(0)].state, State::Open);
    world.get().refuses = false;
    block_on(claim_instance(&world.ports(), &policy(), &id(0), &run(1))).unwrap();
}

#[test]
fn a_group_that_cannot_change_reopens_its_leaving_instances() {
    let world = World::new(1, 1);
    world.get().group.min = 1;
    block_on(on_event(&world.ports(), &policy(), &runs("scheduler", 1, 0))).unwrap();
    block_on(mark_gone(&world.ports(), &id(0))).unwrap();
    block_on(tick(&world.ports(), &policy())).unwrap();
    assert!(block_on(claim_instance(&world.ports(), &policy(), &id(0), &run(1))).is_err());
    world.get().now_us += TOLD_US;
    block_on(tick(&world.ports(), &policy())).unwrap();
    block_on(claim_instance(&world.ports(), &policy(), &id(0), &run(1))).unwrap();
}

#[test]
fn events_tell_where_runs_are_and_their_order_does_not_matter() {
    for events in [[on(&[(1, 0)], &[]), on(&[], &[(1, 0)])], [on(&[], &[(1, 0)]), on(&[(1, 0)], &[])]] {
        let world = World::new(1, 9);
        for event in &events {
            block_on(on_event(&world.ports(), &policy(), event)).unwrap();
        }
        assert!(!world.see().rows[&id(0)].is_claimed(NOW_US));
    }
    let world = World::new(2, 9);
    block_on(on_event(&world.ports(), &policy(), &on(&[(1, 0)], &[]))).unwrap();
    block_on(tick(&world.ports(), &policy())).unwrap();
    let left: Vec<InstanceId> = world.see().group.instances.iter().map(|it| it.id.clone()).collect();
    assert_eq!(left, [id(0)], "the busy one stays");
}

#[test]
fn a_failed_claim_by_event_does_not_keep_the_group_from_growing() {
    let world = World::new(1, 9);
    let Payload::Runs { started, finished, .. } = on(&[(1, 0)], &[]).payload else { unreachable!() };
    let payload = Payload::Runs { level: Runs { queued: 3, running: 0 }, started, finished };
    // Levels read and written, the group, the instance read and written, and then its protection.
    world.get().fault = Some((5, Fault::Before));
    block_on(on_event(&world.ports(), &policy(), &Activity { payload, ..runs("scheduler", 1, 0) }))
        .unwrap_err();
    assert_eq!(world.see().calls[5], "protect i-000");
    assert_eq!(world.see().group.desired, 3);
}

#[test]
fn an_instance_that_is_not_reclaimed_keeps_its_run_and_takes_others_again() {
    let world = World::new(1, 9);
    block_on(on_event(&world.ports(), &policy(), &runs("scheduler", 1, 0))).unwrap();
    block_on(claim_instance(&world.ports(), &policy(), &id(0), &run(1))).unwrap();
    block_on(mark_gone(&world.ports(), &id(0))).unwrap();
    for _ in 0..10 {
        world.get().now_us += us(policy().lease_s) - 1;
        block_on(renew_claim(&world.ports(), &policy(), &id(0), &run(1))).unwrap();
        block_on(tick(&world.ports(), &policy())).unwrap();
    }
    assert_eq!((world.see().group.instances.len(), world.see().rows[&id(0)].state), (1, State::Open));
    block_on(release_instance(&world.ports(), &id(0), &run(1))).unwrap();
    block_on(tick(&world.ports(), &policy())).unwrap();
    assert_eq!(world.see().group.instances.len(), 1, "it has just become idle");
    world.get().now_us += us(300);
    block_on(tick(&world.ports(), &policy())).unwrap();
    assert_eq!((world.see().group.instances.len(), world.see().killed.len()), (0, 0));
}

#[test]
fn a_dead_runners_lease_expires_and_its_instance_is_removed() {
    let world = World::new(1, 9);
    block_on(on_event(&world.ports(), &policy(), &runs("scheduler", 1, 0))).unwrap();
    block_on(claim_instance(&world.ports(), &policy(), &id(0), &run(1))).unwrap();
    world.get().now_us += us(policy().lease_s) + us(299);
    block_on(tick(&world.ports(), &policy())).unwrap();
    assert_eq!(world.see().group.instances.len(), 1, "idle since the lease expired, and not for long enough");
    world.get().now_us += us(1);
    block_on(tick(&world.ports(), &policy())).unwrap();
    assert_eq!(world.see().group.instances.len(), 0);
}

#[test]
fn one_source_too_many_is_reported_and_the_rest_goes_on() {
    let world = World::new(0, 9);
    for n in 0..500 {
        world.get().levels.record(&runs(&format!("pod-{n}"), 1, 1));
    }
    let handled = block_on(on_event(&world.ports(), &policy(), &runs("one-more", 1, 9))).unwrap();
    assert_eq!((handled.recorded, handled.decision.over_maximum), (Recorded::TooManySources, 491));
    assert_eq!(world.see().metrics.get(&Series::Runs), Some(&500.0), "of those that count");
    assert_eq!(world.see().metrics.get(&Series::IgnoredEvents), Some(&1.0));
}

#[test]
fn a_new_instance_is_adopted_as_idle_from_now_on() {
    let world = World::new(1, 9);
    world.get().rows.clear();
    block_on(tick(&world.ports(), &policy())).unwrap();
    assert_eq!(world.see().rows[&id(0)], InstanceRow::new(id(0), NOW_US));
}
