//! Value at risk and expected shortfall of equally likely scenarios.
//!
//! With P&L sorted upwards, `x_(1) <= ... <= x_(n)`, and `w = n (1 - level)` scenarios in the tail:
//!
//! * value at risk is `-x_(k)`, `k = ceil(w)`: the empirical quantile by inversion of the distribution function;
//! * expected shortfall is `-(x_(1) + ... + x_(m) + (w - m) x_(m+1)) / w`, `m = floor(w)`: Acerbi and Tasche, "On the
//!   coherence of expected shortfall", Journal of Banking & Finance 26 (2002), with the boundary scenario's fraction;
//! * a book's contribution is the same weighted average of the book's own P&L over the same scenarios (Euler
//!   allocation: Tasche, "Risk contributions and performance measurement", 1999), so contributions add up.

use super::{Level, quantile_interval};
use crate::portfolio::money::divide_rounded;

/// The tail of a sample of scenarios at a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    level: Level,
    n: usize,
    /// Its scenarios, the worst first; the last one may count for a fraction only.
    members: Vec<usize>,
    /// What a whole scenario weighs.
    whole_weight: i128,
    /// What the last scenario weighs.
    last_weight: i128,
}

/// Too few scenarios for a level: less than one of them is expected in the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFew {
    /// How many scenarios the level needs.
    pub needed: u64,
}

/// Risk at a level, in millionths of the report currency; losses are positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Value at risk.
    pub value_at_risk: i128,
    /// Lower end of its 95 % confidence interval, if the sample is large enough to have one.
    pub value_at_risk_low: Option<i128>,
    /// Upper end of its 95 % confidence interval, if the sample is large enough to have one.
    pub value_at_risk_high: Option<i128>,
    /// Expected shortfall, rounded once.
    pub expected_shortfall: i128,
    /// Its standard error, with at least two scenarios in the tail.
    pub expected_shortfall_error: Option<i128>,
}

/// How many scenarios of `n` are in the tail, as a whole number of `1 / denominator`.
struct Weights {
    n_members: usize,
    whole: i128,
    last: i128,
}

fn weights(n: usize, level: Level) -> Result<Weights, TooFew> {
    let (numerator, denominator) = level.tail();
    let total = n as u128 * u128::from(numerator);
    let whole = u128::from(denominator);
    if total < whole {
        return Err(TooFew { needed: denominator.div_ceil(numerator) });
    }
    let rest = total % whole;
    let n_members = usize::try_from(total.div_ceil(whole)).unwrap_or(n).min(n);
    Ok(Weights {
        n_members,
        whole: i128::from(denominator),
        last: i128::from(denominator).min(if rest == 0 {
            i128::from(denominator)
        } else {
            rest.cast_signed()
        }),
    })
}

impl Tail {
    /// The tail at `level` of scenarios that are ordered from the worst to the best.
    ///
    /// # Errors
    /// Fewer scenarios than it takes to expect one of them in the tail.
    pub fn new(level: Level, order: &[usize]) -> Result<Self, TooFew> {
        let weights = weights(order.len(), level)?;
        let members = order[..weights.n_members].to_vec();
        Ok(Self { level, n: order.len(), members, whole_weight: weights.whole, last_weight: weights.last })
    }

    /// The level.
    pub fn level(&self) -> Level {
        self.level
    }

    /// What all its scenarios weigh together: the denominator of its averages.
    pub fn total_weight(&self) -> i128 {
        match self.members.len() {
            0 => 0,
            n => (n - 1) as i128 * self.whole_weight + self.last_weight,
        }
    }

    /// The weighted sum of losses (minus `pnl`) over the tail: the numerator of its averages. `pnl` may be that of a
    /// part of the portfolio.
    pub fn weighted_loss(&self, pnl: &[i128]) -> i128 {
        let Some((last, others)) = self.members.split_last() else { return 0 };
        let value = |idx: &usize| pnl.get(*idx).copied().unwrap_or(0);
        let others = others.iter().fold(0_i128, |sum, idx| sum.wrapping_add(value(idx)));
        let sum =
            others.wrapping_mul(self.whole_weight).wrapping_add(value(last).wrapping_mul(self.last_weight));
        sum.wrapping_neg()
    }

