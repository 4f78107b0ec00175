//! The shard-consumer, with the term-life projection.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::consumer(term_life::registry())
}
