//! A sample job of any size: made-up points, mortality, curve and stresses; a function of its request.

use std::fmt::Write;

use squall_core::sources::Files;
use squall_core::split_mix64;

use crate::scenarios::MAX_SCENARIOS;

/// What to make.
#[derive(Debug, Clone, Copy)]
pub struct SampleRequest {
    /// Model points.
    pub n_points: u64,
    /// Drawn scenarios, besides the base and five stresses; at most [`MAX_DRAWN`].
    pub n_scenarios: u64,
    /// Which.
    pub seed: u64,
}

/// Most scenarios to draw: with the stresses, a job has no more than it may.
pub const MAX_DRAWN: u64 = MAX_SCENARIOS as u64 - N_STRESSES;
const N_STRESSES: u64 = 5;
const TERMS: [u64; 3] = [10, 15, 20];

/// `job.json` and the files that it names.
pub fn sample(request: &SampleRequest) -> Files {
    let files = [
        ("job.json", job(request)),
        ("points.csv", points(request)),
        ("mortality.csv", mortality()),
        ("curve.csv", curve()),
        ("stresses.csv", STRESSES.to_owned()),
    ];
    files.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).collect()
}

/// Rates that rise, fall and steepen; lives that are shorter; policies that leave.
const STRESSES: &str = "scenario,shift,twist,mortality,lapse
rates-up,0.01,0,1,1
rates-down,-0.01,0,1,1
steeper,0,0.005,1,1
pandemic,0,0,1.5,1
mass-lapse,0,0,1,2
";

fn job(request: &SampleRequest) -> String {
    let SampleRequest { n_scenarios, seed, .. } = *request;
    let draw = match n_scenarios {
        0 => String::new(),
        _ => format!(",\n    \"draw\": {{ \"count\": {n_scenarios}, \"seed\": {seed} }}"),
    };
    format!(
        "{{\n  \"workload\": \"term-life\",\n  \"input\": {{\n    \"points\": \"points.csv\",\n    \
         \"mortality\": \"mortality.csv\",\n    \"curve\": \"curve.csv\",\n    \"scenarios\": \"stresses.csv\"{draw}\n  }}\n}}\n"
    )
}

fn points(request: &SampleRequest) -> String {
    let mut text =
        String::from("id,product,age_at_entry,policy_term,duration_months,policy_count,sum_assured\n");
    for point in 0..request.n_points {
        let draw = |purpose: u64, n: u64| {
            split_mix64(split_mix64(request.seed) ^ split_mix64(point * 8 + purpose)) % n
        };
        let term = TERMS.get(usize::try_from(draw(0, 3)).unwrap_or(0)).copied().unwrap_or(10);
        // Half of them are new.
        let months = if draw(1, 2) == 0 { 0 } else { draw(2, term * 12) };
        let _ = writeln!(
            text,
            "P{},term-{term},{},{term},{months},{},{}",
            point + 1,
            20 + draw(3, 40),
            1 + draw(4, 100),
            (10 + draw(5, 991)) * 1_000,
        );
    }
    text
}

/// Grows by a tenth a year, as mortality does, and is lower in the first years after a medical.
fn mortality() -> String {
    let mut text = String::from("age,0,1,2,3,4,5\n");
    let mut rate = 0.000_4;
    for age in 18..=120 {
        let _ = write!(text, "{age}");
        for share in [0.5, 0.6, 0.7, 0.8, 0.9, 1.0] {
            let _ = write!(text, ",{:.6}", f64::min(rate * share, 1.0));
        }
        text.push('\n');
        rate *= 1.1;
    }
    text
}

/// Rises from 1 % towards 3 %.
fn curve() -> String {
    let mut text = String::from("year,rate\n");
    let mut below = 0.02;
    for year in 0..100 {
        let _ = writeln!(text, "{year},{:.6}", 0.03 - below);
        below *= 0.88;
    }
    text
}
