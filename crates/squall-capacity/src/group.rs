//! The group as the controllers observe it.

use serde::{Deserialize, Serialize};

use crate::ids::InstanceId;

/// An instance's lifecycle state, as far as a controller cares
/// (<https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    /// It is booting, or a lifecycle hook holds it.
    Pending,
    /// It is in service.
    InService,
    /// An operator put it into standby; it does not count.
    Standby,
    /// It is leaving, or has left.
    Leaving,
}

/// An instance of the group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Its lifecycle state.
    pub lifecycle: Lifecycle,
    /// Whether it is protected from scale-in.
    pub is_protected: bool,
}

/// The group, as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The minimum of its desired capacity.
    pub min: u32,
    /// The maximum of its desired capacity.
    pub max: u32,
    /// Its desired capacity.
    pub desired: u32,
    /// All of its instances, in the order of their ids.
    pub instances: Vec<Instance>,
    /// When its cooldown ends, microseconds since 1970; `u64::MAX` while an activity is in progress, 0 without a cooldown.
    pub cooling_until_us: u64,
}

impl Group {
    /// The instances that count towards the desired capacity.
    pub fn live(&self) -> impl Iterator<Item = &Instance> {
        self.instances.iter().filter(|it| matches!(it.lifecycle, Lifecycle::Pending | Lifecycle::InService))
    }

    /// How many instances count towards the desired capacity.
    pub fn n_live(&self) -> u32 {
        u32::try_from(self.live().count()).unwrap_or(u32::MAX)
    }

    /// `n` within the bounds; the maximum wins.
    pub fn clamp(&self, n: u32) -> u32 {
        n.max(self.min).min(self.max)
    }

    /// An instance of the group.
    pub fn instance(&self, id: &InstanceId) -> Option<&Instance> {
        self.instances.iter().find(|it| it.id == *id)
    }
}
