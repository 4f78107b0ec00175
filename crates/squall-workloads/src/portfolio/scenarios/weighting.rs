//! Historical scenarios whose probability falls with their age (J. Boudoukh, M. Richardson and R. Whitelaw, "The best of both worlds",
//! Risk 11, 1998).

use serde::Deserialize;
use squall_core::workload::InputError;

use super::PLACE;

/// How much the scenarios of a history weigh.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Weighting {
    /// Each `lambda` times as much as the next, which is a row younger.
    Exponential {
        /// The share that is left of a weight after a day; 0.97 to 0.99 in the paper.
        lambda: f64,
    },
}

/// All weights together, about, 2^36: they are whole numbers, so that sums are exact. A weight below a hundred-thousand-millionth of them is 0.
const TOTAL: f64 = 68_719_476_736.0;

impl Weighting {
    pub(super) fn check(self) -> Result<(), InputError> {
        let Weighting::Exponential { lambda } = self;
        if (0.5..1.0).contains(&lambda) {
            return Ok(());
        }
        let problem = format!(
            "{lambda} is out of range; from 0.5 to below 1 (0.97 to 0.99 is usual for daily changes)"
        );
        Err(InputError::new(format!("{PLACE}.weights.lambda"), problem))
    }

    /// What each of `n` scenarios weighs, the oldest first.
    pub(super) fn weights(self, n: usize) -> Vec<u64> {
        let Weighting::Exponential { lambda } = self;
        let decay = libm::log(lambda);
        #[expect(clippy::cast_precision_loss, reason = "a number of days")]
        let left = |age: usize| libm::exp(decay * age as f64);
        let newest = TOTAL * (1.0 - lambda) / (1.0 - left(n));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 2^36")]
        let weight = |age: usize| (newest * left(age)).round_ties_even() as u64;
        (0..n).rev().map(weight).collect()
    }

    /// How many equally likely scenarios tell as much: the square of the sum of weights over the sum of their squares (L. Kish, "Survey
    /// Sampling", 1965).
    pub(super) fn effective_number(self, n: usize) -> f64 {
        let Weighting::Exponential { lambda } = self;
        #[expect(clippy::cast_precision_loss, reason = "a number of days")]
        let left = libm::exp(libm::log(lambda) * n as f64);
        (1.0 + lambda) / (1.0 - lambda) * (1.0 - left) / (1.0 + left)
    }
}

#[cfg(test)]
mod tests;
