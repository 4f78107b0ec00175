//! Two concurrent steps: see `orders`.

use super::orders::in_every_order;
use super::*;

/// A world with `n` instances and `n_runs` recorded runs.
fn settled(n: u32, n_runs: u32, max: u32) -> World {
    let world = World::new(n, max);
    world.get().levels.version = 1;
    let event = runs("scheduler", 1, n_runs);
    world.get().levels.record(&event);
    world
}

#[test]
fn of_two_events_at_the_same_time_no_update_is_lost() {
    let n = in_every_order(|together| {
        let world = World::new(0, 9);
        let ports = world.ports();
        let (a, b) = (runs("a", 1, 2), runs("b", 1, 3));
        let policy = policy();
        together.run(async { drop(on_event(&ports, &policy, &a).await.unwrap()) }, async {
            drop(on_event(&ports, &policy, &b).await.unwrap())
        });
        assert_eq!(world.see().group.desired, 5, "{}: {}", together.shown(), calls(&world));
    });
    assert!(n > 100, "{n} orders");
}

/// Both look before either records its launch: nothing is launched twice.
#[test]
fn of_two_looks_at_the_same_time_one_launches() {
    let n = in_every_order(|together| {
        let world = settled(0, 2, 9);
        let ports = world.ports();
        let policy = by_launch();
        let look = || async { drop(scale_out::ensure_enough(&ports, &policy).await.unwrap()) };
        together.run(look(), look());
        assert_eq!(world.see().group.desired, 2, "{}: {}", together.shown(), calls(&world));
        assert_eq!(world.see().levels.launch, None);
    });
    assert!(n > 100, "{n} orders");
}

#[test]
fn of_a_claim_and_a_tick_exactly_one_gets_the_instance() {
    for policy in [eager(), at_once()] {
        let mut outcomes = [0, 0];
        in_every_order(|together| {
            let world = settled(1, 0, 9);
            let ports = world.ports();
            let mut is_claimed = false;
            let (id, run) = (id(0), run(1));
            together.run(
                async { is_claimed = claim_instance(&ports, &policy, &id, &run).await.is_ok() },
                async { drop(tick(&ports, &policy).await.unwrap()) },
            );
            let is_there = world.see().group.instance(&id).is_some();
            assert_eq!(is_there, is_claimed, "{}: {}", together.shown(), calls(&world));
            assert!(world.see().killed.is_empty());
            outcomes[usize::from(is_claimed)] += 1;
        });
        assert!(outcomes.iter().all(|n| *n > 0), "both happen: {outcomes:?}");
    }
}

#[test]
fn of_an_event_and_a_tick_the_event_has_its_instances() {
    for policy in [eager(), by_launch_and_eager()] {
        let mut outcomes = [0, 0];
        in_every_order(|together| {
            // At the maximum: only a kept or a new instance replaces the one that the tick removes.
            let world = settled(1, 0, 1);
            let ports = world.ports();
            let event = runs("scheduler", 2, 1);
            let mut is_handled = false;
            together.run(async { is_handled = on_event(&ports, &policy, &event).await.is_ok() }, async {
                drop(tick(&ports, &policy).await)
            });
            outcomes[usize::from(world.see().group.instance(&id(0)).is_some())] += 1;
            if world.usable() < 1 {
                // When the event looked, it was gone and not terminated yet: the next tick replaces it.
                block_on(tick(&ports, &policy)).unwrap();
            }
            assert_eq!(world.usable(), 1, "{}: {}", together.shown(), calls(&world));
            assert!(is_handled);
        });
        assert!(outcomes.iter().all(|n| *n > 0), "both happen: {outcomes:?}");
    }
}

/// With room to grow the event needs no later tick: it either keeps the instance or launches another.
#[test]
fn with_room_to_grow_an_event_beside_a_tick_needs_no_other() {
    in_every_order(|together| {
        let world = settled(1, 0, 9);
        let ports = world.ports();
        let event = runs("scheduler", 2, 1);
        let policy = eager();
        together.run(async { drop(on_event(&ports, &policy, &event).await.unwrap()) }, async {
            drop(tick(&ports, &policy).await.unwrap())
        });
        assert!(world.usable() >= 1, "{}: {}", together.shown(), calls(&world));
    });
}

#[test]
fn two_ticks_at_the_same_time_take_no_more_than_one_would() {
    in_every_order(|together| {
        let world = settled(2, 1, 9);
        let ports = world.ports();
        let policy = eager();
        let one = || async { drop(tick(&ports, &policy).await) };
        together.run(one(), one());
        assert!(world.usable() >= 1, "{}: {}", together.shown(), calls(&world));
    });
}

fn by_launch_and_eager() -> Policy {
    Policy { raise_by: RaiseBy::LaunchInstances, ..eager() }
}
