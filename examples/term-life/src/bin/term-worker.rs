//! The cascade-worker, with the term-life projection.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::worker(term_life::registry())
}
