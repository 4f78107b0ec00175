//! Step scaling (<https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html>) on the number of
//! queued runs: the longer the queue over three minutes, the more instances are added to those in service, not counting
//! booting ones twice; to the minimum when nothing ran for fifteen.

use std::rc::Rc;

use super::super::contender::Contender;
use super::super::score::Calls;
use super::super::world::World;
use super::tracking::set;

/// Step scaling on queued runs; to the minimum when nothing ran for 15 minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StepScaling;

impl Contender for StepScaling {
    fn name(&self) -> String {
        "step scaling 60 s".to_owned()
    }

    fn begin(&self, world: &Rc<World>) {
        world.tasks.spawn(alarms(Rc::clone(world)));
    }
}

const PERIOD_US: u64 = 60_000_000;
const N_HIGH: u32 = 3;
const N_LOW: u32 = 15;
/// From this many queued runs on, add this many instances.
const STEPS: [(u32, u32); 3] = [(20, 20), (5, 10), (1, 2)];

async fn alarms(world: Rc<World>) {
    let (mut n_high, mut n_low) = (0, 0);
    loop {
        world.sleep(PERIOD_US).await;
        world.count(Calls { metrics: 1, ..Calls::default() });
        let level = world.platform.borrow().level();
        let serving = u32::try_from(world.platform.borrow().instances.len()).unwrap_or(u32::MAX);
        n_high = if level.queued > 0 { n_high + 1 } else { 0 };
        n_low = if level.total() == 0 { n_low + 1 } else { 0 };
        let more = STEPS.iter().find(|(queued, _)| level.queued >= *queued).map_or(0, |(_, more)| *more);
        let target = (serving + more).min(world.max);
        let desired = world.desired();
        if n_high >= N_HIGH && target > desired {
            set(&world, target);
        } else if n_low >= N_LOW && desired > 0 {
            set(&world, 0);
        }
    }
}
