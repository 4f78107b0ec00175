//! Calendar dates and day counts; coupon schedules and calendars of business days are below.

use chrono::{Datelike, Days, Months, NaiveDate};

pub mod calendar;
pub mod schedule;

use schedule::Grid;

/// Years from `from` to `to` as the whole product measures time: ACT/365F.
pub fn years_between(from: NaiveDate, to: NaiveDate) -> f64 {
    days_between(from, to) / 365.0
}

/// Days from `from` to `to`; negative if `to` is earlier.
#[expect(clippy::cast_precision_loss, reason = "days of a calendar are far below 2^53")]
pub fn days_between(from: NaiveDate, to: NaiveDate) -> f64 {
    to.signed_duration_since(from).num_days() as f64
}

/// How interest accrues between two dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayCount {
    /// `ACT/365F`: days / 365 (ISDA 2006, 4.16(d)).
    Act365Fixed,
    /// `ACT/360`: days / 360 (ISDA 2006, 4.16(e)).
    Act360,
    /// `ACT/ACT-ISDA`: days in leap years / 366 plus other days / 365 (ISDA 2006, 4.16(b)).
    ActActIsda,
    /// `30/360`: bond basis (ISDA 2006, 4.16(f)).
    Thirty360,
    /// `30E/360`: Eurobond basis (ISDA 2006, 4.16(g)).
    ThirtyE360,
    /// `ACT/ACT-ICMA`: in each regular period days / (its days × periods per year) (ICMA rule 251, ISDA 2006, 4.16(c)).
    ActActIcma,
}

impl DayCount {
    /// The names that files use, with what they mean.
    pub const NAMES: [(&'static str, DayCount); 6] = [
        ("ACT/365F", DayCount::Act365Fixed),
        ("ACT/360", DayCount::Act360),
        ("ACT/ACT-ISDA", DayCount::ActActIsda),
        ("30/360", DayCount::Thirty360),
        ("30E/360", DayCount::ThirtyE360),
        ("ACT/ACT-ICMA", DayCount::ActActIcma),
    ];

    /// The fraction of a year from `from` to `to`; negative if `to` is earlier. Only `ACT/ACT-ICMA` looks at the regular dates.
    pub fn years(self, from: NaiveDate, to: NaiveDate, regular: &Grid) -> f64 {
        let days = days_between(from, to);
        match self {
            DayCount::Act365Fixed => days / 365.0,
            DayCount::Act360 => days / 360.0,
            DayCount::ActActIsda => {
                f64::from(to.year() - from.year()) + (elapsed_of_year(to) - elapsed_of_year(from))
            }
            DayCount::Thirty360 => {
                let from_day = from.day().min(30);
                let to_day = if from_day == 30 { to.day().min(30) } else { to.day() };
                thirty_360(from, from_day, to, to_day)
            }
            DayCount::ThirtyE360 => thirty_360(from, from.day().min(30), to, to.day().min(30)),
            DayCount::ActActIcma if to < from => -regular.years(to, from),
            DayCount::ActActIcma => regular.years(from, to),
        }
    }
}

/// The share of its calendar year that lies before a date.
fn elapsed_of_year(date: NaiveDate) -> f64 {
    f64::from(date.ordinal0()) / if date.leap_year() { 366.0 } else { 365.0 }
}

fn thirty_360(from: NaiveDate, from_day: u32, to: NaiveDate, to_day: u32) -> f64 {
    let years = f64::from(to.year() - from.year());
    let months = f64::from(to.month()) - f64::from(from.month());
    let days = f64::from(to_day) - f64::from(from_day);
    (360.0 * years + 30.0 * months + days) / 360.0
}

/// How often a year interest is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frequency {
    /// Once a year.
    Annual,
    /// Every six months.
    Semiannual,
    /// Every three months.
    Quarterly,
    /// Every month.
    Monthly,
}

impl Frequency {
    /// The names that files use, with what they mean.
    pub const NAMES: [(&'static str, Frequency); 4] = [
        ("annual", Frequency::Annual),
        ("semiannual", Frequency::Semiannual),
        ("quarterly", Frequency::Quarterly),
        ("monthly", Frequency::Monthly),
    ];

    /// Months from one payment to the next.
    pub fn months(self) -> u32 {
        match self {
            Frequency::Annual => 12,
            Frequency::Semiannual => 6,
            Frequency::Quarterly => 3,
            Frequency::Monthly => 1,
        }
    }
}

/// Whether a date is the last of its month.
pub fn is_end_of_month(date: NaiveDate) -> bool {
    date.succ_opt().is_none_or(|next| next.month() != date.month())
}

fn end_of_month(date: NaiveDate) -> Option<NaiveDate> {
    date.with_day(1)?.checked_add_months(Months::new(1))?.pred_opt()
}

/// The date a tenor like `10D`, `2W`, `3M` or `2Y` after `from`; a day that its month lacks becomes the month's last.
pub fn after_tenor(from: NaiveDate, tenor: &str) -> Option<NaiveDate> {
    let unit = tenor.chars().last()?;
    let digits = tenor.strip_suffix(unit)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u32 = digits.parse().ok()?;
    match unit {
        'D' => from.checked_add_days(Days::new(u64::from(count))),
        'W' => from.checked_add_days(Days::new(u64::from(count) * 7)),
        'M' => from.checked_add_months(Months::new(count)),
        'Y' => from.checked_add_months(Months::new(count.checked_mul(12)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
