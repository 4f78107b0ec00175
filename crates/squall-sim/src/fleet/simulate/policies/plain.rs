//! The plain design: absolute writes without protection, and to the minimum once all is idle.

use std::rc::Rc;

use futures::future::{FutureExt, LocalBoxFuture};
use squall_capacity::events::{Activity, Payload};
use squall_capacity::ports::{Metrics, ScalingGroup, Series};

use super::super::contender::Contender;
use super::super::ports::ports;
use super::super::world::World;

/// The plain design: each event reads the group and sets the desired capacity, without protection; a timer sets the
/// minimum if nothing ran over a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Plain {
    /// The window, seconds.
    pub window_s: u32,
}

impl Contender for Plain {
    fn name(&self) -> String {
        format!("plain all-idle {} s", self.window_s)
    }

    fn has_events(&self) -> bool {
        true
    }

    fn begin(&self, world: &Rc<World>) {
        world.tasks.spawn(timer(Rc::clone(world), self.window_s));
    }

    fn on_event<'a>(&'a self, world: &'a Rc<World>, event: &'a Activity) -> LocalBoxFuture<'a, bool> {
        on_event(world, event).boxed_local()
    }
}

/// Time between two timer checks, microseconds.
const PERIOD_US: u64 = 60_000_000;

/// Writes the level, reads the group, and sets it to the event's number if that is more.
async fn on_event(world: &Rc<World>, event: &Activity) -> bool {
    let ports = ports(world);
    let Payload::Runs { level, .. } = &event.payload else { return true };
    let written = ports.metrics.put(&[(Series::Runs, f64::from(level.total()))]).await;
    let Ok(group) = ports.group.describe().await else { return false };
    let wanted = group.clamp(level.total());
    let raised = if wanted > group.desired { ports.group.set_desired(wanted).await } else { Ok(()) };
    written.is_ok() && raised.is_ok()
}

/// Sets the group to its minimum if the metric was 0 over the window.
async fn timer(world: Rc<World>, window_s: u32) {
    let ports = ports(&world);
    loop {
        world.sleep(PERIOD_US).await;
        // No data is not zero.
        let Ok(Some(0.0)) = ports.metrics.maximum(Series::Runs, window_s).await else { continue };
        let Ok(group) = ports.group.describe().await else { continue };
        if group.desired > group.min && ports.group.set_desired(group.min).await.is_err() {
            world.score.borrow_mut().failed += 1;
        }
    }
}
