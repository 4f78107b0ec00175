//! Numbers as programs write them.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use squall_core::job::brief;

/// A number: whole if it was written so.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) enum Number {
    /// Without a point or an exponent.
    Integer(i128),
    /// A finite double, not minus zero.
    Float(f64),
}

impl Number {
    /// Reads JSON text.
    ///
    /// # Errors
    /// What it is instead.
    pub(super) fn read(json: &str) -> Result<Self, String> {
        let refused = |expected: &str| Err(format!("its value is {}; expected {expected}", brief(json)));
        if !json.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return refused("a number");
        }
        if !json.contains(['.', 'e', 'E']) {
            return match json.parse() {
                Ok(number) => Ok(Self::Integer(number)),
                Err(_) => refused("an integer of at most 128 bits"),
            };
        }
        match json.parse::<f64>() {
            // Minus zero is zero.
            Ok(number) if number.is_finite() => Ok(Self::Float(number + 0.0)),
            _ => refused("a number that a double can hold"),
        }
    }

    /// Whether it can have been read: a double is finite, and not minus zero.
    pub(super) fn is_plausible(self) -> bool {
        match self {
            Self::Integer(_) => true,
            Self::Float(number) => number.is_finite() && (number + 0.0).to_bits() == number.to_bits(),
        }
    }

    /// As JSON: an integer beyond 64 bits as text.
    pub(super) fn to_json(self) -> Value {
        match self {
            Self::Integer(number) => integer(&number.to_string()),
            Self::Float(number) => number.into(),
        }
    }
}

/// A whole number as JSON: as text if it is beyond 64 bits.
pub(super) fn integer(digits: &str) -> Value {
    let small = digits.parse::<i64>().map(Value::from);
    small.or_else(|_| digits.parse::<u64>().map(Value::from)).unwrap_or_else(|_| digits.into())
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    /// By their exact values; of equal ones integers come first.
    fn cmp(&self, other: &Self) -> Ordering {
        match (*self, *other) {
            (Self::Integer(one), Self::Integer(other)) => one.cmp(&other),
            (Self::Float(one), Self::Float(other)) => one.total_cmp(&other),
            (Self::Integer(one), Self::Float(other)) => against(one, other).then(Ordering::Less),
            (Self::Float(one), Self::Integer(other)) => against(other, one).reverse().then(Ordering::Greater),
        }
    }
}

impl Number {
    /// Compares the values alone: 1 and 1.0 are equal.
    pub(super) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Integer(one), Self::Float(other)) => against(one, other),
            (Self::Float(one), Self::Integer(other)) => against(other, one).reverse(),
            _ => self.cmp(&other),
        }
    }
}

fn against(integer: i128, float: f64) -> Ordering {
    /// 2^127.
    const BEYOND: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if float >= BEYOND {
        return Ordering::Less;
    }
    if float < -BEYOND {
        return Ordering::Greater;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and within the range")]
    let whole = float.trunc() as i128;
    integer.cmp(&whole).then_with(|| 0.0_f64.total_cmp(&(float.fract() + 0.0)))
}
