//! The standard normal distribution, accurate in both tails.

use core::f64::consts::SQRT_2;

use crate::portfolio::pricing::double_double::Double;

mod inverse;
#[cfg(test)]
mod tests;

pub use inverse::inverse_cdf;

const FRAC_1_SQRT_2PI: f64 = 0.398_942_280_401_432_7;

/// Numerator of [`scaled_tail`], constant term first. With [`TAIL_DENOMINATOR`] it is within 1.1e-17,
/// relatively, of `Phi(-d) exp(d^2 / 2)` for every `d >= 0` (minimax fit of type (10, 11):
/// `reference/fit_kernels.py`). Every coefficient is positive, so neither polynomial cancels.
pub(crate) const TAIL_NUMERATOR: [f64; 11] = [
    600_279.064_037_990_4,
    1_029_947.855_559_759_7,
    873_035.951_192_070_7,
    473_789.033_887_066_8,
    180_829.028_127_700_32,
    50_529.962_757_843_81,
    10_463.215_767_414_104,
    1_588.649_277_115_701_4,
    170.103_340_260_198_42,
    11.701_265_946_984_218,
    0.398_942_280_401_432_7,
];

/// Denominator of [`scaled_tail`], constant term first.
pub(crate) const TAIL_DENOMINATOR: [f64; 12] = [
    1_200_558.128_075_980_8,
    3_017_802.505_857_735_4,
    3_553_650.865_322_157_3,
    2_593_382.239_683_381_3,
    1_306_601.849_206_140_7,
    478_655.774_697_893_07,
    130_583.325_134_107_25,
    26_651.778_328_141_398,
    4_011.483_920_565_14,
    427.385_842_305_375_66,
    29.330_724_071_687_563,
    1.0,
];

fn polynomial(coefficients: &[f64], at: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * at + coefficient)
}

/// `Phi(-d) exp(d^2 / 2)`, the upper tail without its exponential, for `d >= 0`. About `0.4 / d` for large
/// `d`.
pub(crate) fn scaled_tail(distance: f64) -> f64 {
    if distance > 1e20 {
        return FRAC_1_SQRT_2PI / distance;
    }
    polynomial(&TAIL_NUMERATOR, distance) / polynomial(&TAIL_DENOMINATOR, distance)
}

/// `exp(-x^2 / 2)` to full relative precision: the rounding of the square is put back.
pub(crate) fn exp_minus_half_square(x: f64) -> f64 {
    let square = x * x;
    if square > 1500.0 {
        return 0.0;
    }
    let rounding = Double::product(x, x).low;
    libm::exp(-0.5 * square) * (1.0 - 0.5 * rounding)
}

/// The density `exp(-x^2 / 2) / sqrt(2 pi)`.
pub fn pdf(x: f64) -> f64 {
    FRAC_1_SQRT_2PI * exp_minus_half_square(x)
}

/// The probability that a standard normal variable is at most `x`, to about 1e-15 relatively, in the lower
/// tail too.
///
/// Uses the scaled tail rather than `erfc(-x / sqrt(2)) / 2`, whose argument's rounding alone costs 1e-13 at
/// `x = -38`.
pub fn cdf(x: f64) -> f64 {
    if x <= 0.0 {
        exp_minus_half_square(x) * scaled_tail(-x)
    } else if x.is_nan() {
        x
    } else {
        1.0 - exp_minus_half_square(x) * scaled_tail(x)
    }
}

/// The scaled complementary error function `exp(x^2) erfc(x)`, to about 5e-16 relatively; infinite below
/// -26.7.
pub fn erfcx(x: f64) -> f64 {
    if x >= 0.0 {
        return 2.0 * scaled_tail(x * SQRT_2);
    }
    let square = x * x;
    let growth = libm::exp(square);
    // The product's rounding is NaN once it has overflowed.
    let growth = if growth.is_infinite() { growth } else { growth * (1.0 + Double::product(x, x).low) };
    2.0 * growth - 2.0 * scaled_tail(-x * SQRT_2)
}
