//! The portfolio as a workload: slices are rectangles of positions × columns.

use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use squall_core::data::{Data, NoData};
use squall_core::sources::{Given, Source};
use squall_core::workload::{Coverage, EvaluateError, InputError, Weight, Workload};

use super::columns::Columns;
use super::input::{PortfolioInput, schema};
use super::labels::{Labels, index};
use super::money::{MAX_UNITS, micros};
use super::partial::{Expected, Partial, PositionValue, SliceSums};
use super::positions::{Contract, Instrument, Position, When};
use super::report::{Report, ReportInput, ReportOptions, headline, notes, report_options_schema, write_rows};
use super::scenarios::{Basis, scenarios_schema};
use super::stencil::{NarrowBumps, Stencils};
use super::valuation::{BlockMarket, Portfolio};
use super::weights::Weights;
use crate::reading::quoted;

/// Columns that are valued together: enough for the vectorised kernels, few enough for the second-level cache.
const BLOCK_COLUMNS: usize = 1_024;
/// A narrower rectangle than this wastes the vectorised kernels, so positions are cut before columns get narrower,
const NARROW_COLUMNS: usize = 32;
/// unless each piece would spend more time on drawing its columns than on valuing.
const NARROWEST_COLUMNS: usize = 8;
/// Sums that a partial may hold: columns × (books + kinds). 16 bytes each in memory, a few on the wire.
const MAX_SUMS: usize = 100_000_000;

/// A check values the base only if that takes no longer than this, nanoseconds of one core.
const MAX_CHECK_NS: u64 = 2_000_000_000;

/// What a column costs besides positions, shocks and sums, nanoseconds of one core.
const COLUMN_NS: u64 = 15;
/// Storing a sum, and sending it.
const SUM_NS: u64 = 15;
/// Memory that a sum takes while partials are merged, bytes: itself, another's, and both encoded. Measured: 8 million took 327 MB.
const BYTES_OF_A_SUM: usize = 41;
/// What a group takes besides, in both.
const BYTES_OF_A_GROUP: usize = 200;
/// The same of a position's own value, where values of positions are asked for.
const BYTES_OF_A_POSITION: usize = 150;

/// Revalues a book of positions under scenarios, in full, and reports value and risk.
pub struct PortfolioRisk;

/// A portfolio, its scenarios and what to report, checked.
#[derive(Debug, Clone)]
pub struct Prepared {
    portfolio: Portfolio,
    columns: Columns,
    weights: Weights,
    /// What a column costs besides its positions, nanoseconds of one core.
    of_a_column: u64,
    labels: Labels,
    stencils: Stencils,
    options: ReportOptions,
}

/// A rectangle of the valuation matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rectangle {
    first_position: u32,
    n_positions: u32,
    first_column: u32,
    n_columns: u32,
}

impl Rectangle {
    fn positions(&self) -> Range<usize> {
        let first = self.first_position as usize;
        first..first + self.n_positions as usize
    }

    fn columns(&self) -> Range<usize> {
        let first = self.first_column as usize;
        first..first + self.n_columns as usize
    }

    fn contains(&self, other: &Self) -> bool {
        let holds =
            |ours: Range<usize>, theirs: Range<usize>| ours.start <= theirs.start && theirs.end <= ours.end;
        holds(self.positions(), other.positions()) && holds(self.columns(), other.columns())
    }

    fn of(positions: Range<usize>, columns: Range<usize>) -> Self {
        Self {
            first_position: index(positions.start),
            n_positions: index(positions.len()),
            first_column: index(columns.start),
            n_columns: index(columns.len()),
        }
    }
}

impl Workload for PortfolioRisk {
    const NAME: &'static str = "portfolio";
    const VERSION: u32 = 2;
    // The first cut otherwise, by other weights.
    const READS_SINCE: u32 = 1;
    const HAS_ROWS: bool = true;
    const ABOUT: &'static str =
        "Revalues a book of positions under scenarios, in full: value, P&L, VaR, expected shortfall, Greeks.";
    type Input = PortfolioInput;
    type Prepared = Prepared;
    type Slice = Rectangle;
    type Partial = Partial;
    type Report = Report;

