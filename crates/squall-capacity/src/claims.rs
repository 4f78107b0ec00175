//! What an instance is in the ledger, and who may change it to what. Each change is a conditional write of the row, so
//! of a run that claims an instance and a controller that drains it exactly one wins.
//!
//! ```text
//!        claim ┌──────────┐ drain
//!       ┌────▶ │   open   │ ─────────▶ draining ──▶ gone
//!       └───── │ 0…n runs │ ◀─────────
//!              └──────────┘ undrain
//! ```
//!
//! A claim is a lease: whoever runs renews it while the run lives. A lease that ran out frees the instance, so that a dead
//! runner does not block it for ever; it must therefore be longer than a runner that still works can be silent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{InstanceId, RunId};

/// Whether an instance takes runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It does.
    Open,
    /// It is about to be terminated.
    Draining {
        /// Since when, microseconds since 1970.
        since_us: u64,
    },
    /// It was terminated, or is about to be, or to be reclaimed. Nobody keeps it any more.
    Gone {
        /// Since when, microseconds since 1970.
        since_us: u64,
    },
}

/// Ended runs that a row remembers: an event that one has started may come after the one that it has finished.
const MOST_ENDED: usize = 32;

/// An instance's row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InstanceRow {
    /// Its id.
    pub id: InstanceId,
    /// Grows by one with each write; a write is conditional on it. The first is 1.
    pub version: u64,
    /// Whether it takes runs.
    pub state: State,
    /// The runs that claimed it, and until when, microseconds since 1970; 0 for one that an event said has finished.
    pub runs: BTreeMap<RunId, u64>,
    /// Since when it has no run, if it has none, microseconds since 1970.
    pub idle_since_us: u64,
}

/// Why an instance is not claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// It is about to be terminated.
    #[error("the instance is draining: it is about to be terminated")]
    Draining,
    /// It was terminated.
    #[error("the instance is gone: it was terminated, or is about to be reclaimed")]
    Gone,
    /// It has as many runs as it takes.
    #[error("the instance has as many runs as it takes")]
    Full,
}

impl InstanceRow {
    /// An instance that was not known before: idle since now.
    pub fn new(id: InstanceId, now_us: u64) -> Self {
        Self { id, version: 1, state: State::Open, runs: BTreeMap::new(), idle_since_us: now_us }
    }

    fn next(&self) -> Self {
        Self { version: self.version.saturating_add(1), ..self.clone() }
    }

    /// The runs whose lease has not run out.
    pub fn live_runs(&self, now_us: u64) -> impl Iterator<Item = &RunId> {
        self.runs.iter().filter(move |(_, until_us)| **until_us > now_us).map(|(run, _)| run)
    }

    /// Whether somebody works here.
    pub fn is_claimed(&self, now_us: u64) -> bool {
        self.live_runs(now_us).next().is_some()
    }

    /// Since when nobody works here; `None` while somebody does, or when it takes no runs.
    pub fn idle_since_us(&self, now_us: u64) -> Option<u64> {
        if self.state != State::Open || self.is_claimed(now_us) {
            return None;
        }
        let last_lease_us = self.runs.values().copied().max().unwrap_or(0);
        Some(self.idle_since_us.max(last_lease_us))
    }

    /// Since when it is draining.
    pub fn draining_since_us(&self) -> Option<u64> {
        match self.state {
            State::Draining { since_us } => Some(since_us),
            State::Open | State::Gone { .. } => None,
        }
    }

    /// Since when it is draining or gone.
    pub fn leaving_since_us(&self) -> Option<u64> {
        match self.state {
            State::Draining { since_us } | State::Gone { since_us } => Some(since_us),
            State::Open => None,
        }
    }

    /// Whether a run was here that nobody said has ended.
    pub fn has_unended_run(&self) -> bool {
        self.runs.values().any(|until_us| *until_us > 0)
    }
}

