//! `squall retry`: reopens an ended job, for its missing and failed work.

use std::process::ExitCode;

use anyhow::Result;
use squall_core::job::{JobId, MAX_DEADLINE_S};
use squall_core::lifecycle::{NotResent, ResendRequest};
use squall_core::prices::NanoUsd;
use squall_core::registry::Registry;
use squall_grid::{InputCache, ResendError, Resent, resend};

use crate::answer::OutputArgs;
use crate::job_file::job_id;
use crate::on_aws::deployment::{self, DeploymentArgs};
use crate::on_aws::watch::Watch;
use crate::print::{self, counted};

/// Retry the missing and failed work of an ended job
#[derive(clap::Args)]
#[command(after_help = deployment::help(EXAMPLES))]
#[command(mut_arg("json", |it| it.requires("watch")), mut_arg("report", |it| it.requires("watch")), mut_arg("csv", |it| it.requires("watch")))]
pub(crate) struct Args {
    /// The job's id (unchanged by a retry)
    #[arg(value_parser = job_id)]
    job: JobId,
    /// Seconds from now after which it ends with a partial answer [default: as long as the last time]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MAX_DEADLINE_S))]
    deadline_s: Option<u64>,
    /// Total cost cap in USD, including earlier attempts [default: unchanged]
    #[arg(long, value_name = "X", value_parser = cost)]
    max_cost_usd: Option<NanoUsd>,
    /// Follow it to its end and print its answer, as `squall watch` does
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    deployment: DeploymentArgs,
}

const EXAMPLES: &str = "\
Examples:
  squall missing JOB                         what would be sent
  squall retry JOB --watch                   send it and wait for the answer
  squall retry JOB --max-cost-usd 20         a job that was over its budget needs a higher one";

pub(crate) fn main(args: &Args, registry: &Registry) -> Result<ExitCode> {
    let files = args.output.files()?;
    let request = ResendRequest {
        lifetime_us: args.deadline_s.map(|seconds| seconds.saturating_mul(1_000_000)),
        max_cost: args.max_cost_usd,
    };
    deployment::visit(&args.deployment, async |deployment| {
        let (ports, description) = (deployment.resend_ports()?, deployment.description()?);
        let inputs = InputCache::new(registry.clone());
        deployment.job(&ports, &args.job).await?;
        let done = match resend(&ports, &inputs, &description, &args.job, &request).await {
            Ok(Resent { n_missing: 0, n_failed: 0 }) => format!(
                "nothing was sent: all that was missing in {} has come in since it ended; it ends anew, with that in its answer",
                args.job
            ),
            Ok(resent) => format!(
                "sent again of {}: {} that had not come back, {} that had failed",
                args.job,
                counted(resent.n_missing, "task"),
                counted(resent.n_failed, "subtask"),
            ),
            Err(ResendError::Not(id, NotResent::Complete)) => {
                format!("{id} is complete: nothing is missing and nothing failed, so nothing was sent")
            }
            Err(error) => return Err(error.into()),
        };
        if !args.output.quiet {
            print::aside(&format!("{done}\n"));
        }
        if !args.watch {
            return Ok(ExitCode::SUCCESS);
        }
        let watch = Watch::new(&deployment, &args.deployment, registry, args.job.clone(), None)?;
        watch.to_the_end(&args.output, files).await
    })
}

fn cost(text: &str) -> Result<NanoUsd, String> {
    let usd: Option<f64> = text.parse().ok();
    usd.and_then(NanoUsd::from_usd)
        .filter(|cost| cost.0 > 0)
        .ok_or_else(|| "expected US dollars from 0.000000001 to 1000000".to_owned())
}
