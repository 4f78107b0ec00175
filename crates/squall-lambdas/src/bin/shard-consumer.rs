//! Shard-consumer: takes one task of its lane through a cascade of workers, and publishes one result.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::consumer(squall_workloads::registry())
}
