//! A history of factors: levels or daily changes, one row per day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use squall_core::sources::Files;
use squall_core::workload::InputError;

use super::basis::Basis;
use super::changes::{Absolute, Change, check_used};
use super::{
    HistoricalInput, HistoryInput, Missing, ValuesAre, check_count, counted, csv_bytes, factor_names,
    is_relative,
};
use crate::portfolio::market::spec::Limits;
use crate::portfolio::shock::Factor;
use crate::portfolio::table::{Row, Table, iso_date};
use crate::portfolio::units::percentage;
use crate::reading::{Complaints, first_of, listed, quoted};

const DATE: &str = "date";
/// A level beyond this is a typing error.
const MAX_LEVEL: f64 = 1e15;

/// How to read a history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options<'a> {
    file: Option<&'a String>,
    csv: Option<&'a String>,
    values: ValuesAre,
    scale: &'a BTreeMap<String, f64>,
    missing: Missing,
    skip_dates: &'a [String],
    changes: &'a BTreeMap<String, Change>,
}

/// A history that has been checked: levels whose changes are relative are positive, relative changes above -1.
#[derive(Debug, Clone)]
pub(super) struct History {
    pub(super) values_are: ValuesAre,
    /// Strictly increasing.
    pub(super) dates: Vec<NaiveDate>,
    pub(super) series: Vec<Series>,
    /// Rows without the skipped dates.
    n_rows: usize,
    /// Rows that are left out since a cell has no value, and in how many of them each factor has none.
    n_left_out: usize,
    n_missing: Vec<usize>,
}

/// One factor's history.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) factor_idx: usize,
    pub(super) factor: Factor,
    pub(super) is_relative: bool,
    /// What one of its absolute changes is as a shock: 1, or the inverse of today's price where the shock is relative, or of its scale.
    unit: f64,
    /// Whether it moves in units of a price that is normal.
    pub(super) is_scaled: bool,
    pub(super) values: Vec<f64>,
}

impl<'a> From<&'a HistoricalInput> for Options<'a> {
    fn from(input: &'a HistoricalInput) -> Self {
        let HistoricalInput {
            file,
            csv,
            values,
            horizon_days: _,
            scale,
            missing,
            skip_dates,
            changes,
            scaling: _,
            weights: _,
        } = input;
        let (file, csv) = (file.as_ref(), csv.as_ref());
        Self { file, csv, values: *values, scale, missing: *missing, skip_dates, changes }
    }
}

impl<'a> From<&'a HistoryInput> for Options<'a> {
    fn from(input: &'a HistoryInput) -> Self {
        let HistoryInput { file, csv, values, scale, missing, skip_dates, changes } = input;
        let (file, csv) = (file.as_ref(), csv.as_ref());
        Self { file, csv, values: *values, scale, missing: *missing, skip_dates, changes }
    }
}

