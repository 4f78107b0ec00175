//! The conditional writes that every step makes of a row, and how a step fails.

use crate::claims::InstanceRow;
use crate::ids::InstanceId;
use crate::ports::{Clock, Ledger, PortError, Ports, Written};

/// Races for the ledger's row that are lost before the event is left to its next delivery.
pub(super) const MOST_RACES: u32 = 20;

/// Why an event is to be delivered again.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Others wrote the same row all the time.
    #[error("lost {MOST_RACES} races for the ledger's row")]
    Raced,
    /// The group is not as large as it has to be, however often it was told.
    #[error("the group was told {n_looks} times and is not as large as it has to be: {last}")]
    NotEnough {
        /// Decisions that were acted on.
        n_looks: u32,
        /// The reason of the last one.
        last: String,
    },
}

/// Changes an instance's row, over and over until nobody else does.
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
