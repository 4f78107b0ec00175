//! The answer: the base by product, and how scenarios differ from it.

use std::cmp::Reverse;
use std::fmt;
use std::io;

use serde::Serialize;

use crate::sums::{Micros, Sums, grouped};
use crate::{Prepared, Valued};

/// The answer.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Points in the job.
    pub points: u64,
    /// Present values in the base, by product.
    pub products: Vec<Line>,
    /// The same of all products.
    pub total: Line,
    /// Scenarios besides the base; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenarios: Option<Distribution>,
}

/// Present values in the base.
#[derive(Debug, Serialize)]
pub struct Line {
    /// The product.
    pub product: String,
    /// Points that are in.
    pub points: u64,
    /// Premiums.
    pub premiums: Micros,
    /// Claims.
    pub claims: Micros,
    /// Expenses.
    pub expenses: Micros,
    /// Commissions.
    pub commissions: Micros,
    /// Premiums less all others.
    pub net_cash_flow: Micros,
    /// Reserve.
    pub reserve: Micros,
}

impl Line {
    fn of(product: &str, sums: &Sums) -> Self {
        Self {
            product: product.to_owned(),
            points: sums.points,
            premiums: Micros(sums.premiums),
            claims: Micros(sums.claims),
            expenses: Micros(sums.expenses),
            commissions: Micros(sums.commissions),
            net_cash_flow: sums.net(),
            reserve: Micros(sums.reserve),
        }
    }
}

/// What scenarios besides the base come to.
#[derive(Debug, Serialize)]
pub struct Distribution {
    /// In the job.
    pub count: u64,
    /// In the answer: those that have all points.
    pub valued: u64,
    /// Net cash flow of all points; the lowest is the worst. Absent before the first scenario has all points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_cash_flow: Option<Spread>,
    /// Reserve of all points; the highest is the worst.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserve: Option<Spread>,
}

/// A figure over the scenarios. A percentile is the smallest value that at least that share of them does not exceed.
#[derive(Debug, Serialize)]
pub struct Spread {
    /// Mean; what is less than a millionth is left out.
    pub mean: Micros,
    /// 1st percentile.
    pub p1: Micros,
    /// 5th percentile.
    pub p5: Micros,
    /// Median.
    pub p50: Micros,
    /// 95th percentile.
    pub p95: Micros,
    /// 99th percentile.
    pub p99: Micros,
    /// 99.5th percentile.
    pub p99_5: Micros,
    /// The worst value.
    pub worst: Micros,
    /// The scenario that has it; the first of several.
    pub worst_scenario: String,
}

impl Spread {
    /// Of values with their scenarios, in the order of those. `sign` is 1 where high is bad, -1 where low is.
    fn of(prepared: &Prepared, mut values: Vec<(i128, usize)>, sign: i128) -> Option<Self> {
        let n = i128::try_from(values.len()).ok()?;
        let sum = values.iter().fold(0_i128, |sum, (value, _)| sum.saturating_add(*value));
        let mean = Micros(sum.checked_div(n)?);
        let worst = values.iter().max_by_key(|(value, idx)| (value.saturating_mul(sign), Reverse(*idx)))?;
        let (worst, worst_scenario) = (Micros(worst.0), prepared.scenario(worst.1).name);
        values.sort_unstable();
        let percentile = |per_mille: usize| {
            let rank = (values.len() * per_mille).div_ceil(1_000).max(1);
            Micros(values.get(rank - 1).map_or(0, |(value, _)| *value))
        };
        let [p1, p5, p50, p95, p99, p99_5] = [10, 50, 500, 950, 990, 995].map(percentile);
        Some(Self { mean, p1, p5, p50, p95, p99, p99_5, worst, worst_scenario })
    }
}

fn total(products: &[Sums]) -> Sums {
    let mut all = Sums::default();
    products.iter().for_each(|sums| all.add(sums));
    all
}

