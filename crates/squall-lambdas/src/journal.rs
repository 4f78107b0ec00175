//! The journal of decisions, in the log.

use std::io::Write;

use squall_capacity::journal::Line;
use squall_capacity::ports::Journal;
use tracing::warn;

/// Writes each decision as a line of the log that is nothing else, as metrics are: whoever takes the log can take every
/// decision again.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogJournal;

impl Journal for LogJournal {
    fn write(&self, line: &Line) {
        let line = line.to_json() + "\n";
        let mut stdout = std::io::stdout().lock();
        if let Err(error) = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()) {
            drop(stdout);
            warn!("cannot write the journal: {error}");
        }
    }
}