/// The row with the run's claim, made or renewed; `slots` is how many runs an instance takes at once. Where an instance is
/// gone, a run that is there may renew its claim, and none may begin.
///
/// # Errors
/// Why it is not claimed.
pub fn claim(
    row: Option<&InstanceRow>,
    id: &InstanceId,
    run: &RunId,
    slots: u32,
    now_us: u64,
    lease_us: u64,
) -> Result<InstanceRow, Refused> {
    let mut next = row.map_or_else(|| InstanceRow::new(id.clone(), now_us), InstanceRow::next);
    let is_here = next.live_runs(now_us).any(|it| it == run);
    match next.state {
        State::Open => {}
        // It may be reclaimed much later than it was announced; until then nobody else is to take it from the run.
        State::Gone { .. } if is_here => {}
        // Its runner was silent for a whole lease, and works. Whoever drained it has yet to write that it is gone.
        State::Draining { .. } if next.runs.get(run).is_some_and(|until_us| *until_us > 0) => {
            next.state = State::Open;
        }
        State::Draining { .. } => return Err(Refused::Draining),
        State::Gone { .. } => return Err(Refused::Gone),
    }
    let n_others = next.live_runs(now_us).filter(|it| *it != run).count();
    if !is_here && n_others >= slots as usize {
        return Err(Refused::Full);
    }
    next.runs.retain(|_, until_us| *until_us > now_us || *until_us == 0);
    next.runs.insert(run.clone(), now_us.saturating_add(lease_us));
    Ok(next)
}

/// The row of an instance on which a run has started without asking: whatever was meant to become of it, it works. `None`
/// when the run is known to have finished.
pub fn started(
    row: Option<&InstanceRow>,
    id: &InstanceId,
    run: &RunId,
    now_us: u64,
    lease_us: u64,
) -> Option<InstanceRow> {
    let mut next = row.map_or_else(|| InstanceRow::new(id.clone(), now_us), InstanceRow::next);
    if next.runs.get(run) == Some(&0) {
        return None;
    }
    if let State::Draining { .. } = next.state {
        next.state = State::Open;
    }
    next.runs.retain(|_, until_us| *until_us > now_us || *until_us == 0);
    next.runs.insert(run.clone(), now_us.saturating_add(lease_us));
    Some(next)
}

/// The row of an instance on which a run has finished, as an event says; remembered, in case the event that it has started
/// comes later.
pub fn finished(row: Option<&InstanceRow>, id: &InstanceId, run: &RunId, now_us: u64) -> InstanceRow {
    let mut next = row.map_or_else(|| InstanceRow::new(id.clone(), now_us), InstanceRow::next);
    let is_news = next.runs.insert(run.clone(), 0) != Some(0);
    let others = next.runs.iter().filter(|(it, until_us)| **until_us == 0 && *it != run);
    let too_many: Vec<_> = others.map(|(it, _)| it.clone()).rev().skip(MOST_ENDED - 1).collect();
    next.runs.retain(|it, _| !too_many.contains(it));
    if is_news && !next.is_claimed(now_us) {
        next.idle_since_us = now_us;
    }
    next
}

/// The row without the run; `None` when the run has no claim. That an event said it has finished stays known.
pub fn release(row: &InstanceRow, run: &RunId, now_us: u64) -> Option<InstanceRow> {
    let mut next = row.next();
    next.runs.remove(run).filter(|until_us| *until_us > 0)?;
    if !next.is_claimed(now_us) {
        next.idle_since_us = now_us;
    }
    Some(next)
}

/// The row of an instance that takes no more runs; `None` when somebody works there or it takes none already.
pub fn drain(row: &InstanceRow, now_us: u64) -> Option<InstanceRow> {
    row.idle_since_us(now_us)?;
    Some(InstanceRow { state: State::Draining { since_us: now_us }, ..row.next() })
}

/// The row of an instance that takes runs again; `None` when it is not draining.
pub fn undrain(row: &InstanceRow, now_us: u64) -> Option<InstanceRow> {
    row.draining_since_us()?;
    Some(InstanceRow { state: State::Open, idle_since_us: now_us, ..row.next() })
}

/// The row of an instance that is no more, or not for long.
pub fn gone(row: &InstanceRow, now_us: u64) -> InstanceRow {
    InstanceRow { state: State::Gone { since_us: now_us }, ..row.next() }
}

/// The row of an instance that was to go, and was not let go.
pub fn reopened(row: &InstanceRow, now_us: u64) -> InstanceRow {
    InstanceRow { state: State::Open, idle_since_us: now_us, ..row.next() }
}

#[cfg(test)]
mod tests;
