//! Reads the conventions of interest: day counts, schedules, calendars.

use chrono::NaiveDate;
use squall_core::workload::InputError;

use super::super::dates::calendar::{Adjustment, Calendar, ExDividend, Rule};
use super::super::dates::schedule::{Grid, Schedule};
use super::super::dates::{DayCount, Frequency, is_end_of_month, years_between};
use super::super::market::Market;
use super::super::table::{Row, iso_date};
use super::fields::{MAX_YEARS, optional_count, word};
use crate::reading::quoted;

/// More days are a typing error.
const MAX_EX_DAYS: u32 = 60;
const MAX_SETTLEMENT_DAYS: usize = 30;

/// A day count. There are two that people call `ACT/ACT`, and they differ by more than a basis point.
pub(super) fn day_count(row: Row<'_>, column: &str) -> Result<DayCount, InputError> {
    let text = row.text(column)?;
    let letters: String =
        text.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_uppercase();
    let is_known = DayCount::NAMES.iter().any(|(name, _)| *name == text);
    if !is_known && (letters.starts_with("ACTACT") || letters.starts_with("ACTUALACTUAL")) {
        let problem = format!(
            "{} may be one of two: write ACT/ACT-ICMA (also called ISMA or bond; government bonds, each regular coupon the same) or \
             ACT/ACT-ISDA (days in leap years / 366; swaps)",
            quoted(text)
        );
        return Err(row.error(column, problem));
    }
    word(row, column, &DayCount::NAMES)
}

/// The periods of a bond or of the fixed leg of a swap.
pub(super) fn schedule<'a>(
    row: Row<'_>,
    market: &'a Market,
    accrual_moves: bool,
) -> Result<Schedule<'a>, InputError> {
    let valuation_date = market.valuation_date();
    let frequency = word(row, "frequency", &Frequency::NAMES)?;
    let (calendar, adjustment) = business_days(row, market)?;
    let start = row.optional_date("start")?;
    let maturity = row.date("maturity")?;
    check_end(row, maturity, calendar.adjusted(maturity, adjustment), valuation_date)?;
    if let Some(start) = start
        && start >= maturity
    {
        return Err(row.error("start", format!("{start} must be before the maturity {maturity}")));
    }
    let first_coupon = row.optional_date("first_coupon")?;
    let last_coupon = row.optional_date("last_coupon")?;
    check_order(row, start, first_coupon, last_coupon, maturity)?;
    let regular = regular(row, frequency, first_coupon, last_coupon, maturity)?;
    Ok(Schedule {
        start,
        first_coupon,
        last_coupon,
        maturity,
        regular,
        calendar,
        adjustment,
        accrual_moves: accrual_moves && adjustment != Adjustment::Unadjusted,
    })
}

/// Checks that the last payment, on `redemption`, is to come.
fn check_end(
    row: Row<'_>,
    maturity: NaiveDate,
    redemption: NaiveDate,
    valuation_date: NaiveDate,
) -> Result<(), InputError> {
    let years = years_between(valuation_date, redemption);
    let problem = if years > MAX_YEARS {
        format!("{maturity} is more than {MAX_YEARS} years after the valuation date {valuation_date}")
    } else if years > 0.0 {
        return Ok(());
    } else if maturity == redemption {
        format!("{maturity} must be after the valuation date {valuation_date}")
    } else {
        format!("{maturity} is paid on {redemption}, which is not after the valuation date {valuation_date}")
    };
    Err(row.error("maturity", problem))
}

/// When the last payment of a bond or swap is made, if that can be told.
pub(super) fn last_payment(row: Row<'_>, market: &Market) -> Option<NaiveDate> {
    let (calendar, adjustment) = business_days(row, market).ok()?;
    row.optional_text("maturity").and_then(iso_date).map(|maturity| calendar.adjusted(maturity, adjustment))
}

