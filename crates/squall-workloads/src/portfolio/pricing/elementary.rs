//! Elementary functions that give the same bits on every machine and vectorise.
//!
//! Each is straight-line code over `f64` (selects, no branches, no tables), so that a plain loop over it compiles to
//! SIMD under `pulp`'s dispatch. Every fused multiply-add is written out and nothing is left for the compiler to
//! reassociate, so AVX-512, AVX2, NEON and scalar code agree to the last bit. Unless another script is named, the
//! polynomials are Chebyshev interpolants computed in 60 digits by `reference/coefficients.py`.

use crate::portfolio::pricing::normal::{TAIL_DENOMINATOR, TAIL_NUMERATOR};

/// (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2, in r; the exponential is within 1.3e-17 (`reference/fit_kernels.py`).
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
/// (2 artanh(s) / s - 2) / s^2 in powers of s^2, for |s| <= 0.1717; the logarithm of a ratio is within 5e-18
/// (`reference/fit_kernels.py`).
const LOG_RATIO: [f64; 7] = [
    0.666_666_666_666_667,
    0.399_999_999_998_988_9,
    0.285_714_286_262_538_36,
    0.222_222_110_893_794_96,
    0.181_828_924_325_368_7,
    0.153_316_117_220_550_08,
    0.146_178_071_534_173_25,
];
/// (ln(m) / s - 2) / s^2 with s = (m - 1) / (m + 1), in s^2, for m in [1/sqrt(2), sqrt(2)].
/// Greatest relative error of the rounded polynomial: 2.3e-18.
const LN_TAIL: [f64; 7] = [
    0.6666666666666765,
    0.3999999999929807,
    0.2857142876160948,
    0.22222196953363016,
    0.181836372994809,
    0.1531237773583146,
    0.1481128256774903,
];
/// sin(2 pi t) / t on |t| <= 1/8, in t^2.
/// Greatest relative error of the rounded polynomial: 3.9e-17.
const SIN: [f64; 7] = [
    core::f64::consts::TAU,
    -41.341702240399634,
    81.60524927594797,
    -76.70585970425508,
    42.05868501748958,
    -15.093804042841079,
    3.7808650697534167,
];
/// cos(2 pi t) on |t| <= 1/8, in t^2.
/// Greatest relative error of the rounded polynomial: 2.1e-17.
const COS: [f64; 8] = [
    1.0,
    -19.739208802178716,
    64.93939402266795,
    -85.45681720652263,
    60.24464132885012,
    -26.426250906863718,
    7.903091599093211,
    -1.6968477245567357,
];
/// 1.5 * 2^52: adding it leaves the nearest integer in the low bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; the first has 32 bits, so its product with an exponent is exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// 1 / sqrt(2 pi).
const INV_SQRT_2_PI: f64 = 0.398_942_280_401_432_7;
const TWO_52: f64 = 4_503_599_627_370_496.0;
const MANTISSA_BITS: u32 = 52;
const ONE_BITS: u64 = 1.0_f64.to_bits();
/// Bits of 1.0 less those of 1 / sqrt(2): moves the cut between two exponents from 1 to 1 / sqrt(2).
const CENTRE_BITS: u64 = ONE_BITS - core::f64::consts::FRAC_1_SQRT_2.to_bits();

/// Polynomial with the lowest coefficient first. Beyond some 12 coefficients the loop is no longer unrolled, and the
/// caller's loop no longer vectorises.
#[inline(always)]
pub(super) fn polynomial<const N: usize>(coefficients: &[f64; N], point: f64) -> f64 {
    let mut value = coefficients[N - 1];
    let mut index = N - 1;
    while index > 0 {
        index -= 1;
        value = value.mul_add(point, coefficients[index]);
    }
    value
}

/// e^x = (1 + `excess`) * `scale` for -708 <= x <= 709.
#[inline(always)]
fn split_exp(x: f64) -> (f64, f64) {
    let shifted = x.mul_add(core::f64::consts::LOG2_E, ROUND);
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
    let scale = f64::from_bits((shifted.to_bits() << MANTISSA_BITS).wrapping_add(ONE_BITS));
    (square.mul_add(series, rest), scale)
}

#[inline(always)]
fn bounded(x: f64) -> f64 {
    let x = if x < -708.0 { -708.0 } else { x };
    if x > 709.0 { 709.0 } else { x }
}

/// e^x within 1 ulp; saturates at e^-708 and e^709. NaN stays NaN.
#[inline(always)]
pub(super) fn saturating_exp(x: f64) -> f64 {
    let (excess, scale) = split_exp(bounded(x));
    (1.0 + excess) * scale
}

/// e^x - 1 within 2 ulp, also where x is small; saturates as [`saturating_exp`] does.
#[inline(always)]
pub(super) fn saturating_expm1(x: f64) -> f64 {
    let (excess, scale) = split_exp(bounded(x));
    excess.mul_add(scale, scale - 1.0)
}

