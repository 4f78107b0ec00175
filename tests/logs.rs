//! Logs of every format, counted by other means: an independent script, `grep`, and what cannot be read.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use squall_aws::S3Blobs;

use crate::binaries::{binary, root};
use crate::cli::{Scratch, stderr, stdout};
use crate::deployed::Dev;
use crate::emulator::{provision_bucket, skipped, unique};

fn run_job(folder: &Path, job: &Value) -> Output {
    let path = folder.join("scan-job.json");
    std::fs::write(&path, job.to_string()).unwrap();
    Command::new(binary("squall")).arg("run").arg(path).args(["--json", "--quiet"]).output().unwrap()
}

fn scan(folder: &Path, input: &Value) -> Output {
    run_job(folder, &json!({ "workload": "logscan", "input": input }))
}

fn report(output: &Output) -> Value {
    let answer: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output)));
    answer["report"].clone()
}

/// Runs a script of `tests/logs`; nothing without Python.
fn script(args: &[&str]) -> Option<String> {
    let name = root().join("tests/logs").join(args.first()?);
    match Command::new("python3").arg(name).args(args.get(1..)?).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", stderr(&output));
            Some(stdout(&output))
        }
        Err(error) => {
            skipped(&format!("of log formats: python3 cannot be started: {error}"));
            None
        }
    }
}

