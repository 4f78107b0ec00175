//! The house rules: which crate may import which, and what must never appear where.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which of our crates a crate may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("squall-ports", &[]),
    ("squall-core", &["squall-ports"]),
    ("squall-grid", &["squall-core"]),
    ("squall-workloads", &["squall-core"]),
    ("squall-external", &["squall-core", "squall-workloads"]),
    ("squall-capacity", &["squall-ports"]),
    ("squall-sim-time", &["squall-ports"]),
    ("squall-lambda-host", &["squall-core"]),
    ("squall-contracts", &["squall-core", "squall-capacity"]),
    ("squall-memory", &["squall-core", "squall-lambda-host"]),
    ("squall-local", &["squall-core", "squall-grid", "squall-lambda-host", "squall-memory"]),
    (
        "squall-sim",
        &[
            "squall-core",
            "squall-grid",
            "squall-capacity",
            "squall-sim-time",
            "squall-memory",
            "squall-local",
        ],
    ),
    ("squall-aws", &["squall-core", "squall-capacity"]),
    (
        "squall-lambdas",
        &[
            "squall-core",
            "squall-grid",
            "squall-capacity",
            "squall-workloads",
            "squall-external",
            "squall-aws",
            "squall-version",
        ],
    ),
    (
        "squall-cli",
        &[
            "squall-core",
            "squall-grid",
            "squall-capacity",
            "squall-workloads",
            "squall-external",
            "squall-lambda-host",
            "squall-local",
            "squall-sim",
            "squall-aws",
            "squall-version",
        ],
    ),
    ("squall-version", &[]),
];

/// What decisions, steps and workloads must not depend on: runtimes, vendors, clocks, randomness.
const NEVER: &[(&str, &[&str])] = &[
    ("squall-ports", &["tokio", "futures", "async", "aws", "rand", "chrono", "time", "reqwest", "hyper"]),
    ("squall-core", &["tokio", "futures", "async", "aws", "rand", "chrono", "time", "reqwest", "hyper"]),
    ("squall-grid", &["tokio", "aws", "rand", "chrono", "time", "reqwest", "hyper"]),
    ("squall-capacity", &["tokio", "aws", "rand", "time", "reqwest", "hyper"]),
    ("squall-workloads", &["tokio", "futures", "async", "aws", "rand", "reqwest", "hyper"]),
    ("squall-sim-time", &["tokio", "aws", "rand", "chrono", "time", "reqwest", "hyper"]),
];

/// The crates that may name the vendor.
const MAY_NAME_SDKS: &[&str] = &["squall-aws"];

/// Words that the sources of the pure crates must not contain. Clippy's `disallowed_methods` sees calls; this sees
/// everything else.
const UNSPOKEN: &[(&str, &[&str])] = &[
    (
        "squall-ports",
        &["std::time", "std::env", "std::fs", "std::net", "std::process", "std::thread", "println!"],
    ),
    (
        "squall-core",
        &["std::time", "std::env", "std::fs", "std::net", "std::process", "std::thread", "println!"],
    ),
    ("squall-grid", &["std::time", "std::env", "std::fs", "std::net", "std::process", "println!"]),
    ("squall-capacity", &["std::time", "std::env", "std::fs", "std::net", "std::process", "println!"]),
    ("squall-workloads", &["std::time", "std::env", "std::fs", "std::net", "std::process", "println!"]),
    ("squall-sim-time", &["std::time", "std::env", "std::fs", "std::net", "std::process", "println!"]),
    ("squall-sim", &["std::time", "std::env", "std::fs", "std::net", "std::process", "println!"]),
];

/// Longest file, tests included.
const MOST_LINES: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn crates() -> Vec<(String, PathBuf)> {
    let mut crates: Vec<_> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    crates.sort();
    crates
}

fn manifest(path: &Path) -> toml::Table {
    fs::read_to_string(path.join("Cargo.toml")).unwrap().parse().unwrap()
}

fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    section(manifest, "dependencies")
}

fn section(manifest: &toml::Table, section: &str) -> BTreeSet<String> {
    manifest
        .get(section)
        .and_then(toml::Value::as_table)
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default()
}

