//! `examples/GUIDE.md`, as a stranger follows it: its files are written and its commands are run, in a folder outside the checkout.
#![expect(clippy::disallowed_methods, reason = "a script takes its time, and may take too much")]

use std::fmt::Write;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::binaries::{binary, root};
use crate::emulator;

/// Far longer than the guide takes on a busy machine; nearly all of it is the build.
const PATIENCE: Duration = Duration::from_secs(900);

/// How a command ended and what it said, to stdout and to stderr. It has a process group of its own, killed when it takes too long.
struct Ended {
    /// `None` if it was killed.
    status: Option<ExitStatus>,
    answers: String,
    said: String,
}

impl Ended {
    /// Runs a command to its end. What it says goes to files in `folder`: a process that outlives it would hold a pipe open.
    fn of(command: &mut Command, folder: &Path, patience: Duration) -> Self {
        let (answers, said) = (folder.join("answers.log"), folder.join("said.log"));
        command.stdout(File::create(&answers).unwrap()).stderr(File::create(&said).unwrap());
        let mut process = command.process_group(0).spawn().unwrap();
        let started = Instant::now();
        let status = loop {
            if let Some(status) = process.try_wait().unwrap() {
                break Some(status);
            }
            if started.elapsed() > patience {
                let group = format!("-{}", process.id());
                assert!(Command::new("kill").args(["-KILL", "--", &group]).status().unwrap().success());
                process.wait().unwrap();
                break None;
            }
            sleep(Duration::from_millis(50));
        };
        let read = |path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        Self { status, answers: read(answers), said: read(said) }
    }
}

/// One shell script of a guide: fenced `sh` blocks as they are, and files that a fence names.
fn script(guide: &str, has_emulator: bool) -> String {
    let mut script = String::new();
    let (mut runs, mut fence) = (true, None);
    for line in guide.lines() {
        match (fence, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let name = info.split_once(' ').map(|(_, name)| name);
                if let Some(name) = name.filter(|_| runs) {
                    let _ = writeln!(script, "cat > {name} <<'END OF FILE'");
                }
                fence = Some((info == "sh", name));
            }
            (Some((_, name)), Some("")) => {
                if name.is_some() && runs {
                    script.push_str("END OF FILE\n");
                }
                fence = None;
            }
            (Some((is_sh, name)), _) if runs && (is_sh || name.is_some()) => {
                let _ = writeln!(script, "{line}");
            }
            (None, None) if line.starts_with("## ") => runs = has_emulator || !line.contains("emulator"),
            _ => {}
        }
    }
    script
}

/// Where the tests' binaries are built, and with them the crates that the stranger's needs.
fn build_folder() -> PathBuf {
    binary("squall").parent().unwrap().parent().unwrap().to_owned()
}

#[test]
fn the_guide_leads_from_cargo_new_to_the_same_answer_here_and_in_the_emulator() {
    let guide = std::fs::read_to_string(root().join("examples/GUIDE.md")).unwrap();
    let has_emulator = emulator::endpoint().is_some();
    // The same in every run, so that what is built there is not built again.
    let checkout = root().to_string_lossy().replace('/', "-");
    let folder = std::env::temp_dir().join(format!("squall-guide{checkout}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    // What is started must not outlive the script, whatever becomes of it.
    let script = format!("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{}", script(&guide, has_emulator));
    let mut command = Command::new("sh");
    command.args(["-euc", &script]).current_dir(&folder).env("SQUALL", root());
    // The crates of others are not built again; binaries of the same names must not replace ours.
    command.env("CARGO_BUILD_BUILD_DIR", build_folder()).env("CARGO_TARGET_DIR", folder.join("target"));
    command.env("CARGO_NET_OFFLINE", "true");
    let Ended { status, answers, said } = Ended::of(&mut command, &folder, PATIENCE);
    let status = status.unwrap_or_else(|| panic!("killed after {PATIENCE:?}:\n{answers}\n{said}"));
    assert!(status.success(), "{answers}\n{said}");
    let answers: Vec<_> = answers.lines().filter(|line| line.contains("contracts are worth")).collect();
    assert_eq!(answers.len(), 1 + usize::from(has_emulator), "{answers:?}\n{said}");
    assert!(answers.iter().all(|it| it.starts_with("1000000 contracts are worth ")), "{answers:?}");
    assert!(answers.iter().all(|it| it == &answers[0]), "{answers:?}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_guide_without_an_emulator_is_followed_up_to_it() {
    let guide = "```sh\na\n```\n## F\n```json f.json\n{}\n```\n```console\n$ never\n```\n## In the emulator\n```sh\nb\n```\n## On\n```sh\nc\n```\n";
    let file = "cat > f.json <<'END OF FILE'\n{}\nEND OF FILE\n";
    assert_eq!(script(guide, false), format!("a\n{file}c\n"));
    assert_eq!(script(guide, true), format!("a\n{file}b\nc\n"));
}

#[test]
fn a_guide_whose_deployment_fails_says_so_instead_of_waiting_for_it() {
    let guide = std::fs::read_to_string(root().join("examples/GUIDE.md")).unwrap();
    let waits = guide.lines().find(|line| line.starts_with("until ")).unwrap();
    let folder = std::env::temp_dir().join(format!("squall-guide-fails-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new("sh");
    command.args(["-euc", &format!("false &\n{waits}\n. .dev/env\n")]).current_dir(&folder);
    let ended = Ended::of(&mut command, &folder, PATIENCE);
    assert!(!ended.status.unwrap().success());
    assert!(ended.said.contains(".dev/env"), "{}", ended.said);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_takes_too_long_is_killed_with_all_that_it_started() {
    let folder = std::env::temp_dir().join(format!("squall-guide-hangs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut command = Command::new("sh");
    command.args(["-euc", "sleep 1000 & echo $!; wait"]);
    let ended = Ended::of(&mut command, &folder, Duration::from_secs(2));
    assert!(ended.status.is_none());
    // That of a process whose parent has not waited for it yet is empty.
    let left = format!("/proc/{}/cmdline", ended.answers.trim().parse::<u32>().unwrap());
    while !std::fs::read(&left).unwrap_or_default().is_empty() {
        sleep(Duration::from_millis(10));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
