//! Monte Carlo: draws from a multivariate normal or Student t distribution with a given covariance.

use std::ops::Range;

use squall_core::sources::Files;
use squall_core::workload::InputError;

use super::basis::Basis;
use super::cholesky::{NotCovariance, cholesky};
use super::covariance::{DailyMoments, correlation_of, daily_moments};
use super::nearest::smallest_eigenvalue;
use super::{
    DistributionName, MAX_HORIZON_DAYS, MAX_SCENARIOS, Made, MonteCarloInput, PLACE, Source, counted,
};
use crate::portfolio::pricing::random::Stream;
use crate::portfolio::shock::{Factor, ShockBlock};
use crate::reading::rounded;

/// Which of the seed's streams the scenarios draw from ("scenario"), so that no contract's paths share it.
const PURPOSE: u64 = 0x7363_656e_6172_696f;
/// Paths drawn together; any number gives the same bits.
const CHUNK: usize = 256;
/// A log return is cut at this size: a price that moves by a factor of 10^13 says no more than one of 10^14.
const MAX_LOG_RETURN: f64 = 30.0;
/// An absolute change is cut at this size (a hundred thousand volatility points).
const MAX_CHANGE: f64 = 1_000.0;
/// Largest standard deviation of a day's change of a price (600 % a year is 38 %), a volatility, a rate: more is a wrong unit.
fn max_daily_deviation(factor: &Factor) -> f64 {
    match factor {
        Factor::Spot(_) | Factor::Fx(_) => 0.6,
        Factor::Vol(_) => 1.0,
        Factor::Rate(_) | Factor::Spread(_) => 0.05,
    }
}

/// Beyond this many degrees of freedom a Student t is a normal distribution.
const MAX_DEGREES_OF_FREEDOM: f64 = 1e6;

/// How to draw path `i`, which is a function of the seed and of `i` alone.
#[derive(Debug, Clone)]
pub(super) struct MonteCarlo {
    n_paths: usize,
    stream: Stream,
    degrees_of_freedom: Option<f64>,
    factors: Vec<DrawnFactor>,
}

#[derive(Debug, Clone)]
struct DrawnFactor {
    factor_idx: usize,
    is_relative: bool,
    mean: f64,
    /// This factor's row of the covariance's Cholesky factor, over the horizon.
    loadings: Vec<f64>,
}

pub(super) fn prepare(input: &MonteCarloInput, basis: &Basis<'_>, files: &Files) -> Result<Made, InputError> {
    let field = |name: &str| format!("{PLACE}.{name}");
    let n_paths = match usize::try_from(input.paths) {
        Ok(n) if (1..=MAX_SCENARIOS).contains(&n) => n,
        _ => {
            let problem = format!("{}; it must be from 1 to {MAX_SCENARIOS}", input.paths);
            return Err(InputError::new(field("paths"), problem));
        }
    };
    if !(1..=MAX_HORIZON_DAYS).contains(&input.horizon_days) {
        let problem = format!("{}; it must be from 1 to {MAX_HORIZON_DAYS} trading days", input.horizon_days);
        return Err(InputError::new(field("horizon_days"), problem));
    }
    let (name, degrees_of_freedom) = match (input.distribution, input.degrees_of_freedom) {
        (DistributionName::Normal, None) => ("normal".to_owned(), None),
        (DistributionName::StudentT, Some(nu)) if nu > 2.0 && nu <= MAX_DEGREES_OF_FREEDOM => {
            (format!("Student t ({nu} degrees of freedom)"), Some(nu))
        }
        (DistributionName::Normal, Some(_)) => {
            let problem = "only goes with \"distribution\": \"student_t\"; leave it out";
            return Err(InputError::new(field("degrees_of_freedom"), problem));
        }
        (DistributionName::StudentT, None) => {
            let problem = "missing; a Student t needs it, above 2 (4 is common for daily returns)";
            return Err(InputError::new(field("degrees_of_freedom"), problem));
        }
        (DistributionName::StudentT, Some(nu)) => {
            let problem = format!("{nu}; it must be above 2, or there is no variance, and at most 1000000");
            return Err(InputError::new(field("degrees_of_freedom"), problem));
        }
    };
    let mut moments = daily_moments(input, basis, files)?;
    let review = std::mem::take(&mut moments.review);
    let about = format!(
        "{}, {name}, {}, covariance {}, seed {}",
        counted(n_paths, "Monte Carlo path"),
        counted(input.horizon_days as usize, "day"),
        moments.origin,
        input.seed
    );
    let monte_carlo = MonteCarlo {
        n_paths,
        stream: Stream::new(input.seed, PURPOSE),
        degrees_of_freedom,
        factors: drawn_factors(moments, f64::from(input.horizon_days), basis)?,
    };
    Ok(Made { about, source: Source::MonteCarlo(monte_carlo), review })
}

