//! Layouts that a job names or spells out, as `strftime` does.

use std::borrow::Cow;

use super::items::Item;
use super::known::{Class, FLOW, KNOWN, Layout, NUMBERS};
use super::pieces::Unit;

/// Longest pattern, bytes: about as far as stamps are looked for.
const MAX_PATTERN_BYTES: usize = 200;

/// What a field of a pattern states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum States {
    Year,
    Month,
    Day,
    Hour,
    Hour12,
    Half,
    Minute,
    Second,
    Fraction,
    Zone,
    Instant,
    /// Nothing that an instant needs.
    Nothing,
}

/// The fields of patterns: what each states, and what it reads. A day, a month and an hour may have one digit.
const FIELDS: &[(char, &[States], &[Item])] = &[
    ('Y', &[States::Year], &[Item::Year]),
    ('y', &[States::Year], &[Item::ShortYear]),
    ('m', &[States::Month], &[Item::LooseMonth]),
    ('b', &[States::Month], &[Item::MonthName]),
    ('B', &[States::Month], &[Item::MonthName]),
    ('h', &[States::Month], &[Item::MonthName]),
    ('d', &[States::Day], &[Item::LooseDay]),
    ('e', &[States::Day], &[Item::OptionalBlank, Item::LooseDay]),
    ('F', &[States::Year, States::Month, States::Day], &[Item::Date(b'-')]),
    (
        'D',
        &[States::Year, States::Month, States::Day],
        &[Item::LooseMonth, Item::Byte(b'/'), Item::LooseDay, Item::Byte(b'/'), Item::ShortYear],
    ),
    ('H', &[States::Hour], &[Item::LooseHour]),
    ('k', &[States::Hour], &[Item::OptionalBlank, Item::LooseHour]),
    ('I', &[States::Hour12], &[Item::Hour12]),
    ('l', &[States::Hour12], &[Item::OptionalBlank, Item::Hour12]),
    ('p', &[States::Half], &[Item::Half]),
    ('P', &[States::Half], &[Item::Half]),
    ('M', &[States::Minute], &[Item::Minute]),
    ('S', &[States::Second], &[Item::Second]),
    ('T', &[States::Hour, States::Minute, States::Second], &[Item::Clock]),
    ('R', &[States::Hour, States::Minute], &[Item::Hour, Item::Byte(b':'), Item::Minute]),
    ('f', &[States::Fraction], &[Item::FractionDigits]),
    ('L', &[States::Fraction], &[Item::FractionDigits]),
    ('N', &[States::Fraction], &[Item::FractionDigits]),
    ('z', &[States::Zone], &[Item::StatedOffset]),
    ('Z', &[States::Zone], &[Item::ZoneWord]),
    ('a', &[States::Nothing], &[Item::WeekdayName]),
    ('A', &[States::Nothing], &[Item::WeekdayName]),
    ('s', &[States::Instant], &[Item::Epoch(Unit::Second)]),
    ('n', &[States::Nothing], &[Item::Blanks]),
    ('t', &[States::Nothing], &[Item::Blanks]),
];

/// The layout that a job names or spells out.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub(super) fn layout(format: &str) -> Result<Layout, String> {
    if let Some(layout) = Layout::named(format) {
        return Ok(layout);
    }
    if !format.contains('%') {
        let names: Vec<_> = KNOWN.iter().chain(&NUMBERS).map(|it| it.name.as_ref()).collect();
        let names = names.join(", ");
        return Err(format!(
            "{format:?} is not a layout; expected detect, none, a pattern such as \"%Y/%m/%d %H:%M:%S\", or one of {names}, {FLOW}"
        ));
    }
    if format.len() > MAX_PATTERN_BYTES {
        return Err(format!("a pattern of {} bytes; expected at most {MAX_PATTERN_BYTES}", format.len()));
    }
    let (mut items, states) = items(format)?;
    let class = class(&states).map_err(|problem| format!("the pattern {format:?} {problem}"))?;
    if class == Class::Dated && states.contains(&States::Instant) {
        return Ok(Layout { name: Cow::Owned(format.to_owned()), items: Cow::Owned(items), class });
    }
    if states.contains(&States::Second) && !states.contains(&States::Fraction) && ends_with_seconds(format) {
        items.push(Item::Fraction);
    }
    if !states.contains(&States::Zone) {
        items.push(Item::Offset);
    }
    Ok(Layout { name: Cow::Owned(format.to_owned()), items: Cow::Owned(items), class })
}

fn ends_with_seconds(format: &str) -> bool {
    format.ends_with("%S") || format.ends_with("%T")
}

fn items(format: &str) -> Result<(Vec<Item>, Vec<States>), String> {
    let (mut items, mut states) = (Vec::new(), Vec::new());
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' => {
                let field = characters.next().ok_or_else(|| {
                    format!("the pattern {format:?} ends within a field; expected %% for the character %")
                })?;
                if field == '%' {
                    items.push(Item::Byte(b'%'));
                    continue;
                }
                let (_, stated, read) = FIELDS.iter().find(|(it, ..)| *it == field).ok_or_else(|| {
                    let known: Vec<_> = FIELDS.iter().map(|(it, ..)| format!("%{it}")).collect();
                    format!(
                        "the pattern {format:?} has the field %{field}; expected {} or %%",
                        known.join(" ")
                    )
                })?;
                if let Some(twice) = stated.iter().find(|it| **it != States::Nothing && states.contains(*it))
                {
                    return Err(format!("the pattern {format:?} states the {} twice", word(*twice)));
                }
                states.extend_from_slice(stated);
                items.extend_from_slice(read);
            }
            ' ' | '\t' => {
                if items.last() != Some(&Item::Blanks) {
                    items.push(Item::Blanks);
                }
            }
            _ => items.extend(character.encode_utf8(&mut [0; 4]).bytes().map(Item::Byte)),
        }
    }
    Ok((items, states))
}

fn word(states: States) -> &'static str {
    match states {
        States::Year => "year",
        States::Month => "month",
        States::Day => "day",
        States::Hour | States::Hour12 => "hour",
        States::Half => "half of the day",
        States::Minute => "minute",
        States::Second => "second",
        States::Fraction => "fraction of the second",
        States::Zone => "zone",
        States::Instant | States::Nothing => "instant",
    }
}

/// What the fields leave open, if they make a time.
fn class(states: &[States]) -> Result<Class, &'static str> {
    let has = |it: States| states.contains(&it);
    if has(States::Instant) {
        return Ok(Class::Dated);
    }
    if has(States::Hour12) != has(States::Half) {
        return Err(match has(States::Half) {
            true => "has %p without %I; expected %I with %p, or %H alone",
            false => "has %I without %p; expected %I with %p, or %H alone",
        });
    }
    if has(States::Hour) && has(States::Hour12) {
        return Err("states the hour twice; expected %I with %p, or %H alone");
    }
    let has_hour = has(States::Hour) || has(States::Hour12);
    if (has(States::Minute) && !has_hour)
        || (has(States::Second) && !has(States::Minute))
        || (has(States::Fraction) && !has(States::Second))
    {
        return Err(
            "leaves out a part of the time; expected the hour, then perhaps minute, second and fraction",
        );
    }
    match (has(States::Year), has(States::Month), has(States::Day)) {
        (true, true, true) => Ok(Class::Dated),
        (false, true, true) => Ok(Class::Yearless),
        (false, false, false) if has_hour => Ok(Class::TimeOnly),
        (false, false, false) => Err("has no time; expected at least a date, an hour or %s"),
        _ => Err("has a part of a date; expected month and day, with or without the year, or no date"),
    }
}
