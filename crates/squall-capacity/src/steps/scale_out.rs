//! Handling an event: record it in the ledger, raise the group, then check that it is large enough.

use std::cell::Cell;

use crate::claims::{Ignored, InstanceRow, finished, started, undrain};
use crate::events::{Activity, Payload, RunOn};
use crate::ids::{InstanceId, SourceId};
use crate::journal::{Decision, Line, Outcome};
use crate::launch::Launch;
use crate::levels::{Levels, Recorded};
use crate::policy::{Policy, us};
use crate::ports::{Clock, Journal, Ledger, Metrics, PortError, Ports, ScalingGroup, Series, Written, chain};
use crate::scale_out::{Raise, ScaleOut, ScaleOutObservation, plan_scale_out};
use crate::steps::rows::{MOST_RACES, StepError, change, usable};
use crate::steps::runner::mark_gone;

/// Most looks at the group per event. A launch takes three: one to record it, one to request it, one to see it done.
const MOST_LOOKS: u32 = 8;

/// The result of handling an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handled {
    /// Its effect on the ledger.
    pub recorded: Recorded,
    /// Its words about runs that were not taken, and why.
    pub ignored: Vec<(RunOn, Ignored)>,
    /// The last decision.
    pub decision: ScaleOut,
    /// Whether the group was asked to grow.
    pub has_raised: bool,
}

/// Records an event, and makes the group as large as all events together require.
///
/// # Errors
/// When the event must be delivered again; what was done by then is kept, and repeating it is harmless.
pub async fn on_event<G, L, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    policy: &Policy,
    event: &Activity,
) -> Result<Handled, StepError>
where
    G: ScalingGroup,
    L: Ledger,
    M: Metrics,
    J: Journal,
    C: Clock,
{
    let recorded = record(ports, policy, event).await?;
    let mut ignored = Vec::new();
    let taken_in = match &event.payload {
        Payload::Runs { .. } => take_in_runs(ports, policy, event, &mut ignored).await,
        Payload::Notice { instance_id, .. } => mark_gone_if_known(ports, instance_id).await,
        Payload::Sessions(_) => Ok(()),
    };
    // A failure above must not keep the group from growing.
    let (decision, has_raised) = ensure_enough(ports, policy).await?;
    taken_in?;
    // The total over all sources, even for a duplicate: the previous delivery may have failed right here.
    let level = match &event.payload {
        Payload::Sessions(_) => Some((Series::Sessions, f64::from(decision.demand.n_sessions))),
        Payload::Runs { .. } => Some((Series::Runs, f64::from(decision.demand.n_runs))),
        Payload::Notice { .. } => None,
    };
    let desired = f64::from(decision.target);
    let latency_us = ports.clock.now_us().saturating_sub(event.time_us);
    #[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^52 microseconds")]
    let latency_ms = latency_us as f64 / 1_000.0;
    let mut values = vec![
        (Series::WantedCapacity, f64::from(decision.demand.wanted())),
        (Series::OverMaximum, f64::from(decision.over_maximum)),
        (Series::UnderMinimum, f64::from(decision.under_minimum)),
        (Series::DesiredCapacity, desired),
        (Series::DecisionLatency, latency_ms),
    ];
    values.extend(level);
    if matches!(recorded, Recorded::Contradicted(_) | Recorded::TooManySources) {
        values.push((Series::IgnoredEvents, 1.0));
    }
    ports.metrics.put(&values).await?;
    Ok(Handled { recorded, ignored, decision, has_raised })
}

/// Makes the group as large as the ledger requires. Returns the last decision, and whether the group was asked to grow.
///
/// # Errors
/// When a port fails, or the group is still too small after the last attempt.
pub(super) async fn ensure_enough<G, L, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    policy: &Policy,
) -> Result<(ScaleOut, bool), StepError>
where
    G: ScalingGroup,
    L: Ledger,
    J: Journal,
    C: Clock,
{
    let mut has_raised = false;
    let mut last = String::new();
    for _ in 0..MOST_LOOKS {
        let seen = look(ports).await?;
        let decision = plan_scale_out(policy, &seen);
        let is_enough = decision.is_enough();
        let mut outcome = Outcome::default();
        let done = act(ports, &seen, &decision, &mut outcome).await;
        has_raised |= outcome.raised.is_some();
        last.clone_from(&decision.reason);
        let line = Line {
            decision: Decision::ScaleOut { seen, decision: decision.clone() },
            policy: policy.clone(),
            outcome,
        };
        ports.journal.write(&line);
        done?;
        if is_enough {
            return Ok((decision, has_raised));
        }
    }
    Err(StepError::NotEnough { n_looks: MOST_LOOKS, last })
}