fn drawn_factors(
    moments: DailyMoments,
    horizon: f64,
    basis: &Basis<'_>,
) -> Result<Vec<DrawnFactor>, InputError> {
    let name = |row: usize| &basis.factors.0[moments.factor_idxs[row]];
    for (row, entries) in moments.covariance.iter().enumerate() {
        let deviation = entries[row].sqrt();
        let most = match (name(row), moments.is_relative.get(row)) {
            // In units of today's price, which may be next to nothing.
            (Factor::Spot(_), Some(false)) => MAX_CHANGE,
            (factor, _) => max_daily_deviation(factor),
        };
        if deviation.is_nan() || deviation > most {
            let cause = moments.largest.get(row).copied().flatten().map_or(String::new(), |(date, change)| {
                format!(
                    "; its largest change is {} on {date}: if a row is wrong, leave it out, with \"skip_dates\": [\"{date}\"]; after a \
                     split, divide the values before it",
                    rounded(change)
                )
            });
            let problem = match basis.scale(moments.factor_idxs[row]) {
                Some(scale) => format!(
                    "{} has a standard deviation of {} a day, in units of the price; at most {}{cause}",
                    name(row),
                    rounded(deviation * scale),
                    rounded(most * scale)
                ),
                None => format!(
                    "{} has a standard deviation of {} a day; at most {most} (0.01 is 1 %){cause}",
                    name(row),
                    rounded(deviation)
                ),
            };
            return Err(InputError::new(format!("{PLACE} (covariance)"), problem));
        }
    }
    let lower = cholesky(&moments.covariance).map_err(|error| {
        let why = match error {
            NotCovariance::NegativeVariance(row) => {
                format!("given the factors before it, {} would have a negative variance", name(row))
            }
            NotCovariance::ImpossibleCovariance(row, other) => {
                let (row, known) = (name(row), name(other));
                if moments.covariance[other][other] <= 0.0 {
                    let problem = format!(
                        "not positive semi-definite: {row} cannot move with {known}, whose variance is 0; give {known} one, or leave it out"
                    );
                    return InputError::new(format!("{PLACE} (covariance)"), problem);
                }
                format!("{known} follows from the factors before it, and {row} moves with it in another way than with them")
            }
        };
        let smallest = rounded(smallest_eigenvalue(&correlation_of(&moments.covariance)));
        let problem = format!(
            "not positive semi-definite: {why}; the correlations' smallest eigenvalue is {smallest}, where none may be below 0: give them \
             with more digits, or take the nearest correlation matrix, with \"repair\": true"
        );
        InputError::new(format!("{PLACE} (covariance)"), problem)
    })?;
    let drawn =
        |(((factor_idx, mean), is_relative), loadings): (((&usize, &f64), &bool), Vec<f64>)| DrawnFactor {
            factor_idx: *factor_idx,
            is_relative: *is_relative,
            mean: mean * horizon,
            loadings: loadings.iter().map(|loading| loading * horizon.sqrt()).collect(),
        };
    Ok(moments
        .factor_idxs
        .iter()
        .zip(&moments.mean)
        .zip(&moments.is_relative)
        .zip(lower)
        .map(drawn)
        .collect())
}

impl MonteCarlo {
    pub(super) fn n_paths(&self) -> usize {
        self.n_paths
    }

    /// The factors that are drawn, by index.
    pub(super) fn moved(&self) -> impl Iterator<Item = usize> {
        let moves = |factor: &&DrawnFactor| {
            factor.mean != 0.0 || factor.loadings.iter().any(|loading| *loading != 0.0)
        };
        self.factors.iter().filter(moves).map(|factor| factor.factor_idx)
    }

    /// Numbers in the rows of the covariance's Cholesky factor.
    pub(super) fn n_loadings(&self) -> usize {
        self.factors.iter().map(|factor| factor.loadings.len()).sum()
    }

    /// Nanoseconds of one core.
    pub(super) fn cost_of_a_path(&self) -> u64 {
        /// The start of its random numbers.
        const PATH: u64 = 25;
        /// A chi-squared number.
        const STUDENT_T: u64 = 40;
        /// A normal number, an exponential, and the market's numbers under the shock.
        const FACTOR: u64 = 10;
        /// Products of a loading and a normal number in a nanosecond.
        const LOADINGS: u64 = 5;
        let n_of = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let start = PATH + if self.degrees_of_freedom.is_some() { STUDENT_T } else { 0 };
        start + n_of(self.factors.len()) * FACTOR + n_of(self.n_loadings()) / LOADINGS
    }

    pub(super) fn fill(&self, paths: Range<usize>, first_column: usize, block: &mut ShockBlock) {
        let mut normals = vec![0.0; self.factors.len() * CHUNK];
        let mut scales = vec![1.0; CHUNK];
        let mut column = first_column;
        for first in paths.clone().step_by(CHUNK) {
            let n = CHUNK.min(paths.end - first);
            let (normals, scales) = (&mut normals[..self.factors.len() * n], &mut scales[..n]);
            self.stream.normals_of_paths(first as u64, n, normals);
            if let Some(nu) = self.degrees_of_freedom {
                self.stream.chi_squareds_of_paths(first as u64, 0, nu, scales);
                // Scaled so that the variance is the covariance's, not nu / (nu - 2) times it.
                scales.iter_mut().for_each(|chi_squared| *chi_squared = ((nu - 2.0) / *chi_squared).sqrt());
            }
            for factor in &self.factors {
                let row = &mut block.row_mut(factor.factor_idx)[column..][..n];
                factor.draw(normals, scales, row);
            }
            column += n;
        }
    }
}

impl DrawnFactor {
    /// The factor's shocks on some paths. `normals` has shape (factors, paths), `scales` and `shocks` (paths). Sums
    /// run over the factors in their order, whatever the paths, so each path's bits are its own.
    fn draw(&self, normals: &[f64], scales: &[f64], shocks: &mut [f64]) {
        shocks.fill(0.0);
        for (loading, normals) in self.loadings.iter().zip(normals.chunks_exact(shocks.len().max(1))) {
            for (sum, normal) in shocks.iter_mut().zip(normals) {
                *sum += loading * normal;
            }
        }
        for (shock, scale) in shocks.iter_mut().zip(scales) {
            let change = self.mean + *shock * scale;
            *shock = if self.is_relative {
                libm::expm1(change.clamp(-MAX_LOG_RETURN, MAX_LOG_RETURN))
            } else {
                change.clamp(-MAX_CHANGE, MAX_CHANGE)
            };
        }
    }
}
