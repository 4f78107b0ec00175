//! Fields that several kinds share: words, amounts, rates, times.

use chrono::NaiveDate;
use squall_core::workload::InputError;

use super::super::dates::{after_tenor, years_between};
use super::super::market::spec::Limits;
use super::super::table::{Row, iso_date};
use super::super::units::percentage;
use crate::reading::quoted;

/// No traded contract runs longer; a later date is a typing error.
pub(super) const MAX_YEARS: f64 = 200.0;

/// One of a few words.
pub(super) fn word<T: Copy>(row: Row<'_>, column: &str, names: &[(&str, T)]) -> Result<T, InputError> {
    let text = row.text(column)?;
    names.iter().find(|(name, _)| *name == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        row.error(column, format!("{} is not one of {}", quoted(text), known.join(", ")))
    })
}

/// A number above 0.
pub(super) fn above_zero(row: Row<'_>, column: &str) -> Result<f64, InputError> {
    let number = row.number(column)?;
    if number > 0.0 { Ok(number) } else { Err(row.error(column, format!("{number} must be above 0"))) }
}

/// A number of 0 or more.
pub(super) fn not_negative(row: Row<'_>, column: &str) -> Result<f64, InputError> {
    let number = row.number(column)?;
    if number >= 0.0 { Ok(number) } else { Err(row.error(column, format!("{number} must not be negative"))) }
}

/// A rate per year.
pub(super) fn rate(row: Row<'_>, column: &str, limits: Limits) -> Result<f64, InputError> {
    let most = limits.rate;
    let rate = row.number(column)?;
    if rate.abs() <= most {
        Ok(rate)
    } else {
        Err(row.error(
            column,
            format!(
                "{rate} is out of range; a rate must be from {} to {most}, so {}",
                -most,
                percentage(rate, "rate")
            ),
        ))
    }
}

/// A whole number from `low` to `high`, or nothing if the field is empty.
pub(super) fn optional_count(
    row: Row<'_>,
    column: &str,
    low: usize,
    high: usize,
) -> Result<Option<usize>, InputError> {
    let Some(text) = row.optional_text(column) else { return Ok(None) };
    match text.parse::<usize>() {
        Ok(count) if count >= low && count <= high => Ok(Some(count)),
        _ => Err(row.error(column, format!("{} is not a whole number from {low} to {high}", quoted(text)))),
    }
}

/// Years from the valuation date, 0 or more, from a date, a tenor or a number of years.
pub(super) fn years(
    row: Row<'_>,
    column: &str,
    text: &str,
    valuation_date: NaiveDate,
) -> Result<f64, InputError> {
    let date = iso_date(text).or_else(|| after_tenor(valuation_date, text));
    let years = match (date, text.parse::<f64>()) {
        (Some(date), _) => years_between(valuation_date, date),
        (None, Ok(years)) if years.is_finite() => years,
        _ => {
            let problem = format!(
                "{} is neither a date like 2026-12-31 nor a time like 0.5 (years) or 6M",
                quoted(text)
            );
            return Err(row.error(column, problem));
        }
    };
    if years < 0.0 {
        let out = match column {
            "expiry" | "maturity" => "; \"expired\": \"skip\" leaves it out",
            _ => "",
        };
        let problem = format!("{} is before the valuation date {valuation_date}{out}", quoted(text));
        return Err(row.error(column, problem));
    }
    if years > MAX_YEARS {
        let problem = match date_of_another_kind(text) {
            Some(kind) => {
                format!("{} is no number of years but {kind}; write a date like 2026-12-31", quoted(text))
            }
            None => format!(
                "{} is more than {MAX_YEARS} years after the valuation date {valuation_date}",
                quoted(text)
            ),
        };
        return Err(row.error(column, problem));
    }
    // A negative zero is the valuation date too.
    Ok(years + 0.0)
}

/// What a number is likely to be that is too large for years.
fn date_of_another_kind(text: &str) -> Option<&'static str> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match (digits, text.len(), text.parse::<u32>().ok()?) {
        (true, 8, 19_000_101..=22_991_231) => Some("a date without dashes"),
        (true, 4, 1_900..=2_299) => Some("a year"),
        // 1954 to 2064, counted from 1900.
        (true, 5, 20_000..=60_000) => Some("a date as Excel counts days"),
        _ => None,
    }
}
