//! Historical changes brought to today's volatility (J. Hull and A. White, "Incorporating volatility updating into the historical
//! simulation method for value-at-risk", Journal of Risk 1, 1998).

use serde::Deserialize;
use squall_core::workload::InputError;

use super::PLACE;

/// How a history's changes are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Scaling {
    /// By the ratio of today's volatility to the day's own, both exponentially weighted averages of squared changes.
    Ewma {
        /// The weight of the past; 0.94 for daily changes in `RiskMetrics`.
        lambda: f64,
    },
}

impl Scaling {
    pub(super) fn check(self) -> Result<(), InputError> {
        let Scaling::Ewma { lambda } = self;
        if (0.5..1.0).contains(&lambda) {
            return Ok(());
        }
        let problem =
            format!("{lambda} is out of range; from 0.5 to below 1 (0.94 is usual for daily changes)");
        Err(InputError::new(format!("{PLACE}.scaling.lambda"), problem))
    }

    /// Daily changes as if each had come with today's volatility. The variance that a day is expected to have is `lambda` times that of
    /// the day before and `1 - lambda` times its squared change; the first is the mean square of all.
    pub(super) fn scaled(self, changes: &[f64]) -> Vec<f64> {
        let Scaling::Ewma { lambda } = self;
        #[expect(clippy::cast_precision_loss, reason = "a number of days")]
        let n = changes.len().max(1) as f64;
        let mut variance = changes.iter().map(|change| change * change).sum::<f64>() / n;
        let mut variances = Vec::with_capacity(changes.len());
        for change in changes {
            variances.push(variance);
            variance = lambda * variance + (1.0 - lambda) * change * change;
        }
        let scaled = |(change, then): (&f64, f64)| {
            if then > 0.0 { change * (variance / then).sqrt() } else { *change }
        };
        changes.iter().zip(variances).map(scaled).collect()
    }
}
