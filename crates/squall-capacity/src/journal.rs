//! Decisions as lines of JSON: observation, decision with its reason, outcome. A line holds everything that its decision
//! depends on, so that it can be replayed.

use serde::{Deserialize, Serialize};

use crate::ids::InstanceId;
use crate::policy::Policy;
use crate::scale_in::{ScaleInObservation, Tick, plan_tick};
use crate::scale_out::{ScaleOut, ScaleOutObservation, plan_scale_out};

/// The outcome of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Outcome {
    /// The result of the request to the group; `None` when there was no request.
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
    /// Instances that the group refused to terminate, and why; they take runs again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<(InstanceId, String)>,
}

/// A decision, and the observation that it depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "controller", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "one at a time, written and dropped")]
pub enum Decision {
    /// A round of scale-out.
    ScaleOut {
        /// The observation.
        seen: ScaleOutObservation,
        /// The decision.
        decision: ScaleOut,
    },
    /// A tick of scale-in.
    ScaleIn {
        /// The observation.
        seen: ScaleInObservation,
        /// The decision.
        decision: Tick,
    },
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The decision.
    #[serde(flatten)]
    pub decision: Decision,
    /// The policy in force.
    pub policy: Policy,
    /// The outcome.
    pub outcome: Outcome,
}

impl Line {
    /// The line as written.
    pub fn to_json(&self) -> String {
        // Serialization cannot fail: every map key is a string.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The line with its decision replayed from the observation.
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
