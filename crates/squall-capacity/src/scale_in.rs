//! Scale-in: shrinks the group when every source of evidence agrees. A level counts as last reported; one that was never
//! reported holds everything.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::claims::{InstanceRow, State};
use crate::demand::{Demand, demand_of};
use crate::group::{Group, Instance, Lifecycle};
use crate::ids::{InstanceId, SourceId};
use crate::levels::Levels;
use crate::policy::{Policy, ScaleIn, us};
use crate::scale_out::{ScaleOut, ScaleOutObservation, effective_levels, n_leaving, plan_enough};

/// How long an instance drains before a later tick may terminate it, microseconds: longer than a tick can take, so that no
/// two ticks terminate the same instance.
pub const DRAIN_GRACE_US: u64 = 120_000_000;

/// How long after it was said to go an instance that is still in service takes runs again, microseconds: longer than EC2 takes
/// to reclaim one (two minutes), so whoever said so was wrong.
pub const TOLD_US: u64 = 300_000_000;

/// The input of a scale-in decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ScaleInObservation {
    /// The group, the levels and the instances' rows.
    pub now: ScaleOutObservation,
    /// The most sessions over the window, by the metric; `None` when it has no data.
    pub most_sessions: Option<u32>,
    /// The most runs over the window, by the metric; `None` when it has no data.
    pub most_runs: Option<u32>,
}

/// Why the tick drains nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// No source has reported a run level yet.
    RunsUnknown,
    /// The policy has standby for sessions, and no source has reported a session level yet.
    SessionsUnknown,
    /// All instances are needed, or the group is at its minimum.
    Needed,
    /// There are spare instances, but none has been idle for long enough.
    NoneIdle,
    /// There was a run within the window, or an instance is claimed.
    NotQuiet,
    /// More runs are running than have claimed an instance: any instance may be busy.
    Unclaimed,
    /// A source with sessions or runs has no room in the ledger: any instance may be busy with its runs.
    LeftOut,
    /// The group is changing, or in its cooldown.
    Cooling,
    /// Fewer instances are desired than live: any that loses its protection would be killed.
    DesiredBelowLive,
}

/// The decision of a tick of the timer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tick {
    /// The scale-out part: raises the group if an event was lost.
    #[serde(rename = "enough")]
    pub scale_out: ScaleOut,
    /// New instances, taken to be idle from now on.
    pub adopt: Vec<InstanceId>,
    /// Instances that are leaving or have left without having been drained: no run may claim them any more.
    pub lost: Vec<InstanceId>,
    /// Instances that left some time ago, whose rows are removed.
    pub forget: Vec<InstanceId>,
    /// Of those, instances that left with a run whose end was never reported.
    pub killed: Vec<InstanceId>,
    /// Idle instances to drain, then terminate.
    pub drain: Vec<InstanceId>,
    /// Whether all of them must drain for any to be terminated.
    pub all_or_none: bool,
    /// Instances that an earlier, interrupted tick drained and did not terminate.
    pub terminate: Vec<InstanceId>,
    /// Instances in service that take runs again: such that the group can neither lose nor replace within its bounds, or that
    /// may have an unclaimed run; and those that were only said to go, and did not.
    #[serde(default)]
    pub reopen: Vec<InstanceId>,
    /// Why nothing is drained.
    pub hold: Option<Hold>,
    /// The reason, for the operator.
    pub reason: String,
}

