//! The operator's commands without a grid to talk to: their message, one sentence, and their exit status.

use std::net::TcpListener;
use std::process::{Command, Output};

use crate::binaries::binary;
use crate::cli::{Scratch, stderr, stdout};

/// The command line as a new user sees it, with no AWS configuration at all and no metadata service.
fn newcomer(directory: &Scratch) -> Command {
    let mut command = Command::new(binary("squall"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("AWS_") || name.starts_with("SQUALL_") {
            command.env_remove(name);
        }
    }
    command.current_dir(&directory.0).env("HOME", &directory.0).env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

const NAMES: [(&str, &str); 5] = [
    ("SQUALL_JOBS_TOPIC", "arn:aws:sns:us-east-1:000000000000:jobs"),
    ("SQUALL_EVENTS_TOPIC", "arn:aws:sns:us-east-1:000000000000:job-events"),
    ("SQUALL_TABLE", "squall"),
    ("SQUALL_BUCKET", "squall-bucket"),
    ("SQUALL_TASK_STREAM", "tasks"),
];
const REGION: (&str, &str) = ("AWS_REGION", "us-east-1");
const CREDENTIALS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];
const NOTHING_LISTENS: (&str, &str) = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");

const JOB: &str = r#"{"workload":"probe","input":{"units":100}}"#;

/// Every command that talks to a deployment.
const COMMANDS: [&[&str]; 7] = [
    &["submit", "job.json"],
    &["watch", "some-job"],
    &["jobs"],
    &["result", "some-job"],
    &["missing", "some-job"],
    &["retry", "some-job"],
    &["cancel", "some-job"],
];

/// One sentence on stderr, nothing on stdout.
fn sentence(output: &Output) -> String {
    let text = stderr(output);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with("error: "), "{text}");
    assert_eq!(stdout(output), "", "{text}");
    text
}

fn check(name: &str, variables: &[(&str, &str)], expected: &str, status: i32) {
    let directory = Scratch::new(name);
    directory.write("job.json", JOB);
    for args in COMMANDS {
        let output = newcomer(&directory).args(args).envs(variables.iter().copied()).output().unwrap();
        let text = sentence(&output);
        assert!(text.contains(expected), "{args:?}: {text}");
        assert_eq!(output.status.code(), Some(status), "{args:?}: {text}");
    }
}

#[test]
fn without_a_deployment_it_is_said_how_to_name_one() {
    check(
        "operator-nowhere",
        &[],
        "give --stack NAME, set the variables SQUALL_TABLE, SQUALL_BUCKET, SQUALL_JOBS_TOPIC, or write a squall.toml",
        2,
    );
}

#[test]
fn without_a_region_it_is_said_how_to_set_one() {
    let variables = [&NAMES[..], &CREDENTIALS].concat();
    check("operator-no-region", &variables, "no AWS region set: give --region, set AWS_REGION", 2);
    check(
        "operator-no-region-stack",
        &[("SQUALL_STACK", "mine")],
        "no AWS region set: give --region, set AWS_REGION",
        2,
    );
}

#[test]
fn without_credentials_it_is_said_how_to_get_some() {
    check("operator-no-credentials", &[&NAMES[..], &[REGION]].concat(), "no AWS credentials were found", 2);
}

#[test]
fn an_emulator_that_is_down_is_named_by_its_address() {
    let variables = [&NAMES[..], &CREDENTIALS, &[REGION, NOTHING_LISTENS]].concat();
    check("operator-down", &variables, "nothing answers at http://127.0.0.1:1", 1);
    let variables = [&[("SQUALL_STACK", "mine"), REGION, NOTHING_LISTENS], &CREDENTIALS[..]].concat();
    check("operator-down-stack", &variables, "nothing answers at http://127.0.0.1:1", 1);
}

#[test]
fn a_single_name_that_is_missing_is_asked_for_where_the_others_are() {
    let needed: [(&str, &[&str]); 7] = [
        ("SQUALL_JOBS_TOPIC", COMMANDS[0]),
        // Before anything is published, and before any call.
        ("SQUALL_TABLE", &["submit", "job.json", "--watch"]),
        ("SQUALL_BUCKET", &["submit", "job.json", "--watch"]),
        ("SQUALL_TABLE", COMMANDS[1]),
        ("SQUALL_BUCKET", COMMANDS[3]),
        ("SQUALL_TASK_STREAM", COMMANDS[5]),
        ("SQUALL_EVENTS_TOPIC", COMMANDS[6]),
    ];
    let directory = Scratch::new("operator-one-missing");
    directory.write("job.json", JOB);
    for (missing, args) in needed {
        let others = NAMES.iter().copied().filter(|(name, _)| *name != missing);
        let output = newcomer(&directory).args(args).envs(others).envs([REGION]).output().unwrap();
        let text = sentence(&output);
        assert!(text.contains(&format!("{missing} is not set, but other SQUALL_* variables are")), "{text}");
        assert_eq!(output.status.code(), Some(2));

        // The same in a file.
        let key = missing.trim_start_matches("SQUALL_").to_lowercase();
        let lines = NAMES.iter().filter(|(name, _)| *name != missing).map(|(name, value)| {
            format!("{} = \"{value}\"\n", name.trim_start_matches("SQUALL_").to_lowercase())
        });
        directory.write("other.toml", &lines.collect::<String>());
        let args = [args, &["--config", "other.toml"]].concat();
        let output = newcomer(&directory).args(args).envs([REGION]).output().unwrap();
        let text = sentence(&output);
        assert!(text.contains(&format!("other.toml: `{key}` is missing")), "{text}");
    }
}

