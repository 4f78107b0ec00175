//! `squall worker`: tools for the author of a program that `external` jobs run.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::value::RawValue;
use squall_core::registry::Registry;
use squall_external::{Finding, Verdict, check};
use squall_workloads::external::workers::Command;

use crate::interrupt::on_ctrl_c;
use crate::programs::{Connected, words};
use crate::{FAILURES, INTERRUPTED, print};

/// Tools for the author of a program that `external` jobs run
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: WorkerCommand,
}

#[derive(clap::Subcommand)]
enum WorkerCommand {
    Check(CheckArgs),
}

/// Play the contract against a program, and say what is wrong with it
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
struct CheckArgs {
    /// The program and its arguments, as one word: quote it
    command: String,
    /// Items to try, as JSON; what is none is taken as text
    items: Vec<String>,
    /// JSON that is handed to the program before its first item
    #[arg(long, value_name = "JSON")]
    params: Option<String>,
    /// Most seconds of a request
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = timeout)]
    timeout: f64,
    /// Variables of Squall's environment that the program inherits
    #[arg(long, value_name = "NAME")]
    env: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  squall worker check 'python3 worker.py' 1 2 3
  squall worker check ./price '{\"strike\": 100}'
Exit status: 0 it does what it should, 1 it does not.";

fn timeout(text: &str) -> Result<f64> {
    let seconds: f64 = text.parse()?;
    if !(0.001..=86_400.0).contains(&seconds) {
        bail!("expected seconds from 0.001 to 86400");
    }
    Ok(seconds)
}

pub(crate) fn main(args: &Args, registry: &Registry) -> Result<ExitCode> {
    let WorkerCommand::Check(args) = &args.command;
    let mut command = Command::new(words(&args.command)?);
    command.timeout_s = args.timeout;
    command.inherit_env.clone_from(&args.env);
    let params = json("--params", args.params.as_deref().unwrap_or("null"))?;
    let items = args.items.iter().map(|item| {
        let is_json = serde_json::from_str::<&RawValue>(item).is_ok() && !item.contains(['\n', '\r']);
        if is_json { item.clone() } else { serde_json::Value::from(item.as_str()).to_string() }
    });
    let connected = Connected::of_any(registry, PathBuf::new());
    let programs = connected.programs().clone();
    on_ctrl_c(move || {
        programs.end_all();
        std::process::exit(i32::from(INTERRUPTED));
    })?;
    let findings = check(connected.programs(), &command, &params, &items.collect::<Vec<_>>());
    connected.programs().end_all();
    print::answer(&findings.iter().map(line).collect::<String>())?;
    let is_wrong = findings.iter().any(|finding| finding.verdict == Verdict::Wrong);
    Ok(if is_wrong { ExitCode::from(FAILURES) } else { ExitCode::SUCCESS })
}

fn json(name: &str, text: &str) -> Result<Box<RawValue>> {
    let value: serde_json::Value =
        serde_json::from_str(text).with_context(|| format!("{name} is not JSON"))?;
    Ok(serde_json::value::to_raw_value(&value)?)
}

fn line(finding: &Finding) -> String {
    let verdict = match finding.verdict {
        Verdict::Good => "ok   ",
        Verdict::Note => "note ",
        Verdict::Wrong => "WRONG",
    };
    // What the program printed may have lines; none of them is one of ours.
    let detail = finding.detail.trim_end().replace('\n', "\n      ");
    format!("{verdict} {}: {detail}\n", finding.step)
}