    fn input_schema() -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["positions", "market"],
            "properties": {
                "positions": schema::positions(),
                "ignore_columns": { "type": "array", "items": { "type": "string" },
                                    "description": "columns of the positions that are there for others" },
                "expired": { "enum": ["refuse", "skip"], "default": "refuse",
                             "description": "positions that expired before the valuation date: skip leaves them out, and counts them" },
                "age": { "oneOf": [{ "type": "boolean" }, { "type": "integer", "minimum": 1, "maximum": 3660 }], "default": false,
                         "description": "whether positions are older in the scenarios: by their horizon_days, or by so many calendar \
                                         days" },
                "market": schema::market(),
                "asian": schema::asian(),
                "scenarios": scenarios_schema(),
                "report": report_options_schema(),
            }
        })
    }

    fn sources(input: &PortfolioInput) -> Vec<Source> {
        input.references().into_iter().map(Source::File).collect()
    }

    fn prepare(input: PortfolioInput, given: &Given) -> Result<Prepared, InputError> {
        let files = &given.files;
        let portfolio = input.portfolio(given)?;
        let scenarios = input.scenarios.prepare(&Basis::of(portfolio.market()), files)?;
        let market = portfolio.market();
        scenarios.check_pairs(market)?;
        check_base(&portfolio)?;
        let options = input.report;
        let mut lowest_vols = vec![f64::INFINITY; market.factors().0.len()];
        for underlying in market.underlyings() {
            let factor = underlying.vol_factor.and_then(|factor| lowest_vols.get_mut(factor));
            if let Some(lowest) = factor {
                *lowest = underlying.vol.lowest() / underlying.normal.map_or(1.0, |it| it.vol);
            }
        }
        let columns = Columns::new(scenarios, options.greeks)
            .with_lowest_vols(lowest_vols)
            .with_ageing(portfolio.ageing().is_some());
        let mut labels = Labels::of(&portfolio, &columns);
        let stencils =
            if options.greeks { Stencils::new(&portfolio, &mut labels) } else { Stencils::default() };
        let n_groups = labels.books.len() + labels.kinds.len();
        let too_many = |problem: String| InputError::new("input.scenarios", problem);
        if columns.count().saturating_mul(n_groups) > MAX_SUMS {
            let most = MAX_SUMS / n_groups;
            return Err(too_many(format!(
                "{} columns (base, Greeks, scenarios) for {n_groups} books and kinds; expected at most {most}",
                columns.count(),
            )));
        }
        let of_a_column = columns
            .scenarios()
            .cost_of_one()
            .saturating_add(COLUMN_NS)
            .saturating_add((n_groups as u64).saturating_mul(SUM_NS));
        let weights = Weights::new(portfolio.positions(), of_a_column);
        let of_all = weights.of_range(0..portfolio.positions().len());
        if of_all.checked_mul(columns.count() as u64).is_none() {
            let n_positions = portfolio.positions().len();
            let problem =
                format!("{} columns for {n_positions} positions are centuries of work", columns.count());
            return Err(too_many(problem));
        }
        Ok(Prepared { portfolio, columns, weights, of_a_column, labels, stencils, options })
    }

    fn check_some(input: PortfolioInput, given: &Given) -> Result<(), InputError> {
        input.check_some(given)
    }

    fn whole(prepared: &Prepared) -> Rectangle {
        Rectangle::of(0..prepared.portfolio.positions().len(), 0..prepared.columns.count())
    }

    fn weight(prepared: &Prepared, slice: &Rectangle) -> Weight {
        prepared.weights.of_range(slice.positions()).saturating_mul(u64::from(slice.n_columns))
    }

    /// Cuts columns as long as they stay wide, so that whole scenarios come in early; then positions, by weight.
    fn divide(prepared: &Prepared, slice: &Rectangle, parts: NonZeroUsize) -> Vec<Rectangle> {
        let (n_positions, n_columns) = (slice.n_positions as usize, slice.n_columns as usize);
        let parts = parts.get().min(n_positions.saturating_mul(n_columns)).max(1);
        let wide = parts.min((n_columns / prepared.narrow_columns(slice.positions())).max(1));
        // Where there are not enough positions to go round, columns have to get narrower.
        let n_blocks = wide.max(parts.div_ceil(n_positions.max(1)));
        let mut rectangles = Vec::with_capacity(parts);
        let mut column = slice.columns().start;
        for block in 0..n_blocks {
            let n_pieces = share(parts, n_blocks, block);
            let (before, after) = (parts_before(parts, n_blocks, block + 1), n_blocks - block - 1);
            // Wider where more pieces share it, and never empty. What does not divide goes to the first, so that the base,
            // without which there is no P&L, is in the heaviest piece and starts first.
            let end = slice.columns().start + (n_columns * before).div_ceil(parts);
            let end = end.max(column + 1).min(slice.columns().end - after);
            rectangles.extend(
                cut_positions(prepared, slice.positions(), n_pieces)
                    .into_iter()
                    .map(|positions| Rectangle::of(positions, column..end)),
            );
            column = end;
        }
        rectangles
    }

    /// Fails only for a rectangle that is not of this job: what has no value is left out, column by column.
    fn evaluate(prepared: &Prepared, slice: &Rectangle, _: &mut dyn Data) -> Result<Partial, EvaluateError> {
        if !Self::whole(prepared).contains(slice) {
            return Err(EvaluateError("the slice is not of this job".to_owned()));
        }
        let mut sums = SliceSums::new(slice.first_column, slice.n_columns as usize);
        let mut values = Vec::new();
        let mut narrow = NarrowBumps::new(&prepared.stencils, &prepared.portfolio);
        for (columns, when) in prepared.columns.blocks(slice.columns(), BLOCK_COLUMNS) {
            let first = columns.start;
            let shocks = prepared.columns.block(columns.clone());
            let block = BlockMarket::new(prepared.portfolio.market(), &shocks);
            values.resize(columns.len(), 0.0);
            for idx in slice.positions() {
                let valued = prepared.portfolio.value(idx, when, &block, &mut values);
                if when == When::Today && first < prepared.columns.first_scenario() {
                    narrow.replace(idx, &prepared.columns, first, &mut values);
                }
                let at = first - slice.columns().start;
                // Without an early exit, so that it vectorises: nearly always all are.
                let all_fit = values.iter().fold(true, |all, value| all & (value.abs() <= MAX_UNITS));
                if valued.is_err() || !all_fit {
                    set_worthless_aside(idx, at, &mut values, &mut sums);
                }
                let (book, kind) = prepared.groups_of(idx);
                if first == 0 {
                    prepared.add_to_unmoved(idx, &values, &mut sums);
                }
                sums.add(book, kind, at, &values).map_err(|bad| {
                    EvaluateError(format!("a value of column {} does not fit", first + bad))
                })?;
            }
        }
        if prepared.options.positions && slice.columns().contains(&0) {
            prepared.note_positions(slice.positions(), &mut sums);
        }
        Ok(sums.finish())
    }

    fn merge(into: &mut Partial, other: Partial) {
        into.merge(other);
    }

    /// The sums are of the slice's columns, of all of its positions but those of the failed parts, and of groups that there are.
    fn check_partial(
        prepared: &Prepared,
        slice: &Rectangle,
        partial: &Partial,
        failed: &[Rectangle],
    ) -> Result<(), String> {
        if !Self::whole(prepared).contains(slice) || !failed.iter().all(|part| slice.contains(part)) {
            return Err("the slice has no such part".to_owned());
        }
        let mut expected = Expected {
            columns: slice.columns(),
            positions: slice.positions(),
            n_positions: vec![u64::from(slice.n_positions); slice.n_columns as usize],
            n_books: prepared.labels.books.len(),
            // With the base values that hang on factors that no scenario moves.
            n_kinds: prepared.labels.kinds.len() + prepared.labels.unmoved.len(),
            has_positions: prepared.options.positions && slice.columns().contains(&0),
        };
        for part in failed {
            let first = (part.first_column - slice.first_column) as usize;
            for n in expected.n_positions.iter_mut().skip(first).take(part.n_columns as usize) {
                *n = n.saturating_sub(u64::from(part.n_positions));
            }
        }
        partial.check(&expected)
    }

    fn report(prepared: &Prepared, partial: Option<&Partial>, coverage: &Coverage) -> Report {
        let Prepared { columns, labels, options, .. } = prepared;
        Report::new(ReportInput { labels, columns, options, partial, coverage })
    }

    /// The P&L vector.
    fn write_rows(prepared: &Prepared, partial: Option<&Partial>, out: &mut dyn io::Write) -> io::Result<()> {
        write_rows(&prepared.labels, &prepared.columns, partial, out)
    }

    fn units(prepared: &Prepared) -> (u64, &'static str) {
        let n_values = prepared.portfolio.positions().len().saturating_mul(prepared.columns.count());
        (n_values as u64, "valuations")
    }

    /// Each column of a slice has a sum for each book and for each kind of its positions. The base column may have a value for each
    /// position.
    fn value_bytes(prepared: &Prepared, slice: &Rectangle) -> u64 {
        let n_groups = prepared.labels.books.len() + prepared.labels.kinds.len();
        // A position is in one of each.
        let n_groups = n_groups.min(slice.n_positions as usize * 2);
        let of_a_group =
            (slice.n_columns as usize).saturating_mul(BYTES_OF_A_SUM).saturating_add(BYTES_OF_A_GROUP);
        let has_positions = prepared.options.positions && slice.columns().contains(&0);
        let of_positions = if has_positions { slice.n_positions as usize * BYTES_OF_A_POSITION } else { 0 };
        n_groups.saturating_mul(of_a_group).saturating_add(of_positions) as u64
    }

    /// Positions and scenarios.
    fn prepared_bytes(prepared: &Prepared) -> u64 {
        let of_positions =
            prepared.portfolio.positions().iter().map(Position::bytes).fold(0, u64::saturating_add);
        of_positions.saturating_add(prepared.columns.scenarios().bytes())
    }

    fn notes(prepared: &Prepared) -> Vec<String> {
        notes(&prepared.labels, prepared.columns.scenarios(), prepared.base_sums().as_ref())
    }

    fn headline(prepared: &Prepared, partial: &Partial) -> Option<String> {
        headline(&prepared.labels, &prepared.columns, &prepared.options, partial)
    }
}

