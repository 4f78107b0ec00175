//! `squall check`: validates a job and explains how it would be cut, without running it.

use std::process::ExitCode;

use squall_core::registry::Registry;
use squall_core::sizing::duration;
use squall_local::LocalGrid;

use crate::job_file::JobFile;
use crate::run::GridArgs;

/// Check a job and explain how it would be cut, without running it
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The job, as it would be published
    job: JobFile,
    #[command(flatten)]
    grid: GridArgs,
}

pub(crate) fn main(args: &Args, registry: &Registry) -> anyhow::Result<ExitCode> {
    let config = args.grid.config()?;
    let message = args.job.read()?;
    let checked = LocalGrid::check(&config, registry.clone(), args.job.directory(), &message)?;
    let job = &checked.job;
    let (n_shards, n_lanes) = (config.n_shards, config.n_shards * config.lanes_per_shard);
    let cap = job.max_cost.map_or("none".to_owned(), |cap| cap.to_string());
    let deadline = job.deadline_s.map_or("none".to_owned(), |seconds| duration(seconds * 1_000_000));
    crate::print::answer(&format!(
        "ok: a `{}` job\nwork: about {} of one core\ncut: {}\ngrid: shards {n_shards}, lanes {n_lanes}, workers {}\n\
         cost cap: {cap}\ndeadline: {deadline}\n",
        job.workload,
        duration(checked.weight / 1_000),
        checked.sizing,
        config.n_workers,
    ))?;
    Ok(ExitCode::SUCCESS)
}
