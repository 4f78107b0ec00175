//! The cascade-worker, with a workload of one's own.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::worker(own_workload::registry())
}
