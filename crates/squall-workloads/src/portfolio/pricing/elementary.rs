//! Elementary functions that give the same bits on every machine and vectorise.
//!
//! Each is straight-line code over `f64` (selects, no branches, no tables), so that a plain loop over it compiles to
//! SIMD under `pulp`'s dispatch. Every fused multiply-add is written out and nothing is left for the compiler to
//! reassociate, so AVX-512, AVX2, NEON and scalar code agree to the last bit. The polynomials are Chebyshev
//! interpolants computed in 60 digits by `reference/coefficients.py`.

/// e^x on |x| <= ln(2) / 2, in x.
/// Greatest relative error of the rounded polynomial: 1.6e-17.
const EXP: [f64; 12] = [
    1.0,
    1.0,
    0.5000000000000019,
    0.1666666666666668,
    0.04166666666648795,
    0.008333333333319589,
    0.0013888888952352863,
    0.00019841269890076403,
    2.4801485441561313e-05,
    2.755724088722987e-06,
    2.763265472252779e-07,
    2.5110049204818658e-08,
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
/// (1 + 2x) e^(x^2 / 2) (1 - Phi(x)) for x >= 0, in (x - 4) / (x + 4): the even powers.
/// Greatest relative error of the rounded polynomial: 1.4e-16.
const MILLS_EVEN: [f64; 12] = [
    0.8496957717177204,
    -0.0963799858904048,
    -0.09526047896283983,
    -0.01051231925112163,
    0.0015769784269257868,
    -0.00020435445949734782,
    3.1556557187715225e-05,
    -5.88603132832172e-06,
    1.1969456056326954e-06,
    -2.309631441691654e-07,
    3.5358603443060325e-08,
    -3.0462742293044884e-09,
];
/// The odd powers of the same polynomial.
const MILLS_ODD: [f64; 12] = [
    -0.02300923310459612,
    0.1289081354448403,
    0.04436429044118337,
    -0.0012100600412680905,
    -0.00014330567848452205,
    3.786890169889868e-05,
    -6.036192873062511e-06,
    6.054666141347997e-07,
    5.253904794892363e-08,
    -4.93070604397291e-08,
    1.3575482766598702e-08,
    -1.6431525639989467e-09,
];

/// 1.5 * 2^52: adding it leaves the nearest integer in the low bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; the first has 32 bits, so its product with an exponent is exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// 1 / sqrt(2 pi).
const INV_SQRT_2_PI: f64 = 0.398_942_280_401_432_7;
/// Bits of 1.0.
const ONE_BITS: u64 = 0x3ff0_0000_0000_0000;
/// Bits of 1.0 less those of 1 / sqrt(2): moves the cut between two exponents from 1 to 1 / sqrt(2).
const CENTRE_BITS: u64 = ONE_BITS - 0x3fe6_a09e_667f_3bcd;

/// Polynomial with the lowest coefficient first. Beyond some 12 coefficients the loop is no longer unrolled, and the
/// caller's loop no longer vectorises.
#[inline(always)]
fn polynomial<const N: usize>(coefficients: &[f64; N], point: f64) -> f64 {
    let mut value = 0.0;
    for &coefficient in coefficients.iter().rev() {
        value = f64::mul_add(value, point, coefficient);
    }
    value
}

/// e^x within 1 ulp. Zero below -708 (no subnormals), infinite above 709.
#[inline(always)]
#[must_use]
pub fn exp(exponent: f64) -> f64 {
    let low = if exponent < -708.0 { -708.0 } else { exponent };
    let bounded = if low > 709.0 { 709.0 } else { low };
    let shifted = f64::mul_add(bounded, core::f64::consts::LOG2_E, ROUND);
    let n_halvings = shifted - ROUND;
    let high = f64::mul_add(-n_halvings, LN_2_HIGH, bounded);
    let remainder = f64::mul_add(-n_halvings, LN_2_LOW, high);
    let scale = f64::from_bits((shifted.to_bits() << 52).wrapping_add(ONE_BITS));
    let value = polynomial(&EXP, remainder) * scale;
    let value = if exponent < -708.0 { 0.0 } else { value };
    if exponent > 709.0 { f64::INFINITY } else { value }
}

/// ln x within 1 ulp for a normal positive finite `x`; meaningless otherwise.
#[inline(always)]
#[must_use]
pub fn ln(positive: f64) -> f64 {
    let bits = positive.to_bits();
    let biased = bits.wrapping_add(CENTRE_BITS) >> 52;
    let mantissa = f64::from_bits(bits.wrapping_sub(biased << 52).wrapping_add(ONE_BITS));
    // 2^52 + biased, read as a float: there is no vector conversion of 64-bit integers before AVX-512.
    let exponent = f64::from_bits(0x4330_0000_0000_0000 | biased) - (4_503_599_627_370_496.0 + 1023.0);
    let excess = mantissa - 1.0;
    let ratio = excess / (mantissa + 1.0);
    let square = ratio * ratio;
    let tail = square * polynomial(&LN_TAIL, square);
    // 2 ratio = excess - excess * ratio, which keeps the leading term exact.
    let correction = f64::mul_add(ratio, tail, f64::mul_add(-excess, ratio, exponent * LN_2_LOW));
    f64::mul_add(exponent, LN_2_HIGH, excess + correction)
}

/// Sine and cosine of 2 pi `turns`, within 2 ulp of 1, for |turns| <= 2^20.
#[inline(always)]
#[must_use]
pub fn sin_cos_turns(turns: f64) -> (f64, f64) {
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

/// Standard normal distribution function and density, each within 1e-15 relative (left tail included, down to -37).
#[inline(always)]
#[must_use]
pub fn normal_cdf_pdf(deviate: f64) -> (f64, f64) {
    let magnitude = deviate.abs();
    let magnitude = if magnitude > 40.0 { 40.0 } else { magnitude };
    let square = magnitude * magnitude;
    let rounding = f64::mul_add(magnitude, magnitude, -square);
    let bell = exp(-0.5 * square);
    let bell = f64::mul_add(bell, -0.5 * rounding, bell);
    let place = (magnitude - 4.0) / (magnitude + 4.0);
    let square = place * place;
    let mills = f64::mul_add(polynomial(&MILLS_ODD, square), place, polynomial(&MILLS_EVEN, square));
    let tail = bell * mills / f64::mul_add(2.0, magnitude, 1.0);
    let cdf = if deviate > 0.0 { 1.0 - tail } else { tail };
    (cdf, bell * INV_SQRT_2_PI)
}

#[cfg(test)]
mod tests;
