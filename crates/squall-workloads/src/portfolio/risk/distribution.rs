//! The distribution of P&L over the scenarios.

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
    /// Standard deviation with divisor n - 1; from two scenarios on.
    pub standard_deviation: Option<f64>,
    /// Fisher and Pearson's `g1 = m3 / m2^1.5` of central moments with divisor n; `None` without spread.
    pub skewness: Option<f64>,
    /// `g2 = m4 / m2^2 - 3` of central moments with divisor n; `None` without spread.
    pub excess_kurtosis: Option<f64>,
    /// The worst P&L.
    pub minimum: i128,
    /// The best P&L.
    pub maximum: i128,
    /// Per cent `q` and the order statistic `ceil(n q / 100)`: the smallest value whose share of scenarios at or below
    /// it is at least `q` per cent.
    pub quantiles: Vec<(u8, i128)>,
}

/// The distribution of `pnl`, whose order from the worst to the best is `order`; `None` without scenarios.
pub fn distribution(pnl: &[i128], order: &[usize]) -> Option<Distribution> {
    let sorted = |rank: usize| order.get(rank).and_then(|idx| pnl.get(*idx)).copied();
    let n = pnl.len();
    let minimum = sorted(0)?;
    let maximum = sorted(n - 1)?;
    let sum = pnl.iter().fold(0_i128, |sum, value| sum.wrapping_add(*value));
    let mean = divide_rounded(sum, i128::try_from(n).ok()?);
    let quantile = |percent: &u8| {
        let rank = (n * usize::from(*percent)).div_ceil(100).max(1);
        Some((*percent, sorted(rank - 1)?))
    };
    let [second, third, fourth] = central_moments(pnl, mean);
    #[expect(clippy::cast_precision_loss, reason = "a number of scenarios")]
    let n_float = n as f64;
    let has_spread = second > 0.0;
    Some(Distribution {
        n,
        mean,
        standard_deviation: (n >= 2).then(|| (second * n_float / (n_float - 1.0)).sqrt()),
        skewness: has_spread.then(|| third / (second * second.sqrt())),
        excess_kurtosis: has_spread.then(|| fourth / (second * second) - 3.0),
        minimum,
        maximum,
        quantiles: PERCENTILES.iter().filter_map(quantile).collect(),
    })
}

/// The second, third and fourth central moment (divisor n). Deviations from the rounded mean are exact integers; what
/// the rounding leaves of the first moment is taken out again.
#[expect(clippy::cast_precision_loss, reason = "moments are statistics")]
fn central_moments(pnl: &[i128], rounded_mean: i128) -> [f64; 3] {
    let n = pnl.len() as f64;
    let deviation = |value: &i128| value.wrapping_sub(rounded_mean) as f64;
    let rest = pnl.iter().map(deviation).sum::<f64>() / n;
    let mut moments = [0.0; 3];
    for value in pnl {
        let deviation = deviation(value) - rest;
        let square = deviation * deviation;
        moments[0] += square;
        moments[1] += square * deviation;
        moments[2] += square * square;
    }
    moments.map(|sum| sum / n)
}