fn files(directory: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !name.starts_with('.') && !matches!(name, "target" | "node_modules") {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(directory, "rs", &mut found);
    found.sort();
    found
}

#[test]
fn every_crate_is_in_the_table_and_named_like_its_folder() {
    let known: BTreeSet<_> = MAY_IMPORT.iter().map(|(name, _)| (*name).to_owned()).collect();
    let found: BTreeSet<_> = crates().into_iter().map(|(name, _)| name).collect();
    assert_eq!(found, known);
    for (name, path) in crates() {
        assert_eq!(manifest(&path)["package"]["name"].as_str(), Some(name.as_str()));
    }
}

#[test]
fn crates_import_only_whom_they_may() {
    for (name, path) in crates() {
        let (_, allowed) = MAY_IMPORT.iter().find(|(it, _)| *it == name).unwrap();
        for dependency in dependencies(&manifest(&path)) {
            if dependency.starts_with("squall") {
                assert!(allowed.contains(&dependency.as_str()), "{name} must not import {dependency}");
            }
        }
    }
}

#[test]
fn no_two_crates_need_each_other_even_for_their_tests() {
    let mut needs: BTreeMap<String, BTreeSet<String>> = crates()
        .into_iter()
        .map(|(name, path)| {
            let manifest = manifest(&path);
            let mut all = section(&manifest, "dependencies");
            all.append(&mut section(&manifest, "dev-dependencies"));
            all.retain(|it| it.starts_with("squall"));
            (name, all)
        })
        .collect();
    // Remove the lowest layer until no crate is left.
    while !needs.is_empty() {
        let left: BTreeSet<String> = needs.keys().cloned().collect();
        needs.retain(|_, needed| !needed.is_disjoint(&left));
        assert!(needs.len() < left.len(), "a circle among {needs:?}");
    }
}

#[test]
fn pure_crates_have_no_runtime_vendor_clock_or_randomness() {
    for (name, path) in crates() {
        let Some((_, never)) = NEVER.iter().find(|(it, _)| *it == name) else { continue };
        for dependency in dependencies(&manifest(&path)) {
            let bad = never.iter().any(|it| dependency == *it || dependency.starts_with(&format!("{it}-")));
            // Dates without a clock: the `clock` and `now` features are off.
            let dates = name == "squall-workloads" && dependency == "chrono";
            assert!(!bad || dates, "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn the_vendors_types_stay_in_one_crate() {
    for (name, path) in crates() {
        for dependency in dependencies(&manifest(&path)) {
            let is_sdk = ["aws-sdk-", "aws-config", "aws-smithy-", "aws-types", "aws-credential-"]
                .iter()
                .any(|it| dependency.starts_with(it));
            assert!(
                !is_sdk || MAY_NAME_SDKS.contains(&name.as_str()),
                "{name} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn dates_come_without_a_clock() {
    let workspace: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let chrono = &workspace["workspace"]["dependencies"]["chrono"];
    assert_eq!(chrono["default-features"].as_bool(), Some(false));
    let features: Vec<_> =
        chrono["features"].as_array().unwrap().iter().filter_map(|it| it.as_str()).collect();
    assert!(!features.iter().any(|it| matches!(*it, "clock" | "now")), "{features:?}");
}

#[test]
fn pure_crates_do_not_speak_of_the_world() {
    for (name, path) in crates() {
        let Some((_, unspoken)) = UNSPOKEN.iter().find(|(it, _)| *it == name) else { continue };
        for file in sources(&path.join("src")) {
            let in_tests = file.file_stem().is_some_and(|stem| stem == "tests");
            let text = fs::read_to_string(&file).unwrap();
            for words in unspoken.iter().filter(|_| !in_tests) {
                // `std::thread` divides a worker's slice over its vCPUs: that is squall-grid's own concern.
                assert!(!text.contains(words), "{} says {words}", file.display());
            }
        }
    }
}

/// One file writes to terminals, and escapes what they would obey.
#[test]
fn only_one_file_writes_to_a_terminal() {
    const WRITES: [&str; 6] =
        ["stdout().lock", "stderr().lock", "println!", "print!(", "write!(stdout", "write_all(stderr"];
    for source in sources(&root().join("crates/squall-cli")) {
        let text = fs::read_to_string(&source).unwrap();
        let wrote = WRITES.iter().find(|it| text.contains(**it));
        assert!(source.ends_with("src/print.rs") || wrote.is_none(), "{}: {wrote:?}", source.display());
    }
}

#[test]
fn files_are_short() {
    for file in sources(&root()) {
        let n_lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(n_lines <= MOST_LINES, "{} has {n_lines} lines", file.display());
    }
}

#[test]
fn nothing_is_called_utils() {
    for file in sources(&root()) {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let vague = ["utils", "util", "common", "helpers", "manager", "service", "misc"];
        assert!(!vague.contains(&stem), "{} says nothing", file.display());
    }
}

#[test]
fn every_dependency_is_the_workspaces() {
    for (name, path) in crates() {
        let manifest = manifest(&path);
        for section in ["dependencies", "dev-dependencies"] {
            let Some(table) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
            for (dependency, value) in table {
                assert_eq!(
                    value.get("workspace").and_then(toml::Value::as_bool),
                    Some(true),
                    "{name}: {dependency}"
                );
            }
        }
    }
}

#[test]
fn deploying_code_with_cargo_lambda_changes_code_alone() {
    // It applies what it finds in these to the function: memory, timeouts, variables. They belong to `infra/`.
    let has = |manifest: &toml::Table, owner: &str| {
        manifest.get(owner).and_then(|it| it.get("metadata")).is_some_and(|it| it.get("lambda").is_some())
    };
    assert!(!has(&manifest(&root()), "workspace"));
    for (name, path) in crates() {
        assert!(!has(&manifest(&path), "package"), "{name}");
        assert!(!path.join("CargoLambda.toml").exists(), "{name}");
    }
    assert!(!root().join("CargoLambda.toml").exists());
}

#[test]
fn the_toolchain_and_the_version_are_stated_once() {
    let members = crates().into_iter().map(|(_, path)| path).chain([root().join("tests")]);
    for path in members {
        let manifest = manifest(&path);
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            let inherited = manifest["package"].get(key).and_then(|it| it.get("workspace"));
            assert_eq!(inherited.and_then(toml::Value::as_bool), Some(true), "{}: {key}", path.display());
        }
        // `clippy::incompatible_msrv` takes the oldest compiler from here.
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{}", path.display());
    }
    assert!(!fs::read_to_string(root().join("clippy.toml")).unwrap().contains("msrv"));
}

#[test]
fn the_readme_names_the_oldest_compiler() {
    let rust_version = manifest(&root())["workspace"]["package"]["rust-version"].as_str().unwrap().to_owned();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&format!("stable Rust ({rust_version} or later)")), "README.md: {rust_version}");
}

#[test]
fn wheels_are_installed_by_hash() {
    let mut texts = Vec::new();
    files(&root(), "txt", &mut texts);
    let requirements: Vec<_> = texts.iter().filter(|path| path.ends_with("requirements.txt")).collect();
    assert!(requirements.len() >= 3, "{requirements:?}");
    for path in requirements {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.lines().any(|line| line == "--require-hashes"), "{}", path.display());
    }
}
