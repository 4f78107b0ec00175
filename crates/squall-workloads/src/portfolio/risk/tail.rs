//! Value at risk and expected shortfall of scenarios that are equally likely, or have weights.
//!
//! With P&L sorted upwards, `x_(1) <= ... <= x_(n)`, and `w = n (1 - level)` scenarios in the tail:
//!
//! * value at risk is `-x_(k)`, `k = ceil(w)`: the empirical quantile by inversion of the distribution function;
//! * expected shortfall is `-(x_(1) + ... + x_(m) + (w - m) x_(m+1)) / w`, `m = floor(w)`: Acerbi and Tasche, "On the
//!   coherence of expected shortfall", Journal of Banking & Finance 26 (2002), with the boundary scenario's fraction;
//! * a book's contribution is the same weighted average of the book's own P&L over the same scenarios (Euler
//!   allocation: Tasche, "Risk contributions and performance measurement", 1999), so contributions add up.
//!
//! Where scenarios have weights `u_i` that add up to `U`, `w = U (1 - level)`, `k` is the first rank at which the weights of the worst `k`
//! scenarios are `w` or more, and the sums are of `u_i x_i`, with the rest of `w` for the boundary scenario. The intervals and standard
//! errors below are of equally likely scenarios.

use super::{Level, Weights, quantile_interval, worst_first};
use crate::portfolio::money::divide_rounded;

/// The tail of a sample of scenarios at a level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    level: Level,
    n: usize,
    /// Its scenarios, the worst first; the last one may count for a fraction only.
    members: Vec<usize>,
    /// What all but the last weigh, if not all the same.
    own_weights: Option<Vec<i128>>,
    /// What a whole scenario weighs, if all weigh the same.
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
struct Share {
    n_members: usize,
    whole: i128,
    last: i128,
}

fn share(n: usize, level: Level) -> Result<Share, TooFew> {
    let (numerator, denominator) = level.tail();
    let total = n as u128 * u128::from(numerator);
    let whole = u128::from(denominator);
    if total < whole {
        return Err(TooFew { needed: needed(level) });
    }
    let rest = total % whole;
    let n_members = usize::try_from(total.div_ceil(whole)).unwrap_or(n).min(n);
    Ok(Share {
        n_members,
        whole: i128::from(denominator),
        last: i128::from(denominator).min(if rest == 0 {
            i128::from(denominator)
        } else {
            rest.cast_signed()
        }),
    })
}

/// How many scenarios it takes to expect one in the tail.
fn needed(level: Level) -> u64 {
    let (numerator, denominator) = level.tail();
    denominator.div_ceil(numerator)
}

impl Tail {
    /// The tail at `level` of scenarios that are ordered from the worst to the best.
    ///
    /// # Errors
    /// Fewer scenarios than it takes to expect one of them in the tail, were they equally likely.
    pub fn new(level: Level, order: &[usize], weights: Weights<'_>) -> Result<Self, TooFew> {
        let share = share(order.len(), level)?;
        let n = order.len();
        let Some(weights) = weights else {
            let members = order[..share.n_members].to_vec();
            let (whole_weight, last_weight) = (share.whole, share.last);
            return Ok(Self { level, n, members, own_weights: None, whole_weight, last_weight });
        };
        let (numerator, denominator) = level.tail();
        let weight_of = |idx: &usize| i128::from(weights.get(*idx).copied().unwrap_or(0));
        let total = order.iter().map(weight_of).sum::<i128>() * i128::from(numerator);
        if total == 0 {
            return Err(TooFew { needed: needed(level) });
        }
        let (mut members, mut own_weights, mut so_far) = (Vec::new(), Vec::new(), 0);
        for idx in order {
            members.push(*idx);
            let weight = weight_of(idx) * i128::from(denominator);
            if so_far + weight >= total {
                break;
            }
            own_weights.push(weight);
            so_far += weight;
        }
        let (whole_weight, last_weight) = (i128::from(denominator), total - so_far);
        Ok(Self { level, n, members, own_weights: Some(own_weights), whole_weight, last_weight })
    }

