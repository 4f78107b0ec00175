//! A command as a child process: it inherits input and output, receives our signals, sets our exit status, and dies with us.

use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context, Result};
use tokio::process::Child;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Run a command that dies with its parent (started by `squall runner exec` and `squall dev`)
#[derive(clap::Args)]
#[command(hide = true)]
pub(super) struct TiedArgs {
    /// The parent's process id: if it has exited already, nothing is run
    #[arg(long)]
    parent: u32,
    /// The command
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Exit status for a command that was not found, as in a shell.
const NOT_FOUND: u8 = 127;
/// Exit status for a command that was found but cannot be run.
const NOT_RUNNABLE: u8 = 126;

/// Ties this process to its parent, and becomes the command.
///
/// A claim is a lease: a runner that is killed cannot renew it, and the instance is free once the lease expires. Its command
/// must not outlive it. Nor must a function outlive the `squall dev` that it works for.
pub(super) fn tied(args: &TiedArgs) -> Result<ExitCode> {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        set_parent_process_death_signal(Some(Signal::KILL))
            .context("cannot tie the command to its parent")?;
    }
    // The parent may have died before the tie was made.
    if std::os::unix::process::parent_id() != args.parent {
        anyhow::bail!("the parent is gone");
    }
    let (program, rest) = args.command.split_first().context("a command is needed")?;
    let error = Command::new(program).args(rest).exec();
    crate::print::aside(&format!("squall runner: cannot run {}: {error}\n", program.to_string_lossy()));
    Ok(ExitCode::from(if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_RUNNABLE }))
}

/// A program and its arguments that, given a command behind them, becomes it, and dies with the thread of this process that started it (on
/// Linux).
///
/// # Errors
/// When this program cannot be found.
pub(in crate::on_aws) fn tie() -> Result<Vec<OsString>> {
    let ourselves = if cfg!(target_os = "linux") {
        // Still there when a build has put another in its place.
        OsString::from("/proc/self/exe")
    } else {
        std::env::current_exe().context("cannot find this program")?.into()
    };
    let parent = std::process::id().to_string();
    let arguments = ["runner", "tied", "--parent", &parent, "--"].map(OsString::from);
    Ok(std::iter::once(ourselves).chain(arguments).collect())
}

/// Starts the command, tied to this process.
pub(super) fn start(command: &[OsString]) -> Result<Child> {
    let tie = tie()?;
    let (program, arguments) = tie.split_first().context("cannot find this program")?;
    let mut tied = tokio::process::Command::new(program);
    tied.args(arguments).args(command).spawn().context("cannot start the command")
}

/// The signals that stop a runner; each is passed on to its command.
pub(super) struct Signals(Vec<(SignalKind, Signal)>);

impl Signals {
    /// Starts to catch the signals: they no longer end this process.
    ///
    /// # Errors
    /// When a handler cannot be installed.
    pub(super) fn new() -> Result<Self> {
        let kinds = [
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::hangup(),
            SignalKind::quit(),
            SignalKind::user_defined1(),
            SignalKind::user_defined2(),
        ];
        let listening = kinds.into_iter().map(|kind| Ok((kind, signal(kind)?)));
        Ok(Self(listening.collect::<std::io::Result<_>>().context("cannot listen for signals")?))
    }

    /// Waits for the next signal.
    pub(super) async fn next(&mut self) -> SignalKind {
        let waits = self.0.iter_mut().map(|(kind, signal)| {
            Box::pin(async move {
                signal.recv().await;
                *kind
            })
        });
        futures::future::select_all(waits).await.0
    }
}

/// Sends a signal to the command. A signal from the terminal reaches both processes by itself.
pub(super) fn pass_on(child: &Child, kind: SignalKind) {
    let is_typed = kind == SignalKind::interrupt() || kind == SignalKind::quit();
    if is_typed && std::io::stdin().is_terminal() {
        return;
    }
    let Some(pid) =
        child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw)
    else {
        return;
    };
    if let Some(signal) = rustix::process::Signal::from_named_raw(kind.as_raw_value()) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// The exit status with which we report the command's.
pub(super) fn exit_code(status: ExitStatus) -> ExitCode {
    const BY_SIGNAL: i32 = 128;
    let code = status.code().or_else(|| status.signal().map(|signal| BY_SIGNAL + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
