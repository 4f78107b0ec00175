//! The time of a JSON record: the value of one of its top-level members.

use memchr::memchr2;

use super::Stamp;
use super::known::{Class, KNOWN, Layout, NUMBERS};
use super::pieces::Unit;

/// The members that have the time of a record, unless the job names one: of those that a record has, the first of these.
const USUAL: [&[u8]; 29] = [
    b"eventTime",
    b"@timestamp",
    b"timestamp",
    b"time",
    b"ts",
    b"Timestamp",
    b"Time",
    b"TimeStamp",
    b"@t",
    b"t",
    b"event_time",
    b"EventTime",
    b"eventTimestamp",
    b"event_timestamp",
    b"query_timestamp",
    b"requestReceivedTimestamp",
    b"stageTimestamp",
    b"datetime",
    b"dateTime",
    b"date",
    b"asctime",
    b"timeMillis",
    b"time_iso8601",
    b"time_local",
    b"log_time",
    b"logTime",
    b"created_at",
    b"createdAt",
    b"startTime",
];
/// Longest value that may be a stamp, bytes.
const MAX_VALUE_BYTES: usize = 128;

/// Whether a record is a JSON object, by its beginning: a brace, then a name or the end.
#[inline]
pub(super) fn is_object(record: &[u8]) -> bool {
    let Some((b'{', rest)) = record.split_first() else { return false };
    matches!(rest.trim_ascii_start().first(), Some(b'"' | b'}'))
}

/// Where JSON records have their time, and what it looks like.
#[derive(Debug, Clone)]
pub(super) struct JsonRule {
    /// The member, if the job names one.
    pub field: Option<Box<str>>,
    /// The layout, if the job names one.
    pub layout: Option<Layout>,
    /// Index in `USUAL` of the member that most records of the object's head have; 0 before any is seen.
    pub likely: usize,
}

impl JsonRule {
    /// The stamp of a record.
    pub(super) fn find(&self, record: &[u8]) -> Option<Stamp> {
        self.find_member(record).map(|(_, stamp)| stamp)
    }

    /// The stamp of a record, and the index in `USUAL` of the member that has it; 0 if the job names the member.
    pub(super) fn find_member(&self, record: &[u8]) -> Option<(usize, Stamp)> {
        let mut best: Option<(usize, Stamp)> = None;
        members(record, |key, value| {
            let index = match &self.field {
                Some(field) => (key == field.as_bytes()).then_some(0),
                None if USUAL.get(self.likely) == Some(&key) => Some(self.likely),
                None => USUAL.iter().position(|it| *it == key),
            };
            let Some(index) = index else { return false };
            let rank = if index == self.likely { 0 } else { index + 1 };
            let rank_of = |it: usize| if it == self.likely { 0 } else { it + 1 };
            if best.is_none_or(|(best, _)| rank < rank_of(best))
                && let Some(stamp) = self.stamp(value)
            {
                best = Some((index, stamp));
                return self.field.is_some() || rank == 0;
            }
            false
        });
        best
    }

    /// The name of a member, for reports.
    pub(super) fn member(&self, index: usize) -> &str {
        let usual = USUAL.get(index).and_then(|it| std::str::from_utf8(it).ok());
        self.field.as_deref().or(usual).unwrap_or_default()
    }

    fn stamp(&self, value: &[u8]) -> Option<Stamp> {
        match value {
            [b'"', text @ .., b'"'] if text.contains(&b'\\') => self.stamp_of_text(&unescaped(text)?),
            [b'"', text @ .., b'"'] => self.stamp_of_text(text),
            // MongoDB's extended JSON.
            [b'{', ..] => {
                let mut found = None;
                members(value, |key, value| {
                    found = (key == b"$date" && value.first() != Some(&b'{'))
                        .then(|| self.stamp(value))
                        .flatten();
                    true
                });
                found
            }
            _ => self.stamp_of_number(value),
        }
    }

    fn stamp_of_text(&self, text: &[u8]) -> Option<Stamp> {
        let text = text.trim_ascii().strip_prefix(b"[").unwrap_or(text.trim_ascii());
        if let Some(layout) = &self.layout {
            return layout.read(text).map(|(stamp, _)| stamp);
        }
        let clear =
            KNOWN.iter().filter(|it| matches!(it.class, Class::Dated | Class::Yearless | Class::TimeOnly));
        clear.chain(&NUMBERS).find_map(|it| it.read(text)).map(|(stamp, _)| stamp)
    }

