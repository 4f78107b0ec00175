//! The examples of workers in other languages: short, under the contract, by hand, as Lambda functions, and priced by QuantLib.

#![expect(clippy::disallowed_methods, reason = "programs are looked up where the tests look")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::value::RawValue;
use serde_json::{Value, json};
use squall_workloads::external::contract::{CONTRACT, Ready, Reply, cancel_line, hello_line, request_line};

use crate::binaries::{binary, root};
use crate::cli::{stderr, stdout};
use crate::emulator::skipped;

/// Workers that compute the same, and what runs them.
const WORKERS: [(&str, &[&str]); 4] = [
    ("python/worker.py", &["python3"]),
    ("python/with_module.py", &["python3"]),
    ("node/worker.mjs", &["node"]),
    ("shell/worker.sh", &["sh"]),
];

fn folder() -> PathBuf {
    root().join("examples/external")
}

/// Whether a program is here; a message that a test is skipped, if not.
fn is_here(program: &str) -> bool {
    let is_here = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    // A shell need not know its version.
    let is_here = is_here || program == "sh";
    if !is_here {
        skipped(&format!("with {program}, which is not here"));
    }
    is_here
}

fn python(args: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.current_dir(folder().join("python")).env("PYTHONDONTWRITEBYTECODE", "1").args(args);
    command
}

fn squall(args: &[&str]) -> Output {
    Command::new(binary("squall")).current_dir(folder()).args(args).output().unwrap()
}

#[test]
fn each_example_has_at_most_25_lines() {
    for (worker, _) in WORKERS.iter().chain(&[("python/lambda_function.py", &["python3"][..])]) {
        let text = std::fs::read_to_string(folder().join(worker)).unwrap();
        assert!(text.lines().count() <= 25, "{worker}");
    }
}

#[test]
fn each_example_keeps_the_contract_and_runs_by_hand() {
    for (worker, runs) in WORKERS {
        if !is_here(runs[0]) {
            continue;
        }
        let checked = squall(&["worker", "check", &format!("{} {worker}", runs[0]), "27", "97", "1"]);
        let text = stdout(&checked);
        assert_eq!(checked.status.code(), Some(0), "{worker}: {text}");
        for line in [
            "item: `27` gives `111`",
            "item: `97` gives `118`",
            "item: `1` gives `0`",
            "channel: it replies on the descriptor in SQUALL_REPLIES_FD",
        ] {
            assert!(text.contains(&format!("ok    {line}\n")), "{worker}: {line}: {text}");
        }
        let by_hand = Command::new(runs[0]).current_dir(folder()).args([worker, "27", "6"]).output().unwrap();
        assert_eq!(stdout(&by_hand), "111\n8\n", "{worker}: {}", stderr(&by_hand));
    }
}

#[test]
fn the_same_job_has_the_same_answer_in_every_language() {
    let mut found = Vec::new();
    for (worker, runs) in WORKERS {
        if !is_here(runs[0]) {
            continue;
        }
        let program = format!("collatz={} ../{worker}", runs[0]);
        let mut job: Value =
            serde_json::from_slice(&std::fs::read(folder().join("jobs/range.json")).unwrap()).unwrap();
        job["input"]["worker"] = json!("collatz");
        let scratch = crate::cli::Scratch::new(&format!("external-example-{}", found.len()));
        let path = scratch.write("job.json", &job.to_string());
        let program = program.replace("../", &format!("{}/", folder().display()));
        let output = squall(&["run", &path, "--program", &program, "--json", "--quiet"]);
        assert_eq!(output.status.code(), Some(0), "{worker}: {}", stderr(&output));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        found.push(answer["report"].clone());
    }
    assert!(found.windows(2).all(|two| two[0] == two[1]));
    // The longest below 20,000.
    assert_eq!(found[0]["answer"]["top"][0], json!({ "item": 17_646, "value": 278 }));
}

