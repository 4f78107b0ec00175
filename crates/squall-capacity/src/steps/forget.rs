//! The operator's word that a source is no more, or that what is known of it is wrong.

use crate::events::Runs;
use crate::ids::SourceId;
use crate::levels::Level;
use crate::ports::{Ledger, Ports, Written};
use crate::steps::rows::{MOST_RACES, StepError};

/// What was known of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// Its active sessions.
    pub sessions: Option<Level<u32>>,
    /// Its queued and running runs.
    pub runs: Option<Level<Runs>>,
}

/// Removes a source's levels from the ledger: they no longer count, and its next event is recorded whatever its order. The claims
/// of its runs stay, so this frees no instance; nor does the source count any more for which there was no room. `None` when no level of it is known.
///
/// # Errors
/// When a port fails, or other writers kept changing the row; nothing is changed then.
pub async fn forget_source<G, L: Ledger, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    source: &SourceId,
) -> Result<Option<Forgotten>, StepError> {
    for _ in 0..MOST_RACES {
        let mut levels = ports.ledger.levels().await?;
        let forgotten =
            Forgotten { sessions: levels.sessions.remove(source), runs: levels.runs.remove(source) };
        if forgotten.sessions.is_none() && forgotten.runs.is_none() {
            return Ok(None);
        }
        // There is room now: a source that was left out is heard with its next event.
        levels.left_out_us = 0;
        levels.version = levels.version.saturating_add(1);
        if ports.ledger.put_levels(&levels).await? == Written::Yes {
            return Ok(Some(forgotten));
        }
    }
    Err(StepError::Raced)
}
