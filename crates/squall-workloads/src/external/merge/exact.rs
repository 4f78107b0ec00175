//! Exact sums of doubles and integers: fixed point over all of their range, so that no order, grouping or cut changes a bit.

use num_bigint::{BigInt, BigUint, Sign};
use serde::{Deserialize, Serialize};

use super::number::Number;

/// The last place of a double: 2 to the power of minus this.
const PLACES: u32 = 1_074;

/// The exact sum of up to 2^64 doubles and 128-bit integers, in units of 2^-1074: two's complement, so equal sums are equal limbs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sum(Vec<u64>);

/// The exact sum of their squares, in units of 2^-2148.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Squares(Vec<u64>);

/// Bits of a sum: up to 2^1024, times 2^64 of them, and a sign.
const SUM_LIMBS: usize = (PLACES as usize + 1_024 + 64 + 1).div_ceil(64);
/// Bits of a sum of squares.
const SQUARES_LIMBS: usize = (2 * (PLACES as usize + 1_024) + 64 + 1).div_ceil(64);

impl Sum {
    pub(super) fn zero() -> Self {
        Self(vec![0; SUM_LIMBS])
    }

    pub(super) fn add(&mut self, number: Number) {
        let (magnitude, place, is_negative) = parts(number);
        let low = split(magnitude);
        add_at(&mut self.0, &low, place, is_negative);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        add_all(&mut self.0, &other.0);
    }

    pub(super) fn has_its_size(&self) -> bool {
        self.0.len() == SUM_LIMBS
    }

    /// In units of 2^-1074.
    fn value(&self) -> BigInt {
        signed(&self.0)
    }

    /// The sum, if only integers were added.
    pub(super) fn integer(&self) -> BigInt {
        self.value() >> PLACES
    }

    /// The sum, rounded to the nearest double, ties to even; `None` beyond the largest.
    pub(super) fn rounded(&self) -> Option<f64> {
        rounded(&self.value(), &BigUint::from(1_u32), -i64::from(PLACES))
    }

    /// A `n`th of the sum, rounded.
    pub(super) fn mean(&self, n: u64) -> Option<f64> {
        rounded(&self.value(), &BigUint::from(n), -i64::from(PLACES))
    }
}

impl Squares {
    pub(super) fn zero() -> Self {
        Self(vec![0; SQUARES_LIMBS])
    }

    pub(super) fn add(&mut self, number: Number) {
        let (magnitude, place, _) = parts(number);
        add_at(&mut self.0, &squared(magnitude), 2 * place, false);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        add_all(&mut self.0, &other.0);
    }

    pub(super) fn has_its_size(&self) -> bool {
        self.0.len() == SQUARES_LIMBS
    }

    /// The variance of `n` numbers of this sum, with `n` or `n - 1` in the denominator, rounded.
    pub(super) fn variance(&self, sum: &Sum, n: u64, denominator: u64) -> Option<f64> {
        let total = sum.value();
        let spread = signed(&self.0) * BigInt::from(n) - &total * &total;
        rounded(&spread, &(BigUint::from(n) * BigUint::from(denominator)), -2 * i64::from(PLACES))
    }
}