impl Report {
    /// The answer, or the answer so far.
    pub(crate) fn new(prepared: &Prepared, valued: &Valued) -> Self {
        let names = &prepared.points.products;
        let none = vec![Sums::default(); names.len()];
        let base = valued.of(0).unwrap_or(&none);
        let n_points = prepared.n_points() as u64;
        let whole: Vec<(usize, Sums)> = (1..prepared.n_scenarios())
            .filter_map(|idx| Some((idx, total(valued.of(idx)?))))
            .filter(|(_, all)| all.points == n_points)
            .collect();
        let values = |of: fn(&Sums) -> i128| whole.iter().map(|(idx, all)| (of(all), *idx)).collect();
        let scenarios = (prepared.n_scenarios() > 1).then(|| Distribution {
            count: prepared.n_scenarios() as u64 - 1,
            valued: whole.len() as u64,
            net_cash_flow: Spread::of(prepared, values(|all| all.net().0), -1),
            reserve: Spread::of(prepared, values(|all| all.reserve), 1),
        });
        Self {
            points: n_points,
            products: names.iter().zip(base).map(|(name, sums)| Line::of(name, sums)).collect(),
            total: Line::of("all", &total(base)),
            scenarios,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Present values of {} model points", grouped(u128::from(self.points)))?;
        let header = [
            "product",
            "points",
            "premiums",
            "claims",
            "expenses",
            "commissions",
            "net cash flow",
            "reserve",
        ];
        let lines = self.products.iter().chain([&self.total]).map(|line| {
            let Line { product, points, premiums, claims, expenses, commissions, net_cash_flow, reserve } =
                line;
            [
                product.clone(),
                grouped(u128::from(*points)),
                premiums.grouped(),
                claims.grouped(),
                expenses.grouped(),
                commissions.grouped(),
                net_cash_flow.grouped(),
                reserve.grouped(),
            ]
        });
        write_table(f, header, lines)?;
        let Some(scenarios) = &self.scenarios else { return Ok(()) };
        writeln!(f, "\n{} of {} scenarios besides the base", scenarios.valued, scenarios.count)?;
        let spreads = [("net cash flow", &scenarios.net_cash_flow), ("reserve", &scenarios.reserve)];
        let lines = spreads.into_iter().filter_map(|(what, spread)| {
            let Spread { mean, p1, p50, p99, worst, worst_scenario, .. } = spread.as_ref()?;
            let [mean, p1, p50, p99, worst] = [mean, p1, p50, p99, worst].map(|it| it.grouped());
            Some([what.to_owned(), mean, p1, p50, p99, worst, worst_scenario.clone()])
        });
        write_table(f, ["", "mean", "1 %", "median", "99 %", "worst", "in scenario"], lines)
    }
}

/// Columns as wide as what is in them, the first to the left and the others to the right.
fn write_table<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    header: [&str; N],
    lines: impl Iterator<Item = [String; N]>,
) -> fmt::Result {
    let lines: Vec<[String; N]> = std::iter::once(header.map(str::to_owned)).chain(lines).collect();
    let mut widths = [0; N];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    for line in &lines {
        for (idx, (cell, width)) in line.iter().zip(widths).enumerate() {
            if idx == 0 {
                write!(f, "{cell:<width$}")?;
            } else {
                write!(f, "  {cell:>width$}")?;
            }
        }
        writeln!(f)?;
    }
    Ok(())
}

/// A line for each scenario and product.
pub(crate) fn write_rows(prepared: &Prepared, valued: &Valued, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "scenario,product,points,premiums,claims,expenses,commissions,net_cash_flow,reserve")?;
    for idx in 0..prepared.n_scenarios() {
        let Some(products) = valued.of(idx) else { continue };
        let scenario = prepared.scenario(idx).name;
        for (product, sums) in prepared.points.products.iter().zip(products) {
            let Line { points, premiums, claims, expenses, commissions, net_cash_flow, reserve, .. } =
                Line::of(product, sums);
            writeln!(
                out,
                "{scenario},{product},{points},{premiums},{claims},{expenses},{commissions},{net_cash_flow},{reserve}"
            )?;
        }
    }
    Ok(())
}

/// The base so far.
pub(crate) fn headline(prepared: &Prepared, valued: &Valued) -> Option<String> {
    let all = total(valued.of(0)?);
    let whole = all.points == prepared.n_points() as u64;
    whole.then(|| format!("reserve {} in the base", Micros(all.reserve).grouped()))
}
