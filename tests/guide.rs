//! `examples/GUIDE.md`, as a stranger follows it: its files are written and its commands are run, in a folder outside the checkout.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use crate::binaries::{binary, root};
use crate::emulator;

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
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let answers = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{answers}\n{said}");
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
