//! The columns of the valuation matrix: the base, the bumps that Greeks need, the scenarios.

use std::ops::Range;

use super::scenarios::ScenarioSet;
use super::shock::{Factor, ShockBlock};

/// Spot prices and FX rates are bumped by 1 % for delta and gamma: small against a day's move, large against the noise
/// of lattices and of sums in millionths.
pub const RELATIVE_BUMP: f64 = 0.01;
/// Volatilities are bumped by one point for vega.
pub const VOL_BUMP: f64 = 0.01;
/// Rates are bumped by one basis point for rho.
pub const RATE_BUMP: f64 = 0.0001;

/// The assumption of a column of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The market as loaded.
    Base,
    /// One factor (its row in the market) moved by its bump, up or down.
    Bump {
        /// The factor.
        factor_idx: usize,
        /// The direction.
        up: bool,
    },
    /// A scenario, from 0.
    Scenario(usize),
}

/// The columns of a job: 0 is the base, then (if Greeks are asked for) each factor's bump up and bump down, then the
/// scenarios.
#[derive(Debug, Clone)]
pub struct Columns {
    greeks: bool,
    scenarios: ScenarioSet,
}

impl Columns {
    /// The base, the bumps if `greeks`, and the scenarios.
    pub fn new(scenarios: ScenarioSet, greeks: bool) -> Self {
        Self { greeks, scenarios }
    }

    /// How many columns there are, at least 2.
    pub fn count(&self) -> usize {
        self.first_scenario() + self.scenarios.count()
    }

    /// The column of scenario 0.
    pub fn first_scenario(&self) -> usize {
        1 + self.n_bumps()
    }

    /// The scenarios.
    pub fn scenarios(&self) -> &ScenarioSet {
        &self.scenarios
    }

    /// Whether the bumps that Greeks need are among the columns.
    pub fn has_greeks(&self) -> bool {
        self.greeks
    }

    /// The assumption of a column; `None` beyond the last.
    pub fn column(&self, column: usize) -> Option<Column> {
        let first_scenario = self.first_scenario();
        match column {
            0 => Some(Column::Base),
            _ if column < first_scenario => {
                Some(Column::Bump { factor_idx: (column - 1) / 2, up: column % 2 == 1 })
            }
            _ if column < self.count() => Some(Column::Scenario(column - first_scenario)),
            _ => None,
        }
    }

    /// The columns where a factor is bumped up and down, if Greeks are asked for.
    pub fn bumps_of(&self, factor_idx: usize) -> Option<(usize, usize)> {
        let is_bumped = self.greeks && factor_idx < self.scenarios.factors().0.len();
        is_bumped.then_some((1 + 2 * factor_idx, 2 + 2 * factor_idx))
    }

    /// The shocks of a range of columns, in the range's order; columns beyond the last are not shocked.
    pub fn block(&self, columns: Range<usize>) -> ShockBlock {
        let factors = &self.scenarios.factors().0;
        let mut block = ShockBlock::unshocked(factors.len(), columns.len());
        let first_scenario = self.first_scenario();
        for column in columns.start..columns.end.min(first_scenario) {
            if let Some(Column::Bump { factor_idx, up }) = self.column(column) {
                let size = bump(&factors[factor_idx]);
                block.row_mut(factor_idx)[column - columns.start] = if up { size } else { -size };
            }
        }
        let start = columns.start.max(first_scenario);
        if start < columns.end {
            self.scenarios.fill(
                start - first_scenario..columns.end - first_scenario,
                start - columns.start,
                &mut block,
            );
        }
        block
    }

    fn n_bumps(&self) -> usize {
        if self.greeks { 2 * self.scenarios.factors().0.len() } else { 0 }
    }
}

/// How far a factor is bumped to either side.
pub fn bump(factor: &Factor) -> f64 {
    match factor {
        Factor::Spot(_) | Factor::Fx(_) => RELATIVE_BUMP,
        Factor::Vol(_) => VOL_BUMP,
        Factor::Rate(_) => RATE_BUMP,
    }
}

#[cfg(test)]
mod tests;