/// The observation to decide on.
pub(super) async fn look<G: ScalingGroup, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
) -> Result<ScaleOutObservation, PortError> {
    // The levels first: a level recorded before this read is seen here, and the step that records one later looks later. And a
    // launch is recorded on condition of this version, so it is never based on a group from before another launch.
    let mut levels = ports.ledger.levels().await?;
    for _ in 0..MOST_RACES {
        let group = ports.group.describe().await?;
        let members: Vec<_> = group.instances.iter().map(|it| it.id.clone()).collect();
        let instances = ports.ledger.instances(&members).await?;
        // The levels again, last: an absolute write based on outdated levels would undo another controller's raise.
        let after = ports.ledger.levels().await?;
        if after.version == levels.version {
            return Ok(ScaleOutObservation { now_us: ports.clock.now_us(), group, levels, instances });
        }
        levels = after;
    }
    Err(PortError::refused(format!("look at the group: its levels changed {MOST_RACES} times meanwhile")))
}

/// Carries out a decision.
pub(super) async fn act<G: ScalingGroup, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    seen: &ScaleOutObservation,
    decision: &ScaleOut,
    outcome: &mut Outcome,
) -> Result<(), PortError> {
    for id in &decision.undrain {
        if keep(ports, id).await? {
            outcome.undrained.push(id.clone());
        }
    }
    let levels = &seen.levels;
    let next = |n, launch| Levels { version: levels.version.saturating_add(n), launch, ..levels.clone() };
    match &decision.raise {
        Raise::Hold => {}
        Raise::SetDesired { to } => note(outcome, ports.group.set_desired(*to).await)?,
        Raise::Launch(launch) => {
            // Record the token first: if this step dies here, the next one retries the launch under the same token.
            if ports.ledger.put_levels(&next(1, Some(launch.clone()))).await? == Written::Yes {
                launch_noted(ports, launch, &next(2, None), outcome).await?;
            }
        }
        Raise::LaunchAgain(launch) => launch_noted(ports, launch, &next(1, None), outcome).await?,
        Raise::GiveUp(_) => {
            ports.ledger.put_levels(&next(1, None)).await?;
        }
    }
    Ok(())
}

/// Requests a recorded launch, then removes its record, unless the launch may still happen.
async fn launch_noted<G: ScalingGroup, L: Ledger, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    launch: &Launch,
    without: &Levels,
    outcome: &mut Outcome,
) -> Result<(), PortError> {
    let done = note(outcome, ports.group.launch(launch.n, &launch.token).await);
    // Remove the launch once the group has answered: the answer under this token is final, and a launch that stays in the
    // ledger makes every later step retry it and do nothing else.
    if !done.as_ref().is_err_and(PortError::may_be_done) {
        ports.ledger.put_levels(without).await?;
    }
    done
}

fn note(outcome: &mut Outcome, done: Result<(), PortError>) -> Result<(), PortError> {
    outcome.raised = Some(done.as_ref().copied().map_err(|error| chain(error)));
    done
}

pub(super) async fn keep<G, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    id: &InstanceId,
) -> Result<bool, PortError> {
    let Some(row) = usable(ports, id).await? else { return Ok(false) };
    let Some(next) = undrain(&row, ports.clock.now_us()) else { return Ok(false) };
    Ok(ports.ledger.put_instance(&next).await? == Written::Yes)
}

