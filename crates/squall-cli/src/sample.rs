//! `squall sample`: writes sample inputs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use squall_core::sources::Files;
use squall_workloads::{logscan, portfolio};

/// Write inputs to start from
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    workload: Workload,
}

#[derive(clap::Subcommand)]
enum Workload {
    Portfolio(PortfolioArgs),
    Logs(LogsArgs),
}

/// Write a made-up book of options, bonds and swaps, a market, and a job that finds their risk
#[derive(clap::Args)]
struct PortfolioArgs {
    /// Output directory, created if missing
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Positions in the book
    #[arg(long, value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    positions: u32,
    /// Monte Carlo scenarios
    #[arg(long, value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    scenarios: u32,
    /// Which book, market and scenarios; the same seed gives the same bytes
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Replace existing files
    #[arg(long)]
    force: bool,
}

/// Write a day of made-up logs, and a job that searches them
#[derive(clap::Args)]
struct LogsArgs {
    /// Output directory, created if missing
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// About their size, unpacked
    #[arg(long, value_name = "N", default_value_t = 20_000_000,
          value_parser = clap::value_parser!(u64).range(100_000..=4_000_000_000))]
    bytes: u64,
    /// Which logs; the same seed gives the same bytes
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Replace existing files
    #[arg(long)]
    force: bool,
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let (directory, files) = match &args.workload {
        Workload::Portfolio(args) => {
            check_free(&args.directory, args.force, &portfolio::sample::FILE_NAMES.map(str::to_owned))?;
            let request = portfolio::sample::SampleRequest {
                n_positions: args.positions,
                n_scenarios: args.scenarios,
                seed: args.seed,
            };
            (&args.directory, portfolio::sample::sample(&request))
        }
        Workload::Logs(args) => {
            let request = logscan::sample::SampleRequest { bytes: args.bytes, seed: args.seed };
            check_free(&args.directory, args.force, &logscan::sample::names(&request))?;
            (&args.directory, logscan::sample::sample(&request))
        }
    };
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    write_all(directory, &files)?;
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    crate::print::aside(&format!(
        "wrote {} to {}\nrun it: squall run {}\n",
        names.join(", "),
        directory.display(),
        directory.join("job.json").display(),
    ));
    Ok(ExitCode::SUCCESS)
}

/// Refuses to replace a file, before any is made.
fn check_free(directory: &Path, force: bool, names: &[String]) -> Result<()> {
    for name in names.iter().filter(|_| !force) {
        let path = directory.join(name);
        let is_there = path.symlink_metadata().is_ok();
        anyhow::ensure!(!is_there, "{} already exists; --force replaces it", path.display());
    }
    Ok(())
}

/// Writes every file beside its final name before it renames them all, so that a full disk replaces nothing.
fn write_all(directory: &Path, files: &Files) -> Result<()> {
    let unfinished = |name: &str| directory.join(format!(".{name}.unfinished"));
    let written = files.iter().try_for_each(|(name, bytes)| {
        let path = unfinished(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    });
    let placed = written.and_then(|()| {
        files.keys().try_for_each(|name| {
            let path = directory.join(name);
            fs::rename(unfinished(name), &path).with_context(|| format!("cannot write {}", path.display()))
        })
    });
    if placed.is_err() {
        for name in files.keys() {
            // It may never have been written; the first error is the one that matters.
            let _ = fs::remove_file(unfinished(name));
        }
    }
    placed
}
