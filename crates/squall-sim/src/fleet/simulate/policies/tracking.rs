//! Target tracking (<https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html>) of queued and
//! running runs per instance in service, at 1. The platform writes the metric once a period; three periods above the target
//! raise the alarm, fifteen below nine tenths of it lower the group. The service's own writes are atomic.

use std::rc::Rc;

use futures::future::{FutureExt, LocalBoxFuture};
use squall_capacity::ids::InstanceId;
use squall_capacity::ports::ScalingGroup;

use super::super::contender::Contender;
use super::super::platform::RunIdx;
use super::super::ports::ports;
use super::super::score::Calls;
use super::super::world::World;

/// Target tracking of queued and running runs per instance, at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TargetTracking {
    /// The metric's period, seconds.
    pub period_s: u32,
    /// Whether a run protects its instance before it starts, and unprotects it when it is done.
    pub protects: bool,
}

impl Contender for TargetTracking {
    fn name(&self) -> String {
        let what = if self.protects { "the same, protected" } else { "target tracking" };
        format!("{what} {} s", self.period_s)
    }

    fn begin(&self, world: &Rc<World>) {
        world.tasks.spawn(alarms(Rc::clone(world), self.period_s));
    }

    fn admits<'a>(
        &'a self,
        world: &'a Rc<World>,
        id: &'a InstanceId,
        _run: RunIdx,
    ) -> LocalBoxFuture<'a, bool> {
        async move { !self.protects || protect(world, id, true).await }.boxed_local()
    }

    fn on_done<'a>(
        &'a self,
        world: &'a Rc<World>,
        id: &'a InstanceId,
        _run: RunIdx,
    ) -> LocalBoxFuture<'a, ()> {
        async move {
            if self.protects {
                protect(world, id, false).await;
            }
        }
        .boxed_local()
    }
}

/// Consecutive periods that raise the alarm, and that end it.
const N_HIGH: u32 = 3;
const N_LOW: u32 = 15;

async fn alarms(world: Rc<World>, period_s: u32) {
    let (mut n_high, mut n_low) = (0, 0);
    loop {
        world.sleep(u64::from(period_s) * 1_000_000).await;
        world.count(Calls { metrics: 1, ..Calls::default() });
        let runs = world.wanted();
        let serving = u32::try_from(world.platform.borrow().instances.len()).unwrap_or(u32::MAX);
        // With none in service there is no such metric, and the group would never leave zero. As in ECS's capacity
        // providers, any run is then above the target.
        n_high = if runs > serving { n_high + 1 } else { 0 };
        n_low = if u64::from(runs) * 10 < u64::from(serving) * 9 { n_low + 1 } else { 0 };
        let desired = world.desired();
        let is_booting = desired > serving;
        // The instances in service times the metric is the number of runs.
        let goes_up = n_high >= N_HIGH && world.needed() > desired;
        let goes_down = n_low >= N_LOW && !is_booting && world.needed() < desired;
        if goes_up || goes_down {
            set(&world, world.needed());
        }
    }
}

/// The service's own write: not a call of ours.
pub(super) fn set(world: &Rc<World>, n: u32) {
    let now = world.change(|group, now_us, chance| group.set_desired(n, false, now_us, chance));
    world.score.borrow_mut().failed += u32::from(now.is_err());
}

/// Sets an instance's protection; false if that fails.
async fn protect(world: &Rc<World>, id: &InstanceId, is_protected: bool) -> bool {
    ports(world).group.protect(id, is_protected).await.is_ok()
}
