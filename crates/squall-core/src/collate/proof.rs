//! The conservation proof.

use super::Received;
use crate::rows::Published;
use crate::sizing::counted;
use crate::workload::Weight;

/// The conservation proof: the tasks that came back are the ones that were published.
///
/// # Errors
/// The first difference. A job with one is never called complete.
pub fn prove(published: &Published, received: &Received) -> Result<(), Shortfall> {
    let n_missing = received.missing(published).len();
    let n_received = received.tasks.len();
    if n_missing > 0 {
        Err(Shortfall::Missing { n_missing })
    } else if n_received != u64::from(published.n_tasks) {
        Err(Shortfall::Surplus { n_received, n_published: published.n_tasks })
    } else if received.weight != published.weight_sent() {
        Err(Shortfall::Weight { received: received.weight, published: published.weight_sent() })
    } else if received.fingerprints != published.fingerprints {
        Err(Shortfall::Fingerprints)
    } else {
        Ok(())
    }
}

/// The difference between what came back and what was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Shortfall {
    /// Some tasks did not come back.
    #[error("{} did not come back", counted(*.n_missing, "task"))]
    Missing {
        /// Number of missing tasks.
        n_missing: u64,
    },
    /// More came back than were published.
    #[error("{n_received} tasks came back of {n_published} published")]
    Surplus {
        /// Distinct tasks that came back.
        n_received: u64,
        /// Tasks published.
        n_published: u32,
    },
    /// The weights differ.
    #[error("tasks of weight {received} came back where {published} was published")]
    Weight {
        /// Weight that came back.
        received: Weight,
        /// Weight published.
        published: Weight,
    },
    /// The ids differ.
    #[error("the tasks that came back are not the ones that were published")]
    Fingerprints,
}