/// Decides what a tick does.
pub fn plan_tick(policy: &Policy, seen: &ScaleInObservation) -> Tick {
    let ScaleInObservation { now, most_sessions, most_runs } = seen;
    let ScaleOutObservation { now_us, group, instances, .. } = now;
    let (levels, silent) = effective_levels(policy, &now.levels, *now_us);
    let known = |is_reported: bool, metric: Option<u32>| is_reported || metric.is_some();
    let uses_sessions = !policy.standby.steps.is_empty() || policy.standby.floor > 0;
    // The metric may lag, and the ledger has only the current level: the larger one counts.
    let n_sessions = levels.n_sessions().max(most_sessions.unwrap_or(0));
    let n_runs = levels.n_runs().max(most_runs.unwrap_or(0));
    // Growing depends on current demand; shrinking on the maximum over the window.
    let demand_now = demand_of(policy, &levels, levels.n_sessions(), levels.n_runs(), *now_us);
    let demand_then = demand_of(policy, &levels, n_sessions, n_runs, *now_us);
    let scale_out = plan_enough(policy, now, demand_now, silent);

    let rows: BTreeSet<&InstanceId> = instances.iter().map(|row| &row.id).collect();
    let adopt: Vec<_> =
        in_service(group).filter(|it| !rows.contains(&it.id)).map(|it| it.id.clone()).collect();
    let lost: Vec<&InstanceRow> = instances.iter().filter(|row| is_lost(group, row, *now_us)).collect();
    let lost = lost.iter().map(|row| row.id.clone()).collect();
    let forgotten = instances.iter().filter(|row| group.instance(&row.id).is_none());
    let forgotten = forgotten.filter(|row| matches!(row.state, State::Gone { .. }) && is_old(row, *now_us));
    let forgotten: Vec<&InstanceRow> = forgotten.collect();
    let forget = forgotten.iter().map(|row| row.id.clone()).collect();
    let killed = forgotten.iter().filter(|row| row.has_unended_run()).map(|row| row.id.clone()).collect();

    // An instance with an unclaimed run looks idle, a drained one too.
    let is_unclaimed = has_unclaimed_run(policy, now, &levels);
    let is_left_out = is_left_out(policy, &levels, *now_us);
    let may_be_busy = is_unclaimed || is_left_out;
    let (stranded, reopen) = stranded(group, instances, &scale_out.undrain, may_be_busy, *now_us);
    let (drain, hold) = if !known(!now.levels.runs.is_empty(), *most_runs) {
        (Vec::new(), Some(Hold::RunsUnknown))
    } else if uses_sessions && !known(!now.levels.sessions.is_empty(), *most_sessions) {
        (Vec::new(), Some(Hold::SessionsUnknown))
    } else if group.desired < group.n_live() {
        (Vec::new(), Some(Hold::DesiredBelowLive))
    } else if is_left_out {
        (Vec::new(), Some(Hold::LeftOut))
    } else {
        victims(policy, now, is_unclaimed, &demand_then)
    };
    let terminate = if hold == Some(Hold::DesiredBelowLive) { Vec::new() } else { stranded };
    let n_serving = n_serving(group, instances);
    let reason = reason(&demand_then, group, n_serving, &drain, &terminate, &reopen, hold);
    let all_or_none = matches!(policy.scale_in, ScaleIn::AllIdle {});
    Tick { scale_out, adopt, lost, killed, forget, drain, all_or_none, terminate, reopen, hold, reason }
}

fn in_service(group: &Group) -> impl Iterator<Item = &Instance> {
    group.instances.iter().filter(|it| it.lifecycle == Lifecycle::InService)
}

/// Whether an instance is leaving or has left without having been drained. One that is claimed but not listed may be too new
/// to be listed yet, so it counts as lost only once its lease has expired.
fn is_lost(group: &Group, row: &InstanceRow, now_us: u64) -> bool {
    match (row.state, group.instance(&row.id)) {
        (State::Gone { .. }, _) => false,
        (_, Some(instance)) => instance.lifecycle == Lifecycle::Leaving,
        (_, None) => !row.is_claimed(now_us),
    }
}

/// Whether the tick that drained or terminated the instance must have ended by now.
fn is_old(row: &InstanceRow, now_us: u64) -> bool {
    row.leaving_since_us().is_some_and(|since_us| now_us.saturating_sub(since_us) >= DRAIN_GRACE_US)
}

/// Whether the instance was only said to go, by whomever, so long ago that it would have gone.
fn is_disproved(row: &InstanceRow, now_us: u64) -> bool {
    row.told_since_us().is_some_and(|since_us| now_us.saturating_sub(since_us) >= TOLD_US)
}

