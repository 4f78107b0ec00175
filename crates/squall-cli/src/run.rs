//! `squall run`: one job through the whole grid, in this process.

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use squall_core::collate::Missing;
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::ports::chain;
use squall_core::prices::cost_of;
use squall_core::receipt::{Receipt, Stage};
use squall_core::registry::Rendered;
use squall_core::rows::{Ending, JobRow, JobStatus, Published};
use squall_core::sizing::duration;
use squall_grid::SplitOutcome;
use squall_local::{Finished, LocalConfig, LocalGrid, Stop};

use crate::print;
use crate::progress::Display;
use crate::{FAILURES, INTERRUPTED, USAGE_OR_INPUT};

/// Run a job on this machine, through the whole grid: splitter, streams, consumers, workers, collector
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The job, as it would be published; files that it names are relative to it
    job: JobFile,
    #[command(flatten)]
    grid: GridArgs,
    /// Print the answer as JSON instead of a table; everything but its `run` object is the same in every run
    #[arg(long)]
    json: bool,
    /// Write the JSON answer to this file as well
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// No progress and no closing lines
    #[arg(long, short)]
    quiet: bool,
}

/// How large the local grid is.
#[derive(clap::Args)]
pub(crate) struct GridArgs {
    /// Shards of the task stream
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    shards: u32,
    /// Lanes per shard; tasks of a lane run one after another
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10))]
    lanes: u32,
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
        Ok(LocalConfig {
            n_shards: self.shards,
            lanes_per_shard: self.lanes,
            ..LocalConfig::for_cores(n_workers)
        })
    }
}

/// A job's file.
#[derive(Clone)]
pub(crate) struct JobFile(PathBuf);

impl FromStr for JobFile {
    type Err = std::convert::Infallible;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Ok(Self(PathBuf::from(path)))
    }
}

impl JobFile {
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        std::fs::read(&self.0).with_context(|| format!("cannot read the job {}", self.0.display()))
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.0.parent().map(Path::to_owned).unwrap_or_default()
    }
}

static INTERRUPTED_ONCE: AtomicBool = AtomicBool::new(false);

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let config = args.grid.config()?;
    let message = args.job.read()?;
    let stop = Stop::default();
    let stopping = stop.clone();
    ctrlc::set_handler(move || {
        if INTERRUPTED_ONCE.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        print::aside("\nstopping; the answer so far follows (Ctrl-C again to leave at once)\n");
        stopping.stop();
    })
    .context("cannot listen for Ctrl-C")?;

    let report_file = args.report.as_deref().map(ReportFile::new).transpose()?;
    let delivery = JobId::new(format!("local-{}", Digest::of(&message).short()))?;
    let grid = LocalGrid::new(&config, squall_workloads::registry(), args.job.directory())?;
    let mut display = Display::new(!args.quiet, std::io::stderr().is_terminal());
    let finished = grid.run(&message, &delivery, &stop, &mut display);
    display.clear();
    let finished = match finished {
        Ok(finished) => finished,
        Err(error) => return Ok(print::error(&chain(&error), FAILURES)),
    };
    match &finished.outcome {
        SplitOutcome::Rejected(_, error) => return Ok(print::error(&error.to_string(), USAGE_OR_INPUT)),
        SplitOutcome::IdTaken(id) => anyhow::bail!("the id {id} belongs to another job"),
        SplitOutcome::Enqueued(_) | SplitOutcome::AlreadyEnqueued(_) => {}
    }
    let observation = finished.observation.as_ref().context("the job is gone")?;
    let rendered = observation.report().context("the answer cannot be read")?;
    let row = &observation.row;
    let ending = row.ending.as_ref().context("the job has not ended")?;
    let published = row.published.as_ref().context("the job published nothing")?;

    let answer = answer_json(&finished, row, ending, published, &rendered);
    let json = serde_json::to_string_pretty(&answer)? + "\n";
    let printed = if args.json {
        print::answer(&json)
    } else if ending.status == JobStatus::Complete {
        print::answer(&rendered.text)
    } else {
        print::answer(&format!("{}\n\n{}", banner(ending), rendered.text))
    };
    if !args.quiet {
        print::aside(&closing_lines(&finished, ending, published));
    }
    // Each way out is tried before the first failure is reported: the answer may have taken hours.
    let kept = report_file.map_or(Ok(()), |file| file.keep(&json));
    if let Err(error) = printed.and(kept) {
        return Ok(print::error(&format!("{error:#}"), FAILURES));
    }
    Ok(match ending.status {
        JobStatus::Complete => ExitCode::SUCCESS,
        JobStatus::Cancelled => ExitCode::from(INTERRUPTED),
        _ => ExitCode::from(FAILURES),
    })
}

/// A file for the answer, made beside its final name before the work begins: what cannot be written is known at once,
/// and an old report stays until there is a new one.
struct ReportFile<'a> {
    path: &'a Path,
    draft: PathBuf,
}

impl<'a> ReportFile<'a> {
    fn new(path: &'a Path) -> Result<Self> {
        anyhow::ensure!(!path.is_dir(), "cannot write the report: {} is a directory", path.display());
        let mut draft = path.as_os_str().to_owned();
        draft.push(".part");
        let draft = PathBuf::from(draft);
        std::fs::write(&draft, "").with_context(|| format!("cannot write the report {}", path.display()))?;
        Ok(Self { path, draft })
    }

