//! Numbers of about 106 bits, as an unevaluated sum of two `f64`.
//!
//! Used where a small difference of large terms is then divided by a tiny volatility: the logarithm of the
//! forward over the strike. The error-free sums and products are Knuth's and Dekker's (T. J. Dekker, "A
//! floating-point technique for extending the available precision", Numerische Mathematik 18, 1971).

use core::ops::{Add, Div, Mul, Neg, Sub};

#[cfg(test)]
mod tests;

/// `high + low`, with `|low|` at most half a unit in the last place of `high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Double {
    pub(crate) high: f64,
    pub(crate) low: f64,
}

const LN_2: Double = Double { high: core::f64::consts::LN_2, low: 2.319_046_813_846_299_6e-17 };

/// `1 / 11, 1 / 9, ... 1 / 3`: the artanh series's coefficients that need both halves.
const RECIPROCALS: [Double; 5] = [
    Double { high: 0.09090909090909091, low: -2.523234146875356e-18 },
    Double { high: 0.1111111111111111, low: 6.1679056923619804e-18 },
    Double { high: 0.14285714285714285, low: 7.93016446160826e-18 },
    Double { high: 0.2, low: -1.1102230246251566e-17 },
    Double { high: 0.3333333333333333, low: 1.850371707708594e-17 },
];

/// `1 / 39, 1 / 37, ... 1 / 13`: the later ones.
const LATER_RECIPROCALS: [f64; 14] = {
    let mut reciprocals = [0.0; 14];
    let (mut index, mut odd) = (0, 39.0);
    while index < reciprocals.len() {
        reciprocals[index] = 1.0 / odd;
        index += 1;
        odd -= 2.0;
    }
    reciprocals
};

impl Double {
    #[inline(always)]
    pub(crate) fn new(value: f64) -> Self {
        Double { high: value, low: 0.0 }
    }

    /// The exact sum of two numbers.
    #[inline(always)]
    pub(crate) fn sum(left: f64, right: f64) -> Self {
        let high = left + right;
        let shadow = high - left;
        Double { high, low: (left - (high - shadow)) + (right - shadow) }
    }

    /// The exact product of two numbers, barring underflow.
    ///
    /// By a fused multiply-add: a slow library call, with the same bits, where the compiler may not assume the
    /// instruction.
    #[inline(always)]
    pub(crate) fn product(left: f64, right: f64) -> Self {
        let high = left * right;
        Double { high, low: left.mul_add(right, -high) }
    }

    /// The nearest `f64`.
    #[inline(always)]
    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }

    #[inline(always)]
    fn renormalized(high: f64, low: f64) -> Self {
        let sum = high + low;
        Double { high: sum, low: low - (sum - high) }
    }
}

impl Add for Double {
    type Output = Double;
    #[inline(always)]
    fn add(self, other: Double) -> Double {
        let high = Double::sum(self.high, other.high);
        let low = Double::sum(self.low, other.low);
        let first = Double::renormalized(high.high, high.low + low.high);
        Double::renormalized(first.high, first.low + low.low)
    }
}

impl Neg for Double {
    type Output = Double;
    #[inline(always)]
    fn neg(self) -> Double {
        Double { high: -self.high, low: -self.low }
    }
}

impl Sub for Double {
    type Output = Double;
    #[inline(always)]
    fn sub(self, other: Double) -> Double {
        self + -other
    }
}

impl Mul for Double {
    type Output = Double;
    #[inline(always)]
    fn mul(self, other: Double) -> Double {
        let product = Double::product(self.high, other.high);
        Double::renormalized(product.high, product.low + (self.high * other.low + self.low * other.high))
    }
}

impl Div for Double {
    type Output = Double;
    #[inline(always)]
    fn div(self, other: Double) -> Double {
        let first = self.high / other.high;
        let rest = self - other * Double::new(first);
        let second = rest.high / other.high;
        let last = rest - other * Double::new(second);
        Double::renormalized(first, second) + Double::new(last.high / other.high)
    }
}

/// The natural logarithm of `numerator / denominator`, to about 25 digits relative to the larger of it and
/// `ln 2`, and relative to itself when the two are within a factor of 1.4 of each other. Both must be
/// positive and finite.
#[inline(always)]
pub(crate) fn log_ratio(numerator: f64, denominator: f64) -> Double {
    let (top, top_exponent) = libm::frexp(numerator);
    let (mut bottom, bottom_exponent) = libm::frexp(denominator);
    let mut exponent = top_exponent - bottom_exponent;
    // Both lie in [1/2, 1): bring their ratio into [1/sqrt(2), sqrt(2)].
    if top > bottom * core::f64::consts::SQRT_2 {
        bottom *= 2.0;
        exponent += 1;
    } else if bottom > top * core::f64::consts::SQRT_2 {
        bottom *= 0.5;
        exponent -= 1;
    }
    // ln(top / bottom) = 2 artanh(step), |step| <= 0.1716: 20 terms reach 1e-32.
    let step = Double::sum(top, -bottom) / Double::sum(top, bottom);
    let square = step * step;
    // Of the terms from step^12 / 13 on, below 1e-9, sixteen digits are enough.
    let tail = LATER_RECIPROCALS.iter().fold(0.0, |sum, reciprocal| sum * square.high + reciprocal);
    let head = RECIPROCALS.iter().fold(Double::new(tail), |sum, reciprocal| sum * square + *reciprocal);
    let series = head * square + Double::new(1.0);
    Double::new(f64::from(exponent)) * LN_2 + step * series * Double::new(2.0)
}
