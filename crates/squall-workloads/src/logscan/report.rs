//! The answer: how often, when and where first; and what was not searched.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use serde::Serialize;
use squall_core::workload::Coverage;

use super::Prepared;
use super::partial::{Bucket, Example, Hits, LATER, Partial, Seen};

mod text;

/// Buckets that are listed although nothing is in them, at most.
const MAX_EMPTY_BUCKETS: usize = 10_000;

/// The answer, or the answer so far.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether some of the logs are not in it.
    pub is_partial: bool,
    /// Share of the work that is in, 0 to 1.
    pub work_done: f64,
    /// The range of time, if there is one.
    pub range: Option<Range>,
    /// Seconds of a bucket.
    pub bucket_seconds: i64,
    /// What was read.
    pub read: Totals,
    /// The signatures, in the order of the job.
    pub signatures: Vec<SignatureReport>,
    /// Objects that were not searched to their end: the first.
    pub skipped: Vec<SkippedReport>,
    /// How many there are.
    pub n_skipped: u64,
    /// Objects by what they were recognised as.
    pub formats: BTreeMap<String, u64>,
    /// Objects of further formats.
    pub other_formats: u64,
    /// What the reader should know.
    pub notes: Vec<String>,
}

/// A range of time.
#[derive(Debug, Clone, Serialize)]
pub struct Range {
    /// Its first time.
    pub from: String,
    /// The time after its last.
    pub to: String,
}

/// How much was listed and read.
#[derive(Debug, Clone, Serialize)]
pub struct Totals {
    /// Objects that were listed.
    pub objects_listed: u64,
    /// Objects that were searched, at least in part.
    pub objects: u64,
    /// Listed objects whose names no pattern of the job matches.
    pub objects_unnamed: u64,
    /// Listed objects that an earlier entry of the job lists, too.
    pub objects_repeated: u64,
    /// Bytes that were listed.
    pub bytes_listed: u64,
    /// Bytes that were read, as stored.
    pub bytes: u64,
    /// The same, unpacked.
    pub plain_bytes: u64,
    /// Records that were searched.
    pub records: u64,
    /// Of those, how many took the time of a record before them.
    pub records_with_inherited_time: u64,
    /// Of those, how many have no time.
    pub records_without_time: u64,
    /// Of those, how many are longer than 16 MiB, and were searched no further.
    pub records_cut: u64,
}

/// An object that was not searched to its end.
#[derive(Debug, Clone, Serialize)]
pub struct SkippedReport {
    /// Its location.
    pub object: String,
    /// Why.
    pub reason: String,
    /// Its size.
    pub bytes: u64,
    /// How many bytes of it were searched before, unpacked.
    pub searched_bytes: u64,
}

/// What a signature was found in.
#[derive(Debug, Clone, Serialize)]
pub struct SignatureReport {
    /// Its name.
    pub name: String,
    /// Hits in the range, and hits without a time.
    pub hits: u64,
    /// Of those, hits without a time, and why.
    pub without_time: u64,
    /// Why hits have no time.
    pub why_without_time: BTreeMap<String, u64>,
    /// Hits outside of the range, which are not counted above.
    pub outside_range: u64,
    /// The earliest and the latest.
    pub first: Option<SeenReport>,
    /// See `first`.
    pub last: Option<SeenReport>,
    /// Hits by time; buckets without any are listed.
    pub buckets: Vec<BucketReport>,
    /// Hits later than the buckets that are told apart.
    pub later: u64,
    /// Hits by group, most first, if the signature has groups.
    pub groups: Option<Vec<GroupReport>>,
    /// Hits of the groups that are not told apart.
    pub other_groups: u64,
    /// The earliest hits.
    pub examples: Vec<ExampleReport>,
}

/// When and where a hit is.
#[derive(Debug, Clone, Serialize)]
pub struct SeenReport {
    /// When.
    pub time: String,
    /// The object's location.
    pub object: String,
    /// The record's first byte, counted in the object, unpacked.
    pub offset: u64,
}

/// Hits in a bucket.
#[derive(Debug, Clone, Serialize)]
pub struct BucketReport {
    /// Its first time.
    pub from: String,
    /// Hits.
    pub hits: u64,
}

/// Hits of a group.
#[derive(Debug, Clone, Serialize)]
pub struct GroupReport {
    /// What the capture matched.
    pub group: String,
    /// Hits.
    pub hits: u64,
    /// Of those, hits without a time.
    pub without_time: u64,
    /// Hits by time, where there are any.
    pub buckets: Vec<BucketReport>,
}

