//! Scale-out: it only ever makes the group larger.

use serde::{Deserialize, Serialize};

use crate::claims::InstanceRow;
use crate::demand::{Demand, demand};
use crate::group::{Group, Lifecycle};
use crate::ids::{InstanceId, SourceId};
use crate::launch::Launch;
use crate::levels::Levels;
use crate::policy::{Policy, RaiseBy, us};

/// Instances that one launch may ask for
/// (<https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchInstances.html>).
pub const MOST_PER_LAUNCH: u32 = 100;

/// How long a launch is retried under its token, microseconds. AWS does not document how long it remembers a token; a launch
/// that has not finished by then is given up, and the next decision starts from the group as it is.
pub const TOKEN_US: u64 = 300_000_000;

/// The input of a scale-out decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ScaleOutObservation {
    /// Now, microseconds since 1970.
    pub now_us: u64,
    /// The group.
    pub group: Group,
    /// The levels.
    pub levels: Levels,
    /// The instances' rows.
    pub instances: Vec<InstanceRow>,
}

/// How the group is made larger.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Raise {
    /// Not at all: it is as large as needed, or as allowed.
    Hold,
    /// By setting the desired capacity.
    SetDesired {
        /// The new desired capacity.
        to: u32,
    },
    /// By a new launch.
    Launch(Launch),
    /// By retrying an earlier launch that may not have happened.
    LaunchAgain(Launch),
    /// Not yet: an earlier launch is so old that AWS may have forgotten its token. It is removed first.
    GiveUp(Launch),
}

/// A scale-out decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ScaleOut {
    /// What the application needs.
    pub demand: Demand,
    /// The desired capacity to reach, within the bounds.
    pub target: u32,
    /// How many needed instances exceed the maximum.
    pub over_maximum: u32,
    /// How many instances the minimum requires beyond those needed.
    pub under_minimum: u32,
    /// Draining instances that are to take runs again.
    pub undrain: Vec<InstanceId>,
    /// The request to the group.
    pub raise: Raise,
    /// Sources that have been silent for too long and do not count.
    pub silent: Vec<SourceId>,
    /// The reason, for the operator.
    pub reason: String,
}

impl ScaleOut {
    /// Whether there is nothing to do: the group is as large as needed, or as allowed.
    pub fn is_enough(&self) -> bool {
        self.raise == Raise::Hold && self.undrain.is_empty()
    }
}

/// Decides how the group grows to what the ledger requires.
pub fn plan_scale_out(policy: &Policy, seen: &ScaleOutObservation) -> ScaleOut {
    let (levels, silent) = effective_levels(policy, &seen.levels, seen.now_us);
    let demand = demand(policy, &levels, seen.now_us);
    plan_enough(policy, seen, demand, silent)
}

/// The levels as they count now, without silent sources, and the names of those.
pub(crate) fn effective_levels(policy: &Policy, levels: &Levels, now_us: u64) -> (Levels, Vec<SourceId>) {
    let levels = levels.settled(now_us);
    match policy.forget_source_after_s {
        Some(after_s) => levels.without_silent(now_us.saturating_sub(us(after_s))),
        None => (levels, Vec::new()),
    }
}

/// Decides how the group reaches at least what `demand` requires.
pub(crate) fn plan_enough(
    policy: &Policy,
    seen: &ScaleOutObservation,
    demand: Demand,
    silent: Vec<SourceId>,
) -> ScaleOut {
    let ScaleOutObservation { now_us, group, levels, instances } = seen;
    let wanted = demand.wanted();
    let is_in_service =
        |row: &&InstanceRow| group.instance(&row.id).is_some_and(|it| it.lifecycle == Lifecycle::InService);
    let n_leaving = n_leaving(group, instances);
    let mut draining: Vec<&InstanceRow> =
        instances.iter().filter(|row| row.draining_since_us().is_some()).filter(is_in_service).collect();
    // The most recently drained is the least likely to be terminated already.
    draining.sort_by_key(|row| (std::cmp::Reverse(row.draining_since_us()), row.id.clone()));
    let n_draining = u32::try_from(draining.len()).unwrap_or(u32::MAX);
    let within = group.clamp(wanted);
    let lacking = within.saturating_sub(group.desired.saturating_sub(n_leaving));
    let n_undrained = lacking.min(n_draining);
    let undrain = draining[..n_undrained as usize].iter().map(|row| row.id.clone()).collect();
    // Terminating the others will lower the desired capacity by as many. And a desired capacity below the live count, the
    // result of a stale write, kills the first instance that loses its protection: raise it back.
    let for_demand = within.saturating_add(n_leaving.saturating_sub(n_undrained));
    let target = group.clamp(for_demand.max(group.n_live()).max(group.desired));
    let raise = raise(policy, levels, group, target, *now_us);
    let n_left = n_leaving.saturating_sub(n_undrained);
    let reason = reason(&demand, group, target, (n_undrained, n_left), &silent, &raise);
    ScaleOut {
        demand,
        target,
        over_maximum: wanted.saturating_sub(group.max),
        under_minimum: group.min.saturating_sub(wanted),
        undrain,
        raise,
        silent,
        reason,
    }
}

