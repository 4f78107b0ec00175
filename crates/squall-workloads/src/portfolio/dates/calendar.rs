//! Business days: weekends, the holidays of a rule or of a list, and how a date moves off them.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// More days than any calendar is closed for; where a list says otherwise, the search ends here.
pub const MAX_CLOSED_DAYS: u64 = 40;

/// Holidays that a rule gives, beside Saturdays and Sundays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// None.
    Weekends,
    /// The euro's payment system, as since 2000.
    Target,
    /// Bank holidays in England and Wales.
    Uk,
    /// SIFMA's recommendation for US government securities.
    UsGovt,
    /// US federal holidays; one on a Saturday is kept on the Friday, one on a Sunday on the Monday.
    UsSettlement,
}

/// Holidays that no rule gives, as (year, month, day).
const UK_ONCE: [(i32, u32, u32); 12] = [
    (1995, 5, 8),
    (1999, 12, 31),
    (2002, 6, 3),
    (2002, 6, 4),
    (2011, 4, 29),
    (2012, 6, 4),
    (2012, 6, 5),
    (2020, 5, 8),
    (2022, 6, 2),
    (2022, 6, 3),
    (2022, 9, 19),
    (2023, 5, 8),
];
const TARGET_ONCE: [(i32, u32, u32); 1] = [(2001, 12, 31)];
/// Reagan's funeral and Hurricane Sandy.
const US_GOVT_ONCE: [(i32, u32, u32); 2] = [(2004, 6, 11), (2012, 10, 30)];

impl Rule {
    /// The names that files use, with what they mean.
    pub const NAMES: [(&'static str, Rule); 5] = [
        ("WEEKENDS", Rule::Weekends),
        ("TARGET", Rule::Target),
        ("UK", Rule::Uk),
        ("US-GOVT", Rule::UsGovt),
        ("US-SETTLEMENT", Rule::UsSettlement),
    ];

    /// Whether a weekday is a holiday.
    fn is_holiday(self, date: NaiveDate) -> bool {
        let (year, month, day) = (date.year(), date.month(), date.day());
        let is_once = |dates: &[(i32, u32, u32)]| dates.contains(&(year, month, day));
        let is_monday = date.weekday() == Weekday::Mon;
        match self {
            Rule::Weekends => false,
            Rule::Target => {
                matches!((month, day), (1 | 5, 1) | (12, 25 | 26))
                    || matches!(from_easter_monday(date), -3 | 0)
                    || is_once(&TARGET_ONCE)
            }
            Rule::Uk => {
                let is_early_may = month == 5 && day <= 7 && is_monday && !matches!(year, 1995 | 2020);
                let is_spring = month == 5 && day >= 25 && is_monday && !matches!(year, 2002 | 2012 | 2022);
                let is_summer = month == 8 && day >= 25 && is_monday;
                // Christmas and Boxing Day on a weekend are kept on the Monday and the Tuesday after.
                let is_moved = matches!(date.weekday(), Weekday::Mon | Weekday::Tue)
                    && matches!((month, day), (12, 27 | 28));
                matches!((month, day), (1, 1) | (12, 25 | 26))
                    || (month == 1 && day <= 3 && is_monday)
                    || matches!(from_easter_monday(date), -3 | 0)
                    || is_early_may
                    || is_spring
                    || is_summer
                    || is_moved
                    || is_once(&UK_ONCE)
            }
            Rule::UsGovt => {
                // On the first Friday of a month the employment report is published, and trading goes on.
                let is_good_friday = from_easter_monday(date) == -3 && day > 7;
                is_us_federal(date, false) || is_good_friday || is_once(&US_GOVT_ONCE)
            }
            Rule::UsSettlement => is_us_federal(date, true),
        }
    }
}

/// `new_year_and_veterans_on_friday`: whether these two, on a Saturday, are kept on the Friday before, as the others are.
fn is_us_federal(date: NaiveDate, new_year_and_veterans_on_friday: bool) -> bool {
    let (year, month, day, weekday) = (date.year(), date.month(), date.day(), date.weekday());
    let is_monday_of = |first: u32| weekday == Weekday::Mon && (first..first + 7).contains(&day);
    // The date itself, the Monday after its Sunday, the Friday before its Saturday.
    let is_kept = |holiday: (u32, u32), on_friday: bool| {
        let falls_on = |date: Option<NaiveDate>| date.is_some_and(|it| (it.month(), it.day()) == holiday);
        (month, day) == holiday
            || (weekday == Weekday::Mon && falls_on(date.pred_opt()))
            || (on_friday && weekday == Weekday::Fri && falls_on(date.succ_opt()))
    };
    is_kept((1, 1), new_year_and_veterans_on_friday)
        || (month == 1 && is_monday_of(15) && year >= 1983)
        || (month == 2 && is_monday_of(15))
        || (month == 5 && is_monday_of(25))
        || (year >= 2022 && is_kept((6, 19), true))
        || is_kept((7, 4), true)
        || (month == 9 && is_monday_of(1))
        || (month == 10 && is_monday_of(8))
        || is_kept((11, 11), new_year_and_veterans_on_friday)
        || (month == 11 && weekday == Weekday::Thu && (22..29).contains(&day))
        || is_kept((12, 25), true)
}

/// Days since Easter Monday of the year, by the Gregorian calendar (Butcher 1876).
fn from_easter_monday(date: NaiveDate) -> i64 {
    let year = date.year();
    let (century, of_century, lunar) = (year / 100, year % 100, year % 19);
    let correction = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * lunar + century - century / 4 - correction + 15) % 30;
    let to_sunday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let late = (lunar + 11 * epact + 22 * to_sunday) / 451;
    let days_after_22_march = epact + to_sunday - 7 * late;
    let Some(first) = NaiveDate::from_ymd_opt(year, 3, 23) else { return i64::MAX };
    date.signed_duration_since(first).num_days() - i64::from(days_after_22_march)
}