    /// The level.
    pub fn level(&self) -> Level {
        self.level
    }

    /// What all its scenarios weigh together: the denominator of its averages.
    pub fn total_weight(&self) -> i128 {
        match (&self.own_weights, self.members.len()) {
            (_, 0) => 0,
            (Some(weights), _) => weights.iter().sum::<i128>() + self.last_weight,
            (None, n) => (n - 1) as i128 * self.whole_weight + self.last_weight,
        }
    }

    /// The weighted sum of losses (minus `pnl`) over the tail: the numerator of its averages. `pnl` may be that of a
    /// part of the portfolio.
    pub fn weighted_loss(&self, pnl: &[i128]) -> i128 {
        let Some((last, others)) = self.members.split_last() else { return 0 };
        let value = |idx: &usize| pnl.get(*idx).copied().unwrap_or(0);
        let others = match &self.own_weights {
            None => others
                .iter()
                .fold(0_i128, |sum, idx| sum.wrapping_add(value(idx)))
                .wrapping_mul(self.whole_weight),
            Some(weights) => others
                .iter()
                .zip(weights)
                .fold(0_i128, |sum, (idx, weight)| sum.wrapping_add(value(idx).wrapping_mul(*weight))),
        };
        others.wrapping_add(value(last).wrapping_mul(self.last_weight)).wrapping_neg()
    }

    /// Value at risk and expected shortfall of the portfolio whose P&L `order` was made of.
    pub fn estimate(&self, pnl: &[i128], order: &[usize]) -> Estimate {
        let loss = |rank: usize| {
            let value = order.get(rank).and_then(|idx| pnl.get(*idx)).copied().unwrap_or(0);
            value.wrapping_neg()
        };
        let ranked = |rank: u64| usize::try_from(rank - 1).map_or(0, loss);
        let is_weighted = self.own_weights.is_some();
        let interval = quantile_interval(self.n as u64, self.tail_probability());
        let end = |rank: Option<u64>| rank.filter(|_| !is_weighted).map(ranked);
        let expected_shortfall = divide_rounded(self.weighted_loss(pnl), self.total_weight());
        let value_at_risk = loss(self.members.len().saturating_sub(1));
        Estimate {
            value_at_risk,
            // A low P&L is a high loss.
            value_at_risk_low: end(interval.upper),
            value_at_risk_high: end(interval.lower),
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
        if n_in_tail < 2.0 || self.own_weights.is_some() {
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
pub fn value_at_risk_of(pnl: &[i128], weights: Weights<'_>, level: Level) -> Option<i128> {
    if weights.is_some() {
        return weighted(pnl, weights, level).map(|it| it.value_at_risk);
    }
    worst(pnl, level).map(|(_, last, _)| last.wrapping_neg())
}

/// Expected shortfall of a part of a portfolio by itself; `None` with too few scenarios.
pub fn expected_shortfall_of(pnl: &[i128], weights: Weights<'_>, level: Level) -> Option<i128> {
    if weights.is_some() {
        return weighted(pnl, weights, level).map(|it| it.expected_shortfall);
    }
    let (others, last, share) = worst(pnl, level)?;
    let sum = others.wrapping_mul(share.whole).wrapping_add(last.wrapping_mul(share.last));
    let total = (share.n_members - 1) as i128 * share.whole + share.last;
    Some(divide_rounded(sum.wrapping_neg(), total))
}

fn weighted(pnl: &[i128], weights: Weights<'_>, level: Level) -> Option<Estimate> {
    let order = worst_first(pnl);
    Some(Tail::new(level, &order, weights).ok()?.estimate(pnl, &order))
}

/// The sum of the tail's values without the best of them, and the best of them; no full sort.
fn worst(pnl: &[i128], level: Level) -> Option<(i128, i128, Share)> {
    let share = share(pnl.len(), level).ok()?;
    let mut values = pnl.to_vec();
    let (others, last, _) = values.select_nth_unstable(share.n_members.checked_sub(1)?);
    let others = others.iter().fold(0_i128, |sum, value| sum.wrapping_add(*value));
    Some((others, *last, share))
}
