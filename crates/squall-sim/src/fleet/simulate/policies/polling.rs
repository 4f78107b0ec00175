//! Like buildkite-agent-scaler and the elastic stack: a scaler polls the queue and sets the desired capacity, never
//! lower; instances are protected from launch on, and one that was idle for long enough takes no more runs and
//! terminates itself, lowering the desired capacity.

use std::rc::Rc;

use squall_capacity::ids::InstanceId;
use squall_capacity::ports::ScalingGroup;

use super::super::contender::Contender;
use super::super::platform::Doing;
use super::super::ports::ports;
use super::super::world::World;

/// Buildkite's design: a scaler polls and sets the desired capacity, only ever higher; an instance that was idle for
/// long enough terminates itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Polling {
    /// Polling period, seconds.
    pub period_s: u32,
    /// Idle time after which an instance terminates, seconds.
    pub idle_s: u32,
}

impl Contender for Polling {
    fn name(&self) -> String {
        format!("polling {} s, idle {} s", self.period_s, self.idle_s)
    }

    fn protects_from_launch(&self) -> bool {
        true
    }

    fn begin(&self, world: &Rc<World>) {
        world.tasks.spawn(scaler(Rc::clone(world), self.period_s));
    }

    fn on_idle(&self, world: &Rc<World>, id: &InstanceId) {
        on_idle(world, id, self.idle_s);
    }
}

async fn scaler(world: Rc<World>, period_s: u32) {
    let ports = ports(&world);
    loop {
        world.sleep(u64::from(period_s) * 1_000_000).await;
        let Ok(group) = ports.group.describe().await else { continue };
        let wanted = group.clamp(world.wanted());
        if wanted > group.desired && ports.group.set_desired(wanted).await.is_err() {
            world.score.borrow_mut().failed += 1;
        }
    }
}

fn on_idle(world: &Rc<World>, id: &InstanceId, idle_s: u32) {
    let (world, id) = (Rc::clone(world), id.clone());
    let since_us = world.now_us();
    let own = Rc::clone(&world);
    own.tasks.spawn(async move {
        world.sleep(u64::from(idle_s) * 1_000_000).await;
        // The instance's own agent decides this: no run comes in between.
        if world.platform.borrow().doing(&id) != Some(Doing::Idle { since_us }) {
            return;
        }
        world.platform.borrow_mut().set_doing(&id, Doing::Refuses);
        if ports(&world).group.terminate(&id).await.is_err() {
            world.score.borrow_mut().failed += 1;
        }
    });
}
