//! Valid events, and the errors for malformed ones.

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// 2026-11-22T10:15:00Z.
const NOW_US: u64 = 1_795_342_500_000_000;
const SESSIONS: &str = r#"{"version": 1, "type": "session_activity", "source": "web-1", "time": "2026-11-22T10:15:00Z", "active_sessions": 7}"#;
const RUNS: &str = r#"{"version": 1, "type": "run_activity", "source": "scheduler", "time": "2026-11-22T10:15:02Z", "sequence": 42,
 "queued_runs": 3, "running_runs": 2, "started": [{"run_id": "r-17", "instance_id": "i-0abc"}], "finished": []}"#;

fn say(read: Result<Activity, Malformed>) -> String {
    match read {
        Ok(Activity { source, order, time_us, payload }) => {
            format!("{source} order {order} at {time_us}: {payload:?}")
        }
        Err(malformed) => malformed.to_string(),
    }
}

/// A message with fields changed, or removed by `null`.
fn with(text: &str, changes: &Value) -> String {
    let mut message: Value = serde_json::from_str(text).unwrap();
    for (field, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => message.as_object_mut().unwrap().remove(field),
            value => message.as_object_mut().unwrap().insert(field.clone(), value.clone()),
        };
    }
    message.to_string()
}

fn table<'a>(messages: impl IntoIterator<Item = (&'a str, String)>, expect: &Expect) {
    let mut table = String::new();
    for (what, text) in messages {
        table.push_str(&format!("{what}\n  {}\n", say(Activity::from_json(&text, NOW_US))));
    }
    expect.assert_eq(&table);
}

fn notice() -> String {
    instance_notice_json(&InstanceId::new("i-0abc").unwrap(), Notice::SpotInterruption, NOW_US)
}

#[test]
fn what_this_crate_publishes_it_reads() {
    let text = run_activity_json("runner/i-0abc", NOW_US - 5, 2, 1);
    let event = Activity::from_json(&text, NOW_US).unwrap();
    let payload =
        Payload::Runs { level: Runs { queued: 2, running: 1 }, started: Vec::new(), finished: Vec::new() };
    assert_eq!((event.source.as_str(), event.time_us, event.payload), ("runner/i-0abc", NOW_US - 5, payload));
}

