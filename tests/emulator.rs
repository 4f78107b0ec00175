//! The emulator of the data plane that the tests of this binary share: started by the first test that needs it, stopped
//! with the process. Its data is shared too, so a test that stores something in it makes up a name with [`unique`].

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Once, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Runs ministack until its stdin is closed.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/squall-cli/src/on_aws/dev/emulator.py");
/// Starting takes a quarter of a second on an idle machine.
const LONGEST_START: Duration = Duration::from_secs(60);

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

/// Reports why some tests pass without testing. Not with `eprintln!`: the output of a passing test is not shown.
pub(crate) fn skipped(which: &str) {
    let line = format!("skipped: tests {which}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// A separate, empty one.
#[expect(
    clippy::disallowed_methods,
    reason = "its start is waited for, and where it is depends on the machine"
)]
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
    // Between finding a free port and taking it, another process may take it.
    for _ in 0..3 {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let log = File::create(&said).unwrap();
        let mut process = Command::new(&python)
            .args([PROGRAM, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("SQUALL_EMULATOR={python} does not start: {error}"));
        let started = Instant::now();
        while process.try_wait().unwrap().is_none() {
            if is_healthy(port) {
                return Some(Emulator { url: format!("http://127.0.0.1:{port}"), process });
            }
            assert!(started.elapsed() < LONGEST_START, "the emulator does not answer; it wrote {said}");
            sleep(Duration::from_millis(20));
        }
    }
    panic!("the emulator does not start: {}", std::fs::read_to_string(said).unwrap_or_default());
}

fn is_healthy(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { return false };
    let mut reply = String::new();
    stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
        && stream.write_all(b"GET /_ministack/health HTTP/1.0\r\n\r\n").is_ok()
        && stream.read_to_string(&mut reply).is_ok()
        && reply.split_whitespace().nth(1) == Some("200")
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
    let python = std::env::var_os("SQUALL_EMULATOR").unwrap();
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
    let mut program = Command::new(python);
    program.args([PROGRAM, "0"]).env("PYTHONPATH", folder).stdin(Stdio::piped()).stderr(Stdio::piped());
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