    fn keep(self, text: &str) -> Result<()> {
        std::fs::write(&self.draft, text)
            .and_then(|()| std::fs::rename(&self.draft, self.path))
            .with_context(|| format!("cannot write the report {}", self.path.display()))
    }
}

impl Drop for ReportFile<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.draft);
    }
}

fn banner(ending: &Ending) -> String {
    let reason = ending.reason.as_deref().unwrap_or_default();
    let share = percent(ending.coverage.share());
    format!(
        "{}: {share} of the work is in this answer; {reason}",
        ending.status.to_string().to_uppercase().replace('_', " ")
    )
}

fn percent(share: f64) -> String {
    // Never round up to all of it.
    let floored = (share * 1_000.0).floor() / 10.0;
    format!("{floored:.1} %")
}

fn answer_json(
    finished: &Finished,
    row: &JobRow,
    ending: &Ending,
    published: &Published,
    rendered: &Rendered,
) -> Value {
    let sizing = &published.sizing;
    let failures: Vec<_> = ending
        .failures
        .iter()
        .map(|failure| {
            json!({
                "task": failure.task, "subtask": failure.subtask,
                "attempts": failure.attempts, "reason": failure.reason,
            })
        })
        .collect();
    let lost: Vec<_> = finished.lost.iter().map(|lost| &lost.reason).collect();
    json!({
        "workload": published.workload,
        "status": ending.status,
        "coverage": ending.coverage.share(),
        "report": rendered.json,
        "run": {
            "job": row.id,
            "reason": ending.reason,
            "tasks": published.n_tasks,
            "subtasks_per_task": sizing.subtasks_per_task,
            "sizing": sizing.to_string(),
            "missing": (!ending.missing.is_empty()).then(|| Missing(ending.missing.clone()).to_string()),
            "failures": failures,
            "given_up": lost,
            "seconds": seconds(finished.ended_us.saturating_sub(finished.started_us)),
            "seconds_to_first_result": first_result_s(finished, ending),
            "receipt": receipt_json(&ending.receipt),
            "timeline": {
                "queued": stage_json(&ending.timeline.queued),
                "divided": stage_json(&ending.timeline.divided),
                "cascaded": stage_json(&ending.timeline.cascaded),
                "collected": stage_json(&ending.timeline.collected),
            },
        },
    })
}

fn first_result_s(finished: &Finished, ending: &Ending) -> Option<f64> {
    let merged_us = ending.timeline.first_merged_us;
    (merged_us > 0).then(|| seconds(merged_us.saturating_sub(finished.started_us)))
}

fn receipt_json(receipt: &Receipt) -> Value {
    json!({
        "subtasks": receipt.subtasks,
        "invocations": receipt.invocations,
        "throttles": receipt.throttles,
        "retries": receipt.retries,
        "hedges": receipt.hedges,
        "worker_seconds": seconds(receipt.worker_us),
        "duplicate_seconds": seconds(receipt.duplicate_us),
        "cost_on_lambda_usd": cost_of(receipt).to_string().trim_start_matches('$'),
    })
}

fn stage_json(stage: &Stage) -> Value {
    json!({
        "mean_seconds": seconds(stage.sum_us / stage.n_tasks.max(1)),
        "max_seconds": seconds(stage.max_us),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a duration for people")]
fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

fn closing_lines(finished: &Finished, ending: &Ending, published: &Published) -> String {
    let receipt = &ending.receipt;
    let wall_us = finished.ended_us.saturating_sub(finished.started_us);
    let mut lines = format!(
        "\n{} in {}; {} of work by {} invocations; first result after {}\n",
        ending.status,
        duration(wall_us),
        duration(receipt.worker_us),
        receipt.invocations,
        first_result_s(finished, ending).map_or("–".to_owned(), |s| format!("{:.0} ms", s * 1e3)),
    );
    lines += &format!("cut: {}\n", published.sizing);
    let waits = [
        ("queued", ending.timeline.queued),
        ("divided", ending.timeline.divided),
        ("cascaded", ending.timeline.cascaded),
        ("collected", ending.timeline.collected),
    ];
    let waits =
        waits.map(|(name, stage)| format!("{name} {}", duration(stage.sum_us / stage.n_tasks.max(1))));
    lines += &format!("a task's way, on average: {}\n", waits.join(", "));
    lines += &format!("on Lambda (arm64, list price) this much work costs {}\n", cost_of(receipt));
    if receipt.retries + receipt.hedges + receipt.throttles > 0 {
        lines += &format!(
            "{} retries, {} second copies, {} throttles\n",
            receipt.retries, receipt.hedges, receipt.throttles
        );
    }
    for failure in ending.failures.iter().take(10) {
        lines += &format!("failed: task {} subtask {}: {}\n", failure.task, failure.subtask, failure.reason);
    }
    for lost in finished.lost.iter().take(10) {
        lines += &format!("given up: {}: {}\n", lost.record.partition_key, lost.reason);
    }
    lines
}
