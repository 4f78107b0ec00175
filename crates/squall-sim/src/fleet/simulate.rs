//! Simulates months of an application against the model group: how long runs wait and what that costs, under the
//! controllers of `squall-capacity` and under the designs they are compared with.
//!
//! Every policy meets the same platform: it publishes its level with every change, hands queued runs to idle instances
//! first come first served, and restarts runs that died with their instance. Calls take time, events are late and
//! duplicated, and everything happens concurrently, so that every possible race is lost at some point. One seed is one
//! history.
//!
//! Not modelled: other customers' use of the capacity, spot, failures of AWS, the price of calls, and CloudWatch's
//! delay in showing a metric.

mod contender;
mod dispatch;
mod month;
mod platform;
mod policies;
mod ports;
mod score;
mod summary;
mod tasks;
mod trace;
mod world;

pub use contender::Contender;
pub use month::month;
pub use policies::{Ours, Plain, Polling, StepScaling, TargetTracking, ZeroIdle};
pub use score::{Calls, Sample, Score};
pub use summary::{Spread, Summary};
pub use trace::{Arrival, Trace, TraceError};

use std::rc::Rc;
use std::sync::Arc;

use dispatch::Dispatcher;
use squall_sim_time::{SimulatedClock, Stuck, run_until_done};
use world::{Listener, Reacts, World};

/// The settings that all policies share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Setting {
    /// Maximum size of the group; the minimum is 0.
    pub max: u32,
    /// Boot time of an instance, microseconds: the shortest and the longest.
    pub boot_us: (u64, u64),
    /// The seed of the history.
    pub seed: u64,
    /// Whether the score includes the capacity and the demand over time.
    pub keeps_samples: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self { max: 40, boot_us: (75_000_000, 120_000_000), seed: 1, keeps_samples: false }
    }
}

/// Runs a trace under a policy, until all runs have ended and the group is empty again.
///
/// # Errors
/// When it hangs, which is a bug in the simulator.
pub fn simulate(trace: &Trace, contender: &Arc<dyn Contender>, setting: &Setting) -> Result<Score, Stuck> {
    let clock = SimulatedClock::default();
    let reacts =
        Reacts { has_events: contender.has_events(), protects_from_launch: contender.protects_from_launch() };
    let heard_by = Arc::clone(contender);
    let listener: Listener = Box::new(move |world, news| {
        Dispatcher { world: Rc::clone(world), contender: Arc::clone(&heard_by) }.on_news(news);
    });
    let world = World::new(trace, setting, clock.clone(), reacts, listener);
    contender.begin(&world);
    let dispatcher = Dispatcher { world: Rc::clone(&world), contender: Arc::clone(contender) };
    world.tasks.spawn(dispatcher.submit());
    run_until_done(&clock, world.run())
}

#[cfg(test)]
mod tests;
