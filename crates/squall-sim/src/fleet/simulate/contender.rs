//! What a policy is: what it does when something happens on the platform.

use std::fmt::Debug;
use std::rc::Rc;

use futures::future::{FutureExt, LocalBoxFuture, ready};
use squall_capacity::events::Activity;
use squall_capacity::ids::InstanceId;
use squall_capacity::policy::Policy;

use super::platform::RunIdx;
use super::world::World;

/// A policy that is compared. It does nothing of what it does not say; those that there are: `policies`, a file for each.
pub trait Contender: Debug + Send + Sync {
    /// What it is called.
    fn name(&self) -> String;

    /// The configuration, of one that runs the controllers of `squall-capacity`.
    fn configuration(&self) -> Option<&Policy> {
        None
    }

    /// Whether it is woken by events, so that one may be lost.
    fn has_events(&self) -> bool {
        false
    }

    /// Whether instances are protected from launch on.
    fn protects_from_launch(&self) -> bool {
        false
    }

    /// Starts what runs by itself.
    fn begin(&self, _world: &Rc<World>) {}

    /// Takes in an event; false when it is to be delivered again.
    fn on_event<'a>(&'a self, _world: &'a Rc<World>, _event: &'a Activity) -> LocalBoxFuture<'a, bool> {
        ready(true).boxed_local()
    }

    /// Whether a run may start on an instance.
    fn admits<'a>(
        &'a self,
        _world: &'a Rc<World>,
        _id: &'a InstanceId,
        _run: RunIdx,
    ) -> LocalBoxFuture<'a, bool> {
        ready(true).boxed_local()
    }

    /// A run has started: what goes on as long as it runs.
    fn on_start(&self, _world: &Rc<World>, _id: &InstanceId, _run: RunIdx) {}

    /// A run is done: what is to be done before its instance is idle.
    fn on_done<'a>(
        &'a self,
        _world: &'a Rc<World>,
        _id: &'a InstanceId,
        _run: RunIdx,
    ) -> LocalBoxFuture<'a, ()> {
        ready(()).boxed_local()
    }

    /// A run was submitted.
    fn on_submit(&self, _world: &Rc<World>) {}

    /// An instance is idle from now on.
    fn on_idle(&self, _world: &Rc<World>, _id: &InstanceId) {}
}
