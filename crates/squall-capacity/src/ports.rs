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

/// The state of the application and of each instance. Every read sees every write that was acknowledged before it.
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
    /// All instances that have a row, in the order of their ids. What instances write beside their rows may keep rows of others
    /// from being listed, but not those of `members`, the group's instances.
    ///
    /// # Errors
    /// Unknown when it does not answer.
    async fn instances(&self, members: &[InstanceId]) -> Result<Vec<InstanceRow>, PortError>;
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
    /// Removes a row on condition that it exists with this version.
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
    /// Sets the desired capacity, ignoring any cooldown.
    ///
    /// # Errors
    /// Permanent outside the bounds; refused when the group is busy; unknown when it does not answer.
    async fn set_desired(&self, n: u32) -> Result<(), PortError>;
    /// Launches `n` more instances, at most 100, once per token; the desired capacity grows by `n`.
    ///
    /// # Errors
    /// Permanent when it would exceed the maximum or the group does not support such launches. Refused when the group
    /// answers that no instance started under this token: the next attempt takes a new token, because the answer to this one
    /// may stay the same. Unknown in every other case, including a throttled call: an earlier call under the token may have
    /// succeeded.
    async fn launch(&self, n: u32, token: &str) -> Result<(), PortError>;
    /// Terminates an instance, protected or not, and decrements the desired capacity. Does nothing to an instance that is
    /// already leaving.
    ///
    /// # Errors
    /// Permanent when the group would fall below its minimum; refused when the group is busy; unknown when it does not
    /// answer.
    async fn terminate(&self, id: &InstanceId) -> Result<(), PortError>;
    /// Sets the instance's scale-in protection. Leaves an instance that is not in service unchanged, without an error: a
    /// booting one is protected from launch, and a leaving one cannot be kept.
    ///
    /// # Errors
    /// Permanent when access is denied; unknown when there is no answer.
    async fn protect(&self, id: &InstanceId, is_protected: bool) -> Result<(), PortError>;
}

/// A number that is recorded over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Series {
    /// Active sessions, as events report them.
    Sessions,
    /// Queued and running runs, as events report them.
    Runs,
    /// Instances that the application needs.
    WantedCapacity,
    /// How many of those exceed the group's maximum.
    OverMaximum,
    /// How many fewer than the group's minimum those are.
    UnderMinimum,
    /// The group's desired capacity.
    DesiredCapacity,
    /// Time from an event to the controller's decision on it, milliseconds.
    DecisionLatency,
    /// Events that were refused.
    MalformedEvents,
    /// Events whose sequence contradicts what is known of their source, and those of sources for which there is no room.
    IgnoredEvents,
    /// Instances that were terminated.
    Terminated,
    /// Instances that a run claimed just before they would have been drained.
    ClaimsWon,
    /// Instances that left with a run on them, whatever the cause.
    BusyKilled,
}

/// The numbers over time. A view: decisions prefer the ledger where it knows better.
pub trait Metrics {
    /// Records numbers, as of now.
    ///
    /// # Errors
    /// Unknown when it does not answer.
    async fn put(&self, values: &[(Series, f64)]) -> Result<(), PortError>;
    /// The largest value of a series over the last `window_s` seconds; `None` when it has no data.
    ///
    /// # Errors
    /// Unknown when it does not answer.
    async fn maximum(&self, series: Series, window_s: u32) -> Result<Option<f64>, PortError>;
}

/// Where decisions are recorded, a line of JSON each.
pub trait Journal {
    /// Writes a line.
    fn write(&self, line: &Line);
}

/// The ports of a controller.
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