async fn record<G, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    policy: &Policy,
    event: &Activity,
) -> Result<Recorded, StepError> {
    for _ in 0..MOST_RACES {
        let before = ports.ledger.levels().await?;
        let mut levels = before.clone();
        let now_us = ports.clock.now_us();
        let silent_us = policy.forget_source_after_s.map_or(0, |after_s| now_us.saturating_sub(us(after_s)));
        let recorded = levels.record_among(event, silent_us);
        if levels == before {
            return Ok(recorded);
        }
        levels.version = levels.version.saturating_add(1);
        if ports.ledger.put_levels(&levels).await? == Written::Yes {
            return Ok(recorded);
        }
    }
    Err(StepError::Raced)
}

/// Claims the instances of runs that an event reports as started, protects them, and frees those of finished runs. What is not
/// taken of it goes to `ignored`: an event makes no row for an instance that the group does not have. What fails for one instance
/// does not keep the others' runs from being taken in; the first failure is returned then.
async fn take_in_runs<G: ScalingGroup, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    policy: &Policy,
    event: &Activity,
    ignored: &mut Vec<(RunOn, Ignored)>,
) -> Result<(), StepError> {
    let Activity { source, payload: Payload::Runs { started: begun, finished: ended, .. }, .. } = event
    else {
        return Ok(());
    };
    if begun.is_empty() && ended.is_empty() {
        return Ok(());
    }
    let group = ports.group.describe().await?;
    let mut failed = None;
    for (run, is_begun) in begun.iter().map(|run| (run, true)).chain(ended.iter().map(|run| (run, false))) {
        let is_listed = group.instance(&run.instance_id).is_some();
        let taken = match is_begun {
            true => take_in_started(ports, us(policy.event_lease_s), source, run, is_listed).await,
            false => take_in_finished(ports, source, run, is_listed).await,
        };
        match taken {
            Ok(why) => ignored.extend(why.map(|why| (run.clone(), why))),
            Err(error) => drop(failed.get_or_insert(error)),
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Why a run that has started, by its source's word, is not taken in; `None` when it is.
async fn take_in_started<G: ScalingGroup, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    lease_us: u64,
    source: &SourceId,
    RunOn { run_id, instance_id }: &RunOn,
    is_listed: bool,
) -> Result<Option<Ignored>, StepError> {
    if !is_listed {
        return Ok(Some(Ignored::NotOfGroup));
    }
    let why = change_or_tell(ports, instance_id, |row, now_us| {
        started(row, instance_id, (run_id, source), now_us, lease_us)
    })
    .await?;
    if why.is_none() {
        ports.group.protect(instance_id, true).await?;
    }
    Ok(why)
}

/// The same of a run that has finished.
async fn take_in_finished<G, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    source: &SourceId,
    RunOn { run_id, instance_id }: &RunOn,
    is_listed: bool,
) -> Result<Option<Ignored>, StepError> {
    change_or_tell(ports, instance_id, |row, now_us| match row {
        // The row of an instance that has just left still says that its run did not die with it.
        None if !is_listed => Err(Ignored::NotOfGroup),
        row => finished(row, instance_id, (run_id, source), now_us),
    })
    .await
}

/// Changes an instance's row, or tells why not. A row that cannot be used is its instance's own doing, and no later delivery of
/// the event would change that.
async fn change_or_tell<G, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    id: &InstanceId,
    next: impl Fn(Option<&InstanceRow>, u64) -> Result<InstanceRow, Ignored>,
) -> Result<Option<Ignored>, StepError> {
    let why = Cell::new(None);
    let changed = change(ports, id, |row, now_us| {
        let next = next(row, now_us);
        why.set(next.as_ref().err().copied());
        next.ok()
    });
    match changed.await {
        Ok(()) => Ok(why.get()),
        Err(StepError::Port(PortError::Permanent { .. })) => Ok(Some(Ignored::Unusable)),
        Err(error) => Err(error),
    }
}

/// Marks an instance gone that gave notice, if the ledger knows it: the next tick adds those that it does not.
async fn mark_gone_if_known<G, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    id: &InstanceId,
) -> Result<(), StepError> {
    match ports.ledger.instance(id).await? {
        Some(_) => mark_gone(ports, id).await,
        None => Ok(()),
    }
}
