//! The vector loop's body: branch-free, and made of IEEE operations in a fixed order, so that every
//! instruction set gives the same bits. No operation here may be reordered, and none may call a library.

use crate::portfolio::pricing::OptionType;
use crate::portfolio::pricing::elementary::{log_ratio, polynomial, saturating_exp};
use crate::portfolio::pricing::normal::{TAIL_DENOMINATOR, TAIL_NUMERATOR};

/// Below this ratio of the total volatility to `1 + |ln(forward / strike)| / total volatility` the two halves
/// of the formula cancel to fewer than about 12 digits, and `rare.rs` takes over.
pub(super) const LEAST_SPREAD: f64 = 4e-4;
/// So far out (in standard deviations) that the time value is below 1e-340.
pub(super) const FARTHEST: f64 = 40.0;
/// Least `|ln(forward / strike)|` at which discounted spot minus discounted strike keeps 12 digits.
const LEAST_LOG: f64 = 1e-2;
/// Largest exponent the kernel takes.
const LARGEST_LOG: f64 = 600.0;

/// What does not change between the scenarios of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contract {
    sign: f64,
    strike: f64,
    inverse_strike: f64,
    years: f64,
    root_years: f64,
}

impl Contract {
    pub(super) fn new(option_type: OptionType, strike: f64, years: f64) -> Self {
        // An expired or invalid contract is left to `rare.rs` by way of a NaN.
        let root_years = if years > 0.0 && strike > 0.0 { years.sqrt() } else { f64::NAN };
        Contract { sign: option_type.sign(), strike, inverse_strike: 1.0 / strike, years, root_years }
    }

    /// The price in one scenario, or NaN where this formula cannot meet its accuracy.
    ///
    /// With `a >= b` the discounted spot and strike, the out-of-the-money value is `b Phi(t - h) - a Phi(-t -
    /// h)`, `h = |ln(a / b)| / v`, `t = v / 2`, `v = vol sqrt(years)`; both terms share the factor `b exp(-(t
    /// - h)^2 / 2)`.
    #[inline(always)]
    pub(super) fn price(&self, spot: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
        let total_vol = vol * self.root_years;
        let carry = (rate - dividend_yield) * self.years;
        let discount = -rate * self.years;
        let decay = -dividend_yield * self.years;
        let moneyness = log_ratio(spot, self.strike, self.inverse_strike) + carry;
        let cash = self.strike * saturating_exp(discount);
        let asset = spot * saturating_exp(decay);

        let above = moneyness > 0.0;
        let lesser = if above { cash } else { asset };
        let distance = moneyness.abs() / total_vol;
        let half_vol = 0.5 * total_vol;
        let near = half_vol - distance;
        let straddles = near > 0.0;
        let sign = if straddles { -1.0 } else { 1.0 };
        let factor = lesser * saturating_exp(-0.5 * near * near);
        let time_value = factor.mul_add(
            tail_spread(near.abs(), distance + half_vol, sign),
            if straddles { lesser } else { 0.0 },
        );
        // Far out the two tails are equal up to rounding. (A NaN must stay one.)
        let time_value = if time_value < 0.0 { 0.0 } else { time_value };
        let gain = self.sign * (asset - cash);
        let intrinsic = if (self.sign > 0.0) == above { gain } else { 0.0 };

        let spread_enough = total_vol > LEAST_SPREAD.mul_add(distance, LEAST_SPREAD);
        let only_intrinsic = (distance > FARTHEST) & (moneyness.abs() > LEAST_LOG) & (total_vol > 0.0);
        let in_range =
            (moneyness.abs() < LARGEST_LOG) & (discount.abs() < LARGEST_LOG) & (decay.abs() < LARGEST_LOG);
        if (spread_enough | only_intrinsic) & in_range { time_value + intrinsic } else { f64::NAN }
    }
}

/// `sign R(near) - R(far)`, `R` the scaled upper tail, with a single division; `near` and `far` are not
/// negative.
#[inline(always)]
fn tail_spread(near: f64, far: f64, sign: f64) -> f64 {
    let (near_top, near_bottom) = (polynomial(&TAIL_NUMERATOR, near), polynomial(&TAIL_DENOMINATOR, near));
    let (far_top, far_bottom) = (polynomial(&TAIL_NUMERATOR, far), polynomial(&TAIL_DENOMINATOR, far));
    (sign * near_top).mul_add(far_bottom, -(far_top * near_bottom)) / (near_bottom * far_bottom)
}
