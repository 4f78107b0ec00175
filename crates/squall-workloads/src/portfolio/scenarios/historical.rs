//! Historical simulation: the change over each past window, as a shock to today.

use squall_core::sources::Files;
use squall_core::workload::InputError;

use super::basis::Basis;
use super::history::{History, Series};
use super::review::Review;
use super::scaling::Scaling;
use super::weighting::Weighting;
use super::{
    HistoricalInput, Listed, MAX_HORIZON_DAYS, Made, PLACE, Source, ValuesAre, as_given, check_shock,
    counted, most_in_units,
};

pub(super) fn prepare(input: &HistoricalInput, basis: &Basis<'_>, files: &Files) -> Result<Made, InputError> {
    let history = History::read(PLACE, input.into(), basis, files)?;
    let n_changes = history.n_changes();
    let horizon = usize::try_from(input.horizon_days).unwrap_or(usize::MAX);
    let horizon_place = format!("{PLACE}.horizon_days");
    if input.horizon_days > MAX_HORIZON_DAYS {
        let problem = format!("{horizon}; it must be from 1 to {MAX_HORIZON_DAYS} trading days");
        return Err(InputError::new(horizon_place, problem));
    }
    if horizon == 0 || horizon > n_changes {
        let problem = format!(
            "{}, but the history has {}; a window has 1 to that many days",
            counted(horizon, "day"),
            counted(n_changes, "daily change")
        );
        return Err(InputError::new(horizon_place, problem));
    }
    if let Some(scaling) = input.scaling {
        scaling.check()?;
    }
    if let Some(weights) = input.weights {
        weights.check()?;
    }
    // A window of returns ends with its last row; a window of levels needs one row more to start from.
    let first_end = match history.values_are {
        ValuesAre::Levels => horizon,
        ValuesAre::Returns => horizon - 1,
    };
    let labels: Vec<String> = history.dates.iter().skip(first_end).map(ToString::to_string).collect();
    let mut shocks = Vec::with_capacity(history.series.len());
    for series in &history.series {
        let changes = match input.scaling {
            None => series.window_changes(history.values_are, horizon),
            Some(scaling) => scaled(series, history.values_are, horizon, scaling),
        };
        let factor = &basis.factors.0[series.factor_idx];
        for (change, label) in changes.iter().zip(&labels) {
            check_shock(factor, *change, series.is_relative, basis.limits)
                .map_err(|e| {
                    match most_in_units(basis, series.factor_idx).zip(basis.scale(series.factor_idx)) {
                        Some((most, scale)) => as_given(change * scale, (Some(scale), Some(most)), e),
                        None => e,
                    }
                })
                .map_err(|e| InputError::new(PLACE, format!("the window that ends on {label}: {e}")))?;
        }
        shocks.push((series.factor_idx, changes));
    }
    let about = match (labels.first(), labels.last()) {
        (Some(first), Some(last)) => {
            let windows = counted(labels.len(), "historical window");
            let scaled = match input.scaling {
                None => String::new(),
                Some(Scaling::Ewma { lambda }) => {
                    format!(", scaled to today's volatility (exponentially weighted, lambda {lambda})")
                }
            };
            let weighted = match input.weights {
                None => String::new(),
                Some(weights @ Weighting::Exponential { lambda }) => {
                    let worth = weights.effective_number(labels.len()).round();
                    format!(", weighted by age (lambda {lambda}; worth {worth} equally likely windows)")
                }
            };
            format!("{windows} of {}, {first} to {last}{scaled}{weighted}", counted(horizon, "day"))
        }
        _ => String::new(),
    };
    let weights = input.weights.map(|weights| weights.weights(labels.len()));
    let source = Source::Listed(Listed { is_history: true, labels, weights, shocks });
    Ok(Made { about, source, review: Review::of(&history, basis) })
}

/// Changes over every window of scaled daily changes, as shocks are. A relative change is scaled as a log return, so that no price falls
/// to 0.
fn scaled(series: &Series, values_are: ValuesAre, horizon: usize, scaling: Scaling) -> Vec<f64> {
    let daily = scaling.scaled(&series.daily_changes(values_are));
    let sums = daily.windows(horizon).map(|window| window.iter().sum::<f64>());
    if series.is_relative { sums.map(libm::expm1).collect() } else { sums.collect() }
}
