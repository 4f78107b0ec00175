//! The command line as its users see it: stdout and stderr, exit status, and error messages.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::binaries::{binary, root};

fn squall() -> Command {
    let mut command = Command::new(binary("squall"));
    command.current_dir(root());
    command
}

fn run(args: &[&str]) -> Output {
    squall().args(args).output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A job in its own directory, with the files that it names.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let path = root().join("target").join("tests").join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn jobs() -> Vec<PathBuf> {
    let mut jobs: Vec<_> = std::fs::read_dir(root().join("events/jobs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .collect();
    jobs.sort();
    assert!(jobs.len() >= 3);
    jobs
}

fn answer(path: &str, args: &[&str]) -> Value {
    let output = run(&[&["run", path, "--json", "--quiet"], args].concat());
    assert_eq!(output.status.code(), Some(0), "{path}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_sample_job_checks_and_runs_to_the_end() {
    for job in jobs() {
        let path = job.to_str().unwrap();
        let checked = run(&["check", path]);
        assert_eq!(checked.status.code(), Some(0), "{path}: {}", stderr(&checked));
        let mut answer = answer(path, &[]);
        assert_eq!(answer["status"], "complete", "{path}");
        assert_eq!(answer["coverage"], 1.0, "{path}");
        assert!(answer["run"].take()["missing"].is_null(), "{path}");
    }
}

/// However a job is cut and run, the bytes are the same; returns them.
fn same_bytes(name: &str, job: &Value) -> Value {
    let scratch = Scratch::new(name);
    let mut found = Vec::new();
    let sizings = [
        r#"{}"#,
        r#"{"tasks": 1, "subtasks_per_task": 1}"#,
        r#"{"tasks": 4, "subtasks_per_task": 1}"#,
        r#"{"tasks": 20, "subtasks_per_task": 1}"#,
        r#"{"tasks": 7, "subtasks_per_task": 3}"#,
        r#"{"tasks": 1000, "subtasks_per_task": 10}"#,
        r#"{"subtask_ms": 0.05}"#,
    ];
    let grids = [
        &["--shards", "1", "--lanes", "1", "--workers", "1"],
        &["--shards", "2", "--lanes", "2", "--workers", "2"],
        &["--shards", "5", "--lanes", "3", "--workers", "7"],
    ];
    for sizing in sizings {
        let mut job = job.clone();
        job["sizing"] = serde_json::from_str(sizing).unwrap();
        let path = scratch.write("job.json", &job.to_string());
        for grid in grids {
            let mut answer = answer(&path, grid);
            answer.as_object_mut().unwrap().remove("run").unwrap();
            found.push(answer.to_string());
        }
    }
    assert!(found.iter().all(|it| *it == found[0]));
    serde_json::from_str(&found[0]).unwrap()
}

#[test]
fn the_answer_is_the_same_bytes_however_it_was_cut_and_run() {
    let job = std::fs::read(root().join("events/jobs/explicit.json")).unwrap();
    same_bytes("same-bytes", &serde_json::from_slice(&job).unwrap());
}

/// Ten positions under a hundred scenarios, of which one leaves no value that could be summed.
#[test]
fn an_absurd_scenario_is_left_out_alone_however_it_is_cut_and_run() {
    let rows: String = (0..10).map(|n| format!("A{n},b,spot,ACME,1\n")).collect();
    let shocks: String =
        (0..100).map(|n| format!("s{n},{}\n", if n == 50 { "999" } else { "0.01" })).collect();
    let job = serde_json::json!({"workload": "portfolio", "input": {
        "positions": {"csv": format!("id,book,kind,underlying,quantity\n{rows}")},
        "market": {"valuation_date": "2026-01-15", "report_currency": "USD", "curves": {},
                   "underlyings": {"ACME": {"class": "equity", "currency": "USD", "spot": 1e13, "vol": 0.3}}},
        "scenarios": {"type": "explicit", "csv": format!("scenario,spot:ACME\n{shocks}")}}});
    let answer = same_bytes("absurd", &job);
    assert_eq!(answer["status"], "complete");
    assert_eq!(
        answer["report"]["scenarios_not_valued"],
        serde_json::json!([{"label": "s50", "position": "A0"}])
    );
    assert_eq!(answer["report"]["pnl"]["scenarios"], 99);
}

#[test]
fn a_job_of_one_task_and_of_a_hundred_thousand_are_both_right() {
    let scratch = Scratch::new("sizes");
    for (units, tasks) in [(1, 1), (100_000, 1), (100_000, 100_000)] {
        let job = format!(
            r#"{{"workload":"probe","input":{{"units":{units}}},"sizing":{{"tasks":{tasks},"subtasks_per_task":1}}}}"#
        );
        let answer = answer(&scratch.write("job.json", &job), &[]);
        assert_eq!(answer["report"]["units_done"], units);
        assert_eq!(answer["run"]["tasks"], tasks);
    }
}

#[test]
fn nothing_but_the_answer_is_on_stdout() {
    let output = run(&["run", "events/jobs/probe.json", "--json"]);
    serde_json::from_slice::<Value>(&output.stdout).unwrap();
    assert!(stderr(&output).contains("complete in"));
    let quiet = run(&["run", "events/jobs/probe.json", "--quiet"]);
    assert_eq!(stderr(&quiet), "");
    assert!(stdout(&quiet).contains("2000 of 2000 units"));
}

#[test]
fn the_report_file_is_what_json_prints() {
    let scratch = Scratch::new("report-file");
    let file = scratch.0.join("report.json");
    let output = run(&["run", "events/jobs/probe.json", "--json", "--report", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(file).unwrap(), stdout(&output));
}

#[test]
fn the_rows_are_every_scenarios_pnl_and_add_up_over_the_books() {
    let scratch = Scratch::new("rows");
    let file = scratch.0.join("pnl.csv");
    let answer = answer("events/jobs/historical.json", &["--csv", file.to_str().unwrap()]);
    let csv = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(header[..3], ["scenario", "label", "pnl"]);
    assert_eq!(header.len() - 3, answer["report"]["by_book"].as_array().unwrap().len());
    let micros = |cell: &str| cell.replace('.', "").parse::<i128>().unwrap();
    let mut pnl = Vec::new();
    for (scenario, line) in lines.enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[0], scenario.to_string());
        assert_eq!(micros(cells[2]), cells[3..].iter().map(|cell| micros(cell)).sum::<i128>(), "{line}");
        pnl.push(micros(cells[2]));
    }
    let of_report = |figure: &str| micros(answer["report"]["pnl"][figure].as_str().unwrap());
    assert_eq!(pnl.len() as u64, answer["report"]["scenarios"]["total"].as_u64().unwrap());
    assert_eq!(
        (pnl.iter().min(), pnl.iter().max()),
        (Some(&of_report("minimum")), Some(&of_report("maximum")))
    );

    let output = run(&["run", "events/jobs/probe.json", "--csv", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--csv: an answer of probe has no rows"), "{output:?}");
    let same = scratch.0.join("./../").join(scratch.0.file_name().unwrap()).join("pnl.csv");
    let (file, same) = (file.to_str().unwrap(), same.to_str().unwrap());
    let output = run(&["run", "events/jobs/historical.json", "--csv", file, "--report", same]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--report and --csv name the same file"), "{output:?}");
    assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 0, "nothing half done is left");
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_work() {
    let scratch = Scratch::new("no-report");
    let directory = scratch.0.to_str().unwrap();
    for file in [directory, "no/such/folder/report.json"] {
        let output = run(&["run", "events/jobs/probe.json", "--report", file]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("cannot write"), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
    // A rejected job leaves an older report unchanged, and no other file beside it.
    let report = scratch.write("report.json", "old");
    let job = scratch.write("job.json", r#"{"workload":"probe","input":{"units":0}}"#);
    assert_eq!(run(&["run", &job, "--report", &report]).status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(&report).unwrap(), "old");
    assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 2);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    for args in [&["workloads"][..], &["run", "events/jobs/probe.json", "--json"]] {
        let mut child = squall()
            .args(args)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}");
    }
}

#[test]
fn wrong_jobs_are_refused_with_the_field_and_what_would_be_right() {
    let scratch = Scratch::new("wrong");
    for (job, expected) in [
        (r#"{"workload":"probe","input":{"units":0}}"#, "input.units: 0; expected 1 to"),
        (
            r#"{"workload":"prob","input":{"units":1}}"#,
            "workload: `prob` is not a workload here; expected one of",
        ),
        (r#"{"workload":"probe","input":{"unit":1}}"#, "input.unit: unknown field `unit`, expected one of"),
        (r#"{"workload":"probe","input":{"units":1},"deadline":5}"#, "deadline: unknown field `deadline`"),
        (
            r#"{"workload":"probe","input":{"units":1},"deadline_s":0}"#,
            "deadline_s: 0; expected whole seconds",
        ),
        (
            r#"{"workload":"probe","input":{"units":1},"sizing":{"tasks":0}}"#,
            "sizing.tasks: 0; expected 1 to",
        ),
        (r#"{"workload":"probe","input":"#, "input: EOF while parsing"),
    ] {
        let path = scratch.write("job.json", job);
        for command in ["run", "check"] {
            let output = run(&[command, &path]);
            assert_eq!(output.status.code(), Some(2), "{job}");
            assert!(stderr(&output).contains(expected), "{job}: {}", stderr(&output));
            assert_eq!(stdout(&output), "", "{job}");
        }
    }
}

#[test]
fn wrong_files_are_refused_with_their_line_and_column() {
    let scratch = Scratch::new("wrong-files");
    scratch.write("positions.csv", "id,book,kind,quantity,underlying\nP1,b,spot,ten,SPX\n");
    scratch.write(
        "market.json",
        r#"{"valuation_date":"2026-01-15","report_currency":"USD",
            "curves":{"USD":{"currency":"USD","points":[{"tenor":1,"rate":0.03}]}},
            "underlyings":{"SPX":{"class":"index","currency":"USD","spot":5000,"dividend_yield":0.01,"vol":0.2}}}"#,
    );
    let job = r#"{"workload":"portfolio","input":{"positions":"positions.csv","market":"market.json",
        "scenarios":{"type":"explicit","csv":"spot:SPX\n-0.1\n"}}}"#;
    let path = scratch.write("job.json", job);
    let output = run(&["run", &path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("positions.csv:2:4 (quantity)"), "{}", stderr(&output));

    let path = scratch.write("gone.json", &job.replace("positions.csv", "no-such.csv"));
    let output = run(&["run", &path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no-such.csv"), "{}", stderr(&output));

    let path = scratch.write("empty.json", job);
    scratch.write("positions.csv", "id,book,kind,quantity,underlying\n");
    let output = run(&["run", &path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("the book is empty"), "{}", stderr(&output));
}

#[test]
fn failures_are_named_and_the_status_tells() {
    let scratch = Scratch::new("failures");
    let job = r#"{"workload":"probe","input":{"units":100,"failing_unit":42},"sizing":{"tasks":10,"subtasks_per_task":2}}"#;
    let output = run(&["run", &scratch.write("job.json", job), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["status"], "complete_with_failures");
    assert_eq!(answer["report"]["units_done"], 95);
    assert_eq!(answer["run"]["failures"][0]["task"], 4);
    assert!(stderr(&output).contains("unit 42 was asked to fail"));
}

#[test]
fn a_job_over_its_budget_says_how_far_it_came() {
    let scratch = Scratch::new("budget");
    let job = r#"{"workload":"probe","input":{"units":20000,"rounds":20000},"max_cost_usd":0.000005,
        "sizing":{"tasks":500,"subtasks_per_task":1}}"#;
    let output = run(&["run", &scratch.write("job.json", job), "--workers", "2"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.starts_with("OVER BUDGET: "), "{text}");
    assert!(text.contains("tasks are missing"), "{text}");
}

/// What a command gives that is interrupted once it shows progress.
#[cfg(unix)]
pub(crate) fn interrupted_at_work(command: &mut Command) -> Output {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The first line of progress shows that it is running.
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    assert!(line.contains("tasks"), "{line}");
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let drain = std::thread::spawn(move || errors.lines().map_while(Result::ok).count());
    let output = child.wait_with_output().unwrap();
    drain.join().unwrap();
    output
}

#[cfg(unix)]
#[test]
fn ctrl_c_prints_the_answer_so_far() {
    let scratch = Scratch::new("ctrl-c");
    // Hours of work in small pieces.
    let job = r#"{"workload":"probe","input":{"units":1000000,"rounds":10000000},"sizing":{"tasks":100000,"subtasks_per_task":1}}"#;
    let path = scratch.write("job.json", job);
    let output = interrupted_at_work(squall().args(["run", &path, "--json"]));
    assert_eq!(output.status.code(), Some(130));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["status"], "cancelled");
    let coverage = answer["coverage"].as_f64().unwrap();
    assert!((0.0..1.0).contains(&coverage), "{coverage}");
    assert!(answer["run"]["missing"].as_str().unwrap().contains("tasks are missing"));
}

#[test]
fn help_teaches_and_usage_errors_are_2() {
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    // Lines are wrapped at the terminal's width.
    let text = stdout(&help).split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["run", "check", "workloads", "sample", "Exit status", "130 interrupted"] {
        assert!(text.contains(words), "{words}");
    }
    for args in [&["run"][..], &["fly"], &["run", "x.json", "--shards", "0"], &["run", "no-such-job.json"]] {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn workloads_are_listed_with_their_schemas() {
    let text = stdout(&run(&["workloads"]));
    assert!(
        text.contains("portfolio: ") && text.contains("probe: ") && text.contains("additionalProperties")
    );
    assert_eq!(stdout(&run(&["workloads", "--names"])), "external\nlogscan\nportfolio\nprobe\n");
    assert_eq!(run(&["workloads", "nonsense"]).status.code(), Some(2));
}

#[test]
fn completions_are_written_for_shells() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&run(&["completions", shell])).contains("squall"), "{shell}");
    }
}
