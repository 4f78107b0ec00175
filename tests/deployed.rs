//! The functions' own binaries between an emulated SNS, Kinesis, DynamoDB and S3, as started by `squall dev`: the
//! answer is a local run's, byte for byte, even if functions die and messages are lost or duplicated.
#![expect(
    clippy::disallowed_methods,
    reason = "processes take their time, and where the emulator is depends on the machine"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use squall_aws::{Connection, JobTopic, Settings};

use crate::binaries::{binary, root};
use crate::emulator;
use crate::proxy::{Fault, Proxy, Request, at_random};

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const JOB: &str = "events/jobs/portfolio.json";

/// A deployment on this machine; dropping it stops it as Ctrl-C does.
pub(crate) struct Dev {
    /// The binary that it was started by.
    squall: &'static str,
    process: Child,
    vars: Vec<(String, String)>,
    /// What it writes.
    pub(crate) folder: PathBuf,
}

impl Dev {
    /// Starts one in its own folder; `None`, and a line with the reason, if there is no emulator.
    pub(crate) fn start(name: &str, args: &[&str]) -> Option<Self> {
        Self::start_of("squall", name, args)
    }

    /// The same by another `squall`, which brings its own functions.
    pub(crate) fn start_of(squall: &'static str, name: &str, args: &[&str]) -> Option<Self> {
        emulator::endpoint()?;
        let python = std::env::var("SQUALL_EMULATOR").unwrap();
        let folder = root().join("target/tests").join(format!("dev-{name}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let said = std::fs::File::create(folder.join("said")).unwrap();
        let mut process = Command::new(binary(squall))
            .args(["dev", "--emulator", &python, "--dir", folder.to_str().unwrap()])
            .args(args)
            .current_dir(root())
            // For those that are given an emulator that runs already.
            .env("SQUALL_ENDPOINT_KEYS", format!("{}:{}", emulator::keys().id, emulator::keys().secret))
            .stdin(Stdio::null())
            .stderr(said)
            .spawn()
            .unwrap();
        let started = Instant::now();
        let env = loop {
            if let Ok(env) = std::fs::read_to_string(folder.join("env")) {
                break env;
            }
            let said = || std::fs::read_to_string(folder.join("said")).unwrap_or_default();
            assert!(process.try_wait().unwrap().is_none(), "squall dev ended: {}", said());
            assert!(started.elapsed() < PATIENCE, "squall dev does not start: {}", said());
            sleep(Duration::from_millis(20));
        };
        let exports = env.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        let vars =
            exports.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect();
        Some(Self { squall, process, vars, folder })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn var(&self, name: &str) -> &str {
        &self.vars.iter().find(|(known, _)| known == name).unwrap().1
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary(self.squall));
        command.args(args).current_dir(root()).envs(self.vars.iter().cloned());
        command
    }

    pub(crate) fn squall(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The answer of a job that ends complete.
    fn answer(&self, args: &[&str]) -> String {
        let output = self.squall(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?} ended with {}: {said}", output.status);
        without_run(&output.stdout)
    }

    /// To its data plane, with the keys of the run.
    pub(crate) fn connection(&self) -> Connection {
        let [region, endpoint_url] =
            ["AWS_REGION", "AWS_ENDPOINT_URL"].map(|name| Some(self.var(name).to_owned()));
        let settings = Settings { region, profile: None, endpoint_url };
        Connection::with_keys(settings, self.var("AWS_ACCESS_KEY_ID"), self.var("AWS_SECRET_ACCESS_KEY"))
    }

    /// Publishes a message to the topic of jobs, as any program may, and returns the id of its job.
    pub(crate) fn publish(&self, message: &str) -> String {
        let topic = JobTopic::new(&self.connection(), self.var("SQUALL_JOBS_TOPIC"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        format!("sns-{}", runtime.block_on(topic.publish(message)).unwrap())
    }

    /// What the functions' host says.
    fn host(&self, path: &str) -> Value {
        let address = self.var("AWS_ENDPOINT_URL_LAMBDA").strip_prefix("http://").unwrap().to_owned();
        let mut stream = TcpStream::connect(&address).unwrap();
        let credential = format!("{}/20261130/us-east-1/lambda/aws4_request", self.var("AWS_ACCESS_KEY_ID"));
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00\r\n\r\n"
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (_, body) = reply.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }

    /// What Lambda would bill of the functions whose names begin so: invocations, and milliseconds.
    pub(crate) fn billed(&self, function: &str) -> (u64, u64) {
        let billed = self.host("/billed");
        let ours = billed.as_object().unwrap().iter().filter(|(name, _)| name.starts_with(function));
        ours.fold((0, 0), |(n, ms), (_, it)| {
            (n + it["invocations"].as_u64().unwrap(), ms + it["ms"].as_u64().unwrap())
        })
    }

    /// The environments of a function: process ids, and whether each is busy.
    pub(crate) fn environments(&self, function: &str) -> Vec<(i64, bool)> {
        let all = self.host("/environments");
        let all = all.as_array().unwrap();
        let ours = all.iter().filter(|it| it["function"].as_str().unwrap().starts_with(function));
        ours.filter_map(|it| Some((it["pid"].as_i64()?, it["state"] == "busy"))).collect()
    }

    /// Waits until the function is busy, and kills it without warning.
    fn kill_at_work(&self, function: &str) {
        let started = Instant::now();
        loop {
            if let Some((pid, _)) = self.environments(function).into_iter().find(|(_, busy)| *busy) {
                let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
                if killed.success() {
                    return;
                }
            }
            assert!(started.elapsed() < PATIENCE, "{function} was never at work");
            sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-INT", &pid]).status();
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(30) {
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        assert!(std::thread::panicking(), "squall dev does not stop");
    }
}

pub(crate) fn without_run(stdout: &[u8]) -> String {
    let mut answer: Value = serde_json::from_slice(stdout).unwrap();
    answer.as_object_mut().unwrap().remove("run").unwrap();
    serde_json::to_string_pretty(&answer).unwrap()
}

/// The answer of the same job in one process.
pub(crate) fn local_answer(job: &str) -> String {
    let output =
        Command::new(binary("squall")).args(["run", "--quiet", "--json", job]).current_dir(root()).output();
    without_run(&output.unwrap().stdout)
}

/// A copy of the sample job, with more paths and many tasks, that takes a while.
fn long_job(name: &str) -> String {
    let text = std::fs::read_to_string(root().join(JOB)).unwrap();
    let mut job: Value = serde_json::from_str(&text).unwrap();
    job["input"]["scenarios"]["paths"] = Value::from(60_000);
    job["sizing"] = serde_json::json!({ "tasks": 24, "subtasks_per_task": 6 });
    let folder = root().join("target/tests/jobs");
    std::fs::create_dir_all(&folder).unwrap();
    let path: PathBuf = folder.join(format!("{name}.json"));
    std::fs::write(&path, job.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_job_published_to_sns_has_the_answer_of_a_local_run() {
    let Some(dev) = Dev::start("plain", &["--port", "0", "--shards", "3", "--lanes", "2"]) else { return };
    let expected = local_answer(JOB);
    assert_eq!(dev.answer(&["submit", JOB, "--watch", "--json", "--quiet"]), expected);
    // Published directly, without `submit`, it is known by its message id.
    let by_hand = dev.publish(&std::fs::read_to_string(root().join(JOB)).unwrap());
    assert_eq!(dev.answer(&["watch", &by_hand, "--json", "--quiet"]), expected);
    let ids = dev.squall(&["submit", JOB, "--id", "by-name"]);
    assert_eq!(String::from_utf8(ids.stdout).unwrap(), "by-name\n");
    assert_eq!(dev.answer(&["watch", "by-name", "--json", "--quiet"]), expected);
    assert_eq!(dev.answer(&["result", "by-name", "--json"]), expected);
    // Publishing the same id again runs nothing.
    let before = dev.squall(&["result", "by-name", "--json"]).stdout;
    assert!(dev.squall(&["submit", JOB, "--id", "by-name", "--watch", "--quiet"]).status.success());
    assert_eq!(dev.squall(&["result", "by-name", "--json"]).stdout, before);
    // Files that a job names are uploaded.
    let historical = "events/jobs/historical.json";
    assert_eq!(dev.answer(&["submit", historical, "--watch", "--json", "--quiet"]), local_answer(historical));
    let listed = String::from_utf8(dev.squall(&["jobs"]).stdout).unwrap();
    assert!(listed.contains("by-name") && listed.contains("complete"), "{listed}");
}

#[test]
fn functions_that_are_killed_leave_the_answer_alone() {
    let Some(dev) = Dev::start("killed", &["--port", "0", "--lanes", "2"]) else { return };
    let job = long_job("killed");
    let watching = dev
        .command(&["submit", &job, "--watch", "--json", "--quiet"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for function in
        ["shard-consumer", "cascade-worker", "result-collector", "shard-consumer", "cascade-worker"]
    {
        dev.kill_at_work(function);
    }
    let output = watching.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(without_run(&output.stdout), local_answer(&job));
}

#[test]
fn lost_late_and_doubled_messages_leave_the_answer_alone() {
    let Some(data) = emulator::another() else { return };
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let faults = [
        Fault::LoseReply,
        Fault::BlameReply,
        Fault::Refuse,
        Fault::Reset,
        Fault::Delay(Duration::from_millis(300)),
    ];
    let sent: Arc<Mutex<Sent>> = Arc::default();
    let note = |sent: &Mutex<Sent>, request: &Request| {
        if let Some(program) = request.program() {
            let mut sent = sent.lock().unwrap();
            sent.entry(program.to_owned()).or_default().insert(request.action.clone());
        }
    };
    let (seen, mut fault) = (Arc::clone(&sent), at_random(7, 150, &faults));
    let way_to_data = Proxy::start(data.url(), move |request| {
        note(&seen, request);
        fault(request)
    });
    let seen = Arc::clone(&sent);
    // Every message of the topic and every batch of results is delivered twice.
    let doubled = |path: &str| path.contains("task-splitter") || path.contains("result-collector");
    let way_to_functions = Proxy::start(&format!("http://127.0.0.1:{port}"), move |request| {
        note(&seen, request);
        if doubled(request.path()) { Fault::Twice } else { Fault::None }
    });
    let port = port.to_string();
    let args = ["--endpoint", way_to_data.url(), "--port", &port, "--invoke-through", way_to_functions.url()];
    let Some(dev) = Dev::start("faulty", &args) else { return };
    let job = long_job("faulty");
    assert_eq!(dev.answer(&["submit", &job, "--watch", "--json", "--quiet"]), local_answer(&job));
    // The number of batches of results depends on how busy the machine is: at least the topic's message and one.
    assert!(way_to_data.n_faults() > 10, "{:?}", way_to_data.counts());
    assert!(way_to_functions.n_faults() >= 2, "{:?}", way_to_functions.counts());
    the_functions_sent_only_what_their_roles_allow(&sent.lock().unwrap());
}

/// The operations that each program sent.
type Sent = BTreeMap<String, BTreeSet<String>>;

/// Compares what the functions sent with the table to which their roles are held.
fn the_functions_sent_only_what_their_roles_allow(sent: &Sent) {
    for function in ["task-splitter", "shard-consumer", "cascade-worker", "result-collector"] {
        let calls = squall_lambdas::calls::calls_of(function).iter().flat_map(|(_, operations)| *operations);
        let allowed: BTreeSet<_> = calls.map(|it| (*it).to_owned()).collect();
        let sent = sent.get(function).unwrap_or_else(|| panic!("{function} sent nothing: {sent:?}"));
        let other: Vec<_> = sent.difference(&allowed).collect();
        assert!(other.is_empty(), "{function} sent {other:?}, which its table does not list");
        let must = match function {
            "task-splitter" => "kinesis:PutRecords",
            // Its invocations go to the functions directly.
            "shard-consumer" => "kinesis:PutRecord",
            "cascade-worker" => "s3:GetObject",
            _ => "sns:Publish",
        };
        assert!(sent.contains(must), "{function} sent no {must}: {sent:?}");
    }
}

#[test]
fn what_was_cancelled_is_reopened_where_it_stopped() {
    let Some(dev) = Dev::start("retried", &["--port", "0"]) else { return };
    let job = long_job("retried");
    assert!(dev.squall(&["submit", &job, "--id", "again"]).status.success());
    let started = Instant::now();
    while !String::from_utf8(dev.squall(&["jobs", "--json"]).stdout).unwrap().contains("\"coverage\": 0.") {
        assert!(started.elapsed() < PATIENCE);
        sleep(Duration::from_millis(50));
    }
    dev.squall(&["cancel", "again"]);
    let partial: Value = serde_json::from_slice(&dev.squall(&["result", "again", "--json"]).stdout).unwrap();
    assert_eq!(partial["status"], "cancelled");
    let missing = String::from_utf8(dev.squall(&["missing", "again"]).stdout).unwrap();
    assert!(missing.contains("missing"), "{missing}");
    assert!(dev.squall(&["retry", "again"]).status.success());
    assert_eq!(dev.answer(&["watch", "again", "--json", "--quiet"]), local_answer(&job));
}

/// The functions' own binaries, but for one: a shell script, in which FOLDER and REAL stand for the folder and the binary.
pub(crate) fn functions_with(name: &str, other: &str, script: &str) -> PathBuf {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = root().join("target/tests").join(format!("functions-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    for function in ["task-splitter", "shard-consumer", "cascade-worker", "result-collector"] {
        if function != other {
            symlink(binary(function), folder.join(function)).unwrap();
        }
    }
    let (path, real) = (folder.join(other), binary(other));
    let script = script.replace("FOLDER", folder.to_str().unwrap()).replace("REAL", real.to_str().unwrap());
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn tasks_that_consumers_died_of_are_booked_named_and_sent_again() {
    // It exits at once for as long as a file is there.
    let functions =
        functions_with("dying", "shard-consumer", "[ -e 'FOLDER/broken' ] && exit 1\nexec 'REAL'");
    let broken = functions.join("broken");
    std::fs::write(&broken, "").unwrap();
    let args = ["--port", "0", "--functions", functions.to_str().unwrap()];
    let Some(dev) = Dev::start("dying", &args) else { return };
    let job = "events/jobs/explicit.json";
    let ended = dev.squall(&["submit", job, "--id", "dying", "--watch", "--json", "--quiet"]);
    let answer: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(answer["status"], "complete_with_failures", "{answer}");
    let missing = String::from_utf8(dev.squall(&["missing", "dying"]).stdout).unwrap();
    assert!(missing.contains("the consumer gave no result: RetryAttemptsExhausted"), "{missing}");
    std::fs::remove_file(broken).unwrap();
    assert!(dev.squall(&["retry", "dying"]).status.success());
    assert_eq!(dev.answer(&["watch", "dying", "--json", "--quiet"]), local_answer(job));
}

#[test]
fn the_second_of_two_jobs_with_one_id_is_told() {
    let Some(dev) = Dev::start("taken", &["--port", "0"]) else { return };
    // At the same moment: neither can see the other before it is published.
    let probe =
        dev.command(&["submit", "events/jobs/probe.json", "--id", "race"]).stderr(Stdio::piped()).spawn();
    let other = dev.command(&["submit", JOB, "--id", "race"]).stderr(Stdio::piped()).spawn();
    let ends = [probe, other].map(|it| it.unwrap().wait_with_output().unwrap());
    let said = ends.iter().map(|it| String::from_utf8_lossy(&it.stderr)).collect::<String>();
    assert_eq!(ends.iter().filter(|it| it.status.success()).count(), 1, "{said}");
    assert!(said.contains("the id race belongs to another job"), "{said}");
    dev.squall(&["watch", "race", "--quiet"]);
}

/// One position in each of 300 books under 5,000 scenarios, in one piece: a partial of more than a function can answer with.
#[test]
fn a_reply_of_more_than_a_function_can_answer_with_arrives() {
    let folder = root().join("target/tests/jobs");
    std::fs::create_dir_all(&folder).unwrap();
    let rows: String = (0..300).map(|n| format!("P{n},book{n},spot,SPX,1\n")).collect();
    std::fs::write(folder.join("books.csv"), format!("id,book,kind,underlying,quantity\n{rows}")).unwrap();
    std::fs::copy(root().join("events/jobs/data/market.json"), folder.join("market.json")).unwrap();
    let job = serde_json::json!({
        "workload": "portfolio",
        "input": {
            "positions": "books.csv",
            "market": "market.json",
            "scenarios": {
                "type": "monte_carlo", "paths": 5_000, "horizon_days": 10, "seed": 7,
                "factors": ["spot:SPX"], "per": "year", "volatilities": [0.2], "correlation": [[1]],
            },
        },
        "sizing": { "tasks": 1, "subtasks_per_task": 1 },
    });
    let path = folder.join("books.json");
    std::fs::write(&path, job.to_string()).unwrap();
    let path = path.to_str().unwrap();
    let Some(dev) = Dev::start("large", &["--port", "0"]) else { return };
    assert_eq!(dev.answer(&["submit", path, "--watch", "--json", "--quiet"]), local_answer(path));
}

#[test]
fn a_small_job_passes_a_large_one_and_another_is_told_what_it_waits_behind() {
    let Some(dev) = Dev::start("queue", &["--port", "0"]) else { return };
    let folder = root().join("target/tests/jobs");
    std::fs::create_dir_all(&folder).unwrap();
    // Half a minute of both lanes, or more.
    let large = folder.join("sixty.json");
    let message = r#"{"workload":"probe","input":{"units":60,"rounds":600000000},"sizing":{"tasks":60}}"#;
    std::fs::write(&large, message).unwrap();
    assert!(dev.squall(&["submit", large.to_str().unwrap(), "--id", "large"]).status.success());
    let small = "events/jobs/explicit.json";
    assert_eq!(dev.answer(&["submit", small, "--watch", "--json", "--quiet"]), local_answer(small));
    let status = |id: &str| {
        let listed: Value = serde_json::from_slice(&dev.squall(&["jobs", "--json"]).stdout).unwrap();
        let jobs = listed.as_array().unwrap();
        jobs.iter().find(|it| it["job"] == id).unwrap()["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status("large"), "running");
    // Two tasks are not small.
    let two = folder.join("two.json");
    std::fs::write(&two, r#"{"workload":"probe","input":{"units":2},"sizing":{"tasks":2}}"#).unwrap();
    let watched = dev.squall(&["submit", two.to_str().unwrap(), "--watch"]);
    let said = String::from_utf8_lossy(&watched.stderr).into_owned();
    assert!(said.contains("of 1 job: lanes take tasks in the order"), "{said}");
    dev.squall(&["cancel", "large"]);
}

/// What a job's receipt says of the workers, and what their host would bill: invocations, and milliseconds.
fn receipt_and_bill(dev: &Dev, job: &str) -> ((u64, u64), (u64, u64)) {
    let before = dev.billed("cascade-worker");
    let ended = dev.squall(&["submit", job, "--watch", "--json", "--quiet"]);
    let answer: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let receipt = &answer["run"]["receipt"];
    let after = dev.billed("cascade-worker");
    let ms = (receipt["worker_seconds"].as_f64().unwrap() * 1e3).round();
    let counted = (receipt["invocations"].as_u64().unwrap(), format!("{ms}").parse().unwrap());
    (counted, (after.0 - before.0, after.1 - before.1))
}

/// Never less than the bill; and more by the way to the functions' host and back only, which is long on a busy machine.
fn the_receipt_is_the_bill(dev: &Dev, message: &str, name: &str) {
    const WAY_MS: u64 = 500;
    let path = root().join("target/tests/jobs").join(format!("{name}.json"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, message).unwrap();
    let (receipt, bill) = receipt_and_bill(dev, path.to_str().unwrap());
    assert_eq!(receipt.0, bill.0, "{name}: invocations of the receipt, and of the bill");
    let most = bill.1 + bill.0 * WAY_MS;
    assert!(
        receipt.1 >= bill.1 && receipt.1 <= most,
        "{name}: {} of {} ms, at most {most}",
        receipt.1,
        bill.1
    );
}

#[test]
fn the_receipt_is_what_the_host_would_bill() {
    // Workers that are killed two seconds after they start, busy or not.
    let functions = functions_with(
        "billed",
        "cascade-worker",
        "[ -e 'FOLDER/mortal' ] && exec timeout -s KILL 2 'REAL'\nexec 'REAL'",
    );
    let args = ["--port", "0", "--functions", functions.to_str().unwrap()];
    let Some(dev) = Dev::start("billed", &args) else { return };
    // Five seconds of work, four times.
    let mortal = functions.join("mortal");
    std::fs::write(&mortal, "").unwrap();
    let dying = r#"{"workload":"probe","input":{"units":1,"rounds":9000000000},"sizing":{"tasks":1,"subtasks_per_task":1}}"#;
    the_receipt_is_the_bill(&dev, dying, "dying");
    std::fs::remove_file(mortal).unwrap();
    let sizing = r#""sizing":{"tasks":2,"subtasks_per_task":2}"#;
    let usual = format!(r#"{{"workload":"probe","input":{{"units":4,"rounds":500000000}},{sizing}}}"#);
    the_receipt_is_the_bill(&dev, &usual, "usual");
    let failing = format!(
        r#"{{"workload":"probe","input":{{"units":4,"rounds":500000000,"failing_unit":1}},{sizing}}}"#
    );
    the_receipt_is_the_bill(&dev, &failing, "failing");
}
