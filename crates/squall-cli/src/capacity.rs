//! `squall capacity`: what keeps a group of instances as large as its application needs.

use std::process::ExitCode;

use clap::Subcommand;

mod simulate;

/// Size a group of instances by its application's events: try policies out
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Simulate(simulate::Args),
}

pub(crate) fn main(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Simulate(args) => simulate::main(args),
    }
}
