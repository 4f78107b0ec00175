//! `squall completions`: completion scripts for shells.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

/// Print a completion script: `squall completions bash > /etc/bash_completion.d/squall`
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell that it is for
    shell: Shell,
}

pub(crate) fn main(args: &Args) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::Args::command(), "squall", &mut script);
    crate::print::answer(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