fn check_order(
    row: Row<'_>,
    start: Option<NaiveDate>,
    first_coupon: Option<NaiveDate>,
    last_coupon: Option<NaiveDate>,
    maturity: NaiveDate,
) -> Result<(), InputError> {
    if let Some(first) = first_coupon {
        let Some(start) = start else {
            return Err(
                row.error("start", format!("is empty; the period to the first_coupon {first} needs it"))
            );
        };
        if first <= start {
            return Err(row.error("first_coupon", format!("{first} must be after the start {start}")));
        }
        let (name, end) = last_coupon.map_or(("maturity", maturity), |last| ("last_coupon", last));
        if first > end {
            return Err(row.error("first_coupon", format!("{first} must not be after the {name} {end}")));
        }
    }
    if let Some(last) = last_coupon {
        if last >= maturity {
            return Err(row.error("last_coupon", format!("{last} must be before the maturity {maturity}")));
        }
        if let Some(start) = start.filter(|start| last <= *start) {
            return Err(row.error("last_coupon", format!("{last} must be after the start {start}")));
        }
    }
    Ok(())
}

/// The regular dates: those that the first and the last coupon are both on, or the last coupon and what is before it.
///
/// Without `end_of_month` they are at the ends of months if the last of them is, unless the first one says otherwise.
fn regular(
    row: Row<'_>,
    frequency: Frequency,
    first_coupon: Option<NaiveDate>,
    last_coupon: Option<NaiveDate>,
    maturity: NaiveDate,
) -> Result<Grid, InputError> {
    let last = last_coupon.unwrap_or(maturity);
    let chosen = match row.optional_text("end_of_month") {
        None => None,
        Some(_) => Some(word(row, "end_of_month", &[("yes", true), ("no", false)])?),
    };
    if chosen == Some(true) && !is_end_of_month(last) {
        let problem = format!(
            "{last}, the last regular date, is not at the end of its month; write no, or leave it empty"
        );
        return Err(row.error("end_of_month", problem));
    }
    let grid = |anchor, end_of_month| Grid { anchor, frequency, end_of_month };
    let from_last = match chosen {
        Some(end_of_month) => grid(last, end_of_month),
        None => Grid::from(last, frequency),
    };
    let Some(first) = first_coupon.filter(|first| !from_last.contains(*first)) else { return Ok(from_last) };
    // 28 February may be what is left of a 30 August, and 30 June of a 31 December only where that was asked for.
    let others = [grid(first, false), grid(last, false)];
    let fits = |it: &Grid| it.contains(first) && it.contains(last);
    if chosen != Some(true)
        && let Some(other) = others.into_iter().find(fits)
    {
        return Ok(other);
    }
    let n = from_last.number_by(first);
    let near: Vec<String> =
        [n, n + 1].into_iter().filter_map(|n| from_last.date(n)).map(|it| it.to_string()).collect();
    let name = if last_coupon.is_some() { "last_coupon" } else { "maturity" };
    let problem = format!(
        "{first} is no whole number of {} periods before the {name} {last}; the nearest such dates are {}",
        row.text("frequency")?,
        near.join(" and ")
    );
    Err(row.error("first_coupon", problem))
}

