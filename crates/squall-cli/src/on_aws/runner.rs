//! `squall runner`: on an instance of the fleet, `exec` wraps a run, and `watch` detects that the instance is about to leave.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

mod exec;
pub(super) mod supervise;
mod watch;

/// On an instance of a fleet: protect a command from scale-in, or watch for the end of the instance
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Runner,
}

#[derive(Subcommand)]
enum Runner {
    Exec(exec::Args),
    Watch(watch::Args),
    Tied(supervise::TiedArgs),
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    match &args.command {
        Runner::Exec(args) => exec::main(args),
        Runner::Watch(args) => watch::main(args),
        Runner::Tied(args) => supervise::tied(args),
    }
}
