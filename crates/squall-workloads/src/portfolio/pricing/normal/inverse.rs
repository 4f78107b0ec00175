//! The quantile function of the standard normal distribution.

use super::{cdf, pdf};

// Coefficients of PPND16, constant term first.
const CENTRE_NUMERATOR: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const CENTRE_DENOMINATOR: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_854,
];
const TAIL_NUMERATOR: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    7.745_450_142_783_414e-4,
];
const TAIL_DENOMINATOR: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const FAR_NUMERATOR: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    0.001_242_660_947_388_078_4,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_DENOMINATOR: [f64; 8] = [
    1.0,
    0.599_832_206_555_888,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

fn ratio(numerator: &[f64; 8], denominator: &[f64; 8], at: f64) -> f64 {
    super::polynomial(numerator, at) / super::polynomial(denominator, at)
}

/// The `x` whose [`cdf`] is `probability`: minus infinity at 0, infinity at 1, NaN outside.
///
/// Relative accuracy about 1e-15. Source: M. J. Wichura, "Algorithm AS 241: the percentage points of the
/// normal distribution", Applied Statistics 37 (1988), PPND16, then one Newton step in the tails.
pub fn inverse_cdf(probability: f64) -> f64 {
    if probability.is_nan() || !(0.0..=1.0).contains(&probability) {
        return f64::NAN;
    }
    let centred = probability - 0.5;
    if centred.abs() <= 0.425 {
        return centred * ratio(&CENTRE_NUMERATOR, &CENTRE_DENOMINATOR, 0.180625 - centred * centred);
    }
    // 1 - p is exact here for p above one half.
    let tail = if centred < 0.0 { probability } else { 1.0 - probability };
    if tail == 0.0 {
        return if centred < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let depth = libm::sqrt(-libm::log(tail));
    let rough = if depth <= 5.0 {
        ratio(&TAIL_NUMERATOR, &TAIL_DENOMINATOR, depth - 1.6)
    } else {
        ratio(&FAR_NUMERATOR, &FAR_DENOMINATOR, depth - 5.0)
    };
    let density = pdf(rough);
    // Below the smallest normal number the density carries no digits to correct with.
    let refined = if density > f64::MIN_POSITIVE { rough + (cdf(-rough) - tail) / density } else { rough };
    if centred < 0.0 { -refined } else { refined }
}