#[test]
fn good_messages_are_read() {
    table(
        [
            ("sessions", SESSIONS.to_owned()),
            ("runs", RUNS.to_owned()),
            ("a sequence takes precedence over the time", with(SESSIONS, &json!({"sequence": 5}))),
            ("no lists", with(RUNS, &json!({"started": null, "finished": null}))),
            (
                "another time zone and a fraction",
                with(SESSIONS, &json!({"time": "2026-11-22T11:15:00.25+01:00"})),
            ),
            ("as far ahead as allowed", with(SESSIONS, &json!({"time": "2026-11-22T10:20:00Z"}))),
            ("months old", with(SESSIONS, &json!({"time": "2026-01-01T00:00:00Z"}))),
            (
                "a sequence in nanoseconds",
                with(SESSIONS, &json!({"sequence": 1_795_342_800_000_000_000_u64})),
            ),
            ("the largest level", with(SESSIONS, &json!({"active_sessions": 1_000_000}))),
            ("blanks around", format!(" \n{SESSIONS}\t\n")),
            ("a notice", notice()),
        ],
        &expect![[r#"
            sessions
              web-1 order 1795342500000000 at 1795342500000000: Sessions(7)
            runs
              scheduler order 42 at 1795342502000000: Runs { level: Runs { queued: 3, running: 2 }, started: [RunOn { run_id: RunId("r-17"), instance_id: InstanceId("i-0abc") }], finished: [] }
            a sequence takes precedence over the time
              web-1 order 5 at 1795342500000000: Sessions(7)
            no lists
              scheduler order 42 at 1795342502000000: Runs { level: Runs { queued: 3, running: 2 }, started: [], finished: [] }
            another time zone and a fraction
              web-1 order 1795342500250000 at 1795342500250000: Sessions(7)
            as far ahead as allowed
              web-1 order 1795342800000000 at 1795342800000000: Sessions(7)
            months old
              web-1 order 1767225600000000 at 1767225600000000: Sessions(7)
            a sequence in nanoseconds
              web-1 order 1795342800000000000 at 1795342500000000: Sessions(7)
            the largest level
              web-1 order 1795342500000000 at 1795342500000000: Sessions(1000000)
            blanks around
              web-1 order 1795342500000000 at 1795342500000000: Sessions(7)
            a notice
              runner/i-0abc order 1795342500000000 at 1795342500000000: Notice { instance_id: InstanceId("i-0abc"), notice: SpotInterruption }
        "#]],
    );
}

#[test]
fn a_malformed_message_gets_its_field_its_value_and_what_was_expected() {
    let nested = |run: Value| with(RUNS, &json!({"started": [run]}));
    table(
        [
            ("empty", String::new()),
            ("blank", " \n".to_owned()),
            ("an array", r#"[1, "session_activity", "web-1", "2026-11-22T10:15:00Z", null, 7]"#.to_owned()),
            ("a text", r#""hello""#.to_owned()),
            ("no JSON", "active_sessions=7".to_owned()),
            ("cut off", SESSIONS[..60].to_owned()),
            ("trailing text", format!("{SESSIONS} and more")),
            ("two messages", format!("{SESSIONS}{SESSIONS}")),
            (
                "a doubled key",
                SESSIONS.replace(r#""active_sessions""#, r#""active_sessions": 1, "active_sessions""#),
            ),
            ("version 2", with(SESSIONS, &json!({"version": 2, "tenant": "a"}))),
            ("version of the wrong type", with(SESSIONS, &json!({"version": "1"}))),
            ("no version", with(SESSIONS, &json!({"version": null}))),
            ("no type", with(SESSIONS, &json!({"type": null}))),
            ("unknown type", with(SESSIONS, &json!({"type": "login"}))),
            ("no source", with(SESSIONS, &json!({"source": null}))),
            ("an empty source", with(SESSIONS, &json!({"source": ""}))),
            ("a source with a space", with(SESSIONS, &json!({"source": "web 1"}))),
            ("a source that is too long", with(SESSIONS, &json!({"source": "x".repeat(129)}))),
            ("an unknown field", with(SESSIONS, &json!({"sessions": 7}))),
            ("no level", with(SESSIONS, &json!({"active_sessions": null}))),
            ("a level that is a string", with(SESSIONS, &json!({"active_sessions": "7"}))),
            ("a negative level", with(SESSIONS, &json!({"active_sessions": -1}))),
            ("a fractional level", with(SESSIONS, &json!({"active_sessions": 1.5}))),
            ("a level too large", with(SESSIONS, &json!({"active_sessions": 1_000_001}))),
            ("a level beyond 32 bits", with(SESSIONS, &json!({"active_sessions": 5_000_000_000_u64}))),
            ("a negative sequence", with(SESSIONS, &json!({"sequence": -1}))),
            ("a sequence beyond nanoseconds", with(SESSIONS, &json!({"sequence": u64::MAX}))),
            ("a sequence just ahead", with(SESSIONS, &json!({"sequence": 1_795_342_800_000_000_001_u64}))),
            ("no time", with(SESSIONS, &json!({"time": null}))),
            ("a time without a zone", with(SESSIONS, &json!({"time": "2026-11-22 10:15:00"}))),
            ("a time before 1970", with(SESSIONS, &json!({"time": "1969-12-31T23:59:59Z"}))),
            ("a time that is a number", with(SESSIONS, &json!({"time": 1_795_342_500}))),
            ("too far ahead", with(SESSIONS, &json!({"time": "2026-11-22T10:20:01Z"}))),
            ("a run field in a session event", with(SESSIONS, &json!({"queued_runs": 1}))),
            ("a session field in a run event", with(RUNS, &json!({"active_sessions": 1}))),
            ("no queued runs", with(RUNS, &json!({"queued_runs": null}))),
            ("no running runs", with(RUNS, &json!({"running_runs": null}))),
            ("too many running runs", with(RUNS, &json!({"running_runs": 2_000_000}))),
            ("a run without an instance", nested(json!({"run_id": "r-1"}))),
            ("an instance with a space", nested(json!({"run_id": "r-1", "instance_id": "i 0"}))),
            ("a run that is a string", nested(json!("r-1"))),
            ("a list that is an object", with(RUNS, &json!({"finished": {}}))),
            ("a notice without an instance", with(&notice(), &json!({"instance_id": null}))),
            ("a notice without a reason", with(&notice(), &json!({"notice": null}))),
            ("a notice of an unknown kind", with(&notice(), &json!({"notice": "bored"}))),
            ("a notice by another", with(&notice(), &json!({"source": "web-1"}))),
            ("a notice by another instance", with(&notice(), &json!({"source": "runner/i-0abd"}))),
            ("a session field in a notice", with(&notice(), &json!({"active_sessions": 1}))),
        ],
        &expect![[r#"
            empty
              the text is empty, expected one JSON object
            blank
              the text is empty, expected one JSON object
            an array
              the text begins with '[', expected one JSON object
            a text
              the text begins with '"', expected one JSON object
            no JSON
              the text begins with 'a', expected one JSON object
            cut off
              EOF while parsing an object at line 1 column 60
            trailing text
              trailing characters at line 1 column 117, expected nothing after the object
            two messages
              trailing characters at line 1 column 116, expected nothing after the object
            a doubled key
              duplicate field `active_sessions`
            version 2
              version: 2, expected 1
            version of the wrong type
              version: invalid type: string "1", expected a whole number
            no version
              missing field `version`
            no type
              missing field `type`
            unknown type
              type: unknown variant `login`, expected one of `session_activity`, `run_activity`, `instance_notice`
            no source
              missing field `source`
            an empty source
              source: "" is not a source's name: 1 to 128 visible ASCII characters without spaces
            a source with a space
              source: "web 1" is not a source's name: 1 to 128 visible ASCII characters without spaces
            a source that is too long
              source: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"… is not a source's name: 1 to 128 visible ASCII characters without spaces
            an unknown field
              unknown field `sessions`, expected one of `version`, `type`, `source`, `time`, `sequence`, `active_sessions`, `queued_runs`, `running_runs`, `started`, `finished`, `instance_id`, `notice`
            no level
              active_sessions: missing, expected a number from 0 to 1000000
            a level that is a string
              active_sessions: invalid type: string "7", expected a whole number
            a negative level
              active_sessions: invalid value: integer `-1`, expected a whole number
            a fractional level
              active_sessions: invalid type: floating point `1.5`, expected a whole number
            a level too large
              active_sessions: 1000001, expected at most 1000000
            a level beyond 32 bits
              active_sessions: invalid value: integer `5000000000`, expected a whole number
            a negative sequence
              sequence: invalid value: integer `-1`, expected a whole number
            a sequence beyond nanoseconds
              sequence: 18446744073709551615, expected at most 1795342800000000000, 300 s from now in nanoseconds since 1970: a counter, or a clock's seconds, milliseconds, microseconds or nanoseconds
            a sequence just ahead
              sequence: 1795342800000000001, expected at most 1795342800000000000, 300 s from now in nanoseconds since 1970: a counter, or a clock's seconds, milliseconds, microseconds or nanoseconds
            no time
              missing field `time`
            a time without a zone
              time: "2026-11-22 10:15:00", expected RFC 3339 since 1970, such as 2026-11-22T10:15:00Z
            a time before 1970
              time: "1969-12-31T23:59:59Z", expected RFC 3339 since 1970, such as 2026-11-22T10:15:00Z
            a time that is a number
              time: invalid type: integer `1795342500`, expected a string
            too far ahead
              time: 2026-11-22T10:20:01Z is 301 s from now, expected at most 300; is the publisher's clock right?
            a run field in a session event
              queued_runs: belongs to a run_activity, not to a session_activity
            a session field in a run event
              active_sessions: belongs to a session_activity, not to a run_activity
            no queued runs
              queued_runs: missing, expected a number from 0 to 1000000
            no running runs
              running_runs: missing, expected a number from 0 to 1000000
            too many running runs
              running_runs: 2000000, expected at most 1000000
            a run without an instance
              started[0]: missing field `instance_id`
            an instance with a space
              started[0].instance_id: "i 0" is not an instance's id: 1 to 128 visible ASCII characters without spaces
            a run that is a string
              started[0]: invalid type: string "r-1", expected struct RunOn
            a list that is an object
              finished: invalid type: map, expected a sequence
            a notice without an instance
              instance_id: missing, expected an instance's id
            a notice without a reason
              notice: missing, expected spot_interruption or terminating
            a notice of an unknown kind
              notice: unknown variant `bored`, expected `spot_interruption` or `terminating`
            a notice by another
              source: web-1, expected runner/i-0abc: only an instance itself gives notice
            a notice by another instance
              source: runner/i-0abd, expected runner/i-0abc: only an instance itself gives notice
            a session field in a notice
              active_sessions: belongs to a session_activity, not to an instance_notice
        "#]],
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}", now_us in any::<u64>()) {
        drop(Activity::from_json(&text, now_us));
    }

    #[test]
    fn an_event_that_reads_is_within_its_bounds(level in any::<u32>(), at_s in 0_i64..4_000_000_000, now_us in any::<u64>()) {
        let time = DateTime::from_timestamp(at_s, 0).unwrap().to_rfc3339();
        let text = with(SESSIONS, &json!({"active_sessions": level, "time": time}));
        match Activity::from_json(&text, now_us) {
            Ok(event) => {
                prop_assert_eq!(event.payload, Payload::Sessions(level));
                prop_assert!(level <= MOST && event.time_us <= now_us.saturating_add(AHEAD_US));
            }
            Err(_) => prop_assert!(level > MOST || at_s.unsigned_abs() * 1_000_000 > now_us.saturating_add(AHEAD_US)),
        }
    }
}

#[test]
fn no_single_byte_in_a_good_message_can_do_harm() {
    for good in [SESSIONS, RUNS] {
        for at in 0..good.len() {
            for byte in 0..=u8::MAX {
                let mut bytes = good.as_bytes().to_vec();
                bytes[at] = byte;
                let Ok(text) = String::from_utf8(bytes) else { continue };
                if let Err(Malformed(sentence)) = Activity::from_json(&text, NOW_US) {
                    assert!(
                        !sentence.is_empty() && !sentence.contains(char::is_control),
                        "{sentence:?} of {text}"
                    );
                }
            }
        }
    }
}
