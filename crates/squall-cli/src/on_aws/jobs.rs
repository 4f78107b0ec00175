//! `squall jobs`: the deployed jobs, newest first.

use std::process::ExitCode;

use anyhow::Result;
use chrono::{DateTime, SecondsFormat};
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use squall_aws::WallClock;
use squall_core::ports::{Clock, JobList, JobStore, Order, chain};
use squall_core::prices::Prices;
use squall_core::rows::{JobRow, JobStatus};
use squall_core::sizing::duration;
use squall_core::workload::Coverage;

use crate::answer::{percent, usd};
use crate::on_aws::deployment::{self, DeploymentArgs};
use crate::print;

/// Rows that are read at once.
const READS_IN_FLIGHT: usize = 16;

/// List the deployed jobs, newest first
#[derive(clap::Args)]
#[command(after_help = deployment::help(EXAMPLES))]
pub(crate) struct Args {
    /// Only jobs with this status
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Option<JobStatus>,
    /// Maximum number of jobs
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    limit: u16,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    deployment: DeploymentArgs,
}

const EXAMPLES: &str = "\
Examples:
  squall jobs                       the 20 newest
  squall jobs --status running      what is under way
  squall jobs --json | jq -r '.[] | select(.status == \"expired\").job' | xargs -n 1 squall retry";

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    deployment::visit(&args.deployment, async |deployment| {
        let (store, prices) = (&deployment.store()?, deployment.description()?.prices());
        let limit = usize::from(args.limit);
        let mut ids = Vec::new();
        for status in JobStatus::ALL.into_iter().filter(|it| args.status.is_none_or(|only| only == *it)) {
            ids.extend(store.jobs(status, Order::NewestFirst, limit).await?);
        }
        let rows = stream::iter(&ids).map(async |id| (id, store.job(id).await)).buffered(READS_IN_FLIGHT);
        let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
        for (id, row) in rows.collect::<Vec<_>>().await {
            match row {
                Ok(row) => readable.push(row),
                // One that another version wrote is a line, not the end of the list.
                Err(error) if error.is_permanent() => unreadable.push((id, chain(&error))),
                Err(error) => return Err(error.into()),
            }
        }
        // A list may be a moment behind: what has changed its status since is not of the one asked for.
        let of_status = |row: &JobRow| args.status.is_none_or(|only| only == row.status());
        let mut rows: Vec<JobRow> = readable.into_iter().flatten().filter(of_status).collect();
        newest_first(&mut rows, limit);
        unreadable.dedup();
        for (id, why) in &unreadable {
            print::aside(&format!("{id}: cannot be read: {why}\n"));
        }
        if rows.is_empty() && unreadable.is_empty() {
            print::aside("there are no such jobs\n");
        }
        print::answer(&if args.json {
            serde_json::to_string_pretty(&rows.iter().map(|row| entry(row, &prices)).collect::<Vec<_>>())?
                + "\n"
        } else {
            table(&rows, &prices, WallClock.now_us())
        })?;
        Ok(ExitCode::SUCCESS)
    })
}

fn status(text: &str) -> Result<JobStatus, String> {
    JobStatus::ALL.into_iter().find(|status| status.to_string() == text).ok_or_else(|| {
        let names: Vec<_> = JobStatus::ALL.iter().map(JobStatus::to_string).collect();
        format!("expected one of {}", names.join(", "))
    })
}

/// Each once: a job that changed its status meanwhile may have been listed twice.
fn newest_first(rows: &mut Vec<JobRow>, limit: usize) {
    rows.sort_by(|a, b| b.created_us.cmp(&a.created_us).then_with(|| a.id.cmp(&b.id)));
    rows.dedup_by(|a, b| a.id == b.id);
    rows.truncate(limit);
}

/// Share of the work that is in the answer; `None` for a job that was rejected.
fn share(row: &JobRow) -> Option<f64> {
    let published = row.published.as_ref()?;
    let coverage = match &row.ending {
        Some(ending) => ending.coverage,
        None => Coverage { weight_done: row.total().weight_done, weight_total: published.weight },
    };
    Some(coverage.share())
}

fn table(rows: &[JobRow], prices: &Prices, now_us: u64) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut lines = vec![["JOB", "WORKLOAD", "STATUS", "AGE", "DONE", "COST"].map(str::to_owned)];
    lines.extend(rows.iter().map(|row| {
        [
            row.id.to_string(),
            row.published.as_ref().map_or("–".to_owned(), |published| published.workload.clone()),
            row.status().to_string(),
            duration(now_us.saturating_sub(row.created_us)),
            share(row).map_or("–".to_owned(), percent),
            row.published.as_ref().map_or("–".to_owned(), |_| row.cost(prices).to_string()),
        ]
    }));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            // Numbers are right-aligned.
            if column < 3 { format!("{cell:width$}") } else { format!("{cell:>width$}") }
        });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text += "\n";
    }
    text
}

fn entry(row: &JobRow, prices: &Prices) -> Value {
    let time = |us: u64| {
        let time = i64::try_from(us).ok().and_then(DateTime::from_timestamp_micros).unwrap_or_default();
        time.to_rfc3339_opts(SecondsFormat::Millis, true)
    };
    json!({
        "job": row.id,
        "workload": row.published.as_ref().map(|published| &published.workload),
        "status": row.status(),
        "created": time(row.created_us),
        "ended": row.ending.as_ref().map(|ending| time(ending.ended_us)),
        "coverage": share(row),
        "cost_on_lambda_usd": usd(row.cost(prices)),
        "reason": row.ending.as_ref().and_then(|ending| ending.reason.as_deref()),
    })
}

#[cfg(test)]
mod tests;
