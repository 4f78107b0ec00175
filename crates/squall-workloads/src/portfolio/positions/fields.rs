//! Fields that several kinds share: words, amounts, rates, times.

use chrono::NaiveDate;
use squall_core::workload::InputError;

use super::super::dates::years_between;
use super::super::table::{Row, iso_date};

/// No traded contract runs longer; a later date is a typing error.
pub(super) const MAX_YEARS: f64 = 200.0;
/// A larger value is taken for a percentage.
const MAX_RATE: f64 = 1.0;

/// One of a few words.
pub(super) fn word<T: Copy>(row: Row<'_>, column: &str, names: &[(&str, T)]) -> Result<T, InputError> {
    let text = row.text(column)?;
    names.iter().find(|(name, _)| *name == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        row.error(column, format!("{text:?} is not one of {}", known.join(", ")))
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
pub(super) fn rate(row: Row<'_>, column: &str) -> Result<f64, InputError> {
    let rate = row.number(column)?;
    if rate.abs() <= MAX_RATE {
        Ok(rate)
    } else {
        Err(row.error(
            column,
            format!("{rate} is out of range; a rate must be from -1 to 1, so write 4 % as 0.04"),
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
        _ => Err(row.error(column, format!("{text:?} is not a whole number from {low} to {high}"))),
    }
}

/// Years from the valuation date, 0 or more, from a date or a number of years.
pub(super) fn years(
    row: Row<'_>,
    column: &str,
    text: &str,
    valuation_date: NaiveDate,
) -> Result<f64, InputError> {
    let years = match (iso_date(text), text.parse::<f64>()) {
        (Some(date), _) => years_between(valuation_date, date),
        (None, Ok(years)) if years.is_finite() => years,
        _ => {
            let problem =
                format!("{text:?} is neither a date like 2026-12-31 nor a number of years like 0.5");
            return Err(row.error(column, problem));
        }
    };
    if years < 0.0 {
        return Err(row.error(column, format!("{text:?} is before the valuation date {valuation_date}")));
    }
    if years > MAX_YEARS {
        let problem =
            format!("{text:?} is more than {MAX_YEARS} years after the valuation date {valuation_date}");
        return Err(row.error(column, problem));
    }
    // A negative zero is the valuation date too.
    Ok(years + 0.0)
}

/// A date after the valuation date.
pub(super) fn future_date(
    row: Row<'_>,
    column: &str,
    valuation_date: NaiveDate,
) -> Result<NaiveDate, InputError> {
    let date = row.date(column)?;
    let years = years_between(valuation_date, date);
    if years <= 0.0 {
        let problem = format!("{date} must be after the valuation date {valuation_date}");
        return Err(row.error(column, problem));
    }
    if years > MAX_YEARS {
        let problem =
            format!("{date} is more than {MAX_YEARS} years after the valuation date {valuation_date}");
        return Err(row.error(column, problem));
    }
    Ok(date)
}
