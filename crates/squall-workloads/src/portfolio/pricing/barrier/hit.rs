//! When the underlying first touches the barrier: the value of one unit of cash paid at that moment.

use super::{Direction, Market};
use crate::portfolio::pricing::double_double::{Double, log_ratio};
use crate::portfolio::pricing::faddeeva::voigt;
use crate::portfolio::pricing::normal::{cdf, exp_minus_half_square, scaled_tail};

/// How the logarithm of the underlying moves towards the barrier.
struct Approach {
    /// `|ln(level / spot)|`.
    distance: Double,
    /// Drift towards the barrier, per year.
    drift: Double,
}

impl Approach {
    #[inline(always)]
    fn new(direction: Direction, level: f64, market: Market) -> Self {
        let distance = log_ratio(level, market.spot);
        let variance = Double::product(market.vol, market.vol);
        let drift = Double::sum(market.rate, -market.dividend_yield) - variance * Double::new(0.5);
        match direction {
            Direction::Down => Approach { distance: -distance, drift: -drift },
            Direction::Up => Approach { distance, drift },
        }
    }
}

/// The years until a path without noise touches the barrier, if it does by expiry. The vol must be so small
/// that it vanishes next to the drift, or zero.
pub(super) fn deterministic_years(direction: Direction, level: f64, market: Market) -> Option<f64> {
    let Approach { distance, drift } = Approach::new(direction, level, market);
    let reach = drift * Double::new(market.years);
    let left = (reach - distance).value();
    (reach.value() > 0.0 && left >= 0.0).then(|| (distance.value() / drift.value()).min(market.years))
}

/// The present value of one unit of cash paid at the moment the barrier is first touched, if that is by
/// expiry.
///
/// With `l` the log distance, `w` the drift towards the barrier and `s = sqrt(w^2 + 2 rate vol^2)` this is
/// block F of Reiner and Rubinstein, `exp(l (w - s) / vol^2) Phi((s T - l) / v) + exp(l (w + s) / vol^2)
/// Phi((-s T - l) / v)`, `v = vol sqrt(T)`. Both terms share the factor `exp(-rate T - ((l - w T) / v)^2 /
/// 2)`. A negative rate can make `s` imaginary; the terms are then complex conjugates, and their sum is that
/// factor times the real part of a Faddeeva function.
#[inline(always)]
pub(super) fn discounted_chance(direction: Direction, level: f64, market: Market) -> f64 {
    let Approach { distance, drift } = Approach::new(direction, level, market);
    let Market { years, rate, vol, .. } = market;
    let total_vol = vol * years.sqrt();
    let variance = vol * vol;
    let slope = drift.value();
    let log_distance = distance.value();
    let lead = (distance - drift * Double::new(years)).value() / total_vol;
    let factor = libm::exp(-rate * years) * exp_minus_half_square(lead);
    let discriminant = slope * slope + 2.0 * rate * variance;
    if discriminant < 0.0 {
        let real = (-discriminant * 0.5 * years).sqrt() / vol;
        let imaginary = log_distance / total_vol * core::f64::consts::FRAC_1_SQRT_2;
        return factor * voigt(real, imaginary);
    }
    let root = discriminant.sqrt();
    // root - |slope| without cancellation.
    let excess = if slope.abs() + root == 0.0 { 0.0 } else { 2.0 * rate * variance / (slope.abs() + root) };
    let magnitude = if slope < 0.0 { -drift } else { drift };
    let travelled = (magnitude + Double::new(excess)) * Double::new(years);
    let near = (travelled - distance).value() / total_vol;
    let far = (travelled + distance).value() / total_vol;
    let first = if near > 0.0 {
        let exponent = if slope > 0.0 { -excess / variance } else { (slope - root) / variance };
        libm::exp(exponent * log_distance) * cdf(near)
    } else {
        factor * scaled_tail(-near)
    };
    first + factor * scaled_tail(far)
}
