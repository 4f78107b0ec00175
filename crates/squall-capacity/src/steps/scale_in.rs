//! A tick of the timer: first grow to the current demand, then shrink.

use crate::claims::{InstanceRow, drain, gone, reopened, terminating};
use crate::events::runner_source;
use crate::ids::InstanceId;
use crate::journal::{Decision, Line, Outcome};
use crate::policy::Policy;
use crate::ports::{Clock, Journal, Ledger, Metrics, PortError, Ports, ScalingGroup, Series, Written, chain};
use crate::scale_in::{ScaleInObservation, Tick, plan_tick};
use crate::steps::rows::{StepError, usable};
use crate::steps::scale_out::{act, ensure_enough, keep, look};

/// The result of a tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticked {
    /// The decision.
    pub decision: Tick,
    /// The outcome.
    pub outcome: Outcome,
}

/// Makes the group as large as needed, and no larger.
///
/// # Errors
/// When a port fails; the next tick is the retry.
pub async fn tick<G, L, M, J, C>(ports: &Ports<G, L, M, J, C>, policy: &Policy) -> Result<Ticked, StepError>
where
    G: ScalingGroup,
    L: Ledger,
    M: Metrics,
    J: Journal,
    C: Clock,
{
    let seen = look_for_tick(ports, policy).await?;
    let decision = plan_tick(policy, &seen);
    let mut outcome = Outcome::default();
    let done = do_tick(ports, policy, &seen, &decision, &mut outcome).await;
    let line = Line {
        decision: Decision::ScaleIn { seen, decision: decision.clone() },
        policy: policy.clone(),
        outcome: outcome.clone(),
    };
    ports.journal.write(&line);
    // Report what was done even if a later call failed.
    let reported = report(ports, &decision, &outcome).await;
    done?;
    reported?;
    Ok(Ticked { decision, outcome })
}

/// The observation that a tick decides on.
///
/// # Errors
/// When a port fails.
pub async fn look_for_tick<G, L, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    policy: &Policy,
) -> Result<ScaleInObservation, PortError>
where
    G: ScalingGroup,
    L: Ledger,
    M: Metrics,
    C: Clock,
{
    let most_sessions = level(ports.metrics.maximum(Series::Sessions, policy.window_s).await?);
    let most_runs = level(ports.metrics.maximum(Series::Runs, policy.window_s).await?);
    Ok(ScaleInObservation { now: look(ports).await?, most_sessions, most_runs })
}

/// A metric's value as a level, rounded up: a value between two levels means at least part of the higher one.
fn level(maximum: Option<f64>) -> Option<u32> {
    let most = f64::from(u32::MAX);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the range of u32"
    )]
    maximum.filter(|it| it.is_finite()).map(|it| it.ceil().clamp(0.0, most) as u32)
}

async fn do_tick<G, L, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    policy: &Policy,
    seen: &ScaleInObservation,
    decision: &Tick,
    outcome: &mut Outcome,
) -> Result<(), StepError>
where
    G: ScalingGroup,
    L: Ledger,
    J: Journal,
    C: Clock,
{
    if !decision.scale_out.is_enough() {
        act(ports, &seen.now, &decision.scale_out, outcome).await?;
        ensure_enough(ports, policy).await?;
    }
    for id in &decision.adopt {
        // A row that exists by now knows more: losing the race is fine.
        ports.ledger.put_instance(&InstanceRow::new(id.clone(), ports.clock.now_us())).await?;
    }
    let row_of = |id: &InstanceId| seen.now.instances.iter().find(|row| row.id == *id);
    for row in decision.lost.iter().filter_map(row_of) {
        ports.ledger.put_instance(&gone(row, ports.clock.now_us())).await?;
    }
    // Its runner's levels end with it. Remove them first: once the row is gone, no later tick would.
    if strike_out(ports, &decision.forget).await? == Written::Yes {
        for row in decision.forget.iter().filter_map(row_of) {
            ports.ledger.forget_instance(&row.id, row.version).await?;
        }
    }
    for row in decision.reopen.iter().filter_map(row_of) {
        ports.ledger.put_instance(&reopened(row, ports.clock.now_us())).await?;
    }
    for id in &decision.terminate {
        terminate(ports, id, outcome).await?;
    }
    let mut drained = Vec::new();
    for id in &decision.drain {
        if drain_now(ports, id).await? {
            drained.push(id);
        } else {
            outcome.claimed_first.push(id.clone());
        }
    }
    if drained.is_empty() {
        return Ok(());
    }
    if decision.all_or_none && !outcome.claimed_first.is_empty() {
        for id in drained {
            if keep(ports, id).await? {
                outcome.undrained.push(id.clone());
            }
        }
        return Ok(());
    }
    // A scale-out that recorded an event after the look above, and looked before these were drained, saw them as capacity; one
    // that looks from now on sees them draining. Cover the first case by looking again.
    ensure_enough(ports, policy).await?;
    for id in drained {
        terminate(ports, id, outcome).await?;
    }
    Ok(())
}

