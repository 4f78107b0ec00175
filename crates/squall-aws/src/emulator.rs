//! The emulator that this crate's tests share: started by the first test that needs it, stopped with the process.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;

use crate::connection::Connection;

/// Runs ministack until its stdin is closed, which happens when this process ends.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../squall-cli/src/on_aws/dev/emulator.py");

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

/// A connection to this endpoint, with credentials that it will not check.
pub(crate) async fn connection_to(endpoint_url: &str) -> Connection {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
        .endpoint_url(endpoint_url);
    Connection::of_config(config.load().await)
}

/// A name that is unique in the emulator.
pub(crate) fn unique(what: &str) -> String {
    static N_NAMES: AtomicUsize = AtomicUsize::new(0);
    format!("{what}-{}", N_NAMES.fetch_add(1, Ordering::Relaxed))
}

#[expect(
    clippy::disallowed_methods,
    reason = "its start is waited for, and where it is depends on the machine"
)]
fn start() -> Option<Emulator> {
    let Ok(python) = std::env::var("SQUALL_EMULATOR") else {
        // Not `eprintln!`: the output of a passing test is not shown.
        let why = "skipped: tests on the emulator; SQUALL_EMULATOR is to name a python that has ministack";
        writeln!(std::io::stderr(), "{why} (`make test` brings one)").unwrap();
        return None;
    };
    // Between finding a free port and taking it, another process may take it.
    for _ in 0..3 {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut process = Command::new(&python)
            .args([PROGRAM, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("SQUALL_EMULATOR={python} does not start: {error}"));
        // Starting takes a quarter of a second on an idle machine; this waits for a minute.
        for _ in 0..3_000 {
            if process.try_wait().unwrap().is_some() {
                break;
            }
            if is_healthy(port) {
                return Some(Emulator { url: format!("http://127.0.0.1:{port}"), _process: process });
            }
            sleep(Duration::from_millis(20));
        }
    }
    panic!("the emulator does not start: {python} {PROGRAM} PORT says why");
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
