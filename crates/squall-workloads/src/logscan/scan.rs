//! The records of an object, searched one by one: what they have, when they were written, and what stands around them.

use std::collections::{BTreeMap, VecDeque};

use foldhash::HashMap;

use super::Prepared;
use super::partial::{At, Bucket, Counts, Example, Hits, Partial, Seen, add_to};
use super::signature::{Found, Searcher};
use super::times::{Layouts, Stamp};

/// How far a record sees, bytes: back to one that has a time, and on to the others of its signature. So far a slice reads before its
/// first byte.
pub const SIGHT_BYTES: u64 = 64 << 10;
/// What an example shows of a record, and of a line around it, bytes.
const SHOWN_BYTES: usize = 1_000;
/// What is kept of a group's name, bytes.
const GROUP_BYTES: usize = 256;
/// Groups in excess of those that are kept before they are thinned out, and hits between.
const EXCESS: usize = 2;

/// Searches the records of one slice; adds up what it finds.
#[derive(Debug)]
pub struct Scan<'a> {
    prepared: &'a Prepared,
    searcher: Searcher<'a>,
    sum: Partial,
    /// The counts of each signature, before they are sorted.
    counts: Vec<Tally>,
}

/// The counts of a signature by group.
#[derive(Debug, Default)]
struct Tally {
    groups: HashMap<String, BTreeMap<Bucket, u64>>,
    /// Hits that are not in there yet: of one group in one bucket, as most neighbours are.
    latest: Option<(String, Bucket, u64)>,
}

impl Tally {
    /// Counts a hit. Returns how many groups there are.
    fn add(&mut self, group: String, bucket: Bucket) -> usize {
        match &mut self.latest {
            Some((its, same, count)) if *same == bucket && *its == group => *count += 1,
            _ => {
                self.settle();
                self.latest = Some((group, bucket, 1));
            }
        }
        self.groups.len()
    }

    fn settle(&mut self) {
        let Some((group, bucket, count)) = self.latest.take() else { return };
        match self.groups.get_mut(&group) {
            Some(buckets) => add_to(buckets, bucket, count),
            None => drop(self.groups.insert(group, BTreeMap::from([(bucket, count)]))),
        }
    }

    fn take(&mut self) -> HashMap<String, BTreeMap<Bucket, u64>> {
        self.settle();
        std::mem::take(&mut self.groups)
    }
}

/// The object that is being searched.
#[derive(Debug)]
pub struct Object<'a> {
    /// Its listing.
    pub source: u32,
    /// Its first byte, of all bytes of its listing.
    pub at: u64,
    /// Its location.
    pub location: &'a str,
    /// What its stamps look like.
    pub layouts: &'a Layouts,
}

/// A record, as it is found.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its first byte, counted in the plain object.
    pub offset: u64,
    /// Its text, without the end of its line.
    pub text: &'a [u8],
    /// Everything at hand before it, if records are lines.
    pub before: Option<&'a [u8]>,
    /// Whether it is one of the slice's.
    pub is_ours: bool,
    /// Whether it may be a hit's.
    pub may_match: bool,
    /// Whether it is longer, and this its beginning.
    pub is_cut: bool,
}

/// What the records before one leave behind.
#[derive(Debug)]
pub struct Memory {
    /// The last stamp, and where its record begins.
    stamp: Option<(u64, Stamp)>,
    /// How many records there were.
    n_records: u64,
    /// The number of the last record that has each pattern, while hits are open.
    seen: Vec<u64>,
    /// Hits whose signatures look at the records behind them: of each signature the oldest first.
    open: Vec<VecDeque<Open>>,
    n_open: usize,
    /// Examples that wait for the lines after them: which signature's, its key, and how many.
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Open {
    /// The number of its record.
    number: u64,
    hit: Hit,
}

#[derive(Debug)]
struct Waiting {
    signature: usize,
    at: At,
    left: usize,
}

#[derive(Debug)]
struct Hit {
    offset: u64,
    stamp: Option<Stamp>,
    group: String,
    record: String,
    before: Vec<String>,
    after: Vec<String>,
}

impl Memory {
    /// Notes the patterns of the latest record.
    fn note(&mut self, found: &Found) {
        for pattern in found.iter() {
            if let Some(seen) = self.seen.get_mut(pattern) {
                *seen = self.n_records;
            }
        }
    }

