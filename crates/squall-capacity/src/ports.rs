//! What the controllers need from outside, in their own words.
//!
//! A port fails with [`PortError`]; the same contract suite holds for every implementation.
#![expect(async_fn_in_trait, reason = "steps run on whatever executor their binary brings, never spawned")]

use serde::{Deserialize, Serialize};
pub use squall_ports::{Clock, PortError, Written, chain};

use crate::claims::InstanceRow;
use crate::group::Group;
use crate::ids::InstanceId;
use crate::journal::Line;
use crate::levels::Levels;

/// What is known of the application and of each instance. Every read sees every write that was acknowledged before it.
pub trait Ledger {
    /// The newest levels; the empty ones of version 0 when there are none.
    ///
    /// # Errors
    /// Unknown when it does not answer.
    async fn levels(&self) -> Result<Levels, PortError>;
    /// Writes the levels on condition that the stored version is `levels.version - 1`.
    ///
    /// # Errors
    /// Unknown when it does not answer.
    async fn put_levels(&self, levels: &Levels) -> Result<Written, PortError>;
    /// All instances that have a row, in the order of their ids.
    ///
    /// # Errors
    /// Unknown when it does not answer.
    async fn instances(&self) -> Result<Vec<InstanceRow>, PortError>;
    /// An instance's row.
    ///
    /// # Errors
    /// Unknown when it does not answer.
    async fn instance(&self, id: &InstanceId) -> Result<Option<InstanceRow>, PortError>;
    /// Writes a row on condition that the stored version is `row.version - 1`, 0 standing for no row.
    ///
    /// # Errors
    /// Unknown when it does not answer.
    async fn put_instance(&self, row: &InstanceRow) -> Result<Written, PortError>;
    /// Removes a row on condition that it is there, and its version is this.
    ///
    /// # Errors
    /// Unknown when it does not answer.
    async fn forget_instance(&self, id: &InstanceId, version: u64) -> Result<Written, PortError>;
}

/// The Auto Scaling group.
pub trait ScalingGroup {
    /// The group as it is now, its instances in the order of their ids.
    ///
    /// # Errors
    /// Unknown when it does not answer; permanent when there is no such group.
    async fn describe(&self) -> Result<Group, PortError>;
    /// Sets the desired capacity, whatever it was, cooldown or not.
    ///
    /// # Errors
    /// Permanent outside the bounds; refused when the group is busy; unknown when it does not answer.
    async fn set_desired(&self, n: u32) -> Result<(), PortError>;
    /// Launches so many more instances, at most 100, once per token; the desired capacity grows by them.
    ///
    /// # Errors
    /// Permanent when it would be over the maximum or the group cannot launch so. Refused when the group answers that none
    /// were launched under this token: the next attempt takes a new one, because the answer to this one may stay the same.
    /// Unknown in every other case, a throttled call included: an earlier call under the token may have been done.
    async fn launch(&self, n: u32, token: &str) -> Result<(), PortError>;
    /// Terminates an instance and takes it from the desired capacity, protected or not. Of an instance that leaves already
    /// nothing is taken.
    ///
    /// # Errors
    /// Permanent when there would be less than the minimum; refused when the group is busy; unknown when it does not
    /// answer.
    async fn terminate(&self, id: &InstanceId) -> Result<(), PortError>;
    /// Has the group spare the instance when it shrinks by its own choice, or not. Of one that is not in service nothing is
    /// changed, and that is no error: one that boots will be protected from launch, and one that leaves leaves.
    ///
    /// # Errors
    /// Permanent when that is not allowed; unknown when there is no answer.
    async fn protect(&self, id: &InstanceId, is_protected: bool) -> Result<(), PortError>;
}

/// A number that is written down over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Series {
    /// Active sessions, as events told.
    Sessions,
    /// Queued and running runs, as events told.
    Runs,
    /// Instances that the application needs.
    WantedCapacity,
    /// How many of those the group's maximum does not allow.
    OverMaximum,
    /// How many fewer than the group's minimum they are.
    UnderMinimum,
    /// As many as the group is told to have.
    DesiredCapacity,
    /// From an event to the call that answers it, milliseconds.
    DecisionLatency,
    /// Events that were refused.
    MalformedEvents,
    /// Instances that were terminated.
    Terminated,
    /// Instances that a run claimed just before they would have been drained.
    ClaimsWon,
    /// Instances that left although a run was on them, whoever took them.
    BusyKilled,
}

/// The numbers over time. A view: nothing is decided by them that the ledger knows better.
pub trait Metrics {
    /// Writes numbers down, as of now.
    ///
    /// # Errors
    /// Unknown when it does not answer.
    async fn put(&self, values: &[(Series, f64)]) -> Result<(), PortError>;
    /// The largest value of a series over the last so many seconds; `None` when there is none.
    ///
    /// # Errors
    /// Unknown when it does not answer.
    async fn maximum(&self, series: Series, window_s: u32) -> Result<Option<f64>, PortError>;
}

/// Where decisions are written, a line of JSON each. Whoever writes none down need not make any.
pub trait Journal {
    /// Writes a line.
    fn write(&self, line: &Line);
}

/// Everything that a controller has.
#[derive(Debug, Clone, Default)]
pub struct Ports<G, L, M, J, C> {
    /// The group.
    pub group: G,
    /// The ledger.
    pub ledger: L,
    /// The metrics.
    pub metrics: M,
    /// The journal.
    pub journal: J,
    /// The clock.
    pub clock: C,
}
