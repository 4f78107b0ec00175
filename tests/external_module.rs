//! The workers of `examples/external` spoken to line by line: what their programs do with what they did not expect.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};

use serde_json::{Value, json};
use squall_workloads::external::contract::{Ready, Reply, cancel_line, hello_line, request_line};

use crate::binaries::root;
use crate::cli::{Scratch, stderr, stdout};
use crate::emulator::skipped;

/// Examples that compute the same, and what runs them.
const SHORT: [(&str, &str); 5] = [
    ("python3", "python/worker.py"),
    ("python3", "python/with_module.py"),
    ("python3", "python/lambda_function.py"),
    ("node", "node/worker.mjs"),
    ("sh", "shell/worker.sh"),
];
fn examples() -> PathBuf {
    root().join("examples/external")
}

/// Whether a program can be started here; says so if not.
fn has(program: &str) -> bool {
    let found =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        skipped(&format!("of workers: {program} cannot be started"));
    }
    found
}

/// The short examples that run here, as commands.
fn commands() -> impl Iterator<Item = Command> {
    SHORT.into_iter().filter(|(program, _)| *program == "sh" || has(program)).map(|(program, file)| {
        let mut command = Command::new(program);
        command.arg(examples().join(file));
        command
    })
}

/// The module for Python, and a worker that uses it.
fn with_module(scratch: &Scratch, worker: &str) -> Command {
    std::fs::copy(examples().join("python/squall_worker.py"), scratch.0.join("squall_worker.py")).unwrap();
    let path = scratch.write("w.py", &format!("from squall_worker import worker\n{worker}\nw.main()\n"));
    let mut command = Command::new("python3");
    command.arg(path);
    command
}

fn quoted(path: &Path) -> String {
    format!("{:?}", path.to_str().unwrap())
}

/// A program that is spoken to. It replies on descriptor 3 or, in the fallback, on standard output.
struct Talk {
    child: Child,
    input: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Talk {
    fn start(command: &Command, has_channel: bool) -> Self {
        let mut shell = Command::new("sh");
        let script = if has_channel { "exec \"$@\" 3>&1 >&2" } else { "exec \"$@\"" };
        shell.args(["-c", script, "sh"]).arg(command.get_program()).args(command.get_args());
        shell.env("SQUALL_CONTRACT", "1").env("PYTHONDONTWRITEBYTECODE", "1").env_remove("SQUALL_REPLIES_FD");
        if has_channel {
            shell.env("SQUALL_REPLIES_FD", "3");
        }
        let mut child =
            shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (input, replies) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, replies }
    }

    fn say(&mut self, line: &[u8]) {
        self.input.as_mut().unwrap().write_all(line).unwrap();
    }

    /// The next line, which is not empty at the end only.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.replies.read_line(&mut line).unwrap();
        line
    }

    fn hello(&mut self, params: &Value) -> Value {
        let params = serde_json::value::to_raw_value(params).unwrap();
        self.say(&hello_line(&params, 60.0));
        let line = self.line();
        let ready: Ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert_eq!((ready.squall, ready.ready), (1, ready.error.is_none()));
        serde_json::from_str(&line).unwrap()
    }

    /// The reply to a request of these items, each JSON.
    fn ask(&mut self, id: u64, items: &[&str]) -> Value {
        self.say(&request_line(id, 60_000, items.iter().copied()));
        let line = self.line();
        let reply: Reply<'_> = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert_eq!(reply.id, id);
        assert_eq!(reply.values.as_ref().map(Vec::len).unwrap_or(items.len()), items.len());
        serde_json::from_str(&line).unwrap()
    }

    /// Ends its input: how it ends, what it wrote since, and to standard error.
    fn end(mut self) -> (ExitStatus, String, String) {
        self.input = None;
        let (mut replies, mut errors) = (String::new(), String::new());
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        self.replies.read_to_string(&mut replies).unwrap();
        (self.child.wait().unwrap(), replies, errors)
    }
}

