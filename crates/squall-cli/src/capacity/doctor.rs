//! `squall capacity doctor`: checks a group's settings and suggests fixes.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use squall_capacity::doctor::{Finding, Settings, Severity, plan_checkup};
use squall_capacity::policy::Policy;

#[cfg(feature = "aws")]
use crate::on_aws::block_on;
use crate::{FAILURES, print};

/// Check a group's settings against the controllers' promises, and suggest fixes
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The settings as printed by --json for a live group [default: ask the live group]
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Print the settings and the findings as JSON
    #[arg(long)]
    json: bool,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    fleet: crate::on_aws::fleet::FleetArgs,
    #[cfg(not(feature = "aws"))]
    /// The policy, a JSON file
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  squall capacity doctor --stack SquallCapacity
  squall capacity doctor --group modelling --policy policy.json
  squall capacity doctor --group modelling --policy policy.json --json > group.json

It only reads. Exit status: 0 no setting breaks a promise, 1 one does, 2 usage, or no such group.";

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let policy = policy(args)?;
    let settings = match &args.settings {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            let text = text.with_context(|| format!("cannot read {}", path.display()))?;
            let checked: Checked =
                serde_json::from_str(&text).with_context(|| format!("the settings {}", path.display()))?;
            checked.settings
        }
        None => live(args)?,
    };
    let findings = plan_checkup(&policy, &settings);
    let is_broken = findings.iter().any(|finding| finding.severity == Severity::Broken);
    if args.json {
        print::answer(&(serde_json::to_string_pretty(&Checked { settings, findings })? + "\n"))?;
    } else {
        print::answer(&text(&settings, &findings))?;
    }
    Ok(if is_broken { ExitCode::from(FAILURES) } else { ExitCode::SUCCESS })
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Checked {
    settings: Settings,
    #[serde(default)]
    findings: Vec<Finding>,
}

#[cfg(feature = "aws")]
fn policy(args: &Args) -> Result<Policy> {
    block_on(args.fleet.policy())
}

#[cfg(not(feature = "aws"))]
fn policy(args: &Args) -> Result<Policy> {
    let text = std::fs::read_to_string(&args.policy);
    let text = text.with_context(|| format!("cannot read the policy {}", args.policy.display()))?;
    Policy::from_json(&text).with_context(|| format!("the policy {}", args.policy.display()))
}

#[cfg(not(feature = "aws"))]
fn live(_args: &Args) -> Result<Settings> {
    anyhow::bail!("no group given: pass --settings FILE; this build cannot read a live group")
}

#[cfg(feature = "aws")]
fn live(args: &Args) -> Result<Settings> {
    block_on(async { Ok(args.fleet.scaling_group().await?.settings().await?) })
}

fn text(settings: &Settings, findings: &[Finding]) -> String {
    let Settings { name, min, max, desired, .. } = settings;
    let mut text = format!("{name}: {min} to {max}, desired {desired}\n");
    if findings.is_empty() {
        text.push_str("  nothing to fix\n");
    }
    for Finding { severity, what, why, fix } in findings {
        let mark = match severity {
            Severity::Broken => "error  ",
            Severity::Doubtful => "warning",
        };
        text.push_str(&format!("  {mark}  {what}\n           {why}\n"));
        if let Some(fix) = fix {
            text.push_str(&format!("           $ {fix}\n"));
        }
    }
    text
}
