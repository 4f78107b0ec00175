//! What a history has that its author should know of: its largest changes, and what no history of daily prices has.
//!
//! A change is measured in standard deviations of the factor's own changes, robustly, so that one jump does not hide itself or another:
//! the distance from the median over 1.4826 times the median absolute deviation, or over 1.2533 times the mean absolute deviation where
//! most changes are the same (B. Iglewicz and D. C. Hoaglin, "How to Detect and Handle Outliers", 1993).

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate, Weekday};

use super::ValuesAre;
use super::basis::Basis;
use super::history::{History, Series};
use crate::portfolio::money::separated;
use crate::portfolio::shock::Factor;
use crate::reading::{bounded, first_of, rounded};

/// Changes that are reported.
const N_LARGEST: usize = 5;
/// Longer than this many calendar days, over holidays too, is no day's change.
const LONG_GAP_DAYS: i64 = 7;
/// Rows further apart than this, usually, are not a day's.
const MOST_DAYS_APART: i64 = 4;
/// The same value in so many rows is no market's.
const MANY_REPEATS: usize = 10;
/// Factors that a note names.
const SHOWN: usize = 3;
/// A last level this many times today's, or as small a part of it, is in another unit.
const UNIT_RATIO: f64 = 20.0;
/// The same of a price whose changes are taken in its own units.
const PRICE_RATIO: f64 = 3.0;

/// A change that is no larger, as a share of the level, is what is left of rounding.
const OF_ROUNDING: f64 = 1e-9;
/// Most changes are practically none where the median deviation is a smaller part of the mean one: a rate that moves only when it is set.
const MOSTLY_STILL: f64 = 0.1;
/// Notes about one history.
pub(super) const MOST_NOTES: usize = 11;

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Review {
    /// The largest daily changes of all factors, the largest in standard deviations first; first one of each factor.
    pub largest: Vec<LargeChange>,
    /// What else, a line each.
    pub notes: Vec<String>,
}

/// A daily change of a history.
#[derive(Debug, Clone, PartialEq)]
pub struct LargeChange {
    /// What changed.
    pub factor: Factor,
    /// The day by whose end it had.
    pub date: NaiveDate,
    /// How much: a share of the price, or an absolute change in the factor's unit.
    pub change: f64,
    /// Whether it is a share.
    pub is_relative: bool,
    /// Whether it is in units of a price.
    pub is_in_units: bool,
    /// How much in standard deviations of the factor's changes.
    pub deviations: f64,
}

/// The middle of some changes, and their standard deviation if they have any.
struct Spread {
    median: f64,
    deviation: f64,
    /// A usual distance, whatever the few large ones are.
    usual: f64,
}

impl Review {
    /// Of a history, to be applied to the market of `basis`.
    pub(super) fn of(history: &History, basis: &Basis<'_>) -> Self {
        // With how many of the same factor go before.
        let mut largest: Vec<(usize, LargeChange)> = Vec::new();
        let mut notes = Vec::new();
        notes.extend(history.left_out_note());
        notes.extend(after_today(history, basis));
        notes.extend(gaps(history));
        let changes_of = |series: &Series| series.own_changes(history.values_are);
        let all_changes: Vec<Vec<f64>> = history.series.iter().map(changes_of).collect();
        notes.extend(weekends(history, &all_changes));
        notes.extend(repeats(history, &all_changes));
        for (series, changes) in history.series.iter().zip(&all_changes) {
            notes.extend(unlikely_level(series, history, basis));
            let spread = Spread::of(changes);
            let usual = match &spread {
                Some(spread) => spread.usual,
                None => median(changes.iter().map(|change| change.abs()).collect()).unwrap_or(0.0),
            };
            notes.extend(unlikely_changes(series, usual));
            let rounding = rounding_of(series, history.values_are);
            let Some(spread) = spread.filter(|it| it.deviation > rounding) else { continue };
            let mut far: Vec<(usize, f64)> = changes
                .iter()
                .map(|change| (change - spread.median).abs() / spread.deviation)
                .enumerate()
                .filter(|(idx, _)| changes.get(*idx).is_some_and(|change| change.abs() > rounding))
                .collect();
            far.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
            let change = |(idx, deviations): (usize, f64)| {
                Some(LargeChange {
                    factor: series.factor.clone(),
                    date: history.date_of_change(idx)?,
                    change: *changes.get(idx)?,
                    is_relative: series.is_relative,
                    is_in_units: series.is_scaled
                        || (matches!(series.factor, Factor::Spot(_)) && !series.is_relative),
                    deviations,
                })
            };
            largest.extend(far.into_iter().take(N_LARGEST).filter_map(change).enumerate());
            // No factor fills the places of others.
            largest.sort_by(|(n, a), (m, b)| n.cmp(m).then(b.deviations.total_cmp(&a.deviations)));
            largest.truncate(N_LARGEST);
        }
        let mut largest: Vec<LargeChange> = largest.into_iter().map(|(_, change)| change).collect();
        largest.sort_by(|a, b| b.deviations.total_cmp(&a.deviations));
        Self { largest, notes: bounded(notes, MOST_NOTES) }
    }
}

