//! The ledger's row for the group: the newest level of each source.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::events::{Activity, Payload, Runs};
use crate::ids::SourceId;
use crate::launch::Launch;

/// Most sources of one kind. More means that a publisher makes up a new name each time, and the row would grow forever.
const MOST_SOURCES: usize = 500;
/// How long after its last level, which must be zero, a source may be evicted to make room for another, microseconds.
/// Long enough that none of its events is still in flight: a late one would count as its newest.
const OUTLIVED_US: u64 = 86_400_000_000;

/// A level as a source reported it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Level<T> {
    /// The newer of two levels has the larger order.
    pub order: u64,
    /// The level. Of two with the same order the larger counts, so the order of arrival does not matter.
    pub value: T,
    /// When it was true, microseconds since 1970.
    pub time_us: u64,
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
    /// The level was not stored: there are too many sources already.
    TooManySources,
}

impl Levels {
    /// Records an event unless a newer one of its source is stored. Does not change the version. An overtaken event still
    /// shows that there was a run at its time.
    pub fn record(&mut self, event: &Activity) -> Recorded {
        let Activity { source, order, time_us, payload } = event;
        let (order, time_us) = (*order, *time_us);
        let before = (self.n_sessions(), self.n_runs());
        let recorded = match payload {
            Payload::Sessions(value) => {
                take_in(&mut self.sessions, source, Level { order, value: *value, time_us })
            }
            Payload::Runs { level: value, .. } => {
                take_in(&mut self.runs, source, Level { order, value: *value, time_us })
            }
            Payload::Notice { .. } => Recorded::Known,
        };
        if recorded == Recorded::Updated && self.n_sessions() > before.0 {
            self.session_came_us = self.session_came_us.max(time_us);
        }
        let has_run = matches!(payload, Payload::Runs { level, .. } if level.total() > 0);
        // A run that ends now was active until now.
        let had_run = recorded == Recorded::Updated && self.n_runs().max(before.1) > 0;
        if recorded != Recorded::TooManySources && (has_run || had_run) {
            self.run_seen_us = self.run_seen_us.max(time_us);
        }
        recorded
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
) -> Recorded {
    if known.get(source).is_some_and(|old| *old >= level) {
        return Recorded::Known;
    }
    if known.len() >= MOST_SOURCES && !known.contains_key(source) {
        let outlived = known.iter().filter(|(_, old)| {
            old.value == T::default() && old.time_us.saturating_add(OUTLIVED_US) <= level.time_us
        });
        let Some(oldest) = outlived.min_by_key(|(_, old)| old.time_us).map(|(source, _)| source.clone())
        else {
            return Recorded::TooManySources;
        };
        known.remove(&oldest);
    }
    known.insert(source.clone(), level);
    Recorded::Updated
}

#[cfg(test)]
mod tests;