/// A number as a whole magnitude, the place of its last bit in units of 2^-1074, and its sign.
fn parts(number: Number) -> (u128, usize, bool) {
    match number {
        Number::Integer(number) => (number.unsigned_abs(), PLACES as usize, number < 0),
        Number::Float(number) => {
            let bits = number.to_bits();
            let fraction = bits & ((1 << 52) - 1);
            match usize::try_from((bits >> 52) & 0x7FF).unwrap_or(0) {
                0 => (fraction.into(), 0, number < 0.0),
                exponent => (u128::from(fraction | 1 << 52), exponent - 1, number < 0.0),
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the halves of a number")]
fn split(magnitude: u128) -> [u64; 4] {
    [magnitude as u64, (magnitude >> 64) as u64, 0, 0]
}

/// The square of a number below 2^128.
#[expect(clippy::cast_possible_truncation, reason = "the halves of numbers")]
fn squared(magnitude: u128) -> [u64; 4] {
    let (low, high) = (magnitude & u128::from(u64::MAX), magnitude >> 64);
    let cross = low * high;
    let mut square = [0; 4];
    let mut carry = 0;
    let columns: [[u128; 3]; 4] = [
        [(low * low) & u128::from(u64::MAX), 0, 0],
        [(low * low) >> 64, cross & u128::from(u64::MAX), cross & u128::from(u64::MAX)],
        [cross >> 64, cross >> 64, (high * high) & u128::from(u64::MAX)],
        [(high * high) >> 64, 0, 0],
    ];
    for (limb, column) in square.iter_mut().zip(columns) {
        let total = column.iter().sum::<u128>() + carry;
        *limb = total as u64;
        carry = total >> 64;
    }
    square
}

/// Adds a magnitude, shifted left by `place` bits, or subtracts it.
fn add_at(limbs: &mut [u64], magnitude: &[u64; 4], place: usize, is_negative: bool) {
    let (skip, shift) = (place / 64, place % 64);
    let mut carry = false;
    let mut below = 0;
    for (idx, limb) in limbs.iter_mut().skip(skip).enumerate() {
        let own = magnitude.get(idx).copied().unwrap_or(0);
        let shifted = if shift == 0 { own } else { own << shift | below >> (64 - shift) };
        below = own;
        if idx > magnitude.len() && !carry {
            return;
        }
        (*limb, carry) = if is_negative {
            let (sum, first) = limb.overflowing_sub(shifted);
            let (sum, second) = sum.overflowing_sub(carry.into());
            (sum, first || second)
        } else {
            let (sum, first) = limb.overflowing_add(shifted);
            let (sum, second) = sum.overflowing_add(carry.into());
            (sum, first || second)
        };
    }
}

fn add_all(limbs: &mut [u64], others: &[u64]) {
    let mut carry = false;
    for (limb, other) in limbs.iter_mut().zip(others) {
        let (sum, first) = limb.overflowing_add(*other);
        let (sum, second) = sum.overflowing_add(carry.into());
        (*limb, carry) = (sum, first || second);
    }
}

fn signed(limbs: &[u64]) -> BigInt {
    let bytes: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
    BigInt::from_signed_bytes_le(&bytes)
}

/// `numerator / denominator * 2^exponent`, rounded to the nearest double, ties to even; `None` beyond the largest, and for a denominator of 0.
pub(super) fn rounded(numerator: &BigInt, denominator: &BigUint, exponent: i64) -> Option<f64> {
    /// Bits of a quotient: enough that what is cut off is less than half of the last place.
    const BITS: i64 = 66;
    let (sign, magnitude) = (numerator.sign(), numerator.magnitude());
    if denominator.bits() == 0 {
        return None;
    }
    if sign == Sign::NoSign {
        return Some(0.0);
    }
    let bits = |number: &BigUint| i64::try_from(number.bits()).unwrap_or(i64::MAX);
    let shift = BITS - (bits(magnitude) - bits(denominator));
    let by = usize::try_from(shift.unsigned_abs()).ok()?;
    let (scaled, divisor) = if shift >= 0 {
        (magnitude << by, denominator.clone())
    } else {
        (magnitude.clone(), denominator << by)
    };
    let quotient = &scaled / &divisor;
    let is_exact = &quotient * &divisor == scaled;
    let lowest = exponent - shift;
    // The place of the result's last bit, and how many bits of the quotient are below it.
    let last = (lowest + bits(&quotient) - 53).max(-i64::from(PLACES));
    let below = usize::try_from(last - lowest).ok()?;
    let kept = &quotient >> below;
    let cut = &quotient - (&kept << below);
    let half = BigUint::from(1_u32) << below.checked_sub(1)?;
    let is_odd = kept.bit(0);
    let is_up = cut > half || (cut == half && (!is_exact || is_odd));
    let whole = u64::try_from(kept).ok()? + u64::from(is_up);
    #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
    let value = whole as f64 * power_of_two(last)?;
    let value = if sign == Sign::Minus { -value } else { value };
    value.is_finite().then_some(value)
}

/// Two to a power, if it is a double.
fn power_of_two(exponent: i64) -> Option<f64> {
    let bits = match exponent {
        -1_074..=-1_023 => 1 << (exponent + 1_074),
        -1_022..=1_023 => u64::try_from(exponent + 1_023).ok()? << 52,
        _ => return None,
    };
    Some(f64::from_bits(bits))
}
