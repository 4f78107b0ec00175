//! Confidence intervals of quantiles from order statistics: distribution-free and exact.

/// Probability left out on either side.
const HALF: f64 = 0.025;
/// Binomial probabilities below this share of the greatest cannot change a sum of ten million.
const NEGLIGIBLE: f64 = 1e-24;

/// Which order statistics (1 is the smallest) bound a quantile with at least 95 % confidence. `None` where even the
/// extreme is not far enough out: the sample is too small to bound that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderInterval {
    /// The order statistic below the quantile.
    pub lower: Option<u64>,
    /// The order statistic above the quantile.
    pub upper: Option<u64>,
}

/// The two-sided 95 % interval of the quantile at `probability` from a sample of `n`: the number of observations at
/// or below the quantile is binomial (n, probability), and each side leaves out at most 2.5 %.
///
/// Source: David and Nagaraja, "Order Statistics", 3rd edition (2003), section 7.1.
pub fn quantile_interval(n: u64, probability: f64) -> OrderInterval {
    let none = OrderInterval { lower: None, upper: None };
    if n == 0 || !(probability > 0.0 && probability < 1.0) {
        return none;
    }
    let (first, weights) = binomial_weights(n, probability);
    let total: f64 = weights.iter().sum();
    // lower is the greatest l with P(B <= l - 1) <= 2.5 %, upper the smallest u with P(B <= u - 1) >= 97.5 %.
    let (mut lower, mut upper) = (first, n + 1);
    let mut cumulated = 0.0;
    for (count, weight) in (first..).zip(&weights) {
        cumulated += weight / total;
        if cumulated <= HALF {
            lower = count + 1;
        }
        if cumulated >= 1.0 - HALF {
            upper = count + 1;
            break;
        }
    }
    OrderInterval { lower: (lower >= 1).then_some(lower), upper: (upper <= n).then_some(upper) }
}

/// Probabilities of a binomial distribution up to a common factor, from the first count that matters on. Ratios of
/// neighbours start from 1 at the mode, so nothing overflows and no logarithm is needed.
#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
fn binomial_weights(n: u64, probability: f64) -> (u64, Vec<f64>) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to n + 1")]
    let mode = (((n + 1) as f64 * probability) as u64).min(n);
    let odds = probability / (1.0 - probability);
    let mut below = Vec::new();
    let mut weight = 1.0;
    for count in (0..mode).rev() {
        weight *= (count + 1) as f64 / ((n - count) as f64 * odds);
        if weight < NEGLIGIBLE {
            break;
        }
        below.push(weight);
    }
    let first = mode - below.len() as u64;
    let mut weights: Vec<f64> = below.into_iter().rev().collect();
    weight = 1.0;
    for count in mode..=n {
        if weight < NEGLIGIBLE {
            break;
        }
        weights.push(weight);
        weight *= (n - count) as f64 * odds / (count + 1) as f64;
    }
    (first, weights)
}
