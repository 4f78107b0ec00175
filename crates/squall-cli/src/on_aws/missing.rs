//! `squall missing`: which tasks are not in the answer of a deployed job, and which subtasks failed.

use std::process::ExitCode;

use anyhow::{Result, bail};
use roaring::RoaringBitmap;
use serde_json::{Value, json};
use squall_core::collate::Received;
use squall_core::job::JobId;
use squall_core::rows::{JobRow, Published};
use squall_core::wire::Failure;
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
        let received = read_buckets(&store, &row.id, published).await?;
        let found = Found::new(&row, published, &received);
        print::answer(&if args.json {
            serde_json::to_string_pretty(&found.json())? + "\n"
        } else {
            found.text()
        })?;
        let whole = found.missing.is_empty() && found.failures.is_empty();
        Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(FAILURES) })
    })
}

/// The findings about a job.
struct Found<'a> {
    row: &'a JobRow,
    published: &'a Published,
    /// Tasks that are not in the answer, or not yet.
    missing: RoaringBitmap,
    /// Subtasks without a value.
    failures: &'a [Failure],
    /// Of the missing tasks, those that came in after the end: a retry does not send them again.
    late: RoaringBitmap,
}

impl<'a> Found<'a> {
    /// What the answer of a job that has ended lacks; of a job that runs, what its buckets lack.
    fn new(row: &'a JobRow, published: &'a Published, received: &'a Received) -> Self {
        let now_missing = received.missing(published);
        match &row.ending {
            None => Self {
                row,
                published,
                missing: now_missing,
                failures: &received.failures,
                late: RoaringBitmap::new(),
            },
            Some(ending) => Self {
                row,
                published,
                missing: ending.missing.clone(),
                failures: &ending.failures,
                // Those with subtasks that have no value are sent again in part.
                late: &(&ending.missing - &now_missing)
                    - &received.failures.iter().map(|it| it.task).collect::<RoaringBitmap>(),
            },
        }
    }

    fn text(&self) -> String {
        let runs = self.row.ending.is_none();
        let id = &self.row.id;
        let mut text = match (self.missing.len(), self.failures.len()) {
            (0, 0) => format!("{id}: nothing is missing and nothing failed\n"),
            (0, _) => format!("{id}: every task came back\n"),
            (n_missing, _) => {
                let listed: Vec<_> = ranges(&self.missing)
                    .map(
                        |(first, last)| {
                            if first == last { format!("{first}") } else { format!("{first}-{last}") }
                        },
                    )
                    .collect();
                let place = if runs { "not merged yet, as the job still runs" } else { "missing" };
                let n_tasks = counted(u64::from(self.published.n_tasks), "task");
                format!("{id}: {n_missing} of {n_tasks} {place}: {}\n", listed.join(", "))
            }
        };
        if !self.late.is_empty() {
            let n_late = self.late.len();
            text += &format!(
                "{n_late} of them came in after the end: `squall retry` does not send those again\n"
            );
        }
        for failure in self.failures {
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
            "missing": ranges(&self.missing).collect::<Vec<_>>(),
            "came_after_the_end": ranges(&self.late).collect::<Vec<_>>(),
            "failures": failures,
        })
    }
}

/// Ranges of tasks, first and last.
fn ranges(tasks: &RoaringBitmap) -> impl Iterator<Item = (u32, u32)> {
    let mut tasks = tasks.iter();
    std::iter::from_fn(move || tasks.next_range()).map(std::ops::RangeInclusive::into_inner)
}

#[cfg(test)]
mod tests;
