//! What a scenario's paths average to: the reduced strike, the drifts, and the closed form of the geometric control.

use super::AsianOption;
use crate::portfolio::pricing::OptionType;
use crate::portfolio::pricing::normal;

/// A contract under one market, reduced to an option on the mean of the fixings to come.
///
/// With `p` past and `n` future fixings, (past + sum) / (p + n) - K = n / (p + n) * (sum / n - K'), where
/// K' = ((p + n) K - past) / n. The past is then in the strike, for the control as for the option.
#[derive(Debug)]
pub(super) struct Averaging {
    pub(super) is_call: bool,
    /// K'. At or below zero, a call is certain to be exercised and a put is worth nothing.
    pub(super) strike: f64,
    /// n / (p + n), discounted from the last fixing.
    pub(super) payoff_scale: f64,
    /// Expected mean of the future fixings.
    pub(super) mean_forward: f64,
    /// Years to the last fixing.
    pub(super) horizon: f64,
    pub(super) vol: f64,
    /// Spot times the growth of its median to each fixing, divided by the number of fixings.
    pub(super) medians: Vec<f64>,
    /// Median of the geometric mean.
    pub(super) geometric_median: f64,
    /// Expected payoff of the geometric mean, neither discounted nor scaled.
    pub(super) control: f64,
}

impl Averaging {
    pub(super) fn new(
        contract: &AsianOption<'_>,
        spot: f64,
        rate: f64,
        dividend_yield: f64,
        vol: f64,
    ) -> Self {
        let times = contract.fixing_times;
        let horizon = times.last().copied().unwrap_or(0.0);
        let is_call = contract.option_type == OptionType::Call;
        let (n_past, n_future) = (count(contract.n_past), count(times.len()));
        let n_all = n_past + n_future;
        if times.is_empty() {
            // The average is known: a payoff of one unit of (past / p - K), paid now.
            return Self {
                is_call,
                strike: contract.strike,
                payoff_scale: 1.0,
                mean_forward: contract.past_fixings_sum / n_past,
                horizon,
                vol,
                medians: Vec::new(),
                geometric_median: 0.0,
                control: 0.0,
            };
        }
        let carry = rate - dividend_yield;
        let drift = carry - 0.5 * vol * vol;
        let medians: Vec<f64> = times.iter().map(|&time| spot * libm::exp(drift * time) / n_future).collect();
        let mean_forward = times.iter().map(|&time| spot * libm::exp(carry * time)).sum::<f64>() / n_future;
        let strike = n_all.mul_add(contract.strike, -contract.past_fixings_sum) / n_future;
        let mut time_sum = 0.0;
        let mut variance_sum = 0.0;
        let mut n_later = n_future;
        for &time in times {
            // sum over i, j of min(t_i, t_j): each time is the lesser of 2 * (later fixings) + 1 ordered pairs.
            n_later -= 1.0;
            time_sum += time;
            variance_sum += time * 2.0_f64.mul_add(n_later, 1.0);
        }
        let geometric_median = spot * libm::exp(drift * time_sum / n_future);
        let deviation = vol * variance_sum.sqrt() / n_future;
        Self {
            is_call,
            strike,
            payoff_scale: libm::exp(-rate * horizon) * n_future / n_all,
            mean_forward,
            horizon,
            vol,
            medians,
            geometric_median,
            control: lognormal_payoff(is_call, geometric_median, deviation, strike),
        }
    }
}

/// Expected payoff, at `strike` > 0, of a lognormal variable with that median and standard deviation of its logarithm.
fn lognormal_payoff(is_call: bool, median: f64, deviation: f64, strike: f64) -> f64 {
    let sign = if is_call { 1.0 } else { -1.0 };
    if deviation <= 0.0 || strike <= 0.0 || median <= 0.0 {
        return (sign * (median - strike)).max(0.0);
    }
    let mean = median * libm::exp(0.5 * deviation * deviation);
    let below = (libm::log(median) - libm::log(strike)) / deviation;
    (sign * (mean * normal::cdf(sign * (below + deviation)) - strike * normal::cdf(sign * below))).max(0.0)
}

/// Exact: no contract has 2^53 fixings.
fn count(number: usize) -> f64 {
    number as f64
}
