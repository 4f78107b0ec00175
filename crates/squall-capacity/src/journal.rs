//! Decisions as lines of JSON: what was seen, what was decided and why, what came of it. A line holds all that its decision
//! depends on, so that it can be taken again.

use serde::{Deserialize, Serialize};

use crate::ids::InstanceId;
use crate::policy::Policy;
use crate::scale_in::{ScaleInSeen, Tick, plan_tick};
use crate::scale_out::{ScaleOut, ScaleOutSeen, plan_scale_out};

/// What came of what was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Outcome {
    /// Whether the group was asked for what the decision says, and said yes; `None` when it was asked for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised: Option<Result<(), String>>,
    /// Instances that take runs again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undrained: Vec<InstanceId>,
    /// Instances that a run claimed just before they would have been drained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claimed_first: Vec<InstanceId>,
    /// Instances that were terminated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terminated: Vec<InstanceId>,
    /// Instances that were not, and why; they take runs again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<(InstanceId, String)>,
}

/// A decision, and all that it depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "controller", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "one at a time, written and dropped")]
pub enum Decision {
    /// A round of scale-out.
    ScaleOut {
        /// What was seen.
        seen: ScaleOutSeen,
        /// What was decided.
        decision: ScaleOut,
    },
    /// A tick of scale-in.
    ScaleIn {
        /// What was seen.
        seen: ScaleInSeen,
        /// What was decided.
        decision: Tick,
    },
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The decision.
    #[serde(flatten)]
    pub decision: Decision,
    /// The policy that it was taken under.
    pub policy: Policy,
    /// What came of it.
    pub outcome: Outcome,
}

impl Line {
    /// As it is written.
    pub fn to_json(&self) -> String {
        // Nothing in it can fail to be written: no map has a key that is no text.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The line with its decision taken again from what was seen then.
    #[must_use]
    pub fn again(&self) -> Self {
        let decision = match &self.decision {
            Decision::ScaleOut { seen, .. } => {
                Decision::ScaleOut { seen: seen.clone(), decision: plan_scale_out(&self.policy, seen) }
            }
            Decision::ScaleIn { seen, .. } => {
                Decision::ScaleIn { seen: seen.clone(), decision: plan_tick(&self.policy, seen) }
            }
        };
        Self { decision, ..self.clone() }
    }
}

#[cfg(test)]
mod tests;
