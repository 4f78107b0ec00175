use expect_test::expect;
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::sizing::{MAX_SUBTASK_MS, MAX_SUBTASKS_PER_TASK, MAX_TASKS};

/// A job with one field added or replaced.
fn with(field: &str) -> String {
    format!(r#"{{"workload": "probe", "input": {{}}, {field}}}"#)
}

fn read(message: &str) -> Result<Job, InputError> {
    Job::from_message(message.as_bytes())
}

fn table(messages: &[&str]) -> String {
    let row = |message: &&str| match read(message) {
        Ok(job) => format!("{message}\n    accepted: {job:?}\n"),
        Err(error) => format!("{message}\n    {error}\n"),
    };
    messages.iter().map(row).collect()
}

#[test]
fn what_is_no_job_is_refused_with_the_reason() {
    let messages = [
        "",
        "hello",
        "null",
        "[]",
        "42",
        r#"{"workload": "probe""#,
        r#"{"workload": "probe", "input": {"legs": [{"rate": 1,"#,
        r#"["probe", null, {"units": 1}, {}, null, null]"#,
        r#"{"workload": "probe", "input": {}} {}"#,
        r#"{"workload": "probe", "input": {}} x"#,
        r#"{"workload": "probe"}"#,
        r#"{"input": {}}"#,
        r#"{"workload": 3, "input": {}}"#,
        r#"{"workload": null, "input": {}}"#,
        r#"{"workload": "probe", "input": "units"}"#,
        r#"{"workload": "probe", "input": null}"#,
        r#"{"workload": "probe", "input": [1, 2]}"#,
        r#"{"workload": "probe", "input": [10000000, 20000000, 30000000, 40000000, 50000000, 60000000, 70000000]}"#,
        r#"{"workload": "probe", "input": {}, "workload": "other"}"#,
        r#"{"workload": "probe", "input": {}, "input": {"units": 1}}"#,
        r#"{"workload": "probe", "input": {"units": 1, "units": 2}}"#,
        r#"{"workload": "probe", "input": {"legs": [{"rate": 1}, {"rate": 1, "rate": 1}]}}"#,
        r#"{"workload": "probe", "input": {"units": 1e999}}"#,
        r#"{"workload": "probe", "input": {"units": NaN}}"#,
    ];
    expect![[r#"

            job: EOF while parsing a value at line 1 column 0
        hello
            job: expected value at line 1 column 1
        null
            job: invalid type: null, expected an object at line 1 column 4
        []
            job: invalid type: sequence, expected an object at line 1 column 0
        42
            job: invalid type: integer `42`, expected an object at line 1 column 2
        {"workload": "probe"
            job: EOF while parsing an object at line 1 column 20
        {"workload": "probe", "input": {"legs": [{"rate": 1,
            input.legs[0]: EOF while parsing a value at line 1 column 52
        ["probe", null, {"units": 1}, {}, null, null]
            job: invalid type: sequence, expected an object at line 1 column 0
        {"workload": "probe", "input": {}} {}
            job: trailing characters at line 1 column 36
        {"workload": "probe", "input": {}} x
            job: trailing characters at line 1 column 36
        {"workload": "probe"}
            job: missing field `input` at line 1 column 21
        {"input": {}}
            job: missing field `workload` at line 1 column 13
        {"workload": 3, "input": {}}
            workload: invalid type: integer `3`, expected a string at line 1 column 14
        {"workload": null, "input": {}}
            workload: invalid type: null, expected a string at line 1 column 17
        {"workload": "probe", "input": "units"}
            input: "units"; expected an object
        {"workload": "probe", "input": null}
            input: null; expected an object
        {"workload": "probe", "input": [1, 2]}
            input: [1,2]; expected an object
        {"workload": "probe", "input": [10000000, 20000000, 30000000, 40000000, 50000000, 60000000, 70000000]}
            input: [10000000,20000000,30000000,40000000,50000000,60000000,70...; expected an object
        {"workload": "probe", "input": {}, "workload": "other"}
            job: duplicate field `workload` at line 1 column 45
        {"workload": "probe", "input": {}, "input": {"units": 1}}
            job: duplicate field `input` at line 1 column 42
        {"workload": "probe", "input": {"units": 1, "units": 2}}
            input: the key `units` is there twice at line 1 column 51
        {"workload": "probe", "input": {"legs": [{"rate": 1}, {"rate": 1, "rate": 1}]}}
            input.legs[1]: the key `rate` is there twice at line 1 column 72
        {"workload": "probe", "input": {"units": 1e999}}
            input.units: number out of range at line 1 column 46
        {"workload": "probe", "input": {"units": NaN}}
            input.units: expected value at line 1 column 42
    "#]]
    .assert_eq(&table(&messages));
}

#[test]
fn every_field_is_refused_by_its_path_with_what_would_be_right() {
    let fields = [
        r#""deadline": 5"#,
        r#""id": """#,
        r#""id": "a job""#,
        r#""id": "jób""#,
        r#""id": "-rf""#,
        r#""id": 7"#,
        r#""deadline_s": 0"#,
        r#""deadline_s": 86401"#,
        r#""deadline_s": -1"#,
        r#""deadline_s": 1.5"#,
        r#""deadline_s": 18446744073709551616"#,
        r#""deadline_s": 1e3"#,
        r#""sizing": {"subtasks_per_task": 1e2}"#,
        r#""sizing": {"tasks": 1e300}"#,
        r#""deadline_s": "60""#,
        r#""max_cost_usd": 0"#,
        r#""max_cost_usd": -1"#,
        r#""max_cost_usd": 1e-10"#,
        r#""max_cost_usd": 1000000.1"#,
        r#""max_cost_usd": 1e300"#,
        r#""max_cost_usd": "1""#,
        r#""sizing": 5"#,
        r#""sizing": null"#,
        r#""sizing": [5]"#,
        r#""sizing": {"task": 5}"#,
        r#""sizing": {"tasks": 0}"#,
        r#""sizing": {"tasks": 1000001}"#,
        r#""sizing": {"tasks": 4294967296}"#,
        r#""sizing": {"tasks": 1.5}"#,
        r#""sizing": {"tasks": 1, "tasks": 2}"#,
        r#""sizing": {"subtasks_per_task": 0}"#,
        r#""sizing": {"subtasks_per_task": 10001}"#,
        r#""sizing": {"subtask_ms": 0}"#,
        r#""sizing": {"subtask_ms": -5}"#,
        r#""sizing": {"subtask_ms": 600001}"#,
        r#""sizing": {"subtask_ms": 1e300}"#,
        r#""sizing": {"subtask_ms": [1]}"#,
    ];
    let row = |field: &&str| format!("{field}\n    {}\n", read(&with(field)).unwrap_err());
    expect![[r#"
        "deadline": 5
            deadline: unknown field `deadline`, expected one of `workload`, `id`, `input`, `files`, `sizing`, `deadline_s`, `max_cost_usd` at line 1 column 45
        "id": ""
            id: ``; expected 1 to 128 letters, digits, `-`, `_` or `.`
        "id": "a job"
            id: `a job`; expected 1 to 128 letters, digits, `-`, `_` or `.`
        "id": "jób"
            id: `jób`; expected 1 to 128 letters, digits, `-`, `_` or `.`
        "id": "-rf"
            id: `-rf`; an id does not begin with `-`
        "id": 7
            id: invalid type: integer `7`, expected a string at line 1 column 42
        "deadline_s": 0
            deadline_s: 0; expected whole seconds from 1 to 86400
        "deadline_s": 86401
            deadline_s: 86401; expected whole seconds from 1 to 86400
        "deadline_s": -1
            deadline_s: invalid value: integer `-1`, expected a whole number at line 1 column 51
        "deadline_s": 1.5
            deadline_s: 1.5; expected a whole number, without a decimal point or an exponent at line 1 column 52
        "deadline_s": 18446744073709551616
            deadline_s: 1.8446744073709552e+19; expected a whole number, without a decimal point or an exponent at line 1 column 69
        "deadline_s": 1e3
            deadline_s: 1000.0; expected a whole number, written 1000 at line 1 column 52
        "sizing": {"subtasks_per_task": 1e2}
            sizing.subtasks_per_task: 100.0; expected a whole number, written 100 at line 1 column 70
        "sizing": {"tasks": 1e300}
            sizing.tasks: 1e+300; expected a whole number, without a decimal point or an exponent at line 1 column 60
        "deadline_s": "60"
            deadline_s: invalid type: string "60", expected a whole number at line 1 column 53
        "max_cost_usd": 0
            max_cost_usd: 0.0; expected US dollars from 0.000000001 to 1000000
        "max_cost_usd": -1
            max_cost_usd: -1.0; expected US dollars from 0.000000001 to 1000000
        "max_cost_usd": 1e-10
            max_cost_usd: 1e-10; expected US dollars from 0.000000001 to 1000000
        "max_cost_usd": 1000000.1
            max_cost_usd: 1000000.1; expected US dollars from 0.000000001 to 1000000
        "max_cost_usd": 1e300
            max_cost_usd: 1e300; expected US dollars from 0.000000001 to 1000000
        "max_cost_usd": "1"
            max_cost_usd: invalid type: string "1", expected a number at line 1 column 54
        "sizing": 5
            sizing: invalid type: integer `5`, expected an object at line 1 column 46
        "sizing": null
            sizing: invalid type: null, expected an object at line 1 column 49
        "sizing": [5]
            sizing: invalid type: sequence, expected an object at line 1 column 45
        "sizing": {"task": 5}
            sizing.task: unknown field `task`, expected one of `tasks`, `subtasks_per_task`, `subtask_ms` at line 1 column 52
        "sizing": {"tasks": 0}
            sizing.tasks: 0; expected 1 to 1000000
        "sizing": {"tasks": 1000001}
            sizing.tasks: 1000001; expected 1 to 1000000
        "sizing": {"tasks": 4294967296}
            sizing.tasks: invalid value: integer `4294967296`, expected a whole number at line 1 column 65
        "sizing": {"tasks": 1.5}
            sizing.tasks: 1.5; expected a whole number, without a decimal point or an exponent at line 1 column 58
        "sizing": {"tasks": 1, "tasks": 2}
            sizing: duplicate field `tasks` at line 1 column 65
        "sizing": {"subtasks_per_task": 0}
            sizing.subtasks_per_task: 0; expected 1 to 10000
        "sizing": {"subtasks_per_task": 10001}
            sizing.subtasks_per_task: 10001; expected 1 to 10000
        "sizing": {"subtask_ms": 0}
            sizing.subtask_ms: 0.0; expected milliseconds from 0.001 to 600000
        "sizing": {"subtask_ms": -5}
            sizing.subtask_ms: -5.0; expected milliseconds from 0.001 to 600000
        "sizing": {"subtask_ms": 600001}
            sizing.subtask_ms: 600001.0; expected milliseconds from 0.001 to 600000
        "sizing": {"subtask_ms": 1e300}
            sizing.subtask_ms: 1e300; expected milliseconds from 0.001 to 600000
        "sizing": {"subtask_ms": [1]}
            sizing.subtask_ms: invalid type: sequence, expected a number at line 1 column 60
    "#]].assert_eq(&fields.iter().map(row).collect::<String>());
}

#[test]
fn both_bounds_are_accepted() {
    let longest_id = "x".repeat(MAX_ID_CHARS);
    for field in [
        r#""deadline_s": 1"#.to_owned(),
        format!(r#""deadline_s": {MAX_DEADLINE_S}"#),
        r#""max_cost_usd": 0.000000001"#.to_owned(),
        r#""max_cost_usd": 1000000"#.to_owned(),
        r#""id": "x""#.to_owned(),
        format!(r#""id": "{longest_id}""#),
        r#""id": "a-Z_0.9""#.to_owned(),
        r#""sizing": {}"#.to_owned(),
        r#""sizing": {"tasks": 1, "subtasks_per_task": 1, "subtask_ms": 0.001}"#.to_owned(),
        format!(
            r#""sizing": {{"tasks": {MAX_TASKS}, "subtasks_per_task": {MAX_SUBTASKS_PER_TASK}, "subtask_ms": {MAX_SUBTASK_MS}}}"#
        ),
        r#""id": null, "deadline_s": null, "max_cost_usd": null"#.to_owned(),
    ] {
        read(&with(&field)).unwrap_or_else(|error| panic!("{field}: {error}"));
    }
    assert!(JobId::new(longest_id + "x").is_err());
}

#[test]
fn a_job_says_what_was_written() {
    let message = r#" {"workload":"probe","id":"march","input":{"b":[1,-2,0.5,null,true],"a":"ü"},
        "sizing":{"tasks":3},"deadline_s":60,"max_cost_usd":1.25}"#;
    let job = read(message).unwrap();
    assert_eq!(job.workload, "probe");
    assert_eq!(job.id.unwrap().as_str(), "march");
    assert_eq!(job.input_json, r#"{"b":[1,-2,0.5,null,true],"a":"ü"}"#);
    assert_eq!(job.sizing, SizingRequest { tasks: Some(3), ..SizingRequest::default() });
    assert_eq!((job.deadline_s, job.max_cost), (Some(60), Some(NanoUsd(1_250_000_000))));
    assert_eq!(job.digest, Digest::of(message.as_bytes()));
}

#[test]
fn a_byte_order_mark_is_no_content_and_utf_16_is_named() {
    let job = r#"{"workload": "probe", "input": {}}"#;
    assert_eq!(read(&format!("\u{FEFF}{job}")).unwrap().workload, "probe");
    let utf_16 =
        |to_bytes: fn(u16) -> [u8; 2], text: &str| text.encode_utf16().flat_map(to_bytes).collect::<Vec<_>>();
    for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        for text in [job.to_owned(), format!("\u{FEFF}{job}"), "{}".to_owned()] {
            let error = Job::from_message(&utf_16(to_bytes, &text)).unwrap_err();
            assert_eq!(error.to_string(), "job: it is UTF-16; save it as UTF-8", "{text}");
        }
    }
}

#[test]
fn only_a_job_that_is_known_may_have_an_id_that_begins_like_an_option() {
    for id in ["-", "-rf", "--all"] {
        assert_eq!(
            JobId::new(id).unwrap_err().to_string(),
            format!("id: `{id}`; an id does not begin with `-`")
        );
        assert_eq!(JobId::stored(id).unwrap().as_str(), id);
    }
    assert!(JobId::stored("a b").is_err());
    assert!(JobId::new("a-b-").is_ok());
}

#[test]
fn nesting_without_end_is_refused() {
    let deep =
        format!(r#"{{"workload": "probe", "input": {{"a": {}1{}}}}}"#, "[".repeat(9_999), "]".repeat(9_999));
    assert!(read(&deep).unwrap_err().problem.contains("recursion limit"));
}

#[test]
fn an_input_is_refused_by_its_path_without_a_line_number() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Curve {
        #[expect(dead_code, reason = "only its type matters")]
        rates: Vec<f64>,
    }
    let row = |json: &&str| {
        format!("{json}\n    {}\n", from_json::<Curve>(Place("input"), json.as_bytes()).unwrap_err())
    };
    let inputs = [r#"{"rates": [1, "2"]}"#, r#"{"rate": 1}"#, "{}", "[", "[[1], 2]", r#"{"rates": [1]} 5"#];
    expect![[r#"
        {"rates": [1, "2"]}
            input.rates[1]: invalid type: string "2", expected a number
        {"rate": 1}
            input.rate: unknown field `rate`, expected `rates`
        {}
            input: missing field `rates`
        [
            input: EOF while parsing a list
        [[1], 2]
            input: trailing characters
        {"rates": [1]} 5
            input: trailing characters at line 1 column 16
    "#]]
    .assert_eq(&inputs.iter().map(row).collect::<String>());
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Job::from_message(&bytes);
    }

    #[test]
    fn an_input_reaches_its_workload_unchanged(units: u64, loss: i64, eighths: i32, name in "\\PC{0,20}") {
        let input = serde_json::json!({ "units": units, "nested": [{ "loss": loss }], "rate": f64::from(eighths) / 8.0, "name": name });
        let message = serde_json::json!({ "workload": "probe", "input": input }).to_string();
        prop_assert_eq!(read(&message).unwrap().input_json, input.to_string());
    }
}

#[test]
fn types_and_numbers_are_called_by_their_names() {
    for (theirs, ours) in [
        (
            "invalid type: integer `3`, expected struct Limits",
            "invalid type: integer `3`, expected an object",
        ),
        (
            "invalid type: string \"x\", expected internally tagged enum Weighting at line 1",
            "invalid type: string \"x\", expected an object with a type at line 1",
        ),
        (
            "invalid type: floating point `1000.0`, expected u64",
            "1000.0; expected a whole number, written 1000",
        ),
        ("invalid type: string \"x\", expected f64", "invalid type: string \"x\", expected a number"),
    ] {
        assert_eq!(told(theirs), ours);
    }
    // A field may stand before it.
    let long = format!("weights: unknown field `{}`, expected `a`", "x".repeat(5_000));
    assert_eq!(told(&long), format!("weights: unknown field `{}...`, expected `a`", "x".repeat(57)));
    for json in
        [b"\xFF\xFE\0\0{\0\0\0".as_slice(), b"{\0\0\0}\0\0\0", b"\0\0\0{\0\0\0}", b"\0\0\xFE\xFF\0\0\0{"]
    {
        let error = from_json::<Value>(Place(""), json).unwrap_err();
        assert_eq!(error.problem, "it is UTF-32; save it as UTF-8");
    }
}

/// Whoever wrote it: what a terminal obeys is escaped, and of a megabyte sixty characters are quoted.
#[test]
fn a_message_quotes_little_and_nothing_that_a_terminal_obeys() {
    let long = "x".repeat(1_000_000);
    let texts =
        [long.as_str(), "\u{1b}[31m", "\u{9b}2J", "\u{202E}", "\u{200B}", "`, expected ", "\", expected "];
    for text in texts {
        let text = Value::from(format!("{text}{text}")).to_string();
        for message in [
            with(&format!("{text}: 1")),
            with(&format!(r#""id": {text}"#)),
            with(&format!(r#""deadline_s": {text}"#)),
            with(&format!(r#""sizing": {text}"#)),
            with(&format!(r#""sizing": {{{text}: 1}}"#)),
            with(&format!(r#""files": {{{text}: 1}}"#)),
            with(&format!(r#""files": {{{text}: "", {text}: ""}}"#)),
            format!(r#"{{"workload": "probe", "input": {text}}}"#),
            format!(r#"{{"workload": "probe", "input": {{{text}: 1, {text}: 2}}}}"#),
        ] {
            let told = read(&message).unwrap_err().to_string();
            assert!(told.chars().count() < 500 && !told.contains(&"x".repeat(61)), "{told}");
            assert_eq!(crate::visible::on_one_line(&told), told);
        }
    }
}

#[test]
fn a_place_is_short_however_deep_it_is() {
    let error = InputError::new(format!("input{}", "[0]".repeat(100_000)), "y ".repeat(100_000));
    assert_eq!((error.place.chars().count(), error.problem.chars().count()), (200, 1_790));
    assert!(error.place.starts_with("input[0][0]") && error.place.ends_with("[0]"), "{error}");
}
