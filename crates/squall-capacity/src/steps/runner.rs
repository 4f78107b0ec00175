//! What a runner on an instance does: claim before it starts, renew while it runs, release when it is done.

use crate::claims::{InstanceRow, Refused, State, claim, gone, release};
use crate::ids::{InstanceId, RunId};
use crate::policy::{Policy, us};
use crate::ports::{Clock, Ledger, PortError, Ports, ScalingGroup, Written};
use crate::steps::rows::{StepError, change};

/// Races for the instance's row that are lost before it is somebody else's turn.
const MOST_RACES: u32 = 20;

/// An instance that was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Until when, unless it is renewed, microseconds since 1970.
    pub until_us: u64,
}

/// Why an instance is not claimed.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// It takes no such run.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Others wrote the same row all the time.
    #[error("lost {MOST_RACES} races for the row of instance {0}")]
    Raced(InstanceId),
}

/// Claims an instance for a run, and has the group spare it. Claiming again what is claimed renews it. It is for whoever is
/// on the instance: the row of one that left is forgotten some time later, and could then be claimed as if it were new.
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
        // A run that is there already is not to lose its instance by asking again.
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
/// When the instance is not the run's any more.
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

/// The claim, and whether the run had none.
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

/// Releases a run's claim. Releasing what is not claimed changes nothing.
///
/// # Errors
/// When a port fails; the lease runs out by itself.
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

/// Marks an instance that is about to be reclaimed: no run starts there any more. Its runs stay in the row.
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
