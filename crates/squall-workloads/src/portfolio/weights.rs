//! The cost of valuing a position in one column, and cuts of a list of positions into equal costs.

use std::ops::Range;

use super::positions::{Adjusted, Contract, Instrument, Position, Terms};
use super::pricing::OptionType;

// Nanoseconds of one core per value, in a release build over blocks of hundreds of columns in which every input of every column is
// shocked; in the middle between what was measured with AVX2 and with AVX-512. Mostly their ratios matter.

/// A multiplication and a conversion.
const SPOT: u64 = 2;
/// Two exponentials.
const FORWARD: u64 = 5;
/// The vectorised kernel.
const EUROPEAN: u64 = 12;
/// The vectorised kernel, and a careful one where it loses digits.
const DIGITAL: u64 = 10;
/// A logarithm and two exponentials, one by one.
const SKEW: u64 = 30;
/// Four to eight terms, some in twice the precision.
const BARRIER: u64 = 40;
/// An exercise boundary per value, on few nodes.
const AMERICAN: u64 = 9_500;
/// A call on an asset without yield is never exercised early: the European formula, column by column.
const AMERICAN_NEVER: u64 = 100;
/// The same on many nodes: the drift outweighs the vol, or vol or interest are large.
const AMERICAN_FINE: u64 = 250_000;
/// Finite differences between two boundaries.
const AMERICAN_TWO_BOUNDARIES: u64 = 3_500_000;
/// Finite differences with dividends,
const AMERICAN_DIVIDENDS: u64 = 2_500_000;
/// and the steps after each of them.
const AMERICAN_DIVIDEND: u64 = 150_000;
/// One step of one path, with its share of the random numbers, which all columns have in common.
const ASIAN_STEP: u64 = 1;
/// Paths that are walked together, however few are asked for.
const ASIAN_PATHS: u64 = 128;
/// One exponential.
const CASH_FLOW: u64 = 9;

/// Costs of positions, in nanoseconds per column, as running totals. Each has its share of what a column costs besides: drawing its
/// shocks, storing its sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    /// The cost of all positions before each, and of all.
    totals: Vec<u64>,
}

impl Weights {
    /// The costs of these positions, each at least 1, and of a column that costs so much besides; their sum saturates.
    pub fn new(positions: &[Position], of_a_column: u64) -> Self {
        let own = Self::of(positions.iter().map(weight));
        let all = u128::from(own.before(positions.len()).max(1));
        let with_share = |total: &u64| {
            let share = u128::from(of_a_column) * u128::from(*total) / all;
            total.saturating_add(u64::try_from(share).unwrap_or(u64::MAX))
        };
        Self { totals: own.totals.iter().map(with_share).collect() }
    }

    fn of(costs: impl Iterator<Item = u64>) -> Self {
        let mut total = 0_u64;
        let mut totals = vec![0];
        for cost in costs {
            total = total.saturating_add(cost.max(1));
            totals.push(total);
        }
        Self { totals }
    }

    /// The cost of a range of positions in one column, in nanoseconds.
    pub fn of_range(&self, positions: Range<usize>) -> u64 {
        self.before(positions.end).saturating_sub(self.before(positions.start))
    }

    /// Where to cut a range so that the part before the cut costs as close to `cost` as positions allow; from `start` to
    /// `end`.
    pub fn cut(&self, positions: Range<usize>, cost: u64) -> usize {
        let Range { start, end } = positions;
        let wanted = self.before(start).saturating_add(cost);
        let at_least = self.totals.partition_point(|total| *total < wanted);
        let below = at_least.saturating_sub(1);
        let is_below_closer = wanted.abs_diff(self.before(below)) < self.before(at_least).abs_diff(wanted);
        let cut = if is_below_closer { below } else { at_least };
        cut.max(start).min(end.max(start))
    }

    fn before(&self, position: usize) -> u64 {
        self.totals.get(position).or(self.totals.last()).copied().unwrap_or(0)
    }
}

/// The estimated cost of one position in one column, in nanoseconds; at least 1.
pub fn weight(position: &Position) -> u64 {
    match &position.instrument {
        Instrument::Spot(_) => SPOT,
        Instrument::CashFlows { flows, .. } => count(flows.len()).saturating_mul(CASH_FLOW).max(1),
        Instrument::Cash => 1,
        Instrument::Adjusted(adjusted) => adjusted_weight(adjusted),
        Instrument::Derivative(terms, contract) => of_contract(terms, contract),
    }
}

fn of_contract(terms: &Terms, contract: &Contract) -> u64 {
    match contract {
        Contract::Forward { .. } => FORWARD,
        Contract::European { .. } | Contract::NormalEuropean { .. } => EUROPEAN,
        Contract::American { option_type, .. } => american(*option_type, terms),
        Contract::Digital { skew: 0.0, .. } | Contract::NormalDigital { skew: 0.0, .. } => DIGITAL,
        Contract::Digital { .. } | Contract::NormalDigital { .. } => DIGITAL + SKEW,
        Contract::Barrier(_) => BARRIER,
        Contract::Asian(asian) => {
            let n_paths = count(asian.n_paths).next_multiple_of(ASIAN_PATHS);
            let n_steps = n_paths.saturating_mul(count(asian.fixings.count()));
            // At expiry nothing is simulated.
            if terms.years == 0.0 { EUROPEAN } else { n_steps.saturating_mul(ASIAN_STEP) }
        }
    }
}

/// With what its price costs: an exponential for each dividend and for a future's growth.
fn adjusted_weight(adjusted: &Adjusted) -> u64 {
    let Adjusted { terms, contract, delivery, dividends } = adjusted;
    let of_price = CASH_FLOW * (count(dividends.len()).saturating_add(1));
    let of_contract = match (contract, delivery) {
        // No drift, so none that outweighs the vol.
        (Contract::American { option_type, .. }, Some(_)) => {
            american(*option_type, &Terms { carry: terms.rate, ..*terms })
        }
        (Contract::American { .. }, None) => {
            AMERICAN_DIVIDENDS.saturating_add(AMERICAN_DIVIDEND.saturating_mul(count(dividends.len())))
        }
        _ => of_contract(terms, contract),
    };
    of_contract.saturating_add(of_price)
}

/// By the terms as loaded; a shock may move a contract from one way of pricing to another. So rates near 0, at which nobody exercises
/// early, do not make it cheap.
fn american(option_type: OptionType, terms: &Terms) -> u64 {
    /// Above this, a rate hardly falls below 0 in a scenario.
    const FAR_ABOVE_ZERO: f64 = 0.01;
    let Terms { years, rate, carry, vol, .. } = *terms;
    if years == 0.0 || (option_type == OptionType::Call && carry == 0.0 && rate > FAR_ABOVE_ZERO) {
        return AMERICAN_NEVER;
    }
    // A call is a put with rate and yield exchanged.
    let (put_rate, put_yield) = match option_type {
        OptionType::Put => (rate, carry),
        OptionType::Call => (carry, rate),
    };
    let deviation = vol * years.sqrt();
    let drift = (rate - carry).abs() * years;
    let longest = put_rate.max(put_yield.abs()) * years;
    if put_rate < 0.0 && put_yield < put_rate {
        AMERICAN_TWO_BOUNDARIES
    } else if drift > 0.7 * deviation || deviation > 1.0 || longest > 1.0 {
        AMERICAN_FINE
    } else {
        AMERICAN
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