/// Instances that should have left long ago, are still in service and are not undrained: those that the group may lose, and
/// those that take runs again. Only what a tick drained is lost, and only if it cannot have an unclaimed run.
fn stranded(
    group: &Group,
    instances: &[InstanceRow],
    undrain: &[InstanceId],
    may_be_busy: bool,
    now_us: u64,
) -> (Vec<InstanceId>, Vec<InstanceId>) {
    let serves = |id: &InstanceId| group.instance(id).is_some_and(|it| it.lifecycle == Lifecycle::InService);
    let told = instances.iter().filter(|row| is_disproved(row, now_us) && serves(&row.id));
    let told = told.map(|row| row.id.clone());
    let old = instances.iter().filter(|row| is_old(row, now_us) && row.told_since_us().is_none());
    let ids = old.filter(|row| !row.is_claimed(now_us)).map(|row| &row.id);
    let mut lost: Vec<_> = ids.filter(|id| !undrain.contains(id) && serves(id)).cloned().collect();
    if may_be_busy {
        lost.extend(told);
        return (Vec::new(), lost);
    }
    let spare = group.desired.saturating_sub(group.min) as usize;
    let mut kept = lost.split_off(spare.min(lost.len()));
    // With room to grow, what cannot leave is replaced, and leaves then.
    if group.desired < group.max {
        kept.clear();
    }
    kept.extend(told);
    (lost, kept)
}

/// Number of instances in service that are not leaving.
fn n_serving(group: &Group, instances: &[InstanceRow]) -> u32 {
    let leaving = instances.iter().filter(|row| row.leaving_since_us().is_some());
    let leaving: BTreeSet<_> = leaving.map(|row| &row.id).collect();
    u32::try_from(in_service(group).filter(|it| !leaving.contains(&it.id)).count()).unwrap_or(u32::MAX)
}

/// Whether more runs are running, by the sources' levels, than have claimed an instance.
fn has_unclaimed_run(policy: &Policy, now: &ScaleOutObservation, levels: &Levels) -> bool {
    n_claims(policy, now, levels) < levels.n_running()
}

/// Number of runs that hold a claim on an instance of the group, as far as they stand for a run that the levels contain: an
/// instance has no more than it takes, and a source that reports runs one by one has no more of them than run. Whoever invents a
/// claim must not hide somebody else's run.
fn n_claims(policy: &Policy, now: &ScaleOutObservation, levels: &Levels) -> u32 {
    let mut n_claims = 0_u32;
    let mut left: BTreeMap<&SourceId, u32> = BTreeMap::new();
    for row in now.instances.iter().filter(|row| now.group.instance(&row.id).is_some()) {
        let (own, told): (Vec<_>, Vec<_>) =
            row.live_runs(now.now_us).map(|run| row.told_by(run)).partition(Option::is_none);
        let n_own = u32::try_from(own.len()).unwrap_or(u32::MAX).min(policy.runs_per_instance.get());
        let mut n_free = policy.runs_per_instance.get().saturating_sub(n_own);
        n_claims = n_claims.saturating_add(n_own);
        for source in told.into_iter().flatten() {
            let left = left.entry(source).or_insert_with(|| levels.n_running_of(source));
            if n_free > 0 && *left > 0 {
                (n_free, *left) = (n_free - 1, *left - 1);
                n_claims = n_claims.saturating_add(1);
            }
        }
    }
    n_claims
}

/// Whether a source for which there is no room may have a run: for as long as a run may take that only events report, or a source
/// counts that is silent.
fn is_left_out(policy: &Policy, levels: &Levels, now_us: u64) -> bool {
    let counts_us = us(policy.forget_source_after_s.unwrap_or(policy.event_lease_s));
    levels.left_out_us > 0 && now_us.saturating_sub(levels.left_out_us) < counts_us
}

