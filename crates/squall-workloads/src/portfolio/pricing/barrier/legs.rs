//! The building blocks A, B, C, D and E of Reiner and Rubinstein.
//!
//! A and B are vanilla-like: discounted spot and strike times the chance of ending beyond the strike (A) or
//! the barrier (B). C and D are their images, reflected at the barrier: `(H / S)^(2 mu + 2) Phi(y)` for the
//! spot and `(H / S)^(2 mu) Phi(y)` for the cash. For a small volatility the power overflows where the tail
//! underflows, so they are multiplied on paper: with `k = ln(S / K)`, `l = ln(H / S)`, `v = vol sqrt(T)`,
//! `x = k / v + c` and `y = x + 2 l / v`,
//! `(H / S)^(2 c / v) exp(-y^2 / 2) = exp(-x^2 / 2 - 2 l (l + k) / v^2)`.

use super::{Barrier, Direction, Market};
use crate::portfolio::pricing::double_double::{Double, log_ratio};
use crate::portfolio::pricing::forward::discounted;
use crate::portfolio::pricing::normal::{cdf, scaled_tail};

pub(super) struct Legs {
    vanilla: f64,
    /// `1` for a call, `-1` for a put.
    option_sign: f64,
    /// `1` for a down barrier, `-1` for an up barrier.
    side: f64,
    asset: f64,
    strike_cash: f64,
    discount: f64,
    total_vol: f64,
    variance: f64,
    /// `ln(spot / strike)`.
    to_strike: Double,
    /// `ln(level / spot)`.
    to_barrier: Double,
    /// Expected growth of the log of the underlying until expiry, counted in the underlying and in cash.
    asset_drift: Double,
    cash_drift: Double,
}

impl Legs {
    /// `vanilla` is the price of the same option without a barrier.
    #[inline(always)]
    pub(super) fn new(contract: &Barrier, market: Market, vanilla: f64) -> Self {
        let Barrier { direction, option_type, strike, level, .. } = *contract;
        let Market { spot, years, rate, dividend_yield, vol } = market;
        let carry = Double::sum(rate, -dividend_yield) * Double::new(years);
        let half_variance = Double::product(vol, vol) * Double::new(0.5 * years);
        // A strike of zero is as good as one that is never missed.
        let to_strike = log_ratio(spot, strike.max(f64::MIN_POSITIVE));
        Legs {
            vanilla,
            option_sign: option_type.sign(),
            side: if direction == Direction::Down { 1.0 } else { -1.0 },
            asset: discounted(spot, dividend_yield, years),
            strike_cash: discounted(strike, rate, years),
            discount: discounted(1.0, rate, years),
            total_vol: vol * years.sqrt(),
            variance: 2.0 * half_variance.value(),
            to_strike,
            to_barrier: log_ratio(level, spot),
            asset_drift: carry + half_variance,
            cash_drift: carry - half_variance,
        }
    }

    /// A: the vanilla option.
    #[inline(always)]
    pub(super) fn vanilla(&self) -> f64 {
        self.vanilla
    }

    /// B: paid only beyond the barrier.
    #[inline(always)]
    pub(super) fn vanilla_at_barrier(&self) -> f64 {
        let chance =
            |drift: Double| cdf(self.option_sign * (drift - self.to_barrier).value() / self.total_vol);
        self.option_sign
            * (self.asset * chance(self.asset_drift) - self.strike_cash * chance(self.cash_drift))
    }

    /// C: the image of A.
    #[inline(always)]
    pub(super) fn image(&self) -> f64 {
        self.reflected(self.to_strike)
    }

    /// D: the image of B.
    #[inline(always)]
    pub(super) fn image_at_barrier(&self) -> f64 {
        self.reflected(-self.to_barrier)
    }

    /// E for a rebate of one: the discounted chance of never touching the barrier.
    #[inline(always)]
    pub(super) fn survival(&self) -> f64 {
        let log = -self.to_barrier;
        let direct = cdf(self.side * (log + self.cash_drift).value() / self.total_vol);
        self.discount * (direct - self.image_chance(log, self.cash_drift)).max(0.0)
    }

    #[inline(always)]
    fn reflected(&self, log: Double) -> f64 {
        let asset_chance = self.image_chance(log, self.asset_drift);
        let cash_chance = self.image_chance(log, self.cash_drift);
        self.option_sign * (self.asset * asset_chance - self.strike_cash * cash_chance)
    }

    /// `(H / S)^(2 drift / v^2) Phi(side y)`, `y = (log + 2 ln(H / S) + drift) / v`.
    #[inline(always)]
    fn image_chance(&self, log: Double, drift: Double) -> f64 {
        let twice = self.to_barrier * Double::new(2.0);
        let distance = self.side * (log + twice + drift).value() / self.total_vol;
        if distance > 0.0 {
            return libm::exp((twice * drift).value() / self.variance) * cdf(distance);
        }
        let unreflected = (log + drift).value() / self.total_vol;
        let mirrored =
            (self.to_barrier.value() / self.total_vol) * ((self.to_barrier + log).value() / self.total_vol);
        libm::exp(-0.5 * unreflected * unreflected - 2.0 * mirrored) * scaled_tail(-distance)
    }
}