/// The calendar, and how payments move.
fn business_days<'a>(row: Row<'_>, market: &'a Market) -> Result<(Calendar<'a>, Adjustment), InputError> {
    let adjustment = match row.optional_text("adjustment") {
        None => None,
        Some(_) => Some(word(row, "adjustment", &Adjustment::NAMES)?),
    };
    let Some(text) = row.optional_text("calendar") else {
        let uses = [
            ("adjustment", adjustment.is_some_and(|it| it != Adjustment::Unadjusted)),
            ("settlement_days", row.optional_text("settlement_days").is_some()),
            ("ex_dividend", row.optional_text("ex_dividend").is_some_and(|it| it.ends_with("BD"))),
        ];
        if let Some((column, _)) = uses.into_iter().find(|(_, is_used)| *is_used) {
            let problem = format!("is empty; {column} needs one, {}", known_calendars(market));
            return Err(row.error("calendar", problem));
        }
        return Ok((Calendar::default(), Adjustment::Unadjusted));
    };
    let mut calendar = Calendar::default();
    for name in text.split('+').map(str::trim) {
        if let Some((_, rule)) = Rule::NAMES.iter().find(|(known, _)| *known == name) {
            calendar.rules.push(*rule);
        } else if let Some(holidays) = market.calendars().get(name) {
            calendar.lists.push(holidays);
        } else {
            let problem = format!("{} is no calendar; {}", quoted(name), known_calendars(market));
            return Err(row.error("calendar", problem));
        }
    }
    let has_use = ["settlement_days", "ex_dividend"].iter().any(|it| row.optional_text(it).is_some());
    if adjustment.is_none() && !has_use {
        let problem = "is empty; with a calendar write following, modified_following or preceding, or unadjusted if payments stay on holidays";
        return Err(row.error("adjustment", problem));
    }
    Ok((calendar, adjustment.unwrap_or_default()))
}

fn known_calendars(market: &Market) -> String {
    let rules = Rule::NAMES.iter().map(|(name, _)| *name);
    let own = market.calendars().keys().map(String::as_str);
    let names: Vec<&str> = rules.chain(own.take(10)).collect();
    format!(
        "write {}, several joined by + like TARGET+UK, or one of the market's calendars",
        names.join(", ")
    )
}

/// How long before its payment a coupon is no longer the buyer's: `7BD` or `14D`.
pub(super) fn ex_dividend(row: Row<'_>) -> Result<Option<ExDividend>, InputError> {
    let Some(text) = row.optional_text("ex_dividend") else { return Ok(None) };
    let with_unit =
        |unit: &str| text.strip_suffix(unit)?.parse().ok().filter(|n| (1..=MAX_EX_DAYS).contains(n));
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'B' || byte == b'D');
    match (with_unit("BD"), with_unit("D")) {
        (Some(n), _) if is_plain => Ok(Some(ExDividend::BusinessDays(n))),
        (None, Some(n)) if is_plain => Ok(Some(ExDividend::Days(n))),
        _ => {
            let problem = format!(
                "{} is no number of days from 1 to {MAX_EX_DAYS} with its unit; write 7BD for business days, 14D for calendar days",
                quoted(text)
            );
            Err(row.error("ex_dividend", problem))
        }
    }
}

/// The day that a bond traded on the valuation date is delivered and paid on.
pub(super) fn settlement(
    row: Row<'_>,
    calendar: &Calendar<'_>,
    valuation_date: NaiveDate,
) -> Result<NaiveDate, InputError> {
    let days = optional_count(row, "settlement_days", 0, MAX_SETTLEMENT_DAYS)?;
    let days = days.and_then(|days| u32::try_from(days).ok());
    Ok(days.map_or(valuation_date, |days| calendar.after(valuation_date, days)))
}

/// Whether the accrual periods of a bond move with its payments.
pub(super) fn accrual_moves(row: Row<'_>, day_count: DayCount) -> Result<bool, InputError> {
    if row.optional_text("accrual_dates").is_none() {
        return Ok(false);
    }
    let moves = word(row, "accrual_dates", &[("unadjusted", false), ("adjusted", true)])?;
    if moves && day_count == DayCount::ActActIcma {
        let problem =
            "\"adjusted\" does not go with ACT/ACT-ICMA, which counts by regular periods; write unadjusted";
        return Err(row.error("accrual_dates", problem));
    }
    if moves && row.optional_text("adjustment").is_none_or(|it| it == "unadjusted") {
        return Err(
            row.error("adjustment", "is empty or unadjusted; accrual_dates can only be adjusted by one")
        );
    }
    Ok(moves)
}
