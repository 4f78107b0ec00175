//! The layouts of stamps that have a name.

use std::borrow::Cow;

use super::items::Item;
use super::pieces::Unit;

/// What a stamp looks like.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Its name, or the pattern.
    pub name: Cow<'static, str>,
    pub items: Cow<'static, [Item]>,
    pub class: Class,
}

/// What a layout leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Nothing, or the zone.
    Dated,
    /// The year.
    Yearless,
    /// The date.
    TimeOnly,
    /// Whether the day or the month comes first: only more than one stamp tells.
    DayOrMonth,
    /// A number since 1970, in the field (of those that blanks separate) with this index, or in any.
    Number(Option<usize>),
}

impl Layout {
    const fn known(name: &'static str, class: Class, items: &'static [Item]) -> Self {
        Self { name: Cow::Borrowed(name), items: Cow::Borrowed(items), class }
    }

    /// A layout of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let known = || KNOWN.iter().chain(&NUMBERS).find(|it| it.name == name).cloned();
        if name == FLOW { Some(flow(FLOW_START)) } else { known() }
    }

    /// A number of this unit, in this field.
    pub(super) fn number(unit: Unit, field: Option<usize>) -> Self {
        let [second, milli, micro, nano] = &NUMBERS;
        let layout = match unit {
            Unit::Second => second,
            Unit::Milli => milli,
            Unit::Micro => micro,
            Unit::Nano => nano,
        };
        Self { class: Class::Number(field), ..layout.clone() }
    }

    /// What its stamps may begin with.
    pub(super) fn begins(&self) -> u8 {
        match self.items.first() {
            Some(Item::MonthName | Item::WeekdayName | Item::AnyOf(_)) => super::places::LETTER,
            Some(Item::Byte(byte)) => super::places::kind_of(*byte),
            Some(
                Item::Blanks
                | Item::OptionalBlank
                | Item::Gap
                | Item::StatedOffset
                | Item::ZoneWord
                | Item::Half,
            )
            | None => super::places::ANY,
            Some(_) => super::places::DIGIT,
        }
    }

    /// Reads a stamp from the start of a text, and how many bytes it has.
    #[inline]
    pub(super) fn read(&self, text: &[u8]) -> Option<(super::Stamp, usize)> {
        let (found, rest) = super::items::read(&self.items, text)?;
        let stamp = found.map_or_else(super::Stamp::Civil, |micros| super::Stamp::Instant { micros });
        Some((stamp, text.len() - rest.len()))
    }
}

/// The field of a flow log's records that has their start, unless a header says otherwise: `start` of version 2.
pub(super) const FLOW_START: usize = 10;

/// The layout of a VPC's flow logs whose start is in this field.
pub(super) fn flow(field: usize) -> Layout {
    Layout { name: Cow::Borrowed(FLOW), ..Layout::number(Unit::Second, Some(field)) }
}

/// The name of that layout.
pub(super) const FLOW: &str = "vpc-flow";

/// The layouts whose stamps are numbers since 1970, 1990 to 2100.
pub(super) static NUMBERS: [Layout; 4] = [
    Layout::known("epoch-s", Class::Number(None), &[Item::Epoch(Unit::Second)]),
    Layout::known("epoch-ms", Class::Number(None), &[Item::Epoch(Unit::Milli)]),
    Layout::known("epoch-us", Class::Number(None), &[Item::Epoch(Unit::Micro)]),
    Layout::known("epoch-ns", Class::Number(None), &[Item::Epoch(Unit::Nano)]),
];

use Class::{Dated, DayOrMonth, TimeOnly, Yearless};
use Item::{
    AnyOf, Blanks, Byte, Clock, ClockDigits, Date, DateClock, DateDigits, Fraction, LooseClock, LooseDay,
    LooseMonth,
};
use Item::{Gap, MonthName, Offset, ShortDate, ShortDateDigits, WeekdayName, Year, ZoneWord};

