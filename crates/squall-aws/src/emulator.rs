//! The emulator that this crate's tests share: started by the first test that needs it, stopped with the process.

use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;

use crate::connection::Connection;

/// Runs ministack until its stdin is closed, which happens when this process ends.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../squall-cli/src/on_aws/dev/emulator.py");
/// Those that this crate has adapters for.
const SERVICES: &str = "autoscaling cloudformation dynamodb ec2 events iam kinesis kms lambda logs monitoring s3 sns sqs ssm sts";

struct Emulator {
    url: String,
    /// Holds the pipe to its stdin.
    _process: Child,
}

/// A connection to the emulator; `None`, and a line with the reason, if there is none.
pub(crate) async fn connection() -> Option<Connection> {
    static EMULATOR: OnceLock<Option<Emulator>> = OnceLock::new();
    let emulator = EMULATOR.get_or_init(start).as_ref()?;
    Some(connection_to(&emulator.url).await)
}

/// A connection to this endpoint, with the access key of this run.
pub(crate) async fn connection_to(endpoint_url: &str) -> Connection {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(access_key(), "secret", None, None, "tests"))
        .endpoint_url(endpoint_url);
    Connection::of_config(config.load().await)
}

/// The access key of this run, the only one that the emulator answers to.
fn access_key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| format!("squall{:016x}", RandomState::new().hash_one(std::process::id())))
}

/// A name that is unique in the emulator.
pub(crate) fn unique(what: &str) -> String {
    static N_NAMES: AtomicUsize = AtomicUsize::new(0);
    format!("{what}-{}", N_NAMES.fetch_add(1, Ordering::Relaxed))
}

#[expect(clippy::disallowed_methods, reason = "where it is depends on the machine")]
fn start() -> Option<Emulator> {
    let Ok(python) = std::env::var("SQUALL_EMULATOR") else {
        // Not `eprintln!`: the output of a passing test is not shown.
        let why = "skipped: tests on the emulator; SQUALL_EMULATOR is to name a python that has ministack";
        writeln!(std::io::stderr(), "{why} (`make test` brings one)").unwrap();
        return None;
    };
    let mut process = Command::new(&python)
        .arg(PROGRAM)
        .args(SERVICES.split(' '))
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs([("AWS_ACCESS_KEY_ID", access_key()), ("AWS_SECRET_ACCESS_KEY", "secret")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("SQUALL_EMULATOR={python} does not start: {error}"));
    let mut port = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let port = port.trim();
    assert!(!port.is_empty(), "the emulator does not start: {python} {PROGRAM} {SERVICES} says why");
    Some(Emulator { url: format!("http://127.0.0.1:{port}"), _process: process })
}
