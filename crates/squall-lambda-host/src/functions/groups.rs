//! The process groups of a host's environments, to be ended from any thread.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

/// The process groups of a host's environments: each is an environment with whatever it has started.
#[derive(Debug, Clone, Default)]
pub struct Groups(Arc<Mutex<BTreeSet<u32>>>);

impl Groups {
    /// Kills them all, busy or not, without waiting for their end. For when the host itself is about to leave at once.
    pub fn kill(&self) {
        for group in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(group) = i32::try_from(*group).ok().and_then(Pid::from_raw) {
                // It may have ended by itself.
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
    }

    /// Adds the group that a process leads.
    pub(super) fn insert(&self, leader: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(leader);
    }

    /// Forgets the group of a process that has ended: its number may become another's.
    pub(super) fn remove(&self, leader: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&leader);
    }
}