impl Prepared {
    /// The sums of the base column alone, where they take no more than moments and are of any use.
    fn base_sums(&self) -> Option<Partial> {
        let positions = 0..self.portfolio.positions().len();
        if self.labels.unmoved.is_empty() || self.weights.of_range(positions.clone()) > MAX_CHECK_NS {
            return None;
        }
        PortfolioRisk::evaluate(self, &Rectangle::of(positions, 0..1), &mut NoData).ok()
    }

    /// Columns get narrower before positions are cut where drawing them costs more than valuing these positions: each piece draws its
    /// columns again.
    fn narrow_columns(&self, positions: Range<usize>) -> usize {
        let of_all = self.weights.of_range(0..self.portfolio.positions().len());
        let with_share = self.weights.of_range(positions);
        // Without their share of what a column costs besides.
        let own = u128::from(with_share) * u128::from(of_all - self.of_a_column.min(of_all))
            / u128::from(of_all.max(1));
        let drawn = u128::from(self.columns.scenarios().cost_of_one());
        if drawn > own { NARROWEST_COLUMNS } else { NARROW_COLUMNS }
    }

    fn groups_of(&self, position: usize) -> (u32, u32) {
        self.labels.positions.get(position).map_or((0, 0), |label| (label.book, label.kind))
    }

