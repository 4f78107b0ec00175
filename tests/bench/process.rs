//! The binary as a whole: the time to its first result, and the memory of the demo.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{median, row, seconds};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

fn squall() -> Command {
    let mut command = Command::new(root().join("target/release/squall"));
    command.current_dir(root()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

pub(crate) fn whole_process() {
    let job = root().join("target/bench-first-result.json");
    std::fs::write(&job, r#"{"workload":"probe","input":{"units":1}}"#).expect("the target folder is there");
    let run = || {
        seconds(|| {
            let status = squall().arg("run").arg(&job).arg("--quiet").status();
            assert!(status.expect("`make bench` builds the binary first").success());
        })
    };
    let nothing = || seconds(|| drop(squall().arg("--version").status()));
    let wall_s = median((0..21).map(|_| run()).collect());
    let start_s = median((0..21).map(|_| nothing()).collect());
    row(
        "process start to first merged result and exit",
        &format!("{:.1} ms", wall_s * 1e3),
        &format!("`squall --version` {:.1} ms", start_s * 1e3),
        wall_s / start_s,
    );

    let mut child = squall().args(["run", "events/jobs/demo.json"]).spawn().expect("the binary starts");
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let taken_s = seconds(|| {
        while matches!(child.try_wait(), Ok(None)) {
            let status = std::fs::read_to_string(&status_file).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            peak_kib = peak_kib.max(kib.unwrap_or(0));
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    println!("the demo: {taken_s:.1} s, peak memory {} MiB", peak_kib / 1_024_u64);
}
