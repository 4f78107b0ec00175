//! Values of positions in the columns of a block, in the report currency.
//!
//! A value depends on its position and its column only, never on the block in which it is computed, bit for bit.

use std::fmt;

use super::ageing::Ageing;
use super::market::conversion::Conversion;
use super::market::{Market, Spot};
use super::positions::{Contract, Instrument, Position, Positions, When};
use super::rates::{CashFlow, present_value};
use crate::reading::quoted;

mod block;
mod derivative;

pub use block::BlockMarket;
use block::CurveShift;

/// Positions bound to their market, ready to be valued.
#[derive(Debug, Clone)]
pub struct Portfolio {
    market: Market,
    positions: Positions,
    ageing: Option<Ageing>,
}

/// A column of a block that has no value, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnError {
    /// Counted from the block's first column.
    pub column: usize,
    /// Lowercase, no final period.
    pub problem: String,
}

impl fmt::Display for ColumnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.problem)
    }
}

impl std::error::Error for ColumnError {}

/// The value of one unit of a position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitPrice {
    /// In the position's own currency.
    pub value: f64,
    /// Standard deviation of the value's error, for a simulated one.
    pub standard_error: Option<f64>,
}

impl Portfolio {
    /// Positions that were read against this market.
    pub fn new(market: Market, positions: Positions, ageing: Option<Ageing>) -> Self {
        Self { market, positions, ageing }
    }

    /// How much older the positions are in the scenarios.
    pub fn ageing(&self) -> Option<Ageing> {
        self.ageing
    }

    /// The market.
    pub fn market(&self) -> &Market {
        &self.market
    }

    /// Every position, in the file's order.
    pub fn positions(&self) -> &[Position] {
        &self.positions.all
    }

    /// Expired positions that were left out.
    pub fn n_expired(&self) -> usize {
        self.positions.n_expired
    }

    /// The number of positions that depend on each factor of the market, in the market's order.
    pub fn dependents(&self) -> Vec<usize> {
        let mut n_positions = vec![0; self.market.factors().0.len()];
        let mut factors = Vec::new();
        for position in &self.positions.all {
            self.add_factors_of(position, &mut factors);
            for factor in factors.drain(..) {
                if let Some(n) = n_positions.get_mut(factor) {
                    *n += 1;
                }
            }
        }
        n_positions
    }

    /// The factors that move a position's value, today or at the horizon.
    pub fn factors_of(&self, position: &Position) -> Vec<usize> {
        let mut factors = Vec::new();
        self.add_factors_of(position, &mut factors);
        factors
    }

    fn add_factors_of(&self, position: &Position, factors: &mut Vec<usize>) {
        let market = &self.market;
        // A handful: looking through them is faster than any set.
        let mut add = |factor: usize| {
            if !factors.contains(&factor) {
                factors.push(factor);
            }
        };
        let of_pair = |pair: usize| market.pairs().get(pair).map(|pair| pair.factor);
        for instrument in [Some(&position.instrument), position.at_horizon.as_deref()].into_iter().flatten() {
            let underlying = match instrument {
                Instrument::Spot(idx) => Some(*idx),
                Instrument::CashFlows { flows, curve } => {
                    flows.iter().flat_map(|flow| market.rate_factors(*curve, flow.years)).for_each(&mut add);
                    None
                }
                other => other.derivative().map(|(terms, _)| terms.underlying),
            };
            let Some(underlying) = underlying.and_then(|idx| market.underlyings().get(idx)) else { continue };
            let of_spot = match underlying.spot {
                Spot::Own { factor, .. } => Some(factor),
                Spot::Pair(pair) => of_pair(pair),
            };
            of_spot.into_iter().for_each(&mut add);
            if let Some((_, contract)) = instrument.derivative() {
                let (base, quote) = underlying.currencies();
                let curve = |currency: usize| market.currency(currency).and_then(|it| it.discount);
                for curve in base.into_iter().chain([quote]).filter_map(curve) {
                    let times = instrument.rate_times().into_iter();
                    times.flat_map(|years| market.rate_factors(curve, years)).for_each(&mut add);
                }
                if !matches!(contract, Contract::Forward { .. }) {
                    underlying.vol_factor.into_iter().for_each(&mut add);
                }
            }
        }
        let legs = match market.currency(position.currency).and_then(|it| it.conversion) {
            Some(Conversion::Direct(leg)) => [Some(leg), None],
            Some(Conversion::Cross(first, second)) => [Some(first), Some(second)],
            Some(Conversion::None) | None => [None, None],
        };
        legs.into_iter().flatten().filter_map(|leg| of_pair(leg.pair())).for_each(add);
    }

