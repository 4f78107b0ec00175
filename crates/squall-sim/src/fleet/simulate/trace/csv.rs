//! Tables with a header, fields separated by commas.

use super::{Entries, Entry, TraceError, count, duration_us, us};

const SUBMITTED: &[&str] = &["submit_s", "submission_time"];
const TOOK: &[&str] = &["duration_s", "execution_time"];
const PROCESSORS: &[&str] = &["runs", "requested_number_of_processors"];

/// The entries; none is skipped.
pub(super) fn read(file: &str, text: &str, processors: bool) -> Result<Entries, TraceError> {
    let error = |line: usize, column: Option<&str>, what: String| TraceError {
        file: file.to_owned(),
        line,
        column: column.map(ToOwned::to_owned),
        what,
    };
    let header = text.lines().next().unwrap_or_default().trim_start_matches('\u{feff}');
    let names: Vec<&str> = header.split(',').map(str::trim).collect();
    let column = |any_of: &[&str]| {
        let missing = || {
            let what = format!("no column {}; the header names the columns", any_of.join(" or "));
            error(1, None, what)
        };
        names.iter().position(|name| any_of.contains(name)).ok_or_else(missing)
    };
    let (submitted, took) = (column(SUBMITTED)?, column(TOOK)?);
    let n_runs = if processors { Some(column(PROCESSORS)?) } else { None };
    let mut entries = Vec::new();
    for (i, line) in text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        if fields.len() != names.len() {
            let what = format!("{} fields; the header has {}", fields.len(), names.len());
            return Err(error(i + 1, None, what));
        }
        let of = |column: usize| move |what: String| (column, what);
        let entry = || {
            Ok(Entry {
                line: i + 1,
                submit_us: us(fields[submitted]).map_err(of(submitted))?,
                duration_us: duration_us(fields[took]).map_err(of(took))?,
                n_runs: n_runs.map_or(Ok(1), |column| count(fields[column]).map_err(of(column)))?,
            })
        };
        entries.push(entry().map_err(|(column, what)| error(i + 1, Some(names[column]), what))?);
    }
    Ok(Entries { entries, n_skipped: 0, submitted: names[submitted].to_owned() })
}
