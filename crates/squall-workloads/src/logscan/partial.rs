//! What a part of the logs has: counts that add up exactly, whatever the order.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Most objects that are named as skipped.
const MAX_SKIPPED: usize = 1_000;
/// Most formats that are named: those of logs that are made to have many are counted together.
const MAX_FORMATS: usize = 100;

/// What was found in some bytes of the logs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Partial {
    /// How much of it is kept.
    pub kept: Kept,
    /// Bytes of the slices that it is of.
    pub covered: u64,
    /// What was read.
    pub read: Read,
    /// Objects of each entry of the job's logs that were searched, or are named as skipped; counted where they begin.
    pub searched_of: BTreeMap<u32, u64>,
    /// The objects that were not searched to their end, by their place.
    pub skipped: BTreeMap<At, Skipped>,
    /// How many objects were not searched to their end, named or not.
    pub n_skipped: u64,
    /// Objects by what they were recognised as: the first formats by name, and the objects of all others.
    pub formats: BTreeMap<String, u64>,
    /// See [`formats`](Partial::formats).
    pub other_formats: u64,
    /// What each signature was found in, in their order.
    pub signatures: Vec<Hits>,
}

/// How much was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Read {
    /// Objects that were searched, at least in part; counted where they begin.
    pub objects: u64,
    /// Objects that no pattern of the job matches.
    pub unnamed: u64,
    /// Objects that an earlier entry of the job lists, too, where they are searched.
    pub repeated: u64,
    /// Bytes of both.
    pub left_out_bytes: u64,
    /// Bytes that were read, as stored.
    pub bytes: u64,
    /// The same, unpacked.
    pub plain_bytes: u64,
    /// Records.
    pub records: u64,
    /// Of those, how many took the time of one before them.
    pub inherited: u64,
    /// Of those, how many have no time.
    pub untimed: u64,
    /// Of those, how many are too long, and were searched only at their beginning.
    pub cut: u64,
}

/// The place of an object or a record: its source, its object's first byte in that, and its own first byte in the plain object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct At {
    /// The listing.
    pub source: u32,
    /// The first byte of the object, of all bytes of its listing.
    pub object_at: u64,
    /// The first byte, counted in the object, unpacked.
    pub offset: u64,
}

/// An object that was not searched to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its location.
    pub object: String,
    /// Why.
    pub reason: String,
    /// Its size.
    pub bytes: u64,
    /// How many of its bytes were searched before, unpacked.
    pub searched: u64,
}

/// A bucket of time: microseconds since 1970 of its start; nothing for hits without a time.
pub type Bucket = Option<i64>;

/// The bucket of hits that are later than those that are told apart.
pub const LATER: Bucket = Some(i64::MAX);

/// What a signature was found in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hits {
    /// By group, in the order of their ranks.
    pub groups: Vec<Counts>,
    /// Hits of the groups that are not told apart, by bucket.
    pub others: BTreeMap<Bucket, u64>,
    /// Hits outside of the range of time.
    pub outside: u64,
    /// Why hits have no time.
    pub untimed: BTreeMap<String, u64>,
    /// The earliest and the latest time, microseconds since 1970, each with the first place that has it.
    pub first: Option<Seen>,
    /// See [`first`](Hits::first).
    pub last: Option<Seen>,
    /// The earliest hits.
    pub examples: Vec<Example>,
}

/// The hits of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The rank of the group, by which groups are in order.
    pub rank: u64,
    /// The group; nothing without groups.
    pub group: String,
    /// Hits by bucket.
    pub buckets: BTreeMap<Bucket, u64>,
}

/// A time and a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Microseconds since 1970.
    pub time: i64,
    /// Where.
    pub at: At,
    /// The object's location.
    pub object: String,
}

/// A hit, with the lines around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Microseconds since 1970.
    pub time: Option<i64>,
    /// Where.
    pub at: At,
    /// The object's location.
    pub object: String,
    /// The lines before it, the record, the lines after it.
    pub before: Vec<String>,
    /// See [`before`](Example::before).
    pub record: String,
    /// See [`before`](Example::before).
    pub after: Vec<String>,
}