    /// Names of the books, by [`Position::book`].
    pub fn books(&self) -> &[String] {
        &self.positions.books
    }

    /// Values a position in every column of the block into `out`, as long as the block, in the report currency.
    ///
    /// # Errors
    /// The first column whose value is not a finite number, naming the position.
    pub fn value(
        &self,
        position_idx: usize,
        when: When,
        block: &BlockMarket,
        out: &mut [f64],
    ) -> Result<(), ColumnError> {
        let position = self.position(position_idx)?;
        if out.len() != block.n_columns() {
            let problem =
                format!("room for {} values was given for {} columns", out.len(), block.n_columns());
            return Err(ColumnError { column: 0, problem });
        }
        unit_values(position.instrument_at(when), block, out);
        match block.conversion(position.currency) {
            Some(conversion) => conversion.multiply(position.quantity, out),
            None => out.fill(f64::NAN),
        }
        for column in block.unpriced().keys() {
            if let Some(value) = out.get_mut(*column) {
                *value = f64::NAN;
            }
        }
        check_finite(position, block, out)
    }

    /// The value of one unit of a position in the first column of the block, in its own currency.
    ///
    /// # Errors
    /// A value that is not a finite number, naming the position.
    pub fn unit_price(&self, position_idx: usize, block: &BlockMarket) -> Result<UnitPrice, ColumnError> {
        let position = self.position(position_idx)?;
        if let Instrument::Derivative(terms, contract) = &position.instrument
            && let Some(estimate) = derivative::estimate(terms, contract, block)
        {
            check_finite(position, block, &[estimate.value])?;
            check_finite(position, block, &[estimate.standard_error])?;
            return Ok(UnitPrice { value: estimate.value, standard_error: Some(estimate.standard_error) });
        }
        let mut value = [f64::NAN];
        unit_values(&position.instrument, block, &mut value);
        check_finite(position, block, &value)?;
        let [value] = value;
        Ok(UnitPrice { value, standard_error: None })
    }

    fn position(&self, idx: usize) -> Result<&Position, ColumnError> {
        let n_positions = self.positions.all.len();
        self.positions.all.get(idx).ok_or_else(|| ColumnError {
            column: 0,
            problem: format!("there is no position {idx}; the portfolio has {n_positions}"),
        })
    }
}

/// One unit in the first columns of the block, as many as `out` has, in its own currency.
fn unit_values(instrument: &Instrument, block: &BlockMarket, out: &mut [f64]) {
    match instrument {
        Instrument::Spot(underlying) => match block.spot(*underlying) {
            Some(spots) => spots.write(0, out, |spot| spot),
            None => out.fill(f64::NAN),
        },
        Instrument::Derivative(terms, contract) => derivative::unit_values(terms, contract, block, out),
        Instrument::Adjusted(adjusted) => derivative::adjusted_values(adjusted, block, out),
        Instrument::Cash => out.fill(1.0),
        Instrument::CashFlows { flows, curve } => match block.curve(*curve) {
            Some(shift) => cash_values(flows, shift, out),
            None => out.fill(f64::NAN),
        },
    }
}

/// Cash flows whose curve is shifted, in order of time: at every time alike, or each at its own.
fn cash_values(flows: &[CashFlow], shift: &CurveShift, out: &mut [f64]) {
    if let Some(shift) = shift.everywhere() {
        shift.write(0, out, |shift| present_value(flows, shift));
        return;
    }
    let mut values = vec![0.0; out.len()];
    out.fill(0.0);
    for flow in flows {
        shift.at(flow.years).write(0, &mut values, |shift| flow.present_value(shift));
        out.iter_mut().zip(&values).for_each(|(sum, value)| *sum += value);
    }
}

fn check_finite(position: &Position, block: &BlockMarket, values: &[f64]) -> Result<(), ColumnError> {
    // Without an early exit, so that it vectorises: nearly always all are.
    if values.iter().fold(true, |all, value| all & value.is_finite()) {
        return Ok(());
    }
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(column) => {
            let (kind, id) = (position.kind.name(), quoted(&position.id));
            let problem = block.unpriced().get(&column).cloned();
            let problem =
                problem.unwrap_or_else(|| format!("the {kind} {id} has no finite value under this market"));
            Err(ColumnError { column, problem })
        }
    }
}

#[cfg(test)]
mod tests;
