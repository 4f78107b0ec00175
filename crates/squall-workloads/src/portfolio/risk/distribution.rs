//! The distribution of P&L over the scenarios.

use super::Weights;
use crate::portfolio::money::divide_rounded;

/// Quantiles that are reported, in per cent.
const PERCENTILES: [u8; 7] = [1, 5, 25, 50, 75, 95, 99];

/// Moments and quantiles of P&L, in millionths of the report currency.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// How many scenarios.
    pub n: usize,
    /// Mean, rounded once.
    pub mean: i128,
    /// Standard deviation with divisor n - 1 (with weights `u` that add up to `U`: `U - sum(u^2) / U`); from two scenarios on.
    pub standard_deviation: Option<f64>,
    /// Fisher and Pearson's `g1 = m3 / m2^1.5` of central moments with divisor n (or weighted); `None` without spread.
    pub skewness: Option<f64>,
    /// `g2 = m4 / m2^2 - 3` of central moments with divisor n (or weighted); `None` without spread.
    pub excess_kurtosis: Option<f64>,
    /// The worst P&L.
    pub minimum: i128,
    /// The best P&L.
    pub maximum: i128,
    /// Per cent `q` and the order statistic `ceil(n q / 100)`: the smallest value whose share of scenarios at or below
    /// it is at least `q` per cent, by weight if they have weights.
    pub quantiles: Vec<(u8, i128)>,
}

/// The distribution of `pnl`, whose order from the worst to the best is `order`; `None` without scenarios, or if none weighs anything.
pub fn distribution(pnl: &[i128], order: &[usize], weights: Weights<'_>) -> Option<Distribution> {
    let sorted = |rank: usize| order.get(rank).and_then(|idx| pnl.get(*idx)).copied();
    let n = pnl.len();
    let minimum = sorted(0)?;
    let maximum = sorted(n - 1)?;
    let weight = |idx: usize| weights.map_or(1, |weights| weights.get(idx).copied().unwrap_or(0));
    let total: u64 = (0..n).map(weight).sum();
    if total == 0 {
        return None;
    }
    let weighted = |(idx, value): (usize, &i128)| value.wrapping_mul(i128::from(weight(idx)));
    let sum = pnl.iter().enumerate().map(weighted).fold(0_i128, i128::wrapping_add);
    let mean = divide_rounded(sum, i128::from(total));
    let mut so_far = Vec::with_capacity(if weights.is_some() { n } else { 0 });
    if weights.is_some() {
        so_far.extend(order.iter().scan(0_u64, |sum, idx| {
            *sum += weight(*idx);
            Some(*sum)
        }));
    }
    let quantile = |percent: &u8| {
        let rank = match weights {
            None => (n * usize::from(*percent)).div_ceil(100).max(1) - 1,
            Some(_) => {
                let enough = u128::from(total) * u128::from(*percent);
                so_far.partition_point(|sum| u128::from(*sum) * 100 < enough)
            }
        };
        Some((*percent, sorted(rank)?))
    };
    let [second, third, fourth] = central_moments(pnl, mean, weights);
    let has_spread = second > 0.0;
    Some(Distribution {
        n,
        mean,
        standard_deviation: bessel(n, weights).map(|[n, divisor]| (second * n / divisor).sqrt()),
        skewness: has_spread.then(|| third / (second * second.sqrt())),
        excess_kurtosis: has_spread.then(|| fourth / (second * second) - 3.0),
        minimum,
        maximum,
        quantiles: PERCENTILES.iter().filter_map(quantile).collect(),
    })
}

/// What the second moment is multiplied and divided by to be unbiased, `n` and `n - 1` if all weigh the same; `None` with one scenario.
#[expect(clippy::cast_precision_loss, reason = "moments are statistics")]
fn bessel(n: usize, weights: Weights<'_>) -> Option<[f64; 2]> {
    let Some(weights) = weights else {
        return (n >= 2).then_some([n as f64, n as f64 - 1.0]);
    };
    let total = weights.iter().sum::<u64>() as f64;
    let squares: f64 = weights.iter().map(|weight| (*weight as f64 / total) * (*weight as f64 / total)).sum();
    (squares < 1.0).then_some([1.0, 1.0 - squares])
}

/// The second, third and fourth central moment (divisor n, or weighted). Deviations from the rounded mean are exact integers; what
/// the rounding leaves of the first moment is taken out again.
#[expect(clippy::cast_precision_loss, reason = "moments are statistics")]
fn central_moments(pnl: &[i128], rounded_mean: i128, weights: Weights<'_>) -> [f64; 3] {
    let weight = |idx: usize| weights.map_or(1.0, |weights| weights.get(idx).map_or(0.0, |it| *it as f64));
    let n = weights.map_or(pnl.len() as f64, |weights| weights.iter().sum::<u64>() as f64);
    let deviation = |value: &i128| value.wrapping_sub(rounded_mean) as f64;
    let rest = pnl.iter().enumerate().map(|(idx, value)| deviation(value) * weight(idx)).sum::<f64>() / n;
    let mut moments = [0.0; 3];
    for (idx, value) in pnl.iter().enumerate() {
        let deviation = deviation(value) - rest;
        let square = deviation * deviation * weight(idx);
        moments[0] += square;
        moments[1] += square * deviation;
        moments[2] += square * (deviation * deviation);
    }
    moments.map(|sum| sum / n)
}
