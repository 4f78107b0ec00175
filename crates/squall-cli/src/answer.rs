//! The answer of a job, for people and for programs: the same from `run`, `watch` and `result`.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use squall_core::collate::Missing;
use squall_core::deployment::Deployment;
use squall_core::job::Job;
use squall_core::prices::{NanoUsd, Prices};
use squall_core::receipt::{Receipt, Stage};
use squall_core::registry::{Registry, Rendered};
use squall_core::rows::{Ending, JobRow, JobStatus, Published};
use squall_core::sizing::duration;
use squall_grid::Observation;
use squall_local::Lost;

use crate::print;
use crate::report_file::ReportFile;
use crate::{FAILURES, USAGE_OR_INPUT};

/// How the answer is given.
#[derive(clap::Args)]
pub(crate) struct OutputArgs {
    /// Print the answer as JSON instead of a table; everything but its `run` object is the same in every run
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the JSON answer to this file as well
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write the answer's rows to this file: of a portfolio, every scenario's P&L, whole and by book; of an external job, its values
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Print only the answer
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl OutputArgs {
    /// The files that are asked for: checked to be writable before the work begins.
    pub(crate) fn files(&self) -> Result<AnswerFiles<'_>> {
        let report = self.report.as_deref().map(ReportFile::new).transpose()?;
        let csv = self.csv.as_deref().map(ReportFile::new).transpose()?;
        let same = report.as_ref().zip(csv.as_ref()).is_some_and(|(report, csv)| report.replaces_what(csv));
        anyhow::ensure!(!same, "--report and --csv name the same file");
        Ok(AnswerFiles { report, csv })
    }

    /// Refuses rows of a job whose answer has none, before anything is computed. A message that is no job is refused elsewhere.
    pub(crate) fn check_rows(&self, registry: &Registry, message: &[u8]) -> Result<()> {
        let Ok(job) = Job::from_message(message) else { return Ok(()) };
        let has_rows = registry.get(&job.workload).is_ok_and(|workload| workload.has_rows());
        anyhow::ensure!(self.csv.is_none() || has_rows, "--csv: an answer of {} has no rows", job.workload);
        Ok(())
    }
}

/// The files that an answer goes to.
pub(crate) struct AnswerFiles<'a> {
    report: Option<ReportFile<'a>>,
    csv: Option<ReportFile<'a>>,
}

impl AnswerFiles<'_> {
    /// Writes the answer. Each file is tried before the first failure is reported.
    fn keep(self, json: &str, observation: &Observation) -> Result<()> {
        let report = self.report.map_or(Ok(()), |file| file.keep(json));
        let csv = self.csv.map_or(Ok(()), |file| {
            file.keep_what(|out| match observation.write_rows(out)? {
                true => Ok(()),
                false => Err(io::Error::other("this workload's answer has no rows")),
            })
        });
        report.and(csv)
    }
}

/// The answer of a job that has ended.
pub(crate) struct Ended<'a> {
    observation: &'a Observation,
    row: &'a JobRow,
    deployment: &'a Deployment,
    ending: &'a Ending,
    published: &'a Published,
    rendered: Rendered,
    started_us: u64,
    ended_us: u64,
    given_up: Option<&'a [Lost]>,
}

impl<'a> Ended<'a> {
    /// As the store alone shows it: it began when the splitter accepted it, or when it was reopened, and the records that the streams gave up
    /// are not known.
    fn in_store(observation: &'a Observation, deployment: &'a Deployment) -> Result<Self> {
        let ending = observation.row.ending.as_ref().context("the job has not ended")?;
        Self::new(observation, deployment, (observation.row.began_us(), ending.ended_us), None)
    }

    /// As observed by a caller that waited from one time to another, microseconds of the grid's clock.
    pub(crate) fn new(
        observation: &'a Observation,
        deployment: &'a Deployment,
        (started_us, ended_us): (u64, u64),
        given_up: Option<&'a [Lost]>,
    ) -> Result<Self> {
        let rendered = observation.report().context("the answer cannot be read")?;
        let row = &observation.row;
        let ending = row.ending.as_ref().context("the job has not ended")?;
        let published = row.published.as_ref().context("the job published nothing")?;
        Ok(Self { observation, row, deployment, ending, published, rendered, started_us, ended_us, given_up })
    }

