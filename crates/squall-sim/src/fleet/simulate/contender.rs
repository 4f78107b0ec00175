//! The policies that are compared.

use std::rc::Rc;

use squall_capacity::events::Activity;
use squall_capacity::ids::InstanceId;
use squall_capacity::policy::Policy;

use super::policies::{bound, ours, plain, polling, step, tracking};
use super::world::{RunIdx, World};

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Contender {
    /// The controllers of `squall-capacity`.
    Ours {
        /// What sets this one apart.
        name: String,
        /// Their knobs.
        policy: Policy,
    },
    /// The plain design: each event reads the group and sets the desired capacity, without protection; a timer sets the
    /// minimum when nothing ran over a window.
    Plain {
        /// The window, seconds.
        window_s: u32,
    },
    /// Target tracking of queued and running runs per instance, at 1.
    TargetTracking {
        /// The metric's period, seconds.
        period_s: u32,
        /// Whether a run has its instance protected before it starts, and not any more when it is done.
        protects: bool,
    },
    /// Step scaling on queued runs; to the minimum when nothing ran for 15 minutes.
    StepScaling,
    /// Buildkite's way: somebody polls and sets the desired capacity, only ever higher; an instance that was idle for long
    /// enough terminates itself.
    Polling {
        /// How often, seconds.
        period_s: u32,
        /// How long an instance is idle before it goes, seconds.
        idle_s: u32,
    },
    /// Nothing is ever idle: all is known at once, calls take no time, each run that finds no instance has one booted, and an
    /// instance goes the moment that no run waits for it. A bound where runs are longer than boots; where they are shorter, it
    /// is cheaper to keep some.
    ZeroIdle,
}

impl Contender {
    /// What it is called.
    pub fn name(&self) -> String {
        match self {
            Self::Ours { name, .. } => format!("ours, {name}"),
            Self::Plain { window_s } => format!("plain all-idle {window_s} s"),
            Self::TargetTracking { period_s, protects: false } => format!("target tracking {period_s} s"),
            Self::TargetTracking { period_s, protects: true } => format!("the same, protected {period_s} s"),
            Self::StepScaling => "step scaling 60 s".to_owned(),
            Self::Polling { period_s, idle_s } => format!("polling {period_s} s, idle {idle_s} s"),
            Self::ZeroIdle => "zero-idle bound".to_owned(),
        }
    }

    /// Whether it is woken by events, so that one may be lost.
    pub fn has_events(&self) -> bool {
        matches!(self, Self::Ours { .. } | Self::Plain { .. })
    }

    /// Whether instances are protected from launch on.
    pub(super) fn protects_from_launch(&self) -> bool {
        matches!(self, Self::Ours { .. } | Self::Polling { .. })
    }

    /// Starts what runs by itself.
    pub(super) fn begin(&self, world: &Rc<World>) {
        match self {
            Self::Ours { policy, .. } => ours::begin(world, policy),
            Self::Plain { window_s } => world.tasks.spawn(plain::timer(Rc::clone(world), *window_s)),
            Self::TargetTracking { period_s, .. } => {
                world.tasks.spawn(tracking::alarms(Rc::clone(world), *period_s));
            }
            Self::StepScaling => world.tasks.spawn(step::alarms(Rc::clone(world))),
            Self::Polling { period_s, .. } => world.tasks.spawn(polling::scaler(Rc::clone(world), *period_s)),
            Self::ZeroIdle => {}
        }
    }

    /// Takes in an event; false when it is to be delivered again.
    pub(super) async fn on_event(&self, world: &Rc<World>, event: &Activity) -> bool {
        match self {
            Self::Ours { policy, .. } => ours::on_event(world, policy, event).await,
            Self::Plain { .. } => plain::on_event(world, event).await,
            Self::TargetTracking { .. } | Self::StepScaling | Self::Polling { .. } | Self::ZeroIdle => true,
        }
    }

    /// Whether a run may start on an instance.
    pub(super) async fn admits(&self, world: &Rc<World>, id: &InstanceId, run: RunIdx) -> bool {
        match self {
            Self::Ours { policy, .. } => ours::admits(world, policy, id, run).await,
            Self::TargetTracking { protects: true, .. } => tracking::protect(world, id, true).await,
            _ => true,
        }
    }

    /// A run has started: what goes on as long as it runs.
    pub(super) fn on_start(&self, world: &Rc<World>, id: &InstanceId, run: RunIdx) {
        if let Self::Ours { policy, .. } = self {
            world.tasks.spawn(ours::renew(Rc::clone(world), policy.clone(), id.clone(), run));
        }
    }

    /// A run is done: what is to be done before its instance is idle.
    pub(super) async fn on_done(&self, world: &Rc<World>, id: &InstanceId, run: RunIdx) {
        match self {
            Self::Ours { .. } => ours::release(world, id, run).await,
            Self::TargetTracking { protects: true, .. } => {
                tracking::protect(world, id, false).await;
            }
            _ => {}
        }
    }

    /// A run was submitted.
    pub(super) fn on_submit(&self, world: &Rc<World>) {
        if *self == Self::ZeroIdle {
            bound::on_submit(world);
        }
    }

    /// An instance is idle from now on.
    pub(super) fn on_idle(&self, world: &Rc<World>, id: &InstanceId) {
        match self {
            Self::Polling { idle_s, .. } => polling::on_idle(world, id, *idle_s),
            Self::ZeroIdle => bound::on_idle(world, id),
            _ => {}
        }
    }
}
