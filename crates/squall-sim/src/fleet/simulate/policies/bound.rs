//! An instance for a run that has none, gone the moment that no run waits for it.

use std::rc::Rc;

use squall_capacity::ids::InstanceId;

use super::super::dispatch::{Doing, set_doing};
use super::super::world::World;

pub(in super::super) fn on_submit(world: &Rc<World>) {
    let (wanted, desired) = (world.needed(), world.desired());
    if wanted > desired {
        super::tracking::set(world, wanted);
    }
}

pub(in super::super) fn on_idle(world: &Rc<World>, id: &InstanceId) {
    let (n_queued, n_serving) = {
        let platform = world.platform.borrow();
        (platform.queued.len(), platform.instances.len())
    };
    let n_booting = (world.desired() as usize).saturating_sub(n_serving);
    if n_queued > n_booting {
        return;
    }
    set_doing(world, id, Doing::Refuses);
    let gone = world.change(|group, now_us, chance| group.terminate(id, true, now_us, chance));
    world.score.borrow_mut().failed += u32::from(gone.is_err());
}
