//! Which layouts an object's stamps have, by its first lines.

use std::collections::BTreeMap;

use super::in_json::{JsonRule, is_object};
use super::known::{Class, FLOW_START, KNOWN, Layout, flow};
use super::pieces::Unit;
use super::places::{ANY, DIGIT, first_place, without_marks};
use super::{REACH_BYTES, Stamp};

/// Lines of the head that are looked at.
const MAX_LINES: usize = 500;
/// Length of a whole head: of a shorter one, the object's last line is whole too.
const HEAD_BYTES: usize = 64 * 1024;
/// A layout needs two lines, but only one of fewer lines than this.
const FEW_LINES: usize = 20;
/// Most layouts of one object.
const MAX_LAYOUTS: usize = 4;
/// Numbers that differ by more are no times of one file: ten years.
const MAX_SPREAD_US: u64 = 10 * 366 * 86_400 * 1_000_000;
/// Of the fields of a flow log's header.
const FLOW_FIELDS: [&[u8]; 6] =
    [b"version", b"account-id", b"interface-id", b"srcaddr", b"pkt-srcaddr", b"vpc-id"];

/// What an object's head shows.
#[derive(Debug, Default)]
pub(super) struct Detected {
    /// Of lines of text, most frequent first.
    pub layouts: Vec<Layout>,
    /// The index of the member that most JSON records have their time in, if there are any.
    pub member: Option<usize>,
    /// Why stamps are left alone.
    pub note: Option<&'static str>,
}

/// The lines of a head that are whole and not blank.
fn lines(head: &[u8]) -> Vec<&[u8]> {
    let whole = match memchr::memrchr(b'\n', head) {
        Some(end) if head.len() >= HEAD_BYTES => head.get(..end).unwrap_or_default(),
        _ => head,
    };
    let lines = whole.split(|it| *it == b'\n').map(without_marks);
    lines.filter(|it| !it.trim_ascii().is_empty()).take(MAX_LINES).collect()
}

/// Looks at the first lines of an object.
pub(super) fn detect(head: &[u8], json: &JsonRule) -> Detected {
    let lines = lines(head);
    let (objects, texts): (Vec<&[u8]>, Vec<&[u8]>) =
        lines.iter().partition(|it| is_object(it.trim_ascii_start()));
    let member = member(&objects, json);
    if let Some(flow) = flow_log(&texts) {
        return Detected { layouts: vec![flow], member, note: None };
    }
    let (layouts, note) = of_texts(&texts);
    Detected { layouts, member, note }
}

/// The member that most records have their time in.
fn member(objects: &[&[u8]], json: &JsonRule) -> Option<usize> {
    let mut counts = BTreeMap::<usize, usize>::new();
    for (index, _) in objects.iter().filter_map(|it| json.find_member(it.trim_ascii_start())) {
        *counts.entry(index).or_default() += 1;
    }
    // Of equally frequent ones the first.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(index, _)| index)
}

fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|it| !it.is_empty())
}

/// The layout of a flow log, by its header or by the shape of version 2.
pub(super) fn flow_log(lines: &[&[u8]]) -> Option<Layout> {
    let header = lines.first()?;
    let is_name =
        |it: &[u8]| it.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'0'..=b'9'));
    if fields(header).any(|it| FLOW_FIELDS.contains(&it)) && fields(header).all(is_name) {
        let position = |name: &[u8]| fields(header).position(|it| it == name);
        return position(b"start").or_else(|| position(b"end")).map(flow);
    }
    let is_flow = |line: &&[u8]| {
        let fields: Vec<_> = fields(line).take(15).collect();
        matches!(fields.as_slice(),
            [b"2", account, .., action, status]
                if fields.len() == 14
                    && account.iter().all(u8::is_ascii_digit)
                    && matches!(*action, b"ACCEPT" | b"REJECT" | b"-")
                    && matches!(*status, b"OK" | b"NODATA" | b"SKIPDATA"))
    };
    lines.iter().all(is_flow).then(|| flow(FLOW_START))
}

/// What decides between layouts.
#[derive(Default)]
struct Votes {
    /// Lines by index in the candidates.
    counts: BTreeMap<usize, usize>,
    /// Lines whose date has the month first if either does, whose date has the day first, and which do not tell.
    month_first: usize,
    day_first: usize,
    either: usize,
}