#[test]
fn a_topic_is_asked_for_by_its_arn() {
    let directory = Scratch::new("operator-arn");
    directory.write("job.json", JOB);
    let variables = [&NAMES[1..], &[REGION, ("SQUALL_JOBS_TOPIC", "jobs")]].concat();
    let output = newcomer(&directory).args(COMMANDS[0]).envs(variables).output().unwrap();
    assert!(sentence(&output).contains("SQUALL_JOBS_TOPIC: `jobs`; expected the topic's ARN"));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_file_that_says_something_unknown_is_refused_with_its_line() {
    let directory = Scratch::new("operator-toml");
    directory.write("squall.toml", "region = \"us-east-1\"\ntabel = \"squall\"\n");
    std::fs::create_dir_all(directory.0.join("deep/er")).unwrap();
    // It is found from a subdirectory.
    let output = newcomer(&directory).arg("jobs").current_dir(directory.0.join("deep/er")).output().unwrap();
    let text = sentence(&output);
    assert!(text.contains("squall.toml: line 2: unknown field `tabel`, expected one of"), "{text}");
    assert_eq!(output.status.code(), Some(2));
    let output = newcomer(&directory).args(["jobs", "--config", "nowhere.toml"]).output().unwrap();
    assert!(sentence(&output).contains("cannot read nowhere.toml"));
}

#[test]
fn a_job_that_does_not_check_is_refused_before_anything_is_sent() {
    let directory = Scratch::new("operator-refused");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    directory.write("market.json", "{}");
    for (job, expected) in [
        (r#"{"workload":"probe","input":{"units":0}}"#, "input.units: 0; expected 1 to"),
        (r#"{"workload":"prob","input":{}}"#, "workload: `prob` is not a workload here"),
        (r#"{"workload":"probe","input":{"units":1},"deadline":5}"#, "deadline: unknown field `deadline`"),
        (
            r#"{"workload":"portfolio","input":{"positions":"book.csv","market":"market.json",
                "scenarios":{"type":"explicit","csv":"spot:SPX\n-0.1\n"}}}"#,
            "input, file \"book.csv\": cannot read book.csv",
        ),
    ] {
        directory.write("job.json", job);
        let output = newcomer(&directory)
            .args(["submit", "job.json"])
            .envs(NAMES)
            .envs(CREDENTIALS)
            .envs([REGION, ("AWS_ENDPOINT_URL", &url)])
            .output()
            .unwrap();
        let text = sentence(&output);
        assert!(text.contains(expected), "{text}");
        assert_eq!(output.status.code(), Some(2), "{text}");
    }
    let no_connection = listener.accept().unwrap_err();
    assert_eq!(no_connection.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn every_command_teaches_and_what_makes_no_sense_is_2() {
    let directory = Scratch::new("operator-usage");
    for args in COMMANDS {
        let help = newcomer(&directory).args([args[0], "--help"]).output().unwrap();
        assert_eq!(help.status.code(), Some(0));
        for words in ["Examples:", "--stack", "SQUALL_TABLE", "squall.toml"] {
            assert!(stdout(&help).contains(words), "{args:?}: {words}");
        }
    }
    for args in [
        &["watch", "no/such id"][..],
        &["submit", "job.json", "--json"],
        &["submit", "job.json", "--id", "a b"],
        &["retry", "job", "--report", "file.json"],
        &["retry", "job", "--max-cost-usd", "0"],
        &["retry", "job", "--deadline-s", "0"],
        &["jobs", "--status", "done"],
        &["jobs", "--stack", "a", "--config", "b"],
        &["pump"],
        &["pump", "--stack", "a", "--config", "b"],
    ] {
        let output = newcomer(&directory).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
    let help = stdout(&newcomer(&directory).arg("--help").output().unwrap());
    let (here, on_aws) = help.split_once("On AWS:").unwrap();
    for args in COMMANDS {
        assert!(on_aws.contains(&format!("\n  {}", args[0])) && !here.contains(&format!("\n  {}", args[0])));
    }
    assert!(here.contains("\n  run") && here.contains("\n  check"));
}
