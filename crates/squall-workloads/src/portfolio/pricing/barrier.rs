//! Single-barrier options, monitored continuously, with a rebate.
//!
//! Source: E. Reiner and M. Rubinstein, "Breaking down the barriers", Risk 4 (1991); E. G. Haug, "The
//! Complete Guide to Option Pricing Formulas", section 4.17.1. The letters of their building blocks are kept
//! in the comments. Everyday scenarios are priced in vector loops: see `quick.rs`. Where rounding could show, one by
//! one in double-double arithmetic, the reflected terms `(H / S)^(2 mu) Phi(y)` rearranged so that the power never
//! overflows: see `legs.rs`.

use pulp::{Simd, WithSimd};

use crate::portfolio::pricing::forward::discounted;
use crate::portfolio::pricing::simd::SimdPath;
use crate::portfolio::pricing::{MarketColumns, OptionType, european};
use legs::Legs;
use quick::{CHUNK, Quick};

mod hit;
mod legs;
mod quick;
#[cfg(test)]
mod tests;

/// The side from which the barrier is approached: a `Down` barrier lies below the spot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Below the spot.
    Down,
    /// Above the spot.
    Up,
}

/// The effect of touching the barrier: it brings the option to life (`In`) or ends it (`Out`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Knock {
    /// Knock-in.
    In,
    /// Knock-out.
    Out,
}

/// A European option that is knocked in or out when the underlying touches `level`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Barrier {
    /// The side of the barrier.
    pub direction: Direction,
    /// Knock-in or knock-out.
    pub knock: Knock,
    /// Call or put.
    pub option_type: OptionType,
    /// Price at which the option may be exercised.
    pub strike: f64,
    /// Price of the underlying that knocks.
    pub level: f64,
    /// Cash paid by a knock-out when it is hit, by a knock-in at expiry if it never was.
    pub rebate: f64,
}

/// A variance per year, or until expiry, so small that its products underflow: nothing is random any more.
const LEAST_VARIANCE: f64 = 1e-250;

/// The market and the time left.
#[derive(Debug, Clone, Copy)]
struct Market {
    spot: f64,
    years: f64,
    rate: f64,
    dividend_yield: f64,
    vol: f64,
}

impl Barrier {
    /// The present value with `years` left, for an option not knocked before now.
    ///
    /// A spot at the barrier or beyond knocks at once: a knock-in is then the vanilla option, a knock-out its
    /// rebate. Expired (`years <= 0`) and untouched, a knock-out pays its payoff and a knock-in its rebate.
    /// With `vol == 0` the underlying follows its forward, and touching the barrier at expiry counts. NaN for
    /// a negative spot, strike, level or vol, for NaN and for infinities.
    pub fn price(&self, spot: f64, years: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        let mut out = [f64::NAN];
        let market =
            MarketColumns { spot: &[spot], rate: &[rate], dividend_yield: &[dividend_yield], vol: &[vol] };
        self.price_batch(years, market, &mut out);
        out[0]
    }

    /// Prices the contract in every scenario of `market` into `out`, shape `[n]`; see [`Barrier::price`].
    ///
    /// Scenarios beyond the shortest column are NaN.
    pub fn price_batch(&self, years: f64, market: MarketColumns<'_>, out: &mut [f64]) {
        self.price_batch_on(SimdPath::best(), years, market, out);
    }

    /// [`Barrier::price_batch`] on a chosen path: the bits are the same on all of them.
    pub fn price_batch_on(&self, path: SimdPath, years: f64, market: MarketColumns<'_>, out: &mut [f64]) {
        path.run(Batch { contract: *self, years, market, out });
    }

