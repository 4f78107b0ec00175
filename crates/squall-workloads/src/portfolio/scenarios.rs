//! Scenarios: the columns of the valuation matrix that are neither the base nor bumps.
//!
//! A scenario is a set of factor shocks, and scenario `i` is a function of the input and of `i` alone: any range of
//! scenarios can be computed anywhere, in any order, with the same bits.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use squall_core::sources::Files;
use squall_core::workload::InputError;

use super::market::Market;
use super::market::conversion::TOLERANCE;
use super::market::spec::Limits;
use super::money::separated;
use super::shock::{Factor, Factors, ShockBlock};
use crate::reading::{quoted, rounded};

mod basis;
mod changes;
mod cholesky;
mod covariance;
mod explicit;
mod factor_names;
mod grid;
mod historical;
mod history;
mod input;
mod monte_carlo;
mod nearest;
mod review;
mod scaling;
mod schema;
mod shock_text;
mod unrepeated;
mod weighting;

pub use basis::Basis;
pub use changes::Change;
pub use input::{
    AxisInput, DistributionName, ExplicitInput, GridInput, HistoricalInput, HistoryInput, Mean, Missing,
    MonteCarloInput, NoScenarios, Per, ScenariosInput, ValuesAre,
};
pub use review::{LargeChange, Review};
pub use scaling::Scaling;
pub use schema::scenarios_schema;
pub use shock_text::{number_text, shock_text};
pub use weighting::Weighting;

/// Most scenarios a job may have.
pub const MAX_SCENARIOS: usize = 10_000_000;
/// Trading days in a year, to convert figures per year to days.
pub const TRADING_DAYS_PER_YEAR: f64 = 252.0;
/// The path of the scenarios in a job's input; every error's place starts with it.
const PLACE: &str = "input.scenarios";

/// The scenarios of a job.
#[derive(Debug, Clone)]
pub struct ScenarioSet {
    factors: Factors,
    about: String,
    source: Source,
    review: Review,
    /// By factor: what a shock of 1 changes in units of a price, of those that move in these; may be empty.
    scales: Vec<Option<f64>>,
}

/// What an input makes of scenarios.
struct Made {
    about: String,
    source: Source,
    review: Review,
}

#[derive(Debug, Clone)]
enum Source {
    None,
    Listed(Listed),
    MonteCarlo(monte_carlo::MonteCarlo),
    Grid(grid::Grid),
}

/// Scenarios written out one by one.
#[derive(Debug, Clone, Default)]
struct Listed {
    /// Whether they are changes that a history had.
    is_history: bool,
    labels: Vec<String>,
    /// What the scenarios weigh, if not all the same.
    weights: Option<Vec<u64>>,
    /// A factor's row in the market and its shock in each scenario.
    shocks: Vec<(usize, Vec<f64>)>,
}

impl ScenariosInput {
    /// The files that the scenarios name, as the input spells them.
    pub fn references(&self) -> Vec<String> {
        let file = match self {
            ScenariosInput::Explicit(input) => input.file.as_ref(),
            ScenariosInput::Historical(input) => input.file.as_ref(),
            ScenariosInput::MonteCarlo(input) => {
                input.history.as_ref().and_then(|history| history.file.as_ref())
            }
            ScenariosInput::Grid(_) | ScenariosInput::None(_) => None,
        };
        file.into_iter().cloned().collect()
    }

    /// How far ahead they are in trading days, where they say so.
    pub fn horizon_days(&self) -> Option<u32> {
        match self {
            ScenariosInput::Historical(input) => Some(input.horizon_days),
            ScenariosInput::MonteCarlo(input) => Some(input.horizon_days),
            ScenariosInput::Explicit(_) | ScenariosInput::Grid(_) | ScenariosInput::None(_) => None,
        }
    }

