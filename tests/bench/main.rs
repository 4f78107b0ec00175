//! Every published figure of the project, next to a reference measurement of the same run.
//!
//! `make bench`, or `cargo bench -p squall-tests -- collector` for the parts whose name contains a word. Machines differ
//! and drift: quote the ratios.
#![expect(clippy::expect_used, reason = "a benchmark fails where it expects")]
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and its arguments")]

use std::num::NonZeroUsize;
use std::time::Instant;

mod coldstart;
mod collector;
mod external;
mod grid;
mod invokes;
mod job;
mod kernels;
mod logs;
mod portfolio;
mod process;
mod putting;
mod server;
mod term_life;
mod tls;

type Part = (&'static str, fn());

const PARTS: &[Part] = &[
    ("throughput", grid::throughput),
    ("efficiency", grid::efficiency),
    ("collector", collector::merges),
    ("kernels", kernels::kernels),
    ("portfolio", portfolio::ten_million_valuations),
    ("term-life", term_life::model_points),
    ("logs", logs::signatures),
    ("external", external::overhead),
    ("process", process::whole_process),
    ("invokes", invokes::signed_invokes),
    ("putting", putting::split_and_put),
    ("coldstart", coldstart::cold_starts),
];

type Role = (&'static str, fn(&[String]));

/// The roles in which this binary starts itself again.
const ROLES: &[Role] = &[
    ("as-invoke-server", invokes::be_the_invoke_server),
    ("as-tls-server", invokes::be_the_tls_server),
    ("as-consumer", invokes::be_the_consumer),
    ("as-stream-server", putting::be_the_stream_server),
    ("as-splitter", putting::be_the_splitter),
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some((name, args)) = args.split_first()
        && let Some((_, role)) = ROLES.iter().find(|(role, _)| role == name)
    {
        return role(args);
    }
    let wanted: Vec<String> = args.into_iter().filter(|arg| !arg.starts_with('-')).collect();
    println!("{} cores, {}", cores(), squall_workloads::portfolio::pricing::simd::simd_path());
    for (name, part) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str())) {
            println!("\n## {name}");
            part();
        }
    }
}

fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Seconds that `work` takes.
fn seconds(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// One line: a figure, its reference, and the ratio.
fn row(what: &str, figure: &str, against: &str, ratio: f64) {
    println!("{what:<52} {figure:>16}   {against:<44} {ratio:>6.3}");
}
