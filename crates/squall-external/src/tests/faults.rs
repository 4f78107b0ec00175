//! Workers that do what they should not: each a named failure, within its limit, and nothing left running.

use super::*;

/// What a worker's failure is, and that nothing of it is left.
fn fault_of(scratch: &Scratch, command: &Command, items: &[&str]) -> (Fault, String) {
    let programs = scratch.programs();
    let failed = ask(&programs, command, items).unwrap_err();
    drop(programs);
    if cfg!(target_os = "linux") {
        assert_eq!(scratch.left_running(), Vec::<String>::new());
    }
    (failed.fault, failed.reason)
}

#[test]
fn a_worker_that_prints_disturbs_nothing() {
    let scratch = Scratch::new("prints");
    let programs = scratch.programs();
    let command = scratch.python(&format!(
        "print('{{\"id\": 1}} looks like a reply', flush=True)\nos.write(2, b'x' * 100000)\n{DOUBLES}"
    ));
    for _ in 0..20 {
        assert_eq!(ask(&programs, &command, &["2"]).unwrap(), [Ok("4".to_owned())]);
    }
}

#[test]
fn each_fault_has_a_name_and_a_reason() {
    let cases = [
        (
            "exits",
            "print('so long', file=sys.stderr)\nsys.exit(3)",
            Fault::Exited,
            "with status 3; on standard error: so long",
        ),
        ("killed", "os.kill(os.getpid(), 9)", Fault::Killed, "by signal 9"),
        ("raises", "1 / 0", Fault::Exited, "ZeroDivisionError: division by zero"),
        ("garbage", "print('hello', file=out, flush=True)", Fault::NotAReply, "`hello`: expected value"),
        (
            "truncated",
            "print('{\"id\":1,\"values\":[', file=out, flush=True)",
            Fault::NotAReply,
            "EOF while parsing",
        ),
        ("nan", "say({'id': id, 'values': [float('nan')]})", Fault::NotAReply, "NaN"),
        ("other-id", "say({'id': id + 7, 'values': [1]})", Fault::OtherId, "it replied to 8; expected 1"),
        ("too-few", "say({'id': id, 'values': []})", Fault::WrongCount, "0; expected 1"),
        ("neither", "say({'id': id})", Fault::NotAReply, "has neither `values` nor `error`"),
        (
            "bad-position",
            "say({'id': id, 'values': [1], 'errors': {'5': 'x'}})",
            Fault::NotAReply,
            "an error at \"5\"; expected positions from 0 to 0",
        ),
        ("refuses", "say({'id': id, 'error': 'no licence'})", Fault::Refused, "no licence"),
        ("closes", "out.close()\ntime.sleep(1000)", Fault::NotAReply, "it closed the channel of its replies"),
        (
            "floods-replies",
            "while True: out.write('x' * 65536)",
            Fault::ReplyTooLong,
            "expected at most 1 MB (output_mb)",
        ),
        (
            "floods-stdout",
            "while True: print('x' * 65536)",
            Fault::PrintedTooMuch,
            "on standard output; expected at most 1 MB",
        ),
        (
            "floods-stderr",
            "while True: print('x' * 65536, file=sys.stderr)",
            Fault::PrintedTooMuch,
            "on standard error; expected at most 1 MB",
        ),
    ];
    for (name, then, fault, reason) in cases {
        let scratch = Scratch::new(name);
        let found = fault_of(&scratch, &scratch.python(then), &["1"]);
        assert_eq!(found.0, fault, "{name}: {}", found.1);
        assert!(found.1.contains(reason), "{name}: {}", found.1);
    }
}

#[test]
fn a_program_that_does_not_shake_hands_is_no_worker() {
    for (name, words, fault, reason) in [
        (
            "not-found",
            &["no-such-program"][..],
            Fault::CannotStart,
            "there is no program `no-such-program` in PATH (",
        ),
        ("no-file", &["./none"], Fault::CannotStart, "none` does not exist"),
        ("a-folder", &["/tmp"], Fault::CannotStart, "`/tmp` is a folder; expected a program"),
        ("not-executable", &["./text"], Fault::CannotStart, "text` may not be executed; `chmod +x` lets it"),
        ("ends", &["true"], Fault::NoHandshake, "exited: with status 0"),
        ("echoes", &["cat"], Fault::NoHandshake, "; expected {\"squall\":1,\"ready\":true}"),
        (
            "sleeps",
            &["sleep", "1000"],
            Fault::NoHandshake,
            "a worker replies to the first line with {\"squall\":1,\"ready\":true}",
        ),
        (
            "version-2",
            &["sh", "-c", "echo '{\"squall\":2,\"ready\":true}'; sleep 1000"],
            Fault::OtherVersion,
            "it speaks 2; expected 1",
        ),
        (
            "not-ready",
            &["sh", "-c", "echo '{\"squall\":1,\"error\":\"no model\"}' >&3; sleep 1000"],
            Fault::NotReady,
            "no model",
        ),
        (
            "garbage-first",
            &["sh", "-c", "echo hello >&3; sleep 1000"],
            Fault::NoHandshake,
            "its first reply is `hello`: expected value at line 1 column 1; expected {\"squall\":1,\"ready\":true}",
        ),
    ] {
        let scratch = Scratch::new(name);
        std::fs::write(scratch.0.join("text"), "text").unwrap();
        let command = Command { start_timeout_s: 0.5, ..command(words) };
        let found = fault_of(&scratch, &command, &["1"]);
        assert_eq!(found.0, fault, "{name}: {}", found.1);
        assert!(found.1.contains(reason), "{name}: {}", found.1);
    }
}

