//! `squall capacity`: tools for the controllers that size a group of instances.

use std::process::ExitCode;

use clap::Subcommand;

mod doctor;
mod explain;
#[cfg(feature = "aws")]
mod forget;
mod simulate;

/// Explain, check and simulate how a group of instances is sized by its application's events
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Explain(explain::Args),
    Doctor(doctor::Args),
    #[cfg(feature = "aws")]
    Forget(forget::Args),
    Simulate(simulate::Args),
}

pub(crate) fn main(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Explain(args) => explain::main(args),
        Command::Doctor(args) => doctor::main(args),
        #[cfg(feature = "aws")]
        Command::Forget(args) => forget::main(args),
        Command::Simulate(args) => simulate::main(args),
    }
}
