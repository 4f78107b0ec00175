//! Single-barrier options, monitored continuously, with a rebate.
//!
//! Source: E. Reiner and M. Rubinstein, "Breaking down the barriers", Risk 4 (1991); E. G. Haug, "The
//! Complete Guide to Option Pricing Formulas", section 4.17.1. The letters of their building blocks are kept
//! in the comments. The reflected terms `(H / S)^(2 mu) Phi(y)` are rearranged so that the power never
//! overflows: see `legs.rs`.

use crate::portfolio::pricing::OptionType;
use crate::portfolio::pricing::forward::discounted;
use legs::Legs;

mod hit;
mod legs;
#[cfg(test)]
mod tests;

/// The side from which the barrier is approached: a `Down` barrier lies below the spot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Down,
    Up,
}

/// What touching the barrier does to the option: brings it to life (`In`) or ends it (`Out`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Knock {
    In,
    Out,
}

/// A European option that is knocked in or out when the underlying touches `level`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Barrier {
    pub direction: Direction,
    pub knock: Knock,
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
        let inputs = [self.strike, self.level, self.rebate, spot, years, rate, dividend_yield, vol];
        let negative = [self.strike, self.level, spot, vol].iter().any(|input| *input < 0.0);
        if negative || !inputs.iter().all(|input| input.is_finite()) {
            return f64::NAN;
        }
        let market = Market { spot, years, rate, dividend_yield, vol };
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
        self.random(market)
    }

    fn vanilla(&self, market: Market) -> f64 {
        let Market { spot, years, rate, dividend_yield, vol } = market;
        crate::portfolio::pricing::european::price(self.option_type, spot, self.strike, years, rate, dividend_yield, vol)
    }

    fn deterministic(&self, market: Market) -> f64 {
        let hit_after = hit::deterministic_years(self.direction, self.level, market);
        match (self.knock, hit_after) {
            (Knock::In, None) => discounted(self.rebate, market.rate, market.years),
            (Knock::In, Some(_)) | (Knock::Out, None) => self.vanilla(market),
            (Knock::Out, Some(hit_years)) => discounted(self.rebate, market.rate, hit_years),
        }
    }

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
