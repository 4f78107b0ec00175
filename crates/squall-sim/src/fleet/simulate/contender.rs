//! A policy: its reactions to events on the platform.

use std::fmt::Debug;
use std::rc::Rc;

use futures::future::{FutureExt, LocalBoxFuture, ready};
use squall_capacity::events::Activity;
use squall_capacity::ids::InstanceId;
use squall_capacity::policy::Policy;

use super::platform::RunIdx;
use super::world::World;

/// A policy under comparison. Methods that it does not implement do nothing; the implementations are in `policies`, one
/// per file.
pub trait Contender: Debug + Send + Sync {
    /// Its name.
    fn name(&self) -> String;

    /// Its configuration, if it runs the controllers of `squall-capacity`.
    fn configuration(&self) -> Option<&Policy> {
        None
    }

    /// Whether events wake it, so that one may be lost.
    fn has_events(&self) -> bool {
        false
    }

    /// Whether instances are protected from launch on.
    fn protects_from_launch(&self) -> bool {
        false
    }

    /// Starts its timers and loops.
    fn begin(&self, _world: &Rc<World>) {}

    /// Processes an event; false if it has to be delivered again.
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

    /// A run has started: starts the work that accompanies it.
    fn on_start(&self, _world: &Rc<World>, _id: &InstanceId, _run: RunIdx) {}

    /// A run has finished; its instance is idle once this returns.
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

    /// An instance is now idle.
    fn on_idle(&self, _world: &Rc<World>, _id: &InstanceId) {}
}
