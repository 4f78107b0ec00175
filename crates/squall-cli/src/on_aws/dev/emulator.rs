//! The emulator as a child of this process: it ends with this process, however that ends.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, Command};

/// The child's program and its imports; it exits when its stdin closes.
const FILES: [(&str, &str); 6] = [
    ("emulator.py", include_str!("emulator.py")),
    ("ministack_patches/__init__.py", include_str!("ministack_patches/__init__.py")),
    ("ministack_patches/buckets.py", include_str!("ministack_patches/buckets.py")),
    ("ministack_patches/functions.py", include_str!("ministack_patches/functions.py")),
    ("ministack_patches/groups.py", include_str!("ministack_patches/groups.py")),
    ("ministack_patches/streams.py", include_str!("ministack_patches/streams.py")),
];
/// Longest start-up time; it takes a quarter of a second on an idle machine.
const START: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

pub(super) struct Emulator {
    endpoint: String,
    child: Child,
    /// Our end of the pipe: dropping it ends the child, which cleans up first. Waiting for the child must not close it.
    stdin: Option<ChildStdin>,
}

impl Emulator {
    /// Starts one with this Python. Its program and its log are written to a folder.
    pub(super) async fn start(python: &Path, folder: &Path) -> Result<Self> {
        if !python.is_file() {
            bail!(
                "there is no {}; `make dev` installs the emulator, --emulator names a Python interpreter that has it, \
                 and --endpoint an emulator that is already running",
                python.display()
            );
        }
        // Taken and released: another process is unlikely to take it in between.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .context("there is no free port for the emulator")?
            .port();
        let program = unpack(&folder.join("emulator"))?;
        let log = &folder.join("emulator.log");
        let output = std::fs::File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let errors = output.try_clone().with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(python);
        // Functions that are deployed into it inherit its variables: those of a shell with an earlier deployment must
        // not redirect them.
        for name in variables().filter(|name| is_ours(name)) {
            command.env_remove(name);
        }
        let mut child = command
            .arg(program)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            // Only this process handles Ctrl-C: the emulator is stopped after its users.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", python.display()))?;
        let stdin = child.stdin.take();
        let mut emulator = Self { endpoint: format!("http://127.0.0.1:{port}"), child, stdin };
        let answering = async {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        };
        tokio::select! {
            () = answering => Ok(emulator),
            gone = emulator.child.wait() => {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                let last = said.lines().last().unwrap_or("it said nothing").to_owned();
                Err(anyhow!("the emulator did not start ({}): {last}", exit(gone)))
            }
            () = tokio::time::sleep(START) => {
                bail!("the emulator does not answer after {} s; see {}", START.as_secs(), log.display())
            }
        }
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns when it has ended by itself.
    pub(super) async fn gone(&mut self) -> Error {
        let gone = self.child.wait().await;
        anyhow!("the emulator ended ({})", exit(gone))
    }

    /// Ends it.
    pub(super) async fn stop(mut self) {
        drop(self.stdin.take());
        if tokio::time::timeout(Duration::from_secs(2), self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

/// The names of all variables of this process.
fn variables() -> impl Iterator<Item = String> {
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())
}

/// Whether a variable names a deployment or credentials.
fn is_ours(variable: &str) -> bool {
    ["AWS_", "SQUALL_"].iter().any(|prefix| variable.starts_with(prefix))
}

/// Writes the program to a folder, and returns its path.
fn unpack(folder: &Path) -> Result<PathBuf> {
    for (name, text) in FILES {
        let path = folder.join(name);
        path.parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&path, text))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(folder.join("emulator.py"))
}

fn exit(status: std::io::Result<std::process::ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}