    pub(crate) fn status(&self) -> JobStatus {
        self.ending.status
    }

    /// Exit status: whether the answer is whole.
    pub(crate) fn exit(&self) -> ExitCode {
        match self.ending.status {
            JobStatus::Complete => ExitCode::SUCCESS,
            _ => ExitCode::from(FAILURES),
        }
    }

    /// Prints the answer and writes it to the files. Each output is tried before the first failure is reported:
    /// the answer may have taken hours.
    ///
    /// # Errors
    /// When one of the outputs fails.
    pub(crate) fn give(&self, output: &OutputArgs, files: AnswerFiles<'_>) -> Result<()> {
        let text = || match self.ending.status {
            JobStatus::Complete => self.rendered.text.clone(),
            _ => format!("{}\n\n{}", self.banner(), self.rendered.text),
        };
        self.give_as(text, output, files)
    }

    /// The same with another text than the report's.
    ///
    /// # Errors
    /// When one of the outputs fails.
    pub(crate) fn give_as(
        &self,
        text: impl FnOnce() -> String,
        output: &OutputArgs,
        files: AnswerFiles<'_>,
    ) -> Result<()> {
        let json = serde_json::to_string_pretty(&self.json())? + "\n";
        let printed = if output.json { print::answer(&json) } else { print::answer(&text()) };
        if !output.quiet {
            print::aside(&self.closing_lines());
        }
        printed.and(files.keep(&json, self.observation))
    }

    fn banner(&self) -> String {
        let reason = self.ending.reason.as_deref().unwrap_or_default();
        let share = percent(self.ending.coverage.share());
        format!("{}: {share} of the work is in this answer; {reason}", shouted(self.ending.status))
    }

    fn json(&self) -> Value {
        let Self { row, ending, published, .. } = self;
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
        let given_up =
            self.given_up.map(|given_up| given_up.iter().map(|lost| &lost.reason).collect::<Vec<_>>());
        json!({
            "workload": published.workload,
            "status": ending.status,
            "coverage": ending.coverage.share(),
            "report": self.rendered.json,
            "run": {
                "job": row.id,
                "reason": ending.reason,
                "tasks": published.n_tasks,
                "subtasks_per_task": published.sizing.subtasks_per_task,
                "sizing": published.sizing.to_string(),
                "missing": (!ending.missing.is_empty()).then(|| Missing(ending.missing.clone()).to_string()),
                "failures": failures,
                "given_up": given_up,
                "seconds": seconds(self.wall_us()),
                "seconds_to_first_result": self.first_result_s(),
                "receipt": receipt_json(&ending.receipt, &self.deployment.prices()),
                "cost_after_the_end_usd": usd(self.cost_after_the_end()),
                "timeline": {
                    "queued": stage_json(&ending.timeline.queued),
                    "divided": stage_json(&ending.timeline.divided),
                    "cascaded": stage_json(&ending.timeline.cascaded),
                    "collected": stage_json(&ending.timeline.collected),
                },
            },
        })
    }

    /// What tasks cost that were under way at the end; their values are not in the answer.
    fn cost_after_the_end(&self) -> NanoUsd {
        let prices = self.deployment.prices();
        NanoUsd(self.row.cost(&prices).0.saturating_sub(prices.cost_of(&self.ending.receipt).0))
    }

    fn wall_us(&self) -> u64 {
        self.ended_us.saturating_sub(self.started_us)
    }

    fn first_result_s(&self) -> Option<f64> {
        let merged_us = self.ending.timeline.first_merged_us;
        // The first result of a job that was reopened came before that.
        merged_us.checked_sub(self.started_us).map(seconds)
    }

