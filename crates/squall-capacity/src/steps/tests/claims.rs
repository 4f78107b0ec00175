//! What one publisher says of others: claims about instances and runs that are not its own.

use super::*;
use crate::claims::Ignored;
use crate::events::{Notice, runner_source};
use crate::levels::Contradiction;

/// A number of running runs of the scheduler, none of which has claimed an instance.
fn unclaimed(order: u64, running: u32) -> Activity {
    let level = Runs { queued: 0, running };
    let payload = Payload::Runs { level, started: Vec::new(), finished: Vec::new() };
    Activity { payload, ..runs("scheduler", order, 0) }
}

/// A notice under the instance's name, by whomever.
fn told_to_go(n: u32) -> Activity {
    let payload = Payload::Notice { instance_id: id(n), notice: Notice::SpotInterruption };
    Activity { payload, ..runs(&runner_source(&id(n)), 1, 0) }
}

fn by(source: &str, event: Activity) -> Activity {
    Activity { source: SourceId::new(source).unwrap(), ..event }
}

#[test]
fn instances_that_a_stranger_tells_to_go_stay_with_their_unclaimed_runs() {
    for policy in [policy(), eager(), at_once()] {
        let world = World::new(2, 2);
        block_on(on_event(&world.ports(), &policy, &unclaimed(1, 1))).unwrap();
        for n in 0..2 {
            block_on(on_event(&world.ports(), &policy, &told_to_go(n))).unwrap();
        }
        for _ in 0..10 {
            world.get().now_us += us(60);
            block_on(tick(&world.ports(), &policy)).unwrap();
            assert_eq!(world.see().group.instances.len(), 2, "{}", calls(&world));
        }
        assert!(world.see().rows.values().all(|row| row.state == State::Open));
    }
}

#[test]
fn an_idle_instance_that_was_told_to_go_is_drained_like_any_other() {
    let world = World::new(1, 9);
    block_on(on_event(&world.ports(), &policy(), &runs("scheduler", 1, 0))).unwrap();
    block_on(on_event(&world.ports(), &policy(), &told_to_go(0))).unwrap();
    let mut n_ticks = 0;
    while !world.see().group.instances.is_empty() {
        world.get().now_us += us(60);
        block_on(tick(&world.ports(), &policy())).unwrap();
        n_ticks += 1;
        assert!(n_ticks < 20);
    }
    assert!(n_ticks >= 10, "reopened after five minutes, and idle for five: {n_ticks}");
}

#[test]
fn an_instance_that_the_group_does_not_have_gets_no_row() {
    let world = World::new(1, 9);
    let handled = block_on(on_event(&world.ports(), &policy(), &on(&[(1, 7)], &[(2, 8)]))).unwrap();
    let why: Vec<_> = handled.ignored.iter().map(|(run, why)| (run.instance_id.clone(), *why)).collect();
    assert_eq!(why, [(id(7), Ignored::NotOfGroup), (id(8), Ignored::NotOfGroup)]);
    block_on(on_event(&world.ports(), &policy(), &told_to_go(9))).unwrap();
    assert_eq!(world.see().rows.keys().cloned().collect::<Vec<_>>(), [id(0)]);
}

#[test]
fn the_end_of_a_run_on_an_instance_that_has_just_left_is_still_known() {
    let world = World::new(1, 9);
    block_on(on_event(&world.ports(), &policy(), &on(&[(1, 0)], &[]))).unwrap();
    world.get().group.instances.clear();
    block_on(on_event(&world.ports(), &policy(), &on(&[], &[(1, 0)]))).unwrap();
    assert!(!world.see().rows[&id(0)].has_unended_run());
}

#[test]
fn a_stranger_does_not_end_anothers_run() {
    let world = World::new(1, 9);
    block_on(on_event(&world.ports(), &policy(), &on(&[(1, 0)], &[]))).unwrap();
    let handled = block_on(on_event(&world.ports(), &policy(), &by("stranger", on(&[], &[(1, 0)])))).unwrap();
    assert_eq!(handled.ignored[0].1, Ignored::OfAnother);
    assert!(world.see().rows[&id(0)].is_claimed(NOW_US));
    block_on(on_event(&world.ports(), &policy(), &on(&[], &[(1, 0)]))).unwrap();
    assert!(!world.see().rows[&id(0)].is_claimed(NOW_US));
}

