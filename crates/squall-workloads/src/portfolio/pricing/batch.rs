//! One contract in many scenarios: a vector loop over what is quick, then one by one what that loop refused.

use pulp::{Simd, WithSimd};

use crate::portfolio::pricing::MarketColumns;
use crate::portfolio::pricing::simd::SimdPath;

#[cfg(test)]
mod tests;

/// A contract that can be priced in one scenario, in two ways. Both are inlined into functions compiled for each
/// instruction set, and both must be IEEE operations in a fixed order, so that every instruction set gives the same
/// bits.
pub(super) trait Pricer: Copy {
    /// Without branches or library calls, so that a loop over it vectorises. NaN where it cannot meet its accuracy;
    /// whether it can depends on the scenario alone.
    fn quick(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64;

    /// Anywhere, and NaN only where there is no price.
    fn rare(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64;
}

/// Prices every scenario of `market` into `out`; those beyond the shortest column are NaN.
pub(super) fn price_batch<P: Pricer>(path: SimdPath, pricer: P, market: MarketColumns<'_>, out: &mut [f64]) {
    path.run(Batch { pricer, market, out });
}

/// A batch of one.
pub(super) fn price_one<P: Pricer>(pricer: P, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
    let mut out = [f64::NAN];
    let market =
        MarketColumns { spot: &[spot], rate: &[rate], dividend_yield: &[dividend_yield], vol: &[vol] };
    price_batch(SimdPath::best(), pricer, market, &mut out);
    out[0]
}

struct Batch<'a, P> {
    /// By value: behind a reference LLVM must reload it after every store, and then declines to vectorise for
    /// AVX2 (a third of the speed).
    pricer: P,
    market: MarketColumns<'a>,
    out: &'a mut [f64],
}

impl<P: Pricer> WithSimd for Batch<'_, P> {
    type Output = ();

    /// The loop is plain `f64`: inlined into a function compiled for the path's instructions, LLVM vectorises
    /// it.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Batch { pricer, market, out } = self;
        let n_scenarios = market.n_scenarios().min(out.len());
        let (priced, beyond) = out.split_at_mut(n_scenarios);
        beyond.fill(f64::NAN);
        let MarketColumns { spot, rate, dividend_yield, vol } = market.first(n_scenarios);
        let mut n_refused = 0_u64;
        for scenario in 0..n_scenarios {
            let value = pricer.quick(spot[scenario], rate[scenario], dividend_yield[scenario], vol[scenario]);
            priced[scenario] = value;
            n_refused += u64::from(value.is_nan());
        }
        if n_refused == 0 {
            return;
        }
        for scenario in 0..n_scenarios {
            if priced[scenario].is_nan() {
                priced[scenario] =
                    pricer.rare(spot[scenario], rate[scenario], dividend_yield[scenario], vol[scenario]);
            }
        }
    }
}
