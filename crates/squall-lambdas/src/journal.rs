//! The journal of decisions, in the log.

use std::io::Write;

use squall_capacity::journal::Line;
use squall_capacity::ports::Journal;
use tracing::warn;

/// Writes each decision as a log line of its own, like metrics: anyone with the log can replay every decision.
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
