//! `squall cancel`: ends a deployed job with the results it has.

use std::process::ExitCode;

use anyhow::{Context, Result};
use squall_core::job::JobId;
use squall_core::lifecycle::Closing;
use squall_core::ports::JobStore;
use squall_core::registry::Registry;
use squall_core::rows::{JobRow, JobStatus};
use squall_grid::{announce, close};

use crate::answer::percent;
use crate::job_file::job_id;
use crate::on_aws::deployment::{self, DeploymentArgs};
use crate::print;

/// End a deployed job with the answer that it has so far
#[derive(clap::Args)]
#[command(after_help = deployment::help(EXAMPLES))]
pub(crate) struct Args {
    /// The job's id
    #[arg(value_parser = job_id)]
    job: JobId,
    #[command(flatten)]
    deployment: DeploymentArgs,
}

const EXAMPLES: &str = "\
Examples:
  squall cancel JOB      waiting tasks never start; running tasks finish, but their results are not used
  squall result JOB      what was in the answer by then
  squall retry JOB       go on from there

A job that has ended already is left as it is, and that is no error.";

pub(crate) fn main(args: &Args, registry: &Registry) -> Result<ExitCode> {
    deployment::visit(&args.deployment, async |deployment| {
        let ports = deployment.cancel_ports()?;
        let row = deployment.job(&ports, &args.job).await?;
        match &row.ending {
            None => close(&ports, registry, &row, Closing::Cancelled).await?,
            // The collector that ended it may have died before it announced the end.
            Some(_) => announce(&ports, &row).await?,
        }
        let ended = ports.job(&args.job).await?.context("the job is gone")?;
        print::aside(&(outcome(&row, &ended, &args.deployment.again()) + "\n"));
        Ok(ExitCode::SUCCESS)
    })
}

/// The outcome, in words.
fn outcome(before: &JobRow, after: &JobRow, again: &str) -> String {
    let (id, status) = (&after.id, after.status());
    let share = after.ending.as_ref().map_or(0.0, |ending| ending.coverage.share());
    match status {
        _ if before.ending.is_some() => format!("{id} had ended before: {status}"),
        JobStatus::Cancelled => {
            format!(
                "cancelled {id}: {} of the work is in its answer (squall result {id}{again})",
                percent(share)
            )
        }
        // Its last task came in, or another caller ended it, meanwhile.
        _ => format!("{id} ended by itself meanwhile: {status}"),
    }
}

#[cfg(test)]
mod tests;
