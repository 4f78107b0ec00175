//! P&L by the sums that are in: the columns in which every position is valued.

use crate::portfolio::columns::Columns;
use crate::portfolio::labels::Labels;
use crate::portfolio::partial::Partial;
use crate::portfolio::risk::Weights;

/// P&L of the fully revalued scenarios against the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScenarioPnl {
    /// The portfolio's base value, once all positions are in.
    pub(super) base_value: Option<i128>,
    /// The change of value by time alone until the horizon, once both values are in.
    pub(super) of_ageing: Option<i128>,
    /// How many scenarios are fully revalued, with or without the base.
    pub(super) n_done: usize,
    /// The fully revalued scenarios, ascending; none before the base is in.
    pub(super) scenarios: Vec<usize>,
    /// Their P&L, in the same order.
    pub(super) total: Vec<i128>,
    /// What they weigh, in the same order, if not all the same.
    weights: Option<Vec<u64>>,
    aged_base: Option<usize>,
    first_scenario: usize,
    n_scenarios: usize,
}

impl ScenarioPnl {
    pub(super) fn new(labels: &Labels, columns: &Columns, partial: &Partial) -> Self {
        let (first_scenario, n_scenarios) = (columns.first_scenario(), columns.scenarios().count());
        let mut scenarios: Vec<usize> = partial
            .n_positions(first_scenario, n_scenarios)
            .iter()
            .enumerate()
            .filter_map(|(scenario, n_positions)| is_whole(labels, *n_positions).then_some(scenario))
            .collect();
        let n_done = scenarios.len();
        let base_value = whole_column(labels, partial, 0);
        if base_value.is_none() {
            scenarios.clear();
        }
        let values = partial.total(first_scenario, n_scenarios);
        let base = base_value.unwrap_or(0);
        let total = scenarios.iter().map(|scenario| values[*scenario].wrapping_sub(base)).collect();
        let aged_base = columns.aged_base();
        let of_ageing = aged_base.and_then(|column| whole_column(labels, partial, column));
        let of_ageing = of_ageing.zip(base_value).map(|(aged, base)| aged.wrapping_sub(base));
        let weights = columns.scenarios().weights(&scenarios);
        Self {
            aged_base,
            of_ageing,
            base_value,
            n_done,
            scenarios,
            total,
            weights,
            first_scenario,
            n_scenarios,
        }
    }

    /// What the scenarios weigh.
    pub(super) fn weights(&self) -> Weights<'_> {
        self.weights.as_deref()
    }

    /// The change of a group's value by time alone until the horizon.
    pub(super) fn ageing_of_group(&self, values: impl Fn(usize, usize) -> Vec<i128>) -> Option<i128> {
        let column = self.aged_base.filter(|_| self.of_ageing.is_some())?;
        Some(values(column, 1)[0].wrapping_sub(values(0, 1)[0]))
    }

    /// P&L of a group over the same scenarios; `values` gives its sums in a number of columns from a first one on.
    pub(super) fn of_group(&self, values: impl Fn(usize, usize) -> Vec<i128>) -> Vec<i128> {
        if self.scenarios.is_empty() {
            return Vec::new();
        }
        let base = values(0, 1)[0];
        let sums = values(self.first_scenario, self.n_scenarios);
        self.scenarios.iter().map(|scenario| sums[*scenario].wrapping_sub(base)).collect()
    }
}

/// The portfolio's value in a column in which every position is in.
pub(super) fn whole_column(labels: &Labels, partial: &Partial, column: usize) -> Option<i128> {
    is_whole(labels, partial.n_positions(column, 1)[0]).then(|| partial.total(column, 1)[0])
}

/// Whether every position is in.
pub(super) fn is_whole(labels: &Labels, n_positions: u64) -> bool {
    n_positions > 0 && n_positions == labels.positions.len() as u64
}
