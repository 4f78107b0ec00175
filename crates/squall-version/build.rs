//! Finds the commit that is built, and passes it to the crate as `SQUALL_BUILT_FROM`.
//!
//! `SQUALL_COMMIT` overrides what git says, for builds without a checkout. Without either the commit is `unknown`.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SQUALL_COMMIT");
    let commit = match std::env::var_os("SQUALL_COMMIT") {
        Some(given) if !given.is_empty() => match given.to_str().and_then(abbreviated) {
            Some(commit) => commit,
            None => {
                println!(
                    "cargo::error=SQUALL_COMMIT is {given:?}; expected letters, digits, `.`, `_` and `-`"
                );
                return;
            }
        },
        _ => checked_out().unwrap_or_else(|| "unknown".to_owned()),
    };
    println!("cargo::rustc-env=SQUALL_BUILT_FROM={commit}");
}

/// A commit id as 12 digits, which is how git's answer comes; any other name as it is.
fn abbreviated(given: &str) -> Option<String> {
    let given = given.trim();
    let fits = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-');
    if given.is_empty() || !given.chars().all(fits) {
        return None;
    }
    let is_id = given.len() > 12 && given.chars().all(|it| it.is_ascii_hexdigit());
    Some(if is_id { given[..12].to_owned() } else { given.to_owned() })
}

/// The commit that is checked out, whether or not files were edited since. `None` where this crate is no part of the
/// repository that its folder lies in: sources that were unpacked or vendored inside another checkout.
fn checked_out() -> Option<String> {
    // A detached HEAD names no branch. The log of HEAD moves even where the branch's own file is packed away.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for file in ["HEAD", "logs/HEAD"].into_iter().chain(branch.as_deref()) {
        let Some(path) = git(&["rev-parse", "--git-path", file]) else { continue };
        // Cargo runs a script whose file is missing in every build.
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["ls-files", "--error-unmatch", "Cargo.toml"])?;
    git(&["rev-parse", "--short=12", "HEAD"])
}

/// What git prints in this crate's folder, or `None` where git is missing or fails.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
