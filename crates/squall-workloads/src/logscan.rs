//! Signatures in a mountain of logs: how often each is there, when, and where first.
//!
//! A slice is a range of bytes of all objects laid end to end. Of an object that can be cut, plain lines, a slice searches those lines that
//! begin in it; it reads a little before them and as far behind them as their signatures look. What cannot be cut, compressed or one JSON
//! document, is searched by the slice in which it begins. What an object is follows from its first bytes and its name, so all its slices
//! decide alike; each count is a function of the objects.

use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use squall_core::data::{Borders, Data, Extent};
use squall_core::sources::{Given, Listing, Source};
use squall_core::workload::{Coverage, EvaluateError, InputError, Weight, Workload};

use evaluate::Known;
use input::{ExamplesInput, Input, duration_us, schema};
use partial::{At, Hits, Kept, Partial};
use places::Places;
use report::Report;
use scan::SIGHT_BYTES;
use signature::{Signature, Signatures};
use times::TimeRules;

pub mod evaluate;
pub mod input;
pub mod json;
pub mod lines;
pub mod partial;
pub mod places;
pub mod report;
pub mod sample;
pub mod scan;
pub mod signature;
pub mod times;
pub mod unpack;

/// Most buckets of a range.
const MAX_BUCKETS: usize = 10_000;
/// Buckets of a signature where no range is given: the earliest.
const BUCKETS_WITHOUT_RANGE: usize = 2_000;
/// Most counts of a job: signatures × groups × buckets.
const MAX_COUNTS: usize = 4_000_000;
/// Groups that are told apart in any case.
const MIN_GROUPS: usize = 10;
/// Most groups of a signature.
const MAX_GROUPS: usize = 100_000;
/// What searching a byte takes, nanoseconds of one core: of plain text, and of compressed.
const PLAIN_NS: u64 = 2;
const PACKED_NS: u64 = 16;
/// Memory of a group with its first count, of each further count, while partials are merged, and the fewest bytes of a log that make one.
const BYTES_OF_A_GROUP: u64 = 1_000;
const BYTES_OF_A_COUNT: u64 = 60;
const BYTES_OF_A_HIT: u64 = 16;
/// Lines that the examples of all signatures may have, and the memory of one, twice.
const MAX_EXAMPLE_LINES: usize = 20_000;
const BYTES_OF_A_LINE: u64 = 2_200;

/// Counts signatures in logs by time and group.
pub struct LogScan;

/// A scan, checked.
#[derive(Debug)]
pub struct Prepared {
    places: Places,
    /// The prefix of the objects' names, and the first byte, of each listing; and the byte after all.
    roots: Vec<String>,
    starts: Vec<u64>,
    total: u64,
    n_objects: u64,
    /// The entries of the input, and those that list nothing.
    n_entries: usize,
    nothing_in: Vec<usize>,
    /// Microseconds since 1970.
    range: Option<(i64, i64)>,
    bucket_us: i64,
    signatures: Signatures,
    rules: TimeRules,
    examples: ExamplesInput,
    kept: Kept,
    known: Known,
    /// Groups that the job asks for.
    wanted_groups: usize,
}

/// Bytes of the logs, of all objects of all listings laid end to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    from: u64,
    to: u64,
}

impl Prepared {
    /// The bytes of a listing, of all.
    fn listing(&self, source: usize) -> Range<u64> {
        let at = |idx: usize| self.starts.get(idx).copied().unwrap_or(self.total);
        at(source)..at(source + 1)
    }

    /// The bytes of a slice in a listing, counted in that.
    fn ours(&self, slice: &Bytes, source: usize) -> Range<u64> {
        let listing = self.listing(source);
        let within = |at: u64| at.clamp(listing.start, listing.end) - listing.start;
        within(slice.from)..within(slice.to)
    }

    fn ns(&self, source: usize) -> u64 {
        let is_packed = self.places.0.get(source).is_some_and(|place| place.is_packed);
        if is_packed { PACKED_NS } else { PLAIN_NS }
    }

    fn weight_between(&self, from: u64, to: u64) -> Weight {
        let slice = Bytes { from, to };
        let of_listing = |source| {
            let ours = self.ours(&slice, source);
            (ours.end - ours.start).saturating_mul(self.ns(source))
        };
        (0..self.starts.len()).map(of_listing).fold(0, u64::saturating_add)
    }

