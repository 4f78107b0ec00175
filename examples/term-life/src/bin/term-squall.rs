//! The command line, with the term-life projection.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_cli::main(term_life::registry())
}
