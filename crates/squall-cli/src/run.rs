//! `squall run`: one job through the whole grid, in this process.

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::ports::chain;
use squall_core::registry::Registry;
use squall_core::rows::JobStatus;
use squall_grid::SplitOutcome;
use squall_local::{Directory, Finished, LocalConfig, LocalGrid, RunError, Stop};

use crate::answer::{Ended, OutputArgs};
use crate::interrupt::on_each_ctrl_c;
use crate::job_file::{FilesArgs, JobFile};
use crate::print;
use crate::programs::{Connected, ProgramArgs};
use crate::progress::Display;
use crate::{FAILURES, INTERRUPTED, USAGE_OR_INPUT};

/// Run a job on this machine, through the whole grid
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The job, as it would be published; files that it names are relative to it, and below its folder
    job: JobFile,
    #[command(flatten)]
    files: FilesArgs,
    #[command(flatten)]
    grid: GridArgs,
    #[command(flatten)]
    programs: ProgramArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// How large the local grid is.
#[derive(clap::Args)]
pub(crate) struct GridArgs {
    /// Shards of the task stream [default: 2]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    shards: Option<u32>,
    /// Lanes per shard; tasks of a lane run one after another [default: 1]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10))]
    lanes: Option<u32>,
    /// Workers, one core each [default: one per core]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=4_096))]
    workers: Option<u16>,
}

impl GridArgs {
    pub(crate) fn config(&self) -> Result<LocalConfig> {
        let n_workers = match self.workers {
            Some(workers) => NonZeroUsize::new(usize::from(workers)).context("--workers must not be 0")?,
            None => std::thread::available_parallelism().context("cannot count the cores; use --workers")?,
        };
        let usual = LocalConfig::for_cores(n_workers);
        Ok(LocalConfig {
            n_shards: self.shards.unwrap_or(usual.n_shards),
            lanes_per_shard: self.lanes.unwrap_or(usual.lanes_per_shard),
            ..usual
        })
    }

    /// Whether anything is said of the grid on this machine.
    pub(crate) fn is_said(&self) -> bool {
        self.shards.is_some() || self.lanes.is_some() || self.workers.is_some()
    }
}

pub(crate) fn main(args: &Args, registry: &Registry) -> Result<ExitCode> {
    let config = args.grid.config()?;
    let message = args.job.read()?;
    let connected = Connected::of_job(&args.programs, registry, args.job.folder(), &message)?;
    args.output.check_rows(registry, &message)?;
    let files = args.output.files()?;
    let directory = args.job.directory(&args.files);
    let stop = stop_at_ctrl_c(&connected)?;
    let finished = match finish(&config, &connected, &stop, directory, &message, args.output.quiet)? {
        Ok(finished) => finished,
        Err(error) => return Ok(print::error(&chain(&error), FAILURES)),
    };
    match &finished.outcome {
        SplitOutcome::Rejected(_, error) => return Ok(print::error(&error.to_string(), USAGE_OR_INPUT)),
        SplitOutcome::IdTaken(id) => anyhow::bail!("the id {id} belongs to another job"),
        SplitOutcome::Enqueued { .. } | SplitOutcome::AlreadyEnqueued(_) => {}
    }
    let observation = finished.observation.as_ref().context("the job is gone")?;
    let deployment = config.deployment();
    let span = (finished.started_us, finished.ended_us);
    let answer = Ended::new(observation, &deployment, span, Some(&finished.lost))?;
    if let Err(error) = answer.give(&args.output, files) {
        return Ok(print::error(&format!("{error:#}"), FAILURES));
    }
    // Only Ctrl-C cancels a local job.
    Ok(match answer.status() {
        JobStatus::Cancelled => ExitCode::from(INTERRUPTED),
        _ => answer.exit(),
    })
}

/// What the first Ctrl-C stops; the second leaves, without programs that run on.
///
/// # Errors
/// When the system does not let us install a handler.
pub(crate) fn stop_at_ctrl_c(connected: &Connected) -> Result<Stop> {
    let stop = Stop::default();
    let stopping = stop.clone();
    let programs = Arc::clone(connected.programs());
    let first = move || {
        print::aside("\nstopping; the answer so far follows (Ctrl-C again to leave at once)\n");
        stopping.stop();
    };
    on_each_ctrl_c(first, move || programs.end_all())?;
    Ok(stop)
}

/// Runs a message to its end, or until it is stopped. The programs of its workers are ended before this returns.
///
/// # Errors
/// When the grid cannot be started; the inner error when the message could not be delivered, or the answer not be read.
pub(crate) fn finish(
    config: &LocalConfig,
    connected: &Connected,
    stop: &Stop,
    directory: Directory,
    message: &[u8],
    quiet: bool,
) -> Result<Result<Finished, RunError>> {
    let delivery = JobId::new(format!("local-{}", Digest::of(message).short()))?;
    let grid = LocalGrid::new(config, connected.registry.clone(), directory)?;
    let mut display = Display::new(!quiet, std::io::stderr().is_terminal());
    let finished = grid.run(message, &delivery, stop, &mut display);
    display.clear();
    connected.programs().end_all();
    Ok(finished)
}
