use std::io::Write;
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use squall_capacity::claims::State;
use squall_capacity::ids::InstanceId;
use squall_capacity::journal::Line;

use super::*;
use crate::tests::events;
use crate::tests::groups::policy;
use crate::tests::world::World;

fn take_in(world: &World, file: &str) -> Result<(), Failure> {
    block_on(handle(&world.ports(), &policy(), events::read("scale-out", file)))
}

fn desired(world: &World) -> u32 {
    world.seen().group.desired
}

/// The lines logged while the future runs.
fn logged(work: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(move || writer.clone());
    tracing::subscriber::with_default(log.finish(), work);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn sessions_json_has_instances_stand_by() {
    let world = World::new(0, 9, &[]);
    take_in(&world, "sessions.json").unwrap();
    assert_eq!(desired(&world), 3);
    assert_eq!(world.last(Series::Sessions), Some(12.0));
    assert_eq!(
        (world.last(Series::WantedCapacity), world.last(Series::DesiredCapacity)),
        (Some(3.0), Some(3.0))
    );
    assert_eq!(world.last(Series::DecisionLatency), Some(2_000.0));
}

#[test]
fn runs_json_has_an_instance_for_every_two_runs() {
    let world = World::new(0, 9, &["i-1"]);
    take_in(&world, "runs.json").unwrap();
    assert_eq!(desired(&world), 4);
    assert_eq!(world.last(Series::Runs), Some(7.0));
}

#[test]
fn a_message_that_is_delivered_again_changes_nothing() {
    let world = World::new(0, 9, &[]);
    take_in(&world, "runs.json").unwrap();
    let before = world.seen();
    take_in(&world, "runs.json").unwrap();
    let after = world.seen();
    assert_eq!((after.group, after.levels), (before.group, before.levels));
}

#[test]
fn every_decision_is_a_line_of_the_journal_that_can_be_taken_again() {
    let world = World::new(0, 9, &[]);
    take_in(&world, "sessions.json").unwrap();
    let lines = world.seen().lines;
    assert_eq!(lines.len(), 2, "it raises the group, then checks the result");
    for line in lines {
        assert!(!line.contains('\n'), "{line}");
        let read: Line = serde_json::from_str(&line).unwrap();
        assert_eq!(read.again(), read);
    }
}

#[test]
fn runs_on_instances_json_marks_and_protects_the_instances_that_have_a_run() {
    let world = World::new(0, 9, &["i-0b2f", "i-0c3a"]);
    for instance in &mut world.state().group.instances {
        instance.is_protected = false;
    }
    take_in(&world, "runs-on-instances.json").unwrap();
    let state = world.seen();
    assert!(state.group.instances.iter().all(|it| it.is_protected));
    for (id, run) in [("i-0b2f", "r-17"), ("i-0c3a", "r-18")] {
        let row = &state.rows[&InstanceId::new(id).unwrap()];
        let runs: Vec<_> = row.live_runs(state.now_us).map(ToString::to_string).collect();
        assert_eq!((row.state, runs), (State::Open, vec![run.to_owned()]));
    }
}

#[test]
fn several_json_adds_up_its_sources_and_drops_what_was_overtaken() {
    let world = World::new(0, 9, &[]);
    take_in(&world, "several.json").unwrap();
    assert_eq!(world.seen().levels.n_sessions(), 12);
    assert_eq!(desired(&world), 3);
}

#[test]
fn malformed_json_is_refused_with_the_reason_and_counted_and_what_comes_with_it_is_taken_in() {
    let world = World::new(0, 9, &[]);
    let log = logged(|| take_in(&world, "malformed.json").unwrap());
    let reason = "refused: queued_runs: invalid type: string \"many\", expected a whole number";
    assert!(log.lines().any(|line| line.contains("WARN") && line.contains(reason)), "{log}");
    assert_eq!(world.last(Series::MalformedEvents), Some(1.0));
    assert_eq!((world.seen().levels.n_runs(), desired(&world)), (1, 1));
}

#[test]
fn version_2_json_is_refused_and_not_retried() {
    let world = World::new(0, 9, &[]);
    let log = logged(|| take_in(&world, "version-2.json").unwrap());
    assert!(log.contains("refused: version: 2, expected 1"), "{log}");
    assert_eq!(world.last(Series::MalformedEvents), Some(1.0));
    assert_eq!((world.seen().levels.version, desired(&world)), (0, 0));
}

#[test]
fn what_cannot_be_counted_is_refused_all_the_same() {
    let world = World::new(0, 9, &[]);
    world.state().n_faults = 1;
    let log = logged(|| take_in(&world, "version-2.json").unwrap());
    assert!(log.contains("cannot count refused events: as asked"), "{log}");
}

#[test]
fn a_group_that_does_not_answer_fails_the_invocation_and_the_others_are_taken_in() {
    let world = World::new(0, 9, &[]);
    world.state().n_faults = 2;
    let mut failure = None;
    let log = logged(|| failure = take_in(&world, "several.json").err());
    let (first, second) = ("7d1c0e9a-52b4-5c1f-8a53-5f6e3b0a9101", "7d1c0e9a-52b4-5c1f-8a53-5f6e3b0a9102");
    assert_eq!(format!("{:?}", failure.unwrap()), format!("PortUnknown: message {first}: as asked"));
    assert!(log.contains(&format!("not handled: as asked message_id=\"{second}\"")), "{log}");
    assert_eq!(desired(&world), 3, "the third raises it for all three");
}