    /// One scenario, in double-double arithmetic where terms cancel.
    #[inline(always)]
    fn rare_price(&self, market: Market) -> f64 {
        let Market { spot, years, rate, dividend_yield, vol } = market;
        let inputs = [self.strike, self.level, self.rebate, spot, years, rate, dividend_yield, vol];
        let negative = [self.strike, self.level, spot, vol].iter().any(|input| *input < 0.0);
        if negative || !inputs.iter().all(|input| input.is_finite()) {
            return f64::NAN;
        }
        let touched = match self.direction {
            Direction::Down => spot <= self.level,
            Direction::Up => spot >= self.level,
        };
        if touched {
            return match self.knock {
                Knock::In => self.vanilla(market),
                Knock::Out => self.rebate,
            };
        }
        // Neither a worthless underlying nor one above a barrier of zero ever reaches the barrier.
        if years <= 0.0 || spot == 0.0 || self.level == 0.0 {
            return match self.knock {
                Knock::In => discounted(self.rebate, rate, years.max(0.0)),
                Knock::Out => self.vanilla(market),
            };
        }
        if vol * vol * years.min(1.0) < LEAST_VARIANCE {
            return self.deterministic(market);
        }
        let value = self.random(market);
        // The sign of a computed NaN differs between processors.
        if value.is_nan() { f64::NAN } else { value }
    }

    fn vanilla(&self, market: Market) -> f64 {
        let Market { spot, years, rate, dividend_yield, vol } = market;
        european::price(self.option_type, spot, self.strike, years, rate, dividend_yield, vol)
    }

    fn deterministic(&self, market: Market) -> f64 {
        let hit_after = hit::deterministic_years(self.direction, self.level, market);
        match (self.knock, hit_after) {
            (Knock::In, None) => discounted(self.rebate, market.rate, market.years),
            (Knock::In, Some(_)) | (Knock::Out, None) => self.vanilla(market),
            (Knock::Out, Some(hit_years)) => discounted(self.rebate, market.rate, hit_years),
        }
    }

    #[inline(always)]
    fn random(&self, market: Market) -> f64 {
        let legs = Legs::new(self, market, self.vanilla(market));
        let strike_above = self.strike >= self.level;
        // Whether the payoff's kink lies on the side of the barrier where the underlying now is.
        let kink_inside = strike_above == (self.direction == Direction::Down);
        let call_like = (self.direction == Direction::Down) == (self.option_type == OptionType::Call);
        let (alive, knocked) = match (call_like, kink_inside) {
            // The payoff is zero at the barrier: in = C, out = A - C.
            (true, true) => (legs.vanilla() - legs.image(), legs.image()),
            // The payoff is cut off by the barrier: in = A - B + D, out = B - D.
            (true, false) => {
                let (cut, cut_image) = (legs.vanilla_at_barrier(), legs.image_at_barrier());
                (cut - cut_image, legs.vanilla() - cut + cut_image)
            }
            // The payoff grows towards the barrier: in = B - C + D, out = A - B + C - D.
            (false, true) => {
                let (cut, cut_image) = (legs.vanilla_at_barrier(), legs.image_at_barrier());
                let reflected = cut_image - legs.image();
                (legs.vanilla() - cut - reflected, cut + reflected)
            }
            // It can only end in the money beyond the barrier: in = A, out = 0.
            (false, false) => (0.0, legs.vanilla()),
        };
        let rebate = if self.rebate == 0.0 {
            0.0
        } else {
            self.rebate
                * match self.knock {
                    Knock::In => legs.survival(),
                    Knock::Out => hit::discounted_chance(self.direction, self.level, market),
                }
        };
        // An option's value is not negative: what is left below zero is rounding.
        let option = match self.knock {
            Knock::In => knocked,
            Knock::Out => alive,
        };
        // Not `f64::max`, which would turn a NaN into zero.
        if option < 0.0 { rebate } else { option + rebate }
    }
}

struct Batch<'a> {
    contract: Barrier,
    years: f64,
    market: MarketColumns<'a>,
    out: &'a mut [f64],
}

impl WithSimd for Batch<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Batch { contract, years, market, out } = self;
        let quick = Quick::new(&contract, years);
        let (priced, beyond) = out.split_at_mut(market.n_scenarios().min(out.len()));
        beyond.fill(f64::NAN);
        for (index, chunk) in priced.chunks_mut(CHUNK).enumerate() {
            let market = market.range(index * CHUNK, chunk.len());
            quick.price(market, chunk);
            for (scenario, value) in chunk.iter_mut().enumerate() {
                if value.is_nan() {
                    let MarketColumns { spot, rate, dividend_yield, vol } = market;
                    *value = contract.rare_price(Market {
                        spot: spot[scenario],
                        years,
                        rate: rate[scenario],
                        dividend_yield: dividend_yield[scenario],
                        vol: vol[scenario],
                    });
                }
            }
        }
    }
}
