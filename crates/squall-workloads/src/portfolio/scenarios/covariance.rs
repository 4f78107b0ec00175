//! Covariances of factor changes per day: given, or estimated from a history.

use chrono::NaiveDate;
use squall_core::sources::Files;
use squall_core::workload::InputError;

use super::basis::Basis;
use super::changes::{Absolute, check_used};
use super::cholesky::{NotCovariance, cholesky};
use super::history::{History, Series};
use super::nearest::{nearest_correlation, smallest_eigenvalue};
use super::review::Review;
use super::{Mean, MonteCarloInput, PLACE, Per, TRADING_DAYS_PER_YEAR, counted, factor_names, is_relative};
use crate::reading::rounded;

/// Most factors with a covariance: a draw costs half the square of their number in multiplications.
const MAX_FACTORS: usize = 1_000;
/// Most factors whose correlations are repaired: it takes the cube of their number, many times.
const MAX_REPAIRED: usize = 100;
/// Rounding that a symmetric matrix may have been written with, relative to its entries.
const SYMMETRY_TOLERANCE: f64 = 1e-9;

/// The first two moments of the changes of one trading day.
#[derive(Debug, Clone)]
pub(super) struct DailyMoments {
    pub(super) factor_idxs: Vec<usize>,
    /// Whether a factor's changes are log returns; otherwise they are shocks as they are.
    pub(super) is_relative: Vec<bool>,
    pub(super) mean: Vec<f64>,
    pub(super) covariance: Vec<Vec<f64>>,
    /// Where they come from: `as given`, `estimated from 1,252 days`.
    pub(super) origin: String,
    /// Each factor's largest change of a history, and its day; none if they are given.
    pub(super) largest: Vec<Option<(NaiveDate, f64)>>,
    /// What was found in a history, or repaired.
    pub(super) review: Review,
}

pub(super) fn daily_moments(
    input: &MonteCarloInput,
    basis: &Basis<'_>,
    files: &Files,
) -> Result<DailyMoments, InputError> {
    let given = [
        ("factors", input.factors.is_some()),
        ("covariance", input.covariance.is_some()),
        ("volatilities", input.volatilities.is_some()),
        ("correlation", input.correlation.is_some()),
        ("per", input.per.is_some()),
        ("repair", input.repair.is_some()),
        ("changes", !input.changes.is_empty()),
    ];
    match &input.history {
        Some(history) => {
            if let Some((name, _)) = given.iter().find(|(_, is_there)| *is_there) {
                let problem = match *name {
                    "changes" => "goes into \"history\", beside its values".to_owned(),
                    _ => format!("does not go with \"history\", which says all of it; leave {name:?} out"),
                };
                return Err(InputError::new(format!("{PLACE}.{name}"), problem));
            }
            let history = History::read(&format!("{PLACE}.history"), history.into(), basis, files)?;
            check_n_factors(history.series.len())?;
            estimated(&history, input.mean.unwrap_or_default(), basis)
        }
        None if input.mean.is_some() => {
            Err(InputError::new(format!("{PLACE}.mean"), "only goes with \"history\"; leave it out"))
        }
        None => as_given(input, basis),
    }
}

/// A covariance has a number for each pair of factors.
fn check_n_factors(n_factors: usize) -> Result<(), InputError> {
    if n_factors <= MAX_FACTORS {
        return Ok(());
    }
    Err(InputError::new(PLACE, format!("a covariance of {n_factors} factors; at most {MAX_FACTORS}")))
}

