//! The parts that a stamp is made of, and how each is read.

use super::civil::Civil;
use super::pieces::{Unit, behind_any, behind_space, behind_weekday, digits, ends, four, half, micros};
use super::pieces::{month_name, one_or_two, short_year, stated_offset, two};

/// The years that a number or a date without separators may mean: others are taken for something else.
pub(super) const YEARS: std::ops::RangeInclusive<i16> = 1990..=2100;
/// One part of a stamp, read from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// `2026-11-30 21:08:33`, with this separator within the date, and one of these bytes behind it.
    DateClock(u8, &'static [u8]),
    /// `2026-11-30`, with this separator.
    Date(u8),
    /// `20261130`, of 1990 to 2100.
    DateDigits,
    /// `26/11/30`, with this separator.
    ShortDate(u8),
    /// `261130`.
    ShortDateDigits,
    /// `21:08:33`.
    Clock,
    /// `9:08:33`, and `9:08` or `9:08:33` with `AM` or `PM`.
    LooseClock,
    /// `210833`.
    ClockDigits,
    /// Of a second, if there is one: `.`, `,` or `:` and digits.
    Fraction,
    /// `Z`, `UTC`, `GMT`, `+05:30`, `-0800` or `+02`, perhaps behind a space, if there is one.
    Offset,
    /// An offset or an abbreviation behind a space, if there is one.
    ZoneWord,
    Year,
    ShortYear,
    /// Two digits.
    Month,
    /// One or two digits.
    LooseMonth,
    MonthName,
    /// Two digits.
    Day,
    /// One or two digits.
    LooseDay,
    /// Two digits, 0 to 23.
    Hour,
    /// One or two digits, 0 to 23.
    LooseHour,
    /// One or two digits, 1 to 12; `Half` says of which half of the day.
    Hour12,
    /// `AM` or `PM`, perhaps behind a space.
    Half,
    Minute,
    Second,
    /// One to nine digits of a second.
    FractionDigits,
    /// An offset that must be there.
    StatedOffset,
    WeekdayName,
    /// A number since 1970.
    Epoch(Unit),
    /// This byte.
    Byte(u8),
    /// One of these bytes.
    AnyOf(&'static [u8]),
    /// One or more spaces or tabs.
    Blanks,
    /// A space, if there is one.
    OptionalBlank,
    /// What may be between a date and a time: a space, a comma and a space, ` @ `, or one of `,` `:` `-` `_` `T` and tab.
    Gap,
}

/// What has been read of a stamp.
struct Reading {
    at: Civil,
    since_1970: Option<i64>,
    is_after_noon: bool,
}

/// Reads a stamp from the start of `text`: microseconds since 1970 or a civil time, and what follows. None if it is none, or does not
/// end where a stamp may.
#[inline]
pub(super) fn read<'a>(items: &[Item], text: &'a [u8]) -> Option<(Result<i64, Civil>, &'a [u8])> {
    let mut reading = Reading { at: Civil::EMPTY, since_1970: None, is_after_noon: false };
    let mut rest = text;
    if let [Item::DateClock(separator, gaps), Item::Fraction, Item::Offset] = items {
        // The most frequent layouts by far.
        rest = reading.date_clock(*separator, gaps, rest)?;
        rest = reading.fraction(rest);
        rest = reading.offset(rest, stated_offset).unwrap_or(rest);
    } else {
        for item in items {
            rest = reading.read(*item, rest)?;
        }
    }
    if let Some(micros) = reading.since_1970 {
        // The audit daemon of Linux: `audit(1364481363.243:24287)`.
        return (ends(rest) || rest.first() == Some(&b':')).then_some((Ok(micros), rest));
    }
    if reading.is_after_noon {
        reading.at.hour += 12;
    }
    (ends(rest) && reading.at.exists()).then_some((Err(reading.at), rest))
}