    /// Loads and checks the scenarios, for the market of `basis`.
    ///
    /// # Errors
    /// The first error: a factor that the market does not have, a shock that would make a price
    /// negative, an invalid covariance, no scenario at all or more than [`MAX_SCENARIOS`].
    pub fn prepare(self, basis: &Basis<'_>, files: &Files) -> Result<ScenarioSet, InputError> {
        let Made { about, source, review } = match self {
            ScenariosInput::Explicit(input) => explicit::prepare(&input, basis, files)?,
            ScenariosInput::Historical(input) => historical::prepare(&input, basis, files)?,
            ScenariosInput::MonteCarlo(input) => monte_carlo::prepare(&input, basis, files)?,
            ScenariosInput::Grid(input) => grid::prepare(&input, basis)?,
            ScenariosInput::None(_) => {
                let scales = basis.scales.clone();
                return Ok(ScenarioSet { scales, ..ScenarioSet::none(basis.factors) });
            }
        };
        let scales = basis.scales.clone();
        let set = ScenarioSet { factors: basis.factors.clone(), about, source, review, scales };
        if set.count() == 0 {
            return Err(InputError::new(PLACE, "there is no scenario; at least one is needed"));
        }
        check_count(set.count()).map(|()| set)
    }
}

impl ScenarioSet {
    /// No scenario of a market that has `factors`.
    pub fn none(factors: &Factors) -> Self {
        let (about, review) = ("none".to_owned(), Review::default());
        Self { factors: factors.clone(), about, source: Source::None, review, scales: Vec::new() }
    }

    /// The factors that move in units of a price, and what a shock of 1 changes in these.
    pub fn scaled(&self) -> BTreeMap<Factor, f64> {
        let scaled = self.factors.0.iter().zip(&self.scales);
        scaled.filter_map(|(factor, scale)| Some((factor.clone(), (*scale)?))).collect()
    }

    /// What a shock of 1 to a factor changes in units of a price, if it moves in these: the price is normal.
    pub fn scale(&self, factor_idx: usize) -> Option<f64> {
        self.scales.get(factor_idx).copied().flatten()
    }

    /// What was found in the history that they come from, and what was repaired.
    pub fn review(&self) -> &Review {
        &self.review
    }

    /// How many scenarios there are, at most [`MAX_SCENARIOS`].
    pub fn count(&self) -> usize {
        match &self.source {
            Source::None => 0,
            Source::Listed(listed) => listed.labels.len(),
            Source::MonteCarlo(monte_carlo) => monte_carlo.n_paths(),
            Source::Grid(grid) => grid.count(),
        }
    }

    /// A short description of the scenarios: `1,251 historical windows of 1 day, 2014-01-06 to 2018-12-28`.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Whether the scenarios are a sample, so that quantiles are meaningful. Stress grids are not.
    pub fn is_sample(&self) -> bool {
        !matches!(self.source, Source::Grid(_) | Source::None)
    }

    /// What some scenarios weigh, by index; `None` if all scenarios weigh the same.
    pub fn weights(&self, scenarios: &[usize]) -> Option<Vec<u64>> {
        let Source::Listed(Listed { weights: Some(weights), .. }) = &self.source else { return None };
        Some(scenarios.iter().map(|scenario| weights.get(*scenario).copied().unwrap_or(0)).collect())
    }

    /// The factors that some scenario moves, by index.
    pub fn moved(&self) -> BTreeSet<usize> {
        match &self.source {
            Source::None => BTreeSet::new(),
            Source::Listed(listed) => {
                let moves = |(_, shocks): &&(usize, Vec<f64>)| shocks.iter().any(|shock| *shock != 0.0);
                listed.shocks.iter().filter(moves).map(|(factor_idx, _)| *factor_idx).collect()
            }
            Source::MonteCarlo(monte_carlo) => monte_carlo.moved().collect(),
            Source::Grid(grid) => grid.moved().collect(),
        }
    }

