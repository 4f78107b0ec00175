//! The functions' metrics, in CloudWatch's embedded metric format: lines of the log that CloudWatch reads as metrics
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
//!
//! A deployment's namespace, one dimension, `Function`: each further value of a dimension is another billed metric.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use metrics_cloudwatch_embedded::{Builder, Collector};
use squall_core::cascade::Throttles;
use squall_core::prices::NanoUsd;
use squall_core::receipt::{Receipt, TaskTimes};
use squall_core::rows::{JobEnd, JobStatus};
use squall_grid::{Collected, SplitOutcome, Swept};

/// Values of a metric that a document holds.
const MOST_VALUES: usize = squall_core::limits::CLOUDWATCH_METRIC_VALUES;

/// Starts recording, for the whole process.
pub(crate) fn start(function: &'static str, namespace: &str) -> anyhow::Result<&'static Collector> {
    let builder =
        Builder::new().cloudwatch_namespace(namespace.to_owned()).with_dimension("Function", function);
    let collector = builder.init().map_err(anyhow::Error::from_boxed)?;
    for name in [
        "Jobs",
        "JobsRejected",
        "TasksPut",
        "Tasks",
        "TasksDropped",
        "TasksFailed",
        "Subtasks",
        "SubtasksFailed",
        "Throttles",
        "ThrottlesFunction",
        "ThrottlesConcurrency",
        "ThrottlesCallRate",
        "Retries",
        "Hedges",
        "Results",
        "ResultsDuplicate",
        "ResultsLate",
        "ResultsFailed",
        "MergeConflicts",
        "JobsTended",
        "JobsNotTended",
        "JobsComplete",
        "JobsFailed",
        "JobsCancelled",
    ] {
        describe_counter!(name, Unit::Count, "");
    }
    describe_counter!("DuplicateMs", Unit::Milliseconds, "");
    for name in ["QueuedMs", "DividedMs", "CascadedMs", "CollectedMs"] {
        describe_histogram!(name, Unit::Milliseconds, "");
    }
    // There is no unit for money.
    describe_histogram!("JobSeconds", Unit::Seconds, "");
    Ok(collector)
}

fn count(n: usize) -> u64 {
    n as u64
}

fn ms(from_us: u64, to_us: u64) -> f64 {
    Duration::from_micros(to_us.saturating_sub(from_us)).as_secs_f64() * 1e3
}

/// Records the outcome of a message.
pub(crate) fn split(outcome: &SplitOutcome) {
    match outcome {
        SplitOutcome::Enqueued { n_tasks, .. } => {
            counter!("Jobs").increment(1);
            counter!("TasksPut").increment(*n_tasks);
        }
        SplitOutcome::Rejected(..) | SplitOutcome::IdTaken(_) => counter!("JobsRejected").increment(1),
        // Counted at its first delivery.
        SplitOutcome::AlreadyEnqueued(_) => {}
    }
}

/// Records a task whose result was published.
pub(crate) fn task(n_failures: usize, receipt: &Receipt, throttles: &Throttles, times: &TaskTimes) {
    counter!("Tasks").increment(1);
    counter!("Subtasks").increment(receipt.subtasks);
    counter!("SubtasksFailed").increment(count(n_failures));
    counter!("Throttles").increment(receipt.throttles);
    counter!("ThrottlesFunction").increment(throttles.function);
    counter!("ThrottlesConcurrency").increment(throttles.concurrency);
    counter!("ThrottlesCallRate").increment(throttles.call_rate);
    counter!("Retries").increment(receipt.retries);
    counter!("Hedges").increment(receipt.hedges);
    counter!("DuplicateMs").increment(receipt.duplicate_us / 1_000);
    histogram!("QueuedMs").record(ms(times.put_us, times.read_us));
    histogram!("DividedMs").record(ms(times.read_us, times.invoked_us));
    histogram!("CascadedMs").record(ms(times.invoked_us, times.answered_us));
}

/// Records a task that was not started: its job has ended.
pub(crate) fn task_dropped() {
    counter!("TasksDropped").increment(1);
}

/// Records a task that has to be delivered again.
pub(crate) fn task_failed() {
    counter!("TasksFailed").increment(1);
}

/// Records a batch of results, the first of which arrived on the stream at `arrived_us`.
///
/// One duration per batch, the longest: a document holds a hundred values, a batch thousands of results.
pub(crate) fn collected(collected: &Collected, arrived_us: u64, now_us: u64) {
    counter!("Results").increment(count(collected.n_merged));
    counter!("ResultsDuplicate").increment(count(collected.n_duplicates));
    counter!("ResultsLate").increment(count(collected.n_late));
    counter!("ResultsFailed").increment(count(collected.failed.len()));
    counter!("MergeConflicts").increment(count(collected.n_races));
    histogram!("CollectedMs").record(ms(arrived_us, now_us));
    ended(&collected.ended);
}

/// Records a tick of the timer.
pub(crate) fn swept(swept: &Swept) {
    counter!("JobsTended").increment(count(swept.n_tended));
    counter!("JobsNotTended").increment(count(swept.failed.len() + swept.n_left));
    ended(&swept.ended);
}

/// Records the jobs that this invocation ended.
pub(crate) fn ended(ended: &[JobEnd]) {
    for end in ended {
        match end.status {
            JobStatus::Complete => counter!("JobsComplete").increment(1),
            JobStatus::Cancelled => counter!("JobsCancelled").increment(1),
            JobStatus::CompleteWithFailures
            | JobStatus::Expired
            | JobStatus::OverBudget
            | JobStatus::Inconsistent
            | JobStatus::Failed => counter!("JobsFailed").increment(1),
            // Not the end of a job, or counted by the splitter that rejected it.
            JobStatus::Running | JobStatus::Rejected => {}
        }
    }
    for (cost_usd, seconds) in values(ended) {
        histogram!("JobCostUsd").record(cost_usd);
        histogram!("JobSeconds").record(seconds);
    }
}

/// The costs of jobs, US dollars, and their durations, seconds. A tick may end more jobs than a document has values:
/// then several share one, their sum and their longest.
fn values(ended: &[JobEnd]) -> impl Iterator<Item = (f64, f64)> {
    let n_share = ended.len().div_ceil(MOST_VALUES).max(1);
    ended.chunks(n_share).map(|ends| {
        let cost: NanoUsd = ends.iter().map(|end| end.cost).sum();
        let lasted_us = ends.iter().map(|end| end.lasted_us).max().unwrap_or_default();
        (cost.usd(), Duration::from_micros(lasted_us).as_secs_f64())
    })
}

#[cfg(test)]
mod tests;