#[test]
fn a_contradicting_sequence_is_counted_and_an_operator_can_forget_its_source() {
    let world = World::new(0, 9);
    let at = |order, s: u32, queued| Activity { time_us: us(s), ..runs("scheduler", order, queued) };
    block_on(on_event(&world.ports(), &policy(), &at(1 << 30, 1, 0))).unwrap();
    let handled = block_on(on_event(&world.ports(), &policy(), &at(7, 100, 3))).unwrap();
    assert_eq!(handled.recorded, Recorded::Contradicted(Contradiction::Back));
    assert_eq!(world.see().metrics.get(&Series::IgnoredEvents), Some(&1.0));
    assert_eq!(world.see().group.desired, 3, "they are served all the same");

    let source = SourceId::new("scheduler").unwrap();
    let forgotten = block_on(forget_source(&world.ports(), &source)).unwrap().unwrap();
    let level = forgotten.runs.unwrap();
    assert_eq!((level.order, level.n_ignored, forgotten.sessions), (1 << 30, 1, None));
    block_on(on_event(&world.ports(), &policy(), &at(8, 101, 4))).unwrap();
    assert_eq!((world.see().group.desired, world.see().levels.runs["scheduler"].n_ignored), (4, 0));
}

#[test]
fn a_publisher_that_begins_to_count_anew_loses_no_run() {
    for (policy, later_s) in
        [policy(), eager(), at_once()].into_iter().flat_map(|it| [(it.clone(), 30), (it, 300)])
    {
        let world = World::new(1, 9);
        let at = |order, s: u32, running| Activity {
            time_us: NOW_US - us(900) + us(s),
            ..unclaimed(order, running)
        };
        block_on(on_event(&world.ports(), &policy, &at(1_000, 0, 0))).unwrap();
        block_on(on_event(&world.ports(), &policy, &at(1, later_s, 1))).unwrap();
        for _ in 0..20 {
            block_on(tick(&world.ports(), &policy)).unwrap();
            assert_eq!(world.see().group.instances.len(), 1, "{}", calls(&world));
            world.get().now_us += us(60);
        }
    }
}

#[test]
fn no_instance_is_terminated_while_a_source_with_a_run_has_no_room() {
    for policy in [policy(), eager(), at_once()] {
        let world = World::new(9, 9);
        let full = |n: u32| by(&format!("pod-{n}"), Activity { time_us: 1, ..unclaimed(1, 0) });
        for n in 0..500 {
            world.get().levels.record(&Activity { payload: runs("any", 1, 0).payload, ..full(n) });
        }
        // Five hundred queued runs: none of them makes room, and none is running.
        for level in world.get().levels.runs.values_mut() {
            level.value.queued = 1;
        }
        let late = Activity { time_us: NOW_US, ..by("one-more", unclaimed(1, 1)) };
        let handled = block_on(on_event(&world.ports(), &policy, &late)).unwrap();
        assert_eq!(handled.recorded, Recorded::TooManySources);
        world.get().levels.runs.values_mut().for_each(|level| level.value.queued = 0);
        for _ in 0..10 {
            world.get().now_us += us(1_000);
            world.get().metrics.clear();
            block_on(tick(&world.ports(), &policy)).unwrap();
        }
        assert_eq!(world.see().group.instances.len(), 9, "{}", calls(&world));
        // The operator's word ends that.
        block_on(forget_source(&world.ports(), &SourceId::new("pod-7").unwrap())).unwrap().unwrap();
        block_on(tick(&world.ports(), &policy)).unwrap();
        assert_eq!(world.see().group.instances.len(), 0);
    }
}

#[test]
fn an_invented_claim_hides_no_unclaimed_run() {
    let started = |n_runs: u32| {
        let started = (0..n_runs).map(|n| RunOn { run_id: run(n), instance_id: id(0) }).collect();
        Payload::Runs { level: Runs::default(), started, finished: Vec::new() }
    };
    for n_runs in [1, 2, 9] {
        let world = World::new(2, 2);
        block_on(on_event(&world.ports(), &eager(), &unclaimed(1, 1))).unwrap();
        let invented = Activity { payload: started(n_runs), ..by("stranger", runs("any", 1, 0)) };
        block_on(on_event(&world.ports(), &eager(), &invented)).unwrap();
        world.get().now_us += us(60);
        block_on(tick(&world.ports(), &eager())).unwrap();
        assert_eq!(world.see().group.instances.len(), 2, "{n_runs}: {}", calls(&world));
    }
}

