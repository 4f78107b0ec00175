//! The date and hour in an object's name.

use super::civil::days_of;

/// The years that a name or a number may mean.
const YEARS: std::ops::RangeInclusive<i16> = 1990..=2100;

/// What an object's name says about when its records were written, as far as it says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameTime {
    /// 1990 to 2100.
    pub year: i16,
    /// 1 to 12.
    pub month: Option<u8>,
    /// 1 to 31, a day of that month.
    pub day: Option<u8>,
    /// 0 to 23.
    pub hour: Option<u8>,
}

impl NameTime {
    pub(super) fn date(self) -> Option<(i16, u8, u8)> {
        Some((self.year, self.month?, self.day?))
    }

    fn n_parts(self) -> usize {
        [self.month, self.day, self.hour].into_iter().flatten().count()
    }
}

/// The date that an object's name holds: `2026/11/30/21`, `2026-11-30`, `20261130`, `20261130T2110Z`, `year=2026/month=11`. Of several
/// the most precise, and of equally precise ones the last. None if there is not even a year.
pub fn times_in_name(name: &str) -> Option<NameTime> {
    let name = name.as_bytes();
    let mut best: Option<NameTime> = None;
    let mut previous = None;
    for (at, &byte) in name.iter().enumerate() {
        let starts = byte.is_ascii_digit() && !previous.is_some_and(|it: u8| it.is_ascii_alphanumeric());
        previous = Some(byte);
        if !starts {
            continue;
        }
        let behind = at.checked_sub(1).and_then(|it| name.get(it));
        if let Some(found) = time_at(behind.copied(), name.get(at..).unwrap_or_default())
            && best.is_none_or(|best| found.n_parts() >= best.n_parts())
        {
            best = Some(found);
        }
    }
    best
}

fn time_at(behind: Option<u8>, text: &[u8]) -> Option<NameTime> {
    let n_digits = text.iter().take_while(|it| it.is_ascii_digit()).count();
    let after = text.get(n_digits..)?;
    let year = i16::try_from(number(text.get(..4)?)?).ok().filter(|it| YEARS.contains(it))?;
    let part = |from: usize| number(text.get(from..from + 2)?).and_then(|it| u8::try_from(it).ok());
    let found = match n_digits {
        4 => separated(year, after),
        6 => NameTime { year, month: part(4), day: None, hour: None },
        8 => {
            let hour = match after {
                [b'T' | b't' | b'-' | b'_' | b'.', rest @ ..] => time_of_day(rest),
                _ => None,
            };
            NameTime { year, month: part(4), day: part(6), hour }
        }
        10 | 14 => NameTime { year, month: part(4), day: part(6), hour: part(8) },
        _ => return None,
    };
    let month_is_one = found.month.is_none_or(|it| (1..=12).contains(&it));
    let day_is_one = found.day.is_none_or(|it| it >= 1 && it <= days_of(year, found.month.unwrap_or(0)));
    let hour_is_one = found.hour.is_none_or(|it| it < 24);
    let ends = match after.first() {
        Some(b'T' | b't' | b'Z') => n_digits > 4,
        next => next.is_none_or(|it| !it.is_ascii_alphanumeric()),
    };
    // A number alone is as likely a host's (`web-2001.log`).
    if found.month.is_none()
        && !(matches!(behind, None | Some(b'/' | b'=' | b'.'))
            && matches!(after.first(), None | Some(b'/' | b'.')))
    {
        return None;
    }
    (month_is_one && day_is_one && hour_is_one && ends).then_some(found)
}

/// The hour of `2110`, `211000` or `21`, whatever follows.
fn time_of_day(text: &[u8]) -> Option<u8> {
    let n_digits = text.iter().take_while(|it| it.is_ascii_digit()).count();
    let hour = matches!(n_digits, 2 | 4 | 6).then(|| number(text.get(..2)?))??;
    u8::try_from(hour).ok().filter(|it| *it < 24)
}

/// What follows a year of four digits: parts of two digits behind one and the same separator, or each behind its name (`/month=`).
fn separated(year: i16, after: &[u8]) -> NameTime {
    let mut found = NameTime { year, month: None, day: None, hour: None };
    let Some(&separator) = after.first() else { return found };
    let mut rest = after;
    for index in 0..3 {
        let Some((part, next)) = part(rest, separator, index) else { break };
        let in_place = match index {
            0 => (1..=12).contains(&part),
            1 => part >= 1 && part <= days_of(year, found.month.unwrap_or(0)),
            _ => part < 24,
        };
        if !in_place {
            break;
        }
        let place = match index {
            0 => &mut found.month,
            1 => &mut found.day,
            _ => &mut found.hour,
        };
        *place = Some(part);
        rest = next;
    }
    found
}

fn part(text: &[u8], separator: u8, index: usize) -> Option<(u8, &[u8])> {
    const NAMES: [&[&[u8]]; 3] =
        [&[b"month=", b"mm=", b"m="], &[b"day=", b"dd=", b"d="], &[b"hour=", b"hh=", b"hr=", b"h="]];
    let (&first, rest) = text.split_first()?;
    let behind_day = index == 2 && matches!(first, b'T' | b't' | b'_' | b' ');
    if !matches!(separator, b'/' | b'-' | b'_' | b'.') || (first != separator && !behind_day && first != b'/')
    {
        return None;
    }
    let names = NAMES.get(index).copied().unwrap_or_default();
    let named = names.iter().find_map(|it| rest.strip_prefix(*it));
    let digits = named.unwrap_or(rest);
    let (two, next) = digits.split_at_checked(2)?;
    let ends = next
        .first()
        .is_none_or(|it| !it.is_ascii_alphanumeric() || (index == 1 && matches!(it, b'T' | b't')));
    let value = u8::try_from(number(two)?).ok()?;
    ends.then_some((value, next))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |sum, byte| {
        byte.is_ascii_digit().then(|| sum.checked_mul(10)?.checked_add(u32::from(byte - b'0')))?
    })
}