#[test]
fn a_worker_that_hangs_or_is_late_is_killed_with_its_children() {
    let scratch = Scratch::new("hangs");
    let hangs = scratch.python(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(['sleep', '1000'])
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
print('thinking', file=sys.stderr, flush=True)
time.sleep(1000)",
    );
    let found = fault_of(&scratch, &Command { timeout_s: 0.5, ..hangs }, &["1"]);
    assert_eq!(found.0, Fault::TimedOut);
    assert!(found.1.starts_with("after 0.5") && found.1.ends_with("thinking"), "{}", found.1);
}

#[test]
fn a_worker_that_stops_when_it_is_told_lives_on() {
    let scratch = Scratch::new("cancelled");
    let listens = scratch.python(
        "if items == [0]:
    other = json.loads(sys.stdin.readline())
    say({'id': other['cancel'], 'cancelled': True})
else:
    say({'id': id, 'values': [os.getpid() for item in items]})",
    );
    let listens = Command { timeout_s: 0.3, ..listens };
    let programs = scratch.programs();
    let before = ask(&programs, &listens, &["1"]).unwrap();
    assert_eq!(ask(&programs, &listens, &["0"]).unwrap_err().fault, Fault::TimedOut);
    assert_eq!(ask(&programs, &listens, &["1"]).unwrap(), before);
}