fn as_given(input: &MonteCarloInput, basis: &Basis<'_>) -> Result<DailyMoments, InputError> {
    let names = match &input.factors {
        Some(names) if !names.is_empty() => names,
        _ => {
            let problem = "give \"history\", or \"factors\" with a \"covariance\" or \"volatilities\" and \"correlation\"";
            return Err(InputError::new(PLACE, problem));
        }
    };
    check_n_factors(names.len())?;
    let mut factor_idxs = Vec::with_capacity(names.len());
    for (idx, name) in names.iter().enumerate() {
        let place = format!("{PLACE}.factors[{idx}]");
        let factor_idx =
            factor_names::find(basis.factors, name).map_err(|e| InputError::new(place.clone(), e))?;
        if factor_idxs.contains(&factor_idx) {
            return Err(InputError::new(place, format!("{name} is there twice")));
        }
        factor_idxs.push(factor_idx);
    }
    let days = match input.per {
        Some(Per::Day) => 1.0,
        Some(Per::Year) => TRADING_DAYS_PER_YEAR,
        None => {
            let problem =
                "missing; say whether the covariance is per \"day\" or per \"year\" (252 trading days)";
            return Err(InputError::new(format!("{PLACE}.per"), problem));
        }
    };
    let mut covariance = match (&input.covariance, &input.volatilities, &input.correlation) {
        (Some(covariance), None, None) => {
            check_symmetric("covariance", covariance, names)?;
            covariance.clone()
        }
        (None, Some(volatilities), Some(correlation)) => {
            check_volatilities(volatilities, names)?;
            check_symmetric("correlation", correlation, names)?;
            check_unit_diagonal(correlation, names)?;
            let row = |(sigma, row): (&f64, &Vec<f64>)| {
                row.iter().zip(volatilities).map(|(rho, other)| sigma * rho * other).collect()
            };
            volatilities.iter().zip(correlation).map(row).collect::<Vec<Vec<f64>>>()
        }
        _ => {
            let problem = "give either \"covariance\" or both \"volatilities\" and \"correlation\"";
            return Err(InputError::new(PLACE, problem));
        }
    };
    covariance.iter_mut().flatten().for_each(|entry| *entry /= days);
    let absolute = Absolute::new(PLACE, &input.changes, basis)?;
    check_used(PLACE, &absolute, &factor_idxs, basis)?;
    let units: Vec<f64> = factor_idxs.iter().map(|idx| absolute.unit(*idx).unwrap_or(1.0)).collect();
    for (row, unit) in covariance.iter_mut().zip(&units) {
        row.iter_mut().zip(&units).for_each(|(entry, other)| *entry *= unit * other);
    }
    let is_log = |idx: &usize| is_relative(&basis.factors.0[*idx]) && absolute.unit(*idx).is_none();
    let mut review = Review::default();
    // No correlation says how a factor moves that has no variance.
    let is_repairable = |error| match error {
        NotCovariance::NegativeVariance(_) => true,
        NotCovariance::ImpossibleCovariance(_, other) => covariance[other][other] > 0.0,
    };
    if input.repair == Some(true) && cholesky(&covariance).is_err_and(is_repairable) {
        review.notes.push(repair(&mut covariance)?);
    }
    Ok(DailyMoments {
        mean: vec![0.0; factor_idxs.len()],
        is_relative: factor_idxs.iter().map(is_log).collect(),
        factor_idxs,
        covariance,
        origin: "as given".to_owned(),
        largest: Vec::new(),
        review,
    })
}

/// Replaces the correlations of a covariance by the nearest that changes can have, and says so.
fn repair(covariance: &mut [Vec<f64>]) -> Result<String, InputError> {
    let n = covariance.len();
    if n > MAX_REPAIRED {
        let problem = format!("{n} factors; at most {MAX_REPAIRED} can be repaired");
        return Err(InputError::new(format!("{PLACE}.repair"), problem));
    }
    let given = correlation_of(covariance);
    let smallest = rounded(smallest_eigenvalue(&given));
    let (nearest, distance) = nearest_correlation(&given);
    let changes = given.iter().flatten().zip(nearest.iter().flatten()).map(|(x, y)| (x - y).abs());
    let largest = changes.fold(0.0, f64::max);
    let deviations: Vec<f64> = (0..n).map(|idx| covariance[idx][idx].sqrt()).collect();
    for (row, entries) in covariance.iter_mut().enumerate() {
        for (column, entry) in entries.iter_mut().enumerate() {
            if row != column {
                *entry = nearest[row][column] * deviations[row] * deviations[column];
            }
        }
    }
    Ok(format!(
        "the correlations that were given (smallest eigenvalue {smallest}) are replaced by the nearest correlation matrix (Higham 2002), at a \
         Frobenius distance of {}; the largest change of a correlation is {}",
        rounded(distance),
        rounded(largest)
    ))
}

/// The correlations of a covariance; 0 where there is no variance.
pub(super) fn correlation_of(covariance: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let deviation = |idx: usize| covariance[idx][idx].max(0.0).sqrt();
    let entry = |row: usize, column: usize| match deviation(row) * deviation(column) {
        _ if row == column => 1.0,
        scale if scale > 0.0 => covariance[row][column] / scale,
        _ => 0.0,
    };
    (0..covariance.len())
        .map(|row| (0..covariance.len()).map(|column| entry(row, column)).collect())
        .collect()
}

