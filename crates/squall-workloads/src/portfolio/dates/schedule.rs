//! Coupon schedules: regular dates, odd first and last periods, and how dates move off holidays.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::calendar::{Adjustment, Calendar, MAX_CLOSED_DAYS};
use super::{Frequency, days_between, end_of_month, is_end_of_month};

/// Regular payment dates, without end on either side: whole periods from an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// One of them.
    pub anchor: NaiveDate,
    /// How often a year they come.
    pub frequency: Frequency,
    /// Whether each is at the end of its month.
    pub end_of_month: bool,
}

impl Grid {
    /// The dates from an anchor, at the end of their months if the anchor is.
    pub fn from(anchor: NaiveDate, frequency: Frequency) -> Self {
        Self { anchor, frequency, end_of_month: is_end_of_month(anchor) }
    }

    /// The date `n` periods after the anchor; absent beyond the calendar's end.
    pub fn date(&self, n: i32) -> Option<NaiveDate> {
        let months = Months::new(self.frequency.months().saturating_mul(n.unsigned_abs()));
        let rolled = if n < 0 {
            self.anchor.checked_sub_months(months)?
        } else {
            self.anchor.checked_add_months(months)?
        };
        if self.end_of_month { end_of_month(rolled) } else { Some(rolled) }
    }

    /// The number of the last date that is on or before `date`.
    pub fn number_by(&self, date: NaiveDate) -> i32 {
        let month = |date: NaiveDate| date.year() * 12 + date.month0().cast_signed();
        let of_month = (month(date) - month(self.anchor)).div_euclid(self.frequency.months().cast_signed());
        if self.date(of_month).is_some_and(|it| it > date) { of_month - 1 } else { of_month }
    }

    /// Whether `date` is one of them.
    pub fn contains(&self, date: NaiveDate) -> bool {
        self.date(self.number_by(date)) == Some(date)
    }

    /// Years from `from` to a later `to` by `ACT/ACT-ICMA`.
    pub fn years(&self, from: NaiveDate, to: NaiveDate) -> f64 {
        let (first, last) = (self.number_by(from), self.number_by(to));
        // Both are in the regular periods that begin with these numbers. Beyond the calendar's end there is none.
        let share = |n: i32, from: NaiveDate| match (self.date(n), self.date(n + 1)) {
            (Some(start), Some(end)) => days_between(start, from) / days_between(start, end),
            _ => 0.0,
        };
        let periods = f64::from(last - first) + share(last, to) - share(first, from);
        periods * f64::from(self.frequency.months()) / 12.0
    }
}

/// One accrual period, and when its interest is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First day of accrual.
    pub start: NaiveDate,
    /// The day after the last.
    pub end: NaiveDate,
    /// Day of payment.
    pub pay: NaiveDate,
}

/// The periods of a bond or of a leg of a swap.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule<'a> {
    /// Start of the first period; absent if all are regular.
    pub start: Option<NaiveDate>,
    /// The end of the first period, if that is not the first regular date after the start; it has a `start` then.
    pub first_coupon: Option<NaiveDate>,
    /// The start of the last period, if that is not the last regular date before maturity.
    pub last_coupon: Option<NaiveDate>,
    /// The end of the last period.
    pub maturity: NaiveDate,
    /// The regular dates.
    pub regular: Grid,
    /// The business days.
    pub calendar: Calendar<'a>,
    /// How payments move off other days.
    pub adjustment: Adjustment,
    /// Whether the periods themselves move with the payments.
    pub accrual_moves: bool,
}

impl Schedule<'_> {
    /// The periods of which the payment is after `after`, in order.
    pub fn periods_after(&self, after: NaiveDate) -> Vec<Period> {
        // A payment may have moved to after `after`.
        let slack = if self.adjustment == Adjustment::Unadjusted { 0 } else { MAX_CLOSED_DAYS };
        let mut periods = Vec::new();
        self.roll_back(after.checked_sub_days(Days::new(slack)).unwrap_or(after), |start, end| {
            let pay = self.adjusted(end);
            if pay > after {
                let (start, end) =
                    if self.accrual_moves { (self.adjusted(start), pay) } else { (start, end) };
                periods.push(Period { start, end, pay });
            }
        });
        periods.reverse();
        periods
    }

    /// Calls `each` with the start and the end of every period that ends after `after`, the last one first, before any adjustment.
    ///
    /// The dates before the last coupon are regular; the first period begins at `start` if that falls inside it (a short one), or
    /// reaches from there to the first coupon.
    fn roll_back(&self, after: NaiveDate, mut each: impl FnMut(NaiveDate, NaiveDate)) {
        let start = self.start.unwrap_or(NaiveDate::MIN);
        let last = self.last_coupon.or_else(|| self.maturity.pred_opt()).unwrap_or(self.maturity);
        let mut n = self.regular.number_by(last);
        let mut end = self.maturity;
        while end > after && end > start {
            let is_first = self.first_coupon.is_some_and(|first| end <= first);
            // No earlier date exists in the calendar: the period starts there.
            let regular = self.regular.date(n).unwrap_or(NaiveDate::MIN);
            let begin = if is_first { start } else { regular.max(start) };
            each(begin, end);
            end = begin;
            n = n.saturating_sub(1);
        }
    }

    /// A date, moved off holidays as payments are.
    pub fn adjusted(&self, date: NaiveDate) -> NaiveDate {
        self.calendar.adjusted(date, self.adjustment)
    }

    /// When the face is paid back.
    pub fn redemption(&self) -> NaiveDate {
        self.adjusted(self.maturity)
    }
}

#[cfg(test)]
mod tests;