#[test]
fn the_sample_job_runs() {
    let output = squall(&["run", "jobs/range.json", "--allow-command", "--quiet"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("item 17646 278\n"), "{}", stdout(&output));
}

#[test]
fn a_handler_answers_an_event_like_a_request() {
    let event = r#"{"squall":1,"params":null,"id":5,"deadline_ms":1000,"items":[27,0,6]}"#;
    let code = format!(
        "import json, lambda_function; print(json.dumps(lambda_function.handler({}, None)))",
        event.replace("null", "None")
    );
    let output = python(&["-c", &code]).output().unwrap();
    let response: Value =
        serde_json::from_str(&stdout(&output)).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    assert_eq!(
        response,
        json!({ "squall": 1, "id": 5, "values": [111, null, 8],
                "errors": { "1": "ValueError: 0 is no positive integer" } })
    );
    let other = python(&[
        "-c",
        "import lambda_function; print(lambda_function.handler({'squall': 2, 'id': 1, 'items': []})['error'])",
    ]);
    let output = { other }.output().unwrap();
    assert_eq!(stdout(&output), "this worker speaks version 1 of the contract, not 2\n");
}

/// Plays Lambda's Runtime API: two events, and the end.
#[test]
fn a_custom_runtime_takes_one_event_after_another() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut child = python(&["with_module.py"]).env("AWS_LAMBDA_RUNTIME_API", &address).spawn().unwrap();
    let (stream, _) = listener.accept().unwrap();
    let (mut reader, mut stream) = (BufReader::new(stream.try_clone().unwrap()), stream);
    let mut bodies = Vec::new();
    for round in 0..5 {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = n.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
            head += &line;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let (extra, text) = match round {
            0 => (
                "Lambda-Runtime-Aws-Request-Id: a\r\n",
                r#"{"squall":1,"params":null,"id":1,"deadline_ms":9,"items":[27]}"#,
            ),
            2 => ("Lambda-Runtime-Aws-Request-Id: b\r\n", r#"{"items":[27]}"#),
            _ => ("", ""),
        };
        if head.starts_with("POST") {
            bodies.push((head.lines().next().unwrap().to_owned(), String::from_utf8(body).unwrap()));
        }
        write!(stream, "HTTP/1.1 200 OK\r\n{extra}Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
    }
    assert!(child.wait().unwrap().success());
    let root = "POST /2018-06-01/runtime/invocation";
    assert_eq!(bodies[0].0, format!("{root}/a/response HTTP/1.1"));
    assert_eq!(
        serde_json::from_str::<Value>(&bodies[0].1).unwrap(),
        json!({ "squall": 1, "id": 1, "values": [111] })
    );
    assert_eq!(bodies[1].0, format!("{root}/b/response HTTP/1.1"));
    assert!(bodies[1].1.contains("the event is no request of Squall's"), "{}", bodies[1].1);
}

/// The module turns what JSON cannot hold, and what goes wrong, into the item's own failure.
#[test]
fn the_module_keeps_items_apart() {
    let scratch = crate::cli::Scratch::new("external-module");
    std::fs::copy(folder().join("python/squall_worker.py"), scratch.0.join("squall_worker.py")).unwrap();
    scratch.write(
        "odd.py",
        "from squall_worker import worker

def setup(params):
    print('setting up', params)
    return params['factor']

@worker(setup=setup, name='odd', version='3')
def odd(item, factor):
    print('{\"id\": 1}')
    return {'nan': float('nan'), 'set': {1}}.get(item, item * factor)

odd.main()
",
    );
    let run = |items: &[&str]| {
        let mut args = vec!["worker", "check", "--params", r#"{"factor": 2}"#, "python3 odd.py"];
        args.extend(items);
        Command::new(binary("squall")).current_dir(&scratch.0).args(args).output().unwrap()
    };
    let text = stdout(&run(&["21", "nan", "set", "null"]));
    for line in [
        "ok    item: `21` gives `42`\n",
        "note  item: `\\\"nan\\\"` fails: the value is NaN, which JSON does not know\n",
        "note  item: `\\\"set\\\"` fails: a value of type set is not JSON\n",
        "note  item: `null` fails: TypeError: unsupported operand type(s) for *: 'NoneType' and 'int' (odd.py, line 10)\n",
        "ok    name: `odd`, version 3\n",
        "ok    end: ",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let refused = Command::new(binary("squall"))
        .current_dir(&scratch.0)
        .args(["worker", "check", "--params", "{}", "python3 odd.py", "1"])
        .output()
        .unwrap();
    assert!(
        stdout(&refused).contains("WRONG start: not ready: KeyError: 'factor' (odd.py, line 5)"),
        "{}",
        stdout(&refused)
    );
}

/// The examples in the schema are what is sent, and what is read.
#[test]
fn the_schema_has_the_messages_that_are_sent_and_read() {
    let text = std::fs::read(root().join("events/external/contract-v1.schema.json")).unwrap();
    let schema: Value = serde_json::from_slice(&text).unwrap();
    let examples = |name: &str| schema["$defs"][name]["examples"].as_array().unwrap().clone();
    let sent = |line: Vec<u8>| serde_json::from_slice::<Value>(&line).unwrap();

    let hello = &examples("hello")[0];
    let params = RawValue::from_string(hello["hello"]["params"].to_string()).unwrap();
    assert_eq!(sent(hello_line(&params, 60.0)), *hello);
    let request = &examples("request")[0];
    let items: Vec<String> = request["items"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert_eq!(sent(request_line(17, 60_000, items.iter().map(String::as_str))), *request);
    assert_eq!(sent(cancel_line(17)), examples("cancel")[0]);

    let ready: Vec<Ready> =
        examples("ready").iter().map(|it| serde_json::from_value(it.clone()).unwrap()).collect();
    assert_eq!((ready[0].squall, ready[0].ready, ready[0].name.as_deref()), (CONTRACT, true, Some("pricer")));
    assert!(!ready[1].ready && ready[1].error.is_some());
    for (example, has_values) in examples("reply").iter().zip([true, false, false]) {
        let text = example.to_string();
        let reply: Reply<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!((reply.id, reply.values.is_some()), (17, has_values));
    }
    assert!(schema["$defs"].as_object().unwrap().values().all(|it| it["description"].is_string()));
}

#[test]
fn quantlib_prices_what_squall_prices_and_a_bermudan_swaption() {
    let Some(python) = std::env::var_os("SQUALL_QUANTLIB") else {
        skipped("with QuantLib; `make test` names a python that has it in SQUALL_QUANTLIB");
        return;
    };
    let mut compares = Command::new(&python);
    compares.arg(folder().join("quantlib/against_kernels.py")).arg(binary("squall"));
    let output = compares.env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("ok  european options of the demo"), "{}", stdout(&output));

    let folders = Path::new(&python).parent().unwrap().display().to_string();
    let path = format!("{folders}:{}", std::env::var("PATH").unwrap());
    let mut runs = Command::new(binary("squall"));
    runs.current_dir(folder()).env("PATH", path).args([
        "run",
        "jobs/quantlib.json",
        "--allow-command",
        "--quiet",
    ]);
    let output = runs.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("9 of 9 items by "), "{}", stdout(&output));
}
