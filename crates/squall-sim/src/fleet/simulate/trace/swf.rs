//! The Standard Workload Format: <https://www.cs.huji.ac.il/labs/parallel/workload/swf.html>. A line is 18 numbers; -1
//! stands for unknown, and a semicolon begins a comment.

use super::{Entries, Entry, TraceError, count, duration_us, us};

const N_FIELDS: usize = 18;
/// Fields by their number in the format, from 1.
const SUBMITTED: usize = 2;
const TOOK: usize = 4;
const PROCESSORS: usize = 5;
const ASKED_PROCESSORS: usize = 8;

/// The entries, and the number skipped because their submission time, duration or size is unknown.
pub(super) fn read(file: &str, text: &str, processors: bool) -> Result<Entries, TraceError> {
    let mut entries = Vec::new();
    let mut n_skipped = 0;
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(';') {
            continue;
        }
        let error = |column: Option<usize>, what: String| TraceError {
            file: file.to_owned(),
            line: i + 1,
            column: column.map(|it| it.to_string()),
            what,
        };
        let fields: Vec<&str> = line.split_whitespace().collect();
        if fields.len() != N_FIELDS {
            return Err(error(None, format!("{} fields; the format has {N_FIELDS}", fields.len())));
        }
        let of = |field: usize| (field, fields[field - 1]);
        // The allocated number, or else the requested one.
        let n_processors = if fields[PROCESSORS - 1] == "-1" { of(ASKED_PROCESSORS) } else { of(PROCESSORS) };
        let (submitted, took) = (of(SUBMITTED), of(TOOK));
        if submitted.1 == "-1" || took.1 == "-1" || (processors && n_processors.1 == "-1") {
            n_skipped += 1;
            continue;
        }
        let at = |field: usize| move |what: String| error(Some(field), what);
        entries.push(Entry {
            line: i + 1,
            submit_us: us(submitted.1).map_err(at(submitted.0))?,
            duration_us: duration_us(took.1).map_err(at(took.0))?,
            n_runs: if processors { count(n_processors.1).map_err(at(n_processors.0))? } else { 1 },
        });
    }
    Ok(Entries { entries, n_skipped, submitted: SUBMITTED.to_string() })
}
