//! What an operator declares, and what its jobs may name then.

use std::collections::BTreeSet;

use expect_test::expect;
use squall_core::bundle::Bundle;
use squall_core::registry::Registry;

use super::*;
use crate::external::{of_declared, read_declared};

#[test]
fn declared_workers_have_the_usual_limits_unless_they_say_otherwise() {
    let declared = read_declared(
        r#"{"pricer":{"command":["/opt/price","-q"],"timeout_s":5},"b.2":{"command":["b"],"env":{"A":"1"}}}"#,
    );
    let declared = declared.unwrap();
    let usual = workers::Command::new(vec!["/opt/price".to_owned(), "-q".to_owned()]);
    assert_eq!(declared["pricer"], workers::Command { timeout_s: 5.0, ..usual });
    assert_eq!(declared["b.2"].env["A"], "1");
    assert!(read_declared("{}").unwrap().is_empty());
}

#[test]
fn a_declaration_that_is_wrong_is_named_with_what_would_be_right() {
    let wrong = [
        "[]",
        "{",
        r#"{"pricer":["/opt/price"]}"#,
        r#"{"pricer":{}}"#,
        r#"{"pricer":{"command":[]}}"#,
        r#"{"pricer":{"command":["/opt/price"],"timeout":5}}"#,
        r#"{"pricer":{"command":["/opt/price"],"timeout_s":0}}"#,
        r#"{"pricer":{"command":["/opt/price"],"memory_mb":0}}"#,
        r#"{"pricer":{"command":["/opt/price"],"env":{"SQUALL_CONTRACT":"2"}}}"#,
        r#"{"pricer":{"command":["/opt/price"],"inherit_env":["A=B"]}}"#,
        r#"{"a pricer":{"command":["/opt/price"]}}"#,
        r#"{"":{"command":["/opt/price"]}}"#,
    ];
    let told: Vec<_> = wrong.map(|json| read_declared(json).unwrap_err().to_string()).into();
    expect![[r#"
        workers: invalid type: sequence, expected a map
        workers: EOF while parsing an object
        workers.pricer[0]: invalid type: string "/opt/price", expected a sequence
        workers.pricer: missing field `command`
        workers.pricer.command: it is empty; expected a program and its arguments
        workers.pricer.timeout: unknown field `timeout`, expected one of `command`, `env`, `inherit_env`, `timeout_s`, `start_timeout_s`, `memory_mb`, `output_mb`, `processes`
        workers.pricer.timeout_s: 0.0; expected seconds from 0.001 to 86400
        workers.pricer.memory_mb: 0; expected 1 to 1048576
        workers.pricer.env: SQUALL_CONTRACT belongs to the contract; choose another name
        workers.pricer.env: "A=B" is not the name of a variable
        workers: "a pricer"; expected a name of at most 64 letters, digits, `-`, `_` and `.`
        workers: ""; expected a name of at most 64 letters, digits, `-`, `_` and `.`"#]].assert_eq(&told.join("\n"));
}

/// Before any of its files is read, and wherever else the input is.
#[test]
fn a_job_that_names_a_command_or_an_undeclared_worker_is_refused_where_workers_are_declared() {
    let registry = |names: &[&str]| {
        let names: BTreeSet<_> = names.iter().map(|name| (*name).to_owned()).collect();
        Registry::default().with_accepted::<External>(of_declared(names))
    };
    let refused = |names: &[&str], worker: Value| {
        let input_json = json!({ "items": { "json_lines": "items.jsonl" }, "worker": worker }).to_string();
        let registry = registry(names);
        let workload = registry.get(External::NAME).unwrap();
        let told = workload.sources(&input_json).unwrap_err().to_string();
        let bundle = Bundle { workload: External::NAME.to_owned(), input_json, given: Given::default() };
        assert_eq!(workload.prepare(&bundle).err().unwrap().to_string(), told);
        assert_eq!(workload.check_some(&bundle).unwrap_err().to_string(), told);
        told
    };
    let told = [
        refused(&["pricer", "other"], json!({ "command": ["python3", "price.py"] })),
        refused(&["pricer", "other"], json!("prices")),
        refused(&[], json!({ "command": ["python3"] })),
        refused(&[], json!("pricer")),
        refused(&["pricer"], json!("a\nb")),
    ];
    expect![[r#"
        input.worker: the job names a command, `python3 price.py`; a deployment runs only workers that its operator has declared, by their names: `other`, `pricer`
        input.worker: there is no worker `prices`; expected one of this deployment's: `other`, `pricer`
        input.worker: the job names a command, `python3`; a deployment runs only workers that its operator has declared, by their names: none is declared
        input.worker: there is no worker `pricer`; expected one of this deployment's: none is declared
        input.worker: there is no worker `a\nb`; expected one of this deployment's: `pricer`"#]].assert_eq(&told.join("\n"));

    let input = json!({ "items": { "range": [0, 3] }, "worker": "pricer" }).to_string();
    let registry = registry(&["pricer"]);
    assert_eq!(registry.get(External::NAME).unwrap().sources(&input), Ok(Vec::new()));
}
