//! Scale-in: keeps an Auto Scaling group no larger than its application needs.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::scale_in()
}
