//! `external` jobs in the emulator: by the workers that are declared there, and no others.

#![expect(clippy::disallowed_methods, reason = "the emulator is named in the environment")]

use std::process::Command;

use serde_json::{Value, json};

use crate::binaries::binary;
use crate::cli::{Scratch, stderr};
use crate::deployed::{Dev, without_run};

/// Squares the `n` of an item.
const WORKER: &str = "import json, os, sys
out = os.fdopen(int(os.environ['SQUALL_REPLIES_FD']), 'w')
for line in sys.stdin:
    message = json.loads(line)
    if 'hello' in message:
        reply = {'squall': 1, 'ready': True}
    elif 'items' in message:
        reply = {'id': message['id'], 'values': [item['n'] ** 2 for item in message['items']]}
    else:
        continue
    print('computing')
    print(json.dumps(reply), file=out, flush=True)
";

fn job(worker: &Value) -> Value {
    json!({
        "workload": "external",
        "input": { "items": { "json_lines": "items.jsonl" }, "worker": worker, "merge": "sum" },
        "sizing": { "tasks": 3, "subtasks_per_task": 2 },
    })
}

#[test]
fn a_declared_worker_gives_the_answer_of_a_local_run_in_the_emulator_and_no_command_is_run_there() {
    let Ok(python) = std::env::var("SQUALL_EMULATOR") else { return };
    let python = std::path::absolute(python).unwrap();
    let scratch = Scratch::new("external-deployed");
    let written = |name: &str, text: &str| {
        let path = std::path::absolute(scratch.write(name, text)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let program = format!("squares={} {}", python.display(), written("squares.py", WORKER));
    let Some(dev) = Dev::start("external", &["--port", "0", "--program", &program]) else { return };
    let items: String = (1..=100).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    written("items.jsonl", &items);

    let named = written("named.json", &job(&json!("squares")).to_string());
    let there = dev.squall(&["submit", &named, "--watch", "--json", "--quiet"]);
    assert!(there.status.success(), "{}", stderr(&there));
    let here = Command::new(binary("squall"))
        .args(["run", &named, "--json", "--quiet", "--program", &program])
        .output()
        .unwrap();
    assert!(here.status.success(), "{}", stderr(&here));
    assert_eq!(without_run(&there.stdout), without_run(&here.stdout));
    assert!(String::from_utf8(there.stdout).unwrap().contains("338350"));

    let reason = "input.worker: the job names a command, `touch squall-was-here`; a deployment runs only workers that its \
                  operator has declared, by their names: `squares`";
    let command = job(&json!({ "command": ["touch", "squall-was-here"] })).to_string();
    let path = written("command.json", &command);
    for args in [&["submit", &path][..], &["check", &path]] {
        let refused = dev.squall(args);
        assert_eq!(refused.status.code(), Some(2), "{args:?}");
        assert!(stderr(&refused).contains(reason), "{args:?}: {}", stderr(&refused));
    }
    // As any program may publish it.
    let id = dev.publish(&command);
    let rejected = dev.squall(&["watch", &id, "--quiet"]);
    assert_eq!(rejected.status.code(), Some(2));
    assert!(stderr(&rejected).contains(reason), "{}", stderr(&rejected));
}
