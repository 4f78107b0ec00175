//! What is left of a run that is stopped, asked or not: nothing that still runs.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "processes take their time to end")]

use std::collections::BTreeMap;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::binaries::root;
use crate::deployed::Dev;

/// Far longer than it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The processes that run, each with its parent.
fn processes() -> BTreeMap<u32, u32> {
    let all =
        std::fs::read_dir("/proc").unwrap().filter_map(|it| it.ok()?.file_name().to_str()?.parse().ok());
    let running = all.filter_map(|pid: u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        // Some have ended, and nobody has asked how.
        let has_ended = field("State:")?.starts_with('Z');
        let parent = field("PPid:")?.parse().ok()?;
        (!has_ended).then_some((pid, parent))
    });
    running.collect()
}

/// The processes that a process started, and those started by them.
fn started_by(pid: u32) -> Vec<u32> {
    let all = processes();
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(all.iter().filter(|(_, its)| **its == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found.split_off(1)
}

fn send(dev: &Dev, signal: &str) {
    assert!(Command::new("kill").args([signal, &dev.pid().to_string()]).status().unwrap().success());
}

/// Waits until none of these processes runs.
fn end(started: &[u32], why: &str) {
    let since = Instant::now();
    loop {
        let running = processes();
        let left: Vec<_> = started.iter().filter(|pid| running.contains_key(pid)).collect();
        if left.is_empty() {
            break;
        }
        assert!(since.elapsed() < PATIENCE, "{why}: {left:?} still run");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_run_that_is_stopped_leaves_no_process_behind() {
    for signal in ["-INT", "-TERM", "-KILL"] {
        let Some(dev) = Dev::start(&format!("stopped{signal}"), &["--port", "0"]) else { return };
        let ended = dev.squall(&["submit", "events/jobs/probe.json", "--watch", "--quiet"]);
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        // The emulator and some functions.
        let started = started_by(dev.pid());
        assert!(started.len() > 3, "{started:?}");
        send(&dev, signal);
        end(&started, signal);
    }
}

/// A unit of the job takes as long as its worker may, which is far longer than the test waits.
#[test]
fn a_run_that_leaves_at_once_takes_its_busy_functions_with_it() {
    let job = root().join("target/tests/jobs/hanging.json");
    std::fs::create_dir_all(job.parent().unwrap()).unwrap();
    std::fs::write(&job, r#"{"workload":"probe","input":{"units":10,"hanging_unit":3}}"#).unwrap();
    for signals in [&["-KILL"][..], &["-INT", "-INT"], &["-INT", "-TERM"]] {
        let name = format!("busy{}", signals.concat());
        let Some(dev) = Dev::start(&name, &["--port", "0"]) else { return };
        let published = dev.squall(&["submit", job.to_str().unwrap(), "--quiet"]);
        assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
        let since = Instant::now();
        let busy = loop {
            let busy = |name| dev.environments(name).into_iter().find(|(_, busy)| *busy).map(|(pid, _)| pid);
            if let (Some(consumer), Some(worker)) = (busy("shard-consumer"), busy("cascade-worker")) {
                break [consumer, worker];
            }
            assert!(since.elapsed() < PATIENCE, "no function is at work");
            sleep(Duration::from_millis(20));
        };
        // All units but that one take far less.
        sleep(Duration::from_secs(2));
        let started = started_by(dev.pid());
        assert!(
            busy.iter().all(|pid| started.contains(&u32::try_from(*pid).unwrap())),
            "{busy:?} {started:?}"
        );
        let (last, first) = signals.split_last().unwrap();
        for signal in first {
            send(&dev, signal);
            let since = Instant::now();
            let said = || std::fs::read_to_string(dev.folder.join("said")).unwrap();
            while !(said().contains("waiting for") && said().contains("running functions, at most")) {
                assert!(since.elapsed() < PATIENCE, "it does not say what it waits for: {}", said());
                sleep(Duration::from_millis(20));
            }
        }
        send(&dev, last);
        end(&started, &name);
    }
}
