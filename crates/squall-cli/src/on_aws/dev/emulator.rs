//! The emulator as a child of this process: it ends with this process, however that ends.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::layout::Keys;
use super::private;

/// The child's program and its imports; it exits when its stdin closes.
const FILES: [(&str, &str); 7] = [
    ("emulator.py", include_str!("emulator.py")),
    ("ministack_patches/__init__.py", include_str!("ministack_patches/__init__.py")),
    ("ministack_patches/buckets.py", include_str!("ministack_patches/buckets.py")),
    ("ministack_patches/callers.py", include_str!("ministack_patches/callers.py")),
    ("ministack_patches/functions.py", include_str!("ministack_patches/functions.py")),
    ("ministack_patches/groups.py", include_str!("ministack_patches/groups.py")),
    ("ministack_patches/streams.py", include_str!("ministack_patches/streams.py")),
];
/// Longest start-up time; it takes a quarter of a second on an idle machine.
const START: Duration = Duration::from_secs(60);
/// What a run needs; it answers nothing else. Functions run outside of it.
const SERVICES: [&str; 6] = ["dynamodb", "kinesis", "s3", "sns", "sqs", "sts"];
/// All that it has of this process's variables: what a program needs to start. None names an account.
const INHERITED: [&str; 4] = ["PATH", "TMPDIR", "LD_LIBRARY_PATH", "LANG"];

pub(super) struct Emulator {
    endpoint: String,
    child: Child,
    /// Our end of the pipe: dropping it ends the child, which cleans up first. Waiting for the child must not close it.
    stdin: Option<ChildStdin>,
}

impl Emulator {
    /// Starts one with this Python, for requests that are signed with these keys. Its program and its log are written to a folder.
    pub(super) async fn start(python: &Path, folder: &Path, keys: &Keys) -> Result<Self> {
        if !python.is_file() {
            bail!(
                "there is no {}; `make dev` installs the emulator, --emulator names a Python interpreter that has it, \
                 and --endpoint an emulator that is already running",
                python.display()
            );
        }
        let program = unpack(&folder.join("emulator"))?;
        let log = &folder.join("emulator.log");
        let errors = private::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let inherited = INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut child = Command::new(python)
            .arg(program)
            .args(SERVICES)
            .env_clear()
            .envs(inherited)
            // Not as arguments: every user of the machine sees those.
            .env("AWS_ACCESS_KEY_ID", &keys.id)
            .env("AWS_SECRET_ACCESS_KEY", &keys.secret)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            // Only this process handles Ctrl-C: the emulator is stopped after its users.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", python.display()))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stdout = stdout.context("the emulator has no output")?;
        // It takes a port that is free, keeps it, and says which one it is.
        let mut lines = BufReader::new(stdout).lines();
        let Ok(told) = tokio::time::timeout(START, lines.next_line()).await else {
            bail!("the emulator does not answer after {} s; see {}", START.as_secs(), log.display());
        };
        let Some(port) = told.ok().flatten().and_then(|line| line.parse::<u16>().ok()) else {
            drop(stdin);
            let gone = child.wait().await;
            let said = std::fs::read_to_string(log).unwrap_or_default();
            let last = said.lines().last().unwrap_or("it said nothing").to_owned();
            bail!("the emulator did not start ({}): {last}", exit(gone));
        };
        Ok(Self { endpoint: format!("http://127.0.0.1:{port}"), child, stdin })
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

/// Writes the program to a folder, and returns its path.
fn unpack(folder: &Path) -> Result<PathBuf> {
    for (name, text) in FILES {
        let path = folder.join(name);
        path.parent().map_or(Ok(()), private::folder)?;
        private::write(&path, text)?;
    }
    Ok(folder.join("emulator.py"))
}

fn exit(status: std::io::Result<std::process::ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}
