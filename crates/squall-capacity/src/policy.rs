//! The operator's settings.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::json;

/// How a group follows its application. The functions and `squall capacity` read it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Runs that one instance takes at a time.
    pub runs_per_instance: NonZeroU32,
    /// Instances beyond those that the runs need, while there are runs.
    #[serde(default)]
    pub headroom: u32,
    /// Instances that stand by for sessions.
    #[serde(default)]
    pub standby: Standby,
    /// How the group shrinks.
    pub scale_in: ScaleIn,
    /// How far back scale-in looks at the metrics, seconds.
    #[serde(default = "window_s")]
    pub window_s: u32,
    /// How the group grows.
    #[serde(default)]
    pub raise_by: RaiseBy,
    /// How long a claim lasts without renewal, seconds.
    #[serde(default = "lease_s")]
    pub lease_s: u32,
    /// How long a run that an event reported as started keeps its instance if no event reports its end, seconds.
    #[serde(default = "event_lease_s")]
    pub event_lease_s: u32,
    /// How long a source may be silent before it stops counting, seconds; forever if unset.
    #[serde(default)]
    pub forget_source_after_s: Option<u32>,
}

fn window_s() -> u32 {
    600
}

fn lease_s() -> u32 {
    900
}

fn event_lease_s() -> u32 {
    7 * 86_400
}

/// Standby instances by number of sessions: a session is not a run yet, but may start one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standby {
    /// The curve, with sessions ascending.
    pub steps: Vec<Step>,
    /// How long sessions may run nothing before only `floor` instances stand by for them, seconds; indefinitely if unset.
    #[serde(default)]
    pub decay_s: Option<u32>,
    /// Instances that stand by while there is any session.
    #[serde(default)]
    pub floor: u32,
}

/// One step of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The smallest number of sessions at which this step applies.
    pub sessions: u32,
    /// The number of standby instances.
    pub instances: u32,
}

/// How the group shrinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScaleIn {
    /// To what the sessions need, once there has been no run for the whole window and the group's cooldown is over.
    AllIdle {},
    /// Idle instances one by one, while others work.
    ByInstance {
        /// How long an instance must be idle before it is removed, seconds.
        idle_s: u32,
        /// Most instances that one tick drains.
        #[serde(default = "most_per_tick")]
        most_per_tick: u32,
    },
}

fn most_per_tick() -> u32 {
    20
}

/// How the group grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RaiseBy {
    /// By setting the desired capacity, an absolute number. Works with every group. An overtaken write may lower it for a
    /// moment, until its writer, or the timer, looks again.
    #[default]
    SetDesired,
    /// By launching more instances under a token: no write can lower the desired capacity, and no launch happens twice. For
    /// groups with a launch template in one Availability Zone.
    LaunchInstances,
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(String);

/// Longest time span, seconds: adding it to a timestamp cannot overflow.
const MOST_S: u32 = 365 * 86_400;

impl Policy {
    /// Parses and validates a policy.
    ///
    /// # Errors
    /// The field, its value, and what was expected.
    pub fn from_json(text: &str) -> Result<Self, Unfit> {
        let policy: Self = json::read(text).map_err(Unfit)?;
        policy.check()?;
        Ok(policy)
    }

    fn check(&self) -> Result<(), Unfit> {
        let Self { standby, scale_in, window_s, lease_s, event_lease_s, forget_source_after_s, .. } = self;
        for pair in standby.steps.windows(2) {
            if pair[0].sessions >= pair[1].sessions || pair[0].instances > pair[1].instances {
                let text = "standby.steps: expected sessions and instances to ascend from step to step, such as \
                            [{\"sessions\": 1, \"instances\": 1}, {\"sessions\": 20, \"instances\": 3}]";
                return Err(Unfit(text.to_owned()));
            }
        }
        if standby.steps.first().is_some_and(|step| step.sessions == 0) {
            let text = "standby.steps: the first step is at 0 sessions, expected at least 1; to keep instances without sessions, set the group's minimum";
            return Err(Unfit(text.to_owned()));
        }
        if standby.steps.first().is_some_and(|step| standby.floor > step.instances) {
            return Err(Unfit(format!(
                "standby.floor: {}, expected at most the first step's instances",
                standby.floor
            )));
        }
        let idle_s = match scale_in {
            ScaleIn::AllIdle {} => 0,
            ScaleIn::ByInstance { most_per_tick: 0, .. } => {
                return Err(Unfit(
                    "scale_in.most_per_tick: 0, expected at least 1, or the group never shrinks".to_owned(),
                ));
            }
            ScaleIn::ByInstance { idle_s, .. } => *idle_s,
        };
        let spans = [
            ("window_s", *window_s, 60),
            ("lease_s", *lease_s, 60),
            ("event_lease_s", *event_lease_s, 60),
            ("scale_in.idle_s", idle_s, 0),
            ("standby.decay_s", standby.decay_s.unwrap_or(0), 0),
            ("forget_source_after_s", forget_source_after_s.unwrap_or(*window_s), *window_s),
        ];
        for (field, value, least) in spans {
            if !(least..=MOST_S).contains(&value) {
                return Err(Unfit(format!("{field}: {value}, expected {least} to {MOST_S} seconds")));
            }
        }
        Ok(())
    }
}

impl Standby {
    /// Number of instances that stand by for `n_sessions` sessions.
    pub fn instances(&self, n_sessions: u32) -> u32 {
        self.steps.iter().rev().find(|step| n_sessions >= step.sessions).map_or(0, |step| step.instances)
    }
}

/// Seconds as microseconds.
pub fn us(seconds: u32) -> u64 {
    u64::from(seconds) * 1_000_000
}

#[cfg(test)]
mod tests;
