//! Two people, one deployment: whoever may publish jobs and put files tries to change, read or stop another's job, between the functions'
//! own binaries. The other's answers stay a local run's, byte for byte, and what is refused is refused by name.
//!
//! The emulator lets everybody do everything, so here the attacker may even replace files and read all of them; what AWS refuses him is in
//! `infra/test/promises.ts`. Results are out of his reach everywhere: a publisher's policy has no action on a stream. What a job may hold up
//! that hangs, takes all memory or fails by itself is in `unhappy.rs`, and how long others wait behind a large one in `deployed.rs`.
#![expect(clippy::disallowed_methods, reason = "a job is taken in some time after it is published")]

use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use squall_aws::transport::OnFailure;
use squall_core::digest::Digest;

use crate::binaries::root;
use crate::deployed::{Dev, functions_with, local_answer, without_run};

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const SMALL: &str = "events/jobs/explicit.json";
/// A job with three files.
const JOB: &str = "events/jobs/historical.json";
const FILES: [&str; 3] = ["data/positions.csv", "data/market.json", "data/history.csv"];

fn content(file: &str) -> Vec<u8> {
    std::fs::read(root().join("events/jobs").join(file)).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Puts other content under the name of a file, whatever is there.
fn plant(dev: &Dev, name: &str) {
    let connection = dev.connection();
    let there = format!("s3://{}/files", dev.var("SQUALL_BUCKET"));
    let bucket = OnFailure::parse(&connection, &there).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(bucket.put(name, "planted")).unwrap();
}

/// The owner's job has the answer of a local run.
fn is_answered(dev: &Dev, args: &[&str], job: &str) {
    let output = dev.squall(&[args, &["--json", "--quiet"]].concat());
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    assert_eq!(without_run(&output.stdout), local_answer(job), "{args:?}");
}

/// What the attacker publishes ends as rejected, for this reason.
fn is_rejected(dev: &Dev, message: &Value, because: &[&str]) {
    let id = dev.publish(&message.to_string());
    let ended = dev.squall(&["watch", &id, "--quiet"]);
    let said = said(&ended);
    assert_eq!(ended.status.code(), Some(2), "{message}: {said}");
    for it in because {
        assert!(said.contains(it), "{it}: {said}");
    }
}

fn is_listed(dev: &Dev, id: &str) {
    let started = Instant::now();
    while !String::from_utf8(dev.squall(&["jobs", "--json"]).stdout).unwrap().contains(id) {
        assert!(started.elapsed() < PATIENCE, "{id} is not taken in");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What is no job, or one under the id of another, neither replaces that one nor stops what comes behind it.
fn what_is_no_job_is_in_nobodys_way(dev: &Dev, taken: &str) {
    let under = |id: &str| json!({ "id": id, "workload": "probe", "input": { "units": 3 } }).to_string();
    let deep = format!(r#"{{"workload":"probe","input":{}{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    for message in ["{".to_owned(), "null".to_owned(), deep, under("../\u{1b}[2J"), under(taken)] {
        dev.publish(&message);
    }
    is_answered(dev, &["submit", SMALL, "--watch"], SMALL);
    is_answered(dev, &["watch", taken], JOB);
    is_answered(dev, &["result", taken], JOB);
}

/// A book of seven books under so many paths that the sums are 16 million: two kilobytes, and more memory than the collector here has.
fn of_16_million_columns() -> Value {
    let rows: String = (0..7).map(|n| format!("P{n},book{n},spot,SPX,1\n")).collect();
    let market: Value = serde_json::from_slice(&content("data/market.json")).unwrap();
    json!({
        "workload": "portfolio",
        "input": {
            "positions": { "csv": format!("id,book,kind,underlying,quantity\n{rows}") },
            "market": market,
            "scenarios": {
                "type": "monte_carlo", "paths": 2_000_000, "horizon_days": 10, "seed": 7,
                "factors": ["spot:SPX"], "per": "year", "volatilities": [0.2], "correlation": [[1]],
            },
        },
    })
}

/// Replaced after it was taken in, replaced before the next, and under a name of its own.
fn files_are_what_their_names_say(dev: &Dev) {
    assert!(dev.squall(&["submit", JOB, "--id", "before"]).status.success());
    is_listed(dev, "before");
    for file in FILES {
        plant(dev, &Digest::of(&content(file)).to_string());
    }
    is_answered(dev, &["watch", "before"], JOB);

    let refused = dev.squall(&["submit", JOB, "--id", "planted", "--watch", "--quiet"]);
    let reason = said(&refused);
    assert_eq!(refused.status.code(), Some(2), "{reason}");
    let named = ["holds other content than its name says", "--new-copies"];
    assert!(FILES.iter().any(|it| reason.contains(it)), "{reason}");
    assert!(named.iter().all(|it| reason.contains(it)), "{reason}");
    is_answered(dev, &["submit", JOB, "--id", "planted", "--new-copies", "--watch"], JOB);
}

/// The owner is told that his id is taken, wherever he looks with what he published.
fn an_id_that_is_taken_is_not_mistaken_for_ones_own(dev: &Dev) {
    let theirs = r#"{"id":"nightly","workload":"probe","input":{"units":3}}"#;
    dev.publish(theirs);
    is_listed(dev, "nightly");
    let mine = std::fs::read_to_string(root().join(SMALL)).unwrap().replacen('{', r#"{"id":"nightly","#, 1);
    dev.publish(&mine);
    let digits = Digest::of(mine.as_bytes()).short();
    for verb in ["watch", "result"] {
        let refused = dev.squall(&[verb, "nightly", "--message", &digits, "--quiet"]);
        let reason = said(&refused);
        assert_eq!((refused.status.code(), refused.stdout.as_slice()), (Some(2), &b""[..]), "{reason}");
        assert!(reason.contains("the id nightly belongs to another job"), "{reason}");
        assert!(
            reason.contains(&Digest::of(theirs.as_bytes()).short()) && reason.contains(&digits),
            "{reason}"
        );
    }
    let refused = dev.squall(&["submit", SMALL, "--id", "nightly", "--watch", "--quiet"]);
    assert!(said(&refused).contains("the id nightly belongs to another job"), "{}", said(&refused));
    let digits = Digest::of(theirs.as_bytes()).short();
    assert!(dev.squall(&["watch", "nightly", "--message", &digits, "--quiet"]).status.success());
}

/// An id that is made up is none that anybody can have taken, and what is said to follow it accepts no other job.
fn an_id_that_is_made_up_is_nobody_elses(dev: &Dev) {
    let submitted = dev.squall(&["submit", SMALL]);
    let id = String::from_utf8(submitted.stdout.clone()).unwrap().trim().to_owned();
    let (_, random) = id.rsplit_once('-').unwrap();
    assert!(random.len() == 16 && random.bytes().all(|it| it.is_ascii_hexdigit()), "{id}");
    let said = said(&submitted);
    let hint = format!("squall watch {id} --message ");
    assert!(said.contains(&hint), "{said}");
    let (_, digits) = said.split_once(&hint).unwrap();
    let digits: String = digits.chars().take_while(char::is_ascii_hexdigit).collect();
    is_answered(dev, &["watch", &id, "--message", &digits], SMALL);
}

#[test]
fn nobody_changes_reads_or_stops_anothers_job() {
    // As much memory as it says it has, and what its code takes.
    let functions = functions_with("shared", "result-collector", "ulimit -v 200000\nexec 'REAL'");
    let functions = functions.to_str().unwrap();
    let args = ["--port", "0", "--shards", "2", "--collector-memory", "128", "--functions", functions];
    let Some(dev) = Dev::start("shared", &args) else { return };
    files_are_what_their_names_say(&dev);
    an_id_that_is_taken_is_not_mistaken_for_ones_own(&dev);
    an_id_that_is_made_up_is_nobody_elses(&dev);
    what_is_no_job_is_in_nobodys_way(&dev, "before");

    dev.publish(&of_16_million_columns().to_string());
    is_answered(&dev, &["submit", SMALL, "--watch"], SMALL);
    let sizing = json!({ "tasks": 1_000_000, "subtasks_per_task": 10_000 });
    let absurd =
        json!({ "workload": "probe", "input": { "units": 1_000_000_000_000_u64 }, "sizing": sizing });
    is_rejected(&dev, &absurd, &["10000000000 invocations"]);
    // What the owner's job computes with, and what she uploaded under a name that says nothing.
    for key in [format!("blobs/{}", Digest::of(b"input")), "files/book.csv".to_owned()] {
        let place = format!("s3://{}/{key}", dev.var("SQUALL_BUCKET"));
        let mut job: Value = serde_json::from_slice(&content("historical.json")).unwrap();
        job["files"] = FILES.map(|it| (it.to_owned(), Value::from(place.as_str()))).into_iter().collect();
        is_rejected(&dev, &job, &["is no uploaded file: in the deployment's own bucket"]);
    }
    is_answered(&dev, &["submit", SMALL, "--watch"], SMALL);
}
