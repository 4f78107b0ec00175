//! The platform: it takes runs in, publishes how many there are, and hands them to idle instances, first come first served.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use squall_capacity::events::{Activity, Payload, Runs};
use squall_capacity::ids::{InstanceId, SourceId};
use squall_core::ports::Clock;

use super::world::{BEGIN_US, RunIdx, World};

const MS: u64 = 1_000;
/// From a change to the function that hears of it, microseconds: mostly, and one time in twenty.
const DELIVERY_US: (u64, u64) = (50 * MS, 600 * MS);
const LATE_US: (u64, u64) = (600 * MS, 2_500 * MS);
const LATE_PER_MILLE: u64 = 50;
/// Events that are delivered twice, of a thousand.
const DOUBLE_PER_MILLE: u64 = 10;
/// Lambda tries an event again after a failure: after a minute, and after two more.
const AGAIN_US: [u64; 2] = [60_000 * MS, 120_000 * MS];
/// How long an instance that refused a run is not asked again.
const REFUSED_US: u64 = 2_000 * MS;

/// What an instance does, as far as the platform knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// Nothing.
    Idle {
        /// Since when, microseconds.
        since_us: u64,
    },
    /// A run asks whether it may start, or is being released.
    Asked,
    /// It runs.
    Runs {
        /// What.
        run: RunIdx,
        /// Since when, microseconds.
        since_us: u64,
    },
    /// It takes no run.
    Refuses,
}

#[derive(Debug)]
pub(super) struct Platform {
    pub(super) queued: BTreeSet<RunIdx>,
    pub(super) instances: BTreeMap<InstanceId, Doing>,
    queued_since_us: Vec<u64>,
    waited_us: Vec<u64>,
    is_done: Vec<bool>,
    n_submitted: usize,
    n_running: u32,
    n_done: usize,
    n_events: u64,
}

impl Platform {
    pub(super) fn new(n_runs: usize) -> Self {
        Self {
            queued: BTreeSet::new(),
            instances: BTreeMap::new(),
            queued_since_us: vec![0; n_runs],
            waited_us: vec![0; n_runs],
            is_done: vec![false; n_runs],
            n_submitted: 0,
            n_running: 0,
            n_done: 0,
            n_events: 0,
        }
    }

    /// Queued and running runs; one that asks for its instance is still queued.
    pub(super) fn level(&self) -> Runs {
        let n_open = u32::try_from(self.n_submitted - self.n_done).unwrap_or(u32::MAX);
        Runs { queued: n_open - self.n_running, running: self.n_running }
    }

    /// What an instance does; `None` when it does not serve.
    pub(super) fn doing(&self, id: &InstanceId) -> Option<Doing> {
        self.instances.get(id).copied()
    }

    pub(super) fn is_done(&self) -> bool {
        self.n_done == self.is_done.len()
    }

    /// How long each run that ended was queued, and how many did not end.
    pub(super) fn waits_us(&self) -> (Vec<u64>, u32) {
        let ended = self.waited_us.iter().zip(&self.is_done).filter(|(_, is_done)| **is_done);
        let n_unfinished = self.is_done.len() - self.n_done;
        (ended.map(|(waited_us, _)| *waited_us).collect(), u32::try_from(n_unfinished).unwrap_or(u32::MAX))
    }

    fn enqueue(&mut self, run: RunIdx, now_us: u64) {
        self.queued.insert(run);
        self.queued_since_us[run] = now_us;
    }
}

/// Submits the runs of the trace.
pub(super) async fn submit(world: Rc<World>) {
    for (run, arrival) in world.runs.iter().enumerate() {
        world.clock.sleep_until(BEGIN_US + arrival.submit_us).await;
        let mut platform = world.platform.borrow_mut();
        platform.enqueue(run, world.now_us());
        platform.n_submitted += 1;
        drop(platform);
        publish(&world);
        world.contender.on_submit(&world);
        dispatch(&world);
    }
}

/// Tells of the level that is now.
fn publish(world: &Rc<World>) {
    let mut platform = world.platform.borrow_mut();
    platform.n_events += 1;
    let payload = Payload::Runs { level: platform.level(), started: Vec::new(), finished: Vec::new() };
    let Ok(source) = SourceId::new("scheduler") else { return };
    let event = Activity { source, order: platform.n_events, time_us: world.now_us(), payload };
    drop(platform);
    world.sample();
    if !world.contender.has_events() {
        return;
    }
    let n_deliveries = if world.below(1_000) < DOUBLE_PER_MILLE { 2 } else { 1 };
    for _ in 0..n_deliveries {
        world.event_begins();
        world.tasks.spawn(deliver(Rc::clone(world), event.clone()));
    }
}

