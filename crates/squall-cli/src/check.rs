//! `squall check`: validates a job and explains how it would be cut, without running it.

use std::process::ExitCode;

use squall_core::deployment::Deployment;
use squall_core::registry::Registry;
use squall_core::sizing::{duration, fullest_lane};
use squall_grid::{Checked, SplitConfig};
use squall_local::{LocalConfig, LocalGrid};

use crate::job_file::{FilesArgs, JobFile};
#[cfg(feature = "aws")]
use crate::on_aws::deployment::{self, DeploymentArgs};
use crate::programs;
use crate::run::GridArgs;

/// Check a job and explain how it would be cut, and what it would cost, without running it
#[derive(clap::Args)]
#[cfg_attr(feature = "aws", command(after_help = deployment::help(EXAMPLES)))]
#[cfg_attr(feature = "aws", command(mut_arg("stack", |it| it.conflicts_with_all(GRID))))]
#[cfg_attr(feature = "aws", command(mut_arg("config", |it| it.conflicts_with_all(GRID))))]
pub(crate) struct Args {
    /// The job, as it would be published; files that it names are below its folder
    job: JobFile,
    #[command(flatten)]
    files: FilesArgs,
    #[command(flatten)]
    grid: GridArgs,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    deployment: DeploymentArgs,
}

#[cfg(feature = "aws")]
const GRID: [&str; 3] = ["shards", "lanes", "workers"];

#[cfg(feature = "aws")]
const EXAMPLES: &str = "\
Examples:
  squall check JOB                           on this machine, or in the deployment configured as below
  squall check JOB --stack SquallState       in that deployment, with the price
  squall check JOB --shards 4 --workers 8    on this machine, with this many shards and workers";

pub(crate) fn main(args: &Args, registry: &Registry) -> anyhow::Result<ExitCode> {
    let message = args.job.read()?;
    let directory = args.job.directory(&args.files);
    let check = |registry: Registry, split: &SplitConfig, n_shards| {
        LocalGrid::check(split, n_shards, registry, &directory, &message)
    };
    let text = match deployed(args)? {
        Some(deployment) => {
            let registry = programs::accepting(registry, &deployment);
            in_deployment(&check(registry, &SplitConfig::of(&deployment), deployment.shards)?, &deployment)
        }
        None => {
            let config = args.grid.config()?;
            here(&check(registry.clone(), &config.split(), config.n_shards)?, &config)
        }
    };
    crate::print::answer(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The deployment that is meant; `None` for this machine.
#[cfg(feature = "aws")]
fn deployed(args: &Args) -> anyhow::Result<Option<Deployment>> {
    if args.grid.is_said() { Ok(None) } else { deployment::described(&args.deployment) }
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unnecessary_wraps, reason = "with AWS it may fail")]
fn deployed(_: &Args) -> anyhow::Result<Option<Deployment>> {
    Ok(None)
}

fn here(checked: &Checked, config: &LocalConfig) -> String {
    let (n_shards, n_lanes) = (config.n_shards, config.n_shards * config.lanes_per_shard);
    let grid = format!("grid: shards {n_shards}, lanes {n_lanes} in all, workers {}\n", config.n_workers);
    let cap = checked.job.max_cost.map_or("none".to_owned(), |cap| cap.to_string());
    explained(checked, &grid, &cap, config.deployment().default_deadline_s)
}

fn in_deployment(checked: &Checked, deployment: &Deployment) -> String {
    let estimate = deployment.estimate(checked.weight, &checked.sizing);
    let (cost, list) = (deployment.prices().cost_of(&estimate), deployment.price_list());
    let cap = deployment.caps().cost_of(&checked.job);
    let exceeded = if cost > cap { ", more than its cap" } else { "" };
    let asked = deployment.concurrency();
    let concurrency = match deployment.account_concurrency {
        Some(has) if asked > has.into() => {
            format!("{asked}, more than the account's {has}: the excess is throttled")
        }
        Some(has) => format!("{asked} of the account's {has}"),
        None => asked.to_string(),
    };
    let grid = format!(
        "deployment: {}, in {} with {}\nconcurrency at most: {concurrency}\n{}\n\
         price: about {cost}{exceeded} ({list}), assuming no retries or second copies\n",
        deployment.size(),
        deployment.region,
        crate::print::counted(deployment.stripes.into(), "stripe"),
        makespan(deployment, checked),
    );
    let cap = match checked.job.max_cost {
        Some(cap) => cap.to_string(),
        None => format!("{cap}, as of any job that names none"),
    };
    explained(checked, &grid, &cap, deployment.default_deadline_s)
}

/// How long the lanes take. Lambda assigns the tasks of a shard to its lanes by a hash, so they fill unevenly.
fn makespan(deployment: &Deployment, Checked { weight, sizing, .. }: &Checked) -> String {
    let task_us = deployment.task_us(sizing);
    let capacity = deployment.capacity();
    let n_shards = capacity.shards_of(capacity.is_express(sizing.n_tasks.into(), *weight)).len();
    let n_shards = u32::try_from(n_shards).unwrap_or(u32::MAX);
    let per_shard = sizing.n_tasks.div_ceil(n_shards.max(1));
    let even = per_shard.div_ceil(deployment.lanes_per_shard.max(1));
    let fullest = fullest_lane(n_shards, per_shard, deployment.lanes_per_shard);
    let about = duration(fullest.saturating_mul(task_us) / 1_000);
    if deployment.lanes_per_shard == 1 {
        return format!("time: about {about} once all workers have started");
    }
    format!(
        "time: about {about} once all workers have started: of the {} of a shard the fullest lane gets {}.{}, and {even} if \
         hashing were even",
        crate::print::counted(per_shard.into(), "task"),
        fullest / 1_000,
        fullest % 1_000 / 100,
    )
}

fn explained(
    Checked { job, weight, sizing, notes }: &Checked,
    grid: &str,
    cap: &str,
    default_deadline_s: u64,
) -> String {
    let deadline = match job.deadline_s {
        Some(seconds) => duration(seconds * 1_000_000),
        None => format!("{}, as of any job that names none", duration(default_deadline_s * 1_000_000)),
    };
    let notes: String = notes.iter().map(|note| format!("note: {note}\n")).collect();
    format!(
        "ok: a `{}` job\n{notes}work: about {} of one core\ncut: {sizing}\n{grid}cost cap: {cap}\ndeadline: {deadline}\n",
        job.workload,
        duration(weight / 1_000),
    )
}

#[cfg(test)]
mod tests;