/// Removes the levels that gone instances reported from the ledger.
async fn strike_out<G, L: Ledger, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    gone: &[InstanceId],
) -> Result<Written, PortError> {
    if gone.is_empty() {
        return Ok(Written::Yes);
    }
    let mut levels = ports.ledger.levels().await?;
    let n_before = levels.runs.len();
    levels.runs.retain(|source, _| !gone.iter().any(|id| source.as_str() == runner_source(id)));
    if levels.runs.len() == n_before {
        return Ok(Written::Yes);
    }
    levels.version = levels.version.saturating_add(1);
    ports.ledger.put_levels(&levels).await
}

/// Drains an instance; whether this tick did it.
async fn drain_now<G, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    id: &InstanceId,
) -> Result<bool, PortError> {
    let Some(row) = usable(ports, id).await? else { return Ok(false) };
    let Some(next) = drain(&row, ports.clock.now_us()) else { return Ok(false) };
    Ok(ports.ledger.put_instance(&next).await? == Written::Yes)
}

/// Terminates an instance that takes no runs; if the group refuses, the instance takes runs again.
async fn terminate<G: ScalingGroup, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    id: &InstanceId,
    outcome: &mut Outcome,
) -> Result<(), PortError> {
    // A scale-out may have undrained it by now.
    let Some(row) = usable(ports, id).await? else { return Ok(()) };
    if row.leaving_since_us().is_none() || row.is_claimed(ports.clock.now_us()) {
        return Ok(());
    }
    // Mark it gone first: from here on it cannot be undrained, and if this tick dies, a later one terminates it.
    let mut gone = terminating(&row, ports.clock.now_us());
    // It has no live claim: runs whose lease expired died earlier.
    gone.runs.retain(|_, until_us| *until_us == 0);
    if ports.ledger.put_instance(&gone).await? == Written::Raced {
        return Ok(());
    }
    match ports.group.terminate(id).await {
        Ok(()) => outcome.terminated.push(id.clone()),
        Err(error @ PortError::Permanent { .. }) => {
            outcome.refused.push((id.clone(), chain(&error)));
            ports.ledger.put_instance(&reopened(&gone, ports.clock.now_us())).await?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn report<G, L, M: Metrics, J, C>(
    ports: &Ports<G, L, M, J, C>,
    decision: &Tick,
    outcome: &Outcome,
) -> Result<(), PortError> {
    let count = |ids: &[InstanceId]| f64::from(u32::try_from(ids.len()).unwrap_or(u32::MAX));
    let scale_out = &decision.scale_out;
    let desired = f64::from(scale_out.target) - count(&outcome.terminated);
    let values = [
        (Series::WantedCapacity, f64::from(scale_out.demand.wanted())),
        (Series::OverMaximum, f64::from(scale_out.over_maximum)),
        (Series::UnderMinimum, f64::from(scale_out.under_minimum)),
        (Series::DesiredCapacity, desired),
        (Series::Terminated, count(&outcome.terminated)),
        (Series::ClaimsWon, count(&outcome.claimed_first)),
        (Series::BusyKilled, count(&decision.killed)),
    ];
    ports.metrics.put(&values).await
}
