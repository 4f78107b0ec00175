//! Scale-out: makes an Auto Scaling group as large as its application's events require.

use std::process::ExitCode;

fn main() -> ExitCode {
    squall_lambdas::run::scale_out()
}
