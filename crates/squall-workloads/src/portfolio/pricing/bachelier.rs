//! European options and digitals on an underlying whose forward price is normally distributed, so that prices and strikes may be 0 and
//! below: L. Bachelier, "Théorie de la spéculation" (1900), on the forward as in F. Black (1976).
//!
//! The volatility is absolute: the standard deviation of the forward price for a year, in units of the price. One formula serves one lane
//! or eight, as everywhere here; `Pricer::rare` takes what is deterministic, expired or extreme.

use crate::portfolio::pricing::batch::{self, Pricer};
use crate::portfolio::pricing::elementary::{
    exp, normal_cdf_pdf, polynomial, saturating_exp, saturating_expm1,
};
use crate::portfolio::pricing::forward::discounted;
use crate::portfolio::pricing::normal::{TAIL_DENOMINATOR, TAIL_NUMERATOR, cdf, pdf};
use crate::portfolio::pricing::simd::SimdPath;
use crate::portfolio::pricing::{MarketColumns, OptionType};

#[cfg(test)]
mod tests;

const INV_SQRT_2_PI: f64 = 0.398_942_280_401_432_7;
/// So far out (in standard deviations) that the time value is nothing.
const FARTHEST: f64 = 40.0;
/// Largest exponent that the quick formulas take.
const LARGEST_EXPONENT: f64 = 600.0;

/// What is paid at expiry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Payoff {
    /// What exercising gains, if it gains anything.
    Gain,
    /// This much, if the price then is at or above (call) or below (put) the strike.
    Cash(f64),
    /// The underlying, under the same condition.
    Asset,
}

/// The price of a call or put on `spot`, struck at `strike`, that expires in `years`; `vol` in units of the price.
///
/// With the forward `F = spot exp((rate - dividend_yield) years)`, `v = vol sqrt(years)` and `d = (F - strike) / v` a call is worth
/// `exp(-rate years) ((F - strike) Phi(d) + v phi(d))`. Expired (`years <= 0`) it is worth its payoff; with `vol == 0` the discounted payoff
/// of the forward. Within 1e-14 of the largest of forward, strike and `v`, discounted; NaN for a negative vol, for NaN and for infinities.
#[expect(clippy::too_many_arguments, reason = "contract and market, spelled as in the other prices")]
pub fn price(
    option_type: OptionType,
    payoff: Payoff,
    spot: f64,
    strike: f64,
    years: f64,
    rate: f64,
    dividend_yield: f64,
    vol: f64,
) -> f64 {
    let normal = Normal::new(option_type, strike, years);
    match payoff {
        Payoff::Gain => batch::price_one(Vanilla(normal), spot, rate, dividend_yield, vol),
        Payoff::Cash(cash) => batch::price_one(InCash(cash, normal), spot, rate, dividend_yield, vol),
        Payoff::Asset => batch::price_one(InAsset(normal), spot, rate, dividend_yield, vol),
    }
}

/// Prices one contract in every scenario of `market` into `out`, shape `[n]`; see [`price`].
///
/// Scenarios beyond the shortest column are NaN.
pub fn price_batch(
    option_type: OptionType,
    payoff: Payoff,
    strike: f64,
    years: f64,
    market: MarketColumns<'_>,
    out: &mut [f64],
) {
    price_batch_on(SimdPath::best(), option_type, payoff, strike, years, market, out);
}

/// [`price_batch`] on a chosen path: the bits are the same on all of them.
pub fn price_batch_on(
    path: SimdPath,
    option_type: OptionType,
    payoff: Payoff,
    strike: f64,
    years: f64,
    market: MarketColumns<'_>,
    out: &mut [f64],
) {
    let normal = Normal::new(option_type, strike, years);
    match payoff {
        Payoff::Gain => batch::price_batch(path, Vanilla(normal), market, out),
        Payoff::Cash(cash) => batch::price_batch(path, InCash(cash, normal), market, out),
        Payoff::Asset => batch::price_batch(path, InAsset(normal), market, out),
    }
}