    fn closing_lines(&self) -> String {
        let Self { ending, published, .. } = self;
        let receipt = &ending.receipt;
        let mut lines = format!(
            "\n{} in {}; {} of work by {} invocations; first result after {}\n",
            ending.status,
            duration(self.wall_us()),
            duration(receipt.worker_us),
            receipt.invocations,
            self.first_result_s().map_or("–".to_owned(), |s| format!("{:.0} ms", s * 1e3)),
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
        lines += &format!("average time per task: {}\n", waits.join(", "));
        let (list, cost) = (self.deployment.price_list(), self.deployment.prices().cost_of(receipt));
        lines += &format!("cost at AWS prices ({list}): {cost}\n");
        if self.cost_after_the_end() > NanoUsd(0) {
            lines +=
                &format!("tasks that came in after the end cost another {}\n", self.cost_after_the_end());
        }
        if receipt.retries + receipt.hedges + receipt.throttles > 0 {
            lines += &format!(
                "{} retries, {} second copies, {} throttles\n",
                receipt.retries, receipt.hedges, receipt.throttles
            );
        }
        if receipt.lost_us > 0 {
            lines += &format!("{} of the work was of attempts without a value\n", duration(receipt.lost_us));
        }
        for failure in ending.failures.iter().take(10) {
            lines +=
                &format!("failed: task {} subtask {}: {}\n", failure.task, failure.subtask, failure.reason);
        }
        for lost in self.given_up.unwrap_or_default().iter().take(10) {
            lines += &format!("given up: {}: {}\n", lost.record.partition_key, lost.reason);
        }
        lines
    }
}

/// Gives the answer of a job that has ended in the store; a job that was rejected has none.
///
/// # Errors
/// When the answer cannot be read or written.
pub(crate) fn conclude(
    observation: &Observation,
    deployment: &Deployment,
    output: &OutputArgs,
    files: AnswerFiles<'_>,
) -> Result<ExitCode> {
    let row = &observation.row;
    if row.status() == JobStatus::Rejected {
        let reason = row.ending.as_ref().and_then(|ending| ending.reason.as_deref()).unwrap_or("rejected");
        return Ok(print::error(reason, USAGE_OR_INPUT));
    }
    let answer = Ended::in_store(observation, deployment)?;
    Ok(match answer.give(output, files) {
        Ok(()) => answer.exit(),
        Err(error) => print::error(&format!("{error:#}"), FAILURES),
    })
}

/// Prints the answer so far of a running job.
///
/// # Errors
/// When the answer cannot be read or written.
pub(crate) fn give_so_far(
    observation: &Observation,
    output: &OutputArgs,
    files: AnswerFiles<'_>,
) -> Result<()> {
    let rendered = observation.report().context("the answer cannot be read")?;
    let row = &observation.row;
    let published = row.published.as_ref().context("the job published nothing")?;
    let (total, share) = (row.total(), observation.coverage.share());
    let json = json!({
        "workload": published.workload,
        "status": row.status(),
        "coverage": share,
        "report": rendered.json,
        "run": {
            "job": row.id,
            "tasks": published.n_tasks,
            "tasks_done": total.n_tasks,
            "subtasks_per_task": published.sizing.subtasks_per_task,
            "sizing": published.sizing.to_string(),
            "failed_subtasks": total.n_failures,
            "cost_on_lambda_usd": usd(total.cost),
        },
    });
    let json = serde_json::to_string_pretty(&json)? + "\n";
    let banner = format!(
        "{}: {} of the work is in this answer; {} of {} tasks are in",
        shouted(row.status()),
        percent(share),
        total.n_tasks,
        published.n_tasks,
    );
    let printed =
        print::answer(&if output.json { json.clone() } else { format!("{banner}\n\n{}", rendered.text) });
    printed.and(files.keep(&json, observation))
}

fn shouted(status: JobStatus) -> String {
    status.to_string().to_uppercase().replace('_', " ")
}

/// A share for people; never rounded up to 100 %.
pub(crate) fn percent(share: f64) -> String {
    let floored = (share * 1_000.0).floor() / 10.0;
    format!("{floored:.1} %")
}

/// A cost for programs.
pub(crate) fn usd(cost: NanoUsd) -> String {
    cost.to_string().trim_start_matches('$').to_owned()
}

fn receipt_json(receipt: &Receipt, prices: &Prices) -> Value {
    json!({
        "subtasks": receipt.subtasks,
        "invocations": receipt.invocations,
        "throttles": receipt.throttles,
        "retries": receipt.retries,
        "hedges": receipt.hedges,
        "worker_seconds": seconds(receipt.worker_us),
        "duplicate_seconds": seconds(receipt.duplicate_us),
        "lost_seconds": seconds(receipt.lost_us),
        "unfinished_invocations": receipt.unfinished,
        "cost_on_lambda_usd": usd(prices.cost_of(receipt)),
        "not_counted": Receipt::NOT_COUNTED,
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