fn of_texts(lines: &[&[u8]]) -> (Vec<Layout>, Option<&'static str>) {
    let enough = |count: usize| count >= 2 || (count == 1 && lines.len() < FEW_LINES);
    let mut candidates: Vec<Layout> = KNOWN.to_vec();
    let number = numbers(lines);
    if let Some((layout, is_constant)) = number {
        // A number that is always the same is rather a name, unless nothing else is a time.
        let n_dated: usize = if is_constant { vote(lines, &candidates).counts.values().sum() } else { 0 };
        if n_dated * 2 < lines.len() {
            candidates.push(layout);
        }
    }
    let votes = vote(lines, &candidates);
    let mut kept: Vec<(usize, usize)> = votes
        .counts
        .iter()
        .map(|(index, count)| (*count, *index))
        .filter(|(count, _)| enough(*count))
        .collect();
    let (month_first, day_first, either) = (votes.month_first, votes.day_first, votes.either);
    let mut note = None;
    if enough(month_first + day_first + either) {
        let position = |name: &str| candidates.iter().position(|it| it.name == name);
        let order = match (month_first, day_first) {
            (0, 0) => {
                Err("whether day or month comes first is not clear: name %m/%d/%Y or %d/%m/%Y in time.format")
            }
            (_, 0) => Ok("mdy"),
            (0, _) => Ok("dmy"),
            _ => Err("some dates have the day first and some the month: name the pattern in time.format"),
        };
        match order {
            Ok(name) => kept.extend(position(name).map(|index| (month_first + day_first + either, index))),
            Err(reason) => note = Some(reason),
        }
    }
    // Most frequent first; of equally frequent ones in the order of the table.
    kept.sort_by_key(|(count, index)| (std::cmp::Reverse(*count), *index));
    let mut layouts: Vec<Layout> =
        kept.iter().filter_map(|(_, index)| candidates.get(*index).cloned()).collect();
    // Beside stamps with a date, a time of day is one that a message speaks of.
    if layouts.iter().any(|it| it.class != Class::TimeOnly) {
        layouts.retain(|it| it.class != Class::TimeOnly);
    }
    layouts.truncate(MAX_LAYOUTS);
    (layouts, note)
}

/// Which candidate reads most at the first place of each line where any reads something.
fn vote(lines: &[&[u8]], candidates: &[Layout]) -> Votes {
    let mut votes = Votes::default();
    for line in lines {
        let first = first_place(line, ANY, REACH_BYTES, |field, text| {
            let read = |layout: &Layout| match layout.class {
                Class::Number(Some(its)) if its != field => None,
                _ => layout.read(text),
            };
            let length = |layout: &Layout| read(layout).map_or(0, |(_, length)| length);
            let longest = candidates.iter().map(length).max().filter(|it| *it > 0)?;
            let winners = candidates.iter().enumerate().filter(|(_, it)| length(it) == longest);
            let winners: Vec<usize> = winners.map(|(index, _)| index).collect();
            Some(winners)
        });
        let name = |index: &usize| candidates.get(*index).map(|it| it.name.as_ref());
        match first.unwrap_or_default().as_slice() {
            [] => {}
            [one] if name(one) == Some("mdy") => votes.month_first += 1,
            [one] if name(one) == Some("dmy") => votes.day_first += 1,
            [one, ..] if name(one) == Some("mdy") => votes.either += 1,
            [one, ..] => *votes.counts.entry(*one).or_default() += 1,
        }
    }
    votes
}

/// The leftmost field that has a time as a number in most lines, and whether it is always the same one.
fn numbers(lines: &[&[u8]]) -> Option<(Layout, bool)> {
    let mut seen = BTreeMap::<(usize, Unit), (usize, i64, i64)>::new();
    for line in lines {
        let mut last = None;
        let _: Option<()> = first_place(line, DIGIT, REACH_BYTES, |field, text| {
            let found = Unit::ALL.into_iter().filter(|unit| has_usual_length(*unit, text)).find_map(|unit| {
                let (Stamp::Instant { micros }, _) = Layout::number(unit, None).read(text)? else {
                    return None;
                };
                Some((unit, micros))
            });
            if let Some((unit, micros)) = found
                && last != Some(field)
            {
                last = Some(field);
                let (count, least, most) = seen.entry((field, unit)).or_insert((0, micros, micros));
                (*count, *least, *most) = (*count + 1, micros.min(*least), micros.max(*most));
            }
            None
        });
    }
    let is_time = |(count, least, most): &(usize, i64, i64)| {
        count * 2 > lines.len() && most.abs_diff(*least) <= MAX_SPREAD_US
    };
    let mut times: Vec<_> = seen.into_iter().filter(|(_, it)| is_time(it)).collect();
    let varies = |(count, least, most): &(usize, i64, i64)| *count < 3 || least != most;
    times.sort_by_key(|(place, it)| (!varies(it), *place));
    let ((field, unit), it) = times.first()?;
    Some((Layout::number(*unit, Some(*field)), !varies(it)))
}

/// Whether a number has as many digits as times since 2001-09-09 have in this unit: identifiers of other lengths are common.
fn has_usual_length(unit: Unit, text: &[u8]) -> bool {
    let n_digits = text.iter().take(20).take_while(|it| it.is_ascii_digit()).count();
    match unit {
        Unit::Second => matches!(n_digits, 9 | 10),
        Unit::Milli => n_digits == 13,
        Unit::Micro => n_digits == 16,
        Unit::Nano => n_digits == 19,
    }
}