impl History {
    /// Reads the history that the input at `place` describes.
    pub(super) fn read(
        place: &str,
        options: Options<'_>,
        basis: &Basis<'_>,
        files: &Files,
    ) -> Result<Self, InputError> {
        let (name, bytes) = csv_bytes(place, options.file, options.csv, files)?;
        let table = Table::parse(&name, bytes)?;
        if !table.has(DATE) {
            return Err(match table.header().iter().find(|name| name.eq_ignore_ascii_case(DATE)) {
                Some(name) => {
                    table.header_error(name, format!("unknown column {}; write {DATE}", quoted(name)))
                }
                None => table.missing_column(DATE),
            });
        }
        check_count(table.rows().len())?;
        let columns: Vec<&String> = table.header().iter().filter(|column| *column != DATE).collect();
        if columns.is_empty() {
            return Err(table.header_error("", "no column names a factor; name at least one, like spot:SPX"));
        }
        check_scale(place, options.scale, &columns)?;
        let absolute = Absolute::new(place, options.changes, basis)?;
        let skipped = skipped_dates(place, options.skip_dates, &table)?;
        let mut series = Vec::with_capacity(columns.len());
        for factor_idx in factor_names::of_columns(basis.factors, &table, &columns)? {
            let factor = basis.factors.0[factor_idx].clone();
            let unit = absolute.unit(factor_idx);
            let is_relative = is_relative(&factor) && unit.is_none();
            let is_scaled = basis.scale(factor_idx).is_some();
            let (unit, values) = (unit.unwrap_or(1.0), Vec::with_capacity(table.rows().len()));
            series.push(Series { factor_idx, factor, is_relative, unit, is_scaled, values });
        }
        let used: Vec<usize> = series.iter().map(|series: &Series| series.factor_idx).collect();
        check_used(place, &absolute, &used, basis)?;
        let n_missing = vec![0; series.len()];
        let (values_are, dates) = (options.values, Vec::new());
        let mut history = History { values_are, dates, series, n_rows: 0, n_left_out: 0, n_missing };
        let mut complaints = Complaints::default();
        for row in table.rows() {
            complaints.take(history.add_row(row, &columns, options, &skipped, basis));
        }
        complaints.end()?;
        match history.left_out_note() {
            Some(note) if history.dates.is_empty() => Err(InputError::new(format!("{place}.missing"), note)),
            _ => Ok(history),
        }
    }

    fn add_row(
        &mut self,
        row: Row<'_>,
        columns: &[&String],
        options: Options<'_>,
        skipped: &BTreeSet<NaiveDate>,
        basis: &Basis<'_>,
    ) -> Result<(), InputError> {
        let date = row.date(DATE)?;
        if skipped.contains(&date) {
            return Ok(());
        }
        if let Some(last) = self.dates.last()
            && date <= *last
        {
            return Err(row
                .error(DATE, format!("{date} follows {last}; rows must go from old to new, each day once")));
        }
        self.n_rows += 1;
        let has_none = |column: &str| row.optional_text(column).is_none_or(is_missing);
        if let Some(column) = columns.iter().find(|column| has_none(column)) {
            return match options.missing {
                Missing::SkipRow => {
                    self.n_left_out += 1;
                    for (n, column) in self.n_missing.iter_mut().zip(columns) {
                        *n += usize::from(has_none(column));
                    }
                    Ok(())
                }
                Missing::Refuse => Err(row.error(
                    column,
                    "no value; fill it in, or say \"missing\": \"skip_row\" to leave out days like this one",
                )),
            };
        }
        self.dates.push(date);
        for (series, column) in self.series.iter_mut().zip(columns) {
            let value = row.number(column)? * options.scale.get(*column).copied().unwrap_or(1.0);
            series.check(value, self.values_are, basis.limits).map_err(|e| row.error(column, e))?;
            series.values.push(value);
        }
        Ok(())
    }

    /// How many rows are left out since cells have no value, and whose.
    pub(super) fn left_out_note(&self) -> Option<String> {
        const SHOWN: usize = 3;
        let mut missing: Vec<(usize, &Series)> =
            self.n_missing.iter().copied().zip(&self.series).filter(|(n, _)| *n > 0).collect();
        missing.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
        let named: Vec<String> =
            missing.iter().map(|(n, it)| format!("{} is missing in {n}", it.factor)).collect();
        let are = if self.n_left_out == 1 { "is" } else { "are" };
        (self.n_left_out > 0).then(|| {
            format!(
                "{} of {} of the history {are} left out: {}",
                self.n_left_out,
                counted(self.n_rows, "row"),
                first_of(&named, SHOWN)
            )
        })
    }

    /// How many daily changes there are.
    pub(super) fn n_changes(&self) -> usize {
        match self.values_are {
            ValuesAre::Levels => self.dates.len().saturating_sub(1),
            ValuesAre::Returns => self.dates.len(),
        }
    }

