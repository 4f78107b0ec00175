//! The task-splitter, with a workload of one's own.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::splitter(own_workload::registry())
}
