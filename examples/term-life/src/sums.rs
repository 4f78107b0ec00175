//! Sums of money in whole millionths: exact, so they do not depend on what was added first.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::projection::CashFlows;

/// An amount in millionths. `Display` and `Serialize` write it from the integer: `-12.340000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Micros(pub i128);

impl Micros {
    fn of(value: f64) -> i128 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole, and what no integer holds is its largest"
        )]
        let whole = (value * 1e6).round_ties_even() as i128;
        whole
    }

    /// Without cents, with thousands separators: `-1,234,568`. Halves are rounded away from zero.
    pub fn grouped(self) -> String {
        let whole = (self.0.unsigned_abs() + 500_000) / 1_000_000;
        let sign = if self.0 < 0 && whole > 0 { "-" } else { "" };
        format!("{sign}{}", grouped(whole))
    }
}

/// A whole number with thousands separators.
pub fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:06}", size / 1_000_000, size % 1_000_000)
    }
}

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Present values of some points in one scenario, millionths; none is negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sums {
    /// Number of points.
    pub points: u64,
    /// Premiums.
    pub premiums: i128,
    /// Claims.
    pub claims: i128,
    /// Expenses.
    pub expenses: i128,
    /// Commissions.
    pub commissions: i128,
    /// Reserves: what each point's outgo is worth beyond its premiums, or 0.
    pub reserve: i128,
}

impl Sums {
    /// Those of one point.
    pub fn of(flows: &CashFlows) -> Self {
        let mut sums = Self {
            points: 1,
            premiums: Micros::of(flows.premiums),
            claims: Micros::of(flows.claims),
            expenses: Micros::of(flows.expenses),
            commissions: Micros::of(flows.commissions),
            reserve: 0,
        };
        sums.reserve = (-sums.net().0).max(0);
        sums
    }

    /// Adds others. Amounts of valid input never reach the largest integer; what a broken worker sends must not stop a collector.
    pub fn add(&mut self, other: &Self) {
        let Self { points, premiums, claims, expenses, commissions, reserve } = other;
        self.points = self.points.saturating_add(*points);
        for (sum, more) in [
            (&mut self.premiums, premiums),
            (&mut self.claims, claims),
            (&mut self.expenses, expenses),
            (&mut self.commissions, commissions),
            (&mut self.reserve, reserve),
        ] {
            *sum = sum.saturating_add(*more);
        }
    }

    /// Premiums less claims, expenses and commissions.
    pub fn net(&self) -> Micros {
        let outgo = self.claims.saturating_add(self.expenses).saturating_add(self.commissions);
        Micros(self.premiums.saturating_sub(outgo))
    }

    /// Whether they can be sums of present values.
    pub fn can_be(&self) -> bool {
        let Self { points: _, premiums, claims, expenses, commissions, reserve } = *self;
        [premiums, claims, expenses, commissions, reserve].iter().all(|sum| *sum >= 0)
            && reserve >= self.net().0.saturating_neg()
    }
}
