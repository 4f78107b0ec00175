//! No handler panics, whatever payload is delivered.

use std::fs;

use aws_lambda_events::sns::SnsEvent;
use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::{Value, json};
use squall_capacity::policy::Policy;

use super::events::{self, folder};
use super::groups::policy;
use super::world::World;
use crate::scale_in::{self, TimerEvent};
use crate::scale_out;

/// Passes a payload through the runtime's parsing and the functions.
fn deliver(world: &World, policy: &Policy, payload: &[u8]) {
    let ports = world.ports();
    if let Ok(event) = serde_json::from_slice::<SnsEvent>(payload) {
        block_on(scale_out::handle(&ports, policy, event)).ok();
    }
    if let Ok(event) = serde_json::from_slice::<TimerEvent>(payload) {
        block_on(scale_in::handle(&ports, policy, event)).ok();
    }
    // A world that remembers them all would be slow to inspect.
    let mut state = world.state();
    state.lines.clear();
    state.points.truncate(100);
}

fn payloads() -> Vec<Vec<u8>> {
    let files = ["scale-out", "scale-in"].map(|function| fs::read_dir(folder(function)).unwrap());
    files.into_iter().flatten().map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn no_byte_of_a_payload_can_be_such_that_a_handler_panics() {
    let policy = policy();
    let payloads = payloads();
    assert_eq!(payloads.len(), 8);
    for payload in payloads {
        // A digit, the ends of a string and of an object, an escape, an invalid byte.
        for other in *b"0\"}\\\xff" {
            let world = World::new(0, 9, &["i-0b2f", "i-0c3a"]);
            for position in 0..payload.len() {
                let mut payload = payload.clone();
                payload[position] = other;
                deliver(&world, &policy, &payload);
            }
        }
    }
}

/// JSON of any shape, with field names of events in it.
fn any_json() -> impl Strategy<Value = Value> {
    let words = proptest::sample::select(vec![
        "version",
        "type",
        "source",
        "time",
        "sequence",
        "session_activity",
        "run_activity",
        "active_sessions",
        "queued_runs",
        "running_runs",
        "started",
        "run_id",
        "instance_id",
        "2026-11-22T09:00:00Z",
        "detail-type",
        "Scheduled Event",
        "Records",
        "Sns",
        "Message",
    ]);
    let word = prop_oneof![words.prop_map(str::to_owned), ".{0,6}"].boxed();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0_u32..3).prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A run event with arbitrary numbers and names.
fn any_runs() -> impl Strategy<Value = Value> {
    let name = prop_oneof!["[a-z]{1,3}", ".{0,4}"];
    let on = prop::collection::vec((name.clone(), "i-[0-3]"), 0..4).prop_map(|runs| {
        let run = |(run, id): &(String, String)| json!({"run_id": run, "instance_id": id});
        Value::from(runs.iter().map(run).collect::<Vec<_>>())
    });
    let number = prop_oneof![0_u64..10, 0_u64..=1_000_000, any::<u64>()];
    (name, number.clone(), number.clone(), number, on.clone(), on).prop_map(
        |(source, sequence, queued, running, started, finished)| {
            json!({
                "version": 1, "type": "run_activity", "source": source, "time": "2026-11-21T08:59:00Z",
                "sequence": sequence, "queued_runs": queued, "running_runs": running, "started": started,
                "finished": finished,
            })
        },
    )
}

fn message(text: &str) -> Vec<u8> {
    let mut event: SnsEvent = events::read("scale-out", "sessions.json");
    event.records[0].sns.message = text.to_owned();
    serde_json::to_vec(&event).unwrap()
}

proptest! {
    #[test]
    fn no_json_has_a_handler_panic(values in prop::collection::vec(any_json(), 1..6)) {
        let (world, policy) = (World::new(0, 9, &["i-0", "i-1"]), policy());
        for value in values {
            deliver(&world, &policy, value.to_string().as_bytes());
            deliver(&world, &policy, &message(&value.to_string()));
        }
    }

    #[test]
    fn the_group_stays_within_its_bounds_whatever_runs_are_reported(
        values in prop::collection::vec(any_runs(), 1..8),
    ) {
        let (world, policy) = (World::new(1, 9, &["i-0", "i-1"]), policy());
        for value in values {
            deliver(&world, &policy, &message(&value.to_string()));
            world.state().now_us += 200_000_000;
            deliver(&world, &policy, &fs::read(folder("scale-in").join("rule.json")).unwrap());
            prop_assert!((1..=9).contains(&world.seen().group.desired));
        }
    }
}
