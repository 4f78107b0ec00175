//! `squall capacity simulate`: replays traces against the model group, under our policies and others.

use std::io::IsTerminal;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use squall_capacity::policy::{Policy, RaiseBy, ScaleIn, Standby};
use squall_sim::fleet::simulate::{
    Contender, Ours, Plain, Polling, Score, Setting, StepScaling, Summary, TargetTracking, Trace, ZeroIdle,
    month, simulate,
};

use crate::print;
use crate::report_file::ReportFile;

mod json;
mod svg;
mod table;

/// Replay a workload against a model Auto Scaling group, and compare scaling policies
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Runs with their times: a table (.csv) or a Standard Workload Format file (.swf)
    #[arg(required_unless_present = "month")]
    trace: Vec<PathBuf>,
    /// Also simulate a synthetic month, different for each seed: batches on four days, single runs at any time
    #[arg(long)]
    month: bool,
    /// Simulated histories per policy, each with its own boot times, delays and victims
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    seeds: u32,
    /// The group's maximum
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    max: u32,
    /// Count a job on several processors as that many runs
    #[arg(long)]
    processors: bool,
    /// Also try this policy, a JSON file as the controllers read it
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Print all results as JSON
    #[arg(long)]
    json: bool,
    /// Plot capacity and demand over time, for the first seed, into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
A table has a header. Its columns submit_s (or submission_time) and duration_s (or execution_time) are
seconds; with --processors also runs (or requested_number_of_processors). Other columns are ignored:

  submit_s,duration_s
  0,600
  30.5,1200

At most 100 days are simulated. Each run needs an instance to itself; an instance takes 75 to 120 s to boot. The same arguments give the
same output, byte for byte. What the model covers: crates/squall-sim/src/fleet/simulate.rs

Try it:
  squall capacity simulate --month                      a month of an application with bursts of runs
  squall capacity simulate --month --seeds 1 --svg m.svg   plot it
  squall capacity simulate jobs.swf --max 60 --json     a workload of your own, for programs
  squall capacity simulate --month --policy mine.json   compare your own policy

