//! The controllers of `squall-capacity`: their steps, unchanged.

use std::rc::Rc;

use squall_capacity::events::{Activity, Payload};
use squall_capacity::ids::{InstanceId, RunId, SourceId};
use squall_capacity::policy::Policy;
use squall_capacity::steps;

use super::super::dispatch::Doing;
use super::super::ports::ports;
use super::super::world::{RunIdx, World};

/// Between two ticks, microseconds.
const TICK_US: u64 = 60_000_000;

pub(in super::super) fn begin(world: &Rc<World>, policy: &Policy) {
    world.tasks.spawn(timer(Rc::clone(world), policy.clone()));
}

async fn timer(world: Rc<World>, policy: Policy) {
    // A trace has no sessions, and a policy that counts on them is to hear that there are none.
    if let Ok(source) = SourceId::new("sessions") {
        let event = Activity { source, order: 1, time_us: world.now_us(), payload: Payload::Sessions(0) };
        on_event(&world, &policy, &event).await;
    }
    loop {
        let next_us = (world.now_us() / TICK_US + 1) * TICK_US;
        world.sleep(next_us - world.now_us()).await;
        if steps::tick(&ports(&world), &policy).await.is_err() {
            world.score.borrow_mut().failed += 1;
        }
    }
}

pub(in super::super) async fn on_event(world: &Rc<World>, policy: &Policy, event: &Activity) -> bool {
    steps::on_event(&ports(world), policy, event).await.is_ok()
}

fn run_id(run: RunIdx) -> Option<RunId> {
    RunId::new(format!("r-{run}")).ok()
}

pub(in super::super) async fn admits(
    world: &Rc<World>,
    policy: &Policy,
    id: &InstanceId,
    run: RunIdx,
) -> bool {
    let Some(run) = run_id(run) else { return false };
    steps::claim_instance(&ports(world), policy, id, &run).await.is_ok()
}

/// Renews the claim as long as the run is on the instance.
pub(in super::super) async fn renew(world: Rc<World>, policy: Policy, id: InstanceId, run: RunIdx) {
    let Some(run_id) = run_id(run) else { return };
    loop {
        world.sleep(u64::from(policy.lease_s) * 1_000_000 / 3).await;
        let doing = world.platform.borrow().doing(&id);
        if !matches!(doing, Some(Doing::Runs { run: it, .. }) if it == run) {
            return;
        }
        if steps::renew_claim(&ports(&world), &policy, &id, &run_id).await.is_err() {
            world.score.borrow_mut().failed += 1;
        }
    }
}

pub(in super::super) async fn release(world: &Rc<World>, id: &InstanceId, run: RunIdx) {
    let Some(run) = run_id(run) else { return };
    if steps::release_instance(&ports(world), id, &run).await.is_err() {
        world.score.borrow_mut().failed += 1;
    }
}
