//! What others wrote, on a terminal: nothing that it would obey, and little of what is long, whatever the command.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::binaries::{binary, root};
use crate::cli::Scratch;

/// Colours, an eight-bit control, a carriage return, an override of the writing direction, a space without width; and what is long.
fn hostile() -> Vec<String> {
    let short = ["a\u{1b}[31mb", "a\u{9b}2Jb", "a\rb", "a\u{202E}b", "a\u{200B}b", "a\u{7}b\u{8}"];
    short.map(str::to_owned).into_iter().chain(["x".repeat(100_000)]).collect()
}

fn squall(args: &[&str]) -> Output {
    Command::new(binary("squall")).current_dir(root()).args(args).output().unwrap()
}

/// Nothing of it moves the cursor, and an error has a length.
fn check(what: &str, output: &Output) {
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8(text.clone()).unwrap();
        assert_eq!(squall_core::visible::visible(&text), text, "{what}");
        assert!(!text.contains(&"x".repeat(201)), "{what} quotes all of it");
    }
    let told = String::from_utf8_lossy(&output.stderr).chars().count();
    assert!(told < 2_100, "{what} tells {told} characters");
}

/// The paths of all values and the names of all fields.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    if let Value::Object(fields) = value {
        fields.iter().for_each(|(name, field)| places(field, &format!("{at}/{name}"), all));
    }
    if let Value::Array(items) = value {
        items.iter().enumerate().for_each(|(n, item)| places(item, &format!("{at}/{n}"), all));
    }
}

const CSV: &str = "id,book,kind,underlying,quantity\nA,b,spot,ACME,1\n";

#[test]
fn jobs_and_files_of_others_do_nothing_to_a_terminal() {
    let scratch = Scratch::new("hostile");
    let job = json!({"workload": "portfolio", "id": "j", "files": {"p.csv": "p.csv"}, "sizing": {"tasks": 2}, "input": {
        "positions": "p.csv",
        "market": {"valuation_date": "2026-01-15", "report_currency": "USD",
                   "curves": {"USD": {"currency": "USD", "points": [{"tenor": "1Y", "rate": 0.03}]}},
                   "underlyings": {"ACME": {"class": "equity", "currency": "USD", "spot": 100, "vol": 0.3}}},
        "scenarios": {"type": "explicit", "csv": "scenario,spot:ACME\na,0.1\n"}}});
    let mut all = Vec::new();
    places(&job, "", &mut all);
    for hostile in hostile() {
        scratch.write("p.csv", CSV);
        for place in all.iter().filter(|place| !place.is_empty()) {
            // As a value, and as a field's name.
            let mut value = job.clone();
            *value.pointer_mut(place).unwrap() = Value::from(hostile.as_str());
            let mut name = job.clone();
            if let Some(Value::Object(fields)) = name.pointer_mut(place) {
                fields.insert(hostile.clone(), Value::from(1));
            }
            for job in [value, name] {
                let path = scratch.write("job.json", &job.to_string());
                check(&format!("{place} with {}", hostile.escape_debug()), &squall(&["check", &path]));
            }
        }
        let path = scratch.write("job.json", &job.to_string());
        for cell in ["id", "A", "book", "spot", "ACME", "quantity", "1"] {
            scratch.write("p.csv", &CSV.replace(cell, &hostile));
            check(cell, &squall(&["check", &path]));
            check(cell, &squall(&["run", &path]));
        }
        if hostile.len() < 100 {
            let missing = scratch.0.join(&hostile);
            check("no such job", &squall(&["run", missing.to_str().unwrap()]));
        }
    }
}

#[test]
fn policies_traces_and_journals_of_others_do_nothing_to_a_terminal() {
    let scratch = Scratch::new("hostile-fleet");
    for hostile in hostile() {
        let quoted = Value::from(hostile.as_str());
        let trace = scratch.write("trace.csv", &format!("submit_s,duration_s\n{hostile},60\n"));
        check("a trace", &squall(&["capacity", "simulate", &trace]));
        let header = scratch.write("header.csv", &format!("{hostile},duration_s\n0,60\n"));
        check("a trace's header", &squall(&["capacity", "simulate", &header]));
        for policy in [
            format!("{{{quoted}: 1}}"),
            format!(r#"{{"runs_per_instance": {quoted}}}"#),
            format!(r#"{{"runs_per_instance": 1, "scale_in": {{"mode": {quoted}}}}}"#),
        ] {
            let path = scratch.write("policy.json", &policy);
            check("a policy", &squall(&["capacity", "simulate", &trace, "--policy", &path]));
        }
        for line in [hostile.clone(), quoted.to_string(), format!("{{{quoted}: 1}}")] {
            let path = scratch.write("journal.json", &line);
            check("a journal", &squall(&["capacity", "explain", &path]));
        }
    }
}
