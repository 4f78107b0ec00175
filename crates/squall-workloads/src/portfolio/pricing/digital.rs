//! Digital (binary) options: a fixed amount of cash, or one unit of the underlying, if they end in the money.

use crate::portfolio::pricing::OptionType;
use crate::portfolio::pricing::forward::{discounted, log_forward_moneyness};
use crate::portfolio::pricing::normal::cdf;

#[cfg(test)]
mod tests;

/// The price of `cash` paid in `years` if the underlying then stands above (call) or below (put) `strike`.
///
/// Where nothing is random (`years <= 0` or `vol == 0`) it pays in full or not at all; standing exactly at
/// the strike pays neither the call nor the put, as in QuantLib's `CashOrNothingPayoff`. NaN for a negative
/// spot, strike or vol. Source: M. Rubinstein and E. Reiner, "Unscrambling the binary code", Risk 4 (1991);
/// Haug, section 4.19.2.
#[expect(clippy::too_many_arguments, reason = "contract and market, spelled as in the vanilla's signature")]
pub fn cash_or_nothing(
    option_type: OptionType,
    cash: f64,
    spot: f64,
    strike: f64,
    years: f64,
    rate: f64,
    dividend_yield: f64,
    vol: f64,
) -> f64 {
    let chance = chance(option_type, -0.5, spot, strike, years, rate, dividend_yield, vol);
    discounted(cash, rate, years.max(0.0)) * chance
}

/// The price of one unit of the underlying delivered in `years` if it then stands above (call) or below (put)
/// `strike`.
///
/// Limits and ties as for [`cash_or_nothing`]. Source: the same; Haug, section 4.19.3.
pub fn asset_or_nothing(
    option_type: OptionType,
    spot: f64,
    strike: f64,
    years: f64,
    rate: f64,
    dividend_yield: f64,
    vol: f64,
) -> f64 {
    let chance = chance(option_type, 0.5, spot, strike, years, rate, dividend_yield, vol);
    discounted(spot, dividend_yield, years.max(0.0)) * chance
}

/// The probability of ending in the money when the logarithm of the underlying drifts by `shift` variances on
/// top of the forward: `-0.5` counted in cash, `0.5` counted in the underlying.
#[expect(clippy::too_many_arguments, reason = "contract and market, spelled as in the vanilla's signature")]
fn chance(
    option_type: OptionType,
    shift: f64,
    spot: f64,
    strike: f64,
    years: f64,
    rate: f64,
    dividend_yield: f64,
    vol: f64,
) -> f64 {
    let finite = [spot, strike, years, rate, dividend_yield, vol].iter().all(|input| input.is_finite());
    if !finite || spot < 0.0 || strike < 0.0 || vol < 0.0 {
        return f64::NAN;
    }
    if years <= 0.0 || spot == 0.0 || strike == 0.0 {
        return if option_type.payoff(spot, strike) > 0.0 { 1.0 } else { 0.0 };
    }
    let moneyness = log_forward_moneyness(spot, strike, years, rate, dividend_yield).value();
    let total_vol = vol * years.sqrt();
    let distance = if total_vol > 0.0 {
        moneyness / total_vol + shift * total_vol
    } else if moneyness == 0.0 {
        return 0.0;
    } else {
        moneyness * f64::INFINITY
    };
    cdf(option_type.sign() * distance)
}