async fn deliver(world: Rc<World>, event: Activity) {
    let is_late = world.below(1_000) < LATE_PER_MILLE;
    world.sleep(world.between(if is_late { LATE_US } else { DELIVERY_US })).await;
    for again_us in AGAIN_US.into_iter().map(Some).chain([None]) {
        if world.contender.on_event(&world, &event).await {
            break;
        }
        world.score.borrow_mut().failed += 1;
        if let Some(us) = again_us {
            world.sleep(us).await;
        }
    }
    world.event_ends();
}

/// Hands queued runs to idle instances, those that were launched first before others.
pub(super) fn dispatch(world: &Rc<World>) {
    loop {
        let mut platform = world.platform.borrow_mut();
        if platform.queued.is_empty() {
            return;
        }
        let idle = platform.instances.iter().find(|(_, doing)| matches!(doing, Doing::Idle { .. }));
        let Some(id) = idle.map(|(id, _)| id.clone()) else { return };
        let Some(run) = platform.queued.pop_first() else { return };
        platform.instances.insert(id.clone(), Doing::Asked);
        drop(platform);
        world.tasks.spawn(start(Rc::clone(world), id, run));
    }
}

async fn start(world: Rc<World>, id: InstanceId, run: RunIdx) {
    let is_admitted = world.contender.admits(&world, &id, run).await;
    let Some(doing) = begin(&world, &id, run, is_admitted) else {
        dispatch(&world);
        world.sleep(REFUSED_US).await;
        if world.platform.borrow().doing(&id) == Some(Doing::Refuses) {
            set_doing(&world, &id, Doing::Idle { since_us: world.now_us() });
        }
        dispatch(&world);
        return;
    };
    publish(&world);
    world.contender.on_start(&world, &id, run);
    world.sleep(world.runs[run].duration_us).await;
    // It may have died with its instance meanwhile.
    if world.platform.borrow().doing(&id) == Some(doing) {
        finish(&world, &id, run);
        world.contender.on_done(&world, &id, run).await;
        is_idle(&world, &id);
    }
}

/// What the instance does from now on; `None` when the run cannot start there and is queued again.
fn begin(world: &Rc<World>, id: &InstanceId, run: RunIdx, is_admitted: bool) -> Option<Doing> {
    let now_us = world.now_us();
    let mut platform = world.platform.borrow_mut();
    let lives = platform.instances.contains_key(id);
    if is_admitted && lives {
        let doing = Doing::Runs { run, since_us: now_us };
        platform.instances.insert(id.clone(), doing);
        platform.n_running += 1;
        platform.waited_us[run] += now_us - platform.queued_since_us[run];
        return Some(doing);
    }
    platform.queued.insert(run);
    if lives {
        platform.instances.insert(id.clone(), Doing::Refuses);
    }
    let mut score = world.score.borrow_mut();
    score.refused += u32::from(!is_admitted);
    // It was let on, and then the instance was not there.
    score.busy_killed += u32::from(is_admitted);
    None
}

fn finish(world: &Rc<World>, id: &InstanceId, run: RunIdx) {
    let mut platform = world.platform.borrow_mut();
    platform.instances.insert(id.clone(), Doing::Asked);
    platform.n_running -= 1;
    platform.n_done += 1;
    platform.is_done[run] = true;
    drop(platform);
    world.score.borrow_mut().work_us += world.runs[run].duration_us;
    publish(world);
    world.run_is_done();
}

/// An instance that serves takes runs.
pub(super) fn on_service(world: &Rc<World>, id: InstanceId) {
    world.platform.borrow_mut().instances.insert(id.clone(), Doing::Asked);
    is_idle(world, &id);
}

fn is_idle(world: &Rc<World>, id: &InstanceId) {
    if set_doing(world, id, Doing::Idle { since_us: world.now_us() }) {
        world.contender.on_idle(world, id);
        dispatch(world);
    }
}

/// Says what an instance does from now on; false when it lives no more.
pub(super) fn set_doing(world: &Rc<World>, id: &InstanceId, doing: Doing) -> bool {
    let mut platform = world.platform.borrow_mut();
    let known = platform.instances.get_mut(id);
    known.map(|it| *it = doing).is_some()
}

/// An instance goes, and with it whatever runs there.
pub(super) fn on_end(world: &Rc<World>, id: &InstanceId) {
    let mut platform = world.platform.borrow_mut();
    if let Some(Doing::Runs { run, since_us }) = platform.instances.remove(id) {
        platform.n_running -= 1;
        platform.enqueue(run, world.now_us());
        drop(platform);
        let mut score = world.score.borrow_mut();
        score.busy_killed += 1;
        score.rework_us += world.now_us() - since_us;
        drop(score);
        publish(world);
    }
}
