//! When a record was written: where its time stamp is, and which instant that means.
//!
//! A stamp is looked for from left to right in a record's first 256 bytes: at the start, and behind a space, a tab, one of
//! `[` `(` `"` `'` `=` `|` `,` or the priority of a syslog record. The first place counts at which one of the object's layouts can be
//! read and at which it ends neither within a word nor within a number. Which layouts those are is decided from the object's first lines,
//! unless the job names one. A JSON record has its time in one of its members.
//!
//! Of zones that stamps state, offsets count (`Z`, `+05:30`, `-0800`, `+02`), and `UTC` and `GMT`; other abbreviations mean several
//! zones each, so they are ignored, and the stamp is of the job's zone.

use serde::Deserialize;
use squall_core::workload::InputError;

mod civil;
mod detect;
mod in_json;
mod in_name;
mod items;
mod known;
mod pattern;
mod pieces;
mod places;

pub use civil::{Civil, NoTime};
pub use in_name::{NameTime, times_in_name};

use civil::{YearRule, Zone, instant};
use detect::{detect, flow_log};
use in_json::{JsonRule, is_object};
use known::{Class, FLOW, Layout};
use places::{first_place, without_marks};

/// How far into a record its stamp may begin, bytes.
const REACH_BYTES: usize = 256;
/// The same in a record whose header says which field has its time.
const FLOW_REACH_BYTES: usize = 1024;
/// The years that a job may name.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=9999;

/// How a job says where the time of its records is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeInput {
    /// `detect` (the default), `none`, the name of a layout (`rfc3339`, `syslog`, `clf`, `epoch-ms`, …), or a pattern of `strftime`'s
    /// fields (`%Y/%m/%d %H:%M:%S`). A fraction and an offset may follow the seconds at the end of a pattern.
    pub format: Option<String>,
    /// The zone of stamps that do not state theirs: an IANA name, `UTC` (the default) or an offset (`+05:30`).
    pub zone: Option<String>,
    /// The year of stamps that do not state theirs, 1970 to 9999.
    pub year: Option<i16>,
    /// The top-level member of JSON records that has their time; by default one of the usual names.
    pub field: Option<String>,
}

/// Which layouts stamps may have.
#[derive(Debug, Clone)]
enum Format {
    Detect,
    None,
    Named(Layout),
}

/// What a job says about the time of its records, checked.
#[derive(Debug, Clone)]
pub struct TimeRules {
    format: Format,
    zone: Zone,
    year: Option<i16>,
    range: Option<(i64, i64)>,
    json: JsonRule,
}

impl TimeInput {
    /// Checks the input. `range` is the job's range of time, microseconds since 1970 UTC: it tells the years of stamps without one.
    ///
    /// # Errors
    /// The first field that is wrong, at `input.time`.
    pub fn compile(&self, range: Option<(i64, i64)>) -> Result<TimeRules, InputError> {
        let format = match self.format.as_deref() {
            None | Some("detect") => Format::Detect,
            Some("none") => Format::None,
            Some(format) => Format::Named(
                pattern::layout(format).map_err(|problem| InputError::new("input.time.format", problem))?,
            ),
        };
        let zone = self.zone.as_deref().unwrap_or("UTC");
        let zone = Zone::of(zone).ok_or_else(|| {
            let expected =
                "expected an IANA name such as \"Europe/London\", \"UTC\", or an offset such as \"+05:30\"";
            InputError::new("input.time.zone", format!("{zone:?} is not a time zone; {expected}"))
        })?;
        if let Some(year) = self.year
            && !YEARS.contains(&year)
        {
            let problem = format!("{year}; expected {} to {}", YEARS.start(), YEARS.end());
            return Err(InputError::new("input.time.year", problem));
        }
        if self.field.as_deref() == Some("") {
            return Err(InputError::new("input.time.field", "\"\"; expected the name of a member"));
        }
        let layout = match &format {
            Format::Named(layout) => Some(layout.clone()),
            Format::Detect | Format::None => None,
        };
        let json = JsonRule { field: self.field.as_deref().map(Box::from), layout, likely: 0 };
        Ok(TimeRules { format, zone, year: self.year, range, json })
    }
}