    /// Whether the records behind the slice's are still of interest, at this byte.
    pub fn looks_on(&self, offset: u64) -> bool {
        let sees = |from: u64| offset.saturating_sub(from) <= SIGHT_BYTES;
        let newest = self.open.iter().filter_map(VecDeque::back);
        (self.n_open > 0 && newest.into_iter().any(|open| sees(open.hit.offset)))
            || self.waiting.iter().any(|it| sees(it.at.offset))
    }
}

impl<'a> Scan<'a> {
    /// Nothing found yet, of a slice of so many bytes.
    pub fn new(prepared: &'a Prepared, covered: u64) -> Self {
        let n = prepared.signatures.all.len();
        let signatures = vec![Hits::default(); n];
        let sum = Partial { kept: prepared.kept, covered, signatures, ..Partial::default() };
        let counts = (0..n).map(|_| Tally::default()).collect();
        Self { prepared, searcher: prepared.signatures.searcher(), sum, counts }
    }

    /// What no record has left behind yet.
    pub fn memory(&self) -> Memory {
        let signatures = &self.prepared.signatures;
        Memory {
            stamp: None,
            n_records: 0,
            seen: vec![0; signatures.n_patterns()],
            open: signatures.all.iter().map(|_| VecDeque::new()).collect(),
            n_open: 0,
            waiting: Vec::new(),
        }
    }

    /// What was found so far, except counts of hits.
    pub fn sum(&mut self) -> &mut Partial {
        &mut self.sum
    }

    /// The last byte of the first text from `from` on that may be of a hit; it is on the hit's line.
    pub fn candidate(&mut self, text: &[u8], from: usize) -> Option<usize> {
        self.searcher.candidate(text, from)
    }

    /// Whether a record that is not a line may begin a hit.
    pub fn may_match(&mut self, record: &[u8]) -> bool {
        self.searcher.may_begin(record)
    }

    /// All that was found.
    pub fn finish(mut self) -> Partial {
        for idx in 0..self.counts.len() {
            self.sort(idx);
        }
        self.sum
    }

    /// Moves the counts of a signature into its hits, and keeps what is to be kept.
    fn sort(&mut self, signature: usize) {
        let (Some(counts), Some(hits)) =
            (self.counts.get_mut(signature), self.sum.signatures.get_mut(signature))
        else {
            return;
        };
        let mut groups: Vec<Counts> =
            counts.take().into_iter().map(|(group, buckets)| Counts::of(group, buckets)).collect();
        groups.sort_by(|one, other| one.key().cmp(&other.key()));
        hits.merge(Hits { groups, ..Hits::default() }, self.prepared.kept);
    }