    /// The byte at which the bytes from `from` on weigh `weight`.
    fn byte_after(&self, from: u64, weight: Weight) -> u64 {
        let mut left = weight;
        for source in 0..self.starts.len() {
            let listing = self.listing(source);
            let start = listing.start.max(from);
            if start >= listing.end {
                continue;
            }
            let of_listing = (listing.end - start).saturating_mul(self.ns(source));
            if of_listing > left {
                return start + left / self.ns(source);
            }
            left -= of_listing;
        }
        self.total
    }
}

impl Workload for LogScan {
    const NAME: &'static str = "logscan";
    const VERSION: u32 = 1;
    const HAS_ROWS: bool = true;
    const ABOUT: &'static str =
        "Counts signatures in logs by time and group: text of any size, and gzip, zstd or bzip2 objects.";
    type Input = Input;
    type Prepared = Prepared;
    type Slice = Bytes;
    type Partial = Partial;
    type Report = Report;

    fn input_schema() -> Value {
        schema::input()
    }

    fn sources(input: &Input) -> Vec<Source> {
        // What is wrong with the places is an error of `prepare`, which knows nothing of the objects then.
        let places = range(input).and_then(|range| places_of(input, range));
        let places = places.map(|places| places.0).unwrap_or_default();
        places.into_iter().map(|place| Source::Objects(place.name)).collect()
    }

    fn prepare(input: Input, given: &Given) -> Result<Prepared, InputError> {
        let range = range(&input)?;
        let places = places_of(&input, range)?;
        let signatures = Signatures::compile(&input.signatures)?;
        let rules = input.time.compile(range)?;
        input.examples.check()?;
        let lines = example_lines(input.examples).saturating_mul(input.signatures.len());
        if lines > MAX_EXAMPLE_LINES {
            let problem =
                format!("have up to {lines} lines of all signatures; expected at most {MAX_EXAMPLE_LINES}");
            return Err(InputError::new("input.examples", problem));
        }
        let bucket_us = duration_us("bucket", &input.bucket, 1)?;
        let kept = kept(&input, range, bucket_us)?;

        let (mut starts, mut total) = (Vec::with_capacity(given.listings.len()), 0u64);
        for listing in &given.listings {
            starts.push(total);
            let sum = total.checked_add(listing.n_bytes());
            total =
                sum.ok_or_else(|| InputError::new("input.logs", "hold more bytes than can be counted"))?;
        }
        let n_objects = given.listings.iter().map(Listing::n_objects).fold(0, u64::saturating_add);
        let lists = |entry: usize| {
            let of_entry = places
                .0
                .iter()
                .zip(&given.listings)
                .filter(|(place, _)| place.entries.iter().any(|(its, _)| *its == entry));
            of_entry.map(|(_, listing)| listing.n_objects()).fold(0, u64::saturating_add)
        };
        let nothing_in: Vec<usize> = (0..input.logs.len()).filter(|entry| lists(*entry) == 0).collect();
        if n_objects == 0 {
            let names: Vec<String> = places.0.iter().map(|place| place.name.clone()).collect();
            let names = crate::reading::first_of(&names, 5);
            return Err(InputError::new(
                "input.logs",
                format!("there is nothing to search: no object below {names}"),
            ));
        }
        if total == 0 {
            return Err(InputError::new(
                "input.logs",
                format!("there is nothing to search: all {n_objects} objects are empty"),
            ));
        }
        if total.checked_mul(PACKED_NS).is_none() {
            return Err(InputError::new("input.logs", "are centuries of work"));
        }
        let roots = given.listings.iter().map(|listing| listing.root.clone()).collect();
        let (examples, wanted_groups) = (input.examples, input.groups);
        Ok(Prepared {
            known: Known::default(),
            n_entries: input.logs.len(),
            wanted_groups,
            places,
            roots,
            starts,
            total,
            n_objects,
            nothing_in,
            range,
            bucket_us,
            signatures,
            rules,
            examples,
            kept,
        })
    }

    fn whole(prepared: &Prepared) -> Bytes {
        Bytes { from: 0, to: prepared.total }
    }

    fn weight(prepared: &Prepared, slice: &Bytes) -> Weight {
        prepared.weight_between(slice.from, slice.to)
    }

