//! Writes to a terminal, a file or a pipe that may be closed. Names and reasons are others': what a terminal would obey is shown escaped.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use squall_core::ports::PortError;
use squall_core::visible::{message, visible};

/// Most characters of an error: whatever it quotes may be of any length.
const MAX_ERROR_CHARS: usize = 2_000;

/// Writes the answer to stdout. A reader that has closed the pipe is not an error.
///
/// # Errors
/// When stdout fails, such as on a full disk.
pub(crate) fn answer(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(visible(text).as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

/// Writes everything else to stderr, if that is still open.
pub(crate) fn aside(text: &str) {
    let _ = std::io::stderr().lock().write_all(visible(text).as_bytes());
}

/// An error for people, and its exit status.
pub(crate) fn error(problem: &str, status: u8) -> ExitCode {
    aside(&format!("error: {}\n", message(problem, MAX_ERROR_CHARS)));
    ExitCode::from(status)
}

/// Whether a later attempt may succeed.
pub(crate) fn is_transient(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<PortError>()).any(|error| !error.is_permanent())
}

/// A number of things: `1 task`, `3 tasks`.
pub(crate) fn counted(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
