//! Confidence levels as exact fractions, so that `n (1 - level)` is exact.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Levels have at most this many decimals.
const MAX_DECIMALS: u32 = 9;
const ONE: u64 = 10_u64.pow(MAX_DECIMALS);

/// A confidence level from 0.5 to below 1, such as 0.99, held as a decimal fraction: in floats, the tail of 1,000
/// scenarios at 0.99 would have 10.000000000000009 of them, and the order statistic would be the eleventh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level {
    /// The level in thousand-millionths.
    billionths: u64,
}

impl Level {
    /// The level that `level` spells in decimals.
    ///
    /// # Errors
    /// What was expected, if it is not from 0.5 to below 1 or has more than nine decimals.
    pub fn new(level: f64) -> Result<Self, String> {
        if !(0.5..1.0).contains(&level) {
            return Err(format!("{level} is no level; write it like 0.99, from 0.5 to below 1"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 5e8 to 1e9")]
        let billionths = (level * 1e9).round() as u64;
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        let spelled = billionths as f64 / 1e9;
        if spelled != level || billionths >= ONE {
            return Err(format!("{level} has too many decimals; a level has at most {MAX_DECIMALS}"));
        }
        Ok(Self { billionths })
    }

    /// The tail's probability `1 - level` as a fraction in lowest terms.
    pub fn tail(self) -> (u64, u64) {
        let tail = ONE - self.billionths;
        let divisor = greatest_common_divisor(tail, ONE);
        (tail / divisor, ONE / divisor)
    }

    /// The level as a float.
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    pub fn to_f64(self) -> f64 {
        self.billionths as f64 / 1e9
    }
}

impl fmt::Display for Level {
    /// `99%`, `97.5%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:07}", self.billionths / 10_000_000, self.billionths % 10_000_000);
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.to_f64())
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Level::new(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