    /// Checks that exchange rates which follow from each other still do so in the scenarios, the first thousands of them.
    ///
    /// # Errors
    /// The first scenario in which they contradict each other.
    pub fn check_pairs(&self, market: &Market) -> Result<(), InputError> {
        /// A covariance has few digits, and vendors fix their rates at different times.
        const OF_DRAWS: f64 = 0.05;
        const OF_A_HISTORY: f64 = 0.02;
        let pairs = market.tied_pairs();
        if pairs.is_empty() {
            return Ok(());
        }
        let (most, tolerance) = match &self.source {
            Source::MonteCarlo(_) => (1_000, OF_DRAWS),
            Source::Listed(listed) if listed.is_history => (10_000, OF_A_HISTORY),
            Source::Listed(_) | Source::Grid(_) | Source::None => (10_000, TOLERANCE),
        };
        let mut block = ShockBlock::unshocked(self.factors.0.len(), most.min(self.count()));
        self.fill(0..block.n_columns(), 0, &mut block);
        for scenario in 0..block.n_columns() {
            let mut shocked = pairs.clone();
            for pair in &mut shocked {
                pair.rate *=
                    1.0 + block.row(pair.factor).and_then(|row| row.get(scenario)).copied().unwrap_or(0.0);
            }
            if let Some((name, rate, implied)) = market.contradiction(&shocked, tolerance) {
                let problem = format!(
                    "in scenario {} fx:{name} is {}, and the other pairs make it {}; move all that follow from each other, or \
                     leave {name} out of the market",
                    quoted(&self.label(scenario)),
                    rounded(rate),
                    rounded(implied)
                );
                return Err(InputError::new(PLACE, problem));
            }
        }
        Ok(())
    }

    /// What the shocks of one scenario cost, and the market under them: nanoseconds of one core, measured over blocks of hundreds of
    /// scenarios.
    pub fn cost_of_one(&self) -> u64 {
        /// A copy, and the market's numbers under it.
        const LISTED: u64 = 5;
        /// A division and a look-up besides.
        const COMBINED: u64 = 9;
        let n_of = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        match &self.source {
            Source::None => 0,
            Source::Listed(listed) => n_of(listed.shocks.len()).saturating_mul(LISTED),
            Source::Grid(grid) => n_of(grid.n_factors()).saturating_mul(COMBINED),
            Source::MonteCarlo(monte_carlo) => monte_carlo.cost_of_a_path(),
        }
    }

    /// About the memory that they take.
    pub fn bytes(&self) -> u64 {
        const NUMBER: usize = size_of::<f64>();
        /// A short text with its allocation.
        const LABEL: usize = 48;
        let n_bytes = match &self.source {
            Source::None => 0,
            Source::Listed(listed) => {
                listed.labels.len().saturating_mul(LABEL + NUMBER.saturating_mul(listed.shocks.len()))
            }
            Source::Grid(grid) => grid.n_shocks().saturating_mul(NUMBER),
            Source::MonteCarlo(monte_carlo) => monte_carlo.n_loadings().saturating_mul(NUMBER),
        };
        n_bytes as u64
    }

    /// The factors of the market that the scenarios were made for.
    pub fn factors(&self) -> &Factors {
        &self.factors
    }

    /// The name of a scenario; empty beyond the last.
    pub fn label(&self, scenario: usize) -> String {
        match &self.source {
            _ if scenario >= self.count() => String::new(),
            Source::None => String::new(),
            Source::Listed(listed) => listed.labels.get(scenario).cloned().unwrap_or_default(),
            Source::MonteCarlo(_) => format!("path {scenario}"),
            Source::Grid(grid) => grid.label(scenario, &self.factors),
        }
    }

    /// Writes the shocks of `scenarios` to the columns of `block` from `first_column` on. What lies beyond the last
    /// scenario or the block's last column is left out. The block must be of the market that the set was made for.
    pub fn fill(&self, scenarios: Range<usize>, first_column: usize, block: &mut ShockBlock) {
        let room = block.n_columns().saturating_sub(first_column);
        let end = scenarios.end.min(self.count()).min(scenarios.start.saturating_add(room));
        let scenarios = scenarios.start..end;
        if scenarios.is_empty() {
            return;
        }
        match &self.source {
            Source::None => {}
            Source::Listed(listed) => {
                for (factor_idx, shocks) in &listed.shocks {
                    let row = block.row_mut(*factor_idx);
                    row[first_column..][..scenarios.len()].copy_from_slice(&shocks[scenarios.clone()]);
                }
            }
            Source::MonteCarlo(monte_carlo) => monte_carlo.fill(scenarios, first_column, block),
            Source::Grid(grid) => grid.fill(scenarios, first_column, block),
        }
    }

    /// The shocks of one scenario that are not zero, in the market's order of factors.
    pub fn shocks_of(&self, scenario: usize) -> Vec<(Factor, f64)> {
        let mut block = ShockBlock::unshocked(self.factors.0.len(), 1);
        self.fill(scenario..scenario.saturating_add(1), 0, &mut block);
        let shock = |(idx, factor): (usize, &Factor)| match block.row(idx) {
            Some([shock, ..]) if *shock != 0.0 => Some((factor.clone(), *shock)),
            _ => None,
        };
        self.factors.0.iter().enumerate().filter_map(shock).collect()
    }
}

