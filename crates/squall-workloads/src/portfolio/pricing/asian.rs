//! Arithmetic-average-price Asian options with discrete fixings, by Monte Carlo.
//!
//! The spot follows a geometric Brownian motion with constant rate, yield and vol. Paths come in antithetic pairs, and
//! the geometric average of the same path, whose price is known in closed form, is the control variate (Kemna and
//! Vorst, "A pricing method for options based on average asset values", Journal of Banking and Finance 14, 1990), with
//! the coefficient regressed on the sample. Scenarios share their normals: the difference between two of them is known
//! far better than either.

use crate::portfolio::pricing::random::Stream;
use crate::portfolio::pricing::{MarketColumns, OptionType};

mod control;
mod paths;

use control::Averaging;

/// An option on the average of the spot over fixings, of which some may be known already. Paid at the last fixing (or
/// now, if none is left).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AsianOption<'a> {
    /// Call: average less strike. Put: strike less average.
    pub option_type: OptionType,
    /// In the units of the spot.
    pub strike: f64,
    /// Fixings to come, in years from now: not negative, in ascending order. Zero is a fixing at today's spot.
    pub fixing_times: &'a [f64],
    /// Sum of the fixings already known.
    pub past_fixings_sum: f64,
    /// Number of the fixings already known.
    pub n_past: usize,
}

/// A Monte Carlo value and the standard deviation of its error. Both are NaN for invalid input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McEstimate {
    /// The option's value now.
    pub value: f64,
    /// Zero where the value is known in closed form.
    pub standard_error: f64,
}

impl McEstimate {
    const INVALID: Self = Self { value: f64::NAN, standard_error: f64::NAN };

    fn exact(value: f64) -> Self {
        Self { value, standard_error: 0.0 }
    }
}

/// A contract under one market, ready for its paths: either known already, or a simulation to run.
enum Plan {
    Known(McEstimate),
    Simulate(Averaging),
}

/// Values `contract` by `n_paths` paths (rounded up to an even number: antithetic pairs), pair `i` on path `i` of
/// `stream`. At least four paths; fewer count as four.
#[must_use]
pub fn price_mc(
    contract: &AsianOption<'_>,
    spot: f64,
    rate: f64,
    dividend_yield: f64,
    vol: f64,
    n_paths: usize,
    stream: &Stream,
) -> McEstimate {
    let mut out = [McEstimate::INVALID];
    let columns =
        MarketColumns { spot: &[spot], rate: &[rate], dividend_yield: &[dividend_yield], vol: &[vol] };
    price_mc_batch(contract, &columns, n_paths, stream, &mut out);
    out[0]
}

/// Values `contract` under every scenario of `columns` with the same normals: `out[k]` has the bits that
/// [`price_mc`] gives for scenario `k` alone. `out` and the columns share one length; otherwise all of `out` is NaN.
pub fn price_mc_batch(
    contract: &AsianOption<'_>,
    columns: &MarketColumns<'_>,
    n_paths: usize,
    stream: &Stream,
    out: &mut [McEstimate],
) {
    out.fill(McEstimate::INVALID);
    let lengths = [columns.rate.len(), columns.dividend_yield.len(), columns.vol.len(), out.len()];
    if !is_valid(contract) || lengths.iter().any(|&length| length != columns.spot.len()) {
        return;
    }
    let mut scenarios = Vec::with_capacity(out.len());
    let mut places = Vec::with_capacity(out.len());
    let markets = columns.spot.iter().zip(columns.rate).zip(columns.dividend_yield).zip(columns.vol);
    for (place, (((&spot, &rate), &dividend_yield), &vol)) in out.iter_mut().zip(markets) {
        match plan(contract, spot, rate, dividend_yield, vol) {
            Plan::Known(estimate) => *place = estimate,
            Plan::Simulate(averaging) => {
                scenarios.push(averaging);
                places.push(place);
            }
        }
    }
    if scenarios.is_empty() {
        return;
    }
    let n_pairs = n_paths.div_ceil(2).max(2);
    let estimates = paths::simulate(contract, &scenarios, n_pairs, stream);
    for (place, estimate) in places.into_iter().zip(estimates) {
        *place = estimate;
    }
}

fn is_valid(contract: &AsianOption<'_>) -> bool {
    let mut earlier = 0.0;
    let ascending = contract.fixing_times.iter().all(|&time| {
        let fits = time >= earlier && time < f64::INFINITY;
        earlier = time;
        fits
    });
    let past_fits = contract.past_fixings_sum >= 0.0
        && contract.past_fixings_sum < f64::INFINITY
        && (contract.n_past > 0 || contract.past_fixings_sum == 0.0);
    let n_fixings = contract.n_past.saturating_add(contract.fixing_times.len());
    ascending && past_fits && contract.strike.is_finite() && n_fixings > 0
}

/// Settles what needs no simulation: nothing left to fix, no randomness left, or an exercise that is certain.
fn plan(contract: &AsianOption<'_>, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> Plan {
    let market_fits =
        spot > 0.0 && [spot, rate, dividend_yield, vol].iter().all(|number| number.is_finite()) && vol >= 0.0;
    if !market_fits {
        return Plan::Known(McEstimate::INVALID);
    }
    let averaging = Averaging::new(contract, spot, rate, dividend_yield, vol);
    let sign = match contract.option_type {
        OptionType::Call => 1.0,
        OptionType::Put => -1.0,
    };
    let forward = sign * averaging.payoff_scale * (averaging.mean_forward - averaging.strike);
    let certain = vol == 0.0 || averaging.horizon == 0.0 || averaging.strike <= 0.0;
    if certain { Plan::Known(McEstimate::exact(forward.max(0.0))) } else { Plan::Simulate(averaging) }
}

#[cfg(test)]
mod tests;
