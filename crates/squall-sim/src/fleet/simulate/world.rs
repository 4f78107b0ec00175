//! The group, time and chance, and their counters.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use squall_capacity::ids::InstanceId;
use squall_core::ports::Clock;

use super::Setting;
use super::platform::Platform;
use super::score::{Calls, Sample, Score};
use super::tasks::Tasks;
use super::trace::{Arrival, Trace};
use crate::fleet::memory::Fleet;
use crate::fleet::model::{EndedBy, GroupModel, GroupSettings, Happened};
use squall_sim_time::{Random, SimulatedClock};

/// Submission time of the first run: the timers have begun by then.
pub(super) const BEGIN_US: u64 = 600_000_000;
/// How long a simulation continues after it should have ended, microseconds.
const PATIENCE_US: u64 = 2 * 86_400_000_000;

/// An event in the group.
pub(super) enum News {
    /// An instance is in service.
    InService(InstanceId),
    /// An instance is gone.
    Ended(InstanceId),
    /// No more events for now.
    AllTold,
}

/// The properties of a policy that determine its world.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reacts {
    /// Whether events wake it, so that one may be lost.
    pub(super) has_events: bool,
    /// Whether instances are protected from launch on.
    pub(super) protects_from_launch: bool,
}

/// Receives the events of a world.
pub(super) type Listener = Box<dyn Fn(&Rc<World>, News)>;

/// The state of one history, for the policies to read and change.
pub struct World {
    pub(super) clock: SimulatedClock,
    pub(super) fleet: Fleet,
    pub(super) tasks: Tasks,
    pub(super) runs: Vec<Arrival>,
    pub(super) platform: RefCell<Platform>,
    pub(super) score: RefCell<Score>,
    pub(super) max: u32,
    random: RefCell<Random>,
    lived_since_us: RefCell<BTreeMap<InstanceId, u64>>,
    /// Times at which the group is looked at again because it changes by itself.
    armed: RefCell<BTreeSet<u64>>,
    /// Events in flight.
    n_events: Cell<u32>,
    /// Whether fewer than wanted are desired, and that was counted.
    is_short: Cell<bool>,
    last_done_us: Cell<u64>,
    is_over: Cell<bool>,
    keeps_samples: bool,
    /// Whether events wake the policy, so that one may be lost.
    has_events: bool,
    listener: Listener,
}

impl World {
    pub(super) fn new(
        trace: &Trace,
        setting: &Setting,
        clock: SimulatedClock,
        reacts: Reacts,
        listener: Listener,
    ) -> Rc<Self> {
        let group = GroupModel::new(GroupSettings {
            max: setting.max,
            boot_us: setting.boot_us,
            protected_from_launch: reacts.protects_from_launch,
            ..GroupSettings::default()
        });
        Rc::new(Self {
            fleet: Fleet::new(group, clock.clone(), setting.seed),
            clock,
            tasks: Tasks::default(),
            platform: RefCell::new(Platform::new(trace.runs.len())),
            runs: trace.runs.clone(),
            score: RefCell::default(),
            max: setting.max,
            // Separate from the group's, so that an additional call leaves the boot times unchanged.
            random: RefCell::new(Random::new(setting.seed ^ 0x00ca_11ed)),
            lived_since_us: RefCell::default(),
            armed: RefCell::default(),
            n_events: Cell::new(0),
            is_short: Cell::new(false),
            last_done_us: Cell::new(0),
            is_over: Cell::new(false),
            keeps_samples: setting.keeps_samples,
            has_events: reacts.has_events,
            listener,
        })
    }

    /// Runs to the end, and returns the score.
    pub(super) async fn run(self: Rc<Self>) -> Score {
        let world = Rc::clone(&self);
        self.tasks.spawn(async move {
            world.clock.sleep_until(world.deadline_us()).await;
            world.is_over.set(true);
        });
        self.tasks.run(|| self.is_over.get()).await;
        let now_us = self.now_us();
        let mut score = self.score.take();
        score.instance_us +=
            self.lived_since_us.take().values().map(|since_us| now_us - since_us).sum::<u64>();
        let (waits_us, unfinished) = self.platform.borrow().waits_us();
        Score { waits_us, unfinished, ..score }
    }

    /// When even a single instance that serves run after run should have finished.
    fn deadline_us(&self) -> u64 {
        let last_us = self.runs.iter().map(|run| run.submit_us).max().unwrap_or(0);
        let longest_us = self.runs.iter().map(|run| run.duration_us).max().unwrap_or(0);
        let work_us: u64 = self.runs.iter().map(|run| run.duration_us).sum();
        BEGIN_US + last_us + 3 * (work_us / u64::from(self.max.max(1)) + longest_us) + PATIENCE_US
    }

