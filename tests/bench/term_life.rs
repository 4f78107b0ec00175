//! Model points per second of one core: the example's projection against BasicTerm's formulas as they are written.

use std::fmt::Write;
use std::hint::black_box;

use squall_core::data::NoData;
use squall_core::sources::{Files, Given};
use squall_core::workload::Workload;
use term_life::TermLife;
use term_life::sample::{SampleRequest, sample};

use crate::{row, seconds};

const N_POINTS: u32 = 200_000;
/// Fewer, as the formulas take many times as long.
const N_BY_FORMULA: u32 = 5_000;
const TRIES: usize = 7;

/// New policies of 10, 15 and 20 years, all different: nothing can be computed once for several.
fn points() -> String {
    let mut text = String::from("id,age_at_entry,policy_term,policy_count,sum_assured\n");
    for point in 0..N_POINTS {
        let (age, term, sum) = (20 + point % 40, 10 + 5 * (point % 3), 10_000 + point);
        let _ = writeln!(text, "P{point},{age},{term},1,{sum}");
    }
    text
}

pub(crate) fn model_points() {
    let mut files: Files = sample(&SampleRequest { n_points: 1, n_scenarios: 0, seed: 1 });
    files.insert("points.csv".to_owned(), points().into_bytes());
    let names = ["points", "mortality", "curve"].map(|name| format!(r#""{name}":"{name}.csv""#)).join(",");
    let input = serde_json::from_str(&format!("{{{names}}}")).expect("it is an input");
    let (mortality, curve) = (rates(&files, "mortality.csv"), rates(&files, "curve.csv"));
    let prepared = TermLife::prepare(input, &Given::files(files)).expect("it is valid");
    let whole = TermLife::whole(&prepared);

    let best_s = |work: &dyn Fn()| (0..TRIES).map(|_| seconds(work)).fold(f64::INFINITY, f64::min);
    let ours_s = best_s(&|| drop(black_box(TermLife::evaluate(&prepared, &whole, &mut NoData))));
    let ours = f64::from(N_POINTS) / ours_s;
    let theirs_s = best_s(&|| {
        for point in 0..N_BY_FORMULA {
            let (age, term, sum) = (20 + point % 40, 10 + 5 * (point % 3), f64::from(10_000 + point));
            black_box(by_formula(&mortality, &curve, (age - 18) as usize, term, sum));
        }
    });
    let theirs = f64::from(N_BY_FORMULA) / theirs_s;
    row(
        "model points of 15 years on average, per core",
        &format!("{:.2} M/s", ours / 1e6),
        &format!("the formulas as written {:.3} M/s", theirs / 1e6),
        ours / theirs,
    );
}

/// The numbers of a table, without its first column.
fn rates(files: &Files, name: &str) -> Vec<Vec<f64>> {
    let text = std::str::from_utf8(&files[name]).expect("it is text");
    let numbers = |line: &str| line.split(',').skip(1).map(|it| it.parse().expect("a number")).collect();
    text.lines().skip(1).map(numbers).collect()
}

/// Net cash flow of one policy: every rate of every month where the formula has it.
fn by_formula(mortality: &[Vec<f64>], curve: &[Vec<f64>], age: usize, term: u32, sum_assured: f64) -> f64 {
    let (mut alive, mut claims, mut in_force, mut first_year, mut expenses) = (1.0, 0.0, 0.0, 0.0, 300.0);
    for month in 0..term * 12 {
        let year = (month / 12) as usize;
        let years = f64::from(month) / 12.0;
        let discount = (1.0 + curve[year][0]).powf(-years);
        let deaths = alive * (1.0 - (1.0 - mortality[age + year][year.min(5)]).powf(1.0 / 12.0));
        let lapse = f64::max(0.1 - 0.02 * f64::from(month / 12), 0.02);
        claims += sum_assured * deaths * discount;
        in_force += alive * discount;
        expenses += alive * 60.0 / 12.0 * 1.01_f64.powf(years) * discount;
        if year == 0 {
            first_year += alive * discount;
        }
        alive -= deaths + (alive - deaths) * (1.0 - (1.0 - lapse).powf(1.0 / 12.0));
    }
    let premium = (1.5 * claims / in_force * 100.0).round_ties_even() / 100.0;
    premium * in_force - claims - expenses - premium * first_year
}
