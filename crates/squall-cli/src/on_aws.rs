//! The commands that need AWS or an emulator. They depend on its SDKs, so they can be left out of a build: the first
//! answer of `make demo` should not wait for those.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Subcommand;
use squall_core::registry::Registry;

mod cancel;
pub(crate) mod deployment;
mod dev;
pub(crate) mod fleet;
mod jobs;
mod missing;
mod pump;
mod result;
mod retry;
mod runner;
mod submit;
#[cfg(test)]
pub(crate) mod test_rows;
mod watch;

#[derive(Subcommand)]
pub(crate) enum Command {
    Submit(submit::Args),
    Watch(watch::Args),
    Jobs(jobs::Args),
    Result(result::Args),
    Missing(missing::Args),
    Retry(retry::Args),
    Cancel(cancel::Args),
    Dev(dev::Args),
    Pump(pump::Args),
    Runner(runner::Args),
}

pub(crate) fn main(command: &Command, registry: &Registry) -> Result<ExitCode> {
    match command {
        Command::Submit(args) => submit::main(args, registry),
        Command::Watch(args) => watch::main(args, registry),
        Command::Jobs(args) => jobs::main(args),
        Command::Result(args) => result::main(args, registry),
        Command::Missing(args) => missing::main(args),
        Command::Retry(args) => retry::main(args, registry),
        Command::Cancel(args) => cancel::main(args, registry),
        Command::Dev(args) => dev::main(args),
        Command::Pump(args) => pump::main(args),
        Command::Runner(args) => runner::main(args),
    }
}

/// Runs an asynchronous operation on this thread.
///
/// # Errors
/// When the operation fails.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    let done = runtime.block_on(work);
    // An abandoned name look-up must not delay the exit.
    runtime.shutdown_background();
    done
}
