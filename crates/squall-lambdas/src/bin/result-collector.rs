//! Result-collector: merges results into their job exactly once, and ends the job when all of them are in.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::collector(squall_workloads::registry())
}
