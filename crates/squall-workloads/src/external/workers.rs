//! The port to whatever computes the items: processes here, functions there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The worker of a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum WorkerRef {
    /// A program that the job itself names.
    Command(Command),
    /// One that the operator of the grid has declared, by its name.
    Named(String),
}

/// A program that speaks the contract, and its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The program and its arguments; at least the program. Without a slash it is looked up in Squall's own `PATH`; with one it is
    /// relative to the job's folder.
    pub command: Vec<String>,
    /// The variables of its environment, besides those of the contract. Nothing else is inherited.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Variables that it inherits from Squall's own environment, by their names.
    #[serde(default)]
    pub inherit_env: Vec<String>,
    /// How long a request may take, seconds.
    #[serde(default = "timeout_s")]
    pub timeout_s: f64,
    /// How long a process may take until it is ready, seconds.
    #[serde(default = "start_timeout_s")]
    pub start_timeout_s: f64,
    /// Memory that a process and its children may use together, MB (resident).
    #[serde(default = "memory_mb")]
    pub memory_mb: u64,
    /// Most megabytes of a reply, and of what is printed meanwhile.
    #[serde(default = "output_mb")]
    pub output_mb: u64,
    /// Most processes and children of a worker at a time.
    #[serde(default = "processes")]
    pub processes: u32,
}

impl Command {
    /// A command with the usual limits.
    pub fn new(command: Vec<String>) -> Self {
        Self {
            command,
            env: BTreeMap::new(),
            inherit_env: Vec::new(),
            timeout_s: timeout_s(),
            start_timeout_s: start_timeout_s(),
            memory_mb: memory_mb(),
            output_mb: output_mb(),
            processes: processes(),
        }
    }
}

fn timeout_s() -> f64 {
    60.0
}

fn start_timeout_s() -> f64 {
    30.0
}

fn memory_mb() -> u64 {
    2_048
}

fn output_mb() -> u64 {
    16
}

fn processes() -> u32 {
    64
}

/// Processes, or functions, that compute items.
pub trait Workers: Send + Sync {
    /// One that is ready and that no other caller uses, none of those called `not`. Dropping it gives it back.
    ///
    /// # Errors
    /// When none can be started, for whatever reason.
    fn take(
        &self,
        worker: &WorkerRef,
        params: &RawValue,
        not: &[String],
    ) -> Result<Box<dyn Worker + '_>, Failed>;
}

impl<W: Workers + ?Sized> Workers for Arc<W> {
    fn take(
        &self,
        worker: &WorkerRef,
        params: &RawValue,
        not: &[String],
    ) -> Result<Box<dyn Worker + '_>, Failed> {
        (**self).take(worker, params, not)
    }
}

/// One process.
pub trait Worker {
    /// What it is called in reports: `worker 3`.
    fn name(&self) -> &str;
    /// Computes items, each JSON text on one line: a value per item in their order, as JSON text, or the item's own failure.
    ///
    /// # Errors
    /// When there is no reply as the contract wants it. The process has been ended then, unless the failure
    /// [`is_said`](Fault::is_said); the next request would fail.
    fn ask(&mut self, items: &[Cow<'_, str>]) -> Result<Answered, Failed>;
}

/// A worker's reply.
#[derive(Debug)]
pub struct Answered {
    /// As many as there were items.
    pub values: Vec<Result<Box<RawValue>, String>>,
    /// How long it took, microseconds.
    pub took_us: u64,
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}: {reason}")]
pub struct Failed {
    /// Its kind.
    pub fault: Fault,
    /// What happened, with the limit that was passed, and the end of what the program printed.
    pub reason: String,
}

/// The kinds of failure of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// There is no such program, it may not be run, or this grid does not run it.
    CannotStart,
    /// It was not ready in time, or its first reply is none.
    NoHandshake,
    /// It speaks another version of the contract.
    OtherVersion,
    /// It says itself that it cannot work.
    NotReady,
    /// It ended before it replied.
    Exited,
    /// A signal ended it before it replied.
    Killed,
    /// It did not reply in time.
    TimedOut,
    /// It replied with something else.
    NotAReply,
    /// It replied to another request.
    OtherId,
    /// It replied more than once.
    AnsweredTwice,
    /// It replied with more or fewer values than items.
    WrongCount,
    /// Its reply is too long.
    ReplyTooLong,
    /// It printed too much on standard output or standard error.
    PrintedTooMuch,
    /// It uses too much memory.
    TooMuchMemory,
    /// It started too many processes.
    TooManyProcesses,
    /// It says itself that the request failed; its process lives on.
    Refused,
}

impl Fault {
    /// Its name in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CannotStart => "cannot start",
            Self::NoHandshake => "no handshake",
            Self::OtherVersion => "other version",
            Self::NotReady => "not ready",
            Self::Exited => "exited",
            Self::Killed => "killed",
            Self::TimedOut => "timed out",
            Self::NotAReply => "not a reply",
            Self::OtherId => "reply to another id",
            Self::AnsweredTwice => "replied twice",
            Self::WrongCount => "wrong number of values",
            Self::ReplyTooLong => "reply too long",
            Self::PrintedTooMuch => "printed too much",
            Self::TooMuchMemory => "too much memory",
            Self::TooManyProcesses => "too many processes",
            Self::Refused => "request refused",
        }
    }

    /// Whether no process of this worker can be had, so that another attempt would fail too.
    pub fn is_of_start(self) -> bool {
        matches!(self, Self::CannotStart | Self::NoHandshake | Self::OtherVersion | Self::NotReady)
    }

    /// Whether the program said so itself, in a reply, and its process lives on.
    pub fn is_said(self) -> bool {
        self == Self::Refused
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
