//! Forward contracts, and the discounted forward minus strike that every option here is built on.

use crate::portfolio::pricing::MarketColumns;
use crate::portfolio::pricing::batch::{self, Pricer};
use crate::portfolio::pricing::double_double::{Double, log_ratio};
use crate::portfolio::pricing::elementary::{saturating_exp, saturating_expm1};
use crate::portfolio::pricing::simd::SimdPath;

#[cfg(test)]
mod tests;

/// The present value of receiving one unit of the underlying in `years` for `strike`: `spot
/// exp(-dividend_yield years) - strike exp(-rate years)`, within 1e-14 of the greater of the two, and to full
/// relative precision where spot equals strike.
///
/// An expired contract (`years <= 0`) is worth `spot - strike`. NaN for a negative spot or strike, for NaN and
/// for infinities. Source: J. C. Hull, "Options, Futures, and Other Derivatives", section "Valuing forward
/// contracts".
pub fn price(spot: f64, strike: f64, years: f64, rate: f64, dividend_yield: f64) -> f64 {
    batch::price_one(Forward::new(strike, years), spot, rate, dividend_yield, 0.0)
}

/// Prices one contract in every scenario of `market` (whose vol plays no part) into `out`, shape `[n]`; see
/// [`price`].
///
/// Scenarios beyond the shortest column are NaN.
pub fn price_batch(strike: f64, years: f64, market: MarketColumns<'_>, out: &mut [f64]) {
    price_batch_on(SimdPath::best(), strike, years, market, out);
}

/// [`price_batch`] on a chosen path: the bits are the same on all of them.
pub fn price_batch_on(path: SimdPath, strike: f64, years: f64, market: MarketColumns<'_>, out: &mut [f64]) {
    batch::price_batch(path, Forward::new(strike, years), market, out);
}

/// Largest exponent the quick formula takes.
const LARGEST_EXPONENT: f64 = 600.0;

#[derive(Clone, Copy)]
struct Forward {
    strike: f64,
    years: f64,
    /// NaN unless the contract is alive and valid, which refuses every scenario.
    live_years: f64,
}

impl Forward {
    fn new(strike: f64, years: f64) -> Self {
        let valid = years > 0.0 && (0.0..f64::INFINITY).contains(&strike);
        Forward { strike, years, live_years: if valid { years } else { f64::NAN } }
    }
}

impl Pricer for Forward {
    /// With `carry = (rate - dividend_yield) years`, `exp(-rate years) (spot - strike + spot (exp(carry) - 1))`, or
    /// `exp(-dividend_yield years) (spot - strike - strike (exp(-carry) - 1))`, whichever grows.
    #[inline(always)]
    fn quick(&self, spot: f64, rate: f64, dividend_yield: f64, _: f64) -> f64 {
        let carry = (rate - dividend_yield) * self.live_years;
        let upwards = carry > 0.0;
        let discount = -(if upwards { rate } else { dividend_yield }) * self.live_years;
        let grown = if upwards { spot } else { -self.strike };
        let gain = grown.mul_add(saturating_expm1(carry.abs()), spot - self.strike);
        let value = saturating_exp(discount) * gain;
        let in_range = (carry.abs() < LARGEST_EXPONENT)
            & (discount.abs() < LARGEST_EXPONENT)
            & (0.0..f64::INFINITY).contains(&spot);
        if in_range { value } else { f64::NAN }
    }

    #[inline(always)]
    fn rare(&self, spot: f64, rate: f64, dividend_yield: f64, _: f64) -> f64 {
        let Forward { strike, years, .. } = *self;
        let finite = [spot, strike, years, rate, dividend_yield].iter().all(|input| input.is_finite());
        if !finite || spot < 0.0 || strike < 0.0 {
            return f64::NAN;
        }
        if years <= 0.0 {
            return spot - strike;
        }
        let value = discounted(spot, dividend_yield, years) - discounted(strike, rate, years);
        // The sign of a computed NaN differs between processors.
        if value.is_nan() { f64::NAN } else { value }
    }
}

/// `amount exp(-rate years)`.
pub(super) fn discounted(amount: f64, rate: f64, years: f64) -> f64 {
    // Zero stays zero even where the factor overflows.
    if amount == 0.0 { 0.0 } else { amount * libm::exp(-rate * years) }
}

/// `ln(forward / strike) = ln(spot / strike) + (rate - dividend_yield) years`, to about 25 digits.
#[inline(always)]
pub(super) fn log_forward_moneyness(
    spot: f64,
    strike: f64,
    years: f64,
    rate: f64,
    dividend_yield: f64,
) -> Double {
    log_ratio(spot, strike) + Double::sum(rate, -dividend_yield) * Double::new(years)
}

/// Discounted spot minus discounted strike, given the logarithm of their ratio.
pub(super) fn difference(
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
