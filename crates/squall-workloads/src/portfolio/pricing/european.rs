//! European calls and puts: one contract under one market, or under many at once.
//!
//! Both entries run the same arithmetic in the same order, one lane or eight, so they return the same bits;
//! see `kernel.rs` for the vector loop's body and `rare.rs` for the elements it refuses.

use crate::portfolio::pricing::batch::{self, Pricer};
use crate::portfolio::pricing::simd::SimdPath;
use crate::portfolio::pricing::{MarketColumns, OptionType};
use kernel::Contract;

mod kernel;
mod rare;
#[cfg(test)]
mod tests;

/// The Black-Scholes-Merton price of a call or put on `spot`, struck at `strike`, that expires in `years`.
///
/// Expired (`years <= 0`) it is worth its payoff; with `vol == 0` the discounted payoff of the forward. NaN
/// for a negative spot, strike or vol, for NaN and for infinities. Source: R. C. Merton, "Theory of rational
/// option pricing", Bell Journal of Economics 4 (1973).
pub fn price(
    option_type: OptionType,
    spot: f64,
    strike: f64,
    years: f64,
    rate: f64,
    dividend_yield: f64,
    vol: f64,
) -> f64 {
    let european =
        European { contract: Contract::new(option_type, strike, years), option_type, strike, years };
    batch::price_one(european, spot, rate, dividend_yield, vol)
}

/// Prices one contract in every scenario of `market` into `out`, shape `[n]`; see [`price`].
///
/// Scenarios beyond the shortest column are NaN.
pub fn price_batch(
    option_type: OptionType,
    strike: f64,
    years: f64,
    market: MarketColumns<'_>,
    out: &mut [f64],
) {
    price_batch_on(SimdPath::best(), option_type, strike, years, market, out);
}

/// [`price_batch`] on a chosen path: the bits are the same on all of them.
pub fn price_batch_on(
    path: SimdPath,
    option_type: OptionType,
    strike: f64,
    years: f64,
    market: MarketColumns<'_>,
    out: &mut [f64],
) {
    let european =
        European { contract: Contract::new(option_type, strike, years), option_type, strike, years };
    batch::price_batch(path, european, market, out);
}

#[derive(Clone, Copy)]
struct European {
    contract: Contract,
    option_type: OptionType,
    strike: f64,
    years: f64,
}

impl Pricer for European {
    #[inline(always)]
    fn quick(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        self.contract.price(spot, rate, dividend_yield, vol)
    }

    #[inline(always)]
    fn rare(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        rare::price(self.option_type, spot, self.strike, self.years, rate, dividend_yield, vol)
    }
}
