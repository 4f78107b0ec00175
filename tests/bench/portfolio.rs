//! A job of ten million European valuations: 10,000 positions under 1,000 scenarios.

use std::fmt::Write;
use std::num::NonZeroUsize;

use squall_core::data::NoData;
use squall_core::sources::Given;
use squall_core::workload::Workload;
use squall_workloads::portfolio::PortfolioRisk;

use crate::grid::{in_parallel, run_job, wall_s};
use crate::{cores, median, row, seconds};

const N_POSITIONS: u32 = 10_000;
const N_SCENARIOS: u32 = 1_000;

fn input() -> String {
    let mut csv = "id,book,kind,underlying,quantity,option_type,strike,expiry\\n".to_owned();
    for i in 0..N_POSITIONS {
        let (book, quantity) = (i % 7, i64::from(i % 200) - 99);
        let (side, strike) = (if i % 2 == 0 { "call" } else { "put" }, 60 + i % 80);
        let expiry = 0.1 + f64::from(i % 50) * 0.05;
        let _ = write!(csv, "E{i},book {book},european,X{},{quantity},{side},{strike},{expiry:.2}\\n", i % 4);
    }
    let underlying = |i: u32| {
        format!(
            r#""X{i}":{{"class":"equity","currency":"USD","spot":{},"dividend_yield":0.015,"vol":0.2{i}}}"#,
            95 + i * 5
        )
    };
    let underlyings: Vec<_> = (0..4).map(underlying).collect();
    format!(
        r#"{{"positions":{{"csv":"{csv}"}},
        "market":{{"valuation_date":"2026-01-15","report_currency":"USD",
          "curves":{{"USD":{{"currency":"USD","points":[{{"tenor":1,"rate":0.03}}]}}}},
          "underlyings":{{{}}}}},
        "scenarios":{{"type":"monte_carlo","paths":{N_SCENARIOS},"horizon_days":1,"seed":1,"distribution":"normal",
          "factors":["spot:X0","spot:X1","vol:X0","rate:USD"],"volatilities":[0.2,0.3,0.1,0.01],
          "correlation":[[1,0.5,-0.6,0],[0.5,1,-0.3,0],[-0.6,-0.3,1,0],[0,0,0,1]],"per":"year"}}}}"#,
        underlyings.join(",")
    )
}

pub(crate) fn ten_million_valuations() {
    let input = input();
    let message = format!(r#"{{"workload":"portfolio","input":{input}}}"#);
    let parsed = serde_json::from_str(&input).expect("the input is of its shape");
    let prepared = PortfolioRisk::prepare(parsed, &Given::default()).expect("the input checks");
    let whole = PortfolioRisk::whole(&prepared);
    let parts = NonZeroUsize::new(64).expect("some parts");
    let slices = PortfolioRisk::divide(&prepared, &whole, parts);
    let n_valuations = f64::from(N_POSITIONS) * f64::from(N_SCENARIOS + 1);

    let evaluate = |slice: &_| drop(PortfolioRisk::evaluate(&prepared, slice, &mut NoData).expect("a value"));
    let load = || {
        let parsed = serde_json::from_str(&input).expect("the input is of its shape");
        drop(PortfolioRisk::prepare(parsed, &Given::default()));
    };
    let (mut jobs, mut ideals, mut loads, mut rates, mut one_core) = (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..9 {
        ideals.push(seconds(|| in_parallel(&slices, evaluate)));
        loads.push(seconds(load));
        jobs.push(wall_s(&run_job(cores(), &message, ".")));
        one_core.push(seconds(|| slices.iter().for_each(evaluate)));
        let alone = run_job(NonZeroUsize::MIN, &message, ".");
        let ending = alone.observation.and_then(|it| it.row.ending).expect("the job has ended");
        let worked_s = u32::try_from(ending.receipt.worker_us).map_or(f64::INFINITY, f64::from) / 1e6;
        rates.push(n_valuations / worked_s);
    }
    let (job_s, ideal_s, load_s) = (median(jobs), median(ideals), median(loads));
    let rate = median(rates);
    let bare_rate = n_valuations / median(one_core);
    row(
        "10 M valuations as a job, loading and report in",
        &format!("{:.1} ms", job_s * 1e3),
        &format!("plain parallel loop {:.1} ms", ideal_s * 1e3),
        job_s / ideal_s,
    );
    row(
        "  the same, against the loop and the loading",
        &format!("{:.1} ms", job_s * 1e3),
        &format!("loop {:.1} ms + loading {:.1} ms", ideal_s * 1e3, load_s * 1e3),
        job_s / (ideal_s + load_s),
    );
    row(
        "European valuations inside the grid, per core",
        &format!("{:.1} M/s", rate / 1e6),
        &format!("plain loop {:.1} M/s", bare_rate / 1e6),
        rate / bare_rate,
    );
}
