//! Starts a program as a worker, and ends it with everything that it started.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use rustix::fs::{Access, access};
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use squall_workloads::external::contract::CONTRACT;
use squall_workloads::external::workers::{Command, Failed, Fault};

use crate::time::{now, pause};
use crate::usage;

/// The descriptor of replies in a worker.
const REPLIES_FD: i32 = 3;
/// Where a worker looks for programs, unless it is told.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Where programs are looked up, and what they may inherit.
pub(crate) struct Surroundings<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) search: &'a OsStr,
    pub(crate) environment: &'a BTreeMap<String, OsString>,
}

/// A running program and our ends of its channels, none of which blocks.
pub(crate) struct Process {
    child: Child,
    group: Pid,
    /// In the environment of each process that it starts.
    token: String,
    /// `None` once it is told to end.
    pub(crate) input: Option<OwnedFd>,
    pub(crate) replies: OwnedFd,
    pub(crate) output: OwnedFd,
    pub(crate) errors: OwnedFd,
}

fn cannot_start(reason: String) -> Failed {
    Failed { fault: Fault::CannotStart, reason }
}

impl Process {
    /// Starts a program.
    ///
    /// # Errors
    /// When there is no such program, or the system does not run it.
    pub(crate) fn start(
        command: &Command,
        surroundings: &Surroundings<'_>,
        token: String,
    ) -> Result<Self, Failed> {
        let name = command.command.first().map(String::as_str).unwrap_or_default();
        let program = found(name, surroundings)?;
        let failed = |what: &str, error: &dyn std::fmt::Display| cannot_start(format!("{what}: {error}"));
        let (replies, to_us) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|error| failed("no pipe", &error))?;
        let folder =
            if surroundings.folder.as_os_str().is_empty() { Path::new(".") } else { surroundings.folder };
        let mut starting = std::process::Command::new(&program);
        starting
            .args(command.command.iter().skip(1))
            .current_dir(folder)
            .env_clear()
            .env("PATH", PATH)
            .envs(
                command
                    .inherit_env
                    .iter()
                    .filter_map(|name| Some((name, surroundings.environment.get(name)?))),
            )
            .envs(&command.env)
            .env("SQUALL_CONTRACT", CONTRACT.to_string())
            .env("SQUALL_REPLIES_FD", REPLIES_FD.to_string())
            .env("SQUALL_WORKER", &token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .fd_mappings(vec![FdMapping { parent_fd: to_us, child_fd: REPLIES_FD }])
            .map_err(|error| failed("no descriptor for replies", &error))?;
        let mut child = starting.spawn().map_err(|error| match error.kind() {
            // The file is there, so it is what its first line names that is not.
            ErrorKind::NotFound => {
                failed(&format!("`{}`", program.display()), &"its interpreter does not exist")
            }
            _ => failed(&format!("`{}`", program.display()), &error),
        })?;
        // Our end for writing must be closed, so that replies end with the program.
        drop(starting);
        let channels = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let ((Some(input), Some(output), Some(errors)), Some(group)) = (channels, group) else {
            return Err(cannot_start("it has no channels".to_owned()));
        };
        let process = Self {
            child,
            group,
            token,
            input: Some(input.into()),
            replies,
            output: output.into(),
            errors: errors.into(),
        };
        limit(group, command.memory_mb);
        let ends = [process.input.as_ref().map(AsFd::as_fd), Some(process.replies.as_fd())];
        let ends = ends.into_iter().chain([Some(process.output.as_fd()), Some(process.errors.as_fd())]);
        for end in ends.flatten() {
            rustix::io::ioctl_fionbio(end, true).map_err(|error| failed("a pipe that blocks", &error))?;
        }
        Ok(process)
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn group(&self) -> Pid {
        self.group
    }

    /// How it ended, if it has. Its id and its group's stay its own until it is dropped.
    pub(crate) fn ended(&self) -> Option<Failed> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.group), options).ok()??;
        Some(match status.terminating_signal() {
            Some(signal) => Failed { fault: Fault::Killed, reason: format!("by signal {signal}") },
            None => {
                let status = status.exit_status().unwrap_or_default();
                Failed { fault: Fault::Exited, reason: format!("with status {status}") }
            }
        })
    }

    /// How it ended, if it does within so long.
    pub(crate) fn ended_within(&self, patience: Duration) -> Option<Failed> {
        let until = now() + patience;
        loop {
            let ended = self.ended();
            if ended.is_some() || now() >= until {
                return ended;
            }
            pause(Duration::from_millis(1));
        }
    }

    /// Lets it end by itself, for so long; then ends it.
    pub(crate) fn end(mut self, patience: Duration) -> Option<Failed> {
        self.input = None;
        let ended = self.ended_within(patience);
        drop(self);
        ended
    }
}

