//! Cascade-worker: evaluates one subtask over all of its vCPUs, and replies.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::worker(squall_workloads::registry())
}
