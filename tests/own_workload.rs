//! A workload in a crate of its own: its `squall`, its functions in the emulator, and its data at any size.
#![expect(
    clippy::disallowed_methods,
    reason = "processes take their time, and where the emulator is depends on the machine"
)]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use squall_aws::S3Blobs;

use crate::binaries::{binary, root};
use crate::deployed::Dev;
use crate::emulator::{provision_bucket, unique};

/// Far more than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn folder(name: &str) -> PathBuf {
    let folder = root().join("target/tests").join(format!("own-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn job(folder: &Path, objects: &str, sizing: Value) -> PathBuf {
    let path = folder.join("job.json");
    let job = json!({ "workload": "count-lines", "input": { "objects": objects }, "sizing": sizing });
    std::fs::write(&path, job.to_string()).unwrap();
    path
}

fn run(job: &Path, args: &[&str]) -> Output {
    Command::new(binary("own-squall")).arg("run").arg(job).arg("--json").args(args).output().unwrap()
}

fn answer(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[test]
fn its_own_squall_runs_it_and_knows_no_other() {
    let folder = folder("run");
    std::fs::create_dir_all(folder.join("logs/deep")).unwrap();
    std::fs::write(folder.join("logs/a.log"), "one\ntwo\n").unwrap();
    std::fs::write(folder.join("logs/deep/b.log"), "three\n".repeat(1_000)).unwrap();
    let job = job(&folder, "logs", json!({ "tasks": 7, "subtasks_per_task": 3 }));
    let output = run(&job, &[]);
    let report = &answer(&output)["report"];
    assert_eq!(report, &json!({ "objects": 2, "bytes": 6_008, "bytes_read": 6_008, "lines": 1_002 }));
    assert!(output.status.success());

    let known = Command::new(binary("own-squall")).args(["workloads", "--names"]).output().unwrap();
    assert_eq!(String::from_utf8(known.stdout).unwrap(), "count-lines\n");
    let check = ["check", "events/jobs/probe.json"];
    let refused = Command::new(binary("own-squall")).args(check).current_dir(root()).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("`probe` is not a workload here; expected one of `count-lines`"), "{said}");
}

#[test]
fn what_is_not_there_or_empty_is_refused_by_name() {
    let folder = folder("refused");
    std::fs::create_dir_all(folder.join("empty")).unwrap();
    let output = run(&job(&folder, "empty", json!({})), &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("input.objects: there is nothing to read"), "{said}");
    let output = run(&job(&folder, "nowhere", json!({})), &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("input.objects: there is nothing to read"), "{said}");
}

/// A file of 1 GiB takes no more memory than a small one: memory is bounded by the chunks, not by the file.
#[test]
fn a_large_source_is_never_held_whole() {
    let folder = folder("large");
    File::create(folder.join("zeros")).unwrap().set_len(1 << 30).unwrap();
    let job = job(&folder, "zeros", json!({ "tasks": 16 }));
    let mut child = Command::new(binary("own-squall"))
        .arg("run")
        .arg(&job)
        .args(["--json", "--quiet", "--workers", "2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak_kib = peak_kib.max(kib.unwrap_or(0));
        sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["report"]["bytes_read"], json!(1 << 30));
    assert!(peak_kib < 256 << 10, "{peak_kib} KiB");
}

#[test]
fn an_object_that_changes_fails_its_slice_by_name() {
    let folder = folder("changed");
    let (changing, steady) = (folder.join("logs/a.log"), folder.join("logs/b.log"));
    std::fs::create_dir_all(folder.join("logs")).unwrap();
    File::create(&changing).unwrap().set_len(1 << 30).unwrap();
    std::fs::write(&steady, "b\n").unwrap();
    let job = job(&folder, "logs", json!({ "tasks": 64, "subtasks_per_task": 1 }));
    let child = Command::new(binary("own-squall"))
        .arg("run")
        .arg(&job)
        .args(["--json", "--quiet", "--workers", "1", "--shards", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Once reading has begun, everything is listed, and most of the file is still to be read.
    let (read, started) = (format!("/proc/{}/io", child.id()), Instant::now());
    loop {
        let text = std::fs::read_to_string(&read).unwrap_or_default();
        let bytes = text.lines().find_map(|line| line.strip_prefix("rchar: "));
        if bytes.and_then(|bytes| bytes.trim().parse::<u64>().ok()).is_some_and(|bytes| bytes > 64 << 20) {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "it does not begin to read");
        sleep(Duration::from_millis(2));
    }
    File::options().append(true).open(&changing).unwrap().set_len((1 << 30) + 1).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["status"], "complete_with_failures");
    let said = answer.to_string();
    assert!(said.contains("logs/a.log changed since it was listed (ETag 40000000-"), "{said}");
}

/// Links the functions of an example, whose names begin with `prefix`, under those by which a deployment knows them.
pub(crate) fn link_functions(prefix: &str, folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    for (own, name) in [
        ("splitter", "task-splitter"),
        ("consumer", "shard-consumer"),
        ("worker", "cascade-worker"),
        ("collector", "result-collector"),
    ] {
        std::fs::hard_link(binary(&format!("{prefix}-{own}")), folder.join(name)).unwrap();
    }
}

/// The whole grid with its own binaries: its `squall dev` between its functions and the emulator, over objects in S3.
#[test]
fn its_own_functions_run_it_in_the_emulator() {
    let folder = folder("deployed");
    let functions = folder.join("functions");
    link_functions("own", &functions);
    let args = ["--port", "0", "--functions", functions.to_str().unwrap()];
    let Some(dev) = Dev::start_of("own-squall", "own", &args) else { return };
    let connection = dev.connection();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Of somebody else: in the deployment's own, no objects can be named.
    let bucket = &unique("market-data");
    runtime.block_on(async {
        provision_bucket(&connection, bucket).await;
        let blobs = S3Blobs::new(&connection, bucket);
        for n in 0..5_usize {
            // The last is large enough to be sent in parts.
            let lines = if n == 4 { 3 << 20 } else { n * 1_000 + 1 };
            blobs.upload(format!("line {n}\n").repeat(lines).into_bytes(), None).await.unwrap();
        }
    });
    let lines = 4 + 6_000 + (3 << 20);
    let job = job(&folder, &format!("s3://{bucket}/files/"), json!({ "tasks": 4, "subtasks_per_task": 3 }));
    let output = dev.squall(&["submit", job.to_str().unwrap(), "--watch", "--json", "--quiet"]);
    let answer = answer(&output);
    let report = &answer["report"];
    assert_eq!((&report["objects"], &report["lines"]), (&json!(5), &json!(lines)), "{answer}");
    assert_eq!(report["bytes_read"], report["bytes"]);
    assert_eq!(answer["status"], "complete");
}
