use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;
use squall_workloads::external::workers::{Command, Failed, Fault, WorkerRef, Workers};

use super::*;

mod faults;
mod pool;

/// A folder with programs.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tests").join(format!("external-{name}"));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn programs(&self) -> Programs {
        Programs::new(self.settings(CommandsAllowed::Any, BTreeMap::new()))
    }

    fn settings(&self, commands: CommandsAllowed, named: BTreeMap<String, Command>) -> Settings {
        Settings {
            folder: self.0.clone(),
            search: std::env::var_os("PATH").unwrap(),
            environment: std::env::vars_os()
                .map(|(name, value)| (name.into_string().unwrap(), value))
                .collect(),
            commands,
            named,
        }
    }

    /// A Python worker that does this with each message after the handshake; `items`, `id` and `say` are there.
    fn python(&self, then: &str) -> Command {
        let text = format!(
            "import json, os, signal, subprocess, sys, time
out = os.fdopen(int(os.environ['SQUALL_REPLIES_FD']), 'w')
def say(message):
    print(json.dumps(message), file=out, flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if 'hello' in message:
        say({{'squall': 1, 'ready': True, 'name': 'stub'}})
        continue
    if 'cancel' in message:
        continue
    items, id = message['items'], message['id']
    {}
",
            then.replace('\n', "\n    ")
        );
        std::fs::write(self.0.join("worker.py"), text).unwrap();
        command(&["python3", "worker.py"])
    }

    /// The processes that run in this folder.
    fn left_running(&self) -> Vec<String> {
        let folder = std::fs::canonicalize(&self.0).unwrap();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            if std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder) {
                found.push(
                    String::from_utf8_lossy(&std::fs::read(entry.path().join("cmdline")).unwrap_or_default())
                        .into_owned(),
                );
            }
        }
        found
    }
}

fn command(words: &[&str]) -> Command {
    Command {
        timeout_s: 10.0,
        start_timeout_s: 10.0,
        output_mb: 1,
        ..Command::new(words.iter().map(|&word| word.to_owned()).collect())
    }
}

fn null() -> Box<RawValue> {
    RawValue::from_string("null".to_owned()).unwrap()
}

fn texts<'a>(items: &[&'a str]) -> Vec<Cow<'a, str>> {
    items.iter().map(|&item| Cow::Borrowed(item)).collect()
}

/// What a new process says to items.
fn ask(
    programs: &Programs,
    command: &Command,
    items: &[&str],
) -> Result<Vec<Result<String, String>>, Failed> {
    let worker = WorkerRef::Command(command.clone());
    let mut worker = programs.take(&worker, &null(), &[])?;
    let answered = worker.ask(&texts(items))?;
    Ok(answered.values.into_iter().map(|value| value.map(|value| value.get().to_owned())).collect())
}

const DOUBLES: &str = "say({'id': id, 'values': [2 * item for item in items]})";

#[test]
fn items_come_back_as_values_or_as_errors_of_their_own() {
    let scratch = Scratch::new("values");
    let programs = scratch.programs();
    let doubles = scratch.python(
        "values, errors = [], {}
for position, item in enumerate(items):
    if item == 3: errors[position] = 'three'
    values.append(item * 2)
say({'id': id, 'values': values, 'errors': errors})",
    );
    let values = ask(&programs, &doubles, &["1", "3", "\"ab\"", "[0.1]"]).unwrap();
    assert_eq!(
        values,
        [Ok("2".to_owned()), Err("three".to_owned()), Ok("\"abab\"".to_owned()), Ok("[0.1, 0.1]".to_owned())]
    );
}
