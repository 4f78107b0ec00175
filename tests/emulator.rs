//! The emulator of the data plane that the tests of this binary share: started by the first test that needs it, stopped
//! with the process. Its data is shared too, so a test that stores something in it makes up a name with [`unique`].

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Once, OnceLock};

use squall_aws::provision::{Resources, provision};
use squall_aws::{Connection, Settings};
use squall_lambda_host::functions::secret;

mod callers;
mod stops;

pub(crate) use callers::nobody_is_handed_an_invocation;

/// Runs ministack until its stdin is closed.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/squall-cli/src/on_aws/dev/emulator.py");
/// Those of the deployed stacks.
const SERVICES: &str = "autoscaling cloudformation dynamodb ec2 ecr events iam kinesis kms lambda logs monitoring s3 sns sqs ssm sts";

/// A running emulator; dropping it stops it.
pub(crate) struct Emulator {
    url: String,
    /// Holds the pipe to its stdin: it exits when this process has died, for whatever reason.
    process: Child,
}

impl Emulator {
    /// The URL of every service.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let left = self.process.wait();
        assert!(
            left.is_ok_and(|status| status.success()) || std::thread::panicking(),
            "the emulator fails to leave"
        );
    }
}

/// The URL of the shared one, or `None` and a line with the reason, if there is no emulator on this machine.
pub(crate) fn endpoint() -> Option<&'static str> {
    static EMULATOR: OnceLock<Option<Emulator>> = OnceLock::new();
    EMULATOR.get_or_init(another).as_ref().map(Emulator::url)
}

/// A name that is unique in the emulator; valid for a stream, a table, a topic, a queue, a bucket and a job.
pub(crate) fn unique(what: &str) -> String {
    static N_NAMES: AtomicUsize = AtomicUsize::new(0);
    format!("{what}-{}-{}", std::process::id(), N_NAMES.fetch_add(1, Ordering::Relaxed))
}

/// A bucket that is not a deployment's own, so that jobs may name what is in it; with resources that no test uses.
pub(crate) async fn provision_bucket(connection: &Connection, bucket: &str) {
    let resources = Resources {
        task_stream: unique("tasks"),
        task_shards: 1,
        result_stream: unique("results"),
        result_shards: 1,
        table: unique("jobs"),
        bucket: bucket.to_owned(),
        jobs_topic: unique("jobs"),
        events_topic: unique("events"),
    };
    provision(connection, &resources).await.unwrap();
}

/// Reports why some tests pass without testing. Not with `eprintln!`: the output of a passing test is not shown.
pub(crate) fn skipped(which: &str) {
    let line = format!("skipped: tests {which}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// A separate, empty one.
#[expect(clippy::disallowed_methods, reason = "where it is depends on the machine")]
pub(crate) fn another() -> Option<Emulator> {
    let Ok(python) = std::env::var("SQUALL_EMULATOR") else {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            skipped("on the emulator; `make test` names a python that has ministack in SQUALL_EMULATOR")
        });
        return None;
    };
    static N_STARTED: AtomicUsize = AtomicUsize::new(0);
    let n = N_STARTED.fetch_add(1, Ordering::Relaxed);
    let said = format!("{}/emulator-{n}", env!("CARGO_TARGET_TMPDIR"));
    let mut process = program(&python)
        .args(SERVICES.split(' '))
        .envs(keys().variables())
        .stderr(File::create(&said).unwrap())
        .spawn()
        .unwrap_or_else(|error| panic!("SQUALL_EMULATOR={python} does not start: {error}"));
    let mut port = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let Ok(port) = port.trim().parse::<u16>() else {
        panic!("the emulator does not start: {}", std::fs::read_to_string(said).unwrap_or_default());
    };
    Some(Emulator { url: format!("http://127.0.0.1:{port}"), process })
}

/// The emulator's program, with nothing of this process's environment.
fn program(python: &str) -> Command {
    let mut program = Command::new(python);
    program.arg(PROGRAM).env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    program.stdin(Stdio::piped()).stdout(Stdio::piped());
    program
}

/// What the emulators of this process answer to.
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Keys {
    pub(crate) fn variables(&self) -> [(&'static str, &str); 2] {
        [("AWS_ACCESS_KEY_ID", &self.id), ("AWS_SECRET_ACCESS_KEY", &self.secret)]
    }
}

/// Made up by the first test that needs them.
pub(crate) fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys { id: format!("squall{}", secret().unwrap()), secret: secret().unwrap() })
}

/// A connection to an emulator, or to a proxy in front of one.
pub(crate) fn connection_to(url: &str) -> Connection {
    let (region, endpoint_url) = (Some("us-east-1".to_owned()), Some(url.to_owned()));
    let settings = Settings { region, endpoint_url, ..Settings::default() };
    Connection::with_keys(settings, &keys().id, &keys().secret)
}

#[test]
fn an_emulator_leaves_when_its_holder_lets_go() {
    let Some(emulator) = another() else { return };
    let address = emulator.url().strip_prefix("http://").unwrap().to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    drop(emulator);
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn an_emulator_that_is_not_the_one_that_is_patched_does_not_start() {
    if another().is_none() {
        return;
    }
    let python = std::env::var_os("SQUALL_EMULATOR").unwrap().into_string().unwrap();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("another-ministack");
    let modules =
        ["app", "core.lambda_runtime", "services.lambda_svc", "services.cloudformation.provisioners"];
    for module in modules {
        let mut package = folder.join("ministack");
        for part in module.split('.') {
            std::fs::create_dir_all(&package).unwrap();
            std::fs::write(package.join("__init__.py"), "").unwrap();
            package.push(part);
        }
        std::fs::write(package.with_extension("py"), "def main(): pass").unwrap();
    }
    let mut program = program(&python);
    program.arg("s3").env("PYTHONPATH", folder).envs(keys().variables()).stderr(Stdio::piped());
    let mut program = program.spawn().unwrap();
    let _held = program.stdin.take();
    let program = program.wait_with_output().unwrap();
    let said = String::from_utf8(program.stderr).unwrap();
    assert_eq!(program.status.code(), Some(1), "{said}");
    assert_eq!(
        said,
        "this ministack is not the one that is patched here, it has no _poll_kinesis in ministack.services.lambda_svc; \
         install the version of requirements.txt\n"
    );
}
