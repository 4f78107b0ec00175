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
/// How much later a level must have been true to count beside the last one although its sequence is smaller, microseconds: its
/// source may have begun anew. More than what two threads of one publisher are apart.
const BEGUN_ANEW_US: u64 = 1_000_000;
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
    /// Events since then whose sequence contradicts this level: an operator looks at it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_ignored: u32,
    /// What those events say. Until it is clear which of the two holds, the larger counts.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside<T>>,
}

/// A level that is true later than the recorded one, and older by its sequence or beyond any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Beside<T> {
    /// As in [`Level`].
    pub order: u64,
    /// As in [`Level`].
    pub value: T,
    /// As in [`Level`].
    pub time_us: u64,
    /// When the first such level was true, microseconds since 1970.
    pub since_us: u64,
}

fn is_zero<T: Default + PartialEq>(it: &T) -> bool {
    *it == T::default()
}

/// Unlike the derived default, this one does not ask for a default of `T`.
fn none<T>() -> Option<T> {
    None
}

/// A value of which the larger counts while two are possible.
pub trait Larger {
    /// At least as large as both, in every part.
    fn larger(self, other: Self) -> Self;
}

impl Larger for u32 {
    fn larger(self, other: Self) -> Self {
        self.max(other)
    }
}

impl Larger for Runs {
    fn larger(self, other: Self) -> Self {
        let running = self.running.max(other.running);
        Self { queued: self.total().max(other.total()).saturating_sub(running), running }
    }
}

impl<T: Copy + Larger> Level<T> {
    /// What counts: the larger of what is recorded and what stands beside it.
    pub fn counted(&self) -> T {
        self.beside.map_or(self.value, |beside| self.value.larger(beside.value))
    }

    /// The level at a time at which what contradicts it has stood beside it for ten minutes, and nothing confirmed it since: that
    /// holds then.
    fn settled(self, now_us: u64) -> Self {
        let is_due = |it: &Beside<T>| now_us > it.since_us.saturating_add(OVERRULED_US);
        match self.beside.filter(is_due) {
            // An event that was merely overtaken, it seems, never replaces what overtook it.
            Some(beside) if self.n_ignored > 0 => Self { n_ignored: self.n_ignored, ..beside.into() },
            _ => self,
        }
    }

    /// Takes a level to stand beside this one.
    fn put_beside(&mut self, next: Self) {
        let Level { order, value, time_us, .. } = next;
        let Some(known) = self.beside else {
            self.beside = Some(Beside { order, value, time_us, since_us: time_us });
            return;
        };
        let since_us = known.since_us.min(time_us);
        let is_late = time_us < known.time_us || (time_us == known.time_us && order < known.order);
        self.beside = Some(if is_late {
            Beside { since_us, ..known }
        } else if order < known.order || Level::from(known).contradicts(&next).is_some() {
            // A third order: nobody knows which of them holds.
            Beside { order, value: value.larger(known.value), time_us, since_us }
        } else {
            Beside { order, value, time_us, since_us }
        });
    }
}

impl<T> From<Beside<T>> for Level<T> {
    fn from(Beside { order, value, time_us, .. }: Beside<T>) -> Self {
        Self::new(order, value, time_us)
    }
}

impl<T> Level<T> {
    /// A level.
    pub fn new(order: u64, value: T, time_us: u64) -> Self {
        Self { order, value, time_us, n_ignored: 0, beside: None }
    }

