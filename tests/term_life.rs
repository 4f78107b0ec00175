//! The term life projection: its own `squall`, its sample, and its functions in the emulator.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::binaries::{binary, root};
use crate::deployed::{Dev, without_run};
use crate::own_workload::link_functions;

/// A sample of so many points and drawn scenarios in a folder of its own.
fn sample(name: &str, n_points: u32, n_scenarios: u32) -> PathBuf {
    let folder = root().join("target/tests").join(format!("term-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    let numbers = [n_points, n_scenarios, 5].map(|it| it.to_string());
    let made = Command::new(binary("term-sample")).arg(&folder).args(&numbers).status().unwrap();
    assert!(made.success());
    folder
}

fn run(job: &Path, args: &[&str]) -> Output {
    Command::new(binary("term-squall"))
        .arg("run")
        .arg(job)
        .args(["--json", "--quiet"])
        .args(args)
        .output()
        .unwrap()
}

/// The same job with another cut.
fn cut(folder: &Path, tasks: u32, subtasks_per_task: u32) -> PathBuf {
    let mut job: Value = serde_json::from_slice(&std::fs::read(folder.join("job.json")).unwrap()).unwrap();
    job["sizing"] = serde_json::json!({ "tasks": tasks, "subtasks_per_task": subtasks_per_task });
    let path = folder.join(format!("job-{tasks}.json"));
    std::fs::write(&path, job.to_string()).unwrap();
    path
}

#[test]
fn its_sample_has_one_answer_however_it_is_cut() {
    let folder = sample("run", 3_000, 40);
    let rows = folder.join("rows.csv");
    let whole = run(&folder.join("job.json"), &["--csv", rows.to_str().unwrap()]);
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    for (tasks, subtasks_per_task) in [(1, 1), (7, 3), (40, 5)] {
        let again = run(&cut(&folder, tasks, subtasks_per_task), &[]);
        assert_eq!(without_run(&again.stdout), without_run(&whole.stdout), "{tasks} × {subtasks_per_task}");
    }
    let answer: Value = serde_json::from_slice(&whole.stdout).unwrap();
    let report = &answer["report"];
    assert_eq!((&report["points"], &report["total"]["points"]), (&3_000.into(), &3_000.into()));
    assert_eq!(report["scenarios"]["valued"], 45);
    // The base, five stresses and forty draws of three products, below a header.
    assert_eq!(std::fs::read_to_string(&rows).unwrap().lines().count(), 1 + 46 * 3);
}

#[test]
fn a_sample_is_a_function_of_its_seed() {
    let (one, other) = (sample("seed-1", 50, 2), sample("seed-2", 50, 2));
    for name in ["job.json", "points.csv", "mortality.csv", "curve.csv", "stresses.csv"] {
        assert_eq!(
            std::fs::read(one.join(name)).unwrap(),
            std::fs::read(other.join(name)).unwrap(),
            "{name}"
        );
    }
    let shipped = root().join("examples/term-life/sample");
    let again = root().join("target/tests/term-shipped");
    let numbers = ["200", "20", "1"];
    assert!(Command::new(binary("term-sample")).arg(&again).args(numbers).status().unwrap().success());
    for entry in std::fs::read_dir(&shipped).unwrap() {
        let name = entry.unwrap().file_name();
        assert_eq!(
            std::fs::read(again.join(&name)).unwrap(),
            std::fs::read(shipped.join(&name)).unwrap(),
            "{name:?}"
        );
    }
}

#[test]
fn a_wrong_book_is_refused_with_every_complaint() {
    let folder = sample("refused", 20, 0);
    let points = folder.join("points.csv");
    let text = std::fs::read_to_string(&points).unwrap();
    let wrong = text.replace("term-15,", "term-15,-");
    assert_ne!(wrong, text);
    std::fs::write(&points, wrong).unwrap();
    let output = run(&folder.join("job.json"), &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    let n_wrong = said.matches("(age_at_entry): \"-").count();
    assert_eq!(n_wrong, text.matches("term-15,").count(), "{said}");
}

/// Its functions' own binaries, and files that are uploaded.
#[test]
fn its_functions_give_the_answer_of_a_local_run_in_the_emulator() {
    let folder = sample("deployed", 2_000, 30);
    let functions = folder.join("functions");
    link_functions("term", &functions);
    let args = ["--port", "0", "--functions", functions.to_str().unwrap()];
    let Some(dev) = Dev::start_of("term-squall", "term", &args) else { return };
    let job = cut(&folder, 6, 4);
    let output = dev.squall(&["submit", job.to_str().unwrap(), "--watch", "--json", "--quiet"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(without_run(&output.stdout), without_run(&run(&job, &[]).stdout));
}