fn estimated(history: &History, mean: Mean, basis: &Basis<'_>) -> Result<DailyMoments, InputError> {
    let n = history.n_changes();
    if n < 2 {
        let problem = format!("{}; a covariance needs at least 2", counted(n, "daily change"));
        return Err(InputError::new(format!("{PLACE}.history"), problem));
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of days")]
    let n_days = n as f64;
    let mut changes: Vec<Vec<f64>> =
        history.series.iter().map(|series| series.daily_changes(history.values_are)).collect();
    let mut means = vec![0.0; changes.len()];
    let mut divisor = n_days;
    if mean == Mean::Sample {
        divisor = n_days - 1.0;
        for (changes, mean) in changes.iter_mut().zip(&mut means) {
            *mean = changes.iter().sum::<f64>() / n_days;
            changes.iter_mut().for_each(|change| *change -= *mean);
        }
    }
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>() / divisor;
    let mut covariance = vec![vec![0.0; changes.len()]; changes.len()];
    for row in 0..changes.len() {
        for column in 0..=row {
            let entry = product(&changes[row], &changes[column]);
            covariance[row][column] = entry;
            covariance[column][row] = entry;
        }
    }
    let factor_idxs = history.series.iter().map(|series: &Series| series.factor_idx).collect();
    let origin = format!("estimated from {}", counted(n, "day"));
    let is_relative = history.series.iter().map(|series| series.is_relative).collect();
    let review = Review::of(history, basis);
    let largest = history.series.iter().map(|series| largest_change(history, series)).collect();
    Ok(DailyMoments { factor_idxs, is_relative, mean: means, covariance, origin, largest, review })
}

/// The largest of a factor's changes in its own unit.
fn largest_change(history: &History, series: &Series) -> Option<(NaiveDate, f64)> {
    let changes = series.own_changes(history.values_are);
    let (idx, change) = changes.iter().enumerate().max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()))?;
    Some((history.date_of_change(idx)?, *change))
}

fn check_volatilities(volatilities: &[f64], names: &[String]) -> Result<(), InputError> {
    let place = format!("{PLACE}.volatilities");
    if volatilities.len() != names.len() {
        let problem = format!("{} for {} factors", counted(volatilities.len(), "number"), names.len());
        return Err(InputError::new(place, problem));
    }
    match volatilities.iter().position(|sigma| !(*sigma >= 0.0 && sigma.is_finite())) {
        Some(idx) => {
            let problem = format!("{} for {}; a volatility must be 0 or more", volatilities[idx], names[idx]);
            Err(InputError::new(format!("{place}[{idx}]"), problem))
        }
        None => Ok(()),
    }
}

fn check_symmetric(field: &str, matrix: &[Vec<f64>], names: &[String]) -> Result<(), InputError> {
    let n = names.len();
    if matrix.len() != n {
        let problem =
            format!("{} for {n} factors; one row and one column for each", counted(matrix.len(), "row"));
        return Err(InputError::new(format!("{PLACE}.{field}"), problem));
    }
    for (i, row) in matrix.iter().enumerate() {
        if row.len() != n {
            let problem = format!("{} for {n} factors; one for each", counted(row.len(), "number"));
            return Err(InputError::new(format!("{PLACE}.{field}[{i}]"), problem));
        }
        for (j, entry) in row.iter().enumerate() {
            let place = || format!("{PLACE}.{field}[{i}][{j}]");
            if !entry.is_finite() {
                return Err(InputError::new(place(), format!("{entry} is not a finite number")));
            }
            if i == j && *entry < 0.0 {
                return Err(InputError::new(
                    place(),
                    format!("{entry} is the variance of {}; 0 or more", names[i]),
                ));
            }
            // Rows above this one have been found long enough.
            if j < i
                && (entry - matrix[j][i]).abs() > SYMMETRY_TOLERANCE * entry.abs().max(matrix[j][i].abs())
            {
                let problem = format!(
                    "{entry} for {} and {}, but {} the other way round; it must be symmetric",
                    names[i], names[j], matrix[j][i]
                );
                return Err(InputError::new(place(), problem));
            }
        }
    }
    Ok(())
}

fn check_unit_diagonal(correlation: &[Vec<f64>], names: &[String]) -> Result<(), InputError> {
    for (i, row) in correlation.iter().enumerate() {
        for (j, entry) in row.iter().enumerate() {
            let place = format!("{PLACE}.correlation[{i}][{j}]");
            if i == j && (entry - 1.0).abs() > SYMMETRY_TOLERANCE {
                let problem = format!("{entry}; the correlation of {} with itself is 1", names[i]);
                return Err(InputError::new(place, problem));
            }
            if entry.abs() > 1.0 + SYMMETRY_TOLERANCE {
                let problem = format!("{entry} for {} and {}; it must be from -1 to 1", names[i], names[j]);
                return Err(InputError::new(place, problem));
            }
        }
    }
    Ok(())
}
