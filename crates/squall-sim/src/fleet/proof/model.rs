//! The transitions: every possible next event, one at a time.

use std::collections::{BTreeSet, HashMap};
use std::marker::PhantomData;
use std::sync::Mutex;

use squall_capacity::claims::InstanceRow;
use squall_capacity::demand::demand;
use stateright::{Model, Property};

use super::asked::{Ask, Reply};
use super::design::{Design, Progress, Step, progress};
use super::state::{Actor, Message, Rest, Run, Scenario, State};
use super::world::World;
use crate::fleet::model::GroupModel;

/// Deliveries of a message: the first, and two more, as Lambda does.
const N_TRIES: u8 = 3;
/// Longer than any wait of the policies here, microseconds.
const LONG_US: u64 = 2_000_000_000;

pub(super) const ENOUGH: &str = "at rest there is as much as is wanted";
pub(super) const ENOUGH_BY_EVENTS: &str = "there is as much as is wanted without another tick";
pub(super) const SPARED: &str = "no controller takes a run's instance";
pub(super) const IDLE_GOES: &str = "unwanted instances go, and wanted ones stay";
pub(super) const BOUNDED: &str = "the bounds hold";
pub(super) const ONCE: &str = "no launch happens twice";

/// A transition. Numbers are indices of the state's actors, messages and runs; a choice is the group's victim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Deliver { message: usize, again: bool },
    Lose { message: usize },
    Call { actor: usize, choice: u64 },
    CallUnheard { actor: usize, choice: u64 },
    Refuse { actor: usize },
    Shortage { actor: usize },
    Crash { actor: usize },
    Tick,
    Dispatch { run: usize, to: usize },
    Finish { run: usize },
    CrashRun { run: usize },
    Wait { leap: usize, choice: u64 },
    Rest,
}

/// A scenario under a design.
pub(super) struct Proof<D> {
    pub(super) scenario: Scenario,
    /// The progress of steps, by the digest of their replies.
    known: Mutex<HashMap<u64, Progress>>,
    /// The violated properties: the checker keeps the last state of many, and the first one has the shortest story.
    found: Mutex<BTreeSet<&'static str>>,
    design: PhantomData<fn() -> D>,
}

impl<D: Design> Proof<D> {
    pub(super) fn new(scenario: Scenario) -> Self {
        Self { scenario, known: Mutex::default(), found: Mutex::default(), design: PhantomData }
    }

    fn holds(&self, property: &'static str, holds: bool) -> bool {
        holds || !self.found.lock().unwrap().insert(property)
    }

    fn progress(&self, actor: &Actor) -> Progress {
        if let Some(known) = self.known.lock().unwrap().get(&actor.digest) {
            return known.clone();
        }
        let Scenario { policy, events, .. } = &self.scenario;
        let now = progress::<D>(&actor.step, policy, events, actor.began_us, &actor.replies);
        self.known.lock().unwrap().insert(actor.digest, now.clone());
        now
    }

    fn begin(&self, state: &mut State, step: Step, n_tries: u8) {
        self.go_on(state, Actor::new(step, n_tries, state.world.now_us));
    }

    /// Whether nothing can change the requested value, so that the time of the read does not matter.
    fn is_settled(&self, ask: &Ask) -> bool {
        let Scenario { n_serving, n_runs, budget, .. } = &self.scenario;
        matches!(ask, Ask::Instances | Ask::Instance(_))
            && *n_serving == 0
            && *n_runs == 0
            && budget.ticks == 0
    }

    fn go_on(&self, state: &mut State, mut actor: Actor) {
        let (is_done, until_us) = match self.progress(&actor) {
            Progress::Asks(ask) if self.is_settled(&ask) => {
                actor.hear(state.world.now_us, state.world.answer(&ask, 0));
                return self.go_on(state, actor);
            }
            Progress::Asks(ask) => {
                actor.asks = ask;
                state.actors.push(actor);
                state.actors.sort_by(|a, b| (&a.step, a.digest).cmp(&(&b.step, b.digest)));
                return;
            }
            Progress::Done(until_us) => (true, until_us),
            Progress::Failed => (false, 0),
        };
        match actor.step {
            Step::Start(run, id) if is_done => state.runs[run] = Run::Running(id, until_us),
            Step::Start(run, _) | Step::Finish(run, _) => state.runs[run] = Run::Over,
            Step::OnEvent(_) if !is_done => retry(state, &actor),
            Step::Tick => state.has_tick_died |= !is_done,
            Step::OnEvent(_) => {}
        }
    }