    fn divide(prepared: &Prepared, slice: &Bytes, parts: NonZeroUsize) -> Vec<Bytes> {
        let parts = (parts.get() as u64).min(slice.to.saturating_sub(slice.from)).max(1);
        let weight = u128::from(Self::weight(prepared, slice));
        let mut pieces = Vec::with_capacity(usize::try_from(parts).unwrap_or(0));
        let mut from = slice.from;
        for part in 1..=parts {
            let share = u64::try_from(weight * u128::from(part) / u128::from(parts)).unwrap_or(u64::MAX);
            let to =
                if part == parts { slice.to } else { prepared.byte_after(slice.from, share).min(slice.to) };
            if to > from || (part == parts && pieces.is_empty()) {
                pieces.push(Bytes { from, to });
                from = to;
            }
        }
        pieces
    }

    fn reads(prepared: &Prepared, slice: &Bytes) -> Vec<Extent> {
        let mut extents = Vec::new();
        for (source, place) in prepared.places.0.iter().enumerate() {
            let ours = prepared.ours(slice, source);
            if ours.is_empty() {
                continue;
            }
            let borders = match place.is_packed {
                true => Borders::WholeObjects,
                false => Borders::ExactAfter(SIGHT_BYTES + 1),
            };
            extents.push(Extent { source, from: ours.start, to: ours.end, borders });
        }
        extents
    }

    fn evaluate(prepared: &Prepared, slice: &Bytes, data: &mut dyn Data) -> Result<Partial, EvaluateError> {
        if slice.from > slice.to || slice.to > prepared.total {
            return Err(EvaluateError("the slice is not of this job".to_owned()));
        }
        let ours = |source| prepared.ours(slice, source);
        Ok(evaluate::evaluate(prepared, slice.to - slice.from, ours, data)?)
    }

    /// It covers the slice's bytes but those of the failed parts.
    fn check_partial(
        prepared: &Prepared,
        slice: &Bytes,
        partial: &Partial,
        failed: &[Bytes],
    ) -> Result<(), String> {
        let mut expected = slice.to.saturating_sub(slice.from);
        for part in failed {
            if part.from < slice.from || part.to > slice.to || part.from > part.to {
                return Err("the slice has no such part".to_owned());
            }
            expected = expected.saturating_sub(part.to - part.from);
        }
        let n = prepared.signatures.all.len();
        if partial.covered != expected {
            return Err(format!("it is of {} bytes instead of {expected}", partial.covered));
        }
        if partial.kept != prepared.kept {
            return Err("it keeps more or less than the job asks for".to_owned());
        }
        if partial.signatures.len() != n {
            return Err(format!("it has {} signatures instead of {n}", partial.signatures.len()));
        }
        if partial.names_too_many() {
            return Err("it names more objects or formats than any has".to_owned());
        }
        for hits in &partial.signatures {
            hits.check(prepared.kept)?;
        }
        let is_ours = |at: &At| {
            let ours = prepared.ours(slice, at.source as usize);
            // Of what can be cut, where the record begins; of other objects, where they do.
            ours.contains(&at.object_at) || ours.contains(&at.object_at.saturating_add(at.offset))
        };
        let named = partial.signatures.iter().flat_map(Hits::places);
        match named.chain(partial.skipped.keys().copied()).find(|at| !is_ours(at)) {
            Some(_) => Err("it names a place that is not of its slice".to_owned()),
            None => Ok(()),
        }
    }

    fn merge(into: &mut Partial, other: Partial) {
        into.merge(other);
    }

    fn report(prepared: &Prepared, partial: Option<&Partial>, coverage: &Coverage) -> Report {
        Report::of(prepared, partial, coverage)
    }

    fn write_rows(prepared: &Prepared, partial: Option<&Partial>, out: &mut dyn io::Write) -> io::Result<()> {
        report::write_rows(prepared, partial, out)
    }

    fn units(prepared: &Prepared) -> (u64, &'static str) {
        (prepared.total, "bytes")
    }

