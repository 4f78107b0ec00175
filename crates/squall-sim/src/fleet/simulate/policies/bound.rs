//! An instance for each run without one, terminated the moment that no run waits for it.

use std::rc::Rc;

use squall_capacity::ids::InstanceId;

use super::super::contender::Contender;
use super::super::platform::Doing;
use super::super::world::World;

/// No instance is ever idle: everything is known at once, calls take no time, each run that finds no instance boots
/// one, and an instance is terminated the moment that no run waits for it. A bound if runs are longer than boots; if
/// they are shorter, it is cheaper to keep some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ZeroIdle;

impl Contender for ZeroIdle {
    fn name(&self) -> String {
        "zero-idle bound".to_owned()
    }

    fn on_submit(&self, world: &Rc<World>) {
        on_submit(world);
    }

    fn on_idle(&self, world: &Rc<World>, id: &InstanceId) {
        on_idle(world, id);
    }
}

fn on_submit(world: &Rc<World>) {
    let (wanted, desired) = (world.needed(), world.desired());
    if wanted > desired {
        super::tracking::set(world, wanted);
    }
}

fn on_idle(world: &Rc<World>, id: &InstanceId) {
    let (n_queued, n_serving) = {
        let platform = world.platform.borrow();
        (platform.queued.len(), platform.instances.len())
    };
    let n_booting = (world.desired() as usize).saturating_sub(n_serving);
    if n_queued > n_booting {
        return;
    }
    world.platform.borrow_mut().set_doing(id, Doing::Refuses);
    let gone = world.change(|group, now_us, chance| group.terminate(id, true, now_us, chance));
    world.score.borrow_mut().failed += u32::from(gone.is_err());
}
