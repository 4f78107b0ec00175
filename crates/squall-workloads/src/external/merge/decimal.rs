//! Exact sums of decimals.

use num_bigint::BigInt;
use serde::{Deserialize, Serialize};
use squall_core::job::brief;

/// Most significant digits of a decimal.
const MAX_DIGITS: usize = 34;
/// Largest power of ten of a decimal, in size.
const MAX_POWER: i64 = 100;
/// Most decimals of a sum: of a decimal with all digits behind the point, times the smallest power of ten.
const MAX_SCALE: u32 = 134;

/// A sum of decimals: a whole number of units in the last decimal of any of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DecimalSum {
    /// How many decimals there are.
    scale: u32,
    /// The whole number: two's complement, the lowest byte first, as few as it takes.
    units: Vec<u8>,
}

impl Default for DecimalSum {
    fn default() -> Self {
        Self { scale: 0, units: BigInt::ZERO.to_signed_bytes_le() }
    }
}

impl DecimalSum {
    fn value(&self) -> BigInt {
        BigInt::from_signed_bytes_le(&self.units)
    }

    /// Adds a decimal: JSON text, or the content of a string.
    ///
    /// # Errors
    /// What it is instead.
    pub(super) fn add(&mut self, json: &str) -> Result<(), String> {
        let text = serde_json::from_str::<String>(json).unwrap_or_else(|_| json.to_owned());
        let read = read(&text).ok_or_else(|| {
            format!(
                "its value is {}; expected a decimal of at most {MAX_DIGITS} digits, such as \"12.34\"",
                brief(json)
            )
        })?;
        self.add_scaled(read.0, &read.1);
        Ok(())
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.add_scaled(other.scale.min(MAX_SCALE), &other.value());
    }

    fn add_scaled(&mut self, scale: u32, units: &BigInt) {
        let ten = BigInt::from(10_u32);
        let own = self.scale.min(MAX_SCALE);
        let wide = own.max(scale);
        let sum = self.value() * ten.pow(wide - own) + units * ten.pow(wide - scale);
        *self = Self { scale: wide, units: sum.to_signed_bytes_le() };
    }

    /// Whether it can be a sum of so many.
    pub(super) fn is_plausible(&self) -> bool {
        // 34 digits, 10^100 and as many decimals, and 2^64 of them take 152 * log2(10) bits.
        self.scale <= MAX_SCALE && self.units.len() <= 128
    }

    /// In plain notation, with as many decimals as the most that any had.
    pub(super) fn text(&self) -> String {
        let value = self.value();
        let digits = value.magnitude().to_string();
        let scale = self.scale as usize;
        let sign = if value.sign() == num_bigint::Sign::Minus { "-" } else { "" };
        if scale == 0 {
            return format!("{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, decimals) = padded.split_at(padded.len() - scale);
        format!("{sign}{whole}.{decimals}")
    }
}

/// How many decimals a decimal has, and its units in the last of them.
fn read(text: &str) -> Option<(u32, BigInt)> {
    let (digits, power) = match text.split_once(['e', 'E']) {
        Some((digits, power)) => (digits, power.parse::<i64>().ok().filter(|it| it.abs() <= MAX_POWER)?),
        None => (text, 0),
    };
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let has_point = digits.contains('.');
    if whole.is_empty() || (has_point && decimals.is_empty()) {
        return None;
    }
    let all = format!("{whole}{decimals}");
    if !all.bytes().all(|byte| byte.is_ascii_digit()) || all.trim_start_matches('0').len() > MAX_DIGITS {
        return None;
    }
    let scale = i64::try_from(decimals.len()).ok()? - power;
    let units: BigInt = format!("{sign}{all}").parse().ok()?;
    match u32::try_from(scale) {
        Ok(scale) if scale <= MAX_SCALE => Some((scale, units)),
        Ok(_) => None,
        Err(_) => Some((0, units * BigInt::from(10_u32).pow(u32::try_from(-scale).ok()?))),
    }
}
