//! From sessions and runs to instances.

use serde::{Deserialize, Serialize};

use crate::levels::Levels;
use crate::policy::{Policy, us};

/// What the application needs, in instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Demand {
    /// Active sessions.
    pub n_sessions: u32,
    /// Queued and running runs.
    pub n_runs: u32,
    /// Instances for the runs, headroom included.
    pub for_runs: u32,
    /// Instances that stand by for the sessions.
    pub standby: u32,
    /// Whether the sessions have run nothing for so long that fewer stand by for them.
    pub is_decayed: bool,
}

impl Demand {
    /// As many instances as either needs: a session's instance is there for its runs.
    pub fn wanted(&self) -> u32 {
        self.for_runs.max(self.standby)
    }
}

/// What the application needs, as far as the ledger knows.
pub fn demand(policy: &Policy, levels: &Levels, now_us: u64) -> Demand {
    demand_of(policy, levels, levels.n_sessions(), levels.n_runs(), now_us)
}

/// What so many sessions and runs need.
pub fn demand_of(policy: &Policy, levels: &Levels, n_sessions: u32, n_runs: u32, now_us: u64) -> Demand {
    let headroom = if n_runs == 0 { 0 } else { policy.headroom };
    let for_runs = n_runs.div_ceil(policy.runs_per_instance.get()).saturating_add(headroom);
    let used_us = levels.session_came_us.max(levels.run_seen_us);
    let is_decayed = n_sessions > 0
        && n_runs == 0
        // Whoever knows of no use does not know that there was none.
        && used_us > 0
        && policy.standby.decay_s.is_some_and(|decay_s| now_us.saturating_sub(used_us) >= us(decay_s));
    let curve = policy.standby.instances(n_sessions);
    let floor = if n_sessions == 0 { 0 } else { policy.standby.floor };
    let standby = if is_decayed { floor } else { curve.max(floor) };
    Demand { n_sessions, n_runs, for_runs, standby, is_decayed }
}

#[cfg(test)]
mod tests;
