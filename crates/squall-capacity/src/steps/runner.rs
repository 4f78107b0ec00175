//! The steps of a runner on an instance: claim before the run starts, renew while it runs, release when it is done.

use crate::claims::{InstanceRow, Refused, State, claim, gone, release};
use crate::ids::{InstanceId, RunId};
use crate::policy::{Policy, us};
use crate::ports::{Clock, Ledger, PortError, Ports, ScalingGroup, Written};
use crate::steps::rows::{StepError, change};

/// Most lost races for the instance's row before the step gives up.
const MOST_RACES: u32 = 20;

/// A claim on an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// When the lease ends unless renewed, microseconds since 1970.
    pub until_us: u64,
}

/// Why an instance was not claimed.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The instance does not take the run.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Other writers kept changing the row.
    #[error("lost {MOST_RACES} races for the row of instance {0}")]
    Raced(InstanceId),
}

/// Claims an instance for a run, and protects it from scale-in. Claiming again renews the claim. Call it only on the instance
/// itself: the row of an instance that left is removed some time later, and could then be claimed as if it were new.
///
/// # Errors
/// When the run must not start.
pub async fn claim_instance<G, L, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    policy: &Policy,
    id: &InstanceId,
    run: &RunId,
) -> Result<Claimed, RunnerError>
where
    G: ScalingGroup,
    L: Ledger,
    C: Clock,
{
    let (claimed, is_new) = put_claim(ports, policy, id, run).await?;
    match ports.group.protect(id, true).await {
        Ok(()) => Ok(claimed),
        // A run that already held the claim must not lose it by asking again.
        Err(error) if !is_new => Err(error.into()),
        Err(error) => {
            release_instance(ports, id, run).await.ok();
            Err(error.into())
        }
    }
}

/// Renews a run's claim.
///
/// # Errors
/// When the run no longer holds the instance.
pub async fn renew_claim<G, L, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    policy: &Policy,
    id: &InstanceId,
    run: &RunId,
) -> Result<Claimed, RunnerError>
where
    L: Ledger,
    C: Clock,
{
    Ok(put_claim(ports, policy, id, run).await?.0)
}

/// The claim, and whether it is new.
async fn put_claim<G, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    policy: &Policy,
    id: &InstanceId,
    run: &RunId,
) -> Result<(Claimed, bool), RunnerError> {
    for _ in 0..MOST_RACES {
        let row = ports.ledger.instance(id).await?;
        let now_us = ports.clock.now_us();
        let lease_us = us(policy.lease_s);
        let next = claim(row.as_ref(), id, run, policy.runs_per_instance.get(), now_us, lease_us)?;
        if ports.ledger.put_instance(&next).await? == Written::Yes {
            let is_new = !row.is_some_and(|row| row.live_runs(now_us).any(|it| it == run));
            return Ok((Claimed { until_us: now_us.saturating_add(lease_us) }, is_new));
        }
    }
    Err(RunnerError::Raced(id.clone()))
}

/// Releases a run's claim. Does nothing without a claim.
///
/// # Errors
/// When a port fails; the lease then expires by itself.
pub async fn release_instance<G, L, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    id: &InstanceId,
    run: &RunId,
) -> Result<(), StepError>
where
    L: Ledger,
    C: Clock,
{
    change(ports, id, |row, now_us| release(row?, run, now_us)).await
}

/// Marks an instance that is about to be reclaimed: no run may start on it any more. Its runs stay in the row.
///
/// # Errors
/// When a port fails.
pub async fn mark_gone<G, L, M, J, C>(ports: &Ports<G, L, M, J, C>, id: &InstanceId) -> Result<(), StepError>
where
    L: Ledger,
    C: Clock,
{
    change(ports, id, |row, now_us| {
        if row.is_some_and(|row| matches!(row.state, State::Gone { .. })) {
            return None;
        }
        let row = row
            .cloned()
            .unwrap_or_else(|| InstanceRow { version: 0, ..InstanceRow::new(id.clone(), now_us) });
        Some(gone(&row, now_us))
    })
    .await
}
