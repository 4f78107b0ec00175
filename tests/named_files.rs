//! The files that a job names: a job may come from somebody else, and it is read with the rights of whoever runs it. So it reads what
//! is in its own folder, and what its reader allows.

use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::binaries::{binary, root};
use crate::cli::{Scratch, stderr, stdout};
use crate::deployed::Dev;

const MARKET: &str = r#"{"valuation_date":"2026-01-15","report_currency":"USD","curves":{},
    "underlyings":{"ACME":{"class":"equity","currency":"USD","spot":100,"vol":0.3}}}"#;
const BOOK: &str = "id,book,kind,underlying,quantity\nA,eq,spot,ACME,1\n";
const SHOCKS: &str = "scenario,spot:ACME\nbase,0\n";
/// What no message may have.
const SECRET: &str = "TOKEN-7f3a";

/// A job of a book at some place; its scenarios are in S3 if they have a location.
fn job(book: &str, scenarios: Option<&str>) -> String {
    let scenarios = match scenarios {
        Some(place) => format!(r#"{{"type":"explicit","file":"{place}"}}"#),
        None => format!(r#"{{"type":"explicit","csv":{SHOCKS:?}}}"#),
    };
    format!(
        r#"{{"workload":"portfolio","input":{{"positions":"book.csv","market":{MARKET},"scenarios":{scenarios}}},"files":{{"book.csv":{book:?}}}}}"#
    )
}

/// A folder `job` beside a folder with data and a secret, and links from the one to the other.
fn folders(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    for folder in ["job/data", "shared"] {
        std::fs::create_dir_all(scratch.0.join(folder)).unwrap();
    }
    for name in ["job/data/book.csv", "shared/book.csv"] {
        scratch.write(name, BOOK);
    }
    scratch.write("secret", SECRET);
    symlink("../secret", scratch.0.join("job/link")).unwrap();
    symlink("../shared", scratch.0.join("job/folder")).unwrap();
    assert!(Command::new("mkfifo").arg(scratch.0.join("job/pipe")).status().unwrap().success());
    scratch
}

/// A command with a secret in its environment, and an endpoint that is told to be the deployment's.
fn squall(scratch: &Scratch, endpoint: &TcpListener) -> Command {
    let mut command = Command::new(binary("squall"));
    command
        .current_dir(&scratch.0)
        .env("MY_TOKEN", SECRET)
        .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "us-east-1")])
        .envs([("SQUALL_BUCKET", "bucket"), ("SQUALL_TABLE", "table"), ("SQUALL_TASK_STREAM", "tasks")])
        .env("SQUALL_JOBS_TOPIC", "arn:aws:sns:us-east-1:000000000000:jobs")
        .env("AWS_ENDPOINT_URL", format!("http://{}", endpoint.local_addr().unwrap()));
    command
}

