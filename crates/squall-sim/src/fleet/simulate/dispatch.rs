//! The platform: it accepts runs, publishes their number, and hands them to idle instances, first come first served.

use std::rc::Rc;
use std::sync::Arc;

use squall_capacity::events::{Activity, Payload};
use squall_capacity::ids::{InstanceId, SourceId};
use squall_core::ports::Clock;

use super::contender::Contender;
use super::platform::{Doing, RunIdx};
use super::world::{BEGIN_US, News, World};

const MS: u64 = 1_000;
/// Delay from a change to the function's invocation, microseconds: usually, and one time in twenty.
const DELIVERY_US: (u64, u64) = (50 * MS, 600 * MS);
const LATE_US: (u64, u64) = (600 * MS, 2_500 * MS);
const LATE_PER_MILLE: u64 = 50;
/// Events that are delivered twice, per thousand.
const DOUBLE_PER_MILLE: u64 = 10;
/// Lambda retries an event after a failure: after a minute, and after two more.
const AGAIN_US: [u64; 2] = [60_000 * MS, 120_000 * MS];
/// How long an instance that refused a run is not asked again.
const REFUSED_US: u64 = 2_000 * MS;

/// Hands runs to instances under a policy; clones are the same.
#[derive(Clone)]
pub(super) struct Dispatcher {
    pub(super) world: Rc<World>,
    pub(super) contender: Arc<dyn Contender>,
}

impl Dispatcher {
    /// Processes an event of the group.
    pub(super) fn on_news(&self, news: News) {
        match news {
            News::InService(id) => self.on_service(id),
            News::Ended(id) => self.on_end(&id),
            News::AllTold => self.dispatch(),
        }
    }

    /// Submits the runs of the trace.
    pub(super) async fn submit(self) {
        for (run, arrival) in self.world.runs.iter().enumerate() {
            self.world.clock.sleep_until(BEGIN_US + arrival.submit_us).await;
            let mut platform = self.world.platform.borrow_mut();
            platform.enqueue(run, self.world.now_us());
            platform.n_submitted += 1;
            drop(platform);
            self.publish();
            self.contender.on_submit(&self.world);
            self.dispatch();
        }
    }

    /// Publishes the current level.
    fn publish(&self) {
        let mut platform = self.world.platform.borrow_mut();
        platform.n_events += 1;
        let payload = Payload::Runs { level: platform.level(), started: Vec::new(), finished: Vec::new() };
        let Ok(source) = SourceId::new("scheduler") else { return };
        let event = Activity { source, order: platform.n_events, time_us: self.world.now_us(), payload };
        drop(platform);
        self.world.sample();
        if !self.contender.has_events() {
            return;
        }
        let n_deliveries = if self.world.below(1_000) < DOUBLE_PER_MILLE { 2 } else { 1 };
        for _ in 0..n_deliveries {
            self.world.event_begins();
            self.world.tasks.spawn(self.clone().deliver(event.clone()));
        }
    }

    async fn deliver(self, event: Activity) {
        let is_late = self.world.below(1_000) < LATE_PER_MILLE;
        self.world.sleep(self.world.between(if is_late { LATE_US } else { DELIVERY_US })).await;
        for again_us in AGAIN_US.into_iter().map(Some).chain([None]) {
            if self.contender.on_event(&self.world, &event).await {
                break;
            }
            self.world.score.borrow_mut().failed += 1;
            if let Some(us) = again_us {
                self.world.sleep(us).await;
            }
        }
        self.world.event_ends();
    }

    /// Hands queued runs to idle instances, oldest instance first.
    fn dispatch(&self) {
        loop {
            let mut platform = self.world.platform.borrow_mut();
            if platform.queued.is_empty() {
                return;
            }
            let idle = platform.instances.iter().find(|(_, doing)| matches!(doing, Doing::Idle { .. }));
            let Some(id) = idle.map(|(id, _)| id.clone()) else { return };
            let Some(run) = platform.queued.pop_first() else { return };
            platform.instances.insert(id.clone(), Doing::Asked);
            drop(platform);
            self.world.tasks.spawn(self.clone().start(id, run));
        }
    }

    async fn start(self, id: InstanceId, run: RunIdx) {
        let is_admitted = self.contender.admits(&self.world, &id, run).await;
        let Some(doing) = self.begin(&id, run, is_admitted) else {
            self.dispatch();
            self.world.sleep(REFUSED_US).await;
            if self.world.platform.borrow().doing(&id) == Some(Doing::Refuses) {
                self.world
                    .platform
                    .borrow_mut()
                    .set_doing(&id, Doing::Idle { since_us: self.world.now_us() });
            }
            self.dispatch();
            return;
        };
        self.publish();
        self.contender.on_start(&self.world, &id, run);
        self.world.sleep(self.world.runs[run].duration_us).await;
        // It may have died with its instance meanwhile.
        if self.world.platform.borrow().doing(&id) == Some(doing) {
            self.finish(&id, run);
            self.contender.on_done(&self.world, &id, run).await;
            self.is_idle(&id);
        }
    }

    /// The instance's new activity; `None` if the run cannot start there and is queued again.
    fn begin(&self, id: &InstanceId, run: RunIdx, is_admitted: bool) -> Option<Doing> {
        let now_us = self.world.now_us();
        let mut platform = self.world.platform.borrow_mut();
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
        let mut score = self.world.score.borrow_mut();
        score.refused += u32::from(!is_admitted);
        // The run was admitted, and then the instance was gone.
        score.busy_killed += u32::from(is_admitted);
        None
    }

    fn finish(&self, id: &InstanceId, run: RunIdx) {
        let mut platform = self.world.platform.borrow_mut();
        platform.instances.insert(id.clone(), Doing::Asked);
        platform.n_running -= 1;
        platform.n_done += 1;
        platform.is_done[run] = true;
        drop(platform);
        self.world.score.borrow_mut().work_us += self.world.runs[run].duration_us;
        self.publish();
        self.world.run_is_done();
    }

    /// An instance in service starts to take runs.
    fn on_service(&self, id: InstanceId) {
        self.world.platform.borrow_mut().instances.insert(id.clone(), Doing::Asked);
        self.is_idle(&id);
    }

    fn is_idle(&self, id: &InstanceId) {
        let idle = Doing::Idle { since_us: self.world.now_us() };
        let lives = self.world.platform.borrow_mut().set_doing(id, idle);
        if lives {
            self.contender.on_idle(&self.world, id);
            self.dispatch();
        }
    }

    /// An instance is terminated, and its run with it.
    fn on_end(&self, id: &InstanceId) {
        let mut platform = self.world.platform.borrow_mut();
        if let Some(Doing::Runs { run, since_us }) = platform.instances.remove(id) {
            platform.n_running -= 1;
            platform.enqueue(run, self.world.now_us());
            drop(platform);
            let mut score = self.world.score.borrow_mut();
            score.busy_killed += 1;
            score.rework_us += self.world.now_us() - since_us;
            drop(score);
            self.publish();
        }
    }
}