#[test]
fn a_second_reply_is_noticed_at_the_next_request() {
    let scratch = Scratch::new("twice");
    let twice = scratch.python(&format!("{DOUBLES}\n{DOUBLES}"));
    let programs = scratch.programs();
    let worker = WorkerRef::Command(twice);
    let mut worker = programs.take(&worker, &null(), &[]).unwrap();
    worker.ask(&texts(&["1"])).unwrap();
    crate::time::pause(std::time::Duration::from_millis(200));
    let failed = worker.ask(&texts(&["1"])).unwrap_err();
    assert_eq!(
        (failed.fault, failed.reason.as_str()),
        (Fault::AnsweredTwice, "another line came after its last reply")
    );
    assert_eq!(worker.ask(&texts(&["1"])).unwrap_err().fault, Fault::Exited);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_and_processes_are_limited() {
    let scratch = Scratch::new("leaks");
    let leaks = scratch
        .python("kept = []\nwhile True:\n    kept.append(bytearray(b'x') * 1000000)\n    time.sleep(0.001)");
    let found = fault_of(&scratch, &Command { memory_mb: 100, ..leaks }, &["1"]);
    assert_eq!(found.0, Fault::TooMuchMemory, "{}", found.1);
    assert!(found.1.contains("MB; expected at most 100 MB (memory_mb)"), "{}", found.1);

    let scratch = Scratch::new("forks");
    let forks =
        scratch.python("for _ in range(40):\n    if os.fork() == 0: time.sleep(1000)\ntime.sleep(1000)");
    let found = fault_of(&scratch, &Command { processes: 20, ..forks }, &["1"]);
    assert_eq!(found.0, Fault::TooManyProcesses, "{}", found.1);
    assert!(found.1.contains("it has 41; expected at most 20 (processes)"), "{}", found.1);
}

#[test]
fn a_worker_that_does_not_read_holds_nobody_up() {
    let scratch = Scratch::new("deaf");
    let deaf = Command {
        timeout_s: 0.5,
        ..command(&["sh", "-c", "echo '{\"squall\":1,\"ready\":true}' >&3; sleep 1000"])
    };
    let large = format!("\"{}\"", "x".repeat(5_000_000));
    let found = fault_of(&scratch, &deaf, &[&large]);
    assert_eq!(found.0, Fault::TimedOut, "{}", found.1);

    let closes = command(&["sh", "-c", "echo '{\"squall\":1,\"ready\":true}' >&3; exec 0<&-; sleep 1000"]);
    let found = fault_of(&scratch, &closes, &[&large]);
    assert_eq!((found.0, found.1.as_str()), (Fault::NotAReply, "it closed its standard input"));
}

#[test]
fn a_child_that_holds_the_channels_does_not_hide_the_end_of_its_parent() {
    let scratch = Scratch::new("orphans");
    let orphans = scratch.python("if os.fork() > 0: os._exit(5)\ntime.sleep(1000)");
    let found = fault_of(&scratch, &orphans, &["1"]);
    assert_eq!((found.0, found.1.as_str()), (Fault::Exited, "with status 5"));
}

#[test]
fn a_reply_that_comes_in_pieces_is_one() {
    let scratch = Scratch::new("pieces");
    let slow = scratch.python(
        "text = json.dumps({'id': id, 'values': ['x' * 300000]}) + '\\n'
for at in range(0, len(text), 7001):
    out.write(text[at:at + 7001]); out.flush()",
    );
    let values = ask(&scratch.programs(), &slow, &["1"]).unwrap();
    assert_eq!(values[0].as_ref().unwrap().len(), 300_002);
}

#[test]
fn standard_output_will_do_for_replies() {
    let scratch = Scratch::new("fallback");
    std::fs::write(
        scratch.0.join("plain.py"),
        "import json, sys
print('{\"level\": \"info\"}')
print('starting', flush=True)
for line in sys.stdin:
    message = json.loads(line)
    print('a word')
    reply = {'squall': 1, 'ready': True} if 'hello' in message else {'id': message['id'], 'values': message['items']}
    print(json.dumps(reply), flush=True)
",
    )
    .unwrap();
    let programs = scratch.programs();
    let plain = command(&["python3", "plain.py"]);
    assert_eq!(ask(&programs, &plain, &["1", "2"]).unwrap(), [Ok("1".to_owned()), Ok("2".to_owned())]);
    assert_eq!(ask(&programs, &plain, &["3"]).unwrap(), [Ok("3".to_owned())]);
}

/// A worker that leaves its process group is ended by itself.
#[test]
fn a_worker_that_leaves_its_group_holds_nothing_up() {
    let scratch = Scratch::new("leaves");
    let leaves = scratch.python("os.setpgid(0, os.getpgid(os.getppid()))\ntime.sleep(1000)");
    let found = fault_of(&scratch, &Command { timeout_s: 0.5, ..leaves }, &["1"]);
    assert_eq!(found.0, Fault::TimedOut, "{}", found.1);
}

#[cfg(target_os = "linux")]
#[test]
fn limits_hold_over_many_quick_requests_and_for_what_has_left() {
    let ask_until_it_fails = |scratch: &Scratch, command: &Command| {
        let programs = scratch.programs();
        let worker = WorkerRef::Command(command.clone());
        let mut worker = programs.take(&worker, &null(), &[]).unwrap();
        loop {
            if let Err(failed) = worker.ask(&texts(&["1"])) {
                return failed.fault;
            }
        }
    };
    let scratch = Scratch::new("leaks-slowly");
    let leaks = scratch.python(&format!("kept = globals().setdefault('kept', [])\nkept.append(bytearray(b'x') * 1000000)\ntime.sleep(0.002)\n{DOUBLES}"));
    assert_eq!(ask_until_it_fails(&scratch, &Command { memory_mb: 100, ..leaks }), Fault::TooMuchMemory);
    let scratch = Scratch::new("daemons");
    let daemons = scratch.python(&format!(
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(1000)\n    os._exit(0)\nos.wait()\n{DOUBLES}"
    ));
    assert_eq!(ask_until_it_fails(&scratch, &Command { processes: 20, ..daemons }), Fault::TooManyProcesses);
    assert_eq!(scratch.left_running(), Vec::<String>::new());
}

#[cfg(target_os = "linux")]
#[test]
fn memory_that_processes_share_counts_once() {
    let scratch = Scratch::new("shares");
    let shares = scratch.python(&format!(
        "block = bytearray(b'x') * 60000000\nfor _ in range(4):\n    if os.fork() == 0: time.sleep(1000)\ntime.sleep(1.2)\n{DOUBLES}"
    ));
    let values = ask(&scratch.programs(), &Command { memory_mb: 200, ..shares }, &["1"]).unwrap();
    assert_eq!(values, [Ok("2".to_owned())]);
}

#[test]
fn an_interpreter_that_does_not_exist_is_named_as_such() {
    let scratch = Scratch::new("interpreter");
    std::fs::write(scratch.0.join("script"), "#!/no/such/interpreter\n").unwrap();
    std::process::Command::new("chmod").arg("+x").arg(scratch.0.join("script")).status().unwrap();
    let found = fault_of(&scratch, &command(&["./script"]), &["1"]);
    assert_eq!(found.0, Fault::CannotStart);
    assert!(found.1.ends_with("script`: its interpreter does not exist"), "{}", found.1);
}

#[test]
fn errors_that_are_null_or_an_empty_list_are_none() {
    for errors in ["None", "[]", "{}"] {
        let scratch = Scratch::new("errors");
        let then = format!(
            "say({{'id': id, 'values': items, 'errors': {errors}, 'error': None, 'cancelled': None}})"
        );
        assert_eq!(ask(&scratch.programs(), &scratch.python(&then), &["1"]).unwrap(), [Ok("1".to_owned())]);
    }
}
