//! Covariances of factor changes per day: given, or estimated from a history.

use squall_core::sources::Files;
use squall_core::workload::InputError;

use super::history::{History, Series};
use super::{Mean, MonteCarloInput, PLACE, Per, TRADING_DAYS_PER_YEAR, counted, factor_names};
use crate::portfolio::shock::Factors;

/// Most factors with a covariance: a draw costs half the square of their number in multiplications.
const MAX_FACTORS: usize = 1_000;
/// Rounding that a symmetric matrix may have been written with, relative to its entries.
const SYMMETRY_TOLERANCE: f64 = 1e-9;

/// The first two moments of the changes of one trading day.
#[derive(Debug, Clone)]
pub(super) struct DailyMoments {
    pub(super) factor_idxs: Vec<usize>,
    pub(super) mean: Vec<f64>,
    pub(super) covariance: Vec<Vec<f64>>,
    /// Where they come from: `as given`, `estimated from 1,252 days`.
    pub(super) origin: String,
}

pub(super) fn daily_moments(
    input: &MonteCarloInput,
    factors: &Factors,
    files: &Files,
) -> Result<DailyMoments, InputError> {
    let given = [
        ("factors", input.factors.is_some()),
        ("covariance", input.covariance.is_some()),
        ("volatilities", input.volatilities.is_some()),
        ("correlation", input.correlation.is_some()),
        ("per", input.per.is_some()),
    ];
    match &input.history {
        Some(history) => {
            if let Some((name, _)) = given.iter().find(|(_, is_there)| *is_there) {
                let problem =
                    format!("does not go with \"history\", which says all of it; leave {name:?} out");
                return Err(InputError::new(format!("{PLACE}.{name}"), problem));
            }
            let history = History::read(&format!("{PLACE}.history"), history.into(), factors, files)?;
            check_n_factors(history.series.len())?;
            estimated(&history, input.mean.unwrap_or_default())
        }
        None if input.mean.is_some() => {
            Err(InputError::new(format!("{PLACE}.mean"), "only goes with \"history\"; leave it out"))
        }
        None => as_given(input, factors),
    }
}

/// A covariance has a number for each pair of factors.
fn check_n_factors(n_factors: usize) -> Result<(), InputError> {
    if n_factors <= MAX_FACTORS {
        return Ok(());
    }
    Err(InputError::new(PLACE, format!("a covariance of {n_factors} factors; at most {MAX_FACTORS}")))
}

fn as_given(input: &MonteCarloInput, factors: &Factors) -> Result<DailyMoments, InputError> {
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
        let factor_idx = factor_names::find(factors, name).map_err(|e| InputError::new(place.clone(), e))?;
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
    Ok(DailyMoments {
        mean: vec![0.0; factor_idxs.len()],
        factor_idxs,
        covariance,
        origin: "as given".to_owned(),
    })
}

fn estimated(history: &History, mean: Mean) -> Result<DailyMoments, InputError> {
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
    Ok(DailyMoments { factor_idxs, mean: means, covariance, origin })
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
