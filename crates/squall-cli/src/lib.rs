//! `squall`: run and inspect jobs from a terminal, on this machine and on AWS.
//!
//! The answer goes to stdout, everything about it to stderr. Exit status: 0 a whole answer, 1 an incomplete
//! answer or AWS unavailable, 2 bad arguments or input, 130 interrupted.

#![cfg_attr(
    not(feature = "aws"),
    expect(dead_code, reason = "some of what the commands share is for those on AWS alone")
)]

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use squall_core::registry::Registry;

mod answer;
mod capacity;
mod check;
mod completions;
mod interrupt;
mod job_file;
mod map;
#[cfg(feature = "aws")]
mod on_aws;
mod print;
mod programs;
mod progress;
mod report_file;
mod run;
mod sample;
mod terminal;
mod worker;
mod workloads;

/// Quick-to-scale computing: one job, many cores, one exact answer.
#[derive(Parser)]
#[command(name = "squall", version = squall_version::VERSION, max_term_width = 100, help_template = help(), after_help = AFTER_HELP)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Try it:
  squall run events/jobs/demo.json              run a job on this machine, through the whole grid
  squall check events/jobs/demo.json            check it and explain how it would be cut
  squall workloads                              what can be run, and what its input looks like
  squall sample portfolio my-book/              write a book, a market and a job to start from
  squall capacity simulate --month              try policies that size a group of instances
  squall submit events/jobs/demo.json --watch   run it on AWS (squall submit --help says where)

Exit status: 0 a whole answer, 1 an incomplete answer or AWS unavailable,
2 bad arguments or input, 130 interrupted.";

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Map(map::Args),
    Worker(worker::Args),
    Workloads(workloads::Args),
    Sample(sample::Args),
    Capacity(capacity::Args),
    Completions(completions::Args),
    #[cfg(feature = "aws")]
    #[command(flatten)]
    OnAws(on_aws::Command),
}

const LEFT_OUT: &str = "  left out of this build; `cargo run --release --package squall-cli` includes them\n";

/// The commands that need AWS, or an endpoint that emulates it.
const ON_AWS: &[&str] =
    &["submit", "watch", "jobs", "result", "missing", "retry", "cancel", "pump", "runner"];

/// Runs the command line with these workloads, and returns the exit status: the `main` of a custom `squall`.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// # fn workloads() -> squall_core::registry::Registry { squall_core::registry::Registry::default() }
/// fn main() -> ExitCode {
///     squall_cli::main(workloads())
/// }
/// ```
pub fn main(registry: Registry) -> ExitCode {
    let registry =
        &if registry.build().is_empty() { registry.built_as(squall_version::VERSION) } else { registry };
    let matches = terminal::with_fitting_help(Args::command()).get_matches();
    let args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let done = match args.command {
        Command::Run(args) => run::main(&args, registry),
        Command::Check(args) => check::main(&args, registry),
        Command::Map(args) => map::main(&args, registry),
        Command::Worker(args) => worker::main(&args, registry),
        Command::Workloads(args) => workloads::main(&args, registry),
        Command::Sample(args) => sample::main(&args),
        Command::Capacity(args) => capacity::main(&args),
        Command::Completions(args) => completions::main(&args),
        #[cfg(feature = "aws")]
        Command::OnAws(command) => on_aws::main(&command, registry),
    };
    done.unwrap_or_else(|error| {
        let status = if print::is_transient(&error) { FAILURES } else { USAGE_OR_INPUT };
        print::error(&format!("{error:#}"), status)
    })
}

/// The help, with the commands in two groups.
fn help() -> String {
    let commands = Command::augment_subcommands(clap::Command::new("squall"));
    let group = |on_aws: bool| -> String {
        let of_group = |it: &&clap::Command| ON_AWS.contains(&it.get_name()) == on_aws;
        let line = |it: &clap::Command| {
            let about = it.get_about().map(ToString::to_string).unwrap_or_default();
            format!("  {:<12} {about}\n", it.get_name())
        };
        commands.get_subcommands().filter(of_group).map(line).collect()
    };
    format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\nOn this machine:\n{}\nOn AWS:\n{}\nOptions:\n{{options}}{{after-help}}",
        group(false),
        if cfg!(feature = "aws") { group(true) } else { LEFT_OUT.to_owned() },
    )
}

/// Exit status: the answer is incomplete, or AWS is unavailable.
const FAILURES: u8 = 1;
/// Exit status: bad arguments or input.
const USAGE_OR_INPUT: u8 = 2;
/// Exit status: Ctrl-C.
const INTERRUPTED: u8 = 130;
