//! Scale-out: has an Auto Scaling group be as large as the events of its application say.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::scale_out()
}
