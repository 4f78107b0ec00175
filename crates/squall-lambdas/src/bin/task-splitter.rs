//! Task-splitter: turns a published job into tasks on the task stream.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::splitter(squall_workloads::registry())
}