impl Drop for Process {
    /// Kills it, and everything that it started.
    fn drop(&mut self) {
        // Until it is waited for, its id is not another's. It may have left its group.
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.child.kill();
        let _ = self.child.wait();
        usage::kill_all_with(&self.token);
    }
}

/// Kills a group and whatever else has the token, from another thread than the one that talks to it.
pub(crate) fn kill(group: Pid, token: &str) {
    let _ = kill_process_group(group, Signal::KILL);
    usage::kill_all_with(token);
}

/// Limits that the system itself enforces, where it can: no core dump, and data of some times the memory, in case it grows faster than
/// the looks at it come.
#[cfg(target_os = "linux")]
fn limit(pid: Pid, memory_mb: u64) {
    const TIMES: u64 = 4;
    const MORE: u64 = 1 << 30;
    let bytes = memory_mb.saturating_mul(1_000_000).saturating_mul(TIMES).saturating_add(MORE);
    for (resource, most) in [(Resource::Core, 0), (Resource::Data, bytes)] {
        // It may have ended already.
        let _ = rustix::process::prlimit(
            Some(pid),
            resource,
            Rlimit { current: Some(most), maximum: Some(most) },
        );
    }
}

#[cfg(not(target_os = "linux"))]
fn limit(_: Pid, _: u64) {}

/// The file of a program.
fn found(name: &str, surroundings: &Surroundings<'_>) -> Result<PathBuf, Failed> {
    if name.contains('/') {
        let path = std::path::absolute(surroundings.folder.join(name))
            .map_err(|error| cannot_start(format!("`{name}`: {error}")))?;
        return match runs(&path) {
            Ok(()) => Ok(path),
            Err(problem) => Err(cannot_start(format!("`{}` {problem}", path.display()))),
        };
    }
    let mut problem = None;
    for folder in std::env::split_paths(surroundings.search) {
        let path = folder.join(name);
        match runs(&path) {
            Ok(()) => return Ok(path),
            Err(Problem::NoFile) => {}
            Err(other) => problem = problem.or(Some(format!("`{}` {other}", path.display()))),
        }
    }
    let searched = surroundings.search.to_string_lossy();
    Err(cannot_start(problem.unwrap_or_else(|| format!("there is no program `{name}` in PATH ({searched})"))))
}

/// Why a file is not run.
enum Problem {
    NoFile,
    Folder,
    NotExecutable,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoFile => "does not exist",
            Self::Folder => "is a folder; expected a program",
            Self::NotExecutable => {
                "may not be executed; `chmod +x` lets it, or name its interpreter before it"
            }
        })
    }
}

fn runs(path: &Path) -> Result<(), Problem> {
    match path.metadata() {
        Err(_) => Err(Problem::NoFile),
        Ok(metadata) if metadata.is_dir() => Err(Problem::Folder),
        Ok(_) if access(path, Access::EXEC_OK).is_err() => Err(Problem::NotExecutable),
        Ok(_) => Ok(()),
    }
}
