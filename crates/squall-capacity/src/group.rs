//! What is seen of the group.

use serde::{Deserialize, Serialize};

use crate::ids::InstanceId;

/// Where an instance is in its life, as far as a controller cares
/// (<https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    /// It boots, or a hook holds it before service.
    Pending,
    /// It serves.
    InService,
    /// Somebody took it aside; it does not count.
    Standby,
    /// It goes, or has gone.
    Leaving,
}

/// An instance of the group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Where it is in its life.
    pub lifecycle: Lifecycle,
    /// Whether the group may choose it when it shrinks.
    pub is_protected: bool,
}

/// The group, as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Group {
    /// What it is called.
    pub name: String,
    /// The least instances that it may be told to have.
    pub min: u32,
    /// The most.
    pub max: u32,
    /// As many as it is told to have.
    pub desired: u32,
    /// All of them, in the order of their ids.
    pub instances: Vec<Instance>,
    /// Until when its cooldown lasts, microseconds since 1970; `u64::MAX` while an activity is in progress, 0 when none does.
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

    /// Within the bounds; the maximum is the stronger one.
    pub fn clamp(&self, n: u32) -> u32 {
        n.max(self.min).min(self.max)
    }

    /// An instance of the group.
    pub fn instance(&self, id: &InstanceId) -> Option<&Instance> {
        self.instances.iter().find(|it| it.id == *id)
    }
}
