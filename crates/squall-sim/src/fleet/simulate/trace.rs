//! Submission times and durations of runs: as a table with a header, in the Standard Workload Format, or synthetic.

mod csv;
mod swf;

/// A run that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arrival {
    /// Submission time, microseconds since the first one of its trace.
    pub submit_us: u64,
    /// Its duration, microseconds.
    pub duration_us: u64,
}

/// Runs in the order of their submission.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Trace {
    /// Its name.
    pub name: String,
    /// The runs.
    pub runs: Vec<Arrival>,
    /// Entries that state that their submission time or duration is unknown.
    pub n_skipped: u32,
}

/// An error in a trace's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}{}: {what}", self.column.as_ref().map(|it| format!(", column {it}")).unwrap_or_default())]
pub struct TraceError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, if the error is in one.
    pub column: Option<String>,
    /// The problem, and what was expected.
    pub what: String,
}

/// A line of a trace, parsed.
struct Entry {
    /// Its number, from 1.
    line: usize,
    submit_us: u64,
    duration_us: u64,
    n_runs: u32,
}

/// The entries of a file.
struct Entries {
    entries: Vec<Entry>,
    /// Entries without times.
    n_skipped: u32,
    /// The column of the submission times, by its name or number.
    submitted: String,
}

/// Most days that are simulated: between two submissions, of one run, or of all of them together on the largest group. The
/// policies look at the group every minute, or every ten seconds, also while nothing happens.
const MOST_DAYS: u64 = 100;
const DAY_US: u64 = 86_400_000_000;
/// Most runs of one trace.
const MOST_RUNS: usize = 200_000;
/// Processors of one entry.
const MOST_PROCESSORS: f64 = 10_000.0;
/// A larger number of seconds is not a time of a trace: about 300 years, so that absolute times fit too.
const MOST_S: f64 = 1e10;

impl Trace {
    /// The runs in the order of their submission, which begins at 0.
    pub fn new(name: String, mut runs: Vec<Arrival>) -> Self {
        runs.sort_by_key(|run| (run.submit_us, run.duration_us));
        let first_us = runs.first().map_or(0, |run| run.submit_us);
        for run in &mut runs {
            run.submit_us -= first_us;
        }
        Self { name, runs, n_skipped: 0 }
    }

    /// Reads a trace: the Standard Workload Format if its name ends in `.swf`, otherwise a table. With `processors`, an
    /// entry for several processors becomes as many runs.
    ///
    /// # Errors
    /// The line and the column, and what was expected.
    pub fn read(file: &str, text: &str, processors: bool) -> Result<Self, TraceError> {
        let is_swf = file.to_ascii_lowercase().ends_with(".swf");
        let read = if is_swf { swf::read } else { csv::read };
        let Entries { entries, n_skipped, submitted } = read(file, text, processors)?;
        let n_runs: usize = entries.iter().map(|entry| entry.n_runs as usize).sum();
        let nothing = format!("no run in it, {n_skipped} entries are without times");
        let many = format!("{n_runs} runs; at most {MOST_RUNS} are simulated");
        if n_runs == 0 || n_runs > MOST_RUNS {
            let what = if n_runs == 0 { nothing } else { many };
            return Err(TraceError { file: file.to_owned(), line: text.lines().count(), column: None, what });
        }
        let first_us = entries.iter().map(|entry| entry.submit_us).min().unwrap_or(0);
        let is_late = |entry: &&Entry| entry.submit_us - first_us > MOST_DAYS * DAY_US;
        if let Some(late) = entries.iter().find(is_late) {
            let days = (late.submit_us - first_us) / DAY_US;
            let what = format!(
                "{days} days after the first run; at most {MOST_DAYS} days are simulated: pass a part of the trace"
            );
            return Err(TraceError { file: file.to_owned(), line: late.line, column: Some(submitted), what });
        }
        let one = |entry: &Entry| Arrival { submit_us: entry.submit_us, duration_us: entry.duration_us };
        let runs = entries.iter().flat_map(|entry| std::iter::repeat_n(one(entry), entry.n_runs as usize));
        Ok(Self { n_skipped, ..Self::new(file.to_owned(), runs.collect()) })
    }

    /// Checks that a group of at most `max` instances can do the work in a time that is simulated.
    ///
    /// # Errors
    /// How long the work takes, and what would be right.
    pub fn check_work(&self, max: u32) -> Result<(), String> {
        let work_us = self.runs.iter().fold(0_u64, |sum, run| sum.saturating_add(run.duration_us));
        let days = work_us / u64::from(max.max(1)) / DAY_US;
        if days < MOST_DAYS {
            return Ok(());
        }
        Err(format!(
            "{}: its runs take {days} days on {max} instances; less than {MOST_DAYS} days are simulated: pass a part of the \
             trace, or a larger --max",
            self.name
        ))
    }
}

/// Converts a duration or a time in seconds to microseconds.
fn us(text: &str) -> Result<u64, String> {
    let number = number(text)?;
    if !(0.0..=MOST_S).contains(&number) {
        return Err(format!("{text}; expected seconds, not negative and at most {MOST_S:e}"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 1e16")]
    Ok((number * 1e6).round() as u64)
}

/// A run's duration in microseconds.
fn duration_us(text: &str) -> Result<u64, String> {
    let duration_us = us(text)?;
    if duration_us > MOST_DAYS * DAY_US {
        let most_s = MOST_DAYS * DAY_US / 1_000_000;
        return Err(format!(
            "{text}; expected at most {most_s} seconds, the {MOST_DAYS} days that are simulated"
        ));
    }
    Ok(duration_us)
}

/// Number of processors.
fn count(text: &str) -> Result<u32, String> {
    let number = number(text)?;
    if !(1.0..=MOST_PROCESSORS).contains(&number) || number.fract() != 0.0 {
        return Err(format!("{text}; expected a whole number of processors, 1 to {MOST_PROCESSORS}"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 1 and 10,000")]
    Ok(number as u32)
}

fn number(text: &str) -> Result<f64, String> {
    let shown: String = text.chars().take(40).collect();
    let number = text.parse::<f64>().ok().filter(|it| it.is_finite());
    number.ok_or_else(|| format!("{shown:?} is no number; expected seconds such as 12 or 12.5"))
}

#[cfg(test)]
mod tests;