    /// Value at risk and expected shortfall of the portfolio whose P&L `order` was made of.
    pub fn estimate(&self, pnl: &[i128], order: &[usize]) -> Estimate {
        let loss = |rank: usize| {
            let value = order.get(rank).and_then(|idx| pnl.get(*idx)).copied().unwrap_or(0);
            value.wrapping_neg()
        };
        let ranked = |rank: u64| usize::try_from(rank - 1).map_or(0, loss);
        let interval = quantile_interval(self.n as u64, self.tail_probability());
        let expected_shortfall = divide_rounded(self.weighted_loss(pnl), self.total_weight());
        let value_at_risk = loss(self.members.len().saturating_sub(1));
        Estimate {
            value_at_risk,
            // A low P&L is a high loss.
            value_at_risk_low: interval.upper.map(ranked),
            value_at_risk_high: interval.lower.map(ranked),
            expected_shortfall,
            expected_shortfall_error: self.standard_error(pnl, value_at_risk, expected_shortfall),
        }
    }

    /// The asymptotic standard error of expected shortfall: the root of
    /// `(s^2 + level (ES - VaR)^2) / w`, where `s^2` is the variance of losses in the tail (divisor w - 1).
    ///
    /// Source: Manistre and Hancock, "Variance of the CTE estimator", North American Actuarial Journal 9 (2005).
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a standard error is a statistic"
    )]
    fn standard_error(&self, pnl: &[i128], value_at_risk: i128, expected_shortfall: i128) -> Option<i128> {
        let n_in_tail = self.total_weight() as f64 / self.whole_weight as f64;
        if n_in_tail < 2.0 {
            return None;
        }
        let square = |idx: &usize| {
            let loss = pnl.get(*idx).copied().unwrap_or(0).wrapping_neg();
            let deviation = loss.wrapping_sub(expected_shortfall) as f64;
            deviation * deviation
        };
        let (last, others) = self.members.split_last()?;
        let last_share = self.last_weight as f64 / self.whole_weight as f64;
        let squares = others.iter().map(square).sum::<f64>() + last_share * square(last);
        let variance = squares / (n_in_tail - 1.0);
        let excess = expected_shortfall.wrapping_sub(value_at_risk) as f64;
        let error = ((variance + self.level.to_f64() * excess * excess) / n_in_tail).sqrt();
        Some(error.round_ties_even() as i128)
    }

    #[expect(clippy::cast_precision_loss, reason = "billionths")]
    fn tail_probability(&self) -> f64 {
        let (numerator, denominator) = self.level.tail();
        numerator as f64 / denominator as f64
    }
}

/// Value at risk of a part of a portfolio by itself; `None` with too few scenarios.
pub fn value_at_risk_of(pnl: &[i128], level: Level) -> Option<i128> {
    worst(pnl, level).map(|(_, last, _)| last.wrapping_neg())
}

/// Expected shortfall of a part of a portfolio by itself; `None` with too few scenarios.
pub fn expected_shortfall_of(pnl: &[i128], level: Level) -> Option<i128> {
    let (others, last, weights) = worst(pnl, level)?;
    let sum = others.wrapping_mul(weights.whole).wrapping_add(last.wrapping_mul(weights.last));
    let total = (weights.n_members - 1) as i128 * weights.whole + weights.last;
    Some(divide_rounded(sum.wrapping_neg(), total))
}

/// The sum of the tail's values without the best of them, and the best of them; no full sort.
fn worst(pnl: &[i128], level: Level) -> Option<(i128, i128, Weights)> {
    let weights = weights(pnl.len(), level).ok()?;
    let mut values = pnl.to_vec();
    let (others, last, _) = values.select_nth_unstable(weights.n_members.checked_sub(1)?);
    let others = others.iter().fold(0_i128, |sum, value| sum.wrapping_add(*value));
    Some((others, *last, weights))
}
