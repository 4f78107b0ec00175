//! The state of an instance in the ledger, and its transitions. Each is a conditional write of the row, so when a run claims
//! an instance and a controller drains it, exactly one wins.
//!
//! ```text
//!        claim ┌──────────┐ drain
//!       ┌────▶ │   open   │ ─────────▶ draining ──▶ gone
//!       └───── │ 0…n runs │ ◀─────────
//!              └──────────┘ undrain
//! ```
//!
//! A claim is a lease: the runner renews it while the run lives. An expired lease frees the instance, so that a dead runner
//! does not block it forever; the lease must therefore outlast any silence of a live runner.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::events::runner_source;
use crate::ids::{InstanceId, RunId, SourceId};

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
    /// It was terminated, or is about to be terminated or reclaimed. It cannot be undrained any more.
    Gone {
        /// Since when, microseconds since 1970.
        since_us: u64,
        /// Whether a tick drained it and is terminating it. Otherwise that it goes is hearsay: a notice said so, or the group
        /// did not list it.
        #[serde(default, skip_serializing_if = "is_false")]
        is_terminating: bool,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(it: &bool) -> bool {
    !it
}

/// Finished runs that a row remembers: the event that a run has started may arrive after the one that it has finished.
const MOST_ENDED: usize = 32;
/// Runs of one row. An item of the ledger holds some more; nobody's invented runs may make the row too large to write.
const MOST_RUNS: usize = 256;

/// An instance's row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InstanceRow {
    /// The instance's id.
    pub id: InstanceId,
    /// Grows by one with each write; a write is conditional on it. The first is 1.
    pub version: u64,
    /// Whether it takes runs.
    pub state: State,
    /// The end of each run's lease, microseconds since 1970; 0 for a run that an event reported as finished.
    pub runs: BTreeMap<RunId, u64>,
    /// Who reported each run: only that source's word ends it. A run without one was claimed by an earlier version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reported_by: BTreeMap<RunId, SourceId>,
    /// When its last run was released, if it has none now, microseconds since 1970.
    pub idle_since_us: u64,
}

/// Why a claim is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// It is about to be terminated.
    #[error("the instance is draining: it is about to be terminated")]
    Draining,
    /// It was terminated.
    #[error("the instance is gone: it was terminated, or is about to be reclaimed")]
    Gone,
    /// It already has as many runs as it takes.
    #[error("the instance already has as many runs as it takes")]
    Full,
}

/// Why an event's word about a run is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Ignored {
    /// It started, and has finished since.
    #[error("the run is known to have finished")]
    Finished,
    /// Somebody else's run.
    #[error("another source has reported this run, or its runner claims the instance itself")]
    OfAnother,
    /// Its row would grow without bound.
    #[error("the instance already has {MOST_RUNS} runs")]
    TooMany,
    /// The group has no such instance.
    #[error("the group has no such instance")]
    NotOfGroup,
    /// The instance, which alone can write it besides the controllers, has made it unreadable.
    #[error("the instance's row cannot be used; the instance is kept as long as that is so")]
    Unusable,
}

impl InstanceRow {
    /// The row of a new instance: idle from now on.
    pub fn new(id: InstanceId, now_us: u64) -> Self {
        Self {
            id,
            version: 1,
            state: State::Open,
            runs: BTreeMap::new(),
            reported_by: BTreeMap::new(),
            idle_since_us: now_us,
        }
    }

    fn next(&self) -> Self {
        Self { version: self.version.saturating_add(1), ..self.clone() }
    }

    /// Removes the runs that died, and whoever reported runs that the row no longer has.
    fn tidy(&mut self, now_us: u64) {
        self.runs.retain(|_, until_us| *until_us > now_us || *until_us == 0);
        self.reported_by.retain(|run, _| self.runs.contains_key(run));
    }

    /// Whether somebody else than the source reported the run.
    fn is_of_another(&self, run: &RunId, source: &SourceId) -> bool {
        self.reported_by.get(run).is_some_and(|by| by != source)
    }