/// A hit, with the lines around it.
#[derive(Debug, Clone, Serialize)]
pub struct ExampleReport {
    /// When.
    pub time: Option<String>,
    /// The object's location.
    pub object: String,
    /// The record's first byte, counted in the object, unpacked.
    pub offset: u64,
    /// The lines before it, the record, the lines after it.
    pub before: Vec<String>,
    /// See `before`.
    pub record: String,
    /// See `before`.
    pub after: Vec<String>,
}

/// A time for people and programs: RFC 3339, UTC, as many digits of a second as it has.
fn instant(us: i64) -> String {
    jiff::Timestamp::from_microsecond(us).map_or_else(|_| format!("{us} µs"), |at| at.to_string())
}

impl Report {
    pub(super) fn of(prepared: &Prepared, partial: Option<&Partial>, coverage: &Coverage) -> Self {
        let nothing = Partial {
            signatures: vec![Hits::default(); prepared.signatures.all.len()],
            ..Partial::default()
        };
        let sum = partial.unwrap_or(&nothing);
        let signatures = prepared.signatures.all.iter().zip(&sum.signatures);
        let skipped = sum.skipped.values().map(|it| SkippedReport {
            object: it.object.clone(),
            reason: it.reason.clone(),
            bytes: it.bytes,
            searched_bytes: it.searched,
        });
        Self {
            is_partial: !coverage.is_whole(),
            work_done: coverage.share(),
            range: prepared.range.map(|(from, to)| Range { from: instant(from), to: instant(to) }),
            bucket_seconds: prepared.bucket_us / 1_000_000,
            read: Totals {
                objects_listed: prepared.n_objects,
                objects: sum.read.objects,
                objects_unnamed: sum.read.unnamed,
                objects_repeated: sum.read.repeated,
                bytes_listed: prepared.total,
                bytes: sum.read.bytes,
                plain_bytes: sum.read.plain_bytes,
                records: sum.read.records,
                records_with_inherited_time: sum.read.inherited,
                records_without_time: sum.read.untimed,
                records_cut: sum.read.cut,
            },
            signatures: signatures
                .map(|(signature, hits)| SignatureReport::of(prepared, signature, hits))
                .collect(),
            skipped: skipped.collect(),
            n_skipped: sum.n_skipped,
            formats: sum.formats.clone(),
            other_formats: sum.other_formats,
            notes: notes(prepared).into_iter().chain(unmatched(prepared, sum, coverage)).collect(),
        }
    }
}

impl SignatureReport {
    fn of(prepared: &Prepared, signature: &super::signature::Signature, hits: &Hits) -> Self {
        let by_bucket = hits.by_bucket();
        let of = |bucket: Bucket| by_bucket.get(&bucket).copied().unwrap_or(0);
        let sum = |counts: &BTreeMap<Bucket, u64>| counts.values().copied().fold(0, u64::saturating_add);
        let groups = signature.is_grouped.then(|| {
            let mut groups: Vec<GroupReport> = hits
                .groups
                .iter()
                .map(|group| GroupReport {
                    group: group.group.clone(),
                    hits: sum(&group.buckets),
                    without_time: group.buckets.get(&None).copied().unwrap_or(0),
                    buckets: buckets(prepared, &group.buckets, false),
                })
                .collect();
            groups.sort_by(|one, other| (other.hits, &one.group).cmp(&(one.hits, &other.group)));
            groups
        });
        Self {
            name: signature.name.clone(),
            hits: sum(&by_bucket),
            without_time: of(None),
            why_without_time: hits.untimed.clone(),
            outside_range: hits.outside,
            first: hits.first.as_ref().map(SeenReport::of),
            last: hits.last.as_ref().map(SeenReport::of),
            buckets: buckets(prepared, &by_bucket, true),
            later: of(LATER),
            groups,
            other_groups: sum(&hits.others),
            examples: hits.examples.iter().map(ExampleReport::of).collect(),
        }
    }
}

/// The buckets of time with hits; with those between them, or in the whole range, that have none, unless those are too many.
fn buckets(prepared: &Prepared, counts: &BTreeMap<Bucket, u64>, with_empty: bool) -> Vec<BucketReport> {
    let us = prepared.bucket_us;
    let timed = counts.iter().filter(|(bucket, _)| **bucket != LATER);
    let timed: BTreeMap<i64, u64> = timed.filter_map(|(bucket, hits)| Some(((*bucket)?, *hits))).collect();
    let report = |from: i64, hits: u64| BucketReport { from: instant(from), hits };
    let ends = match prepared.range {
        Some((from, to)) => Some((from.div_euclid(us) * us, to.saturating_sub(1).div_euclid(us) * us)),
        None => {
            timed.first_key_value().zip(timed.last_key_value()).map(|((first, _), (last, _))| (*first, *last))
        }
    };
    let listed = ends.filter(|_| with_empty).and_then(|(first, last)| {
        let n = usize::try_from(last.saturating_sub(first) / us).ok()? + 1;
        (n <= MAX_EMPTY_BUCKETS).then_some((first, n))
    });
    match listed {
        Some((first, n)) => {
            let at = (0..n).filter_map(|i| first.checked_add(us.checked_mul(i64::try_from(i).ok()?)?));
            at.map(|from| report(from, timed.get(&from).copied().unwrap_or(0))).collect()
        }
        None => timed.into_iter().map(|(from, hits)| report(from, hits)).collect(),
    }
}