A policy, such as mine.json:
  {\"runs_per_instance\": 1, \"scale_in\": {\"mode\": \"by_instance\", \"idle_s\": 120}, \"window_s\": 120,
   \"raise_by\": \"launch_instances\"}";

/// The source of a trace.
enum Source {
    File(Trace),
    /// A different one for each seed.
    Month,
}

/// The policies' results on a trace.
struct Compared {
    name: String,
    n_runs: usize,
    n_skipped: u32,
    /// Of the first seed.
    span_us: u64,
    rows: Vec<(Arc<dyn Contender>, Summary, Vec<Score>)>,
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let mut sources = Vec::new();
    for path in &args.trace {
        sources.push(Source::File(trace(path, args.processors, args.max)?));
    }
    if args.month {
        sources.push(Source::Month);
    }
    let contenders = contenders(args.policy.as_deref())?;
    let drawing = args.svg.as_deref().map(ReportFile::new).transpose()?;
    if std::io::stderr().is_terminal() {
        let n = sources.len() * contenders.len() * args.seeds as usize;
        print::aside(&format!("simulating {n} histories\n"));
    }
    let compared =
        sources.iter().map(|source| compare(args, source, &contenders)).collect::<Result<Vec<_>>>()?;
    let answer =
        if args.json { json::answer(args, &compared)? } else { compared.iter().map(table::answer).collect() };
    print::answer(&answer)?;
    if let Some(drawing) = drawing {
        drawing.keep(&svg::drawing(args.max, &compared))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A trace that a group of at most `max` instances can be simulated on.
fn trace(path: &std::path::Path, processors: bool, max: u32) -> Result<Trace> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the trace {name}"))?;
    let trace = Trace::read(&name, &text, processors)?;
    trace.check_work(max).map_err(anyhow::Error::msg)?;
    Ok(trace)
}

fn contenders(file: Option<&std::path::Path>) -> Result<Vec<Arc<dyn Contender>>> {
    let ours = |name: &str, policy: Policy| -> Arc<dyn Contender> {
        Arc::new(Ours { name: name.to_owned(), policy })
    };
    let by_instance = |idle_s| ScaleIn::ByInstance { idle_s, most_per_tick: 20 };
    let mut contenders = Vec::new();
    if let Some(path) = file {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the policy {name}"))?;
        let policy = Policy::from_json(&text).with_context(|| format!("cannot use the policy {name}"))?;
        let n = policy.runs_per_instance;
        anyhow::ensure!(
            n == NonZeroU32::MIN,
            "cannot use the policy {name}: runs_per_instance: {n}, expected 1: the model simulates no other"
        );
        contenders.push(ours(&name, policy));
    }
    contenders.extend([
        ours("idle 600 s", policy(by_instance(600), 600)),
        ours("idle 300 s", policy(by_instance(300), 300)),
        ours("idle 60 s", policy(by_instance(60), 60)),
        ours(
            "idle 300 s, absolute",
            Policy { raise_by: RaiseBy::SetDesired, ..policy(by_instance(300), 300) },
        ),
        ours("all-idle 600 s", policy(ScaleIn::AllIdle {}, 600)),
        Arc::new(Plain { window_s: 600 }),
        Arc::new(TargetTracking { period_s: 60, protects: false }),
        Arc::new(TargetTracking { period_s: 60, protects: true }),
        Arc::new(TargetTracking { period_s: 10, protects: false }),
        Arc::new(TargetTracking { period_s: 10, protects: true }),
        Arc::new(StepScaling),
        Arc::new(Polling { period_s: 10, idle_s: 600 }),
        Arc::new(Polling { period_s: 10, idle_s: 300 }),
        Arc::new(Polling { period_s: 10, idle_s: 60 }),
        Arc::new(ZeroIdle),
    ]);
    Ok(contenders)
}

fn policy(scale_in: ScaleIn, window_s: u32) -> Policy {
    Policy {
        runs_per_instance: NonZeroU32::MIN,
        headroom: 0,
        standby: Standby::default(),
        scale_in,
        window_s,
        raise_by: RaiseBy::LaunchInstances,
        lease_s: 900,
        event_lease_s: 7 * 86_400,
        forget_source_after_s: None,
    }
}

/// Every policy with every seed, as many at a time as there are cores.
fn compare(args: &Args, source: &Source, contenders: &[Arc<dyn Contender>]) -> Result<Compared> {
    let traces: Vec<Trace> = match source {
        Source::File(trace) => vec![trace.clone()],
        Source::Month => (1..=u64::from(args.seeds)).map(month).collect(),
    };
    let n_seeds = args.seeds as usize;
    let n_all = contenders.len() * n_seeds;
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(n_all));
    let work = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= n_all {
                return;
            }
            let (contender, seed) = (&contenders[i / n_seeds], i % n_seeds);
            let setting = Setting {
                max: args.max,
                seed: seed as u64 + 1,
                keeps_samples: seed == 0 && args.svg.is_some(),
                ..Setting::default()
            };
            let score = simulate(&traces[seed % traces.len()], contender, &setting);
            if let Ok(mut done) = done.lock() {
                done.push((i, score));
            }
        }
    };
    let n_threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().ok().context("a simulation panicked")?;
    done.sort_by_key(|(i, _)| *i);
    let scores = done.into_iter().map(|(_, score)| score).collect::<Result<Vec<_>, _>>()?;
    anyhow::ensure!(scores.len() == n_all, "a simulation panicked");
    let rows = contenders.iter().zip(scores.chunks(n_seeds));
    let rows = rows.map(|(it, scores)| (it.clone(), Summary::of(scores), scores.to_vec())).collect();
    let first = &traces[0];
    let name = match source {
        Source::File(trace) => trace.name.clone(),
        Source::Month => "a made-up month".to_owned(),
    };
    let span_us = first.runs.iter().map(|run| run.submit_us + run.duration_us).max().unwrap_or(0);
    Ok(Compared { name, n_runs: first.runs.len(), n_skipped: first.n_skipped, span_us, rows })
}

#[cfg(test)]
mod tests;
