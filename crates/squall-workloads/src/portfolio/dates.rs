//! Calendar dates, day counts and coupon schedules. Nothing here knows of holidays.

use chrono::{Datelike, Days, Months, NaiveDate};

/// Years from `from` to `to` as the whole product measures time: ACT/365F.
pub fn years_between(from: NaiveDate, to: NaiveDate) -> f64 {
    DayCount::Act365Fixed.years(from, to)
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
}

impl DayCount {
    /// The names that files use, with what they mean.
    pub const NAMES: [(&'static str, DayCount); 5] = [
        ("ACT/365F", DayCount::Act365Fixed),
        ("ACT/360", DayCount::Act360),
        ("ACT/ACT-ISDA", DayCount::ActActIsda),
        ("30/360", DayCount::Thirty360),
        ("30E/360", DayCount::ThirtyE360),
    ];

    /// The fraction of a year from `from` to `to`; negative if `to` is earlier.
    #[expect(clippy::cast_precision_loss, reason = "days of a calendar are far below 2^53")]
    pub fn years(self, from: NaiveDate, to: NaiveDate) -> f64 {
        let days = to.signed_duration_since(from).num_days() as f64;
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

/// One accrual period; interest is paid at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First day of accrual.
    pub start: NaiveDate,
    /// Day of payment.
    pub end: NaiveDate,
}

/// The periods that end after `after`, in order, rolled backwards from `maturity`.
///
/// Dates are whole months before `maturity`, at the end of their month if `maturity` is at the end of its own, and not
/// adjusted for holidays. The first period begins at `start` if that falls inside it (a short front stub); without
/// `start` every period is regular.
pub fn periods_after(
    after: NaiveDate,
    start: Option<NaiveDate>,
    maturity: NaiveDate,
    frequency: Frequency,
) -> Vec<Period> {
    let mut periods = Vec::new();
    let mut end = maturity;
    for n_periods in 1_u32.. {
        if end <= after || start.is_some_and(|start| end <= start) {
            break;
        }
        // No earlier date exists in the calendar: the period starts there.
        let rolled = months_before(maturity, n_periods.saturating_mul(frequency.months()));
        let begin = rolled.unwrap_or(NaiveDate::MIN).max(start.unwrap_or(NaiveDate::MIN));
        periods.push(Period { start: begin, end });
        end = begin;
    }
    periods.reverse();
    periods
}

fn months_before(date: NaiveDate, months: u32) -> Option<NaiveDate> {
    let rolled = date.checked_sub_months(Months::new(months))?;
    if is_end_of_month(date) { end_of_month(rolled) } else { Some(rolled) }
}

fn is_end_of_month(date: NaiveDate) -> bool {
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