impl SeenReport {
    fn of(seen: &Seen) -> Self {
        Self { time: instant(seen.time), object: seen.object.clone(), offset: seen.at.offset }
    }
}

impl ExampleReport {
    fn of(example: &Example) -> Self {
        Self {
            time: example.time.map(instant),
            object: example.object.clone(),
            offset: example.at.offset,
            before: example.before.clone(),
            record: example.record.clone(),
            after: example.after.clone(),
        }
    }
}

/// What the author of the job should know before anything is searched.
pub(super) fn notes(prepared: &Prepared) -> Vec<String> {
    let mut notes: Vec<String> = prepared
        .nothing_in
        .iter()
        .map(|entry| format!("input.logs[{entry}] lists no object: nothing of it is searched"))
        .collect();
    let any_grouped = prepared.signatures.all.iter().any(|it| it.is_grouped);
    if any_grouped && prepared.kept.groups < prepared.wanted_groups {
        notes.push(format!(
            "hits are told apart by {} groups at most, since there are {} buckets: make the buckets wider or the range shorter for more",
            prepared.kept.groups, prepared.kept.buckets
        ));
    }
    notes
}

/// Entries that list objects and want none of them: known once everything is in.
fn unmatched(prepared: &Prepared, sum: &Partial, coverage: &Coverage) -> Vec<String> {
    let wants_none = |entry: &usize| {
        let key = u32::try_from(*entry).unwrap_or(u32::MAX);
        !prepared.nothing_in.contains(entry) && !sum.searched_of.contains_key(&key)
    };
    let entries = (0..prepared.n_entries).filter(|_| coverage.is_whole()).filter(wants_none);
    entries
        .map(|entry| {
            format!(
                "input.logs[{entry}] matches no object that no earlier entry has: nothing is searched for it"
            )
        })
        .collect()
}

/// The share of the listed bytes that was read, in whole percent; 100 only if all were.
fn percent_read(prepared: &Prepared, sum: &Partial) -> u64 {
    let done = sum.read.bytes.saturating_add(sum.read.left_out_bytes);
    let percent = u128::from(done) * 100 / u128::from(prepared.total.max(1));
    u64::try_from(percent).unwrap_or(100).min(100)
}

/// The answer so far in a few words.
pub(super) fn headline(prepared: &Prepared, sum: &Partial) -> String {
    let mut found: Vec<(u64, &str)> = prepared
        .signatures
        .all
        .iter()
        .zip(&sum.signatures)
        .map(|(signature, hits)| {
            (hits.by_bucket().into_values().fold(0, u64::saturating_add), signature.name.as_str())
        })
        .filter(|(hits, _)| *hits > 0)
        .collect();
    found.sort_by_key(|(hits, _)| std::cmp::Reverse(*hits));
    let percent = percent_read(prepared, sum);
    if found.is_empty() {
        return format!("none so far in {percent} % of the bytes");
    }
    let more = found.len().saturating_sub(3);
    let shown: Vec<String> = found.iter().take(3).map(|(hits, name)| format!("{hits} {name}")).collect();
    let more = if more > 0 { format!(", {more} more") } else { String::new() };
    format!("{}{more} in {percent} % of the bytes", shown.join(", "))
}

/// One row per signature, group and bucket with hits.
pub(super) fn write_rows(
    prepared: &Prepared,
    partial: Option<&Partial>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(["signature", "group", "from", "hits"])?;
    let sums = partial.map_or(&[][..], |sum| &sum.signatures);
    for (signature, hits) in prepared.signatures.all.iter().zip(sums) {
        let groups = hits.groups.iter().map(|group| (group.group.as_str(), &group.buckets));
        for (group, buckets) in groups.chain([("(other groups)", &hits.others)]) {
            for (bucket, count) in buckets {
                let from = match *bucket {
                    None => String::new(),
                    LATER => "later".to_owned(),
                    Some(from) => instant(from),
                };
                rows.write_record([signature.name.as_str(), group, &from, &count.to_string()])?;
            }
        }
    }
    rows.flush()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write(self, f)
    }
}
