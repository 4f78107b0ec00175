//! The pieces of text that stamps are made of: numbers, names, offsets.

/// 1990-01-01 and 2101-01-01, seconds since 1970.
const EPOCH_S: std::ops::Range<u64> = 631_152_000..4_133_980_800;

/// The unit of a number that counts since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unit {
    Second,
    Milli,
    Micro,
    Nano,
}

impl Unit {
    pub(super) const ALL: [Unit; 4] = [Unit::Second, Unit::Milli, Unit::Micro, Unit::Nano];

    /// How many are in a second.
    const fn per_second(self) -> u64 {
        match self {
            Unit::Second => 1,
            Unit::Milli => 1_000,
            Unit::Micro => 1_000_000,
            Unit::Nano => 1_000_000_000,
        }
    }

    /// The unit in which a number is a time of 1990 to 2100: at most one is.
    pub(super) fn of(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|it| EPOCH_S.contains(&(number / it.per_second())))
    }

    /// Microseconds of a plausible number of this unit and `fraction_us` millionths of it.
    pub(super) fn micros(self, number: u64, fraction_us: u32) -> Option<i64> {
        let micros = match self {
            Unit::Second => number.checked_mul(1_000_000)? + u64::from(fraction_us),
            Unit::Milli => number.checked_mul(1_000)? + u64::from(fraction_us) / 1_000,
            Unit::Micro => number,
            Unit::Nano => number / 1_000,
        };
        i64::try_from(micros).ok()
    }
}

/// Whether a stamp may end before this: not within a word or a number.
#[inline]
pub(super) fn ends(rest: &[u8]) -> bool {
    match rest {
        [] => true,
        [next, ..] if next.is_ascii_alphanumeric() => false,
        [b'.' | b':' | b'-' | b'+' | b'/' | b'_', digit, ..] => !digit.is_ascii_digit(),
        _ => true,
    }
}

#[inline]
pub(super) fn two(tens: u8, ones: u8) -> Option<u8> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    if tens < 10 && ones < 10 { Some(tens * 10 + ones) } else { None }
}

#[inline]
pub(super) fn four([a, b, c, d]: [u8; 4]) -> Option<i16> {
    Some(i16::from(two(a, b)?) * 100 + i16::from(two(c, d)?))
}

/// Two-digit years are POSIX's: 69 to 99 are of the last century.
#[inline]
pub(super) fn short_year(tens: u8, ones: u8) -> Option<i16> {
    let year = i16::from(two(tens, ones)?);
    Some(if year < 69 { 2000 + year } else { 1900 + year })
}

/// One or two digits, and what follows.
#[inline]
pub(super) fn one_or_two(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', rest @ ..] => {
            Some(((tens - b'0') * 10 + (ones - b'0'), rest))
        }
        [ones @ b'0'..=b'9', rest @ ..] => Some((ones - b'0', rest)),
        _ => None,
    }
}

/// The digits at the start of a text, at most 19 of them, as a number; how many; what follows.
pub(super) fn digits(text: &[u8]) -> Option<(u64, usize, &[u8])> {
    let n_digits = text.iter().take(20).take_while(|it| it.is_ascii_digit()).count();
    if n_digits == 0 || n_digits > 19 {
        return None;
    }
    let (number, rest) = text.split_at_checked(n_digits)?;
    Some((number.iter().fold(0, |sum, it| sum * 10 + u64::from(it - b'0')), n_digits, rest))
}

/// One to nine digits of a second as microseconds, and what follows.
#[inline]
pub(super) fn micros(text: &[u8]) -> Option<(u32, &[u8])> {
    let (mut micros, mut scale, mut n_digits) = (0_u32, 100_000_u32, 0_usize);
    for byte in text.iter().take(10) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        micros += u32::from(digit) * scale;
        scale /= 10;
        n_digits += 1;
    }
    (1..=9).contains(&n_digits).then(|| Some((micros, text.get(n_digits..)?)))?
}

