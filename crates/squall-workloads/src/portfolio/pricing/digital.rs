//! Digital (binary) options: a fixed amount of cash, or one unit of the underlying, if they end in the money.

use crate::portfolio::pricing::batch::{self, Pricer};
use crate::portfolio::pricing::elementary::{self, normal_cdf_pdf, saturating_exp};
use crate::portfolio::pricing::forward::{discounted, log_forward_moneyness};
use crate::portfolio::pricing::normal::cdf;
use crate::portfolio::pricing::simd::SimdPath;
use crate::portfolio::pricing::{MarketColumns, OptionType};

#[cfg(test)]
mod tests;

/// The price of `cash` paid in `years` if the underlying then stands at or above (call) or below (put) `strike`.
///
/// Where nothing is random (`years <= 0` or `vol == 0`) it pays in full or not at all. Exactly at the strike the call
/// pays and the put does not: one of each always is the cash. NaN for a negative
/// spot, strike or vol, for NaN and for infinities. Source: M. Rubinstein and E. Reiner, "Unscrambling the
/// binary code", Risk 4 (1991); Haug, section 4.19.2.
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
    batch::price_one(InCash(cash, Digital::new(option_type, strike, years)), spot, rate, dividend_yield, vol)
}

/// Prices one contract in every scenario of `market` into `out`, shape `[n]`; see [`cash_or_nothing`].
///
/// Scenarios beyond the shortest column are NaN.
pub fn cash_or_nothing_batch(
    option_type: OptionType,
    cash: f64,
    strike: f64,
    years: f64,
    market: MarketColumns<'_>,
    out: &mut [f64],
) {
    cash_or_nothing_batch_on(SimdPath::best(), option_type, cash, strike, years, market, out);
}

/// [`cash_or_nothing_batch`] on a chosen path: the bits are the same on all of them.
pub fn cash_or_nothing_batch_on(
    path: SimdPath,
    option_type: OptionType,
    cash: f64,
    strike: f64,
    years: f64,
    market: MarketColumns<'_>,
    out: &mut [f64],
) {
    batch::price_batch(path, InCash(cash, Digital::new(option_type, strike, years)), market, out);
}

/// The price of one unit of the underlying delivered in `years` if it then stands at or above (call) or below
/// (put) `strike`.
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
    batch::price_one(InAsset(Digital::new(option_type, strike, years)), spot, rate, dividend_yield, vol)
}

/// Prices one contract in every scenario of `market` into `out`, shape `[n]`; see [`asset_or_nothing`].
///
/// Scenarios beyond the shortest column are NaN.
pub fn asset_or_nothing_batch(
    option_type: OptionType,
    strike: f64,
    years: f64,
    market: MarketColumns<'_>,
    out: &mut [f64],
) {
    asset_or_nothing_batch_on(SimdPath::best(), option_type, strike, years, market, out);
}

/// [`asset_or_nothing_batch`] on a chosen path: the bits are the same on all of them.
pub fn asset_or_nothing_batch_on(
    path: SimdPath,
    option_type: OptionType,
    strike: f64,
    years: f64,
    market: MarketColumns<'_>,
    out: &mut [f64],
) {
    batch::price_batch(path, InAsset(Digital::new(option_type, strike, years)), market, out);
}

/// What the slope of the volatility by the strike, `skew`, adds to digitals that pay `amount` (of an asset, the strike): `out` is reduced by
/// vega × skew × amount, for a call, and stays between nothing and what is paid for sure. A digital is the limit of spreads of Europeans, whose volatilities differ. Source: Gatheral, "The
/// volatility surface" (2006), chapter 8.
pub fn add_skew(
    option_type: OptionType,
    (amount, pays_asset): (f64, bool),
    skew: f64,
    (strike, years): (f64, f64),
    market: MarketColumns<'_>,
    out: &mut [f64],
) {
    let root_years = years.max(0.0).sqrt();
    let columns = market.spot.iter().zip(market.rate).zip(market.dividend_yield).zip(market.vol);
    for (value, (((spot, rate), dividend_yield), vol)) in out.iter_mut().zip(columns) {
        let total_vol = vol * root_years;
        // Where nothing is random, the volatility moves nothing.
        if !(total_vol > 0.0 && *spot > 0.0 && strike > 0.0) {
            continue;
        }
        let distance =
            (libm::log(spot / strike) + (rate - dividend_yield) * years) / total_vol - 0.5 * total_vol;
        let density = libm::exp(-0.5 * distance * distance)
            * std::f64::consts::FRAC_1_SQRT_2
            * 0.5
            * std::f64::consts::FRAC_2_SQRT_PI;
        let vega = strike * libm::exp(-rate * years) * density * root_years;
        let skewed = *value - option_type.sign() * amount * skew * vega;
        // Volatilities that let a spread cost less than nothing are no reason to pay for a promise.
        let most = if pays_asset {
            spot * libm::exp(-dividend_yield * years)
        } else {
            amount * libm::exp(-rate * years)
        };
        *value = if skewed < 0.0 {
            0.0
        } else if skewed > most {
            most
        } else {
            skewed
        };
    }
}

