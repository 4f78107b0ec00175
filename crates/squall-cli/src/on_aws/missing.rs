//! `squall missing`: which tasks are not in the answer of a deployed job, and which subtasks failed.

use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use squall_core::collate::Received;
use squall_core::job::JobId;
use squall_core::rows::{JobRow, Published};
use squall_grid::read_buckets;

use crate::FAILURES;
use crate::job_file::job_id;
use crate::on_aws::deployment::{self, DeploymentArgs};
use crate::print::{self, counted};

/// List the tasks that are not in a deployed job's answer, and the subtasks that failed
#[derive(clap::Args)]
#[command(after_help = deployment::help(EXAMPLES))]
pub(crate) struct Args {
    /// The job's id
    #[arg(value_parser = job_id)]
    job: JobId,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    deployment: DeploymentArgs,
}

const EXAMPLES: &str = "\
Examples:
  squall missing JOB                       tasks by number, failed subtasks with their reasons
  squall missing JOB || squall retry JOB   send again what is missing, if anything is

Exit status: 0 nothing is missing and nothing failed, 1 something is, 2 rejected or no such job.";

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    deployment::visit(&args.deployment, async |deployment| {
        let store = deployment.store()?;
        let row = deployment.job(&store, &args.job).await?;
        let Some(published) = &row.published else {
            let reason = row.ending.as_ref().and_then(|ending| ending.reason.clone()).unwrap_or_default();
            bail!("job {} was rejected: {reason}", row.id);
        };
        // Results that came in after the end are in the buckets: those determine what a retry would send.
        let received = read_buckets(&store, &row.id, published).await?;
        let found = Found::new(&row, published, &received);
        print::answer(&if args.json {
            serde_json::to_string_pretty(&found.json())? + "\n"
        } else {
            found.text()
        })?;
        let whole = found.missing.is_empty() && received.failures.is_empty();
        Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(FAILURES) })
    })
}

/// The findings about a job.
struct Found<'a> {
    row: &'a JobRow,
    published: &'a Published,
    received: &'a Received,
    /// Ranges of tasks, first and last.
    missing: Vec<(u32, u32)>,
}

impl<'a> Found<'a> {
    fn new(row: &'a JobRow, published: &'a Published, received: &'a Received) -> Self {
        let missing = received.missing(published);
        let mut tasks = missing.iter();
        let missing = std::iter::from_fn(|| tasks.next_range()).map(|range| range.into_inner()).collect();
        Self { row, published, received, missing }
    }

    fn text(&self) -> String {
        let runs = self.row.ending.is_none();
        let n_missing = self.received.missing(self.published).len();
        let id = &self.row.id;
        let mut text = match (n_missing, self.received.failures.len()) {
            (0, 0) => format!("{id}: nothing is missing and nothing failed\n"),
            (0, _) => format!("{id}: every task came back\n"),
            (n_missing, _) => {
                let ranges: Vec<_> = self
                    .missing
                    .iter()
                    .map(
                        |(first, last)| {
                            if first == last { format!("{first}") } else { format!("{first}-{last}") }
                        },
                    )
                    .collect();
                let place = if runs { "not merged yet, as the job still runs" } else { "missing" };
                let n_tasks = counted(u64::from(self.published.n_tasks), "task");
                format!("{id}: {n_missing} of {n_tasks} {place}: {}\n", ranges.join(", "))
            }
        };
        for failure in &self.received.failures {
            text += &format!(
                "task {} subtask {} failed after {}: {}\n",
                failure.task,
                failure.subtask,
                counted(u64::from(failure.attempts), "attempt"),
                failure.reason
            );
        }
        text
    }

    fn json(&self) -> Value {
        let failures: Vec<_> = self
            .received
            .failures
            .iter()
            .map(|failure| {
                json!({
                    "task": failure.task, "subtask": failure.subtask,
                    "attempts": failure.attempts, "reason": failure.reason,
                })
            })
            .collect();
        json!({
            "job": self.row.id,
            "status": self.row.status(),
            "tasks": self.published.n_tasks,
            "missing": self.missing,
            "failures": failures,
        })
    }
}

#[cfg(test)]
mod tests;
