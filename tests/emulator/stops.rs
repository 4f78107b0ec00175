//! What is left of a run that is stopped, asked or not: nothing that still runs.
#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "processes take their time to end")]

use std::collections::BTreeMap;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

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

#[test]
fn a_run_that_is_stopped_leaves_no_process_behind() {
    for signal in ["-INT", "-TERM", "-KILL"] {
        let Some(dev) = Dev::start(&format!("stopped{signal}"), &["--port", "0"]) else { return };
        let ended = dev.squall(&["submit", "events/jobs/probe.json", "--watch", "--quiet"]);
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        // The emulator and some functions.
        let started = started_by(dev.pid());
        assert!(started.len() > 3, "{started:?}");
        assert!(Command::new("kill").args([signal, &dev.pid().to_string()]).status().unwrap().success());
        let since = Instant::now();
        loop {
            let running = processes();
            let left: Vec<_> = started.iter().filter(|pid| running.contains_key(pid)).collect();
            if left.is_empty() {
                break;
            }
            assert!(since.elapsed() < PATIENCE, "{signal}: {left:?} still run");
            sleep(Duration::from_millis(50));
        }
    }
}