impl Example {
    /// Earlier ones first, those without a time last.
    pub fn key(&self) -> (bool, Option<i64>, At) {
        (self.time.is_none(), self.time, self.at)
    }
}

/// How much of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// Groups of a signature.
    pub groups: usize,
    /// Examples of a signature.
    pub examples: usize,
    /// Buckets of a signature in which hits are told apart: the earliest.
    pub buckets: usize,
}

impl Partial {
    /// Adds one to another.
    pub fn merge(&mut self, other: Partial) {
        let kept = self.kept;
        self.covered = self.covered.saturating_add(other.covered);
        self.read.merge(other.read);
        self.n_skipped = self.n_skipped.saturating_add(other.n_skipped);
        for (entry, count) in other.searched_of {
            add_to(&mut self.searched_of, entry, count);
        }
        self.skipped.extend(other.skipped);
        while self.skipped.len() > MAX_SKIPPED {
            self.skipped.pop_last();
        }
        for (format, count) in other.formats {
            add_to(&mut self.formats, format, count);
        }
        self.other_formats = self.other_formats.saturating_add(other.other_formats);
        while self.formats.len() > MAX_FORMATS
            && let Some((_, count)) = self.formats.pop_last()
        {
            self.other_formats = self.other_formats.saturating_add(count);
        }
        for (ours, theirs) in self.signatures.iter_mut().zip(other.signatures) {
            ours.merge(theirs, kept);
        }
    }

    /// Whether it names more objects and formats than any sum does.
    pub fn names_too_many(&self) -> bool {
        self.skipped.len() > MAX_SKIPPED
            || self.skipped.len() as u64 > self.n_skipped
            || self.formats.len() > MAX_FORMATS
    }

    /// Notes that an object is not searched to its end.
    pub fn skip(&mut self, at: At, skipped: Skipped) {
        self.n_skipped += 1;
        self.skipped.insert(at, skipped);
        if self.skipped.len() > MAX_SKIPPED {
            self.skipped.pop_last();
        }
    }
}

impl Read {
    fn merge(&mut self, other: Self) {
        self.objects = self.objects.saturating_add(other.objects);
        self.unnamed = self.unnamed.saturating_add(other.unnamed);
        self.repeated = self.repeated.saturating_add(other.repeated);
        self.left_out_bytes = self.left_out_bytes.saturating_add(other.left_out_bytes);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.plain_bytes = self.plain_bytes.saturating_add(other.plain_bytes);
        self.records = self.records.saturating_add(other.records);
        self.inherited = self.inherited.saturating_add(other.inherited);
        self.untimed = self.untimed.saturating_add(other.untimed);
        self.cut = self.cut.saturating_add(other.cut);
    }
}

/// The rank of a group, in whose order groups are kept when there are too many: it has nothing to do with their hits, so that those that
/// are kept are a fair sample.
pub fn rank(group: &str) -> u64 {
    let mix = |hash: u64, chunk: &[u8]| {
        let mut word = [0; 8];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        squall_core::split_mix64(hash ^ u64::from_le_bytes(word))
    };
    let of_text = group.as_bytes().chunks(8).fold(0, mix);
    mix(of_text, &(group.len() as u64).to_le_bytes())
}

impl Counts {
    /// The counts of a group.
    pub fn of(group: String, buckets: BTreeMap<Bucket, u64>) -> Self {
        Self { rank: rank(&group), group, buckets }
    }

    /// What groups are in order of.
    pub fn key(&self) -> (u64, &str) {
        (self.rank, &self.group)
    }
}

