//! Writing to a terminal, a file or a pipe that may be gone.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use squall_core::ports::PortError;

/// Writes the answer to stdout. A reader that has seen enough is no error.
///
/// # Errors
/// When stdout takes no more, such as a full disk.
pub(crate) fn answer(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

/// Writes about the answer to stderr, if anybody still reads that.
pub(crate) fn aside(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// An error for people, and its exit status.
pub(crate) fn error(problem: &str, status: u8) -> ExitCode {
    aside(&format!("error: {problem}\n"));
    ExitCode::from(status)
}

/// Whether asking again later may do.
pub(crate) fn is_transient(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<PortError>()).any(|error| !error.is_permanent())
}

/// A number of things: `1 task`, `3 tasks`.
pub(crate) fn counted(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
