//! `squall capacity`: what keeps a group of instances as large as its application needs.

use std::process::ExitCode;

use clap::Subcommand;

mod doctor;
mod explain;
mod simulate;

/// Size a group of instances by its application's events: explain, check, and try policies out
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Explain(explain::Args),
    Doctor(doctor::Args),
    Simulate(simulate::Args),
}

pub(crate) fn main(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Explain(args) => explain::main(args),
        Command::Doctor(args) => doctor::main(args),
        Command::Simulate(args) => simulate::main(args),
    }
}