impl Reading {
    #[inline]
    fn read<'a>(&mut self, item: Item, text: &'a [u8]) -> Option<&'a [u8]> {
        match item {
            Item::Byte(byte) => text.split_first().filter(|(first, _)| **first == byte).map(|(_, rest)| rest),
            Item::AnyOf(bytes) => behind_any(bytes, text),
            Item::Blanks => {
                let n_blanks = text.iter().take_while(|it| matches!(it, b' ' | b'\t')).count();
                if n_blanks > 0 { text.get(n_blanks..) } else { None }
            }
            Item::OptionalBlank => Some(behind_space(text)),
            Item::Gap => [&b", "[..], b" @ "]
                .into_iter()
                .find_map(|it| text.strip_prefix(it))
                .or_else(|| behind_any(b" ,:-_T\t", text)),
            Item::DateClock(separator, gaps) => self.date_clock(separator, gaps, text),
            Item::Date(separator) => {
                let ([y1, y2, y3, y4, s1, m1, m2, s2, d1, d2], rest) = text.split_first_chunk::<10>()?;
                let separated = *s1 == separator && *s2 == separator;
                let year = four([*y1, *y2, *y3, *y4])?;
                separated.then_some(())?;
                self.date(year, two(*m1, *m2)?, two(*d1, *d2)?).then_some(rest)
            }
            Item::DateDigits => {
                let ([y1, y2, y3, y4, m1, m2, d1, d2], rest) = text.split_first_chunk::<8>()?;
                let year = four([*y1, *y2, *y3, *y4]).filter(|it| YEARS.contains(it))?;
                self.date(year, two(*m1, *m2)?, two(*d1, *d2)?).then_some(rest)
            }
            Item::ShortDate(separator) => {
                let ([y1, y2, s1, m1, m2, s2, d1, d2], rest) = text.split_first_chunk::<8>()?;
                (*s1 == separator && *s2 == separator).then_some(())?;
                self.date(short_year(*y1, *y2)?, two(*m1, *m2)?, two(*d1, *d2)?).then_some(rest)
            }
            Item::ShortDateDigits => {
                let ([y1, y2, m1, m2, d1, d2], rest) = text.split_first_chunk::<6>()?;
                self.date(short_year(*y1, *y2)?, two(*m1, *m2)?, two(*d1, *d2)?).then_some(rest)
            }
            Item::Clock => {
                let ([h1, h2, b':', m1, m2, b':', s1, s2], rest) = text.split_first_chunk::<8>()? else {
                    return None;
                };
                self.time(two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?).then_some(rest)
            }
            Item::ClockDigits => {
                let ([h1, h2, m1, m2, s1, s2], rest) = text.split_first_chunk::<6>()?;
                self.time(two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?).then_some(rest)
            }
            Item::LooseClock => self.loose_clock(text),
            Item::Fraction => Some(self.fraction(text)),
            Item::FractionDigits => {
                let (micros, rest) = micros(text)?;
                self.at.micros = micros;
                Some(rest)
            }
            Item::Offset => Some(self.offset(text, stated_offset).unwrap_or(text)),
            Item::StatedOffset => self.offset(text, stated_offset),
            Item::ZoneWord => {
                let word = behind_space(text);
                let n_letters = word.iter().take(6).take_while(|it| it.is_ascii_uppercase()).count();
                let after_word = || if n_letters >= 2 { word.get(n_letters..) } else { Some(text) };
                self.offset(text, stated_offset).or_else(after_word)
            }
            _ => self.read_single(item, text),
        }
    }

    #[inline]
    fn date_clock<'a>(&mut self, separator: u8, gaps: &[u8], text: &'a [u8]) -> Option<&'a [u8]> {
        let ([y1, y2, y3, y4, s1, m1, m2, s2, d1, d2, gap, h1, h2, b':', n1, n2, b':', t1, t2], rest) =
            text.split_first_chunk::<19>()?
        else {
            return None;
        };
        if *s1 != separator || *s2 != separator || !gaps.iter().any(|it| it == gap) {
            return None;
        }
        let digits = [y1, y2, y3, y4, m1, m2, d1, d2, h1, h2, n1, n2, t1, t2].map(|it| it.wrapping_sub(b'0'));
        // All at once, without a branch for each.
        if digits.iter().fold(false, |wrong, it| wrong | (*it > 9)) {
            return None;
        }
        let [y1, y2, y3, y4, m1, m2, d1, d2, h1, h2, n1, n2, t1, t2] = digits;
        let year = i16::from(y1 * 10 + y2) * 100 + i16::from(y3 * 10 + y4);
        let is_one =
            self.date(year, m1 * 10 + m2, d1 * 10 + d2) & self.time(h1 * 10 + h2, n1 * 10 + n2, t1 * 10 + t2);
        if is_one { Some(rest) } else { None }
    }

    /// The fields that patterns are made of.
    fn read_single<'a>(&mut self, item: Item, text: &'a [u8]) -> Option<&'a [u8]> {
        let (value, rest) = match item {
            Item::Year => {
                let (year, rest) = text.split_first_chunk::<4>()?;
                self.at.year = Some(four(*year)?);
                return Some(rest);
            }
            Item::Epoch(unit) => return self.epoch(unit, text),
            Item::Half => {
                let (is_after_noon, rest) = half(text)?;
                self.is_after_noon = is_after_noon;
                return Some(rest);
            }
            Item::LooseMonth | Item::LooseDay | Item::LooseHour | Item::Hour12 => one_or_two(text)?,
            Item::MonthName => month_name(text)?,
            Item::WeekdayName => return behind_weekday(text),
            _ => {
                let ([tens, ones], rest) = text.split_first_chunk::<2>()?;
                (two(*tens, *ones)?, rest)
            }
        };
        let fits = match item {
            Item::ShortYear => {
                self.at.year = Some(if value < 69 { 2000 } else { 1900 } + i16::from(value));
                true
            }
            Item::Month | Item::LooseMonth | Item::MonthName => {
                self.at.month = value;
                (1..=12).contains(&value)
            }
            Item::Day | Item::LooseDay => {
                self.at.day = value;
                (1..=31).contains(&value)
            }
            Item::Hour | Item::LooseHour => {
                self.at.hour = value;
                value < 24
            }
            Item::Hour12 => {
                self.at.hour = value % 12;
                (1..=12).contains(&value)
            }
            Item::Minute => {
                self.at.minute = value;
                value < 60
            }
            _ => {
                self.at.second = value;
                value <= 60
            }
        };
        fits.then_some(rest)
    }

    #[inline]
    fn date(&mut self, year: i16, month: u8, day: u8) -> bool {
        (self.at.year, self.at.month, self.at.day) = (Some(year), month, day);
        (1..=12).contains(&month) && (1..=31).contains(&day)
    }

    #[inline]
    fn time(&mut self, hour: u8, minute: u8, second: u8) -> bool {
        (self.at.hour, self.at.minute, self.at.second) = (hour, minute, second);
        hour < 24 && minute < 60 && second <= 60
    }

    /// A fraction behind the seconds, if there is one. A comma may also end a field of a table: then more than nine digits follow, or
    /// none. A colon is one before milliseconds only.
    #[inline]
    fn fraction<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let Some((mark @ (b'.' | b',' | b':'), after)) = text.split_first() else { return text };
        let Some((micros, rest)) = micros(after) else { return text };
        if *mark == b':' && after.len() - rest.len() != 3 {
            return text;
        }
        self.at.micros = micros;
        rest
    }

    fn offset<'a>(
        &mut self,
        text: &'a [u8],
        read: impl Fn(&'a [u8]) -> Option<(i32, &'a [u8])>,
    ) -> Option<&'a [u8]> {
        let (offset_s, rest) = read(behind_space(text))?;
        self.at.offset_s = Some(offset_s);
        Some(rest)
    }

    fn loose_clock<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let (hour, rest) = one_or_two(text)?;
        let ([b':', m1, m2], mut rest) = rest.split_first_chunk::<3>()? else { return None };
        let mut second = None;
        if let [b':', s1, s2, after @ ..] = rest {
            second = Some(two(*s1, *s2)?);
            rest = after;
        }
        self.time(hour, two(*m1, *m2)?, second.unwrap_or(0)).then_some(())?;
        if second.is_some() {
            rest = self.fraction(rest);
        }
        match half(rest) {
            Some((is_after_noon, after)) => {
                (1..=12).contains(&hour).then_some(())?;
                (self.at.hour, self.is_after_noon) = (hour % 12, is_after_noon);
                Some(after)
            }
            None => second.map(|_| rest),
        }
    }

    fn epoch<'a>(&mut self, unit: Unit, text: &'a [u8]) -> Option<&'a [u8]> {
        let (number, _, mut rest) = digits(text)?;
        (Unit::of(number) == Some(unit)).then_some(())?;
        let mut fraction_us = 0;
        if unit <= Unit::Milli
            && let [b'.', after @ ..] = rest
            && let Some((micros, after)) = micros(after)
        {
            (fraction_us, rest) = (micros, after);
        }
        self.since_1970 = Some(unit.micros(number, fraction_us)?);
        Some(rest)
    }
}
