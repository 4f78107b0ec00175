//! Demand: the number of instances that sessions and runs need.

use serde::{Deserialize, Serialize};

use crate::levels::Levels;
use crate::policy::{Policy, us};

/// The application's demand, in instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Demand {
    /// Active sessions.
    pub n_sessions: u32,
    /// Queued and running runs.
    pub n_runs: u32,
    /// Instances for the runs, headroom included.
    pub for_runs: u32,
    /// Standby instances for the sessions.
    pub standby: u32,
    /// Whether the sessions have been idle for so long that only the floor stands by for them.
    pub is_decayed: bool,
}

impl Demand {
    /// Instances needed: the larger of the two, since a session's standby instance serves its runs.
    pub fn wanted(&self) -> u32 {
        self.for_runs.max(self.standby)
    }
}

/// Demand by the ledger's levels.
pub fn demand(policy: &Policy, levels: &Levels, now_us: u64) -> Demand {
    demand_of(policy, levels, levels.n_sessions(), levels.n_runs(), now_us)
}

/// Demand of the given numbers of sessions and runs.
pub fn demand_of(policy: &Policy, levels: &Levels, n_sessions: u32, n_runs: u32, now_us: u64) -> Demand {
    let headroom = if n_runs == 0 { 0 } else { policy.headroom };
    let for_runs = n_runs.div_ceil(policy.runs_per_instance.get()).saturating_add(headroom);
    let used_us = levels.session_came_us.max(levels.run_seen_us);
    let is_decayed = n_sessions > 0
        && n_runs == 0
        // 0 means that no use was ever recorded, not that there was none.
        && used_us > 0
        && policy.standby.decay_s.is_some_and(|decay_s| now_us.saturating_sub(used_us) >= us(decay_s));
    let curve = policy.standby.instances(n_sessions);
    let floor = if n_sessions == 0 { 0 } else { policy.standby.floor };
    let standby = if is_decayed { floor } else { curve.max(floor) };
    Demand { n_sessions, n_runs, for_runs, standby, is_decayed }
}

#[cfg(test)]
mod tests;