/// e^x within 1 ulp. Zero below -708 (no subnormals), infinite above 709.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let value = saturating_exp(x);
    let value = if x < -708.0 { 0.0 } else { value };
    if x > 709.0 { f64::INFINITY } else { value }
}

/// ln x within 1 ulp for a normal positive finite `x`; meaningless otherwise.
#[inline(always)]
pub(super) fn ln(positive: f64) -> f64 {
    let bits = positive.to_bits();
    let biased = bits.wrapping_add(CENTRE_BITS) >> MANTISSA_BITS;
    let mantissa = f64::from_bits(bits.wrapping_sub(biased << MANTISSA_BITS).wrapping_add(ONE_BITS));
    let exponent = unbiased(biased);
    let excess = mantissa - 1.0;
    let ratio = excess / (mantissa + 1.0);
    let square = ratio * ratio;
    let tail = square * polynomial(&LN_TAIL, square);
    // 2 ratio = excess - excess * ratio, which keeps the leading term exact.
    let correction = f64::mul_add(ratio, tail, f64::mul_add(-excess, ratio, exponent * LN_2_LOW));
    f64::mul_add(exponent, LN_2_HIGH, excess + correction)
}

/// 2^52 + biased, read as a float: there is no vector conversion of 64-bit integers before AVX-512.
#[inline(always)]
fn unbiased(biased: u64) -> f64 {
    f64::from_bits(biased | TWO_52.to_bits()) - (TWO_52 + 1023.0)
}

/// `ln(numerator / denominator)`, relatively accurate where the two are close; `inverse` is `1 / denominator`.
///
/// Beyond +-600 or meaningless when an argument is zero, negative, subnormal or not finite.
#[inline(always)]
pub(super) fn log_ratio(numerator: f64, denominator: f64, inverse: f64) -> f64 {
    // The power of two that brings the numerator within sqrt(2) of the denominator: their difference is then exact.
    let biased = (numerator * inverse).to_bits().wrapping_add(CENTRE_BITS) >> MANTISSA_BITS;
    let scale = f64::from_bits(2046_u64.wrapping_sub(biased) << MANTISSA_BITS);
    let exponent = unbiased(biased);
    let scaled = numerator * scale;
    let step = (scaled - denominator) / (scaled + denominator);
    let square = step * step;
    let fourth = square * square;
    let low = square.mul_add(LOG_RATIO[1], LOG_RATIO[0]);
    let middle = square.mul_add(LOG_RATIO[3], LOG_RATIO[2]);
    let high = fourth.mul_add(LOG_RATIO[6], square.mul_add(LOG_RATIO[5], LOG_RATIO[4]));
    let series = fourth.mul_add(fourth.mul_add(high, middle), low);
    let rest = (step * square).mul_add(series, exponent * LN_2_LOW);
    exponent.mul_add(LN_2_HIGH, step.mul_add(2.0, rest))
}

/// Sine and cosine of 2 pi `turns`, within 2 ulp of 1, for |turns| <= 2^20.
#[inline(always)]
pub(super) fn sin_cos_turns(turns: f64) -> (f64, f64) {
    let shifted = f64::mul_add(turns, 4.0, ROUND);
    let quadrant = shifted.to_bits();
    let offset = f64::mul_add(-0.25, shifted - ROUND, turns);
    let square = offset * offset;
    let sine = offset * polynomial(&SIN, square);
    let cosine = polynomial(&COS, square);
    let odd = quadrant & 1 == 1;
    let (sine, cosine) = (if odd { cosine } else { sine }, if odd { sine } else { cosine });
    let sine_sign = (quadrant & 2) << 62;
    let cosine_sign = (quadrant.wrapping_add(1) & 2) << 62;
    (f64::from_bits(sine.to_bits() ^ sine_sign), f64::from_bits(cosine.to_bits() ^ cosine_sign))
}

/// Standard normal distribution function and density, each within 1e-15 relative (left tail included, down to -37;
/// zero below).
#[inline(always)]
pub(super) fn normal_cdf_pdf(deviate: f64) -> (f64, f64) {
    let magnitude = deviate.abs();
    let magnitude = if magnitude > 40.0 { 40.0 } else { magnitude };
    let square = magnitude * magnitude;
    let rounding = f64::mul_add(magnitude, magnitude, -square);
    let bell = exp(-0.5 * square);
    let bell = f64::mul_add(bell, -0.5 * rounding, bell);
    let tail = bell * polynomial(&TAIL_NUMERATOR, magnitude) / polynomial(&TAIL_DENOMINATOR, magnitude);
    let cdf = if deviate > 0.0 { 1.0 - tail } else { tail };
    (cdf, bell * INV_SQRT_2_PI)
}

#[cfg(test)]
mod tests;