    fn stamp_of_number(&self, number: &[u8]) -> Option<Stamp> {
        let (micros, unit) = since_1970(number)?;
        let fits = match &self.layout {
            None => true,
            Some(layout) => layout.items.first() == Some(&super::items::Item::Epoch(unit)),
        };
        fits.then_some(Stamp::Instant { micros })
    }
}

/// A JSON number of seconds, milli-, micro- or nanoseconds since 1970, whichever makes it a time of 1990 to 2100: as microseconds.
fn since_1970(number: &[u8]) -> Option<(i64, Unit)> {
    if number.len() > MAX_VALUE_BYTES {
        return None;
    }
    if number.len() <= 19 && number.iter().all(u8::is_ascii_digit) {
        let number = number.iter().fold(0, |sum, it| sum * 10 + u64::from(it - b'0'));
        let unit = Unit::of(number)?;
        return Some((unit.micros(number, 0)?, unit));
    }
    let text = std::str::from_utf8(number).ok()?;
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if !(0..=19).contains(&exponent) || whole.is_empty() || !digits().all(|it| it.is_ascii_digit()) {
        return None;
    }
    // Whole digits with those of the fraction that the exponent makes whole, and then nine of the rest.
    let n_whole = whole.len() + usize::try_from(exponent).ok()?;
    let number_of = |from: usize, n_digits: usize| {
        let zeros = std::iter::repeat(b'0');
        let digits = digits().chain(zeros).skip(from).take(n_digits);
        digits.fold(0_u64, |sum, it| sum.saturating_mul(10).saturating_add(u64::from(it - b'0')))
    };
    let (number, billionths) = (number_of(0, n_whole), number_of(n_whole, 9));
    let unit = Unit::of(number)?;
    let micros = unit.micros(number, u32::try_from(billionths / 1_000).ok()?)?;
    Some((micros, unit))
}

/// A text without its escapes, as far as stamps have any: `\/`.
fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > MAX_VALUE_BYTES {
        return None;
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        plain.push(if byte == b'\\' { *bytes.next()? } else { byte });
    }
    Some(plain)
}

/// Visits the members of an object in order, names as they are written and values with their quotes or brackets, until the visitor
/// says that it has seen enough, or the object ends or breaks off.
fn members<'a>(object: &'a [u8], mut visit: impl FnMut(&'a [u8], &'a [u8]) -> bool) {
    let Some(mut rest) = object.strip_prefix(b"{") else { return };
    loop {
        rest = rest.trim_ascii_start();
        rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
        let Some((key, after)) = string(rest) else { return };
        let Some(after) = after.trim_ascii_start().strip_prefix(b":") else { return };
        let after = after.trim_ascii_start();
        let Some((value, after)) = value(after) else { return };
        let name = key.get(1..key.len().saturating_sub(1)).unwrap_or_default();
        if visit(name, value) {
            return;
        }
        rest = after;
    }
}

/// The string at the start of a text, with its quotes, and what follows.
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 1;
    text.strip_prefix(b"\"")?;
    loop {
        let from = text.get(at..)?;
        let next = memchr2(b'"', b'\\', from)?;
        if from.get(next) == Some(&b'"') {
            return text.split_at_checked(at + next + 1);
        }
        at += next + 2;
    }
}

/// The value at the start of a text, and what follows.
fn value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    match text.first()? {
        b'"' => string(text),
        b'{' | b'[' => nested(text),
        _ => {
            let ends = |it: &u8| matches!(it, b',' | b'}' | b']') || it.is_ascii_whitespace();
            text.split_at_checked(text.iter().position(ends)?)
        }
    }
}

/// The object or list at the start of a text, and what follows. Which bracket closes which is not checked.
fn nested(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        match text.get(at)? {
            b'"' => at += string(text.get(at..)?)?.0.len(),
            b'{' | b'[' => (depth, at) = (depth + 1, at + 1),
            b'}' | b']' => {
                (depth, at) = (depth.saturating_sub(1), at + 1);
                if depth == 0 {
                    return text.split_at_checked(at);
                }
            }
            _ => at += 1,
        }
    }
}
