//! The report of a job: value, risk and its sources; partial or final.

use squall_core::workload::Coverage;

use std::collections::BTreeSet;

use super::columns::{Column, Columns};
use super::labels::{Labels, Unmoved};
use super::money::Micros;
use super::partial::Partial;
use super::rates::Quote;
use super::risk::{self, Bin, Distribution, Estimate, Level, Tail, TooFew};
use super::scenarios::LargeChange;
use super::shock::Factor;

mod greeks;
mod groups;
mod headline;
mod json;
mod layout;
mod matrix;
mod notes;
mod options;
mod rows;
mod text;

pub use greeks::{CurrencyGreeks, Greeks, UnderlyingGreeks};
pub use groups::GroupRisk;
pub use headline::headline;
pub use notes::notes;
pub use options::{ReportOptions, report_options_schema};
pub use rows::write_rows;

use matrix::ScenarioPnl;

/// The inputs of a report.
#[derive(Debug, Clone, Copy)]
pub struct ReportInput<'a> {
    /// Names of books, kinds and positions.
    pub labels: &'a Labels,
    /// The columns of the matrix.
    pub columns: &'a Columns,
    /// The report options.
    pub options: &'a ReportOptions,
    /// The sums that are in, if any.
    pub partial: Option<&'a Partial>,
    /// The progress of the work.
    pub coverage: &'a Coverage,
}

/// The answer, or the answer so far: `Display` for people, `Serialize` for programs. Money is in millionths of the
/// report currency.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// ISO code of the report currency.
    pub currency: String,
    /// Description of the scenarios.
    pub about: String,
    /// Share of the work that is in, 0 to 1.
    pub work_done: f64,
    /// Whether some of the work is missing.
    pub is_partial: bool,
    /// How many positions the portfolio has.
    pub n_positions: usize,
    /// Positions that had expired and were left out.
    pub n_expired: usize,
    /// Positions with a running floating period whose rate is the curve's, for want of a fixing.
    pub n_projected: usize,
    /// Factors that positions depend on and no scenario moves, each with the net base value of those positions once all are in.
    pub unmoved: Vec<(Unmoved, Option<i128>)>,
    /// What is valid and can hardly be meant, a line each.
    pub notes: Vec<String>,
    /// The largest daily changes of the history that the scenarios come from, the largest in standard deviations first.
    pub largest_changes: Vec<LargeChange>,
    /// How many scenarios the job has.
    pub n_scenarios: usize,
    /// How many of them are fully revalued; only those count in this report.
    pub n_scenarios_done: usize,
    /// Scenarios in which some position has no value, or one beyond 1e15: left out, each with the first such position.
    pub not_valued: Vec<NotValued>,
    /// The first position without a value today, or with one beyond 1e15: then there is no profit and loss.
    pub base_not_valued: Option<String>,
    /// Factors whose Greeks are missing because some position has no value when they are bumped.
    pub greeks_not_valued: Vec<NotValued>,
    /// How many positions have their base value in.
    pub n_positions_done: u64,
    /// The portfolio's value today, once all positions are in.
    pub base_value: Option<i128>,
    /// How positions are older in the scenarios, if they are.
    pub ageing: Option<AgeingPnl>,
    /// Whether the scenarios are a sample, so that quantiles are meaningful; stress scenarios have no probabilities.
    pub is_sample: bool,
    /// The distribution of P&L.
    pub distribution: Option<Distribution>,
    /// Its histogram; none without spread, or for stress scenarios.
    pub histogram: Vec<Bin>,
    /// Value at risk and expected shortfall by level, ascending; empty unless the scenarios are a sample.
    pub risk: Vec<(Level, Result<Estimate, TooFew>)>,
    /// The worst scenarios, the worst first.
    pub worst: Vec<WorstScenario>,
    /// The factors whose shocks in them are in units of a price.
    pub in_units: BTreeSet<Factor>,
    /// The level that the groups' figures are at: the highest that has enough scenarios.
    pub group_level: Option<Level>,
    /// Books in the portfolio's order.
    pub books: Vec<GroupRisk>,
    /// Kinds of contract in the portfolio's order.
    pub kinds: Vec<GroupRisk>,
    /// Greeks, if they were asked for.
    pub greeks: Option<Greeks>,
    /// Single positions, if they were asked for; those that are in.
    pub positions: Option<Vec<PositionRow>>,
}

