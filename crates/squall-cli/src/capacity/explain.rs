//! `squall capacity explain`: explains and replays a controller's decisions. Read-only.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use squall_capacity::group::Group;
use squall_capacity::ids::InstanceId;
use squall_capacity::journal::{Decision, Line};
use squall_capacity::levels::Levels;
use squall_capacity::policy::Policy;
use squall_capacity::scale_in::{ScaleInObservation, Tick, plan_tick};
use squall_capacity::scale_out::{ScaleOut, ScaleOutObservation, plan_scale_out};

use crate::{FAILURES, print};

/// Explain what the next tick would do, or replay the decisions of a journal; read-only
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A journal (one decision per line), or an observation with a policy [default: the live group]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print the decisions as JSON, one per line
    #[arg(long)]
    json: bool,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    fleet: crate::on_aws::fleet::FleetArgs,
}

const EXAMPLES: &str = "\
Examples:
  squall capacity explain journal.jsonl    replay every decision, and report those that differ (status 1)
  squall capacity explain seen.json        what if? {\"policy\": …, \"seen\": …}, as in a journal line
  squall capacity explain --stack NAME     what the next tick would do; or --group G --ledger T --policy policy.json

The functions write the journal to their logs: a JSON object per decision, with `seen`, `decision`, `policy` and `outcome`.";

#[derive(Deserialize)]
#[serde(untagged)]
enum Seen {
    In(Box<ScaleInObservation>),
    Out(Box<ScaleOutObservation>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WhatIf {
    policy: Value,
    seen: Seen,
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let Some(path) = &args.file else { return live(args) };
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    if let Ok(Value::Object(object)) = serde_json::from_str::<Value>(&text)
        && !object.contains_key("controller")
    {
        let WhatIf { policy, seen } = serde_json::from_value(Value::Object(object))
            .with_context(|| format!("{}: expected {{\"policy\": …, \"seen\": …}}", path.display()))?;
        let policy = Policy::from_json(&policy.to_string()).context("policy")?;
        let decision = match seen {
            Seen::In(seen) => Decision::ScaleIn { decision: plan_tick(&policy, &seen), seen: *seen },
            Seen::Out(seen) => Decision::ScaleOut { decision: plan_scale_out(&policy, &seen), seen: *seen },
        };
        show(&decision, args.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (mut n_lines, mut n_different) = (0_u64, 0_u64);
    // A function's log also has other lines.
    let is_decision = |text: &str| text.trim_start().starts_with("{\"controller\":");
    for (number, text) in (1_u64..).zip(text.lines()).filter(|(_, text)| is_decision(text)) {
        let line: Line = serde_json::from_str(text)
            .with_context(|| format!("{}: line {number} is not a complete decision", path.display()))?;
        let again = line.again();
        n_lines += 1;
        // As written, byte for byte, except for the order of fields, which a log may have changed.
        let (then, now) = (line.to_json(), again.to_json());
        show(&again.decision, args.json)?;
        if then != now {
            n_different += 1;
            print::aside(&format!("line {number}: the recorded decision differs:\n{then}\n"));
        }
    }
    if n_lines == 0 {
        bail!("{}: no line is a decision, {{\"controller\": …}}", path.display());
    }
    let decisions = print::counted(n_lines, "decision");
    print::aside(&format!("{decisions} replayed, {n_different} differ\n"));
    Ok(if n_different == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILURES) })
}

#[cfg(not(feature = "aws"))]
fn live(_args: &Args) -> Result<ExitCode> {
    bail!("no decision given: pass a FILE; this build cannot read a live group")
}

#[cfg(feature = "aws")]
fn live(args: &Args) -> Result<ExitCode> {
    use squall_capacity::steps::look_for_tick;

    use crate::on_aws::block_on;

    let (policy, seen) = block_on(async {
        let fleet = args.fleet.fleet().await?;
        let seen = look_for_tick(&fleet.ports, &fleet.policy).await?;
        Ok((fleet.policy, seen))
    })?;
    show(&Decision::ScaleIn { decision: plan_tick(&policy, &seen), seen }, args.json)?;
    Ok(ExitCode::SUCCESS)
}

fn show(decision: &Decision, as_json: bool) -> Result<()> {
    if as_json {
        return print::answer(&(serde_json::to_string(decision)? + "\n"));
    }
    let text = match decision {
        Decision::ScaleOut { seen, decision } => {
            let mut text = group_line("scale-out", seen.now_us, &seen.group);
            scale_out_lines(&mut text, decision);
            ignored_lines(&mut text, &seen.levels);
            text
        }
        Decision::ScaleIn { seen, decision } => {
            let mut text = group_line("scale-in", seen.now.now_us, &seen.now.group);
            scale_out_lines(&mut text, &decision.scale_out);
            tick_lines(&mut text, decision);
            ignored_lines(&mut text, &seen.now.levels);
            text
        }
    };
    print::answer(&text)
}

fn group_line(controller: &str, now_us: u64, group: &Group) -> String {
    let at = i64::try_from(now_us).ok().and_then(chrono::DateTime::from_timestamp_micros).unwrap_or_default();
    let Group { name, min, max, desired, .. } = group;
    let n_live = group.n_live();
    format!(
        "{} {controller} of {name}: {min} to {max}, desired {desired}, live {n_live}\n",
        at.format("%Y-%m-%dT%H:%M:%SZ")
    )
}

fn scale_out_lines(text: &mut String, decision: &ScaleOut) {
    let _ = writeln!(text, "  {}", decision.reason);
    list(text, "kept", &decision.undrain);
    if !decision.silent.is_empty() {
        let names: Vec<_> = decision.silent.iter().map(|source| source.as_str()).collect();
        let _ = writeln!(text, "  silent sources, not counted: {}", names.join(", "));
    }
}

fn tick_lines(text: &mut String, decision: &Tick) {
    let _ = writeln!(text, "  {}", decision.reason);
    list(text, "drained, then terminated", &decision.drain);
    list(text, "terminated, drained earlier", &decision.terminate);
    list(text, "taking runs again", &decision.reopen);
    list(text, "new", &decision.adopt);
    list(text, "left without draining", &decision.lost);
    list(text, "left while busy", &decision.killed);
    list(text, "removed from the ledger", &decision.forget);
}

/// The sources whose sequence contradicts what is known of them.
fn ignored_lines(text: &mut String, levels: &Levels) {
    for (source, n_ignored) in levels.contradicted() {
        let events = print::counted(n_ignored.into(), "event");
        let _ = writeln!(
            text,
            "  {events} of {source} with a sequence that contradicts its last one: the larger level counts, for ten minutes; to have it begin anew at once: squall capacity forget SOURCE"
        );
    }
}

fn list(text: &mut String, what: &str, ids: &[InstanceId]) {
    if !ids.is_empty() {
        let ids: Vec<_> = ids.iter().map(InstanceId::as_str).collect();
        let _ = writeln!(text, "  {what}: {}", ids.join(", "));
    }
}