/// Number of instances that count towards the desired capacity and take no more runs.
pub(crate) fn n_leaving(group: &Group, instances: &[InstanceRow]) -> u32 {
    let leaving = instances.iter().filter(|row| row.leaving_since_us().is_some());
    let leaving = leaving.filter(|row| group.live().any(|it| it.id == row.id));
    u32::try_from(leaving.count()).unwrap_or(u32::MAX)
}

fn raise(policy: &Policy, levels: &Levels, group: &Group, target: u32, now_us: u64) -> Raise {
    if let Some(launch) = &levels.launch {
        let is_old = now_us.saturating_sub(launch.asked_us) >= TOKEN_US;
        return if is_old { Raise::GiveUp(launch.clone()) } else { Raise::LaunchAgain(launch.clone()) };
    }
    if target <= group.desired {
        return Raise::Hold;
    }
    match policy.raise_by {
        RaiseBy::SetDesired => Raise::SetDesired { to: target },
        RaiseBy::LaunchInstances => Raise::Launch(Launch {
            token: token(&group.name, levels.version, now_us),
            n: (target - group.desired).min(MOST_PER_LAUNCH),
            asked_us: now_us,
        }),
    }
}

/// A token unique to a launch: at most 64 characters of `[A-Za-z0-9-_/]`. It includes the time because a recreated ledger
/// restarts its versions.
fn token(group: &str, version: u64, now_us: u64) -> String {
    // FNV-1a, <https://www.rfc-editor.org/rfc/rfc9923>.
    let hash = group.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}-{version}-{now_us}")
}

fn reason(
    demand: &Demand,
    group: &Group,
    target: u32,
    (n_undrained, n_left): (u32, u32),
    silent: &[SourceId],
    raise: &Raise,
) -> String {
    let Demand { n_sessions, n_runs, for_runs, standby, is_decayed } = demand;
    let idle = if *is_decayed { "idle " } else { "" };
    let one = |n: u32, one: &'static str, many: &'static str| if n == 1 { one } else { many };
    let (runs, sessions) = (one(*n_runs, "run", "runs"), one(*n_sessions, "session", "sessions"));
    let (needs, need) = (one(*n_runs, "needs", "need"), one(*n_sessions, "needs", "need"));
    let need = format!("{n_runs} {runs} {needs} {for_runs}, {n_sessions} {idle}{sessions} {need} {standby}");
    let Group { min, max, desired, .. } = group;
    let wanted = demand.wanted();
    let bound = if wanted > *max {
        format!("; the maximum is {max}")
    } else if wanted < *min {
        format!("; the minimum is {min}")
    } else {
        String::new()
    };
    let spared = match n_undrained {
        0 => String::new(),
        n => format!("; keeping {n} that were draining"),
    };
    let left = match n_left {
        0 => String::new(),
        n => format!("; {n} leaving"),
    };
    let n_live = group.n_live();
    let live = if n_live > *desired { format!("; {n_live} live") } else { String::new() };
    let unheard = match silent {
        [] => String::new(),
        silent => {
            let names: Vec<_> = silent.iter().map(SourceId::as_str).collect();
            format!("; ignoring silent sources: {}", names.join(", "))
        }
    };
    let done = match raise {
        Raise::Hold if wanted > *max => format!("desired is {desired}: no room to grow"),
        Raise::Hold => format!("desired is {desired}: enough"),
        Raise::SetDesired { to } => format!("desired goes from {desired} to {to}"),
        Raise::Launch(launch) => {
            let to = desired.saturating_add(launch.n);
            let more = if to < target { format!(", on the way to {target}") } else { String::new() };
            format!("launching {}, desired goes from {desired} to {to}{more}", launch.n)
        }
        Raise::LaunchAgain(launch) => {
            format!("retrying launch {} of {}", launch.token, launch.n)
        }
        Raise::GiveUp(launch) => {
            format!("giving up launch {} of {}: too old to retry", launch.token, launch.n)
        }
    };
    format!("{need}{unheard}{bound}{spared}{left}{live}; {done}")
}

#[cfg(test)]
mod tests;