/// What is looked for in every object, and by which capture hits are grouped in an object with this in its name; as in `count.py`.
const EVERYWHERE: [(&str, &str); 4] = [
    ("error", "ERROR"),
    ("server-error", r" 5\d\d "),
    ("access-denied", "AccessDenied"),
    ("reject", "REJECT"),
];
const BY_GROUP: [(&str, &str, &str, &str); 9] = [
    (
        "/CloudTrail/",
        "denied-by-principal",
        r#""arn":"(?P<principal>[^"]+)".*"errorCode":"AccessDenied""#,
        "principal",
    ),
    ("/elasticloadbalancing/", "status", r"(?:\d\.\d{3} ){3}(?P<status>\d{3}) ", "status"),
    ("/vpcflowlogs/", "rejected-by-interface", r"(?P<host>eni-[0-9a-f]+).* REJECT ", "host"),
    ("cloudfront/", "status", r"\t(?P<status>[1-5]\d\d)\t-\tMozilla", "status"),
    ("s3-access/", "status", r#"" (?P<status>\d{3}) "#, "status"),
    ("/WAFLogs/", "blocked-by-client", r#""action":"BLOCK".*"clientIp":"(?P<host>[^"]+)""#, "host"),
    ("syslog-3164", "errors-by-host", r"\d\d:\d\d:\d\d (?P<host>\S+) app\[\d+\]: ERROR", "host"),
    ("syslog-5424", "errors-by-host", r"^<\d+>1 \S+ (?P<host>\S+) .*ERROR", "host"),
    ("", "by-host", r"host=(?P<host>[a-z]+-\d+)", "host"),
];

/// The report's hits, in the form of `count.py`: by hour, then by group.
fn by_hour(signature: &Value) -> Value {
    let mut hours = serde_json::Map::new();
    let mut add = |hour: &str, group: &str, hits: u64| {
        if hits > 0 {
            let of_hour = hours.entry(hour).or_insert_with(|| json!({}));
            of_hour[group] = hits.into();
        }
    };
    match signature["groups"].as_array() {
        Some(groups) => {
            for group in groups {
                let name = group["group"].as_str().unwrap();
                add("unknown", name, group["without_time"].as_u64().unwrap());
                for bucket in group["buckets"].as_array().unwrap() {
                    add(bucket["from"].as_str().unwrap(), name, bucket["hits"].as_u64().unwrap());
                }
            }
        }
        None => {
            add("unknown", "", signature["without_time"].as_u64().unwrap());
            for bucket in signature["buckets"].as_array().unwrap() {
                add(bucket["from"].as_str().unwrap(), "", bucket["hits"].as_u64().unwrap());
            }
        }
    }
    Value::Object(hours)
}

#[test]
fn every_format_has_the_counts_of_an_independent_script() {
    let scratch = Scratch::new("log-formats");
    let samples = scratch.0.join("samples");
    let Some(_) = script(&["samples.py", samples.to_str().unwrap()]) else { return };
    let counted = |args: &[&str]| -> Value {
        let args: Vec<&str> = args.iter().copied().chain([samples.to_str().unwrap()]).collect();
        serde_json::from_str(&script(&args).unwrap()).unwrap()
    };
    // Lines without a time have that of the line before them; documents have their own or none.
    let (of_lines, of_json) = (counted(&["count.py", "--inherit"]), counted(&["count.py"]));
    let mut n_hits = 0;
    for (name, expected) in of_lines.as_object().unwrap() {
        let (_, grouped, regex, group) = BY_GROUP.iter().find(|(part, ..)| name.contains(part)).unwrap();
        let mut signatures: Vec<Value> =
            EVERYWHERE.iter().map(|(name, regex)| json!({ "name": name, "regex": regex })).collect();
        signatures.push(json!({ "name": grouped, "regex": regex, "group_by": group }));
        // What has no year is of the end of 2026, or of the beginning of 2027.
        let input = json!({
            "logs": [format!("samples/{name}")], "signatures": signatures,
            "from": "2026-11-30T00:00:00Z", "to": "2027-01-02T00:00:00Z",
        });
        let output = scan(&scratch.0, &input);
        if expected["bytes"] == 0 && !output.status.success() {
            assert!(stderr(&output).contains("there is nothing to search"), "{}", stderr(&output));
            continue;
        }
        let report = report(&output);
        let is_json = report["formats"].as_object().unwrap().keys().any(|it| it.starts_with("JSON"));
        let expected = if is_json { &of_json[name] } else { expected };
        assert_eq!(report["n_skipped"], 0, "{name}: {}", report["skipped"]);
        assert_eq!(report["read"]["records"], expected["records"], "records of {name}");
        assert_eq!(report["read"]["plain_bytes"], expected["bytes"], "bytes of {name}");
        for signature in report["signatures"].as_array().unwrap() {
            let label = signature["name"].as_str().unwrap();
            let wanted = expected["signatures"].get(label).cloned().unwrap_or_else(|| json!({}));
            assert_eq!(by_hour(signature), wanted, "{label} in {name}");
            n_hits += signature["hits"].as_u64().unwrap();
        }
    }
    assert!(n_hits > 1_000, "{n_hits}");
}

/// The sample is searched as `grep` searches it; so is it by `rg`, where there is one.
#[test]
fn counts_are_those_of_grep() {
    let scratch = Scratch::new("log-grep");
    let sample = scratch.0.join("sample");
    let args = ["sample", "logs", "--bytes", "3000000", sample.to_str().unwrap()];
    assert!(Command::new(binary("squall")).args(args).output().unwrap().status.success());
    let patterns = [
        "OutOfMemoryError",
        " ERROR ",
        "took [0-9]{4} ms",
        "web-0[0-3]",
        "^java",
        "closed the connection$",
        "id=[0-9a-f]+1$",
    ];
    let signatures: Vec<Value> = patterns.iter().map(|it| json!({ "name": it, "regex": it })).collect();
    let report =
        report(&scan(&scratch.0, &json!({ "logs": ["sample/app-000.log"], "signatures": signatures })));
    let file = sample.join("app-000.log");
    let mut n_compared = 0;
    for (program, args) in [("grep", vec!["-a", "-c", "-E"]), ("rg", vec!["-a", "-c", "-N"])] {
        for (idx, pattern) in patterns.iter().enumerate() {
            let Ok(output) = Command::new(program).args(&args).arg(pattern).arg(&file).output() else {
                skipped(&format!("against {program}, which is not there"));
                break;
            };
            let counted = stdout(&output).trim().parse().unwrap_or(0u64);
            assert_eq!(report["signatures"][idx]["hits"], counted, "{program} {pattern}");
            n_compared += u64::from(counted > 0);
        }
    }
    assert!(
        n_compared == 0 || n_compared >= patterns.len() as u64,
        "{n_compared} patterns are in the sample"
    );
}

#[test]
fn the_sample_has_what_was_put_into_it() {
    let scratch = Scratch::new("log-sample");
    let folder = scratch.0.to_str().unwrap();
    let written = Command::new(binary("squall"))
        .args(["sample", "logs", "--bytes", "4000000", folder])
        .output()
        .unwrap();
    assert!(written.status.success(), "{}", stderr(&written));
    let again = |bytes: &str| {
        Command::new(binary("squall")).args(["sample", "logs", "--bytes", bytes, folder]).output().unwrap()
    };
    std::fs::rename(scratch.0.join("job.json"), scratch.0.join("kept.json")).unwrap();
    // The largest is refused before any of it is made, whichever of its files is there.
    for there in ["app-000.log", "api.jsonl", "access.log.gz", "trail.json.gz"] {
        let refused = again("4000000000");
        assert_eq!(refused.status.code(), Some(2));
        assert!(
            stderr(&refused).contains(&format!("{there} already exists; --force replaces it")),
            "{}",
            stderr(&refused)
        );
        std::fs::rename(scratch.0.join(there), scratch.0.join(format!("{there}.kept"))).unwrap();
    }
    for name in ["app-000.log", "api.jsonl", "access.log.gz", "trail.json.gz"] {
        std::fs::rename(scratch.0.join(format!("{name}.kept")), scratch.0.join(name)).unwrap();
    }
    std::fs::rename(scratch.0.join("kept.json"), scratch.0.join("job.json")).unwrap();
    let run = |args: &[&str]| {
        Command::new(binary("squall"))
            .arg("run")
            .arg(scratch.0.join("job.json"))
            .arg("--quiet")
            .args(args)
            .output()
            .unwrap()
    };
    let text = stdout(&run(&[]));
    // All but the job, which is beside the logs.
    assert!(text.contains("searched 4 of 5 objects"), "{text}");
    assert!(text.contains("objects that no pattern of the job matches: 1\n"), "{text}");
    let report = report(&run(&["--json"]));
    assert!(
        report["signatures"].as_array().unwrap().iter().all(|it| it["hits"].as_u64() > Some(0)),
        "{text}"
    );
    assert_eq!(report["n_skipped"], 0);
    let csv = scratch.0.join("hits.csv");
    assert!(run(&["--csv", csv.to_str().unwrap()]).status.success());
    let rows = std::fs::read_to_string(csv).unwrap();
    let sum: u64 =
        rows.lines().skip(1).map(|row| row.rsplit(',').next().unwrap().parse::<u64>().unwrap()).sum();
    let hits: u64 =
        report["signatures"].as_array().unwrap().iter().map(|it| it["hits"].as_u64().unwrap()).sum();
    assert_eq!(sum, hits);
}

fn refused(folder: &Path, input: &Value) -> String {
    let output = scan(folder, input);
    assert!(!output.status.success(), "{}", stdout(&output));
    stderr(&output)
}

/// A pipe and a loop of folders, a pattern of any size, places with nothing in them and one outside of the job's folder.
#[test]
fn what_cannot_be_searched_is_left_out_or_refused() {
    let scratch = Scratch::new("log-hostile");
    let logs = scratch.0.join("logs");
    std::fs::create_dir_all(&logs).unwrap();
    std::fs::write(logs.join("a.log"), "2026-11-30T21:00:00Z ERROR one\n".repeat(100)).unwrap();
    let error = json!({ "name": "error", "literal": "ERROR" });
    let input = json!({ "logs": ["logs"], "signatures": [error] });
    // A pipe has no end; it is not listed.
    let pipe = Command::new("mkfifo").arg(logs.join("pipe")).status();
    let found = report(&scan(&scratch.0, &input));
    assert_eq!(
        (&found["read"]["objects"], &found["signatures"][0]["hits"]),
        (&json!(1), &json!(100)),
        "{pipe:?}"
    );
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(".", logs.join("loop")).unwrap();
        let said = refused(&scratch.0, &input);
        assert!(said.contains("it is a link to a folder; name that folder"), "{said}");
        std::fs::remove_file(logs.join("loop")).unwrap();
    }
    let unwanted = report(&scan(&scratch.0, &json!({ "logs": ["logs/none*"], "signatures": [error] })));
    assert_eq!((&unwanted["read"]["objects"], &unwanted["read"]["objects_unnamed"]), (&json!(0), &json!(1)));
    let said = refused(&scratch.0, &json!({ "logs": ["nowhere/x"], "signatures": [error] }));
    assert!(said.contains("input.logs: there is nothing to search: no object below nowhere/x"), "{said}");
    let hostile = json!({ "name": "hostile", "regex": "((x{1,1000}){1,1000}){1,1000}" });
    let said = refused(&scratch.0, &json!({ "logs": ["logs"], "signatures": [hostile] }));
    assert!(said.contains("input.signatures"), "{said}");
    let said = refused(&scratch.0, &json!({ "logs": ["/etc"], "signatures": [error] }));
    assert!(said.contains("is not below the job's folder"), "{said}");
}

/// One member of a single letter, many times: a megabyte becomes more than a gigabyte. What is beside it is searched.
#[test]
fn a_bomb_is_given_up_and_named() {
    let scratch = Scratch::new("log-bomb");
    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    member.write_all(&vec![b'a'; 16 << 20]).unwrap();
    scratch.write("a.log", "2026-11-30T21:00:00Z ERROR one\n");
    std::fs::write(scratch.0.join("bomb.log.gz"), member.finish().unwrap().repeat(66)).unwrap();
    scratch.write("c.log", "2026-11-30T21:00:00Z ERROR two\n");
    let error = json!({ "name": "error", "literal": "ERROR" });
    let output = scan(&scratch.0, &json!({ "logs": ["*.log*"], "signatures": [error] }));
    let report = report(&output);
    assert_eq!((&report["signatures"][0]["hits"], &report["n_skipped"]), (&json!(2), &json!(1)));
    let skipped = &report["skipped"][0];
    assert!(skipped["object"].as_str().unwrap().ends_with("bomb.log.gz"), "{skipped}");
    let reason = skipped["reason"].as_str().unwrap();
    assert!(reason.contains("becomes more than 200 times as large when it is unpacked"), "{reason}");
    assert!(skipped["searched_bytes"].as_u64() <= Some((1 << 30) + (1 << 20)), "{skipped}");
}

/// As `logscan.md` says: `.` stands for a character of UTF-8 that is no line feed, and there are forms for what it leaves out.
#[test]
fn a_dot_is_a_character_of_a_line_unless_it_is_told_otherwise() {
    let scratch = Scratch::new("log-dot");
    std::fs::write(scratch.0.join("latin.log"), b"\"errorCode\": caf\xe9 \"arn\"\n").unwrap();
    let pretty = "[\n  {\n    \"errorCode\": 1,\n    \"arn\": 2\n  },\n  {\n    \"arn\": 3\n  }\n]\n";
    scratch.write("pretty.json", pretty);
    let hits = |logs: &str| -> Vec<u64> {
        let signatures = json!([
            { "name": "dot", "regex": r#""errorCode".*"arn""# },
            { "name": "byte", "regex": r#""errorCode"(?-u:.)*"arn""# },
            { "name": "over lines", "regex": r#""errorCode"(?s:.)*"arn""# },
            { "name": "both", "all_of": [{ "literal": "\"errorCode\"" }, { "literal": "\"arn\"" }] },
        ]);
        let report = report(&scan(&scratch.0, &json!({ "logs": [logs], "signatures": signatures })));
        report["signatures"].as_array().unwrap().iter().map(|it| it["hits"].as_u64().unwrap()).collect()
    };
    assert_eq!(hits("latin.log"), [0, 1, 0, 1]);
    assert_eq!(hits("pretty.json"), [0, 0, 1, 1]);
}

/// Patterns on which engines that backtrack take exponential time.
#[test]
fn nested_repetitions_are_searched_to_the_end() {
    let scratch = Scratch::new("log-pattern");
    std::fs::write(scratch.0.join("a.log"), format!("{}\n", "a".repeat(2_000)).repeat(200)).unwrap();
    let input = json!({ "logs": ["a.log"], "signatures": [{ "name": "x", "regex": "(a*)*b|(a|a)*c$" }, { "name": "y", "regex": "(x+x+)+y" }] });
    let output = scan(&scratch.0, &input);
    let hits: Vec<u64> = report(&output)["signatures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["hits"].as_u64().unwrap())
        .collect();
    assert_eq!(hits, [0, 0]);
    assert_eq!(report(&output)["read"]["records"], 200);
}

/// The sample job that ships is a sample that the project makes.
#[test]
fn the_job_that_ships_is_the_sample() {
    let scratch = Scratch::new("log-shipped");
    let args = ["sample", "logs", "--bytes", "200000", scratch.0.to_str().unwrap()];
    assert!(Command::new(binary("squall")).args(args).output().unwrap().status.success());
    let shipped: PathBuf = root().join("events/jobs/data/logs");
    let mut names: Vec<_> = std::fs::read_dir(&shipped).unwrap().map(|it| it.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names.len(), 4);
    for name in names {
        let same =
            std::fs::read(shipped.join(&name)).unwrap() == std::fs::read(scratch.0.join(&name)).unwrap();
        assert!(same, "{}", name.display());
    }
}

/// The functions' own binaries search objects in S3, which have no extensions there, as `squall run` searches the files.
#[test]
fn logs_in_the_emulators_s3_are_searched() {
    let scratch = Scratch::new("log-deployed");
    let sample = scratch.0.join("sample");
    let args = ["sample", "logs", "--bytes", "6000000", sample.to_str().unwrap()];
    assert!(Command::new(binary("squall")).args(args).output().unwrap().status.success());
    let Some(dev) = Dev::start("logs", &["--port", "0"]) else { return };
    let connection = dev.connection();
    let bucket = &unique("logs");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        provision_bucket(&connection, bucket).await;
        let blobs = S3Blobs::new(&connection, bucket);
        for name in ["app-000.log", "api.jsonl", "access.log.gz", "trail.json.gz"] {
            blobs.upload(std::fs::read(sample.join(name)).unwrap(), None).await.unwrap();
        }
    });
    let mut job: Value = serde_json::from_slice(&std::fs::read(sample.join("job.json")).unwrap()).unwrap();
    let local = report(&run_job(&sample, &job));
    job["input"]["logs"] = json!([format!("s3://{bucket}/files/")]);
    job["sizing"] = json!({ "tasks": 4, "subtasks_per_task": 3 });
    let path = scratch.write("job.json", &job.to_string());
    let deployed = report(&dev.squall(&["submit", &path, "--watch", "--json", "--quiet"]));
    for field in
        ["objects", "bytes", "plain_bytes", "records", "records_with_inherited_time", "records_without_time"]
    {
        assert_eq!(deployed["read"][field], local["read"][field], "{field}");
    }
    for (ours, theirs) in
        deployed["signatures"].as_array().unwrap().iter().zip(local["signatures"].as_array().unwrap())
    {
        for field in ["name", "hits", "buckets", "groups", "without_time", "outside_range"] {
            assert_eq!(ours[field], theirs[field], "{field} of {}", ours["name"]);
        }
        assert!(ours["hits"].as_u64() > Some(0), "{ours}");
    }
}
