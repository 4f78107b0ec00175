//! `squall check`: validates a job and explains how it would be cut, without running it.

use std::process::ExitCode;

use squall_core::sizing::duration;
use squall_local::LocalGrid;

use crate::run::{GridArgs, JobFile};

/// Check a job and explain how it would be cut, without running it
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The job, as it would be published
    job: JobFile,
    #[command(flatten)]
    grid: GridArgs,
}

pub(crate) fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let config = args.grid.config()?;
    let message = args.job.read()?;
    let registry = squall_workloads::registry();
    let checked = LocalGrid::check(&config, registry, args.job.directory(), &message)?;
    let sizing = checked.sizing;
    println!("ok: a `{}` job", checked.job.workload);
    println!("work: about {} of one core", duration(checked.weight / 1_000));
    println!("cut: {sizing}");
    let (n_shards, n_lanes) = (config.n_shards, config.n_shards * config.lanes_per_shard);
    println!("grid: {n_shards} shards, {n_lanes} lanes, {} workers", config.n_workers);
    match checked.job.max_cost {
        Some(cap) => println!("cost cap: {cap}"),
        None => println!("cost cap: none"),
    }
    Ok(ExitCode::SUCCESS)
}