impl Spread {
    /// `None` where nothing changes.
    fn of(changes: &[f64]) -> Option<Self> {
        const OF_THE_MEDIAN: f64 = 1.482_602_218_505_602;
        const OF_THE_MEAN: f64 = 1.253_314_137_315_500_3;
        let center = median(changes.to_vec())?;
        let distances: Vec<f64> = changes.iter().map(|change| (change - center).abs()).collect();
        #[expect(clippy::cast_precision_loss, reason = "a number of days")]
        let mean = distances.iter().sum::<f64>() / distances.len() as f64;
        let by_median = median(distances)? * OF_THE_MEDIAN;
        let by_mean = mean * OF_THE_MEAN;
        let deviation = if by_median > MOSTLY_STILL * by_mean { by_median } else { by_mean };
        let usual = if by_median > 0.0 { by_median } else { by_mean };
        (deviation > 0.0).then_some(Self { median: center, deviation, usual })
    }
}

/// The size of a change that may be nothing but a level's last digits.
fn rounding_of(series: &Series, values_are: ValuesAre) -> f64 {
    let level = match (values_are, series.is_relative) {
        (_, true) => 1.0,
        (ValuesAre::Levels, false) => {
            series.values.iter().fold(0.0, |most: f64, value| most.max(value.abs()))
        }
        (ValuesAre::Returns, false) => 0.0,
    };
    level * OF_ROUNDING
}

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let high = *numbers.get(middle)?;
    match numbers.len() % 2 {
        0 => Some(f64::midpoint(*numbers.get(middle.checked_sub(1)?)?, high)),
        _ => Some(high),
    }
}

fn after_today(history: &History, basis: &Basis<'_>) -> Option<String> {
    let today = basis.valuation_date?;
    let n = history.dates.iter().filter(|date| **date > today).count();
    let last = history.dates.last()?;
    (n > 0).then(|| {
        format!(
            "{} of the history's {} dates, to {last}, are after the valuation date {today}",
            separated(n as u128),
            separated(history.dates.len() as u128)
        )
    })
}

fn gaps(history: &History) -> Vec<String> {
    let days = |pair: &[NaiveDate]| match pair {
        [from, to] => to.signed_duration_since(*from).num_days(),
        _ => 0,
    };
    let mut apart: Vec<i64> = history.dates.windows(2).map(days).collect();
    let longest = history.dates.windows(2).max_by_key(|pair| (days(pair), std::cmp::Reverse(pair.to_vec())));
    let Some([from, to]) = longest else { return Vec::new() };
    let longest = to.signed_duration_since(*from).num_days();
    apart.sort_unstable();
    let usual = apart.get(apart.len() / 2).copied().unwrap_or(1);
    let mut notes = Vec::new();
    if usual > MOST_DAYS_APART {
        notes.push(format!(
            "the history's rows are {usual} days apart, and a day's change is from row to row"
        ));
    }
    let long = LONG_GAP_DAYS.max(usual.saturating_mul(3));
    match apart.iter().filter(|days| **days > long).count() {
        0 => {}
        1 => notes.push(format!("a gap of the history counts as one day: {from} to {to}, {longest} days")),
        n => notes.push(format!(
            "{} gaps of the history of more than {long} days count as one day each, the longest {from} to {to}, {longest} days",
            separated(n as u128)
        )),
    }
    notes
}

/// Saturdays and Sundays on which a factor has the value of the day before.
fn weekends(history: &History, all_changes: &[Vec<f64>]) -> Option<String> {
    let is_weekend = |date: &NaiveDate| matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
    let flat = |changes: &[f64]| {
        let unchanged = changes.iter().enumerate().filter(|(_, change)| **change == 0.0);
        let dates = unchanged.filter_map(|(idx, _)| history.date_of_change(idx)).filter(is_weekend);
        dates.collect::<BTreeSet<NaiveDate>>()
    };
    let found: Vec<(&Factor, BTreeSet<NaiveDate>)> = history
        .series
        .iter()
        .zip(all_changes)
        .map(|(it, changes)| (&it.factor, flat(changes)))
        .filter(|(_, dates)| !dates.is_empty())
        .collect();
    let dates: BTreeSet<&NaiveDate> = found.iter().flat_map(|(_, dates)| dates).collect();
    let first = dates.first()?;
    let when = match dates.len() {
        1 => format!("on a Saturday or Sunday of the history ({first})"),
        n => format!("on {} Saturdays and Sundays of the history (the first {first})", separated(n as u128)),
    };
    let names: Vec<String> = found.iter().map(|(factor, _)| factor.to_string()).collect();
    Some(format!(
        "without a change {when}: {}; such rows make risk look smaller, so leave them out",
        first_of(&names, SHOWN)
    ))
}

