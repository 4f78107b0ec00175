use expect_test::expect;
use futures::executor::block_on;
use squall_capacity::claims::State;
use squall_capacity::group::Lifecycle;
use squall_capacity::ports::Series;
use squall_capacity::scale_in::DRAIN_GRACE_US;

use super::*;
use crate::tests::events;
use crate::tests::groups::{has_sessions_and_runs, policy};
use crate::tests::world::World;

fn tick_by(world: &World, file: &str) -> Result<(), Failure> {
    block_on(handle(&world.ports(), &policy(), events::read("scale-in", file)))
}

/// A group of five, all idle since the first tick, and one run.
fn idle(file: &str) -> World {
    let world = World::new(1, 9, &["i-1", "i-2", "i-3", "i-4", "i-5"]);
    has_sessions_and_runs(&world, 0, 1);
    tick_by(&world, file).unwrap();
    assert_eq!(world.seen().rows.len(), 5, "all are adopted");
    world.state().now_us += 300_000_000;
    world
}

#[test]
fn rule_json_and_schedule_json_terminate_what_is_idle_and_not_needed() {
    for file in ["rule.json", "schedule.json"] {
        let world = idle(file);
        tick_by(&world, file).unwrap();
        let state = world.seen();
        assert_eq!((state.group.desired, state.group.n_live()), (1, 1));
        let gone = state.rows.values().filter(|row| matches!(row.state, State::Gone { .. })).count();
        assert_eq!(gone, 4);
        assert_eq!(world.last(Series::Terminated), Some(4.0));
        assert_eq!(world.last(Series::BusyKilled), Some(0.0));
    }
}

#[test]
fn a_tick_that_comes_twice_terminates_once() {
    let world = idle("rule.json");
    tick_by(&world, "rule.json").unwrap();
    tick_by(&world, "rule.json").unwrap();
    assert_eq!(world.seen().group.desired, 1);
    assert_eq!(world.last(Series::Terminated), Some(0.0));
}

#[test]
fn a_group_that_does_not_answer_fails_the_tick() {
    let world = idle("rule.json");
    world.state().n_faults = 1;
    let failure = tick_by(&world, "rule.json").unwrap_err();
    assert_eq!(format!("{failure:?}"), "PortUnknown: not done: as asked");
    tick_by(&world, "rule.json").unwrap();
    assert_eq!(world.seen().group.desired, 5, "the tick that drained them may still be running");
    world.state().now_us += DRAIN_GRACE_US;
    tick_by(&world, "rule.json").unwrap();
    assert_eq!(world.seen().group.desired, 1);
}

#[test]
fn an_instance_that_left_with_a_run_is_counted() {
    let world = World::new(0, 9, &["i-1", "i-2"]);
    has_sessions_and_runs(&world, 0, 2);
    let event = events::read("scale-out", "runs-on-instances.json");
    world.state().group.instances.push(crate::tests::world::instance("i-0b2f", Lifecycle::InService));
    block_on(crate::scale_out::handle(&world.ports(), &policy(), event)).unwrap();
    world.state().group.instances.last_mut().unwrap().lifecycle = Lifecycle::Leaving;
    tick_by(&world, "rule.json").unwrap();
    // The run may still end before the instance does.
    assert_eq!(world.last(Series::BusyKilled), Some(0.0));
    world.state().group.instances.pop();
    world.state().now_us += DRAIN_GRACE_US;
    tick_by(&world, "rule.json").unwrap();
    assert_eq!(world.last(Series::BusyKilled), Some(1.0));
    tick_by(&world, "rule.json").unwrap();
    assert_eq!(world.last(Series::BusyKilled), Some(0.0), "once");
}

#[test]
fn an_event_of_another_shape_is_named() {
    let situations = [
        r#"{"detail-type":"Scheduled Event"}"#,
        r#"{"detail-type":"EC2 Instance Launch Successful"}"#,
        r#"{"Records":[]}"#,
        r#"{"detail-type":7}"#,
        "[]",
        "null",
    ];
    let table: Vec<String> = situations
        .iter()
        .map(|event| match serde_json::from_str::<TimerEvent>(event) {
            Ok(TimerEvent) => format!("{event}\n    the timer"),
            Err(error) => format!("{event}\n    {error}"),
        })
        .collect();
    expect![[r#"
        {"detail-type":"Scheduled Event"}
            the timer
        {"detail-type":"EC2 Instance Launch Successful"}
            the `detail-type` `EC2 Instance Launch Successful`; expected the `detail-type` `Scheduled Event`
        {"Records":[]}
            an object without `detail-type`; expected the `detail-type` `Scheduled Event`
        {"detail-type":7}
            invalid type: integer `7`, expected a string at line 1 column 16
        []
            invalid length 0, expected a scheduled event at line 1 column 2
        null
            invalid type: null, expected a scheduled event at line 1 column 4"#]]
    .assert_eq(&table.join("\n"));
}
