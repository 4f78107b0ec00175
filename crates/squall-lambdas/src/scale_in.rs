//! Scale-in: handles a tick of the timer by shrinking the group to what is needed.

use serde::Deserialize;
use squall_capacity::policy::Policy;
use squall_capacity::ports::{Clock, Journal, Ledger, Metrics, Ports, ScalingGroup};
use squall_capacity::steps::{Ticked, tick};
use tracing::{info, warn};

use crate::failure::Failure;
use crate::result_collector::SCHEDULED;

/// The event that invokes scale-in: a tick of the timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Shape")]
pub struct TimerEvent;

/// The field that identifies the timer's event.
#[derive(Deserialize)]
#[serde(expecting = "a scheduled event")]
struct Shape {
    #[serde(rename = "detail-type")]
    detail_type: Option<String>,
}

impl TryFrom<Shape> for TimerEvent {
    type Error = String;

    fn try_from(shape: Shape) -> Result<Self, String> {
        let found = match shape.detail_type {
            Some(kind) if kind == SCHEDULED => return Ok(Self),
            Some(kind) => format!("the `detail-type` `{kind}`"),
            None => "an object without `detail-type`".to_owned(),
        };
        Err(format!("{found}; expected the `detail-type` `{SCHEDULED}`"))
    }
}

/// Makes the group as large as needed, and no larger.
///
/// # Errors
/// When a port fails; the next tick is the retry.
pub async fn handle<G, L, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    policy: &Policy,
    _: TimerEvent,
) -> Result<(), Failure>
where
    G: ScalingGroup,
    L: Ledger,
    M: Metrics,
    J: Journal,
    C: Clock,
{
    let ticked = tick(ports, policy).await;
    let Ticked { decision, outcome } = ticked.map_err(|error| Failure::step("not done", &error))?;
    info!(
        n_terminated = outcome.terminated.len(),
        n_claimed_first = outcome.claimed_first.len(),
        "scale-out: {}; scale-in: {}",
        decision.scale_out.reason,
        decision.reason
    );
    for id in &decision.killed {
        warn!(instance = %id, "left with a run on it");
    }
    for (id, error) in &outcome.refused {
        warn!(instance = %id, "not terminated, takes runs again: {error}");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