/// The longest run of days without a change, of each factor.
fn repeats(history: &History, all_changes: &[Vec<f64>]) -> Option<String> {
    let mut found: Vec<(usize, &Factor, NaiveDate)> = Vec::new();
    for (series, changes) in history.series.iter().zip(all_changes) {
        let (mut longest, mut end, mut run) = (0, 0, 0);
        for (idx, change) in changes.iter().enumerate() {
            run = if *change == 0.0 { run + 1 } else { 0 };
            if run > longest {
                (longest, end) = (run, idx);
            }
        }
        if longest >= MANY_REPEATS
            && let Some(date) = history.date_of_change(end)
        {
            found.push((longest, &series.factor, date));
        }
    }
    found.sort_by(|(a, ..), (b, ..)| b.cmp(a));
    let named: Vec<String> = found
        .iter()
        .map(|(n, factor, date)| format!("{factor} ({} days, to {date})", separated(*n as u128)))
        .collect();
    (!named.is_empty()).then(|| format!("without any change in the history: {}", first_of(&named, SHOWN)))
}

/// A last level that today's is far from, so that it is likely in another unit.
fn unlikely_level(series: &Series, history: &History, basis: &Basis<'_>) -> Option<String> {
    let most = match series.factor {
        Factor::Spot(_) if !series.is_relative => PRICE_RATIO,
        Factor::Spot(_) | Factor::Fx(_) => return None,
        _ => UNIT_RATIO,
    };
    let [low, high] = basis.levels.get(series.factor_idx).copied().flatten()?;
    // A curve on both sides of 0 has no smallest size.
    let smallest = if low < 0.0 && high > 0.0 { 0.0 } else { low.abs().min(high.abs()) };
    let greatest = low.abs().max(high.abs());
    let last = match history.values_are {
        ValuesAre::Levels => *series.values.last()?,
        ValuesAre::Returns => return None,
    };
    let size = last.abs();
    let is_far = size > 0.0 && greatest > 0.0 && (size > greatest * most || size < smallest / most);
    is_far.then(|| {
        let factor = &series.factor;
        let today = if low == high { rounded(high).to_string() } else { format!("{} to {}", rounded(low), rounded(high)) };
        format!(
            "{factor} ends at {} in the history and is {today} in the market: if they are in different units, say \"scale\": \
             {{\"{factor}\": 0.01}} or what it is",
            rounded(last)
        )
    })
}

/// Shocks larger than those of any crisis, as of percentages that were taken for fractions.
pub(super) fn unlikely_shock(factor: &Factor, shocks: &[f64], scale: Option<f64>) -> Option<String> {
    let (most, example) = match factor {
        Factor::Spot(_) | Factor::Fx(_) => return None,
        Factor::Vol(_) => (1.0, "a volatility point is 0.01"),
        Factor::Rate(_) | Factor::Spread(_) => (0.1, "a basis point is 0.0001"),
    };
    let largest = shocks.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
    if let Some(scale) = scale {
        return (largest.abs() > most).then(|| {
            let changed = rounded(largest * scale);
            format!("{factor} changes by {changed} in a scenario, more than its highest volatility (in units of the price): is it meant?")
        });
    }
    (largest.abs() > most)
        .then(|| format!("{factor} changes by {} in a scenario ({example}): is it meant?", rounded(largest)))
}

/// Changes that are usual for no market, as of percentages that were taken for fractions.
fn unlikely_changes(series: &Series, usual: f64) -> Option<String> {
    let (most, example) = match series.factor {
        Factor::Spot(_) if !series.is_relative => return None,
        Factor::Vol(_) if series.is_scaled => {
            const MOST: f64 = 0.5;
            return (series.as_shock(usual) > MOST).then(|| {
                let factor = &series.factor;
                format!(
                    "a usual daily change of {factor} in the history is {}, as large as its volatilities in the market (in units of the \
                     price): if they are in different units, say \"scale\": {{\"{factor}\": 0.01}} or what it is",
                    rounded(usual)
                )
            });
        }
        Factor::Spot(_) | Factor::Fx(_) => (0.2, "1 % is 0.01"),
        Factor::Vol(_) => (0.1, "a volatility point is 0.01"),
        Factor::Rate(_) | Factor::Spread(_) => (0.003, "a basis point is 0.0001"),
    };
    (usual > most).then(|| {
        let factor = &series.factor;
        format!(
            "a usual daily change of {factor} in the history is {} ({example}): if its values are in percent, say \"scale\": \
             {{\"{factor}\": 0.01}}",
            rounded(usual)
        )
    })
}