    /// The day at whose end a daily change had happened.
    pub(super) fn date_of_change(&self, idx: usize) -> Option<NaiveDate> {
        let row = match self.values_are {
            ValuesAre::Levels => idx.checked_add(1)?,
            ValuesAre::Returns => idx,
        };
        self.dates.get(row).copied()
    }
}

impl Series {
    fn check(&self, value: f64, values_are: ValuesAre, limits: Limits) -> Result<(), String> {
        let Self { factor, .. } = self;
        let percent = |range: String, limit: &str| {
            let percentage = percentage(value, limit);
            Err(format!(
                "{value:?} is out of range; {range}; add \"scale\": {{\"{factor}\": 0.01}}, or {percentage}"
            ))
        };
        let is_absolute = !self.is_relative;
        match (values_are, factor) {
            _ if !value.is_finite() => Err("too large after scaling".to_owned()),
            (_, Factor::Spot(_)) if is_absolute && value.abs() > MAX_LEVEL => {
                Err(format!("{value:?} is out of range; a level and its changes are within ±1e15"))
            }
            (_, Factor::Spot(_)) if is_absolute => Ok(()),
            (ValuesAre::Levels, Factor::Vol(_)) if self.is_scaled && !(0.0..=MAX_LEVEL).contains(&value) => {
                Err(format!(
                    "{value:?} is out of range; a volatility in units of the price is from 0 to 1e15"
                ))
            }
            (ValuesAre::Returns, Factor::Vol(_)) if self.is_scaled && value.abs() > MAX_LEVEL => {
                Err(format!(
                    "{value:?} is out of range; a change of a volatility in units of the price is within ±1e15"
                ))
            }
            (_, Factor::Vol(_)) if self.is_scaled => Ok(()),
            (ValuesAre::Levels, Factor::Spot(_)) if value <= 0.0 => Err(format!(
                "a level of {value}, but a relative change needs levels above 0; leave the row out, with \"skip_dates\": [\"its date\"], \
                 or take the changes in units of the price, with \"changes\": {{\"{factor}\": \"absolute\"}}"
            )),
            (ValuesAre::Levels, Factor::Fx(_)) if value <= 0.0 => Err(format!(
                "a level of {value}, but an exchange rate is above 0; leave the row out, with \"skip_dates\": [\"its date\"]"
            )),
            (ValuesAre::Returns, Factor::Spot(_) | Factor::Fx(_)) if value <= -1.0 => Err(format!(
                "a relative change of {value}, but it must be above -1 (-0.1 is 10 % down); if the values are in percent, add \
                     \"scale\": {{\"{factor}\": 0.01}}"
            )),
            (_, Factor::Spot(_) | Factor::Fx(_)) => Ok(()),
            (_, Factor::Rate(_) | Factor::Spread(_)) if value.abs() > limits.rate => {
                percent(format!("a rate must be from {} to {}", -limits.rate, limits.rate), "rate")
            }
            (ValuesAre::Levels, Factor::Vol(_)) if !(0.0..=limits.vol).contains(&value) => {
                percent(format!("a volatility must be from 0 to {}", limits.vol), "vol")
            }
            (ValuesAre::Returns, Factor::Vol(_)) if value.abs() > limits.vol => percent(
                format!("a change of a volatility must be from {} to {}", -limits.vol, limits.vol),
                "vol",
            ),
            (_, Factor::Rate(_) | Factor::Spread(_) | Factor::Vol(_)) => Ok(()),
        }
    }

    /// Daily changes in the factor's own unit: shares of the price if relative, differences if absolute.
    pub(super) fn own_changes(&self, values_are: ValuesAre) -> Vec<f64> {
        match (values_are, self.is_relative) {
            (ValuesAre::Levels, true) => self.values.windows(2).map(|w| w[1] / w[0] - 1.0).collect(),
            (ValuesAre::Levels, false) => self.values.windows(2).map(|w| w[1] - w[0]).collect(),
            (ValuesAre::Returns, _) => self.values.clone(),
        }
    }