/// What the slope of the volatility by the strike, `skew`, adds to digitals: `out` changes by what it takes from the cash that is paid (of
/// an asset, the strike), vega × skew for a call. Of that cash no less than nothing is left, and no more than all. As of the lognormal
/// ones, a digital is the limit of spreads of Europeans, whose volatilities differ.
pub fn add_skew(
    option_type: OptionType,
    payoff: Payoff,
    skew: f64,
    (strike, years): (f64, f64),
    market: MarketColumns<'_>,
    out: &mut [f64],
) {
    let cash = match payoff {
        Payoff::Gain => return,
        Payoff::Cash(cash) => cash,
        Payoff::Asset => strike,
    };
    let normal = Normal::new(option_type, strike, years);
    let columns = market.spot.iter().zip(market.rate).zip(market.dividend_yield).zip(market.vol);
    for (value, (((spot, rate), dividend_yield), vol)) in out.iter_mut().zip(columns) {
        let Some(Scaled { gain, deviation, discount }) = normal.scaled(*spot, *rate, *dividend_yield, *vol)
        else {
            continue;
        };
        // Where nothing is random, the volatility moves nothing.
        if deviation > 0.0 {
            let distance = gain / deviation;
            let chance = discount * cdf(normal.sign * distance);
            let vega = discount * pdf(distance) * years.sqrt();
            let skewed = chance - normal.sign * skew * vega;
            let skewed = if skewed < 0.0 {
                0.0
            } else if skewed > discount {
                discount
            } else {
                skewed
            };
            *value += cash * (skewed - chance);
        }
    }
}

#[derive(Clone, Copy)]
struct Vanilla(Normal);

#[derive(Clone, Copy)]
struct InCash(f64, Normal);

#[derive(Clone, Copy)]
struct InAsset(Normal);

#[derive(Clone, Copy)]
struct Normal {
    option_type: OptionType,
    sign: f64,
    strike: f64,
    years: f64,
    /// NaN unless the contract is alive and valid, which refuses every scenario.
    root_years: f64,
}

/// Forward less strike and the deviation of the forward, both discounted.
struct Scaled {
    gain: f64,
    deviation: f64,
    discount: f64,
}

impl Normal {
    fn new(option_type: OptionType, strike: f64, years: f64) -> Self {
        let root_years = if years > 0.0 && strike.is_finite() { years.sqrt() } else { f64::NAN };
        Normal { option_type, sign: option_type.sign(), strike, years, root_years }
    }

