//! The command line, with a workload of one's own.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_cli::main(own_workload::registry())
}
