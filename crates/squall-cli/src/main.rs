//! `squall`: run and inspect jobs from a terminal.
//!
//! The answer goes to stdout, everything about it to stderr. Exit status: 0 complete, 1 failures or no whole answer,
//! 2 usage or input, 130 interrupted.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod check;
mod completions;
mod print;
mod progress;
mod run;
mod sample;
mod workloads;

/// Quick-to-scale computing: one job, many cores, one exact answer.
#[derive(Parser)]
#[command(name = "squall", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Try it:
  squall run events/jobs/demo.json          run a job on this machine, through the whole grid
  squall check events/jobs/demo.json        check it and explain how it would be cut
  squall workloads                          what can be run, and what its input looks like
  squall sample portfolio my-book/          write a book, a market and a job to start from

Exit status: 0 complete, 1 failures or no whole answer, 2 usage or input, 130 interrupted.";

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Workloads(workloads::Args),
    Sample(sample::Args),
    Completions(completions::Args),
}

fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Run(args) => run::main(&args),
        Command::Check(args) => check::main(&args),
        Command::Workloads(args) => workloads::main(&args),
        Command::Sample(args) => sample::main(&args),
        Command::Completions(args) => completions::main(&args),
    };
    done.unwrap_or_else(|error| print::error(&format!("{error:#}"), USAGE_OR_INPUT))
}

/// Exit status: the answer is not whole.
const FAILURES: u8 = 1;
/// Exit status: what was asked makes no sense.
const USAGE_OR_INPUT: u8 = 2;
/// Exit status: Ctrl-C.
const INTERRUPTED: u8 = 130;
