//! The platform's state: the queued runs, and the activity of each instance.

use std::collections::{BTreeMap, BTreeSet};

use squall_capacity::events::Runs;
use squall_capacity::ids::InstanceId;

/// Index of a run in the trace.
pub(super) type RunIdx = usize;

/// The activity of an instance, as the platform knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// Nothing.
    Idle {
        /// Start of its idle time, microseconds.
        since_us: u64,
    },
    /// A run is asking whether it may start, or is being released.
    Asked,
    /// It executes a run.
    Runs {
        /// The run.
        run: RunIdx,
        /// Start of the run, microseconds.
        since_us: u64,
    },
    /// It takes no run.
    Refuses,
}

/// The queue, the instances, and the outcomes of the runs.
#[derive(Debug)]
pub(super) struct Platform {
    pub(super) queued: BTreeSet<RunIdx>,
    pub(super) instances: BTreeMap<InstanceId, Doing>,
    pub(super) queued_since_us: Vec<u64>,
    pub(super) waited_us: Vec<u64>,
    pub(super) is_done: Vec<bool>,
    pub(super) n_submitted: usize,
    pub(super) n_running: u32,
    pub(super) n_done: usize,
    pub(super) n_events: u64,
}

impl Platform {
    pub(super) fn new(n_runs: usize) -> Self {
        Self {
            queued: BTreeSet::new(),
            instances: BTreeMap::new(),
            queued_since_us: vec![0; n_runs],
            waited_us: vec![0; n_runs],
            is_done: vec![false; n_runs],
            n_submitted: 0,
            n_running: 0,
            n_done: 0,
            n_events: 0,
        }
    }

    /// Queued and running runs; one that is asking for its instance still counts as queued.
    pub(super) fn level(&self) -> Runs {
        let n_open = u32::try_from(self.n_submitted - self.n_done).unwrap_or(u32::MAX);
        Runs { queued: n_open - self.n_running, running: self.n_running }
    }

    /// The activity of an instance; `None` if it is not in service.
    pub(super) fn doing(&self, id: &InstanceId) -> Option<Doing> {
        self.instances.get(id).copied()
    }

    pub(super) fn is_done(&self) -> bool {
        self.n_done == self.is_done.len()
    }

    /// The queueing time of each finished run, and the number of unfinished ones.
    pub(super) fn waits_us(&self) -> (Vec<u64>, u32) {
        let ended = self.waited_us.iter().zip(&self.is_done).filter(|(_, is_done)| **is_done);
        let n_unfinished = self.is_done.len() - self.n_done;
        (ended.map(|(waited_us, _)| *waited_us).collect(), u32::try_from(n_unfinished).unwrap_or(u32::MAX))
    }

    /// Sets an instance's activity; false if the instance is no longer alive.
    pub(super) fn set_doing(&mut self, id: &InstanceId, doing: Doing) -> bool {
        let known = self.instances.get_mut(id);
        known.map(|it| *it = doing).is_some()
    }

    pub(super) fn enqueue(&mut self, run: RunIdx, now_us: u64) {
        self.queued.insert(run);
        self.queued_since_us[run] = now_us;
    }
}