fn victims(
    policy: &Policy,
    now: &ScaleOutObservation,
    is_unclaimed: bool,
    demand: &Demand,
) -> (Vec<InstanceId>, Option<Hold>) {
    let ScaleOutObservation { now_us, group, instances, .. } = now;
    let n_required = group.clamp(demand.wanted());
    // A desired instance that is not in service yet may never arrive: it does not free one that is.
    let n_there = n_serving(group, instances).min(group.desired.saturating_sub(n_leaving(group, instances)));
    let n_spare = n_there.saturating_sub(n_required);
    if n_spare == 0 {
        return (Vec::new(), Some(Hold::Needed));
    }
    let serves = |id: &InstanceId| group.instance(id).is_some_and(|it| it.lifecycle == Lifecycle::InService);
    let mut idle: Vec<(u64, &InstanceId)> = instances
        .iter()
        .filter(|row| serves(&row.id))
        .filter_map(|row| Some((row.idle_since_us(*now_us)?, &row.id)))
        .collect();
    idle.sort();
    let (idle_us, most) = match policy.scale_in {
        ScaleIn::AllIdle {} => {
            // The metric has only levels reported within the window, not the one in force when it began; and it may lag.
            let seen_us = now.levels.run_seen_us;
            let ran = seen_us > 0 && now_us.saturating_sub(seen_us) < us(policy.window_s);
            // Also a claim of an instance that the group does not list yet.
            let is_claimed = instances.iter().any(|row| row.is_claimed(*now_us));
            if ran || demand.n_runs > 0 || is_claimed {
                return (Vec::new(), Some(Hold::NotQuiet));
            }
            if group.cooling_until_us > *now_us {
                return (Vec::new(), Some(Hold::Cooling));
            }
            (0, n_spare)
        }
        // An instance with an unclaimed run looks idle.
        ScaleIn::ByInstance { .. } if is_unclaimed => return (Vec::new(), Some(Hold::Unclaimed)),
        ScaleIn::ByInstance { idle_s, most_per_tick } => (us(idle_s), n_spare.min(most_per_tick)),
    };
    let long_idle = idle.into_iter().filter(|(since_us, _)| now_us.saturating_sub(*since_us) >= idle_us);
    let drain: Vec<_> = long_idle.take(most as usize).map(|(_, id)| id.clone()).collect();
    let hold = drain.is_empty().then_some(Hold::NoneIdle);
    (drain, hold)
}

fn reason(
    demand: &Demand,
    group: &Group,
    n_serving: u32,
    drain: &[InstanceId],
    terminate: &[InstanceId],
    reopen: &[InstanceId],
    hold: Option<Hold>,
) -> String {
    let Group { min, max, desired, .. } = group;
    let wanted = demand.wanted();
    let Demand { n_runs, n_sessions, .. } = demand;
    let mut text = match hold {
        None => {
            let ids: Vec<_> = drain.iter().map(InstanceId::as_str).collect();
            format!(
                "at most {n_runs} runs and {n_sessions} sessions in the window need {wanted} of {desired}: draining {}: {}",
                drain.len(),
                ids.join(", ")
            )
        }
        Some(Hold::RunsUnknown) => "no run level reported yet: holding".to_owned(),
        Some(Hold::SessionsUnknown) => "no session level reported yet: holding".to_owned(),
        Some(Hold::Needed) => format!(
            "at most {n_runs} runs and {n_sessions} sessions in the window need {wanted}, the bounds are {min} to {max}; \
             {n_serving} of {desired} desired take runs: none to spare"
        ),
        Some(Hold::NoneIdle) => {
            format!("{wanted} of {desired} are needed, but none has been idle for long enough")
        }
        Some(Hold::NotQuiet) => {
            format!("{wanted} of {desired} are needed, but a run was active within the window: all or none")
        }
        Some(Hold::Unclaimed) => format!(
            "{wanted} of {desired} are needed, but more runs are running than have claimed an instance: any may be busy"
        ),
        Some(Hold::LeftOut) => format!(
            "{wanted} of {desired} are needed by the sources that are known, but there is no room for another one: any may be busy"
        ),
        Some(Hold::Cooling) => {
            format!("{wanted} of {desired} are needed, but the group is changing or cooling down")
        }
        Some(Hold::DesiredBelowLive) => {
            let n_live = group.n_live();
            format!("{desired} are desired and {n_live} live: holding until the desired capacity is raised")
        }
    };
    for (ids, what) in
        [(terminate, "drained earlier and still there"), (reopen, "still in service, taking runs again")]
    {
        if !ids.is_empty() {
            let ids: Vec<_> = ids.iter().map(InstanceId::as_str).collect();
            text.push_str(&format!("; {what}: {}", ids.join(", ")));
        }
    }
    text
}

#[cfg(test)]
mod tests;
