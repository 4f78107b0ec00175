//! `squall result`: the answer of a deployed job, or the answer so far.

use std::process::ExitCode;

use anyhow::{Context, Result};
use squall_core::job::JobId;
use squall_core::registry::Registry;
use squall_grid::{InputCache, observe};

use crate::answer::{OutputArgs, conclude, give_so_far};
use crate::job_file::job_id;
use crate::on_aws::deployment::{self, DeploymentArgs};
use crate::on_aws::watch::OnlyArgs;
use crate::{FAILURES, print};

/// Print the answer of a deployed job; while it runs, the answer so far
#[derive(clap::Args)]
#[command(after_help = deployment::help(EXAMPLES))]
pub(crate) struct Args {
    /// The job's id
    #[arg(value_parser = job_id)]
    job: JobId,
    #[command(flatten)]
    only: OnlyArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    deployment: DeploymentArgs,
}

const EXAMPLES: &str = "\
Examples:
  squall result JOB                          the answer as a table
  squall result JOB --json | jq .report      for programs
  squall result JOB --report answer.json     into a file as well
  squall result JOB --csv pnl.csv            its rows: of a portfolio, every scenario's P&L

Exit status: 0 a whole answer, 1 an incomplete answer or AWS unavailable, 2 rejected or no such job.";

pub(crate) fn main(args: &Args, registry: &Registry) -> Result<ExitCode> {
    let files = args.output.files()?;
    deployment::visit(&args.deployment, async |deployment| {
        let store = deployment.store()?;
        // Read first, and separately: an error here is not one of the answer.
        let row = deployment.job(&store, &args.job).await?;
        if !args.only.is(&row) {
            return Err(args.only.another(&row));
        }
        let inputs = InputCache::new(registry.clone());
        let observation = observe(&store, &inputs, &args.job)
            .await
            .context("cannot read the answer")?
            .context("the job is gone")?;
        if observation.row.ending.is_some() {
            return conclude(&observation, &deployment.description()?, &args.output, files);
        }
        if let Err(error) = give_so_far(&observation, &args.output, files) {
            return Ok(print::error(&format!("{error:#}"), FAILURES));
        }
        if !args.output.quiet {
            let again = args.deployment.again();
            print::aside(&format!(
                "\nthe job is still running, and this answer is incomplete; follow it: squall watch {}{again}\n",
                args.job
            ));
        }
        Ok(ExitCode::from(FAILURES))
    })
}