/// Whether a factor's shock is a relative change; otherwise it is an absolute one.
fn is_relative(factor: &Factor) -> bool {
    matches!(factor, Factor::Spot(_) | Factor::Fx(_))
}

/// Checks the number of scenarios, before their shocks take any memory.
fn check_count(n_scenarios: usize) -> Result<(), InputError> {
    if n_scenarios <= MAX_SCENARIOS {
        return Ok(());
    }
    Err(InputError::new(PLACE, format!("{n_scenarios} scenarios; at most {MAX_SCENARIOS} are allowed")))
}

/// Longest horizon, in trading days: ten years.
pub const MAX_HORIZON_DAYS: u32 = 2_520;

/// A thousand times the price: more is no scenario but a typing error.
const MAX_RELATIVE: f64 = 1_000.0;

/// Checks one shock. One that is not relative to a price may take it below 0.
fn check_shock(factor: &Factor, shock: f64, is_relative: bool, limits: Limits) -> Result<(), String> {
    if !shock.is_finite() {
        return Err(format!("{shock} is not a finite number"));
    }
    let (most, what, example) = match factor {
        Factor::Spot(_) if is_relative && shock <= -1.0 => {
            return Err(format!(
                "a relative shock of {shock} would take {factor} to zero or below; it must be above -1 (-0.1 is 10 % down), or in units of \
                 the price, with \"changes\": {{\"{factor}\": \"absolute\"}}"
            ));
        }
        Factor::Fx(_) if shock <= -1.0 => {
            return Err(format!(
                "a relative shock of {shock} would take {factor} to zero or below; it must be above -1 (-0.1 is 10 % down)"
            ));
        }
        Factor::Spot(_) | Factor::Fx(_) => (MAX_RELATIVE, "a relative shock", "10 % as 0.1"),
        Factor::Vol(_) => (limits.vol, "a change of a volatility", "one point as 0.01"),
        Factor::Rate(_) | Factor::Spread(_) => {
            (limits.rate, "a change of a rate", "one basis point as 0.0001")
        }
    };
    if shock.abs() <= most {
        return Ok(());
    }
    Err(format!("{shock:?} is out of range; {what} must be within ±{most}, so write {example}"))
}

/// The largest shock of a factor that moves in units of a price, in these.
fn most_in_units(basis: &Basis<'_>, factor_idx: usize) -> Option<f64> {
    let of_scale = match basis.factors.0.get(factor_idx)? {
        Factor::Vol(_) => basis.limits.vol,
        _ => MAX_RELATIVE,
    };
    basis.scale(factor_idx).map(|scale| of_scale * scale)
}

/// What is wrong with a shock that was given in units of the price, by the number that was given; `most` if that is a normal one.
fn as_given(number: f64, (unit, most): (Option<f64>, Option<f64>), problem: String) -> String {
    match (unit, most) {
        (Some(_), Some(most)) if number.is_finite() => {
            format!("{number:?} is out of range; a change in units of the price must be within ±{most}")
        }
        (Some(_), _) => format!("{number} in units of the price: {problem}"),
        (None, _) => problem,
    }
}

/// `1 day`, `1,252 days`.
fn counted(n: usize, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", separated(n as u128))
}

/// The bytes of a CSV that the input names or contains, and its name for errors.
fn csv_bytes<'a>(
    place: &str,
    file: Option<&'a String>,
    csv: Option<&'a String>,
    files: &'a Files,
) -> Result<(String, &'a [u8]), InputError> {
    match (file, csv) {
        (Some(name), None) => match files.get(name) {
            Some(bytes) => Ok((name.clone(), bytes)),
            None => Err(InputError::new(
                format!("{place}.file"),
                format!("the file {} is not there", quoted(name)),
            )),
        },
        (None, Some(text)) => Ok((format!("{place}.csv"), text.as_bytes())),
        _ => Err(InputError::new(place, "give either \"file\" (a CSV file's name) or \"csv\" (its text)")),
    }
}

#[cfg(test)]
mod tests;
