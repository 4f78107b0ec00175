//! Historical simulation: the change over each past window, as a shock to today.

use squall_core::sources::Files;
use squall_core::workload::InputError;

use super::history::History;
use super::{HistoricalInput, Listed, MAX_HORIZON_DAYS, PLACE, Source, ValuesAre, check_shock, counted};
use crate::portfolio::shock::Factors;

pub(super) fn prepare(
    input: &HistoricalInput,
    factors: &Factors,
    files: &Files,
) -> Result<(String, Source), InputError> {
    let history = History::read(PLACE, input.into(), factors, files)?;
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
    // A window of returns ends with its last row; a window of levels needs one row more to start from.
    let first_end = match history.values_are {
        ValuesAre::Levels => horizon,
        ValuesAre::Returns => horizon - 1,
    };
    let labels: Vec<String> = history.dates.iter().skip(first_end).map(ToString::to_string).collect();
    let mut shocks = Vec::with_capacity(history.series.len());
    for series in &history.series {
        let changes = series.window_changes(history.values_are, horizon);
        let factor = &factors.0[series.factor_idx];
        for (change, label) in changes.iter().zip(&labels) {
            check_shock(factor, *change)
                .map_err(|e| InputError::new(PLACE, format!("the window that ends on {label}: {e}")))?;
        }
        shocks.push((series.factor_idx, changes));
    }
    let about = match (labels.first(), labels.last()) {
        (Some(first), Some(last)) => {
            let windows = counted(labels.len(), "historical window");
            format!("{windows} of {}, {first} to {last}", counted(horizon, "day"))
        }
        _ => String::new(),
    };
    Ok((about, Source::Listed(Listed { is_history: true, labels, shocks })))
}
