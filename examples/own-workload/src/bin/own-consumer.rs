//! The shard-consumer, with a workload of one's own.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::consumer(own_workload::registry())
}
