//! The licences of all dependencies that are built in are allowed by `deny.toml`; and their audit fails for what it finds, not for what
//! cannot be looked up.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::binaries::root;

/// The functions' platforms. Cargo has downloaded only what this machine's platform and these need.
const DEPLOYED: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

fn allowed() -> BTreeSet<String> {
    let deny: toml::Table = fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap();
    let licences = deny["licenses"]["allow"].as_array().unwrap();
    licences.iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

fn packages(platform: &str) -> Vec<Value> {
    let output = Command::new(option_env!("CARGO").unwrap_or("cargo"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1", "--all-features"])
        .args(["--filter-platform", platform])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(metadata["packages"].take()).unwrap()
}

/// Evaluates an SPDX expression: returns the allowed licences that make up one choice, or `None` if no choice is
/// allowed. `/`, as in old manifests, is an `OR`.
fn choose(expression: &str, allowed: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words: Vec<&str> = spaced.split_whitespace().collect();
    words.reverse();
    let chosen = any_of(&mut words, allowed);
    assert!(words.is_empty(), "`{expression}` is no SPDX expression");
    chosen
}

fn any_of(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let mut chosen = all_of(words, allowed);
    while words.pop_if(|it| *it == "OR").is_some() {
        let other = all_of(words, allowed);
        chosen = chosen.or(other);
    }
    chosen
}

fn all_of(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let mut chosen = one(words, allowed);
    while words.pop_if(|it| *it == "AND").is_some() {
        let other = one(words, allowed);
        chosen = chosen.zip(other).map(|(some, others)| some.union(&others).cloned().collect());
    }
    chosen
}

fn one(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let word = words.pop().unwrap();
    if word == "(" {
        let chosen = any_of(words, allowed);
        assert_eq!(words.pop(), Some(")"));
        return chosen;
    }
    let mut licence = word.to_owned();
    if words.pop_if(|it| *it == "WITH").is_some() {
        licence = format!("{licence} WITH {}", words.pop().unwrap());
    }
    allowed.contains(&licence).then(|| BTreeSet::from([licence]))
}

#[test]
fn every_dependency_has_a_licence_that_is_allowed() {
    let allowed = allowed();
    let mut used = BTreeSet::new();
    for platform in DEPLOYED {
        for package in packages(platform) {
            let (name, licence) = (&package["name"], package["license"].as_str());
            let licence = licence.unwrap_or_else(|| panic!("{name} names no licence"));
            let chosen = choose(licence, &allowed);
            used.extend(chosen.unwrap_or_else(|| panic!("{name} is under {licence}: see deny.toml")));
        }
    }
    assert_eq!(used, allowed, "deny.toml allows more than is needed");
}

#[test]
fn every_dependency_is_from_crates_io() {
    for package in packages(DEPLOYED[0]) {
        let crates_io = "registry+https://github.com/rust-lang/crates.io-index";
        let source = package["source"].as_str();
        assert!(source.is_none_or(|it| it == crates_io), "{}: {source:?}", package["name"]);
    }
}

#[test]
fn expressions_are_evaluated_with_and_before_or() {
    let allowed: BTreeSet<_> = ["MIT", "ISC"].map(str::to_owned).into();
    let choice = |expression: &str| {
        choose(expression, &allowed).map(|it| it.into_iter().collect::<Vec<_>>().join(" + "))
    };
    assert_eq!(choice("MIT OR LGPL-2.1-or-later").as_deref(), Some("MIT"));
    assert_eq!(choice("Unlicense/MIT").as_deref(), Some("MIT"));
    assert_eq!(choice("GPL-3.0 AND MIT OR ISC").as_deref(), Some("ISC"));
    assert_eq!(choice("ISC AND (GPL-3.0 OR MIT)").as_deref(), Some("ISC + MIT"));
    assert_eq!(choice("MIT AND GPL-3.0"), None);
    assert_eq!(choice("MIT WITH LLVM-exception"), None);
}

/// What the audit says and ends with, when this is what its tools answer and end with.
fn audit(name: &str, answers: &[(&str, &str)]) -> (Option<i32>, String) {
    use std::os::unix::fs::PermissionsExt;

    let tools = root().join("target/tests").join(format!("audit-{name}"));
    let _ = fs::remove_dir_all(&tools);
    fs::create_dir_all(&tools).unwrap();
    for (tool, script) in answers {
        let path = tools.join(tool);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:/usr/bin:/bin", tools.display());
    let output =
        Command::new("/bin/sh").arg(root().join("tests/audit.sh")).env("PATH", path).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn an_audit_fails_for_a_fault_and_names_what_it_cannot_look_up() {
    let unable = "echo '{\"message\": \"405 Method Not Allowed\"}'; exit 1";
    let (code, said) = audit("unable", &[("cargo-deny", unable), ("npm", unable), ("pip-audit", unable)]);
    assert_eq!(code, Some(0), "{said}");
    let skipped: Vec<_> = said.lines().filter(|line| line.starts_with("not audited: ")).collect();
    assert_eq!(skipped.len(), 5, "{said}");

    let fine = [("cargo-deny", "exit 0"), ("npm", "exit 0"), ("pip-audit", "exit 0")];
    assert_eq!(audit("fine", &fine), (Some(0), String::new()));
    let faults = [
        ("cargo-deny", "case \"$*\" in *fetch\\ db*) exit 0 ;; *) echo RUSTSEC-2024-0001; exit 1 ;; esac"),
        ("npm", "echo '{\"auditReportVersion\": 2}'; exit 1"),
        ("pip-audit", "echo '{\"dependencies\": [{\"vulns\": [{}]}]}'; exit 1"),
    ];
    for (n, fault) in faults.iter().enumerate() {
        let mut tools = fine;
        tools[n] = *fault;
        let (code, said) = audit("faulty", &tools);
        assert_eq!(code, Some(1), "{}: {said}", fault.0);
    }
}