    /// Whether the source is the instance's runner. It claims, and never reports a single run: an event that does so in its name is
    /// somebody else's.
    fn is_runner(&self, source: &SourceId) -> bool {
        source.as_str() == runner_source(&self.id)
    }

    /// The source by whose word alone the run is here; `None` when its runner claims the instance, or an earlier version did.
    pub fn told_by(&self, run: &RunId) -> Option<&SourceId> {
        self.reported_by.get(run).filter(|by| by.as_str() != runner_source(&self.id))
    }

    /// The runs whose lease has not expired.
    pub fn live_runs(&self, now_us: u64) -> impl Iterator<Item = &RunId> {
        self.runs.iter().filter(move |(_, until_us)| **until_us > now_us).map(|(run, _)| run)
    }

    /// Whether a run holds a live claim.
    pub fn is_claimed(&self, now_us: u64) -> bool {
        self.live_runs(now_us).next().is_some()
    }

    /// When it became idle; `None` while it is claimed, or when it takes no runs.
    pub fn idle_since_us(&self, now_us: u64) -> Option<u64> {
        if self.state != State::Open || self.is_claimed(now_us) {
            return None;
        }
        let last_lease_us = self.runs.values().copied().max().unwrap_or(0);
        Some(self.idle_since_us.max(last_lease_us))
    }

    /// When it started draining.
    pub fn draining_since_us(&self) -> Option<u64> {
        match self.state {
            State::Draining { since_us } => Some(since_us),
            State::Open | State::Gone { .. } => None,
        }
    }

    /// When it started draining or was marked gone.
    pub fn leaving_since_us(&self) -> Option<u64> {
        match self.state {
            State::Draining { since_us } | State::Gone { since_us, .. } => Some(since_us),
            State::Open => None,
        }
    }

    /// Since when it is only said to go: no tick drained it.
    pub fn told_since_us(&self) -> Option<u64> {
        match self.state {
            State::Gone { since_us, is_terminating: false } => Some(since_us),
            State::Gone { .. } | State::Draining { .. } | State::Open => None,
        }
    }

    /// Whether it had a run whose end was never reported.
    pub fn has_unended_run(&self) -> bool {
        self.runs.values().any(|until_us| *until_us > 0)
    }
}

/// The row with the run's claim, made or renewed; `slots` is how many runs that claim an instance takes at a time: what only events
/// report does not count. On an instance that is gone, a run may renew its live claim, and none may start.
///
/// # Errors
/// Why the claim is refused.
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
        // It may be reclaimed much later than announced; until then the run keeps it.
        State::Gone { .. } if is_here => {}
        // Its runner was silent for a whole lease, but is alive, and scale-in has not marked the instance gone yet.
        State::Draining { .. } if next.runs.get(run).is_some_and(|until_us| *until_us > 0) => {
            next.state = State::Open;
        }
        State::Draining { .. } => return Err(Refused::Draining),
        State::Gone { .. } => return Err(Refused::Gone),
    }
    // Hearsay keeps an instance, and refuses it to nobody: an invented run must not.
    let n_others = next.live_runs(now_us).filter(|it| *it != run && next.told_by(it).is_none()).count();
    let holds = is_here && next.told_by(run).is_none();
    if !holds && n_others >= slots as usize {
        return Err(Refused::Full);
    }
    next.runs.insert(run.clone(), now_us.saturating_add(lease_us));
    // From here on the claim is the runner's: no event's word ends it.
    match SourceId::new(runner_source(id)) {
        Ok(runner) => drop(next.reported_by.insert(run.clone(), runner)),
        Err(_) => drop(next.reported_by.remove(run)),
    }
    next.tidy(now_us);
    Ok(next)
}

