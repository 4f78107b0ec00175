//! The version that the binaries report: `squall --version`, and the first log line of each function.

use std::process::Command;

use serde_json::Value;

use crate::binaries::{binary, root};

const FUNCTIONS: [&str; 6] =
    ["task-splitter", "shard-consumer", "cascade-worker", "result-collector", "scale-out", "scale-in"];

/// The output of `squall --version` after the name: `0.2.0 (0123456789ab)`.
fn version() -> String {
    let output = Command::new(binary("squall")).arg("--version").output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.strip_prefix("squall ").unwrap().trim_end().to_owned()
}

#[test]
fn the_version_is_the_workspaces_and_the_commit_the_checkouts() {
    let version = version();
    let commit = version.strip_prefix(concat!(env!("CARGO_PKG_VERSION"), " (")).unwrap();
    let commit = commit.strip_suffix(')').unwrap();
    let git = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).current_dir(root()).output();
    match git {
        _ if std::env::var_os("SQUALL_COMMIT").is_some_and(|it| !it.is_empty()) => {}
        Ok(output) if output.status.success() => {
            assert_eq!(commit, String::from_utf8(output.stdout).unwrap().trim_end());
        }
        // Outside a checkout.
        _ => assert_eq!(commit, "unknown"),
    }
}

#[test]
fn every_function_says_its_version_first() {
    let version = version();
    for function in FUNCTIONS {
        // Without Lambda's variables it starts, logs its version, and stops.
        let output = Command::new(binary(function)).env_clear().output().unwrap();
        assert!(!output.status.success(), "{function}");
        let text = String::from_utf8(output.stdout).unwrap();
        let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first["version"].as_str(), Some(version.as_str()), "{function}: {text}");
        assert_eq!(first["message"].as_str(), Some(format!("{function} starts").as_str()), "{text}");
    }
}