#[test]
fn an_instance_hides_no_more_unclaimed_runs_than_it_takes() {
    let world = World::new(3, 3);
    block_on(on_event(&world.ports(), &eager(), &unclaimed(1, 2))).unwrap();
    // Its own row, in its own words.
    world.get().rows.get_mut(&id(0)).unwrap().runs = (0..9).map(|n| (run(n), u64::MAX)).collect();
    block_on(tick(&world.ports(), &eager())).unwrap();
    assert_eq!(world.see().group.instances.len(), 3, "{}", calls(&world));
}

#[test]
fn a_row_that_cannot_be_used_stops_neither_the_claims_of_others_nor_a_tick() {
    let world = World::new(3, 3);
    world.get().unreadable.insert(id(0));
    let event = on(&[(1, 0), (2, 1)], &[(9, 0), (9, 2)]);
    let handled = block_on(on_event(&world.ports(), &policy(), &event)).unwrap();
    let why: Vec<_> = handled.ignored.iter().map(|(run, why)| (run.instance_id.clone(), *why)).collect();
    assert_eq!(why, [(id(0), Ignored::Unusable), (id(0), Ignored::Unusable)]);
    assert!(
        world.see().rows[&id(1)].is_claimed(NOW_US) && world.see().rows[&id(2)].runs.contains_key(&run(9))
    );
    // It was readable when it was listed.
    world.get().now_us += us(300);
    block_on(tick(&world.ports(), &policy())).unwrap();
    let left: Vec<_> = world.see().group.instances.iter().map(|it| it.id.clone()).collect();
    assert_eq!(left, [id(0), id(1)], "{}", calls(&world));
}

#[test]
fn a_failure_at_one_instance_does_not_keep_anothers_run_from_being_claimed() {
    let world = World::new(2, 2);
    // Levels read and written, the group, and then the first instance.
    world.get().fault = Some((3, Fault::Before));
    block_on(on_event(&world.ports(), &policy(), &on(&[(1, 0), (2, 1)], &[]))).unwrap_err();
    assert_eq!(world.see().calls[3], "instance i-000");
    assert!(world.see().rows[&id(1)].is_claimed(NOW_US), "and the event is delivered again for the other");
}

#[test]
fn forgetting_a_source_frees_no_instance_and_an_unknown_one_writes_nothing() {
    let world = World::new(1, 9);
    block_on(on_event(&world.ports(), &policy(), &on(&[(1, 0)], &[]))).unwrap();
    let before = world.see().levels.version;
    assert_eq!(block_on(forget_source(&world.ports(), &SourceId::new("nobody").unwrap())).unwrap(), None);
    assert_eq!(world.see().levels.version, before);
    block_on(forget_source(&world.ports(), &SourceId::new("scheduler").unwrap())).unwrap().unwrap();
    assert_eq!((world.see().levels.version, world.see().levels.runs.len()), (before + 1, 0));
    assert!(world.see().rows[&id(0)].is_claimed(NOW_US));
}

#[test]
fn forgetting_a_source_that_an_event_changes_meanwhile_keeps_the_others() {
    super::orders::in_every_order(|together| {
        let world = World::new(0, 9);
        block_on(on_event(&world.ports(), &policy(), &runs("a", 1, 1))).unwrap();
        let ports = world.ports();
        let (event, source, policy) = (runs("b", 1, 3), SourceId::new("a").unwrap(), policy());
        together.run(async { assert!(forget_source(&ports, &source).await.unwrap().is_some()) }, async {
            drop(on_event(&ports, &policy, &event).await.unwrap())
        });
        let known: Vec<_> = world.see().levels.runs.keys().map(ToString::to_string).collect();
        assert_eq!(known, ["b"], "{}: {}", together.shown(), calls(&world));
    });
}