/// Every other layout that has a name; of two that read equally much of a line, the earlier is preferred.
pub(super) static KNOWN: [Layout; 31] = [
    // `2026-11-30T21:08:33.123Z`, `2026-11-30 21:08:33,123 +0100`
    Layout::known("rfc3339", Dated, &[DateClock(b'-', b"T t"), Fraction, Offset]),
    // `Nov 30 21:08:33`: RFC 3164
    Layout::known("syslog", Yearless, &[MonthName, Blanks, LooseDay, Byte(b' '), Clock, Fraction, Offset]),
    // `30/Nov/2026:21:08:33 +0000`: web servers, S3 access
    Layout::known(
        "clf",
        Dated,
        &[LooseDay, Byte(b'/'), MonthName, Byte(b'/'), Year, AnyOf(b": "), Clock, Fraction, Offset],
    ),
    // `2026/11/30 21:08:33`: nginx, Go
    Layout::known("ymd-slashes", Dated, &[DateClock(b'/', b" T-:_"), Fraction, Offset]),
    // `2026-11-30<TAB>21:08:33`
    Layout::known("cloudfront", Dated, &[DateClock(b'-', b"\t"), Fraction, Offset]),
    // `2026-11-30_21:08:33`
    Layout::known("underscore", Dated, &[DateClock(b'-', b"_,:"), Fraction, Offset]),
    // `2026-11-30-21.08.33.123456`: Blue Gene, DB2
    Layout::known(
        "bgl",
        Dated,
        &[
            Date(b'-'),
            Byte(b'-'),
            Item::Hour,
            Byte(b'.'),
            Item::Minute,
            Byte(b'.'),
            Item::Second,
            Fraction,
            Offset,
        ],
    ),
    // `2026-11-30T21:08Z`
    Layout::known(
        "rfc3339-minutes",
        Dated,
        &[Date(b'-'), AnyOf(b"T t"), Item::Hour, Byte(b':'), Item::Minute, Offset],
    ),
    // `20261130T210833Z`
    Layout::known("iso8601-basic", Dated, &[DateDigits, AnyOf(b"T-_ "), ClockDigits, Fraction, Offset]),
    // `20261130 21:08:33.123`
    Layout::known("ymd-digits", Dated, &[DateDigits, AnyOf(b" -_T"), Clock, Fraction, Offset]),
    // `20261130210833`
    Layout::known("digits", Dated, &[DateDigits, ClockDigits, Fraction, Offset]),
    // `2026.11.30 21:08:33`
    Layout::known("ymd-dots", Dated, &[DateClock(b'.', b" T-_"), Fraction, Offset]),
    // `26/11/30 21:08:33`: Spark
    Layout::known("yy-slashes", Dated, &[ShortDate(b'/'), Byte(b' '), Clock, Fraction, Offset]),
    // `26-11-30 21:08:33`
    Layout::known("yy-dashes", Dated, &[ShortDate(b'-'), AnyOf(b" T"), Clock, Fraction, Offset]),
    // `261130 210833 148`
    Layout::known("hdfs", Dated, &[ShortDateDigits, Byte(b' '), ClockDigits]),
    // `261130  9:08:33`
    Layout::known("mysql", Dated, &[ShortDateDigits, Blanks, LooseClock]),
    // `Mon Nov 30 21:08:33.123 2026`: Apache
    Layout::known(
        "asctime",
        Dated,
        &[
            WeekdayName,
            Blanks,
            MonthName,
            Blanks,
            LooseDay,
            Byte(b' '),
            Clock,
            Fraction,
            Byte(b' '),
            Year,
            Offset,
        ],
    ),
    // `Mon Nov 30 21:08:33 UTC 2026`
    Layout::known(
        "ctime",
        Dated,
        &[
            WeekdayName,
            Blanks,
            MonthName,
            Blanks,
            LooseDay,
            Byte(b' '),
            Clock,
            Fraction,
            ZoneWord,
            Byte(b' '),
            Year,
        ],
    ),
    // `Mon Nov 30 2026 21:08:33 GMT+0000`
    Layout::known(
        "javascript",
        Dated,
        &[
            WeekdayName,
            Blanks,
            MonthName,
            Blanks,
            LooseDay,
            Byte(b' '),
            Year,
            Byte(b' '),
            Clock,
            Fraction,
            Offset,
        ],
    ),
    // `Mon, 30 Nov 2026 21:08:33 +0000`
    Layout::known(
        "rfc2822",
        Dated,
        &[
            WeekdayName,
            Byte(b','),
            Blanks,
            LooseDay,
            AnyOf(b" -"),
            MonthName,
            AnyOf(b" -"),
            Year,
            Byte(b' '),
            Clock,
            Fraction,
            Offset,
        ],
    ),
    // `30 Nov 2026 21:08:33.123`: Redis; `30-Nov-2026 21:08:33`: BIND
    Layout::known(
        "day-month-year",
        Dated,
        &[LooseDay, AnyOf(b" -"), MonthName, AnyOf(b" -"), Year, AnyOf(b" :T"), Clock, Fraction, Offset],
    ),
    // `30 Nov 21:08:33.123`: Redis of old
    Layout::known(
        "day-month",
        Yearless,
        &[LooseDay, AnyOf(b" -"), MonthName, Byte(b' '), Clock, Fraction, Offset],
    ),
    // `Nov 30, 2026 9:08:33 PM`: Java; `Nov 30, 2026 @ 21:08:33.123`: Kibana
    Layout::known(
        "java",
        Dated,
        &[MonthName, Blanks, LooseDay, Byte(b','), Blanks, Year, Gap, LooseClock, Offset],
    ),
    // `Nov 30 2026 21:08:33`: Cisco
    Layout::known(
        "syslog-year",
        Dated,
        &[MonthName, Blanks, LooseDay, Blanks, Year, Blanks, Clock, Fraction, Offset],
    ),
    // `30.11.2026 21:08:33`
    Layout::known(
        "dmy-dots",
        Dated,
        &[LooseDay, Byte(b'.'), LooseMonth, Byte(b'.'), Year, Gap, Clock, Fraction, Offset],
    ),
    // `I1130 21:08:33.123456`
    Layout::known("klog", Yearless, &[AnyOf(b"IWEFD"), Item::Month, Item::Day, Blanks, Clock, Fraction]),
    // `I20261130 21:08:33.123456`
    Layout::known("glog", Dated, &[AnyOf(b"IWEFD"), DateDigits, Blanks, Clock, Fraction]),
    // `11-30 21:08:33.123`
    Layout::known("android", Yearless, &[Item::Month, Byte(b'-'), Item::Day, Byte(b' '), Clock, Fraction]),
    // `11/30/2026 09:08:33 PM`
    Layout::known(
        "mdy",
        DayOrMonth,
        &[LooseMonth, AnyOf(b"/-"), LooseDay, AnyOf(b"/-"), Year, Gap, LooseClock, Offset],
    ),
    // `30/11/2026 21:08:33`
    Layout::known(
        "dmy",
        DayOrMonth,
        &[LooseDay, AnyOf(b"/-"), LooseMonth, AnyOf(b"/-"), Year, Gap, LooseClock, Offset],
    ),
    // `21:08:33.123`, `9:08:33 PM`
    Layout::known("time", TimeOnly, &[LooseClock, Offset]),
];
