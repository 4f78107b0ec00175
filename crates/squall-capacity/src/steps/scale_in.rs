//! A tick of the timer: enough first, then fewer.

use crate::claims::{InstanceRow, drain, gone, reopened};
use crate::events::runner_source;
use crate::ids::InstanceId;
use crate::journal::{Decision, Line, Outcome};
use crate::policy::Policy;
use crate::ports::{Clock, Journal, Ledger, Metrics, PortError, Ports, ScalingGroup, Series, Written, chain};
use crate::scale_in::{ScaleInSeen, Tick, plan_tick};
use crate::steps::rows::StepError;
use crate::steps::scale_out::{act, have_enough, keep, look};

/// What a tick did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticked {
    /// The decision.
    pub decision: Tick,
    /// What came of it.
    pub outcome: Outcome,
}

/// Has the group be as large as it must be, and no larger than it need be.
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
    // What was done is counted even if the rest was not.
    let reported = report(ports, &decision, &outcome).await;
    done?;
    reported?;
    Ok(Ticked { decision, outcome })
}

/// What a tick decides on.
///
/// # Errors
/// When a port fails.
pub async fn look_for_tick<G, L, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    policy: &Policy,
) -> Result<ScaleInSeen, PortError>
where
    G: ScalingGroup,
    L: Ledger,
    M: Metrics,
    C: Clock,
{
    let most_sessions = level(ports.metrics.maximum(Series::Sessions, policy.window_s).await?);
    let most_runs = level(ports.metrics.maximum(Series::Runs, policy.window_s).await?);
    Ok(ScaleInSeen { now: look(ports).await?, most_sessions, most_runs })
}

/// A metric's number as a level: rounded up, because what is between two levels is the higher one.
fn level(maximum: Option<f64>) -> Option<u32> {
    let most = f64::from(u32::MAX);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and the largest"
    )]
    maximum.filter(|it| it.is_finite()).map(|it| it.ceil().clamp(0.0, most) as u32)
}

async fn do_tick<G, L, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    policy: &Policy,
    seen: &ScaleInSeen,
    decision: &Tick,
    outcome: &mut Outcome,
) -> Result<(), StepError>
where
    G: ScalingGroup,
    L: Ledger,
    J: Journal,
    C: Clock,
{
    if !decision.enough.is_enough() {
        act(ports, &seen.now, &decision.enough, outcome).await?;
        have_enough(ports, policy).await?;
    }
    for id in &decision.adopt {
        // Whoever was first knows more.
        ports.ledger.put_instance(&InstanceRow::new(id.clone(), ports.clock.now_us())).await?;
    }
    let row_of = |id: &InstanceId| seen.now.instances.iter().find(|row| row.id == *id);
    for row in decision.lost.iter().filter_map(row_of) {
        ports.ledger.put_instance(&gone(row, ports.clock.now_us())).await?;
    }
    // What its runner told ends with it. First, because without its row nobody would know.
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
    // Whoever recorded an event since the look above, and looked before these were drained, saw enough. Whoever looks from
    // now on sees them drain. So between the two a look for them.
    have_enough(ports, policy).await?;
    for id in drained {
        terminate(ports, id, outcome).await?;
    }
    Ok(())
}

/// Takes the levels that instances told of themselves out of the ledger.
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

/// Whether this was who drained it.
async fn drain_now<G, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    id: &InstanceId,
) -> Result<bool, PortError> {
    let Some(row) = ports.ledger.instance(id).await? else { return Ok(false) };
    let Some(next) = drain(&row, ports.clock.now_us()) else { return Ok(false) };
    Ok(ports.ledger.put_instance(&next).await? == Written::Yes)
}

/// Terminates an instance that takes no runs; what is refused takes runs again.
async fn terminate<G: ScalingGroup, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    id: &InstanceId,
    outcome: &mut Outcome,
) -> Result<(), PortError> {
    // It may be kept by now: somebody needed it.
    let Some(row) = ports.ledger.instance(id).await? else { return Ok(()) };
    if row.leaving_since_us().is_none() || row.is_claimed(ports.clock.now_us()) {
        return Ok(());
    }
    // Gone first: from here on nobody keeps it, and if nobody hears of the end of this, a later tick asks again.
    let mut gone = gone(&row, ports.clock.now_us());
    // Nobody works there: runs whose lease ran out have died before.
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
    let enough = &decision.enough;
    let desired = f64::from(enough.target) - count(&outcome.terminated);
    let values = [
        (Series::WantedCapacity, f64::from(enough.demand.wanted())),
        (Series::OverMaximum, f64::from(enough.over_maximum)),
        (Series::UnderMinimum, f64::from(enough.under_minimum)),
        (Series::DesiredCapacity, desired),
        (Series::Terminated, count(&outcome.terminated)),
        (Series::ClaimsWon, count(&outcome.claimed_first)),
        (Series::BusyKilled, count(&decision.killed)),
    ];
    ports.metrics.put(&values).await
}
