//! Programs in other languages, as their users run them: `squall run`, `squall map` and `squall worker check` with Python workers.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::binaries::binary;
use crate::cli::{Scratch, interrupted_at_work, stderr, stdout};

/// A worker: what it does with an item is the expression.
fn worker(value: &str) -> String {
    format!(
        "import json, os, random, sys, time
out = os.fdopen(int(os.environ['SQUALL_REPLIES_FD']), 'w')
for line in sys.stdin:
    message = json.loads(line)
    if 'hello' in message:
        params = message['hello']['params']
        reply = {{'squall': 1, 'ready': True}}
    elif 'items' in message:
        values, errors = [], {{}}
        for position, item in enumerate(message['items']):
            try:
                values.append({value})
            except Exception as error:
                values.append(None)
                errors[position] = repr(error)
        reply = {{'id': message['id'], 'values': values, 'errors': errors}}
    else:
        continue
    print(json.dumps(reply), file=out, flush=True)
"
    )
}

fn squall(scratch: &Scratch, args: &[&str]) -> Command {
    let mut command = Command::new(binary("squall"));
    command.current_dir(&scratch.0).args(args);
    command
}

fn run(scratch: &Scratch, args: &[&str]) -> Output {
    squall(scratch, args).output().unwrap()
}

/// The JSON answer of a job, without its `run` object, and the exit status.
fn answer(scratch: &Scratch, job: &Value, args: &[&str]) -> (Value, Option<i32>) {
    let path = scratch.write("job.json", &job.to_string());
    let output = run(scratch, &[&["run", &path, "--allow-command", "--json", "--quiet"], args].concat());
    let mut answer: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    answer.as_object_mut().unwrap().remove("run").unwrap();
    (answer, output.status.code())
}

/// The processes that were started from this folder.
fn left_running(scratch: &Scratch) -> Vec<String> {
    let folder = std::fs::canonicalize(&scratch.0).unwrap();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        if std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder) {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&line).replace('\0', " "));
        }
    }
    found
}