/// What time alone does to the portfolio until the scenarios' horizon: theta over those days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgeingPnl {
    /// Calendar days.
    pub days: u64,
    /// The change of value without any shock, once it is in.
    pub pnl: Option<i128>,
    /// The first position without a value then, or with one beyond 1e15: there is no such change.
    pub not_valued: Option<String>,
}

/// A scenario and its effect.
#[derive(Debug, Clone, PartialEq)]
pub struct WorstScenario {
    /// The scenario, from 0.
    pub scenario: usize,
    /// Its name.
    pub label: String,
    /// Profit or loss against the base.
    pub pnl: i128,
    /// The shocks that are not zero, the largest first, as typical moves compare: 1 % of a price, one volatility point
    /// and five basis points count the same. Those of a normal price and its volatility are in units of the price.
    pub shocks: Vec<(Factor, f64)>,
}

/// A scenario, or a factor's Greeks, left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotValued {
    /// Its name.
    pub label: String,
    /// The id of the first position without a value in it.
    pub position: String,
}

/// A position's value today.
#[derive(Debug, Clone, PartialEq)]
pub struct PositionRow {
    /// Its id.
    pub id: String,
    /// Its book's name.
    pub book: String,
    /// Its kind of contract.
    pub kind: &'static str,
    /// Currency of its price.
    pub currency: String,
    /// Price of one unit in that currency.
    pub price: f64,
    /// Standard error of the price, if it is a Monte Carlo estimate.
    pub standard_error: Option<f64>,
    /// Value of the position, in millionths of the report currency.
    pub value: i128,
    /// What it is quoted at, if it is a bond.
    pub quote: Option<Quote>,
}

impl Report {
    /// The report on the sums that are in.
    pub fn new(input: ReportInput<'_>) -> Self {
        let ReportInput { labels, columns, options, partial, coverage } = input;
        let nothing = Partial::default();
        let partial = partial.unwrap_or(&nothing);
        let scenarios = columns.scenarios();
        let pnl = ScenarioPnl::new(labels, columns, partial);
        let order = risk::worst_first(&pnl.total);
        let is_sample = scenarios.is_sample();

        let distribution = risk::distribution(&pnl.total, &order, pnl.weights());
        let has_spread = distribution.as_ref().is_some_and(|d| d.minimum < d.maximum);
        let histogram =
            if is_sample && has_spread { risk::histogram(&pnl.total, options.histogram) } else { Vec::new() };
        let tails: Vec<(Level, Result<Tail, TooFew>)> = if is_sample && distribution.is_some() {
            options.levels.iter().map(|level| (*level, Tail::new(*level, &order, pnl.weights()))).collect()
        } else {
            Vec::new()
        };
        let highest = tails.iter().rev().find_map(|(_, tail)| tail.as_ref().ok());
        let estimate = |(level, tail): &(Level, Result<Tail, TooFew>)| {
            (*level, tail.as_ref().map(|tail| tail.estimate(&pnl.total, &order)).map_err(|too_few| *too_few))
        };
        let scaled = scenarios.scaled();
        let worst = |idx: &usize| {
            let scenario = pnl.scenarios[*idx];
            let mut shocks = scenarios.shocks_of(scenario);
            shocks.sort_by(|(a, x), (b, y)| moves(b, *y).total_cmp(&moves(a, *x)));
            for (factor, shock) in &mut shocks {
                *shock *= scaled.get(factor).copied().unwrap_or(1.0);
            }
            WorstScenario { scenario, label: scenarios.label(scenario), pnl: pnl.total[*idx], shocks }
        };
        Self {
            currency: labels.report_currency.clone(),
            about: scenarios.about().to_owned(),
            work_done: coverage.share(),
            is_partial: !coverage.is_whole(),
            n_positions: labels.positions.len(),
            n_expired: labels.n_expired,
            n_projected: labels.n_projected,
            unmoved: unmoved(labels, partial, pnl.base_value.is_some()),
            notes: labels.notes.clone(),
            largest_changes: scenarios.review().largest.clone(),
            n_scenarios: scenarios.count(),
            n_scenarios_done: pnl.n_done,
            not_valued: not_valued(columns, labels, partial),
            base_not_valued: not_valued_in(labels, partial, Some(0)),
            greeks_not_valued: greeks_not_valued(columns, labels, partial),
            n_positions_done: partial.n_positions(0, 1)[0],
            base_value: pnl.base_value,
            ageing: labels.aged_days.map(|days| AgeingPnl {
                days,
                pnl: pnl.of_ageing,
                not_valued: not_valued_in(labels, partial, columns.aged_base()),
            }),
            is_sample,
            histogram,
            risk: tails.iter().map(estimate).collect(),
            worst: order.iter().take(options.worst).map(worst).collect(),
            in_units: scaled.keys().cloned().collect(),
            group_level: highest.map(Tail::level),
            books: groups::books(labels, partial, &pnl, highest, order.first().copied()),
            kinds: groups::kinds(labels, partial, &pnl, highest, order.first().copied()),
            greeks: options.greeks.then(|| greeks::greeks(labels, columns, partial)),
            positions: options.positions.then(|| position_rows(labels, partial)),
            distribution,
        }
    }
}