    fn hear(&self, state: &mut State, n: usize, reply: Reply) {
        let mut actor = state.actors.remove(n);
        actor.hear(state.world.now_us, reply);
        self.go_on(state, actor);
    }

    /// The application's need according to all delivered events, within the bounds.
    fn wanted(&self, state: &State, world: &World) -> u32 {
        let wanted = demand(&self.scenario.policy, &state.told, world.now_us).wanted();
        wanted.clamp(self.scenario.group.min, self.scenario.group.max)
    }

    /// An undisturbed tick; `tell` receives its calls.
    pub(super) fn tick(&self, world: &mut World, mut tell: impl FnMut(&Ask, &Reply, &World)) {
        let mut actor = Actor::new(Step::Tick, 0, world.now_us);
        while let Progress::Asks(ask) = self.progress(&actor) {
            let reply = world.answer(&ask, 0);
            tell(&ask, &reply, world);
            actor.hear(world.now_us, reply);
        }
    }

    fn rest(&self, state: &State) -> Rest {
        let mut world = state.world.clone();
        let before_tick = world.group.desired();
        self.tick(&mut world, |_, _, _| {});
        let wanted = self.wanted(state, &world);
        let after_tick = world.group.desired();
        for _ in 0..5 {
            world.wait(LONG_US, 0);
            self.tick(&mut world, |_, _, _| {});
        }
        world.wait(LONG_US, 0);
        let at_last = [world.group.desired(), world.group.n_live(), world.n_usable()];
        Rest { wanted, before_tick, after_tick, at_last }
    }
}

/// Ends the runners whose instance is gone.
fn bury(state: &mut State) {
    let State { world, actors, runs, .. } = state;
    actors.retain(|actor| match &actor.step {
        Step::Start(run, id) | Step::Finish(run, id) if !world.group.instances().contains_key(id) => {
            runs[*run] = Run::Over;
            false
        }
        _ => true,
    });
}

fn retry(state: &mut State, actor: &Actor) {
    if let Step::OnEvent(event) = actor.step
        && actor.n_tries > 1
    {
        state.messages.push(Message { event, n_tries: actor.n_tries - 1 });
        state.messages.sort();
    }
}