/// What becomes of a date that is no business day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adjustment {
    /// It stays.
    #[default]
    Unadjusted,
    /// The next business day.
    Following,
    /// The next business day, or the one before if that is in another month.
    ModifiedFollowing,
    /// The business day before.
    Preceding,
}

impl Adjustment {
    /// The names that files use, with what they mean.
    pub const NAMES: [(&'static str, Adjustment); 4] = [
        ("unadjusted", Adjustment::Unadjusted),
        ("following", Adjustment::Following),
        ("modified_following", Adjustment::ModifiedFollowing),
        ("preceding", Adjustment::Preceding),
    ];
}

/// Business days: closed on weekends, and where any rule or list has a holiday.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Calendar<'a> {
    /// Holidays by rule.
    pub rules: Vec<Rule>,
    /// Holidays by date.
    pub lists: Vec<&'a BTreeSet<NaiveDate>>,
}

impl Calendar<'_> {
    /// Whether a date is a business day.
    pub fn is_open(&self, date: NaiveDate) -> bool {
        !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
            && !self.rules.iter().any(|rule| rule.is_holiday(date))
            && !self.lists.iter().any(|list| list.contains(&date))
    }

    /// The date, or the business day that it moves to.
    pub fn adjusted(&self, date: NaiveDate, adjustment: Adjustment) -> NaiveDate {
        match adjustment {
            Adjustment::Unadjusted => date,
            Adjustment::Following => self.open(date, NaiveDate::succ_opt),
            Adjustment::Preceding => self.open(date, NaiveDate::pred_opt),
            Adjustment::ModifiedFollowing => {
                let following = self.open(date, NaiveDate::succ_opt);
                if following.month() == date.month() {
                    following
                } else {
                    self.open(date, NaiveDate::pred_opt)
                }
            }
        }
    }

    /// The `n`-th business day after a date; for 0 the date, or the next business day.
    pub fn after(&self, date: NaiveDate, n: u32) -> NaiveDate {
        let mut date = if n == 0 { self.open(date, NaiveDate::succ_opt) } else { date };
        for _ in 0..n {
            date = self.open(date.succ_opt().unwrap_or(date), NaiveDate::succ_opt);
        }
        date
    }

    /// The `n`-th business day before a date.
    pub fn before(&self, date: NaiveDate, n: u32) -> NaiveDate {
        (0..n).fold(date, |date, _| self.open(date.pred_opt().unwrap_or(date), NaiveDate::pred_opt))
    }

    fn open(&self, date: NaiveDate, step: impl Fn(&NaiveDate) -> Option<NaiveDate>) -> NaiveDate {
        let mut open = date;
        for _ in 0..MAX_CLOSED_DAYS {
            if self.is_open(open) {
                break;
            }
            open = step(&open).unwrap_or(open);
        }
        open
    }
}

/// When a coupon is no longer the buyer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExDividend {
    /// This many business days before its payment.
    BusinessDays(u32),
    /// This many days before its payment.
    Days(u32),
}

impl ExDividend {
    /// The first day on which a coupon paid on `pay` belongs to whoever held the bond before.
    pub fn date(self, pay: NaiveDate, calendar: &Calendar<'_>) -> NaiveDate {
        match self {
            ExDividend::BusinessDays(n) => calendar.before(pay, n),
            ExDividend::Days(n) => pay.checked_sub_days(Days::new(u64::from(n))).unwrap_or(NaiveDate::MIN),
        }
    }
}

#[cfg(test)]
mod tests;