impl Hits {
    /// Adds one to another. Groups that are kept of the sum were kept of both, so their counts are exact; so are the others', taken
    /// together.
    pub fn merge(&mut self, other: Hits, kept: Kept) {
        let ours = std::mem::take(&mut self.groups).into_iter().peekable();
        let mut theirs = other.groups.into_iter().peekable();
        let mut groups = Vec::with_capacity(ours.len().max(theirs.len()));
        for group in ours {
            while let Some(next) = theirs.next_if(|it| it.key() < group.key()) {
                groups.push(next);
            }
            groups.push(group);
            if let Some(same) = theirs.next_if(|it| groups.last().is_some_and(|last| last.group == it.group))
                && let Some(last) = groups.last_mut()
            {
                add(&mut last.buckets, same.buckets);
            }
        }
        groups.extend(theirs);
        self.groups = groups;
        add(&mut self.others, other.others);
        self.outside = self.outside.saturating_add(other.outside);
        for (reason, count) in other.untimed {
            add_to(&mut self.untimed, reason, count);
        }
        let earlier = |it: &Seen| (it.time, it.at);
        let later = |it: &Seen| (std::cmp::Reverse(it.time), it.at);
        self.first = self.first.take().into_iter().chain(other.first).min_by_key(earlier);
        self.last = self.last.take().into_iter().chain(other.last).min_by_key(later);
        self.examples.extend(other.examples);
        self.examples.sort_by_key(Example::key);
        self.keep(kept);
    }

    /// Checks that it can be a sum that keeps so much: what merging relies on.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, kept: Kept) -> Result<(), String> {
        let ordered =
            self.groups.iter().zip(self.groups.iter().skip(1)).all(|(one, next)| one.key() < next.key());
        if !ordered || self.groups.iter().any(|group| group.rank != rank(&group.group)) {
            return Err("its groups are not in order".to_owned());
        }
        let examples = self.examples.iter().zip(self.examples.iter().skip(1));
        if !examples.into_iter().all(|(one, next)| one.key() < next.key()) {
            return Err("its examples are not in order".to_owned());
        }
        if self.groups.len() > kept.groups || self.examples.len() > kept.examples {
            return Err("it has more groups or examples than are kept".to_owned());
        }
        Ok(())
    }

    /// The places that it names.
    pub fn places(&self) -> impl Iterator<Item = At> {
        let seen = self.first.iter().chain(&self.last).map(|seen| seen.at);
        seen.chain(self.examples.iter().map(|example| example.at))
    }

    /// Keeps no more than that.
    pub fn keep(&mut self, kept: Kept) {
        for group in self.groups.split_off(kept.groups.min(self.groups.len())) {
            add(&mut self.others, group.buckets);
        }
        self.examples.truncate(kept.examples);
        self.keep_buckets(kept.buckets);
    }

    /// Takes hits later than the first buckets together. A bucket of the sum's first ones was of both parts' first ones, so its counts are
    /// exact; so are those of the later ones, taken together.
    fn keep_buckets(&mut self, most: usize) {
        let all = || self.groups.iter().map(|group| &group.buckets).chain([&self.others]);
        if all().map(BTreeMap::len).sum::<usize>() <= most {
            return;
        }
        let distinct: BTreeSet<i64> = all().flat_map(BTreeMap::keys).flatten().copied().collect();
        let Some(first_late) = distinct.into_iter().filter(|it| Some(*it) != LATER).nth(most) else { return };
        let groups = self.groups.iter_mut().map(|group| &mut group.buckets);
        for buckets in groups.chain([&mut self.others]) {
            let late = buckets.split_off(&Some(first_late));
            if !late.is_empty() {
                let count = late.into_values().fold(0, u64::saturating_add);
                add_to(buckets, LATER, count);
            }
        }
    }

    /// Hits by bucket, of all groups.
    pub fn by_bucket(&self) -> BTreeMap<Bucket, u64> {
        let mut sum = self.others.clone();
        for group in &self.groups {
            for (bucket, count) in &group.buckets {
                add_to(&mut sum, *bucket, *count);
            }
        }
        sum
    }
}

fn add(into: &mut BTreeMap<Bucket, u64>, other: BTreeMap<Bucket, u64>) {
    for (bucket, count) in other {
        add_to(into, bucket, count);
    }
}

/// Adds to the count of a key. Sums that would be too large stay the largest, in whatever order they are formed.
pub fn add_to<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, count: u64) {
    let sum = counts.entry(key).or_default();
    *sum = sum.saturating_add(count);
}