impl<D: Design> Model for Proof<D> {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let Scenario { group, n_serving, before, events, n_runs, budget, .. } = &self.scenario;
        let mut world = World::new(GroupModel::new(group.clone()));
        world.group.set_desired(*n_serving, false, world.now_us, &mut |_| 0).unwrap();
        world.wait(LONG_US, 0);
        for id in world.serving() {
            world.rows.insert(id.clone(), InstanceRow::new(id, world.now_us));
        }
        for event in before {
            world.levels.record(event);
            world.levels.version += 1;
        }
        world.wait(LONG_US, 0);
        let messages = (0..events.len()).map(|event| Message { event, n_tries: N_TRIES }).collect();
        let runs = vec![Run::Waiting; *n_runs];
        let told = world.levels.clone();
        world.levels.launch = self.scenario.launch_left.clone();
        vec![State {
            world,
            messages,
            actors: Vec::new(),
            runs,
            budget: *budget,
            told,
            has_tick_died: false,
            rest: None,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.rest.is_some() {
            return;
        }
        let budget = &state.budget;
        for (n, actor) in state.actors.iter().enumerate() {
            let n_choices = if actor.asks.may_shrink() { state.world.n_choices() } else { 1 };
            for choice in 0..n_choices {
                actions.push(Action::Call { actor: n, choice });
                if budget.faults > 0 && !actor.asks.is_read() {
                    actions.push(Action::CallUnheard { actor: n, choice });
                }
            }
            if budget.faults > 0 && !actor.asks.is_read() {
                actions.push(Action::Refuse { actor: n });
            }
            if budget.faults > 0 && matches!(actor.asks, Ask::Launch(..)) {
                actions.push(Action::Shortage { actor: n });
            }
            if budget.crashes > 0 {
                actions.push(Action::Crash { actor: n });
            }
        }
        for (message, is) in state.messages.iter().enumerate() {
            actions.push(Action::Deliver { message, again: false });
            if budget.duplicates > 0 {
                actions.push(Action::Deliver { message, again: true });
            }
            if budget.losses > 0 && is.n_tries == N_TRIES {
                actions.push(Action::Lose { message });
            }
        }
        let n_serving = state.world.serving().len();
        for (run, is) in state.runs.iter().enumerate() {
            match is {
                Run::Waiting => actions.extend((0..n_serving).map(|to| Action::Dispatch { run, to })),
                Run::Running(..) => {
                    actions.push(Action::Finish { run });
                    if budget.crashes > 0 {
                        actions.push(Action::CrashRun { run });
                    }
                }
                Run::Between | Run::Over => {}
            }
        }
        if budget.ticks > 0 {
            actions.push(Action::Tick);
        }
        if budget.waits > 0 {
            for leap in 0..self.scenario.leaps_us.len() {
                actions.extend((0..state.world.n_choices()).map(|choice| Action::Wait { leap, choice }));
            }
        }
        if state.is_quiet() {
            actions.push(Action::Rest);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Deliver { message, again } => {
                let Message { event, n_tries } = state.messages[message];
                if again {
                    state.budget.duplicates -= 1;
                } else {
                    state.messages.remove(message);
                }
                state.told.record(&self.scenario.events[event]);
                self.begin(&mut state, Step::OnEvent(event), n_tries);
            }
            Action::Lose { message } => {
                state.budget.losses -= 1;
                state.messages.remove(message);
            }
            Action::Call { actor, choice } => {
                let reply = state.world.answer(&last.actors[actor].asks, choice);
                self.hear(&mut state, actor, reply);
            }
            Action::CallUnheard { actor, choice } => {
                state.budget.faults -= 1;
                state.world.answer(&last.actors[actor].asks, choice);
                self.hear(&mut state, actor, Reply::Unknown);
            }
            Action::Refuse { actor } => {
                state.budget.faults -= 1;
                self.hear(&mut state, actor, Reply::Unknown);
            }
            Action::Shortage { actor } => {
                state.budget.faults -= 1;
                let available = state.world.group.settings.available.replace(0);
                let reply = state.world.answer(&last.actors[actor].asks, 0);
                state.world.group.settings.available = available;
                self.hear(&mut state, actor, reply);
            }
            Action::Crash { actor } => {
                state.budget.crashes -= 1;
                let actor = state.actors.remove(actor);
                match actor.step {
                    Step::Start(run, _) | Step::Finish(run, _) => state.runs[run] = Run::Over,
                    Step::OnEvent(_) => retry(&mut state, &actor),
                    Step::Tick => state.has_tick_died = true,
                }
            }
            Action::Tick => {
                state.budget.ticks -= 1;
                self.begin(&mut state, Step::Tick, 0);
            }
            Action::Dispatch { run, to } => {
                let id = state.world.serving()[to].clone();
                state.runs[run] = Run::Between;
                self.begin(&mut state, Step::Start(run, id), 0);
            }
            Action::Finish { run } => {
                let Run::Running(id, _) = state.runs[run].clone() else { return None };
                state.runs[run] = Run::Between;
                self.begin(&mut state, Step::Finish(run, id), 0);
            }
            Action::CrashRun { run } => {
                state.budget.crashes -= 1;
                state.runs[run] = Run::Over;
            }
            Action::Wait { leap, choice } => {
                state.budget.waits -= 1;
                state.world.wait(self.scenario.leaps_us[leap], choice);
            }
            Action::Rest => state.rest = Some(self.rest(last)),
        }
        bury(&mut state);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ENOUGH, |proof: &Self, state: &State| {
                proof.holds(ENOUGH, state.rest.as_ref().is_none_or(|it| it.after_tick >= it.wanted))
            }),
            Property::always(ENOUGH_BY_EVENTS, |proof: &Self, state: &State| {
                let is_enough = state.rest.as_ref().is_none_or(|it| it.before_tick >= it.wanted);
                proof.holds(ENOUGH_BY_EVENTS, state.has_tick_died || is_enough)
            }),
            Property::always(SPARED, |proof: &Self, state: &State| {
                proof.holds(SPARED, state.killed().is_none())
            }),
            Property::always(IDLE_GOES, |proof: &Self, state: &State| {
                proof.holds(IDLE_GOES, state.rest.as_ref().is_none_or(|it| it.at_last == [it.wanted; 3]))
            }),
            Property::always(BOUNDED, |proof: &Self, state: &State| {
                let group = &state.world.group;
                let bounds = group.settings.min..=group.settings.max;
                proof.holds(BOUNDED, bounds.contains(&group.desired()) && !state.world.out_of_bounds)
            }),
            Property::always(ONCE, |proof: &Self, state: &State| {
                let most = proof.scenario.most.unwrap_or(u32::MAX);
                proof.holds(ONCE, state.world.group.desired() <= most)
            }),
        ]
    }
}
