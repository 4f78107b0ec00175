//! What there is between two transitions, and what a scenario begins with.

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

/// What happens at most, so that the states come to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Budget {
    /// Calls that are refused, or done and their reply lost. A scale-out gives up then, which is the same as to die there.
    pub(super) faults: u32,
    /// Steps and runners that die.
    pub(super) crashes: u32,
    /// Messages that are delivered and delivered again.
    pub(super) duplicates: u32,
    /// Messages that never arrive.
    pub(super) losses: u32,
    /// Ticks while other things happen.
    pub(super) ticks: u32,
    /// Leaps of time while other things happen.
    pub(super) waits: u32,
}

/// Where the world begins, and what may happen in it.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub(super) policy: Policy,
    pub(super) group: GroupSettings,
    /// Instances in service, known to the ledger and idle for long.
    pub(super) n_serving: u32,
    /// Events that were taken in long ago.
    pub(super) before: Vec<Activity>,
    /// A launch that somebody left behind.
    pub(super) launch_left: Option<Launch>,
    /// Events under way.
    pub(super) events: Vec<Activity>,
    /// Runs that look for an instance.
    pub(super) n_runs: usize,
    /// Leaps of time, microseconds.
    pub(super) leaps_us: Vec<u64>,
    /// The most that anybody ever needs, where that is checked.
    pub(super) most: Option<u32>,
    pub(super) budget: Budget,
}

/// A message under way.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Message {
    pub(super) event: usize,
    /// Deliveries left; after the last one that fails it is dropped.
    pub(super) n_tries: u8,
}

/// Somebody in the middle of a step.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) step: Step,
    /// Of its message.
    pub(super) n_tries: u8,
    pub(super) began_us: u64,
    pub(super) replies: Vec<Replied>,
    /// Of all the above.
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

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Run {
    /// It looks for an instance.
    Waiting,
    /// Its runner starts or finishes it.
    Between,
    /// It runs there, and holds it until then, microseconds.
    Running(InstanceId, u64),
    /// It is over, or was refused, or its runner died.
    Over,
}

/// What it came to when nothing more happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Rest {
    pub(super) wanted: u32,
    /// The desired capacity before the timer looked.
    pub(super) before_tick: u32,
    /// After it looked once.
    pub(super) after_tick: u32,
    /// Long after: desired, alive, alive and taking runs.
    pub(super) at_last: [u32; 3],
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) world: World,
    pub(super) messages: Vec<Message>,
    pub(super) actors: Vec<Actor>,
    pub(super) runs: Vec<Run>,
    /// What of it is left.
    pub(super) budget: Budget,
    /// All that was delivered.
    pub(super) told: Levels,
    /// Whether a tick gave up or died: then only the next one looks whether there is enough.
    pub(super) has_tick_died: bool,
    pub(super) rest: Option<Rest>,
}

impl State {
    /// Whether nothing is under way.
    pub(super) fn is_quiet(&self) -> bool {
        let idle = self.runs.iter().all(|run| matches!(run, Run::Waiting | Run::Over));
        self.rest.is_none() && self.messages.is_empty() && self.actors.is_empty() && idle
    }

    /// A run that we took the instance from.
    pub(super) fn killed(&self) -> Option<&InstanceId> {
        self.runs.iter().find_map(|run| match run {
            Run::Running(id, until_us) if *until_us > self.world.now_us && self.world.ended.contains(id) => {
                Some(id)
            }
            _ => None,
        })
    }
}
