//! The controllers of `squall-capacity`: their steps, unchanged.

use std::rc::Rc;

use futures::future::{FutureExt, LocalBoxFuture};
use squall_capacity::events::{Activity, Payload};
use squall_capacity::ids::{InstanceId, RunId, SourceId};
use squall_capacity::policy::Policy;
use squall_capacity::steps;

use super::super::contender::Contender;
use super::super::platform::{Doing, RunIdx};
use super::super::ports::ports;
use super::super::world::World;

/// The controllers of `squall-capacity`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ours {
    /// The name of this configuration.
    pub name: String,
    /// Its settings.
    pub policy: Policy,
}

impl Contender for Ours {
    fn name(&self) -> String {
        format!("ours, {}", self.name)
    }

    fn configuration(&self) -> Option<&Policy> {
        Some(&self.policy)
    }

    fn has_events(&self) -> bool {
        true
    }

    fn protects_from_launch(&self) -> bool {
        true
    }

    fn begin(&self, world: &Rc<World>) {
        world.tasks.spawn(timer(Rc::clone(world), self.policy.clone()));
    }

    fn on_event<'a>(&'a self, world: &'a Rc<World>, event: &'a Activity) -> LocalBoxFuture<'a, bool> {
        on_event(world, &self.policy, event).boxed_local()
    }

    fn admits<'a>(
        &'a self,
        world: &'a Rc<World>,
        id: &'a InstanceId,
        run: RunIdx,
    ) -> LocalBoxFuture<'a, bool> {
        admits(world, &self.policy, id, run).boxed_local()
    }

    fn on_start(&self, world: &Rc<World>, id: &InstanceId, run: RunIdx) {
        world.tasks.spawn(renew(Rc::clone(world), self.policy.clone(), id.clone(), run));
    }

    fn on_done<'a>(
        &'a self,
        world: &'a Rc<World>,
        id: &'a InstanceId,
        run: RunIdx,
    ) -> LocalBoxFuture<'a, ()> {
        release(world, id, run).boxed_local()
    }
}

/// Time between two ticks, microseconds.
const TICK_US: u64 = 60_000_000;

async fn timer(world: Rc<World>, policy: Policy) {
    // A trace has no sessions, and a policy that counts them must be told that there are none.
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

async fn on_event(world: &Rc<World>, policy: &Policy, event: &Activity) -> bool {
    steps::on_event(&ports(world), policy, event).await.is_ok()
}

fn run_id(run: RunIdx) -> Option<RunId> {
    RunId::new(format!("r-{run}")).ok()
}

async fn admits(world: &Rc<World>, policy: &Policy, id: &InstanceId, run: RunIdx) -> bool {
    let Some(run) = run_id(run) else { return false };
    steps::claim_instance(&ports(world), policy, id, &run).await.is_ok()
}

/// Renews the claim while the run is on the instance.
async fn renew(world: Rc<World>, policy: Policy, id: InstanceId, run: RunIdx) {
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

async fn release(world: &Rc<World>, id: &InstanceId, run: RunIdx) {
    let Some(run) = run_id(run) else { return };
    if steps::release_instance(&ports(world), id, &run).await.is_err() {
        world.score.borrow_mut().failed += 1;
    }
}
