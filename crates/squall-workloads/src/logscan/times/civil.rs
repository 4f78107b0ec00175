//! Civil times as instants: days of the calendar, time zones, and years that stamps leave out.

use jiff::civil;
use jiff::tz::TimeZone;

use super::in_name::NameTime;

const SECOND_US: i64 = 1_000_000;
const DAY_S: i64 = 86_400;
/// How long after the date of its name an object may still have records: a file is named after its first or its last day.
const LATER_THAN_NAME_DAYS: i64 = 31;
/// The calendar's longest wait for a 29 February.
const LEAP_GAP_YEARS: i16 = 8;
/// Far more years than a range can have without being ambiguous.
const FIRST_YEAR: i16 = 1;
const LAST_YEAR: i16 = 9_998;

/// A date and a time of day, as far as a stamp states them. Checked: the day is one of its month, the time one of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// The year, if stated.
    pub year: Option<i16>,
    /// 1 to 12; 0 if the stamp has no date.
    pub month: u8,
    /// 1 to 31; 0 if the stamp has no date.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 60; 60 is a leap second, and counts as the last microsecond of 59.
    pub second: u8,
    /// Microseconds within the second; digits beyond are dropped.
    pub micros: u32,
    /// Seconds east of UTC, if stated.
    pub offset_s: Option<i32>,
}

impl Civil {
    pub(super) const EMPTY: Civil =
        Civil { year: None, month: 0, day: 0, hour: 0, minute: 0, second: 0, micros: 0, offset_s: None };

    /// Whether the day exists: in the year, or in a leap year if none is stated.
    pub(super) fn exists(&self) -> bool {
        if self.month == 0 {
            return self.day == 0;
        }
        self.day >= 1 && self.day <= days_of(self.year.unwrap_or(2000), self.month)
    }

    fn on(self, (year, month, day): (i16, u8, u8)) -> Self {
        Self { year: Some(year), month, day, ..self }
    }
}

fn is_leap(year: i16) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month; 0 of a month that does not exist.
pub(super) fn days_of(year: i16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u8::from(is_leap(year)),
        _ => 0,
    }
}

/// Days since 1970-01-01 of a Gregorian date: years are counted from March, so that a leap day is a year's last.
#[inline]
fn days_since_1970(year: i16, month: u8, day: u8) -> i64 {
    // Whole cycles of the calendar before the year 0, so that nothing is negative: i16 begins in -32768.
    const CYCLES: u32 = 100;
    let year = i32::from(year).saturating_add_unsigned(CYCLES * 400).unsigned_abs();
    let (month, day) = (u32::from(month), u32::from(day));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days_before_month = (153 * month + 2) / 5;
    i64::from(365 * year + leap_days + days_before_month + day) - i64::from(CYCLES * 146_097) - 719_469
}

/// The year of an instant in UTC, within those that a stamp may get.
fn year_of(micros: i64) -> i16 {
    let years = micros.div_euclid(SECOND_US).div_euclid(DAY_S) * 400 / 146_097;
    i16::try_from(years + 1970)
        .unwrap_or(if micros < 0 { FIRST_YEAR } else { LAST_YEAR })
        .clamp(FIRST_YEAR, LAST_YEAR)
}

/// Where a stamp without an offset was written.
#[derive(Debug, Clone)]
pub(super) enum Zone {
    /// Seconds east of UTC.
    Fixed(i32),
    /// A zone whose offset changes.
    Named(TimeZone),
}

impl Zone {
    /// `UTC`, an offset (`+05:30`, `-0800`, `+02`) or an IANA name.
    pub(super) fn of(text: &str) -> Option<Self> {
        if matches!(text, "UTC" | "utc" | "Z" | "GMT") {
            return Some(Self::Fixed(0));
        }
        if text.starts_with(['+', '-']) {
            let (offset_s, rest) = super::pieces::offset(text.as_bytes())?;
            return rest.is_empty().then_some(Self::Fixed(offset_s));
        }
        let zone = TimeZone::get(text).ok()?;
        Some(zone.to_fixed_offset().map_or(Self::Named(zone), |offset| Self::Fixed(offset.seconds())))
    }

