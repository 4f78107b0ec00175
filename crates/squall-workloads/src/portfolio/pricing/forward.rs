//! Forward contracts, and the discounted forward minus strike that every option here is built on.

use crate::portfolio::pricing::double_double::{Double, log_ratio};

#[cfg(test)]
mod tests;

/// The present value of receiving one unit of the underlying in `years` for `strike`: `spot
/// exp(-dividend_yield years) - strike exp(-rate years)`, to full relative precision even where the two
/// nearly cancel.
///
/// An expired contract (`years <= 0`) is worth `spot - strike`. NaN for a negative spot or strike.
/// Source: J. C. Hull, "Options, Futures, and Other Derivatives", section "Valuing forward contracts".
pub fn price(spot: f64, strike: f64, years: f64, rate: f64, dividend_yield: f64) -> f64 {
    if years.is_nan() || !(spot >= 0.0 && strike >= 0.0) {
        return f64::NAN;
    }
    if years <= 0.0 {
        return spot - strike;
    }
    if spot == 0.0 || strike == 0.0 || spot.is_infinite() || strike.is_infinite() {
        return discounted(spot, dividend_yield, years) - discounted(strike, rate, years);
    }
    let moneyness = log_forward_moneyness(spot, strike, years, rate, dividend_yield);
    difference(spot, strike, years, rate, dividend_yield, moneyness.value())
}

/// `amount exp(-rate years)`.
pub(crate) fn discounted(amount: f64, rate: f64, years: f64) -> f64 {
    // Zero stays zero even where the factor overflows.
    if amount == 0.0 { 0.0 } else { amount * libm::exp(-rate * years) }
}

/// `ln(forward / strike) = ln(spot / strike) + (rate - dividend_yield) years`, to about 25 digits.
pub(crate) fn log_forward_moneyness(
    spot: f64,
    strike: f64,
    years: f64,
    rate: f64,
    dividend_yield: f64,
) -> Double {
    log_ratio(spot, strike) + Double::sum(rate, -dividend_yield) * Double::new(years)
}

/// Discounted spot minus discounted strike, given the logarithm of their ratio.
pub(crate) fn difference(
    spot: f64,
    strike: f64,
    years: f64,
    rate: f64,
    dividend_yield: f64,
    moneyness: f64,
) -> f64 {
    let cash = discounted(strike, rate, years);
    if moneyness.abs() < 0.5 {
        cash * libm::expm1(moneyness)
    } else {
        discounted(spot, dividend_yield, years) - cash
    }
}
