//! `squall capacity explain` and `doctor`, on files.

use std::path::PathBuf;
use std::process::Command;

use expect_test::expect;
use serde_json::{Value, json};
use squall_capacity::claims::InstanceRow;
use squall_capacity::events::Activity;
use squall_capacity::group::{Group, Instance, Lifecycle};
use squall_capacity::ids::InstanceId;
use squall_capacity::journal::{Decision, Line, Outcome};
use squall_capacity::levels::Levels;
use squall_capacity::policy::Policy;
use squall_capacity::scale_in::{ScaleInObservation, plan_tick};
use squall_capacity::scale_out::ScaleOutObservation;

use crate::binaries::{binary, root};

const POLICY: &str = r#"{"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}}"#;
const NOW_US: u64 = 1_795_342_500_000_000;

fn id(n: u32) -> InstanceId {
    InstanceId::new(format!("i-{n}")).unwrap()
}

/// Three instances that have been idle for an hour, and one queued run.
fn line() -> Line {
    let instance = |n| Instance { id: id(n), lifecycle: Lifecycle::InService, is_protected: true };
    let group = Group {
        name: "modelling".to_owned(),
        min: 0,
        max: 9,
        desired: 3,
        instances: (0..3).map(instance).collect(),
        cooling_until_us: 0,
    };
    let event = r#"{"version": 1, "type": "run_activity", "source": "scheduler", "time": "2026-11-22T10:00:00Z",
        "queued_runs": 1, "running_runs": 0}"#;
    let mut levels = Levels::default();
    levels.record(&Activity::from_json(event, NOW_US).unwrap());
    let instances = (0..3).map(|n| InstanceRow::new(id(n), NOW_US - 3_600_000_000)).collect();
    let now = ScaleOutObservation { now_us: NOW_US, group, levels, instances };
    let seen = ScaleInObservation { now, most_sessions: None, most_runs: None };
    let policy = Policy::from_json(POLICY).unwrap();
    let decision = Decision::ScaleIn { decision: plan_tick(&policy, &seen), seen };
    Line { decision, policy, outcome: Outcome::default() }
}

fn written(name: &str, text: &str) -> PathBuf {
    let folder = root().join("target/tests/capacity");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// The exit status, stdout and stderr, without the folder.
fn squall(args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(binary("squall")).arg("capacity").args(args).output().unwrap();
    let folder = format!("{}/", root().join("target/tests/capacity").display());
    let text = |bytes| String::from_utf8(bytes).unwrap().replace(&folder, "");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

const EXPLAINED: &str = "\
2026-11-22T10:15:00Z scale-in of modelling: 0 to 9, desired 3, live 3
  1 run needs 1, 0 sessions need 0; desired is 3: enough
  at most 1 runs and 0 sessions in the window need 1 of 3: draining 2: i-0, i-1
  drained, then terminated: i-0, i-1
";

#[test]
fn a_journal_is_replayed_and_a_decision_that_differs_is_reported() {
    let line = line().to_json();
    let journal = written("journal.jsonl", &format!("INIT_START\n{line}\n{{\"level\":\"INFO\"}}\n{line}\n"));
    let (status, out, err) = squall(&["explain", journal.to_str().unwrap()]);
    assert_eq!((status, out.as_str()), (Some(0), EXPLAINED.repeat(2).as_str()), "{err}");
    assert_eq!(err, "2 decisions replayed, 0 differ\n");

    let otherwise = line.replace(r#""drain":["i-0","i-1"]"#, r#""drain":["i-0"]"#);
    assert_ne!(otherwise, line);
    let journal = written("otherwise.jsonl", &otherwise);
    let (status, _, err) = squall(&["explain", journal.to_str().unwrap()]);
    assert_eq!(status, Some(1));
    assert!(err.starts_with("line 1: the recorded decision differs:\n{"), "{err}");
    assert!(err.ends_with("1 decision replayed, 1 differ\n"), "{err}");
}

#[test]
fn what_if_is_answered_and_what_does_not_read_is_named() {
    let line: Value = serde_json::from_str(&line().to_json()).unwrap();
    let what_if = json!({"policy": line["policy"], "seen": line["seen"]});
    let file = written("seen.json", &serde_json::to_string_pretty(&what_if).unwrap());
    assert_eq!(squall(&["explain", file.to_str().unwrap()]), (Some(0), EXPLAINED.to_owned(), String::new()));

    let mut unfit = what_if.clone();
    unfit["policy"]["window_s"] = json!(5);
    let said = |name: &str, text: &str| squall(&["explain", written(name, text).to_str().unwrap()]).2;
    let table = [
        said("unfit.json", &unfit.to_string()),
        said("half.json", r#"{"policy": {}}"#),
        said("cut.jsonl", r#"{"controller":"scale-in","#),
        said("empty.jsonl", ""),
        squall(&["explain", "no-such-file"]).2,
    ];
    expect![[r#"
        error: policy: window_s: 5, expected 60 to 31536000 seconds
        error: half.json: expected {"policy": …, "seen": …}: missing field `seen`
        error: cut.jsonl: line 1 is not a complete decision: EOF while parsing a value at line 1 column 25
        error: empty.jsonl: no line is a decision, {"controller": …}
        error: cannot read no-such-file: No such file or directory (os error 2)
    "#]]
    .assert_eq(&table.concat());
}

#[test]
fn a_group_that_breaks_a_promise_is_reported() {
    let settings = json!({
        "name": "modelling", "min": 0, "max": 9, "desired": 3, "new_instances_protected": false, "n_unprotected": 0,
        "suspended_processes": [], "scaling_policies": [], "scheduled_actions": [], "default_cooldown_s": 300,
        "enabled_metrics": ["GroupDesiredCapacity"], "zones": ["a"], "has_launch_template": true, "is_mixed": false,
        "has_warm_pool": false, "max_instance_lifetime_s": null, "has_elb_health_checks": false,
    });
    let policy = written("policy.json", POLICY);
    let doctor = |settings: &Value, args: &[&str]| {
        let file = written("group.json", &json!({ "settings": settings }).to_string());
        let files = ["doctor", "--policy", policy.to_str().unwrap(), "--settings", file.to_str().unwrap()];
        squall(&[&files[..], args].concat())
    };
    let (status, out, err) = doctor(&settings, &[]);
    assert_eq!((status, err.as_str()), (Some(1), ""));
    assert!(out.contains("error    new instances are not protected from scale-in\n"), "{out}");
    let (status, out, _) = doctor(&settings, &["--json"]);
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &found["findings"][0]["severity"]), (Some(1), &json!("broken")));

    let mut sound = settings;
    sound["new_instances_protected"] = json!(true);
    let expected = "modelling: 0 to 9, desired 3\n  nothing to fix\n";
    assert_eq!(doctor(&sound, &[]), (Some(0), expected.to_owned(), String::new()));
}