#[test]
fn a_job_reads_its_own_folder_and_what_is_allowed() {
    let scratch = folders("named-files");
    let endpoint = TcpListener::bind("127.0.0.1:0").unwrap();
    endpoint.set_nonblocking(true).unwrap();
    let absolute = |name: &str| scratch.0.join(name).display().to_string();
    let (secret, uri) = (absolute("secret"), format!("file://{}", absolute("secret")));
    let outside = "is not below the job's folder";
    for (book, why) in [
        ("../secret", outside),
        ("data/../../secret", outside),
        (secret.as_str(), outside),
        (uri.as_str(), outside),
        ("link", outside),
        ("folder/book.csv", outside),
        ("/proc/self/environ", outside),
        ("/dev/zero", outside),
        ("pipe", "it is no regular file"),
        ("data", "it is a folder"),
    ] {
        // Also where the splitter alone can read another of its files.
        for scenarios in [None, Some("s3://squall/files/none.csv")] {
            scratch.write("job/job.json", &job(book, scenarios));
            let commands: &[&str] =
                if scenarios.is_none() { &["run", "check", "submit"] } else { &["submit"] };
            for command in commands {
                let output = squall(&scratch, &endpoint).args([command, "job/job.json"]).output().unwrap();
                let said = stderr(&output);
                assert_eq!(output.status.code(), Some(2), "{command} {book}: {said}");
                assert!(
                    said.contains("input, file \"book.csv\": cannot read ") && said.contains(why),
                    "{said}"
                );
                assert!(!said.contains(SECRET) && stdout(&output).is_empty(), "{said}");
            }
        }
    }
    let shared = absolute("shared/book.csv");
    for (book, allowed) in [
        ("data/book.csv", None),
        (absolute("job/data/book.csv").as_str(), None),
        ("../shared/book.csv", Some("shared")),
        ("folder/book.csv", Some("shared")),
        (shared.as_str(), Some(".")),
    ] {
        scratch.write("job/job.json", &job(book, None));
        for command in ["run", "check"] {
            let allow = allowed.map(|folder| ["--allow", folder]);
            let args =
                [&[command, "job/job.json"][..], allow.as_ref().map_or(&[][..], |it| &it[..])].concat();
            // On this machine, in no deployment.
            let output = squall(&scratch, &endpoint).args(args).args(["--shards", "2"]).output().unwrap();
            assert!(output.status.success(), "{book}: {}", stderr(&output));
        }
    }
    // In its folder, and by its name alone.
    let output =
        squall(&scratch, &endpoint).current_dir(scratch.0.join("job")).args(["check", "job.json"]).output();
    assert!(stderr(&output.unwrap()).contains("--allow DIR"));
    let output = squall(&scratch, &endpoint).args(["check", "job/job.json", "--allow", "nowhere"]).output();
    let output = output.unwrap();
    assert!(
        output.status.code() == Some(2) && stderr(&output).contains("'--allow <DIR>'"),
        "{}",
        stderr(&output)
    );
    let no_connection = endpoint.accept().unwrap_err();
    assert_eq!(no_connection.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn what_is_here_is_checked_before_anything_is_sent() {
    let scratch = folders("named-files-checked");
    let endpoint = TcpListener::bind("127.0.0.1:0").unwrap();
    endpoint.set_nonblocking(true).unwrap();
    scratch.write("job/data/book.csv", &BOOK.replace(",1\n", ",one\n"));
    let right = job("data/book.csv", Some("s3://squall/files/none.csv"));
    for (job, expected) in [
        (right.clone(), "book.csv:2:5 (quantity)"),
        (right.replace("\"spot\":100", "\"spot\":-100"), "input.market.underlyings.ACME.spot"),
        (right.replace("\"files\":{", "\"files\":{\"stray.csv\":\"data/book.csv\","), "files: `stray.csv`"),
    ] {
        scratch.write("job/job.json", &job);
        let output = squall(&scratch, &endpoint).args(["submit", "job/job.json"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
    let no_connection = endpoint.accept().unwrap_err();
    assert_eq!(no_connection.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn what_is_uploaded_is_listed_before_it_is() {
    let scratch = folders("named-files-listed");
    // Nobody answers there: it does not come to an upload.
    let endpoint = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = endpoint.local_addr().unwrap();
    let list = |command: &mut Command| {
        let said = stderr(&command.output().unwrap());
        let (_, list) = said.split_once("to be uploaded: ").unwrap_or_else(|| panic!("no list: {said}"));
        list.lines().take(3).map(str::to_owned).collect::<Vec<_>>()
    };
    let book = format!("  book.csv: {} bytes, from ../shared/book.csv", BOOK.len());
    scratch.write("job/job.json", &job("../shared/book.csv", Some("s3://squall/files/none.csv")));
    let mut command = squall(&scratch, &endpoint);
    drop(endpoint);
    command.args(["submit", "job/job.json", "--allow", "shared"]);
    assert_eq!(list(&mut command)[..2], ["1 file", &book], "nobody is at {gone}");

    let Some(dev) = Dev::start("named-files", &["--port", "0"]) else { return };
    let historical = root().join("events/jobs/historical.json").display().to_string();
    let output = dev.squall(&["submit", &historical]);
    let said = stderr(&output);
    let size = |name: &str| std::fs::metadata(root().join("events/jobs").join(name)).unwrap().len();
    let names = ["data/history.csv", "data/market.json", "data/positions.csv"];
    let lines: String = names.iter().map(|name| format!("  {name}: {} bytes\n", size(name))).collect();
    assert!(said.starts_with(&format!("to be uploaded: 3 files\n{lines}published ")), "{said}");
    assert!(stderr(&dev.squall(&["submit", &historical, "--quiet"])).is_empty());
}
