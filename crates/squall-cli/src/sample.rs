//! `squall sample`: writes inputs to start from.

use std::process::ExitCode;

/// Write inputs to start from
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn main(_: &Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not yet")
}
