//! The state between two transitions, and the start of a scenario.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use squall_capacity::events::Activity;
use squall_capacity::ids::InstanceId;
use squall_capacity::launch::Launch;
use squall_capacity::levels::Levels;
use squall_capacity::policy::Policy;

use super::asked::{Ask, Replied, Reply};
use super::design::Step;
use super::world::World;
use crate::fleet::model::GroupSettings;

/// Limits on the events, so that the state space is finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Budget {
    /// Calls that are refused, or executed with their reply lost. A scale-out then gives up, which is the same as dying
    /// there.
    pub(super) faults: u32,
    /// Steps and runners that die.
    pub(super) crashes: u32,
    /// Messages that are delivered twice.
    pub(super) duplicates: u32,
    /// Messages that never arrive.
    pub(super) losses: u32,
    /// Ticks while other work is in progress.
    pub(super) ticks: u32,
    /// Leaps of time while other work is in progress.
    pub(super) waits: u32,
}

/// The initial state, and the possible events.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub(super) policy: Policy,
    pub(super) group: GroupSettings,
    /// Instances in service, known to the ledger and long idle.
    pub(super) n_serving: u32,
    /// Events that were processed long ago.
    pub(super) before: Vec<Activity>,
    /// A launch left behind by a dead scale-out.
    pub(super) launch_left: Option<Launch>,
    /// Events in flight.
    pub(super) events: Vec<Activity>,
    /// Runs that look for an instance.
    pub(super) n_runs: usize,
    /// Leaps of time, microseconds.
    pub(super) leaps_us: Vec<u64>,
    /// The highest need at any time, if that is checked.
    pub(super) most: Option<u32>,
    pub(super) budget: Budget,
}

/// A message in flight.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Message {
    pub(super) event: usize,
    /// Deliveries left; it is dropped after the last one fails.
    pub(super) n_tries: u8,
}

/// An actor in the middle of a step.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) step: Step,
    /// Of its message.
    pub(super) n_tries: u8,
    pub(super) began_us: u64,
    pub(super) replies: Vec<Replied>,
    /// Digest of all the above.
    pub(super) digest: u64,
    /// The call that it is about to make.
    pub(super) asks: Ask,
}

impl Actor {
    pub(super) fn new(step: Step, n_tries: u8, began_us: u64) -> Self {
        let digest = digest(&(&step, n_tries, began_us));
        Self { step, n_tries, began_us, replies: Vec::new(), digest, asks: Ask::Describe }
    }

    pub(super) fn hear(&mut self, now_us: u64, reply: Reply) {
        self.digest = digest(&(self.digest, now_us, &reply));
        self.replies.push((now_us, Arc::new(reply)));
    }
}

fn digest(it: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish()
}

impl PartialEq for Actor {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Actor {}

impl Hash for Actor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

/// The state of a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Run {
    /// It looks for an instance.
    Waiting,
    /// Its runner starts or finishes it.
    Between,
    /// It runs there, and holds the instance until this time, microseconds.
    Running(InstanceId, u64),
    /// It is over, or was refused, or its runner died.
    Over,
}

/// The result once nothing more happens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Rest {
    pub(super) wanted: u32,
    /// The desired capacity before the timer looked.
    pub(super) before_tick: u32,
    /// After it looked once.
    pub(super) after_tick: u32,
    /// Long after: desired, live, live and taking runs.
    pub(super) at_last: [u32; 3],
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) world: World,
    pub(super) messages: Vec<Message>,
    pub(super) actors: Vec<Actor>,
    pub(super) runs: Vec<Run>,
    /// The remaining limits.
    pub(super) budget: Budget,
    /// The levels of all delivered events.
    pub(super) told: Levels,
    /// Whether a tick gave up or died: then only the next one checks for a shortage.
    pub(super) has_tick_died: bool,
    pub(super) rest: Option<Rest>,
}

impl State {
    /// Whether nothing is in progress.
    pub(super) fn is_quiet(&self) -> bool {
        let idle = self.runs.iter().all(|run| matches!(run, Run::Waiting | Run::Over));
        self.rest.is_none() && self.messages.is_empty() && self.actors.is_empty() && idle
    }

    /// The instance of a run that a controller terminated.
    pub(super) fn killed(&self) -> Option<&InstanceId> {
        self.runs.iter().find_map(|run| match run {
            Run::Running(id, until_us) if *until_us > self.world.now_us && self.world.ended.contains(id) => {
                Some(id)
            }
            _ => None,
        })
    }
}