    /// Searches a record.
    pub fn record(&mut self, object: &Object<'_>, memory: &mut Memory, record: Record<'_>) {
        for waiting in std::mem::take(&mut memory.waiting) {
            let is_near = record.offset.saturating_sub(waiting.at.offset) <= SIGHT_BYTES;
            let hits = self.sum.signatures.get_mut(waiting.signature).filter(|_| is_near);
            let example = hits.and_then(|hits| hits.examples.iter_mut().find(|it| it.at == waiting.at));
            if let Some(example) = example {
                example.after.push(shown(record.text, SHOWN_BYTES));
                if waiting.left > 1 {
                    memory.waiting.push(Waiting { left: waiting.left - 1, ..waiting });
                }
            }
        }
        let own = object.layouts.find(record.text);
        let near = |(at, _): &(u64, Stamp)| record.offset - at <= SIGHT_BYTES;
        let stamp = match own {
            Some(stamp) => {
                if record.before.is_some() {
                    memory.stamp = Some((record.offset, stamp));
                }
                own
            }
            None => memory.stamp.filter(near).map(|(_, stamp)| stamp),
        };
        if record.is_ours {
            let read = &mut self.sum.read;
            read.records += 1;
            read.cut += u64::from(record.is_cut);
            match (own, stamp) {
                (Some(_), _) => {}
                (None, Some(_)) => read.inherited += 1,
                (None, None) => read.untimed += 1,
            }
        }
        memory.n_records += 1;
        let may_begin = record.is_ours && record.may_match;
        if !may_begin && memory.n_open == 0 {
            return;
        }
        // What hits see ends where their sight does,
        if memory.n_open > 0 {
            self.close(object, memory, |open, _| record.offset.saturating_sub(open.hit.offset) > SIGHT_BYTES);
        }
        let found = self.searcher.patterns(record.text);
        if memory.n_open > 0 {
            memory.note(&found);
            let after = self.prepared.examples.after;
            // Each record opens one hit of a signature at most, so that older ones have their lines already.
            let newest = memory.open.iter_mut().flat_map(|open| open.iter_mut().rev().take(after));
            for open in newest.filter(|open| open.hit.after.len() < after) {
                open.hit.after.push(shown(record.text, SHOWN_BYTES));
            }
            // or with the last of the records that their signature looks at.
            let number = memory.n_records;
            self.close(object, memory, |open, within| number - open.number + 1 >= within);
        }
        if may_begin {
            self.begin(object, memory, record, stamp, &found);
        }
    }

    fn begin(
        &mut self,
        object: &Object<'_>,
        memory: &mut Memory,
        record: Record<'_>,
        stamp: Option<Stamp>,
        found: &Found,
    ) {
        let prepared = self.prepared;
        for (idx, signature) in prepared.signatures.begun_by(found) {
            if signature.within == 1 && !signature.is_met(|pattern| found.has(pattern)) {
                continue;
            }
            let group = if signature.is_grouped { signature.group(found, record.text) } else { &[] };
            let mut hit = Hit {
                offset: record.offset,
                stamp,
                group: group_name(group),
                record: String::new(),
                before: Vec::new(),
                after: Vec::new(),
            };
            if signature.within == 1 {
                self.hit(object, memory, idx, hit, Some(record));
            } else {
                if prepared.kept.examples > 0 {
                    (hit.record, hit.before) = self.around(record);
                }
                memory.note(found);
                if let Some(open) = memory.open.get_mut(idx) {
                    open.push_back(Open { number: memory.n_records, hit });
                    memory.n_open += 1;
                }
            }
        }
    }

    /// Ends an object, or what a slice has of it: hits see no further.
    pub fn end(&mut self, object: &Object<'_>, memory: &mut Memory) {
        self.close(object, memory, |_, _| true);
        memory.waiting.clear();
    }

    /// Closes the oldest hits of each signature for as long as `is_over` says so, by the hit and how many records its signature looks at.
    fn close(&mut self, object: &Object<'_>, memory: &mut Memory, is_over: impl Fn(&Open, u64) -> bool) {
        for (idx, signature) in self.prepared.signatures.all.iter().enumerate() {
            if signature.within == 1 {
                continue;
            }
            while let Some(open) = memory
                .open
                .get_mut(idx)
                .and_then(|open| open.pop_front_if(|open| is_over(open, signature.within as u64)))
            {
                memory.n_open -= 1;
                let has = |pattern: usize| memory.seen.get(pattern).is_some_and(|seen| *seen >= open.number);
                if signature.is_met(has) {
                    self.hit(object, memory, idx, open.hit, None);
                }
            }
        }
    }