    /// When its source was last heard, microseconds since 1970.
    pub fn heard_us(&self) -> u64 {
        self.beside.as_ref().map_or(self.time_us, |beside| self.time_us.max(beside.time_us))
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
    /// When a source for which there was no room last had sessions or runs, microseconds since 1970; 0 when every source fits.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out_us: u64,
}

/// The effect of an event on the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The event is its source's newest, and its level was stored.
    Updated,
    /// An equally new or newer level is stored: this was a duplicate, or was overtaken. If it is true a second later all the same,
    /// the larger of the two counts until the source's next event: it may have begun to count anew.
    Known,
    /// The level was stored beside the source's last one, and the larger counts: its sequence cannot be right, or the stored one
    /// is not. It replaces the stored one after ten minutes without an event that confirms that.
    Contradicted(Contradiction),
    /// The level was not stored, and nothing is terminated meanwhile: there are too many sources already.
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
        if self.n_sessions() > before.0 {
            self.session_came_us = self.session_came_us.max(time_us);
        }
        let has_run = matches!(payload, Payload::Runs { level, .. } if level.total() > 0);
        // A run that ends now was active until now.
        let is_taken_in = matches!(recorded, Recorded::Updated | Recorded::Contradicted(_));
        let had_run = is_taken_in && self.n_runs().max(before.1) > 0;
        if has_run || had_run {
            self.run_seen_us = self.run_seen_us.max(time_us);
        }
        let has_session = matches!(payload, Payload::Sessions(value) if *value > 0);
        if recorded == Recorded::TooManySources && (has_run || has_session) {
            self.left_out_us = self.left_out_us.max(time_us);
        }
        recorded
    }

    /// The sources of which events contradict what is known, and how many of each.
    pub fn contradicted(&self) -> impl Iterator<Item = (&SourceId, u32)> {
        let sessions = self.sessions.iter().map(|(source, level)| (source, level.n_ignored));
        let runs = self.runs.iter().map(|(source, level)| (source, level.n_ignored));
        sessions.chain(runs).filter(|(_, n_ignored)| *n_ignored > 0)
    }

    /// Active sessions of all sources.
    pub fn n_sessions(&self) -> u32 {
        self.sessions.values().fold(0, |sum, level| sum.saturating_add(level.counted()))
    }

    /// Running runs of all sources.
    pub fn n_running(&self) -> u32 {
        self.runs.values().fold(0, |sum, level| sum.saturating_add(level.counted().running))
    }

    /// Queued and running runs of all sources.
    pub fn n_runs(&self) -> u32 {
        self.runs.values().fold(0, |sum, level| sum.saturating_add(level.counted().total()))
    }

    /// Running runs of a source; 0 when it is not known.
    pub fn n_running_of(&self, source: &SourceId) -> u32 {
        self.runs.get(source).map_or(0, |level| level.counted().running)
    }

    /// The levels at a time: what has contradicted a level for ten minutes has replaced it.
    #[must_use]
    pub fn settled(&self, now_us: u64) -> Self {
        let mut settled = self.clone();
        settled.sessions.values_mut().for_each(|level| *level = level.settled(now_us));
        settled.runs.values_mut().for_each(|level| *level = level.settled(now_us));
        settled
    }

    /// The levels without the sources that have been silent since before `since_us`, and those sources' names.
    pub fn without_silent(&self, since_us: u64) -> (Self, Vec<SourceId>) {
        let mut left = self.clone();
        left.sessions.retain(|_, level| level.heard_us() >= since_us);
        left.runs.retain(|_, level| level.heard_us() >= since_us);
        let of_sessions = self.sessions.keys().filter(|source| !left.sessions.contains_key(*source));
        let of_runs = self.runs.keys().filter(|source| !left.runs.contains_key(*source));
        let silent: BTreeSet<_> = of_sessions.chain(of_runs).cloned().collect();
        (left, silent.into_iter().collect())
    }
}

fn take_in<T: Ord + Copy + Default + Larger>(
    known: &mut BTreeMap<SourceId, Level<T>>,
    source: &SourceId,
    level: Level<T>,
    silent_us: u64,
) -> Recorded {
    if let Some(old) = known.get_mut(source) {
        let (next, recorded) = succeed(*old, level);
        *old = next;
        return recorded;
    }
    if known.len() >= MOST_SOURCES {
        // Only what needs no instance makes room. A late event of an evicted source would count as its newest, which at worst
        // keeps instances until its next one: still better than a source that nobody hears.
        let needs_some = |old: &Level<T>| old.counted() != T::default();
        let spare = known.iter().filter(|(_, old)| !needs_some(old) || old.heard_us() < silent_us);
        let stalest = spare.min_by_key(|(_, old)| (needs_some(old), old.heard_us()));
        let Some(stalest) = stalest.map(|(source, _)| source.clone()) else {
            return Recorded::TooManySources;
        };
        known.remove(&stalest);
    }
    known.insert(source.clone(), level);
    Recorded::Updated
}

/// What is known of a source after another level of it.
fn succeed<T: Ord + Copy + Larger>(old: Level<T>, level: Level<T>) -> (Level<T>, Recorded) {
    let contradiction = old.contradicts(&level);
    if contradiction.is_none()
        && (level.order, level.value, level.time_us) > (old.order, old.value, old.time_us)
    {
        // It confirms the order of the old one, as far as it is newer than what contradicts that.
        let is_open = old.beside.is_some_and(|beside| beside.time_us > level.time_us);
        let (n_ignored, beside) = if is_open { (old.n_ignored, old.beside) } else { (0, None) };
        return (Level { n_ignored, beside, ..level }, Recorded::Updated);
    }
    if level.time_us > old.time_us.saturating_add(OVERRULED_US) {
        return match old.beside {
            Some(beside) if beside.time_us > old.time_us => succeed(beside.into(), level),
            _ => (level, Recorded::Updated),
        };
    }
    let mut next = old;
    if let Some(contradiction) = contradiction {
        next.n_ignored = old.n_ignored.saturating_add(1);
        next.put_beside(level);
        return (next, Recorded::Contradicted(contradiction));
    }
    if level.order < old.order && level.time_us > old.time_us.saturating_add(BEGUN_ANEW_US) {
        next.put_beside(level);
    }
    (next, Recorded::Known)
}

#[cfg(test)]
mod tests;
