//! The result-collector, with a workload of one's own.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::collector(own_workload::registry())
}