    /// Adds a position's base value, the first of `values`, to the factors that it depends on and no scenario moves.
    fn add_to_unmoved(&self, position: usize, values: &[f64], sums: &mut SliceSums) {
        let Some(value) = values.first().and_then(|value| micros(*value)) else { return };
        let unmoved = &self.labels.unmoved;
        if unmoved.is_empty() {
            return;
        }
        let position = self.portfolio.positions().get(position);
        for factor in position.map(|it| self.portfolio.factors_of(it)).into_iter().flatten() {
            if let Ok(idx) = unmoved.binary_search_by_key(&factor, |it| it.factor_idx) {
                sums.add_base(index(self.labels.kinds.len() + idx), value);
            }
        }
    }

    fn note_positions(&self, positions: Range<usize>, sums: &mut SliceSums) {
        let base = BlockMarket::unshocked(self.portfolio.market());
        for idx in positions {
            let mut value = [f64::NAN];
            let unit = self.portfolio.unit_price(idx, &base);
            let valued = self.portfolio.value(idx, When::Today, &base, &mut value);
            let [value] = value;
            // What has no value is named as such, and has no row.
            if let (Ok(unit), Ok(()), Some(value)) = (unit, valued, micros(value)) {
                sums.note_position(index(idx), PositionValue::new(unit.value, unit.standard_error, value));
            }
        }
    }
}

