//! The vector loop's body: branch-free, and made of IEEE operations in a fixed order, so that every
//! instruction set gives the same bits. No operation here may be reordered, and none may call a library.

use crate::portfolio::pricing::OptionType;
use crate::portfolio::pricing::normal::{TAIL_DENOMINATOR, TAIL_NUMERATOR};

/// `(exp(r) - 1 - r) / r^2` for `|r| <= ln(2) / 2`, constant term first; the exponential is within 1.3e-17.
const EXP: [f64; 10] = [
    0.500_000_000_000_000_1,
    0.166_666_666_666_666_69,
    0.041_666_666_666_624_13,
    0.008_333_333_333_330_062,
    0.001_388_888_891_721_371_7,
    0.000_198_412_698_630_536_18,
    2.480_152_129_595_437_6e-5,
    2.755_726_845_999_706_4e-6,
    2.762_008_844_540_974_6e-7,
    2.510_038_549_551_032e-8,
];

/// `(2 artanh(s) / s - 2) / s^2` in powers of `s^2`, for `|s| <= 0.1717`; the logarithm is within 5e-18.
const LOG: [f64; 7] = [
    0.666_666_666_666_667,
    0.399_999_999_998_988_9,
    0.285_714_286_262_538_36,
    0.222_222_110_893_794_96,
    0.181_828_924_325_368_7,
    0.153_316_117_220_550_08,
    0.146_178_071_534_173_25,
];

const LOG2_E: f64 = core::f64::consts::LOG2_E;
/// The leading 32 bits of `ln 2`: its product with an exponent is exact.
const LN_2_HIGH: f64 = 0.693_147_180_485_539_1;
const LN_2_LOW: f64 = 7.440_617_110_012_397e-11;
/// Adding it leaves the nearest integer in the low bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;
const TWO_52: f64 = 4_503_599_627_370_496.0;
const MANTISSA_BITS: u32 = 52;
const ONE_BITS: u64 = 1.0_f64.to_bits();
/// The bits of `sqrt(1/2)`: where the logarithm's argument steps to the next power of two.
const FOLD_BITS: u64 = core::f64::consts::FRAC_1_SQRT_2.to_bits();

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
        // An expired contract is left to `rare.rs` by way of a NaN.
        let root_years = if years > 0.0 { years.sqrt() } else { f64::NAN };
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
        let cash = self.strike * exp(discount);
        let asset = spot * exp(decay);

        let above = moneyness > 0.0;
        let lesser = if above { cash } else { asset };
        let distance = moneyness.abs() / total_vol;
        let half_vol = 0.5 * total_vol;
        let near = half_vol - distance;
        let straddles = near > 0.0;
        let sign = if straddles { -1.0 } else { 1.0 };
        let factor = lesser * exp(-0.5 * near * near);
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

/// `exp(x)`, within 1 ulp; saturates at `exp(-708)` and `exp(709)`.
#[inline(always)]
fn exp(x: f64) -> f64 {
    let x = if x > -708.0 { x } else { -708.0 };
    let x = if x < 709.0 { x } else { 709.0 };
    let shifted = x.mul_add(LOG2_E, ROUND);
    let exponent = shifted - ROUND;
    let rest = exponent.mul_add(-LN_2_LOW, exponent.mul_add(-LN_2_HIGH, x));
    let square = rest * rest;
    let fourth = square * square;
    let low = rest.mul_add(EXP[1], EXP[0]);
    let low = square.mul_add(rest.mul_add(EXP[3], EXP[2]), low);
    let high = rest.mul_add(EXP[5], EXP[4]);
    let high = square.mul_add(rest.mul_add(EXP[7], EXP[6]), high);
    let high = fourth.mul_add(rest.mul_add(EXP[9], EXP[8]), high);
    let series = fourth.mul_add(high, low);
    let mantissa = 1.0 + square.mul_add(series, rest);
    let scale = f64::from_bits((shifted.to_bits() << MANTISSA_BITS).wrapping_add(ONE_BITS));
    mantissa * scale
}

/// `ln(numerator / denominator)`, relatively accurate where the two are close; `inverse` is `1 /
/// denominator`.
///
/// Beyond +-600 or meaningless when an argument is zero, negative, subnormal or not finite.
#[inline(always)]
fn log_ratio(numerator: f64, denominator: f64, inverse: f64) -> f64 {
    // The power of two that brings the numerator within sqrt(2) of the denominator: their difference is then
    // exact.
    let biased = (numerator * inverse).to_bits().wrapping_add(ONE_BITS - FOLD_BITS) >> MANTISSA_BITS;
    let scale = f64::from_bits(2046_u64.wrapping_sub(biased) << MANTISSA_BITS);
    let exponent = f64::from_bits(biased | TWO_52.to_bits()) - (TWO_52 + 1023.0);
    let scaled = numerator * scale;
    let step = (scaled - denominator) / (scaled + denominator);
    let square = step * step;
    let fourth = square * square;
    let low = square.mul_add(LOG[1], LOG[0]);
    let middle = square.mul_add(LOG[3], LOG[2]);
    let high = fourth.mul_add(LOG[6], square.mul_add(LOG[5], LOG[4]));
    let series = fourth.mul_add(fourth.mul_add(high, middle), low);
    let rest = (step * square).mul_add(series, exponent * LN_2_LOW);
    exponent.mul_add(LN_2_HIGH, step.mul_add(2.0, rest))
}

/// `sign R(near) - R(far)`, `R` the scaled upper tail, with a single division; `near` and `far` are not
/// negative.
#[inline(always)]
fn tail_spread(near: f64, far: f64, sign: f64) -> f64 {
    let (near_top, near_bottom) = (horner(&TAIL_NUMERATOR, near), horner(&TAIL_DENOMINATOR, near));
    let (far_top, far_bottom) = (horner(&TAIL_NUMERATOR, far), horner(&TAIL_DENOMINATOR, far));
    (sign * near_top).mul_add(far_bottom, -(far_top * near_bottom)) / (near_bottom * far_bottom)
}

#[inline(always)]
fn horner<const N: usize>(coefficients: &[f64; N], at: f64) -> f64 {
    let mut sum = coefficients[N - 1];
    let mut index = N - 1;
    while index > 0 {
        index -= 1;
        sum = sum.mul_add(at, coefficients[index]);
    }
    sum
}