/// What the stamps of one object look like, and which instants they mean.
#[derive(Debug, Clone)]
pub struct Layouts {
    /// In the order in which they are tried.
    texts: Vec<Layout>,
    /// What any of them may begin with.
    begins: u8,
    reach: usize,
    /// None if times are not looked for.
    json: Option<JsonRule>,
    has_json: bool,
    note: Option<&'static str>,
    zone: Zone,
    years: YearRule,
    date: Option<(i16, u8, u8)>,
}

impl TimeRules {
    /// The layouts of an object, from its name and its first 64 KiB (unpacked, ending anywhere, or all of a shorter one): every slice of
    /// the object decides alike.
    pub fn layouts(&self, object_name: &str, head: &[u8]) -> Layouts {
        let name = times_in_name(object_name);
        let mut layouts = Layouts {
            texts: Vec::new(),
            begins: 0,
            reach: REACH_BYTES,
            json: Some(self.json.clone()),
            has_json: false,
            note: None,
            zone: self.zone.clone(),
            years: YearRule::of(self.year, name, self.range),
            date: name.and_then(NameTime::date),
        };
        let head = without_marks(head);
        match &self.format {
            Format::None => layouts.json = None,
            Format::Named(layout) if layout.name == FLOW => {
                let header = head.split(|it| *it == b'\n').next().unwrap_or_default();
                layouts.texts.push(flow_log(&[header]).unwrap_or_else(|| layout.clone()));
            }
            Format::Named(layout) => layouts.texts.push(layout.clone()),
            Format::Detect => {
                let found = detect(head, &self.json);
                (layouts.texts, layouts.note) = (found.layouts, found.note);
                layouts.has_json = found.member.is_some();
                if let (Some(json), Some(member)) = (&mut layouts.json, found.member) {
                    json.likely = member;
                }
            }
        }
        layouts.begins = layouts.texts.iter().fold(0, |all, it| all | it.begins());
        if layouts.texts.iter().any(|it| it.name == FLOW) {
            layouts.reach = FLOW_REACH_BYTES;
        }
        layouts
    }
}

/// The time of a record, as it states it: checked, but not yet an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// Microseconds since 1970.
    Instant {
        /// Truncated.
        micros: i64,
    },
    /// A date and a time of day.
    Civil(Civil),
}

impl Layouts {
    /// The record's stamp, if it has one: a function of the record's bytes alone.
    #[inline]
    pub fn find(&self, record: &[u8]) -> Option<Stamp> {
        let record = without_marks(record);
        if let (Some(json), Some(b'{' | b' ' | b'\t' | b'\n' | b'\r')) = (&self.json, record.first()) {
            let object = record.trim_ascii_start();
            if is_object(object) {
                return json.find(object);
            }
        }
        first_place(record, self.begins, self.reach, |field, text| {
            self.texts.iter().find_map(|layout| match layout.class {
                Class::Number(Some(its)) if its != field => None,
                _ => layout.read(text).map(|(stamp, _)| stamp),
            })
        })
    }

    /// The instant of a stamp, microseconds since 1970 UTC.
    ///
    /// # Errors
    /// Why it is none: a year or a date that is missing and that nothing tells.
    pub fn instant(&self, stamp: &Stamp) -> Result<i64, NoTime> {
        match stamp {
            Stamp::Instant { micros } => Ok(*micros),
            Stamp::Civil(at) => instant(*at, &self.zone, self.years, self.date),
        }
    }

    /// The layouts, for a report: `rfc3339`, `syslog (year 2005)`, `none`.
    pub fn name(&self) -> String {
        let mut names: Vec<String> = self.texts.iter().map(|it| self.name_of(it)).collect();
        if let (true, Some(json)) = (self.has_json, &self.json) {
            names.push(format!("json ({})", json.member(json.likely)));
        }
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        match self.note {
            Some(note) => format!("{names} ({note})"),
            None => names,
        }
    }

    fn name_of(&self, layout: &Layout) -> String {
        let name = &layout.name;
        match (layout.class, self.years, self.date) {
            (Class::Yearless, YearRule::Known(year) | YearRule::UpTo((year, ..)), _) => {
                format!("{name} (year {year})")
            }
            (Class::Yearless, YearRule::Within(..), _) => format!("{name} (year by the range)"),
            (Class::Yearless, YearRule::Unknown, _) => format!("{name} (no year)"),
            (Class::TimeOnly, _, Some((year, month, day))) => {
                format!("{name} ({year:04}-{month:02}-{day:02})")
            }
            (Class::TimeOnly, _, None) => format!("{name} (no date)"),
            _ => name.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
