//! The columns of the valuation matrix: the base, the bumps that Greeks need, the base at the horizon, the scenarios.

use std::ops::Range;

use super::positions::When;
use super::scenarios::ScenarioSet;
use super::shock::{Factor, ShockBlock};

/// Spot prices and FX rates are bumped by 1 % for delta and gamma (a normal price by 1 % of its scale): small against a day's move, large
/// against the noise of lattices and of sums in millionths.
pub const RELATIVE_BUMP: f64 = 0.01;
/// Volatilities are bumped by one point for vega (of a normal price by 1 % of their scale), or by as much as the lowest of a surface can fall.
pub const VOL_BUMP: f64 = 0.01;
/// Sums in millionths say little about a smaller bump.
const LEAST_VOL_BUMP: f64 = 0.0001;
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
    /// The market as loaded, and positions as old as in the scenarios.
    Aged,
    /// A scenario, from 0.
    Scenario(usize),
}

/// The columns of a job: 0 is the base, then (if Greeks are asked for) each factor's bump up and bump down, then (if
/// positions age) the base at the horizon, then the scenarios.
#[derive(Debug, Clone)]
pub struct Columns {
    greeks: bool,
    ages: bool,
    scenarios: ScenarioSet,
    /// The lowest volatility that each factor moves, in the market's order (of a normal price in its scale); empty where they are all high.
    lowest_vols: Vec<f64>,
}

impl Columns {
    /// The base, the bumps if `greeks`, and the scenarios.
    pub fn new(scenarios: ScenarioSet, greeks: bool) -> Self {
        Self { greeks, ages: false, scenarios, lowest_vols: Vec::new() }
    }

    /// The same, for a market whose factors move volatilities as low as these.
    #[must_use]
    pub fn with_lowest_vols(self, lowest_vols: Vec<f64>) -> Self {
        Self { lowest_vols, ..self }
    }

    /// The same, with positions that are older in the scenarios if `ages`.
    #[must_use]
    pub fn with_ageing(self, ages: bool) -> Self {
        Self { ages, ..self }
    }

    /// How far a factor is bumped to either side.
    pub fn bump(&self, factor_idx: usize) -> f64 {
        match self.scenarios.factors().0.get(factor_idx) {
            Some(Factor::Spot(_) | Factor::Fx(_)) => RELATIVE_BUMP,
            Some(Factor::Rate(_) | Factor::Spread(_)) => RATE_BUMP,
            // A volatility does not fall below 0, and the difference is divided by the whole bump.
            Some(Factor::Vol(_)) => {
                let lowest = self.lowest_vols.get(factor_idx).copied().unwrap_or(VOL_BUMP);
                lowest.clamp(LEAST_VOL_BUMP, VOL_BUMP)
            }
            None => 0.0,
        }
    }

    /// How many columns there are, at least 2.
    pub fn count(&self) -> usize {
        self.first_scenario() + self.scenarios.count()
    }

    /// The column of scenario 0.
    pub fn first_scenario(&self) -> usize {
        self.first_at_horizon() + usize::from(self.ages)
    }

    /// The first column that is at the horizon of the scenarios, if positions age to it; so are all that follow.
    fn first_at_horizon(&self) -> usize {
        1 + self.n_bumps()
    }

    /// The column of the base at the horizon, if positions age.
    pub fn aged_base(&self) -> Option<usize> {
        self.ages.then(|| self.first_at_horizon())
    }

    /// Cuts a range of columns into blocks of at most `width` columns, each of one time.
    pub fn blocks(&self, columns: Range<usize>, width: usize) -> impl Iterator<Item = (Range<usize>, When)> {
        let border = if self.ages { self.first_at_horizon() } else { 0 };
        let mut first = columns.start;
        std::iter::from_fn(move || {
            let (when, end) = match first < border {
                true => (When::Today, columns.end.min(border)),
                false if self.ages => (When::Horizon, columns.end),
                false => (When::Today, columns.end),
            };
            let block = first..end.min(first.saturating_add(width));
            first = block.end;
            (!block.is_empty()).then_some((block, when))
        })
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
            _ if Some(column) == self.aged_base() => Some(Column::Aged),
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
                let size = self.bump(factor_idx);
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

#[cfg(test)]
mod tests;
