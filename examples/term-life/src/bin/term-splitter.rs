//! The task-splitter, with the term-life projection.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::splitter(term_life::registry())
}
