//! Conditional writes to an instance's row, which all steps share, and how a step fails.

use crate::claims::InstanceRow;
use crate::ids::InstanceId;
use crate::ports::{Clock, Ledger, PortError, Ports, Written};

/// Most lost races for the ledger's row before the event is left to its next delivery.
pub(super) const MOST_RACES: u32 = 20;

/// Why an event must be delivered again.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Other writers kept changing the row.
    #[error("lost {MOST_RACES} races for the ledger's row")]
    Raced,
    /// The group is still too small after the last attempt.
    #[error("the group is still too small after {n_looks} attempts: {last}")]
    NotEnough {
        /// Number of decisions carried out.
        n_looks: u32,
        /// The reason of the last one.
        last: String,
    },
}

/// Changes an instance's row, retrying lost races.
pub(super) async fn change<G, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    id: &InstanceId,
    next: impl Fn(Option<&InstanceRow>, u64) -> Option<InstanceRow>,
) -> Result<(), StepError> {
    for _ in 0..MOST_RACES {
        let row = ports.ledger.instance(id).await?;
        let Some(next) = next(row.as_ref(), ports.clock.now_us()) else { return Ok(()) };
        if ports.ledger.put_instance(&next).await? == Written::Yes {
            return Ok(());
        }
    }
    Err(StepError::Raced)
}

/// An instance's row; `None` also for one that its instance has made unreadable since it was listed: such an instance is left
/// alone, and stops nobody else's change.
pub(super) async fn usable<G, L: Ledger, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    id: &InstanceId,
) -> Result<Option<InstanceRow>, PortError> {
    match ports.ledger.instance(id).await {
        Err(PortError::Permanent { .. }) => Ok(None),
        row => row,
    }
}
