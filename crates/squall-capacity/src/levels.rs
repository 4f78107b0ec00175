//! The ledger's row for the group: the newest level of each source.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::events::{Activity, Payload, Runs};
use crate::ids::SourceId;
use crate::launch::Launch;

/// Most sources of one kind. More means that a publisher makes up a new name each time, and the row would grow forever.
const MOST_SOURCES: usize = 500;
/// How much later a level must have been true to count although its `sequence` contradicts that, microseconds: twice as much
/// as a publisher's clock may be ahead. Until then the sequence decides, for publishers whose clocks disagree; but a wrong
/// sequence must not silence its source forever.
const OVERRULED_US: u64 = 600_000_000;
/// How much later a level must have been true for a smaller sequence to be a contradiction, not an event that was overtaken,
/// microseconds.
const CONTRADICTED_US: u64 = 60_000_000;
/// No counter leaps this far between two events that arrive.
const LEAP: u64 = 1 << 32;
/// How far a sequence taken from a clock may be from the event's time, microseconds: a day, for clocks that are wrong.
const CLOCK_US: u64 = 86_400_000_000;

/// A level as a source reported it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Level<T> {
    /// The newer of two levels has the larger order.
    pub order: u64,
    /// The level. Of two with the same order the larger counts, so the order of arrival does not matter.
    pub value: T,
    /// When it was true, microseconds since 1970.
    pub time_us: u64,
    /// Events since then that were ignored because their sequence contradicts this level: an operator looks at it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_ignored: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(it: &u32) -> bool {
    *it == 0
}

impl<T> Level<T> {
    /// A level.
    pub fn new(order: u64, value: T, time_us: u64) -> Self {
        Self { order, value, time_us, n_ignored: 0 }
    }

    /// Whether its order is a number of seconds, milliseconds, microseconds or nanoseconds since 1970 around its time.
    fn is_ordered_by_clock(&self) -> bool {
        let Self { order, time_us, .. } = self;
        let as_us = [order.saturating_mul(1_000_000), order.saturating_mul(1_000), *order, order / 1_000];
        as_us.iter().any(|it| it.abs_diff(*time_us) <= CLOCK_US)
    }

    /// What speaks against a level as the successor of this one, if its sequence is to decide.
    fn contradicts(&self, next: &Self) -> Option<Contradiction> {
        if next.order < self.order && next.time_us > self.time_us.saturating_add(CONTRADICTED_US) {
            return Some(Contradiction::Back);
        }
        // A sequence that is neither a counter nor a clock, such as a clock with bits appended, may leap.
        let is_orderly = self.order < LEAP || self.is_ordered_by_clock();
        let leaps = next.order > self.order.saturating_add(LEAP) && !next.is_ordered_by_clock();
        (is_orderly && leaps).then_some(Contradiction::Leap)
    }
}

/// How a `sequence` contradicts what is known of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// The event is newer by its time, and older by its sequence: the source began anew, or a wrong sequence is recorded.
    #[error("its sequence is smaller than the source's last one, and its time is later")]
    Back,
    /// The sequence is beyond any that the source can have reached.
    #[error("its sequence leaps ahead of the source's last one by more than 2^32, and is no clock's")]
    Leap,
}

/// The state of the group's application.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Levels {
    /// Grows by one with each write; a write is conditional on it.
    pub version: u64,
    /// Active sessions, by source.
    pub sessions: BTreeMap<SourceId, Level<u32>>,
    /// Queued and running runs, by source.
    pub runs: BTreeMap<SourceId, Level<Runs>>,
    /// When a session last appeared, microseconds since 1970; 0 when none did. Misses an increase that was overtaken by an
    /// equally high level; only standby depends on it.
    pub session_came_us: u64,
    /// When there last was a run, microseconds since 1970; 0 when there was none.
    pub run_seen_us: u64,
    /// A launch that was requested and may not have happened: the next controller to look retries it under its token.
    pub launch: Option<Launch>,
}

/// The effect of an event on the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The event is its source's newest, and its level was stored.
    Updated,
    /// An equally new or newer level is stored: this was a duplicate, or was overtaken.
    Known,
    /// The level was not stored, only counted: its sequence cannot be right, or the stored one is not. An event that is true ten
    /// minutes later than the stored level is recorded all the same.
    Contradicted(Contradiction),
    /// The level was not stored: there are too many sources already.
    TooManySources,
}

