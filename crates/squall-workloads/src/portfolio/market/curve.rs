//! Zero curves: continuously compounded rates by time, ACT/365F.

/// Interpolation between the points of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CurveInterpolation {
    /// Linear in the zero rate.
    LinearZero,
    /// Linear in the logarithm of the discount factor, so forward rates are constant between points.
    LogLinearDiscount,
}

/// A zero curve of one currency.
///
/// Outside its points the zero rate is flat. Under both interpolations a parallel shift of the points shifts the zero
/// rate at every time by as much, so a shocked curve needs no second interpolation.
#[derive(Debug, Clone, PartialEq)]
pub struct ZeroCurve {
    interpolation: CurveInterpolation,
    /// `(years, rate)`, years ascending and above 0; at least one.
    points: Vec<(f64, f64)>,
}

impl ZeroCurve {
    /// A curve through `points` of `(years, rate)`, which the caller has checked: years ascending and above 0.
    pub(super) fn new(interpolation: CurveInterpolation, points: Vec<(f64, f64)>) -> Self {
        Self { interpolation, points }
    }

    /// The lowest and the highest rate of its points.
    pub fn range(&self) -> (f64, f64) {
        let start = (f64::INFINITY, f64::NEG_INFINITY);
        self.points.iter().fold(start, |(low, high), (_, rate)| (rate.min(low), rate.max(high)))
    }

    /// The continuously compounded zero rate to `years`, per year; NaN if the curve has no point.
    pub fn zero_rate(&self, years: f64) -> f64 {
        let after = self.points.partition_point(|(point_years, _)| *point_years < years);
        let right = self.points.get(after);
        let left = after.checked_sub(1).and_then(|before| self.points.get(before));
        match (left, right) {
            (None, None) => f64::NAN,
            (None, Some((_, rate))) | (Some((_, rate)), None) => *rate,
            (Some((left_years, left_rate)), Some((right_years, right_rate))) => {
                let weight = (years - left_years) / (right_years - left_years);
                match self.interpolation {
                    CurveInterpolation::LinearZero => left_rate + weight * (right_rate - left_rate),
                    CurveInterpolation::LogLinearDiscount => {
                        let (left_log, right_log) = (left_rate * left_years, right_rate * right_years);
                        (left_log + weight * (right_log - left_log)) / years
                    }
                }
            }
        }
    }
}