    /// Microseconds since 1970 of a time with a year. Of a time that a change of clocks repeats, the first; of one that it skips, as
    /// much later as it skips.
    fn micros(&self, at: &Civil, year: i16) -> Option<i64> {
        let (second, micros) = if at.second > 59 { (59, 999_999) } else { (at.second, at.micros) };
        let offset_s = match (at.offset_s, self) {
            (Some(offset_s), _) | (None, &Zone::Fixed(offset_s)) => offset_s,
            (None, Zone::Named(zone)) => {
                let narrow = |it: u8| i8::try_from(it).ok();
                let (month, day) = (narrow(at.month)?, narrow(at.day)?);
                let (hour, minute, second) = (narrow(at.hour)?, narrow(at.minute)?, narrow(second)?);
                let civil = civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
                return Some(zone.to_timestamp(civil).ok()?.as_second() * SECOND_US + i64::from(micros));
            }
        };
        let day_s = i64::from(at.hour) * 3_600 + i64::from(at.minute) * 60 + i64::from(second);
        let days = days_since_1970(year, at.month, at.day);
        Some((days * DAY_S + day_s - i64::from(offset_s)) * SECOND_US + i64::from(micros))
    }
}

/// Why a stamp is no instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoTime {
    /// It has no year, and neither the input nor the object's name nor the job's range tells which.
    NoYear,
    /// It has no date, and the object's name has none.
    NoDate,
    /// It is a 29 February, and the year that it must be of has none.
    NoSuchDay,
}

impl NoTime {
    /// The reason, for a report.
    pub fn reason(self) -> &'static str {
        match self {
            NoTime::NoYear => "its time has no year: name one in time.year",
            NoTime::NoDate => "its time has no date, and its object's name has none",
            NoTime::NoSuchDay => "its time is 29 February of a year that has none",
        }
    }
}

/// Which year a stamp without one is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum YearRule {
    /// This one.
    Known(i16),
    /// The latest that puts it at most a month after this date (year, month, day).
    UpTo((i16, u8, u8)),
    /// The one that puts it into this range or nearest to it, microseconds since 1970.
    Within(i64, i64),
    /// Nothing tells.
    Unknown,
}

impl YearRule {
    /// The input's year decides, else the object's name, else the job's range.
    pub(super) fn of(year: Option<i16>, name: Option<NameTime>, range: Option<(i64, i64)>) -> Self {
        match (year, name, range) {
            (Some(year), ..) => Self::Known(year),
            (None, Some(NameTime { year, month: None, .. }), _) => Self::Known(year),
            (None, Some(NameTime { year, month: Some(month), day, .. }), _) => {
                Self::UpTo((year, month, day.unwrap_or(28)))
            }
            (None, None, Some((from, to))) => Self::Within(from, to),
            (None, None, None) => Self::Unknown,
        }
    }
}

/// The instant of a civil time, microseconds since 1970 UTC. `date` is that of a stamp without one.
pub(super) fn instant(
    at: Civil,
    zone: &Zone,
    years: YearRule,
    date: Option<(i16, u8, u8)>,
) -> Result<i64, NoTime> {
    let at = if at.month == 0 { at.on(date.ok_or(NoTime::NoDate)?) } else { at };
    let in_year = |year: i16| {
        let exists = at.day <= days_of(year, at.month);
        exists.then(|| zone.micros(&at, year)).flatten().ok_or(NoTime::NoSuchDay)
    };
    if let Some(year) = at.year {
        return in_year(year);
    }
    match years {
        YearRule::Known(year) => in_year(year),
        YearRule::UpTo((year, month, day)) => {
            let last = days_since_1970(year, month, day) + LATER_THAN_NAME_DAYS;
            let is_early = |year: &i16| days_since_1970(*year, at.month, at.day) <= last;
            let year = [year + 1, year, year - 1].into_iter().find(is_early);
            in_year(year.ok_or(NoTime::NoYear)?)
        }
        YearRule::Within(from, to) => {
            let (first, last) = (year_of(from), year_of(to));
            nearest((first - 1)..=(last + 1), from, to, in_year)
                .or_else(|_| nearest((first - LEAP_GAP_YEARS)..=(last + LEAP_GAP_YEARS), from, to, in_year))
        }
        YearRule::Unknown => Err(NoTime::NoYear),
    }
}

/// The instant nearest to the range; none if years differ in what they put into it, because then it tells nothing.
fn nearest(
    years: std::ops::RangeInclusive<i16>,
    from: i64,
    to: i64,
    in_year: impl Fn(i16) -> Result<i64, NoTime>,
) -> Result<i64, NoTime> {
    let mut best: Option<(u64, i64)> = None;
    for year in years {
        let Ok(micros) = in_year(year) else { continue };
        let away = if micros < from {
            from.abs_diff(micros)
        } else {
            micros.saturating_sub(to).max(0).unsigned_abs()
        };
        if away == 0 && best.is_some_and(|(least, _)| least == 0) {
            return Err(NoTime::NoYear);
        }
        if best.is_none_or(|(least, _)| away < least) {
            best = Some((away, micros));
        }
    }
    best.map(|(_, micros)| micros).ok_or(NoTime::NoYear)
}
