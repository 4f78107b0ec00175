//! Risk statistics of an exact profit-and-loss vector: distribution, value at risk, expected shortfall, contributions.
//!
//! P&L is in whole millionths of the report currency, one number per scenario; scenarios are equally likely, or have weights that are
//! whole numbers. Order statistics, sums and averages are exact integers (averages rounded once, ties to even); only standard
//! deviations, higher moments and standard errors go through floats, in the order of the scenarios.

mod allocation;
mod distribution;
mod histogram;
mod interval;
mod level;
mod tail;

pub use allocation::apportion;
pub use distribution::{Distribution, distribution};
pub use histogram::{Bin, histogram};
pub use interval::{OrderInterval, quantile_interval};
pub use level::Level;
pub use tail::{Estimate, Tail, TooFew, expected_shortfall_of, value_at_risk_of};

/// What scenarios weigh, in the order of their P&L; `None` if all weigh the same. They add up to no more than 2^40, so that sums of weighted
/// amounts have room.
pub type Weights<'a> = Option<&'a [u64]>;

/// Scenarios from the worst P&L to the best, as indices into `pnl`; equal P&L in the order of the scenarios.
pub fn worst_first(pnl: &[i128]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pnl.len()).collect();
    order.sort_unstable_by_key(|idx| (pnl[*idx], *idx));
    order
}

#[cfg(test)]
mod tests;