    fn hit(
        &mut self,
        object: &Object<'_>,
        memory: &mut Memory,
        signature: usize,
        hit: Hit,
        record: Option<Record<'_>>,
    ) {
        let prepared = self.prepared;
        let (Some(counts), Some(hits)) =
            (self.counts.get_mut(signature), self.sum.signatures.get_mut(signature))
        else {
            return;
        };
        let time = match hit.stamp.map(|stamp| object.layouts.instant(&stamp)) {
            Some(Ok(time)) => Some(time),
            Some(Err(reason)) => {
                add_to(&mut hits.untimed, reason.reason().to_owned(), 1);
                None
            }
            None => {
                add_to(&mut hits.untimed, "no time in the record".to_owned(), 1);
                None
            }
        };
        if let (Some(time), Some((from, to))) = (time, prepared.range)
            && !(from..to).contains(&time)
        {
            hits.outside += 1;
            return;
        }
        let bucket = time.map(|time| time.div_euclid(prepared.bucket_us).saturating_mul(prepared.bucket_us));
        let n_groups = counts.add(hit.group, bucket);
        let at = At { source: object.source, object_at: object.at, offset: hit.offset };
        if let Some(time) = time {
            let seen = || Seen { time, at, object: object.location.to_owned() };
            if hits.first.as_ref().is_none_or(|first| (time, at) < (first.time, first.at)) {
                hits.first = Some(seen());
            }
            if hits.last.as_ref().is_none_or(|last| time > last.time || (time == last.time && at < last.at)) {
                hits.last = Some(seen());
            }
        }
        let key = (time.is_none(), time, at);
        let kept = prepared.kept.examples;
        let is_early =
            hits.examples.len() < kept || hits.examples.last().is_some_and(|last| key < last.key());
        if kept > 0 && is_early {
            let (record, before) = match record {
                Some(record) => self.around(record),
                None => (hit.record, hit.before),
            };
            let object = object.location.to_owned();
            let example = Example { time, at, object, before, record, after: hit.after.clone() };
            if let Some(hits) = self.sum.signatures.get_mut(signature) {
                let rank = hits.examples.partition_point(|it| it.key() < key);
                hits.examples.insert(rank, example);
                hits.examples.truncate(kept);
            }
            let left = prepared.examples.after.saturating_sub(hit.after.len());
            if left > 0 {
                memory.waiting.push(Waiting { signature, at, left });
            }
        }
        if n_groups > prepared.kept.groups.saturating_mul(EXCESS) {
            self.sort(signature);
        }
    }

    /// A record as an example shows it, and the lines before it.
    fn around(&self, record: Record<'_>) -> (String, Vec<String>) {
        let mut before = Vec::new();
        let sight = usize::try_from(SIGHT_BYTES).unwrap_or(usize::MAX);
        if let Some(text) = record.before {
            let mut rest = text.get(text.len().saturating_sub(sight)..).unwrap_or_default();
            let is_all = rest.len() as u64 == record.offset;
            while before.len() < self.prepared.examples.before && !rest.is_empty() {
                let line = rest.strip_suffix(b"\n").unwrap_or(rest);
                let start = match memchr::memrchr(b'\n', line) {
                    Some(at) => at + 1,
                    // The line begins out of sight, unless it is the object's first.
                    None if !is_all => break,
                    None => 0,
                };
                before.push(shown(line.get(start..).unwrap_or_default(), SHOWN_BYTES));
                rest = rest.get(..start).unwrap_or_default();
            }
        }
        before.reverse();
        (shown(record.text, SHOWN_BYTES), before)
    }
}

fn shown(text: &[u8], most: usize) -> String {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let cut = text.get(..most.min(text.len())).unwrap_or_default();
    let mut shown = String::from_utf8_lossy(cut).into_owned();
    if cut.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// A group's name: of a long one the beginning, and what tells it from others that begin so. Bytes that are no text are escaped.
fn group_name(group: &[u8]) -> String {
    let mut name = String::new();
    for chunk in group.get(..GROUP_BYTES.min(group.len())).unwrap_or_default().utf8_chunks() {
        name.push_str(chunk.valid());
        for byte in chunk.invalid() {
            name.push_str(&format!("\\x{byte:02x}"));
        }
    }
    if group.len() > GROUP_BYTES {
        let digest = squall_core::digest::Digest::of(group).short();
        name.push_str(&format!("… #{digest}"));
    }
    name
}