#[test]
fn the_answer_is_the_same_bytes_however_it_was_cut_and_run() {
    let scratch = Scratch::new("external-same");
    scratch.write("w.py", &worker("{'x': item / 10, 'n': item, 'even': item % 2 == 0}"));
    let mut job = json!({ "workload": "external", "input": {
        "items": { "range": [0, 997] }, "worker": { "command": ["python3", "w.py"] }, "item_ms": 1,
        "merge": { "fields": { "x": { "type": "mean" }, "n": "sum", "even": "count" } } } });
    let mut found = Vec::new();
    for sizing in
        [r"{}", r#"{"tasks": 1, "subtasks_per_task": 1}"#, r#"{"tasks": 40, "subtasks_per_task": 3}"#]
    {
        job["sizing"] = serde_json::from_str(sizing).unwrap();
        for grid in [["--workers", "1", "--shards", "1"], ["--workers", "3", "--shards", "2"]] {
            let (answer, status) = answer(&scratch, &job, &grid);
            assert_eq!((status, &answer["status"]), (Some(0), &json!("complete")));
            found.push(answer.to_string());
        }
    }
    assert!(found.iter().all(|it| *it == found[0]));
    let answer: Value = serde_json::from_str(&found[0]).unwrap();
    assert_eq!(answer["report"]["items_done"], 997);
    assert_eq!(answer["report"]["audit"]["items"], 19);
    assert_eq!(left_running(&scratch), Vec::<String>::new());
}

#[test]
fn a_job_runs_a_command_only_if_its_user_says_so() {
    let scratch = Scratch::new("external-allow");
    scratch.write("w.py", &worker("item"));
    let job = json!({ "workload": "external", "input": {
        "items": { "range": [0, 3] }, "worker": { "command": ["python3", "w.py"] }, "merge": "sum" } });
    let path = scratch.write("job.json", &job.to_string());
    let output = run(&scratch, &["run", &path]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr(&output),
        "error: input.worker.command: the job runs `python3 w.py` on this machine, as you; --allow-command lets it\n"
    );
    // To check it, nothing is run.
    let checked = run(&scratch, &["check", &path]);
    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));

    let named = json!({ "workload": "external", "input": {
        "items": { "range": [0, 3] }, "worker": "adder", "merge": "sum" } });
    let path = scratch.write("named.json", &named.to_string());
    let output = run(&scratch, &["run", &path, "--program", "adder=python3 w.py", "--quiet"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("3 of 3 items by adder\n"), "{}", stdout(&output));
    let unknown = run(&scratch, &["run", &path, "--program", "other=python3 w.py"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert_eq!(
        stderr(&unknown),
        "error: input.worker: there is no worker `adder` here; --program adder='COMMAND' says what it is\n"
    );
}

#[test]
fn what_fails_is_named_and_the_rest_has_its_values() {
    let scratch = Scratch::new("external-fails");
    scratch.write("w.py", &worker("10 // item if item != 7 else os._exit(3)"));
    let job = json!({ "workload": "external", "input": {
        "items": { "range": [0, 50] }, "worker": { "command": ["python3", "w.py"] }, "merge": "sum" } });
    let path = scratch.write("job.json", &job.to_string());
    let output = run(&scratch, &["run", &path, "--allow-command"]);
    assert_eq!(output.status.code(), Some(1));
    let (said, text) = (stderr(&output), stdout(&output));
    assert!(text.starts_with("COMPLETE WITH FAILURES: 96.0 %"), "{text}");
    assert!(text.contains("48 of 50 items by python3 w.py"), "{text}");
    assert!(said.contains("item 0: ZeroDivisionError"), "{said}");
    assert!(said.contains("item 7: exited: ") && said.contains("status 3"), "{said}");
    assert_eq!(left_running(&scratch), Vec::<String>::new());
}

#[test]
fn a_program_that_wobbles_is_named_by_item_and_worker() {
    let scratch = Scratch::new("external-wobbles");
    scratch.write("w.py", &worker("hash(str(item)) % 5"));
    let job = json!({ "workload": "external", "input": {
        "items": { "range": [0, 1000] }, "worker": { "command": ["python3", "w.py"] }, "merge": "sum", "item_ms": 1 } });
    let path = scratch.write("job.json", &job.to_string());
    let output = run(&scratch, &["run", &path, "--allow-command", "--quiet"]);
    let text = stdout(&output);
    assert!(text.contains("\nNOT DETERMINISTIC: ") && text.contains(" of 20 items"), "{text}");
    assert!(text.contains("  item ") && text.contains(": worker ") && text.contains(" said "), "{text}");
}

fn map(scratch: &Scratch, args: &[&str], items: &str) -> Output {
    let mut child = squall(scratch, &[&["map"], args].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let items = items.to_owned();
    let feed = std::thread::spawn(move || {
        // It may have been refused.
        let _ = stdin.write_all(items.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    feed.join().unwrap();
    output
}

#[test]
fn map_prints_a_value_for_each_line() {
    let scratch = Scratch::new("external-map");
    scratch.write("w.py", &worker("1 / item if params is None else item + params"));
    let program = ["--", "python3", "w.py"];
    let output = map(&scratch, &[&["--quiet"][..], &program].concat(), "1\n2\n\n4\n0.5\n");
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("1.0\n0.5\n0.25\n2.0\n", Some(0)));

    let output = map(&scratch, &program, "1\n0\n4\n");
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("1.0\nnull\n0.25\n", Some(1)));
    assert!(stderr(&output).contains("item 1: ZeroDivisionError"), "{}", stderr(&output));

    let args = [&["--merge", "sum", "--params", "10", "--quiet"][..], &program].concat();
    let output = map(&scratch, &args, "1\n2\n");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("23"), "{}", stdout(&output));

    let output = map(&scratch, &[&["--quiet"][..], &program].concat(), "\u{feff}\n1\r\n2");
    assert_eq!(stdout(&output), "1.0\n0.5\n");

    let args = [&["--text", "--params", "\"!\"", "--quiet"][..], &program].concat();
    let output = map(&scratch, &args, "a b\n\"c\"\n");
    assert_eq!(stdout(&output), "\"a b!\"\n\"\\\"c\\\"!\"\n");
}

#[test]
fn map_refuses_what_is_no_item_by_its_line() {
    let scratch = Scratch::new("external-map-wrong");
    scratch.write("w.py", &worker("item"));
    let program = ["--", "python3", "w.py"];
    for (args, items, expected) in [
        (&[][..], "1\nnope\n2\n", "standard input: line 2: `nope` is not JSON: expected ident"),
        (&[], "", "standard input has no items; expected one on each line"),
        (&["--merge", "summ"], "1\n", "input.merge: "),
        (&["--merge", "{"], "1\n", "--merge is not JSON: EOF while parsing an object at line 1 column 1"),
        (&["--timeout", "0"], "1\n", "input.worker.timeout_s: 0.0; expected seconds from 0.001 to 86400"),
    ] {
        let output = map(&scratch, &[args, &program].concat(), items);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.starts_with(&format!("error: {expected}")), "{said}");
        assert_eq!(stdout(&output), "");
    }
    let output = map(&scratch, &["--", "no-such-program"], "1\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot start"), "{}", stderr(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_prints_the_answer_so_far_and_leaves_no_process() {
    let scratch = Scratch::new("external-ctrl-c");
    scratch.write("w.py", &worker("time.sleep(0.02) or (os.fork() == 0 and time.sleep(1000)) or item"));
    let job = json!({ "workload": "external", "input": {
        "items": { "range": [0, 1_000_000] }, "merge": "sum",
        "worker": { "command": ["python3", "w.py"], "processes": 10_000 } } });
    let path = scratch.write("job.json", &job.to_string());
    let output = interrupted_at_work(&mut squall(&scratch, &["run", &path, "--allow-command", "--json"]));
    assert_eq!(output.status.code(), Some(130));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["status"], "cancelled");
    assert_eq!(left_running(&scratch), Vec::<String>::new());
}

#[test]
fn worker_check_says_what_a_program_does_and_what_is_wrong() {
    let scratch = Scratch::new("external-check");
    scratch.write("w.py", &worker("10 / item"));
    scratch.write("wobbles.py", &worker("hash(str(item))"));
    scratch.write("stays.py", &(worker("item") + "\ntime.sleep(1000)\n"));
    let good = run(&scratch, &["worker", "check", "python3 w.py", "1", "2.5", "0"]);
    let text = stdout(&good);
    assert_eq!(good.status.code(), Some(0), "{text}");
    for line in [
        "ok    start: it starts, and shakes hands\n",
        "ok    item: `2.5` gives `4.0`\n",
        "note  item: `0` fails: ZeroDivisionError('division by zero')\n",
        "ok    other process: the same values, byte for byte\n",
        "ok    channel: it replies on the descriptor in SQUALL_REPLIES_FD\n",
        "ok    end: it ends when its input does\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    for (command, expected) in [
        ("python3 wobbles.py", "WRONG other process: `1`: "),
        ("python3 stays.py", "WRONG end: it goes on when its input has ended"),
        ("cat", "WRONG start: no handshake: its first reply is "),
        ("no-such-program", "WRONG start: cannot start: there is no program `no-such-program` in PATH ("),
    ] {
        let output = run(&scratch, &["worker", "check", command, "1"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stdout(&output).contains(expected), "{command}: {}", stdout(&output));
    }
    for args in [
        &["worker", "check", "'python3"][..],
        &["worker", "check", "w", "--timeout", "0"],
        &["worker", "check"],
    ] {
        assert_eq!(run(&scratch, args).status.code(), Some(2), "{args:?}");
    }
    assert_eq!(left_running(&scratch), Vec::<String>::new());
}