    fn value_bytes(prepared: &Prepared, slice: &Bytes) -> u64 {
        /// What a byte of a packed object unpacks to, at most as a rule.
        const UNPACKED: u64 = 50;
        let all = &prepared.signatures.all;
        let n = all.len() as u64;
        let bytes = slice.to.saturating_sub(slice.from);
        let hits = bytes.saturating_mul(UNPACKED) / BYTES_OF_A_HIT;
        // Twice: they are thinned out when there are twice as many.
        let groups = |it: &Signature| if it.is_grouped { 2 * prepared.kept.groups as u64 + 1 } else { 1 };
        let groups = all.iter().map(groups).fold(0, u64::saturating_add);
        let counts = groups.saturating_mul(prepared.kept.buckets as u64 + 2);
        let lines = (example_lines(prepared.examples) as u64).min(hits).saturating_mul(n);
        let of_groups = groups.min(hits).saturating_mul(BYTES_OF_A_GROUP);
        let of_counts = counts.min(hits).saturating_mul(BYTES_OF_A_COUNT);
        of_groups.saturating_add(of_counts).saturating_add(lines.saturating_mul(BYTES_OF_A_LINE))
    }

    fn prepared_bytes(prepared: &Prepared) -> u64 {
        /// A place's name and pattern.
        const OF_A_PLACE: u64 = 20_000;
        prepared.signatures.bytes() + prepared.places.0.len() as u64 * OF_A_PLACE
    }

    fn notes(prepared: &Prepared) -> Vec<String> {
        report::notes(prepared)
    }

    fn headline(prepared: &Prepared, partial: &Partial) -> Option<String> {
        Some(report::headline(prepared, partial))
    }
}

/// Lines of the examples of a signature.
fn example_lines(examples: ExamplesInput) -> usize {
    examples.count.saturating_mul(1 + examples.before + examples.after)
}

fn places_of(input: &Input, range: Option<(i64, i64)>) -> Result<Places, InputError> {
    Places::of(&input.logs, range, duration_us("slack", &input.slack, 0)?)
}

/// The range of time, microseconds since 1970.
fn range(input: &Input) -> Result<Option<(i64, i64)>, InputError> {
    let parsed = |field: &str, text: &Option<String>| -> Result<Option<i64>, InputError> {
        let Some(text) = text else { return Ok(None) };
        let at: Result<jiff::Timestamp, _> = text.parse();
        match at {
            Ok(at) => Ok(Some(at.as_microsecond())),
            Err(_) => {
                let problem = format!(
                    "{} is not a time with its zone; write it like 2026-11-30T21:00:00Z or 2026-11-30T22:00:00+01:00",
                    crate::reading::quoted(text)
                );
                Err(InputError::new(format!("input.{field}"), problem))
            }
        }
    };
    match (parsed("from", &input.from)?, parsed("to", &input.to)?) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(InputError::new("input.to", "is missing; a range has a beginning and an end")),
        (None, Some(_)) => {
            Err(InputError::new("input.from", "is missing; a range has a beginning and an end"))
        }
        (Some(from), Some(to)) if from >= to => {
            Err(InputError::new("input.to", "is not after from; the range has no time in it"))
        }
        (Some(from), Some(to)) => Ok(Some((from, to))),
    }
}

/// How much of the counts is told apart, so that they fit into memory.
fn kept(input: &Input, range: Option<(i64, i64)>, bucket_us: i64) -> Result<Kept, InputError> {
    if !(1..=MAX_GROUPS).contains(&input.groups) {
        return Err(InputError::new("input.groups", format!("{}; expected 1 to {MAX_GROUPS}", input.groups)));
    }
    let buckets = match range {
        Some((from, to)) => {
            let n =
                (to.saturating_sub(1).div_euclid(bucket_us) - from.div_euclid(bucket_us)).saturating_add(1);
            usize::try_from(n).unwrap_or(usize::MAX)
        }
        None => BUCKETS_WITHOUT_RANGE,
    };
    let n_signatures = input.signatures.len().max(1);
    let n_grouped = input.signatures.iter().filter(|it| it.group_by.is_some()).count();
    let most = match n_grouped {
        0 => MAX_BUCKETS.min(MAX_COUNTS / n_signatures),
        n => MAX_BUCKETS.min(MAX_COUNTS / MIN_GROUPS / n),
    };
    if buckets > most {
        let problem = format!(
            "{:?} gives {buckets} buckets in this range; {n_signatures} signatures, {n_grouped} of them with groups, can have {most}, so make \
             it wider",
            input.bucket
        );
        return Err(InputError::new("input.bucket", problem));
    }
    let groups = match n_grouped {
        0 => input.groups,
        n => (MAX_COUNTS / n / buckets).clamp(1, input.groups),
    };
    Ok(Kept { groups, examples: input.examples.count, buckets })
}

#[cfg(test)]
mod tests;