/// The quick chance is refused where rounding in the logarithm of the forward over the strike moves it by more than
/// about this many units in its last place: some 2e-12 of it.
const MOST_ROUNDING: f64 = 4_000.0;
/// Largest exponent the quick formulas take.
const LARGEST_EXPONENT: f64 = 600.0;

#[derive(Clone, Copy)]
struct InCash(f64, Digital);

#[derive(Clone, Copy)]
struct InAsset(Digital);

#[derive(Clone, Copy)]
struct Digital {
    option_type: OptionType,
    sign: f64,
    strike: f64,
    inverse_strike: f64,
    years: f64,
    /// NaN unless the contract is alive and valid, which refuses every scenario.
    root_years: f64,
}

impl Pricer for InCash {
    #[inline(always)]
    fn quick(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        let InCash(cash, digital) = *self;
        let discount = -rate * digital.years;
        let value =
            cash * saturating_exp(discount) * digital.quick_chance(-0.5, spot, rate, dividend_yield, vol);
        if discount.abs() < LARGEST_EXPONENT { value } else { f64::NAN }
    }

    #[inline(always)]
    fn rare(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        let InCash(cash, digital) = *self;
        let chance = digital.chance(-0.5, spot, rate, dividend_yield, vol);
        let value = discounted(cash, rate, digital.years.max(0.0)) * chance;
        // The sign of a computed NaN differs between processors.
        if value.is_nan() { f64::NAN } else { value }
    }
}

impl Pricer for InAsset {
    #[inline(always)]
    fn quick(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        let InAsset(digital) = *self;
        let decay = -dividend_yield * digital.years;
        let value = spot * saturating_exp(decay) * digital.quick_chance(0.5, spot, rate, dividend_yield, vol);
        if decay.abs() < LARGEST_EXPONENT { value } else { f64::NAN }
    }

    #[inline(always)]
    fn rare(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        let InAsset(digital) = *self;
        let chance = digital.chance(0.5, spot, rate, dividend_yield, vol);
        let value = discounted(spot, dividend_yield, digital.years.max(0.0)) * chance;
        if value.is_nan() { f64::NAN } else { value }
    }
}

impl Digital {
    fn new(option_type: OptionType, strike: f64, years: f64) -> Self {
        let root_years = if years > 0.0 && strike > 0.0 { years.sqrt() } else { f64::NAN };
        let inverse_strike = 1.0 / strike;
        Digital { option_type, sign: option_type.sign(), strike, inverse_strike, years, root_years }
    }

    /// The probability of ending in the money when the logarithm of the underlying drifts by `shift` variances on
    /// top of the forward: `-0.5` counted in cash, `0.5` counted in the underlying. NaN where it would be inaccurate.
    #[inline(always)]
    fn quick_chance(&self, shift: f64, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        let total_vol = vol * self.root_years;
        let carry = (rate - dividend_yield) * self.years;
        let log = elementary::log_ratio(spot, self.strike, self.inverse_strike);
        let distance = (log + carry) / total_vol + shift * total_vol;
        let (chance, _) = normal_cdf_pdf(self.sign * distance);
        let rounding = (1.0 + distance.abs()) * (log.abs() + carry.abs());
        let accurate = (rounding < MOST_ROUNDING * total_vol)
            & (log.abs() < LARGEST_EXPONENT)
            & (carry.abs() < LARGEST_EXPONENT);
        if accurate { chance } else { f64::NAN }
    }

    /// The same, slowly.
    #[inline(always)]
    fn chance(&self, shift: f64, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        let Digital { option_type, sign, strike, years, .. } = *self;
        let finite = [spot, strike, years, rate, dividend_yield, vol].iter().all(|input| input.is_finite());
        if !finite || spot < 0.0 || strike < 0.0 || vol < 0.0 {
            return f64::NAN;
        }
        if years <= 0.0 || spot == 0.0 || strike == 0.0 {
            return if (spot >= strike) == (option_type == OptionType::Call) { 1.0 } else { 0.0 };
        }
        let moneyness = log_forward_moneyness(spot, strike, years, rate, dividend_yield).value();
        let total_vol = vol * years.sqrt();
        let distance = if total_vol > 0.0 {
            moneyness / total_vol + shift * total_vol
        } else if moneyness == 0.0 {
            return if option_type == OptionType::Call { 1.0 } else { 0.0 };
        } else {
            moneyness * f64::INFINITY
        };
        cdf(sign * distance)
    }
}