/// A column in which a position has no value is left out, whatever else is cut off with it: it is noted, and the value is 0. The same
/// for the base and the bumps of Greeks: what fails does not depend on how the work is cut.
fn set_worthless_aside(position: usize, at: usize, values: &mut [f64], sums: &mut SliceSums) {
    for (idx, value) in values.iter_mut().enumerate().filter(|(_, value)| micros(**value).is_none()) {
        *value = 0.0;
        sums.note_worthless(at + idx, index(position));
    }
}

/// Without a value today there is no profit and loss. Most positions are valued in no time; those that are not have to be left to the
/// workers.
fn check_base(portfolio: &Portfolio) -> Result<(), InputError> {
    let base = BlockMarket::unshocked(portfolio.market());
    for (idx, position) in portfolio.positions().iter().enumerate() {
        let takes_long =
            |contract: &Contract| matches!(contract, Contract::American { .. } | Contract::Asian(_));
        let takes_long = match &position.instrument {
            Instrument::Derivative(_, contract) => takes_long(contract),
            Instrument::Adjusted(adjusted) => takes_long(&adjusted.contract),
            Instrument::Spot(_) | Instrument::Cash | Instrument::CashFlows { .. } => false,
        };
        let mut value = [f64::NAN];
        if takes_long
            || (portfolio.value(idx, When::Today, &base, &mut value).is_ok()
                && value.iter().all(|it| micros(*it).is_some()))
        {
            continue;
        }
        let (kind, id) = (position.kind.name(), quoted(&position.id));
        let problem = format!(
            "the {kind} {id} has no value today, or one beyond 1e15 {}; check its quantity and its terms",
            portfolio.market().report_currency()
        );
        return Err(InputError::new("input.positions", problem));
    }
    Ok(())
}

/// The number of `total` items in the first `n` of `of` equal shares.
fn parts_before(total: usize, of: usize, n: usize) -> usize {
    total / of * n + (total % of).min(n)
}

fn share(total: usize, of: usize, n: usize) -> usize {
    parts_before(total, of, n + 1) - parts_before(total, of, n)
}

/// Cuts positions into at most `parts` pieces of about equal weight, none empty.
fn cut_positions(prepared: &Prepared, positions: Range<usize>, parts: usize) -> Vec<Range<usize>> {
    let weights = &prepared.weights;
    let parts = parts.min(positions.len()).max(1);
    let mut cuts = Vec::with_capacity(parts);
    let mut start = positions.start;
    for part in 0..parts {
        let left = parts - part;
        let cost = weights.of_range(start..positions.end) / left as u64;
        let end = weights.cut(start..positions.end, cost);
        let end = if left == 1 { positions.end } else { end.max(start + 1).min(positions.end - (left - 1)) };
        cuts.push(start..end);
        start = end;
    }
    cuts
}

#[cfg(test)]
mod tests;
