//! What an event does: into the ledger first, then the group, then a look whether it was enough.

use crate::claims::{finished, started, undrain};
use crate::events::{Activity, RunOn, Told};
use crate::ids::InstanceId;
use crate::journal::{Decision, Line, Outcome};
use crate::launch::Launch;
use crate::levels::{Levels, Recorded};
use crate::policy::{Policy, us};
use crate::ports::{Clock, Journal, Ledger, Metrics, PortError, Ports, ScalingGroup, Series, Written, chain};
use crate::scale_out::{Raise, ScaleOut, ScaleOutSeen, plan_scale_out};
use crate::steps::rows::{MOST_RACES, StepError, change};
use crate::steps::runner::mark_gone;

/// Looks at the group that one event takes. A launch takes one for its note, one for itself, and one to see it done.
const MOST_LOOKS: u32 = 8;

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handled {
    /// What it was to the ledger.
    pub recorded: Recorded,
    /// The last decision.
    pub decision: ScaleOut,
    /// Whether the group was asked to be larger.
    pub has_raised: bool,
}

/// Takes in an event, and has the group be as large as all events together say.
///
/// # Errors
/// When the event is to be delivered again; what was done by then is not lost, and doing it again is harmless.
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
    let recorded = record(ports, event).await?;
    let taken_in = match &event.told {
        Told::Runs { started, finished, .. } => take_in_runs(ports, policy, started, finished).await,
        Told::Notice { instance_id, .. } => mark_gone(ports, instance_id).await,
        Told::Sessions(_) => Ok(()),
    };
    // Whatever hinders that must not hinder this.
    let (decision, has_raised) = have_enough(ports, policy).await?;
    taken_in?;
    // Of all sources together, and whether this was news or not: the delivery before may have failed just here.
    let level = match &event.told {
        Told::Sessions(_) => Some((Series::Sessions, f64::from(decision.demand.n_sessions))),
        Told::Runs { .. } => Some((Series::Runs, f64::from(decision.demand.n_runs))),
        Told::Notice { .. } => None,
    };
    let desired = f64::from(decision.target);
    let latency_us = ports.clock.now_us().saturating_sub(event.time_us);
    #[expect(clippy::cast_precision_loss, reason = "a latency of 2^52 microseconds is not met")]
    let latency_ms = latency_us as f64 / 1_000.0;
    let mut values = vec![
        (Series::WantedCapacity, f64::from(decision.demand.wanted())),
        (Series::OverMaximum, f64::from(decision.over_maximum)),
        (Series::UnderMinimum, f64::from(decision.under_minimum)),
        (Series::DesiredCapacity, desired),
        (Series::DecisionLatency, latency_ms),
    ];
    values.extend(level);
    ports.metrics.put(&values).await?;
    Ok(Handled { recorded, decision, has_raised })
}

/// Has the group be as large as the ledger says; the last decision, and whether the group was asked for anything.
///
/// # Errors
/// When a port fails, or it does not become so.
pub(super) async fn have_enough<G, L, M, J, C>(
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

/// What there is to decide on.
pub(super) async fn look<G: ScalingGroup, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
) -> Result<ScaleOutSeen, PortError> {
    // First: whoever records a level before this is seen, and whoever records one after this looks after it. And a launch is
    // noted on condition of this version, so that none is decided on a group as it was before somebody else's.
    let mut levels = ports.ledger.levels().await?;
    for _ in 0..MOST_RACES {
        let group = ports.group.describe().await?;
        let instances = ports.ledger.instances().await?;
        // And last: an absolute write by levels that others have left behind would take back what those did.
        let after = ports.ledger.levels().await?;
        if after.version == levels.version {
            return Ok(ScaleOutSeen { now_us: ports.clock.now_us(), group, levels, instances });
        }
        levels = after;
    }
    Err(PortError::refused(format!("look at the group: its levels changed {MOST_RACES} times meanwhile")))
}

/// Does what was decided.
pub(super) async fn act<G: ScalingGroup, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    seen: &ScaleOutSeen,
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
            // Its token first: whoever dies here leaves it to the next one, who asks again under the same.
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

/// Launches what the ledger has a note of, and strikes the note out, unless it may yet happen.
async fn launch_noted<G: ScalingGroup, L: Ledger, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    launch: &Launch,
    without: &Levels,
    outcome: &mut Outcome,
) -> Result<(), PortError> {
    let done = note(outcome, ports.group.launch(launch.n, &launch.token).await);
    // Once the group has answered, the token has done what it ever will: asking again under it only keeps others from
    // launching.
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
    let Some(row) = ports.ledger.instance(id).await? else { return Ok(false) };
    let Some(next) = undrain(&row, ports.clock.now_us()) else { return Ok(false) };
    Ok(ports.ledger.put_instance(&next).await? == Written::Yes)
}

async fn record<G, L: Ledger, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    event: &Activity,
) -> Result<Recorded, StepError> {
    for _ in 0..MOST_RACES {
        let before = ports.ledger.levels().await?;
        let mut levels = before.clone();
        let recorded = levels.record(event);
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

/// Marks the instances of runs that events tell of, and has the group spare them.
async fn take_in_runs<G: ScalingGroup, L: Ledger, M, J, C: Clock>(
    ports: &Ports<G, L, M, J, C>,
    policy: &Policy,
    begun: &[RunOn],
    ended: &[RunOn],
) -> Result<(), StepError> {
    let lease_us = us(policy.event_lease_s);
    for RunOn { run_id, instance_id } in begun {
        change(ports, instance_id, |row, now_us| started(row, instance_id, run_id, now_us, lease_us)).await?;
        ports.group.protect(instance_id, true).await?;
    }
    for RunOn { run_id, instance_id } in ended {
        change(ports, instance_id, |row, now_us| Some(finished(row, instance_id, run_id, now_us))).await?;
    }
    Ok(())
}