/// With base values once every position is in. A partial of an earlier version has none.
fn unmoved(labels: &Labels, partial: &Partial, is_whole: bool) -> Vec<(Unmoved, Option<i128>)> {
    let value = |idx: usize| if is_whole { partial.base_sum(labels.kinds.len() + idx) } else { None };
    labels.unmoved.iter().cloned().enumerate().map(|(idx, factor)| (factor, value(idx))).collect()
}

/// A statistic in millionths as money.
#[expect(clippy::cast_possible_truncation, reason = "beyond 128 bits it saturates")]
fn rounded(statistic: f64) -> Micros {
    Micros(statistic.round_ties_even() as i128)
}

/// A shock in typical daily moves.
fn moves(factor: &Factor, shock: f64) -> f64 {
    let typical = match factor {
        Factor::Spot(_) | Factor::Fx(_) | Factor::Vol(_) => 0.01,
        Factor::Rate(_) | Factor::Spread(_) => 0.0005,
    };
    shock.abs() / typical
}

fn position_rows(labels: &Labels, partial: &Partial) -> Vec<PositionRow> {
    let name = |names: &[String], idx: u32| names.get(idx as usize).cloned().unwrap_or_default();
    let row = |(position_idx, value): (u32, &super::partial::PositionValue)| {
        let label = labels.positions.get(position_idx as usize)?;
        Some(PositionRow {
            id: label.id.clone(),
            book: name(&labels.books, label.book),
            kind: labels.kinds.get(label.kind as usize).copied().unwrap_or_default(),
            currency: name(&labels.currencies, label.currency),
            price: value.price(),
            standard_error: value.standard_error(),
            value: value.value_micros(),
            quote: label.quote.as_deref().copied(),
        })
    };
    partial.positions().iter().filter_map(row).collect()
}

fn not_valued(columns: &Columns, labels: &Labels, partial: &Partial) -> Vec<NotValued> {
    let named = |(column, position_idx): &(u32, u32)| {
        let scenario = (*column as usize).checked_sub(columns.first_scenario())?;
        let position = labels.positions.get(*position_idx as usize)?;
        Some(NotValued { label: columns.scenarios().label(scenario), position: position.id.clone() })
    };
    partial.worthless().iter().filter_map(named).collect()
}

/// The first position that has no value in a column.
fn not_valued_in(labels: &Labels, partial: &Partial, column: Option<usize>) -> Option<String> {
    let (_, position_idx) = partial.worthless().iter().find(|(it, _)| Some(*it as usize) == column)?;
    Some(labels.positions.get(*position_idx as usize)?.id.clone())
}

fn greeks_not_valued(columns: &Columns, labels: &Labels, partial: &Partial) -> Vec<NotValued> {
    let named = |(column, position_idx): &(u32, u32)| {
        let Some(Column::Bump { factor_idx, .. }) = columns.column(*column as usize) else { return None };
        let factor = columns.scenarios().factors().0.get(factor_idx)?;
        let position = labels.positions.get(*position_idx as usize)?;
        Some(NotValued { label: factor.to_string(), position: position.id.clone() })
    };
    let mut all: Vec<NotValued> = partial.worthless().iter().filter_map(named).collect();
    all.dedup_by(|next, one| next.label == one.label);
    all
}

#[cfg(test)]
mod tests;