/// An offset such as `+05:30`, `-0800` or `+02` as seconds east of UTC, and what follows.
pub(super) fn offset(text: &[u8]) -> Option<(i32, &[u8])> {
    let (sign, text) = match text {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        // U+2212, which ISO 8601 prefers.
        [0xe2, 0x88, 0x92, rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes, rest) = match text {
        [a, b, b':', c, d, rest @ ..] => (two(*a, *b)?, two(*c, *d)?, rest),
        [a, b, c, d, rest @ ..] if c.is_ascii_digit() => (two(*a, *b)?, two(*c, *d)?, rest),
        [a, b, rest @ ..] => (two(*a, *b)?, 0, rest),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| (sign * (i32::from(hours) * 3_600 + i32::from(minutes) * 60), rest))
}

/// `Z`, `UTC`, `GMT`, an offset, or `UTC` or `GMT` with one.
pub(super) fn stated_offset(text: &[u8]) -> Option<(i32, &[u8])> {
    let found = match text {
        [b'Z' | b'z', rest @ ..] => Some((0, rest)),
        [b'U', b'T', b'C', rest @ ..] | [b'G', b'M', b'T', rest @ ..] => offset(rest).or(Some((0, rest))),
        _ => offset(text),
    };
    found.filter(|(_, rest)| ends(rest))
}

/// Drops an optional separator of the zone: a space.
pub(super) fn behind_space(text: &[u8]) -> &[u8] {
    text.strip_prefix(b" ").unwrap_or(text)
}

/// What follows a name whose first three letters have been read: the others may be left out.
#[inline]
pub(super) fn behind_name<'a>(others: &[u8], text: &'a [u8]) -> Option<&'a [u8]> {
    let is_within_word = |it: &[u8]| it.first().is_some_and(u8::is_ascii_alphabetic);
    if !is_within_word(text) {
        return Some(text);
    }
    let (read, rest) = text.split_at_checked(others.len())?;
    (read.eq_ignore_ascii_case(others) && !is_within_word(rest)).then_some(rest)
}

#[inline]
pub(super) fn month_name(text: &[u8]) -> Option<(u8, &[u8])> {
    let (three, rest) = text.split_first_chunk::<3>()?;
    let (month, others): (u8, &[u8]) = match &three.map(|it| it.to_ascii_lowercase()) {
        b"jan" => (1, b"uary"),
        b"feb" => (2, b"ruary"),
        b"mar" => (3, b"ch"),
        b"apr" => (4, b"il"),
        b"may" => (5, b""),
        b"jun" => (6, b"e"),
        b"jul" => (7, b"y"),
        b"aug" => (8, b"ust"),
        b"sep" => (9, b"tember"),
        b"oct" => (10, b"ober"),
        b"nov" => (11, b"ember"),
        b"dec" => (12, b"ember"),
        _ => return None,
    };
    Some((month, behind_name(others, rest)?))
}

#[inline]
pub(super) fn behind_weekday(text: &[u8]) -> Option<&[u8]> {
    let (three, rest) = text.split_first_chunk::<3>()?;
    let others: &[u8] = match &three.map(|it| it.to_ascii_lowercase()) {
        b"mon" | b"fri" | b"sun" => b"day",
        b"tue" => b"sday",
        b"wed" => b"nesday",
        b"thu" => b"rsday",
        b"sat" => b"urday",
        _ => return None,
    };
    behind_name(others, rest)
}

/// What follows one of these bytes.
#[inline]
pub(super) fn behind_any<'a>(bytes: &[u8], text: &'a [u8]) -> Option<&'a [u8]> {
    // Not `contains`: that is a call, and the bytes are few.
    let (first, rest) = text.split_first()?;
    if bytes.iter().any(|it| it == first) { Some(rest) } else { None }
}

/// Whether `PM` rather than `AM`, perhaps behind a space, and what follows.
pub(super) fn half(text: &[u8]) -> Option<(bool, &[u8])> {
    // Java writes a narrow no-break space, U+202F.
    let text = text.strip_prefix(b"\xe2\x80\xaf").unwrap_or_else(|| behind_space(text));
    let (is_after_noon, rest) = match text {
        [b'A' | b'a', b'M' | b'm', rest @ ..] | [b'a', b'.', b'm', b'.', rest @ ..] => (false, rest),
        [b'P' | b'p', b'M' | b'm', rest @ ..] | [b'p', b'.', b'm', b'.', rest @ ..] => (true, rest),
        _ => return None,
    };
    (!rest.first().is_some_and(u8::is_ascii_alphanumeric)).then_some((is_after_noon, rest))
}
