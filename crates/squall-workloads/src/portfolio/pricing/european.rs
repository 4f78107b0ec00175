//! European calls and puts: one contract under one market, or under many at once.
//!
//! Both entries run the same arithmetic in the same order, one lane or eight, so they return the same bits;
//! see `kernel.rs` for the vector loop and `rare.rs` for the elements it refuses.

use pulp::{Simd, WithSimd};

use crate::portfolio::pricing::OptionType;
use crate::portfolio::pricing::simd::SimdPath;
use kernel::Contract;

mod kernel;
mod rare;
#[cfg(test)]
mod tests;

/// The market in each of `n` scenarios, column by column.
#[derive(Debug, Clone, Copy)]
pub struct MarketColumns<'a> {
    /// Price of the underlying, shape `[n]`.
    pub spot: &'a [f64],
    /// Risk-free rate, per year, shape `[n]`.
    pub rate: &'a [f64],
    /// Dividend yield, per year, shape `[n]`.
    pub dividend_yield: &'a [f64],
    /// Volatility, per square root of a year, shape `[n]`.
    pub vol: &'a [f64],
}

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
    let mut out = [f64::NAN];
    let market =
        MarketColumns { spot: &[spot], rate: &[rate], dividend_yield: &[dividend_yield], vol: &[vol] };
    price_batch(option_type, strike, years, market, &mut out);
    out[0]
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
    let contract = Contract::new(option_type, strike, years);
    path.run(Batch { contract, market, out: &mut *out });
    // The kernel answers NaN where it cannot meet its accuracy; whether it can depends on the element alone.
    let columns = market.spot.iter().zip(market.rate).zip(market.dividend_yield).zip(market.vol);
    for (value, (((spot, rate), dividend_yield), vol)) in out.iter_mut().zip(columns) {
        if value.is_nan() {
            *value = rare::price(option_type, *spot, strike, years, *rate, *dividend_yield, *vol);
        }
    }
}

struct Batch<'a> {
    /// By value: behind a reference LLVM must reload it after every store, and then declines to vectorise for
    /// AVX2 (a third of the speed).
    contract: Contract,
    market: MarketColumns<'a>,
    out: &'a mut [f64],
}

impl WithSimd for Batch<'_> {
    type Output = ();

    /// The loop is plain `f64`: inlined into a function compiled for the path's instructions, LLVM vectorises
    /// it.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Batch { contract, market, out } = self;
        let MarketColumns { spot, rate, dividend_yield, vol } = market;
        let n_scenarios =
            [spot.len(), rate.len(), dividend_yield.len(), vol.len()].into_iter().fold(out.len(), usize::min);
        let (priced, beyond) = out.split_at_mut(n_scenarios);
        beyond.fill(f64::NAN);
        let (spot, rate) = (&spot[..n_scenarios], &rate[..n_scenarios]);
        let (dividend_yield, vol) = (&dividend_yield[..n_scenarios], &vol[..n_scenarios]);
        for scenario in 0..n_scenarios {
            priced[scenario] =
                contract.price(spot[scenario], rate[scenario], dividend_yield[scenario], vol[scenario]);
        }
    }
}