    pub(super) fn now_us(&self) -> u64 {
        Clock::now_us(&self.clock)
    }

    pub(super) async fn sleep(&self, us: u64) {
        self.clock.sleep_until(self.now_us() + us).await;
    }

    pub(super) fn below(&self, n: u64) -> u64 {
        self.random.borrow_mut().below(n)
    }

    /// A random duration, microseconds.
    pub(super) fn between(&self, (least_us, most_us): (u64, u64)) -> u64 {
        least_us + self.below(most_us - least_us + 1)
    }

    /// Counts calls.
    pub(super) fn count(&self, calls: Calls) {
        self.score.borrow_mut().calls += calls;
    }

    /// Queued and running runs.
    pub(super) fn wanted(&self) -> u32 {
        self.platform.borrow().level().total()
    }

    /// The number wanted, within the bounds.
    pub(super) fn needed(&self) -> u32 {
        self.wanted().min(self.max)
    }

    /// The desired capacity.
    pub(super) fn desired(&self) -> u32 {
        self.fleet.with_group(|group, _, _| group.desired())
    }

    /// Changes the group at once, and processes the resulting events.
    pub(super) fn change<T>(
        self: &Rc<Self>,
        change: impl FnOnce(&mut GroupModel, u64, &mut dyn FnMut(u64) -> u64) -> T,
    ) -> T {
        let done = self.fleet.with_group(change);
        self.take_in();
        done
    }

    /// A write that should enlarge the group, and a check of the desired capacity after it.
    pub(super) fn raise<T>(self: &Rc<Self>, raise: impl FnOnce() -> T) -> T {
        let before = self.desired();
        let done = raise();
        let after = self.desired();
        if after < before && after < self.needed() {
            self.score.borrow_mut().lost_updates += 1;
            // The same shortage is not counted again while it lasts.
            self.is_short.set(true);
        }
        self.take_in();
        done
    }

    pub(super) fn event_begins(&self) {
        self.n_events.set(self.n_events.get() + 1);
    }

    pub(super) fn event_ends(&self) {
        self.n_events.set(self.n_events.get() - 1);
        self.look_for_losses();
    }

    /// Checks whether fewer are desired than wanted with no change in flight.
    fn look_for_losses(&self) {
        if self.desired() >= self.needed() {
            self.is_short.set(false);
        } else if self.has_events && self.n_events.get() == 0 && !self.is_short.replace(true) {
            self.score.borrow_mut().lost_updates += 1;
        }
    }

    /// Processes the events of the group.
    pub(super) fn take_in(self: &Rc<Self>) {
        let (happened, next_us) =
            self.fleet.with_group(|group, _, _| (group.take_happened(), group.next_us()));
        if let Some(next_us) = next_us.filter(|next_us| self.armed.borrow_mut().insert(*next_us)) {
            let world = Rc::clone(self);
            self.tasks.spawn(async move {
                world.clock.sleep_until(next_us).await;
                world.armed.borrow_mut().remove(&next_us);
                world.take_in();
            });
        }
        let is_news = !happened.is_empty();
        for it in happened {
            match it {
                Happened::Launched(id) => {
                    self.score.borrow_mut().n_launched += 1;
                    self.lived_since_us.borrow_mut().insert(id, self.now_us());
                }
                Happened::InService(id) => (self.listener)(self, News::InService(id)),
                Happened::Ended { id, by, was_booting } => {
                    let since_us = self.lived_since_us.borrow_mut().remove(&id);
                    let lived_us = since_us.map_or(0, |since_us| self.now_us() - since_us);
                    let mut score = self.score.borrow_mut();
                    score.instance_us += lived_us;
                    score.booting_killed += u32::from(was_booting && by != EndedBy::Call);
                    drop(score);
                    (self.listener)(self, News::Ended(id));
                }
            }
        }
        self.look_for_losses();
        if is_news {
            self.sample();
            (self.listener)(self, News::AllTold);
        }
        self.end_when_empty();
    }

    /// Records the size of the group.
    pub(super) fn sample(&self) {
        if !self.keeps_samples {
            return;
        }
        let capacity = self.fleet.with_group(|group, _, _| group.n_live());
        let sample =
            Sample { at_us: self.now_us().saturating_sub(BEGIN_US), capacity, demand: self.wanted() };
        self.score.borrow_mut().samples.push(sample);
    }

    /// A run has finished.
    pub(super) fn run_is_done(&self) {
        self.last_done_us.set(self.now_us());
        self.end_when_empty();
    }

    fn end_when_empty(&self) {
        let has_none = self.platform.borrow().is_done() && self.lived_since_us.borrow().is_empty();
        if has_none && !self.is_over.replace(true) {
            self.score.borrow_mut().to_zero_us = Some(self.now_us() - self.last_done_us.get());
        }
    }
}
