//! Progress while a job runs: one line that is redrawn on a terminal, a plain line now and then elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use squall_core::rows::JobRow;
use squall_core::sizing::duration;
use squall_core::visible::visible;
use squall_core::workload::Coverage;
use squall_grid::Observation;
use squall_local::Progress;

use crate::{print, terminal};

/// On a terminal, microseconds between two redraws.
const REDRAW_US: u64 = 100_000;
/// Elsewhere, microseconds between two lines.
const LINE_US: u64 = 2_000_000;
/// Below this share an estimate of the time left is a guess.
const ENOUGH_TO_ESTIMATE: f64 = 0.02;

pub(crate) struct Display {
    shown: bool,
    bar: Option<ProgressBar>,
    /// Length of the bar, columns.
    bar_columns: usize,
    units: Option<(u64, String)>,
    headline: Option<String>,
    with_cost: bool,
    /// Of a job that was reopened: its generation, and when it was first seen in that, with which share done.
    reopened: Option<(u32, u64, f64)>,
}

impl Display {
    pub(crate) fn new(shown: bool, terminal: bool) -> Self {
        let bar = (shown && terminal)
            .then(|| ProgressBar::with_draw_target(Some(1_000), ProgressDrawTarget::stderr()));
        Self { shown, bar, bar_columns: 0, units: None, headline: None, with_cost: false, reopened: None }
    }

    /// Includes the job's cost so far.
    pub(crate) fn with_cost(self) -> Self {
        Self { with_cost: true, ..self }
    }

    /// Prints a line beside the progress.
    pub(crate) fn note(&self, line: &str) {
        let write = || print::aside(&format!("{line}\n"));
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None if self.shown => write(),
            None => {}
        }
    }

    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Notes where a reopened job starts from.
    fn see(&mut self, row: &JobRow, now_us: u64) {
        let Some(published) = row.published.as_ref().filter(|it| it.generation > 0) else { return };
        if self.reopened.is_none_or(|(generation, ..)| generation != published.generation) {
            let coverage = Coverage { weight_done: row.total().weight_done, weight_total: published.weight };
            self.reopened = Some((published.generation, now_us, coverage.share()));
        }
    }

    /// The share that is done, and its description in this many columns.
    fn line(&self, row: &JobRow, now_us: u64, columns: usize) -> Option<(f64, String)> {
        let published = row.published.as_ref()?;
        let total = row.total();
        let coverage = Coverage { weight_done: total.weight_done, weight_total: published.weight };
        let share = coverage.share();
        let n_subtasks = u64::from(published.n_tasks) * u64::from(published.sizing.subtasks_per_task);
        // What was done before a job was reopened says nothing about its speed now.
        let (from_us, before) = match self.reopened {
            Some((_, seen_us, before)) => (seen_us, before),
            None => (row.created_us, 0.0),
        };
        let elapsed_us = now_us.saturating_sub(from_us);
        let done = share - before;
        let mut parts = Vec::new();
        if done >= ENOUGH_TO_ESTIMATE && share < 1.0 {
            parts.push(format!("{} left", duration(left_us(elapsed_us, done, share))));
        }
        if total.n_failures > 0 {
            parts.push(format!("{} failed", total.n_failures));
        }
        // The most important part comes first: a narrow terminal cuts off the rest.
        let n_taken = parts.iter().map(|part| part.len() + ", ".len()).sum();
        let headline = self.headline.as_deref().and_then(|it| fitting(it, columns.saturating_sub(n_taken)));
        parts.splice(0..0, headline.map(str::to_owned));
        if self.with_cost && total.n_tasks > 0 {
            parts.push(format!("{} so far", total.cost));
        }
        parts.extend(self.rate(done, elapsed_us));
        parts.push(format!("{}/{} tasks", total.n_tasks, published.n_tasks));
        parts.push(format!("{}/~{n_subtasks} subtasks", total.n_subtasks));
        Some((share, parts.join(", ")))
    }

    /// Fits the bar to the terminal, and returns the number of columns left for words.
    fn arrange(&mut self) -> usize {
        let Some(bar) = &self.bar else { return usize::MAX };
        let columns = terminal::columns(std::io::stderr()).unwrap_or(terminal::WIDEST);
        let (bar_columns, left) = divided(columns);
        if bar_columns != self.bar_columns {
            let template = format!("{{bar:{bar_columns}}} {{percent:>3}}% {{wide_msg}}");
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style);
                self.bar_columns = bar_columns;
            }
        }
        left
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn rate(&self, share: f64, elapsed_us: u64) -> Option<String> {
        let (n_units, unit) = self.units.as_ref()?;
        let per_s = *n_units as f64 * share / (elapsed_us.max(1) as f64 / 1e6);
        Some(format!("{} {unit}/s", short(per_s)))
    }
}

impl Progress for Display {
    fn period_us(&self) -> u64 {
        match (&self.bar, self.shown) {
            (Some(_), _) => REDRAW_US,
            (None, true) => LINE_US,
            (None, false) => u64::MAX,
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share in thousandths")]
    fn row(&mut self, row: &JobRow, now_us: u64) {
        let columns = self.arrange();
        self.see(row, now_us);
        let Some((share, line)) = self.line(row, now_us, columns) else { return };
        match &self.bar {
            Some(bar) => {
                bar.set_position((share * 1_000.0) as u64);
                bar.set_message(visible(&line).into_owned());
            }
            None => print::aside(&format!("{:.1} %: {line}\n", (share * 1_000.0).floor() / 10.0)),
        }
    }

    fn answer(&mut self, observation: &Observation) {
        self.units = observation.units().map(|(n_units, unit)| (n_units, unit.to_owned()));
        self.headline = observation.headline();
    }
}

/// The columns of the bar and those of the words after it: words have priority.
fn divided(columns: usize) -> (usize, usize) {
    let bar = match columns {
        ..70 => 6,
        70..110 => 10,
        _ => 24,
    };
    (bar, columns.saturating_sub(bar + " 100% ".len()))
}

/// The part of a headline that fits into this many columns: all, or all but the part in brackets, or nothing.
fn fitting(headline: &str, columns: usize) -> Option<&str> {
    let short = headline.split_once(" (").map_or(headline, |(short, _)| short);
    [headline, short].into_iter().find(|it| it.chars().count() <= columns)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate for people"
)]
fn left_us(elapsed_us: u64, done: f64, share: f64) -> u64 {
    (elapsed_us as f64 * (1.0 - share) / done) as u64
}

fn short(rate: f64) -> String {
    match rate {
        _ if rate >= 1e9 => format!("{:.1} G", rate / 1e9),
        _ if rate >= 1e6 => format!("{:.1} M", rate / 1e6),
        _ if rate >= 1e3 => format!("{:.1} k", rate / 1e3),
        _ => format!("{:.0}", rate.max(0.0)),
    }
}

#[cfg(test)]
mod tests;