/// The row of an instance on which, by a source's word, a run has started without a claim: it is busy even if it was draining.
///
/// # Errors
/// Why the source's word is not taken.
pub fn started(
    row: Option<&InstanceRow>,
    id: &InstanceId,
    (run, source): (&RunId, &SourceId),
    now_us: u64,
    lease_us: u64,
) -> Result<InstanceRow, Ignored> {
    let mut next = row.map_or_else(|| InstanceRow::new(id.clone(), now_us), InstanceRow::next);
    if next.is_runner(source) {
        return Err(Ignored::OfAnother);
    }
    let is_of_another = next.is_of_another(run, source);
    match next.runs.get(run) {
        // Another source's word does not keep this one's run from being seen.
        Some(0) if !is_of_another => return Err(Ignored::Finished),
        Some(until_us) if *until_us > now_us && is_of_another => return Err(Ignored::OfAnother),
        _ => {}
    }
    if let State::Draining { .. } = next.state {
        next.state = State::Open;
    }
    next.tidy(now_us);
    if next.runs.len() >= MOST_RUNS && !next.runs.contains_key(run) {
        return Err(Ignored::TooMany);
    }
    next.runs.insert(run.clone(), now_us.saturating_add(lease_us));
    next.reported_by.insert(run.clone(), source.clone());
    Ok(next)
}

/// The row of an instance on which, by a source's word, a run has finished; the row remembers the run, in case the event that
/// it has started arrives later.
///
/// # Errors
/// Why the source's word is not taken.
pub fn finished(
    row: Option<&InstanceRow>,
    id: &InstanceId,
    (run, source): (&RunId, &SourceId),
    now_us: u64,
) -> Result<InstanceRow, Ignored> {
    let mut next = row.map_or_else(|| InstanceRow::new(id.clone(), now_us), InstanceRow::next);
    let until_us = next.runs.get(run).copied();
    if next.is_runner(source)
        || until_us.is_some_and(|until_us| until_us > 0) && next.is_of_another(run, source)
    {
        return Err(Ignored::OfAnother);
    }
    let is_news = next.runs.insert(run.clone(), 0) != Some(0);
    next.reported_by.entry(run.clone()).or_insert_with(|| source.clone());
    let others = next.runs.iter().filter(|(it, until_us)| **until_us == 0 && *it != run);
    let too_many: Vec<_> = others.map(|(it, _)| it.clone()).rev().skip(MOST_ENDED - 1).collect();
    next.runs.retain(|it, _| !too_many.contains(it));
    next.reported_by.retain(|it, _| !too_many.contains(it));
    if is_news && !next.is_claimed(now_us) {
        next.idle_since_us = now_us;
    }
    Ok(next)
}

/// The row without the run's claim; `None` when the run has none. A finish that an event reported is kept.
pub fn release(row: &InstanceRow, run: &RunId, now_us: u64) -> Option<InstanceRow> {
    let mut next = row.next();
    next.runs.remove(run).filter(|until_us| *until_us > 0)?;
    next.reported_by.remove(run);
    if !next.is_claimed(now_us) {
        next.idle_since_us = now_us;
    }
    Some(next)
}

/// The row of an instance that starts to drain; `None` when it is claimed or takes no runs already.
pub fn drain(row: &InstanceRow, now_us: u64) -> Option<InstanceRow> {
    row.idle_since_us(now_us)?;
    Some(InstanceRow { state: State::Draining { since_us: now_us }, ..row.next() })
}

/// The row of an instance that takes runs again; `None` when it is not draining.
pub fn undrain(row: &InstanceRow, now_us: u64) -> Option<InstanceRow> {
    row.draining_since_us()?;
    Some(InstanceRow { state: State::Open, idle_since_us: now_us, ..row.next() })
}

/// The row of an instance that is said to have left, or to be about to.
pub fn gone(row: &InstanceRow, now_us: u64) -> InstanceRow {
    InstanceRow { state: State::Gone { since_us: now_us, is_terminating: false }, ..row.next() }
}

/// The row of a drained instance that a tick is about to terminate.
pub fn terminating(row: &InstanceRow, now_us: u64) -> InstanceRow {
    InstanceRow { state: State::Gone { since_us: now_us, is_terminating: true }, ..row.next() }
}

/// The row of an instance that takes runs again because the group did not terminate it.
pub fn reopened(row: &InstanceRow, now_us: u64) -> InstanceRow {
    InstanceRow { state: State::Open, idle_since_us: now_us, ..row.next() }
}

#[cfg(test)]
mod tests;