/// Its reply without Squall: from arguments, and from lines.
fn by_hand(command: &Command, args: &[&str], lines: &str) -> Output {
    let mut again = Command::new(command.get_program());
    again.args(command.get_args()).args(args).env("PYTHONDONTWRITEBYTECODE", "1");
    let mut child =
        again.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn each_example_speaks_the_contract_and_ends_with_its_input() {
    for command in commands().filter(|it| !format!("{it:?}").contains("lambda_function")) {
        let mut talk = Talk::start(&command, true);
        // Params that look like a request.
        talk.hello(&json!({ "id": 3, "items": [1] }));
        let reply = talk.ask(17, &["1", "27", "97", "0"]);
        assert_eq!(reply["values"], json!([0, 111, 118, null]), "{command:?}");
        assert_eq!(reply["errors"].as_object().unwrap().keys().collect::<Vec<_>>(), ["3"], "{command:?}");
        let refused = talk.ask(u64::MAX >> 12, &[r#""a, \"b\"""#]);
        assert!(refused["error"].is_string() || refused["errors"]["0"].is_string(), "{command:?}: {refused}");
        // The worker ignores a cancel of a request that it has answered.
        talk.say(&cancel_line(17));
        assert_eq!(talk.ask(19, &["7"])["values"], json!([16]), "{command:?}");
        let many: Vec<_> = (1..=10_000).map(|n| n.to_string()).collect();
        let many = talk.ask(20, &many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(many["values"][9_999], json!(29), "{command:?}");
        let (status, replies, errors) = talk.end();
        assert!(status.success() && replies.is_empty(), "{command:?}: {replies}{errors}");
    }
}

#[test]
fn each_example_runs_by_hand() {
    for command in commands() {
        let output = by_hand(&command, &["27", "3"], "");
        assert_eq!(stdout(&output), "111\n7\n", "{command:?}: {}", stderr(&output));
        if !format!("{command:?}").contains("lambda_function") {
            let output = by_hand(&command, &[], "27\n3\n");
            assert_eq!(stdout(&output), "111\n7\n", "{command:?}: {}", stderr(&output));
        }
    }
}

#[test]
fn the_module_names_what_is_wrong_with_an_item_and_goes_on() {
    if !has("python3") {
        return;
    }
    let scratch = Scratch::new("worker-items");
    let command = with_module(
        &scratch,
        r#"
import os, subprocess, sys
class Scalar:
    def __init__(self, value): self.value = value
    def item(self): return self.value
def forked():
    if os.fork() == 0: return "a child must not reply"
    os.wait()
    return "parent"
@worker
def w(item, params):
    print("printed", item)
    os.system("echo from a child")
    return eval(item, globals(), {"params": params})"#,
    );
    let cases = [
        ("params['x']", json!(7)),
        ("[1, 2.5, None, 'é', {'a': True}]", json!([1, 2.5, null, "é", { "a": true }])),
        ("Scalar(2)", json!(2)),
        ("Scalar(Scalar(2.5)).item()", json!(2.5)),
        ("forked()", json!("parent")),
        ("subprocess.run(['cat'], capture_output=True).stdout.decode()", json!("")),
    ];
    let failures = [
        ("1 / 0", "ZeroDivisionError: division by zero (<string>, line 1)"),
        ("float('nan')", "the value is NaN, which JSON does not know"),
        ("[{'a': -float('inf')}]", "the value has Infinity, which JSON does not know"),
        ("Scalar(float('nan'))", "the value is NaN, which JSON does not know"),
        ("{1, 2}", "a value of type set is not JSON"),
        ("sys.exit('no')", "SystemExit: no"),
        ("input()", "EOFError: EOF when reading a line"),
        ("10 ** 5000", "the value is not JSON: "),
    ];
    for has_channel in [true, false] {
        let mut talk = Talk::start(&command, has_channel);
        let ready = talk.hello(&json!({ "x": 7 }));
        assert_eq!(ready, json!({ "squall": 1, "ready": true, "name": "w" }));
        let texts = cases.iter().map(|(text, _)| *text).chain(failures.iter().map(|(text, _)| *text));
        let items: Vec<_> = texts.map(|text| json!(text).to_string()).collect();
        let reply = talk.ask(1, &items.iter().map(String::as_str).collect::<Vec<_>>());
        for (position, (text, value)) in cases.iter().enumerate() {
            assert_eq!(&reply["values"][position], value, "{text}: {reply}");
        }
        for (position, (text, reason)) in failures.iter().enumerate() {
            let found = reply["errors"][(cases.len() + position).to_string()].as_str();
            assert!(found.is_some_and(|found| found.starts_with(reason)), "{text}: {found:?}");
        }
        assert_eq!(reply["errors"].as_object().unwrap().len(), failures.len());
        let (status, replies, errors) = talk.end();
        assert!(status.success() && replies.is_empty(), "{replies}{errors}");
        assert!(errors.contains("printed 1 / 0\n") && errors.contains("from a child\n"), "{errors}");
        assert!(errors.contains("ZeroDivisionError: division by zero\n"), "{errors}");
    }
}

#[test]
fn the_module_reads_what_python_alone_would_not() {
    if !has("python3") {
        return;
    }
    let scratch = Scratch::new("worker-reads");
    let command = with_module(&scratch, "@worker\ndef w(item): return len(item)");
    let mut talk = Talk::start(&command, true);
    talk.hello(&Value::Null);
    // Too deep for Python: the request is refused, so that it is asked for item by item.
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let refused = talk.ask(1, &["[]", &deep]);
    assert!(refused["error"].as_str().unwrap().starts_with("Python cannot read the request: "), "{refused}");
    assert_eq!(talk.ask(2, &["[1, 2]"]), json!({ "id": 2, "values": [2] }));
    talk.say(b"not a message\n[1]\n{\"squall\":1,\"later\":true}\n");
    assert_eq!(talk.ask(3, &["{}"])["values"], json!([0]));
    // A thousand failures have few tracebacks.
    let failed = talk.ask(4, &["5"; 1_000]);
    assert_eq!(failed["errors"].as_object().unwrap().len(), 1_000);
    let (status, _, errors) = talk.end();
    assert!(status.success());
    assert!(errors.matches("Traceback").count() < 10, "{errors}");
}

#[test]
fn the_module_sets_up_once_takes_batches_and_gives_up() {
    if !has("python3") {
        return;
    }
    let scratch = Scratch::new("worker-batches");
    let command = with_module(
        &scratch,
        "def load(params):
    print('loads')
    return 10 / params
@worker(batch=True, setup=load)
def w(items, factor):
    if 'few' in items: return [1]
    if 'bad' in items: raise ValueError('bad')
    return [item * factor if item else KeyError('none') for item in items]",
    );
    let mut talk = Talk::start(&command, true);
    talk.hello(&json!(2));
    assert_eq!(talk.ask(1, &["1", "2"]), json!({ "id": 1, "values": [5.0, 10.0] }));
    let reply = talk.ask(2, &["1", "0"]);
    assert_eq!(reply, json!({ "id": 2, "values": [5.0, null], "errors": { "1": "KeyError: 'none'" } }));
    assert_eq!(talk.ask(3, &["1", "\"few\""])["error"], "w returned 1 values for 2 items");
    assert!(talk.ask(4, &["1", "\"bad\""])["error"].as_str().unwrap().starts_with("ValueError: bad (w.py, "));
    assert!(
        talk.ask(5, &["\"bad\""])["errors"]["0"].as_str().unwrap().starts_with("ValueError: bad (w.py, ")
    );
    let (_, _, errors) = talk.end();
    assert_eq!(errors.matches("loads").count(), 1);

    let mut talk = Talk::start(&command, true);
    let refused = talk.hello(&json!(0));
    assert!(refused["error"].as_str().unwrap().starts_with("ZeroDivisionError: "), "{refused}");
    assert_eq!(talk.end().0.code(), Some(1));

    let mut talk = Talk::start(&command, true);
    talk.say(b"{\"squall\":2,\"hello\":{\"params\":1,\"timeout_s\":1}}\n");
    assert!(talk.line().contains("speaks version 1 of the contract, not 2"));
    drop(talk.end());

    // The second item begins only when the first one's request is given up already.
    let gate = scratch.0.join("gate");
    let slow = with_module(
        &scratch,
        &format!(
            "import os, time
@worker
def w(item):
    while item == 'wait' and not os.path.exists({}): time.sleep(0.001)
    if item == 'wait': time.sleep(0.1)
    return item",
            quoted(&gate)
        ),
    );
    let mut talk = Talk::start(&slow, true);
    talk.hello(&Value::Null);
    talk.say(&request_line(9, 1, ["\"wait\"", "2"].into_iter()));
    talk.say(&cancel_line(9));
    std::fs::write(gate, "").unwrap();
    assert_eq!(talk.line(), "{\"id\":9,\"cancelled\":true}\n");
    assert_eq!(talk.ask(10, &["3"])["values"], json!([3]));
    assert!(talk.end().0.success());
}

#[test]
fn by_hand_a_failed_item_is_null_and_its_reason_is_told() {
    if !has("python3") {
        return;
    }
    let scratch = Scratch::new("worker-by-hand");
    let command = with_module(&scratch, "@worker\ndef w(item, params=2): return [item, 1 / params]");
    let output = by_hand(&command, &["3", "{\"a\": 1}", "NaN", "text", "--params", "4"], "");
    let expected = "[3, 0.25]\n[{\"a\": 1}, 0.25]\n[\"NaN\", 0.25]\n[\"text\", 0.25]\n";
    assert_eq!((stdout(&output).as_str(), output.status.code()), (expected, Some(0)));
    let output = by_hand(&command, &["--params", "0"], "1\n\n2\n");
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("null\nnull\n", Some(1)));
    assert!(stderr(&output).contains("item 1: ZeroDivisionError: division by zero (w.py, line "));
}

#[test]
fn the_module_is_a_handler_that_refuses_what_is_no_request() {
    if !has("python3") {
        return;
    }
    let scratch = Scratch::new("worker-handler");
    drop(with_module(&scratch, ""));
    scratch.write(
        "handles.py",
        "import json, sys
from squall_worker import worker
def load(params):
    print('loads', file=sys.stderr)
    return 10 / params
@worker(setup=load)
def w(item, factor): return item * factor
for line in sys.stdin: print(json.dumps(w.lambda_handler(json.loads(line), None)))",
    );
    let mut command = Command::new("python3");
    command.arg(scratch.0.join("handles.py"));
    let file = std::fs::read_to_string(root().join("events/external/lambda-event.json")).unwrap();
    let mut event: Value = serde_json::from_str(&file).unwrap();
    let mut lines = String::new();
    for params in [2, 2, 5, 0] {
        event["params"] = json!(params);
        lines += &format!("{event}\n");
    }
    lines += "{\"squall\":2,\"id\":3,\"items\":[1]}\n[]\n{\"squall\":1,\"id\":4}\n";
    let output = by_hand(&command, &[], &lines);
    let text = stdout(&output);
    let responses: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(responses.len(), 7, "{}", stderr(&output));
    assert_eq!(responses[1]["values"], json!([135.0, 0.0, 5.0, null]));
    assert!(responses[1]["errors"]["3"].as_str().unwrap().starts_with("TypeError: "));
    assert_eq!(responses[2]["values"], json!([54.0, 0.0, 2.0, null]));
    let refused = ["ZeroDivisionError: ", "this worker speaks version 1 of the contract, not 2"];
    let refused = refused.into_iter().chain(["the event is no request of Squall's: "; 2]);
    for (response, reason) in responses[3..].iter().zip(refused) {
        assert!(response["error"].as_str().unwrap().starts_with(reason), "{response}");
    }
    // Params that stay the same are set up once.
    assert_eq!(stderr(&output).matches("loads").count(), 3);
}

#[test]
fn a_sample_conversation_is_what_is_sent_and_read() {
    let text = std::fs::read_to_string(root().join("events/external/conversation.jsonl")).unwrap();
    for line in text.lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        let said = &message["line"];
        let raw = |value: &Value| serde_json::value::to_raw_value(value).unwrap();
        let sent = match message["is"].as_str().unwrap() {
            "hello" => {
                hello_line(&raw(&said["hello"]["params"]), said["hello"]["timeout_s"].as_f64().unwrap())
            }
            "request" => {
                let items: Vec<_> = said["items"].as_array().unwrap().iter().map(Value::to_string).collect();
                let [id, deadline_ms] = ["id", "deadline_ms"].map(|name| said[name].as_u64().unwrap());
                request_line(id, deadline_ms, items.iter().map(String::as_str))
            }
            "cancel" => cancel_line(said["cancel"].as_u64().unwrap()),
            "ready" => {
                assert!(serde_json::from_str::<Ready>(&said.to_string()).unwrap().ready);
                continue;
            }
            kind => {
                assert_eq!(kind, "reply");
                let text = said.to_string();
                let reply: Reply<'_> = serde_json::from_str(&text).unwrap();
                let said_what =
                    [reply.values.is_some(), reply.error.is_some(), reply.cancelled == Some(true)];
                assert_eq!(said_what.iter().filter(|it| **it).count(), 1, "{line}");
                continue;
            }
        };
        assert_eq!(serde_json::from_slice::<Value>(&sent).unwrap(), *said);
    }
}
