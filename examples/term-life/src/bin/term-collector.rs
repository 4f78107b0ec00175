//! The result-collector, with the term-life projection.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::collector(term_life::registry())
}
