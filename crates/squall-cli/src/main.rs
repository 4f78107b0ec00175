//! `squall`: run and inspect jobs from a terminal, on this machine and on AWS.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_cli::main(squall_workloads::registry())
}