impl Levels {
    /// Records an event unless a newer one of its source is stored. Does not change the version. An overtaken event still
    /// shows that there was a run at its time.
    pub fn record(&mut self, event: &Activity) -> Recorded {
        self.record_among(event, 0)
    }

    /// The same, where sources that have been silent since before `silent_us` do not count, microseconds since 1970: they make
    /// room for others.
    pub fn record_among(&mut self, event: &Activity, silent_us: u64) -> Recorded {
        let Activity { source, order, time_us, payload } = event;
        let (order, time_us) = (*order, *time_us);
        let before = (self.n_sessions(), self.n_runs());
        let recorded = match payload {
            Payload::Sessions(value) => {
                take_in(&mut self.sessions, source, Level::new(order, *value, time_us), silent_us)
            }
            Payload::Runs { level: value, .. } => {
                take_in(&mut self.runs, source, Level::new(order, *value, time_us), silent_us)
            }
            Payload::Notice { .. } => Recorded::Known,
        };
        if recorded == Recorded::Updated && self.n_sessions() > before.0 {
            self.session_came_us = self.session_came_us.max(time_us);
        }
        let has_run = matches!(payload, Payload::Runs { level, .. } if level.total() > 0);
        // A run that ends now was active until now.
        let had_run = recorded == Recorded::Updated && self.n_runs().max(before.1) > 0;
        if matches!(recorded, Recorded::Updated | Recorded::Known) && (has_run || had_run) {
            self.run_seen_us = self.run_seen_us.max(time_us);
        }
        recorded
    }

    /// The sources of which events are ignored because of their sequence, and how many of each.
    pub fn contradicted(&self) -> impl Iterator<Item = (&SourceId, u32)> {
        let sessions = self.sessions.iter().map(|(source, level)| (source, level.n_ignored));
        let runs = self.runs.iter().map(|(source, level)| (source, level.n_ignored));
        sessions.chain(runs).filter(|(_, n_ignored)| *n_ignored > 0)
    }

    /// Active sessions of all sources.
    pub fn n_sessions(&self) -> u32 {
        self.sessions.values().fold(0, |sum, level| sum.saturating_add(level.value))
    }

    /// Running runs of all sources.
    pub fn n_running(&self) -> u32 {
        self.runs.values().fold(0, |sum, level| sum.saturating_add(level.value.running))
    }

    /// Queued and running runs of all sources.
    pub fn n_runs(&self) -> u32 {
        self.runs.values().fold(0, |sum, level| sum.saturating_add(level.value.total()))
    }

    /// The levels without the sources that have been silent since before `since_us`, and those sources' names.
    pub fn without_silent(&self, since_us: u64) -> (Self, Vec<SourceId>) {
        let mut left = self.clone();
        left.sessions.retain(|_, level| level.time_us >= since_us);
        left.runs.retain(|_, level| level.time_us >= since_us);
        let of_sessions = self.sessions.keys().filter(|source| !left.sessions.contains_key(*source));
        let of_runs = self.runs.keys().filter(|source| !left.runs.contains_key(*source));
        let silent: BTreeSet<_> = of_sessions.chain(of_runs).cloned().collect();
        (left, silent.into_iter().collect())
    }
}

fn take_in<T: Ord + Copy + Default>(
    known: &mut BTreeMap<SourceId, Level<T>>,
    source: &SourceId,
    level: Level<T>,
    silent_us: u64,
) -> Recorded {
    if let Some(old) = known.get_mut(source)
        && level.time_us <= old.time_us.saturating_add(OVERRULED_US)
    {
        if let Some(contradiction) = old.contradicts(&level) {
            old.n_ignored = old.n_ignored.saturating_add(1);
            return Recorded::Contradicted(contradiction);
        }
        if (old.order, old.value, old.time_us) >= (level.order, level.value, level.time_us) {
            return Recorded::Known;
        }
    }
    if known.len() >= MOST_SOURCES && !known.contains_key(source) {
        // Only what needs no instance makes room. A late event of an evicted source would count as its newest, which at worst
        // keeps instances until its next one: still better than a source that nobody hears.
        let spare = known.iter().filter(|(_, old)| old.value == T::default() || old.time_us < silent_us);
        let stalest = spare.min_by_key(|(_, old)| (old.value != T::default(), old.time_us));
        let Some(stalest) = stalest.map(|(source, _)| source.clone()) else {
            return Recorded::TooManySources;
        };
        known.remove(&stalest);
    }
    known.insert(source.clone(), level);
    Recorded::Updated
}

#[cfg(test)]
mod tests;