    /// Forward less strike, the forward's deviation, and whether both are what they should be.
    #[inline(always)]
    fn quick_terms(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> (f64, f64, bool) {
        let carry = (rate - dividend_yield) * self.years;
        // What grows is multiplied by how much, so that no digit is lost: the spot, or else the strike.
        let upwards = carry > 0.0;
        let grown = if upwards { spot } else { -self.strike };
        let gain = grown.mul_add(saturating_expm1(carry.abs()), spot - self.strike);
        let gain = gain * saturating_exp(if upwards { 0.0 } else { carry });
        let deviation = vol * self.root_years;
        let in_range = (carry.abs() < LARGEST_EXPONENT)
            & ((rate * self.years).abs() < LARGEST_EXPONENT)
            & ((dividend_yield * self.years).abs() < LARGEST_EXPONENT)
            & (gain.abs() < f64::INFINITY)
            & (deviation < f64::INFINITY)
            & (vol >= 0.0);
        (gain, deviation, in_range)
    }

    /// The same, slowly, of a contract that is alive; `None` for what is not finite.
    #[inline(always)]
    fn scaled(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> Option<Scaled> {
        let Normal { strike, years, .. } = *self;
        let finite = [spot, strike, years, rate, dividend_yield, vol].iter().all(|input| input.is_finite());
        if !finite || vol < 0.0 {
            return None;
        }
        let years = if years > 0.0 { years } else { 0.0 };
        let (carry, total_vol) = ((rate - dividend_yield) * years, vol * years.sqrt());
        let discount = libm::exp(-rate * years);
        // A large forward that is discounted as much.
        if carry.abs() >= LARGEST_EXPONENT || (rate * years).abs() >= LARGEST_EXPONENT {
            let gain = discounted(spot, dividend_yield, years) - discounted(strike, rate, years);
            return Some(Scaled { gain, deviation: discounted(total_vol, rate, years), discount });
        }
        let gain = if carry > 0.0 {
            spot.mul_add(libm::expm1(carry), spot - strike)
        } else {
            libm::exp(carry) * (-strike).mul_add(libm::expm1(-carry), spot - strike)
        };
        Some(Scaled { gain: discount * gain, deviation: discount * total_vol, discount })
    }

    /// Whether the option ends in the money where nothing is random.
    #[inline(always)]
    fn is_certain(&self, gain: f64) -> bool {
        (gain >= 0.0) == (self.option_type == OptionType::Call)
    }

    /// The probability of ending in the money.
    #[inline(always)]
    fn chance(&self, scaled: &Scaled) -> f64 {
        if scaled.deviation > 0.0 {
            cdf(self.sign * scaled.gain / scaled.deviation)
        } else if scaled.gain.is_nan() {
            f64::NAN
        } else if self.is_certain(scaled.gain) {
            1.0
        } else {
            0.0
        }
    }
}

/// `phi(d) - d Phi(-d)`, the time value for a deviation of 1, for `d >= 0`.
#[inline(always)]
fn time_value(distance: f64) -> f64 {
    let distance = if distance > FARTHEST { FARTHEST } else { distance };
    let square = distance * distance;
    let rounding = distance.mul_add(distance, -square);
    let bell = exp(-0.5 * square);
    let bell = bell.mul_add(-0.5 * rounding, bell);
    let tail = polynomial(&TAIL_NUMERATOR, distance) / polynomial(&TAIL_DENOMINATOR, distance);
    bell * (-distance).mul_add(tail, INV_SQRT_2_PI)
}

/// The sign of a computed NaN differs between processors.
#[inline(always)]
fn one_nan(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

impl Pricer for Vanilla {
    #[inline(always)]
    fn quick(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        let Vanilla(normal) = *self;
        let (gain, deviation, in_range) = normal.quick_terms(spot, rate, dividend_yield, vol);
        let distance = gain.abs() / deviation;
        let signed = normal.sign * gain;
        let intrinsic = if signed > 0.0 { signed } else { 0.0 };
        let value = saturating_exp(-rate * normal.years) * deviation.mul_add(time_value(distance), intrinsic);
        // NaN where both are 0.
        if in_range & (distance >= 0.0) { value } else { f64::NAN }
    }

    #[inline(always)]
    fn rare(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        let Vanilla(normal) = *self;
        let Some(scaled) = normal.scaled(spot, rate, dividend_yield, vol) else { return f64::NAN };
        let signed = normal.sign * scaled.gain;
        let intrinsic = if signed < 0.0 { 0.0 } else { signed };
        let time_value = if scaled.deviation > 0.0 {
            scaled.deviation * time_value(scaled.gain.abs() / scaled.deviation)
        } else {
            0.0
        };
        // Not minus 0.
        one_nan(intrinsic + time_value + 0.0)
    }
}

impl Pricer for InCash {
    #[inline(always)]
    fn quick(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        let InCash(cash, normal) = *self;
        let (gain, deviation, in_range) = normal.quick_terms(spot, rate, dividend_yield, vol);
        let distance = normal.sign * gain / deviation;
        let (chance, _) = normal_cdf_pdf(distance);
        let value = cash * saturating_exp(-rate * normal.years) * chance;
        if in_range & !distance.is_nan() { value } else { f64::NAN }
    }

    #[inline(always)]
    fn rare(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        let InCash(cash, normal) = *self;
        let Some(scaled) = normal.scaled(spot, rate, dividend_yield, vol) else { return f64::NAN };
        one_nan(cash * scaled.discount * normal.chance(&scaled))
    }
}

impl Pricer for InAsset {
    #[inline(always)]
    fn quick(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        let InAsset(normal) = *self;
        let (gain, deviation, in_range) = normal.quick_terms(spot, rate, dividend_yield, vol);
        let distance = gain / deviation;
        let (chance, _) = normal_cdf_pdf(normal.sign * distance);
        let (_, density) = normal_cdf_pdf(distance);
        let asset = spot * saturating_exp(-dividend_yield * normal.years);
        let spread = normal.sign * saturating_exp(-rate * normal.years) * deviation;
        let value = asset.mul_add(chance, spread * density);
        if in_range & !distance.is_nan() { value } else { f64::NAN }
    }

    #[inline(always)]
    fn rare(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        let InAsset(normal) = *self;
        let Some(scaled) = normal.scaled(spot, rate, dividend_yield, vol) else { return f64::NAN };
        let density = if scaled.deviation > 0.0 { pdf(scaled.gain / scaled.deviation) } else { 0.0 };
        let asset = discounted(spot, dividend_yield, normal.years.max(0.0)) * normal.chance(&scaled);
        one_nan(asset + normal.sign * scaled.deviation * density)
    }
}