    /// Daily changes, as random models take them: log returns if relative, else the shocks of the differences.
    pub(super) fn daily_changes(&self, values_are: ValuesAre) -> Vec<f64> {
        match (values_are, self.is_relative) {
            (ValuesAre::Levels, true) => self.values.windows(2).map(|w| libm::log(w[1] / w[0])).collect(),
            (_, false) => self.own_changes(values_are).iter().map(|change| change * self.unit).collect(),
            (ValuesAre::Returns, true) => self.values.iter().map(|change| libm::log1p(*change)).collect(),
        }
    }

    /// A change in the factor's own unit as a shock.
    pub(super) fn as_shock(&self, change: f64) -> f64 {
        change * self.unit
    }

    /// Changes over every window of `horizon` days, as shocks are: relative or absolute.
    pub(super) fn window_changes(&self, values_are: ValuesAre, horizon: usize) -> Vec<f64> {
        let pairs = self.values.iter().zip(self.values.iter().skip(horizon));
        match (values_are, self.is_relative) {
            (ValuesAre::Levels, true) => pairs.map(|(from, to)| to / from - 1.0).collect(),
            (ValuesAre::Levels, false) => pairs.map(|(from, to)| (to - from) * self.unit).collect(),
            (ValuesAre::Returns, true) => {
                let grown =
                    |window: &[f64]| window.iter().fold(1.0, |product, change| product * (1.0 + change));
                self.values.windows(horizon).map(|window| grown(window) - 1.0).collect()
            }
            (ValuesAre::Returns, false) => {
                self.values.windows(horizon).map(|window| window.iter().sum::<f64>() * self.unit).collect()
            }
        }
    }
}

/// The dates that are left out; each must be there.
fn skipped_dates(place: &str, dates: &[String], table: &Table) -> Result<BTreeSet<NaiveDate>, InputError> {
    if dates.is_empty() {
        return Ok(BTreeSet::new());
    }
    let known: BTreeSet<NaiveDate> = table.rows().filter_map(|row| row.date(DATE).ok()).collect();
    let mut skipped = BTreeSet::new();
    for (idx, text) in dates.iter().enumerate() {
        let error = |problem: String| Err(InputError::new(format!("{place}.skip_dates[{idx}]"), problem));
        match iso_date(text) {
            None => return error(format!("{} is not a date; write it like 2026-12-31", quoted(text))),
            Some(date) if !known.contains(&date) => {
                return error(format!("the history has no row of {date}; leave it out"));
            }
            Some(date) => drop(skipped.insert(date)),
        }
    }
    Ok(skipped)
}

fn check_scale(place: &str, scale: &BTreeMap<String, f64>, columns: &[&String]) -> Result<(), InputError> {
    for (column, factor) in scale {
        let error = |problem| Err(InputError::new(format!("{place}.scale.{column}"), problem));
        if !columns.contains(&column) {
            let columns = listed(columns.iter().map(|column| column.as_str()));
            return error(format!("the history has no such column; it has {columns}"));
        }
        if !(*factor > 0.0 && factor.is_finite()) {
            return error(format!("{factor} does not scale anything; it must be above 0"));
        }
    }
    Ok(())
}

/// How data vendors and spreadsheets write that there is no value.
const MISSING: [&str; 26] = [
    ".", "-", "--", "–", "—", "NA", "N/A", "n.a.", "n/a.", "N/M", "n.m.", "n/d", "n.d.", "#NA", "#VALUE!",
    "#REF!", "#DIV/0!", "#NUM!", "#NAME?", "#NULL!", "NaN", "null", "none", "nil", "ND", "NM",
];

fn is_missing(text: &str) -> bool {
    // A data terminal adds why: `#N/A Invalid Security`.
    text.starts_with("#N/A") || MISSING.iter().any(|word| text.eq_ignore_ascii_case(word))
}
