//! American options on an asset with a continuous dividend yield.
//!
//! Spectral collocation of the early exercise boundary (Andersen, Lake, Offengenden, "High-performance American option
//! pricing", Journal of Computational Finance 20, 2016) for puts; calls by put-call symmetry (McDonald and Schroder
//! 1998). Negative rates and yields are allowed; where they make two boundaries (Battauz, De Donno, Sbuelz 2015;
//! Andersen and Lake 2021), finite differences take over.

use crate::portfolio::pricing::{OptionType, european};

mod boundary;
mod dividends;
mod finite_difference;
mod limits;
mod nodes;
mod premium;
mod put;

pub use dividends::{Dividend, price_with_dividends};

/// Value of an American option.
///
/// `years` to expiry; `rate` and `dividend_yield` continuously compounded, per year; `vol` per square root of a year.
/// Accurate to about 1e-6 of the value on usual contracts, and to 1e-4 (or 1e-12 of the strike) up to 30 years and a
/// vol of 3. A usual contract takes some 11 microseconds; one whose drift outweighs its vol, or whose vol or expiry is
/// large, half a millisecond; one with two boundaries some 6 milliseconds. Never below the European value nor the
/// intrinsic value. NaN unless every argument is finite and `spot`, `strike`, `years` and `vol` are not negative.
#[must_use]
pub fn price(
    option_type: OptionType,
    spot: f64,
    strike: f64,
    years: f64,
    rate: f64,
    dividend_yield: f64,
    vol: f64,
) -> f64 {
    price_on(pulp::Arch::new(), option_type, spot, strike, years, rate, dividend_yield, vol)
}

#[expect(clippy::too_many_arguments, reason = "the arguments of `price` and the instruction set")]
fn price_on(
    arch: pulp::Arch,
    option_type: OptionType,
    spot: f64,
    strike: f64,
    years: f64,
    rate: f64,
    dividend_yield: f64,
    vol: f64,
) -> f64 {
    let positive = |number: f64| (0.0..f64::INFINITY).contains(&number);
    let valid = positive(spot) && positive(strike) && positive(years) && positive(vol);
    if !(valid && rate.is_finite() && dividend_yield.is_finite()) {
        return f64::NAN;
    }
    // A call is a put on the strike, struck at the spot, with rate and yield exchanged.
    let (below, above, put_rate, put_yield) = match option_type {
        OptionType::Put => (spot, strike, rate, dividend_yield),
        OptionType::Call => (strike, spot, dividend_yield, rate),
    };
    let intrinsic = (above - below).max(0.0);
    if years == 0.0 || above == 0.0 {
        return intrinsic;
    }
    let moneyness = below / above;
    let deviation = vol * years.sqrt();
    if below == 0.0 || deviation < limits::NO_DEVIATION || !moneyness.is_normal() {
        return limits::without_vol(below, above, years, put_rate, put_yield).max(intrinsic);
    }
    let european = european::price(option_type, spot, strike, years, rate, dividend_yield, vol);
    let relative =
        put::Put { log_spot: libm::log(moneyness), years, rate: put_rate, dividend_yield: put_yield, vol };
    let value = match relative.early_exercise(arch) {
        put::EarlyExercise::Never => european,
        put::EarlyExercise::Now => intrinsic,
        put::EarlyExercise::Premium(premium) => above.mul_add(premium, european),
        put::EarlyExercise::Shortened { european: shorter, premium } => above * (shorter + premium),
    };
    value.max(european).max(intrinsic)
}

#[cfg(test)]
mod tests;
