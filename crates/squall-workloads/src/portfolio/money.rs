//! Money as whole millionths of the report currency, so that sums are exact in any order.

use std::fmt;

use serde::{Serialize, Serializer};

/// Millionths in one unit of currency.
pub const MICROS_PER_UNIT: i128 = 1_000_000;
/// Largest value of one position in one column, in units of the report currency. Ten million positions of it, times
/// the denominators of the risk estimators, still fit in 128 bits.
pub const MAX_UNITS: f64 = 1e15;

/// An amount in millionths of the report currency.
///
/// `Display` and `Serialize` write all six decimals from the integer, never through a float: `-12.340000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(pub i128);

/// A value in units of the report currency as millionths, ties to even; `None` if it is not finite or beyond 1e15.
pub fn micros(value: f64) -> Option<i128> {
    if value.abs() <= MAX_UNITS {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and at most 1e21 in size")]
        let whole = (value * 1e6).round_ties_even() as i128;
        Some(whole)
    } else {
        None
    }
}

/// `numerator / denominator` rounded to the nearest integer, ties to even. A denominator that is not positive gives 0.
pub fn divide_rounded(numerator: i128, denominator: i128) -> i128 {
    if denominator <= 0 {
        return 0;
    }
    let floor = numerator.div_euclid(denominator);
    let remainder = numerator.rem_euclid(denominator);
    let up = match remainder.cmp(&(denominator - remainder)) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => floor & 1 == 1,
        std::cmp::Ordering::Greater => true,
    };
    floor + i128::from(up)
}

impl Micros {
    /// The amount rounded to `decimals` (at most 6) after division by `divisor`, with thousands separators:
    /// `-1,234,567.89`.
    pub fn grouped(self, divisor: u32, decimals: u8) -> String {
        let decimals = u32::from(decimals.min(6));
        let unit = 10_i128.pow(6 - decimals) * i128::from(divisor.max(1));
        let rounded = divide_rounded(self.0, unit);
        let scale = 10_u128.pow(decimals);
        let sign = if rounded < 0 { "-" } else { "" };
        let whole = separated(rounded.unsigned_abs() / scale);
        if decimals == 0 {
            return format!("{sign}{whole}");
        }
        let fraction = rounded.unsigned_abs() % scale;
        format!("{sign}{whole}.{fraction:0width$}", width = decimals as usize)
    }

    /// The amount with three significant digits and a unit, for a line of progress: `1.23M`, `-456k`, `7.89`.
    pub fn short(self) -> String {
        const UNITS: [(u128, &str); 5] = [
            (1_000_000, ""),
            (1_000_000_000, "k"),
            (1_000_000_000_000, "M"),
            (1_000_000_000_000_000, "B"),
            (1_000_000_000_000_000_000, "T"),
        ];
        let size = self.0.unsigned_abs();
        // 999.5 of a unit would be written as 1000 of it.
        let fitting = UNITS.iter().find(|(unit, _)| size < unit.saturating_mul(1000) - unit / 2);
        let (unit, name) = *fitting.unwrap_or(&UNITS[4]);
        let decimals = [(unit * 10 - unit / 200, 2_u32), (unit * 100 - unit / 20, 1)]
            .iter()
            .find(|(limit, _)| size < *limit)
            .map_or(0, |(_, decimals)| *decimals);
        let scale = 10_u128.pow(decimals);
        let rounded = (size.saturating_mul(scale).saturating_add(unit / 2)) / unit;
        let sign = if self.0 < 0 && rounded > 0 { "-" } else { "" };
        if decimals == 0 {
            return format!("{sign}{rounded}{name}");
        }
        format!("{sign}{}.{:0width$}{name}", rounded / scale, rounded % scale, width = decimals as usize)
    }

    /// The amount in units of currency, rounded to a float: for statistics and shares, never for sums.
    #[expect(clippy::cast_precision_loss, reason = "statistics need 15 digits, not all of them")]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:06}", size / 1_000_000, size % 1_000_000)
    }
}

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A whole number with thousands separators: `1,234,567`.
pub fn separated(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
