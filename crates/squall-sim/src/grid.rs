//! The grid under simulated time, from a seed, with injected faults: the same steps, and an hour passes in milliseconds.
//!
//! One seed is one history. A failing seed is a test that can be kept.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use futures::future::{Either, join, join_all, select};
use squall_core::job::JobId;
use squall_core::ports::{Clock, JobStore};
use squall_core::registry::Registry;
use squall_core::rows::JobRow;
use squall_grid::{InputCache, LoadError, Observation, observe};
use squall_local::{Host, Lost, ServeConfig, deliver, serve};
use squall_memory::{GridPorts, Memory, MemoryObjects, grid_ports, worker_ports};
use squall_sim_time::{Random, SimulatedClock, Stuck, run_until_done};

mod faulty;
mod limited;
mod slow;
mod workers;
mod wrapped;

pub use faulty::{Faults, Faulty};
pub use limited::{Limited, Limits};
pub use slow::{Latencies, Slow};
pub use wrapped::{Around, Wrapped};

use workers::SimulatedWorkers;

/// The configuration of a simulated grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scenario {
    /// Shards of the task stream.
    pub n_task_shards: u32,
    /// Lanes per shard of it.
    pub lanes_per_task_shard: u32,
    /// Shards of the result stream: collectors that may race.
    pub n_result_shards: u32,
    /// The steps' configuration.
    pub config: ServeConfig,
    /// How long calls take.
    pub latencies: Latencies,
    /// What is refused for being too much.
    pub limits: Limits,
    /// What goes wrong.
    pub faults: Faults,
    /// The seed of the history.
    pub seed: u64,
}

/// A published message.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    /// Its content.
    pub message: &'a [u8],
    /// The id of the job if the message has none.
    pub delivery: &'a JobId,
    /// When it is published, microseconds of simulated time.
    pub at_us: u64,
}

/// The outcome of a simulated job.
pub struct Simulated {
    /// The job when it ended; `None` if no delivery of its message created a row.
    pub observation: Option<Observation>,
    /// The job long after, when all late records have arrived.
    pub settled: Option<JobRow>,
    /// Records that were given up, of any job.
    pub lost: Vec<Lost>,
    /// Whether every delivery of the message failed.
    pub message_given_up: bool,
    /// Simulated time from the publication until the end, microseconds.
    pub took_us: u64,
}

/// Why a simulation has no outcome.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// It hangs.
    #[error(transparent)]
    Stuck(#[from] Stuck),
    /// The answer could not be read back.
    #[error(transparent)]
    Answer(#[from] LoadError),
}

type EveryPort = GridPorts<SimulatedClock, MemoryObjects, SimulatedWorkers>;

/// The ports of an invocation: limits around faults around delays, so that a place is held while a worker computes or hangs.
type SimulatedPorts = Wrapped<Wrapped<Wrapped<EveryPort, Slow>, Faulty>, Limited>;

struct SimulatedGrid {
    memory: Arc<Memory>,
    clock: SimulatedClock,
    inputs: Rc<InputCache>,
    random: Rc<RefCell<Random>>,
    limited: Limited,
    ports: EveryPort,
    scenario: Scenario,
}

impl Host for SimulatedGrid {
    type Ports = SimulatedPorts;

    async fn invocation<T>(&self, step: impl AsyncFnOnce(&SimulatedPorts) -> T) -> Option<T> {
        let (clock, random) = (&self.clock, &self.random);
        let slow = Slow::new(clock.clone(), Rc::clone(random), self.scenario.latencies);
        let faulty = Faulty::new(clock.clone(), Rc::clone(random), self.scenario.faults);
        let life = faulty.life();
        let inner = Wrapped { inner: self.ports.clone(), around: slow };
        let ports = Wrapped { inner: Wrapped { inner, around: faulty }, around: self.limited.clone() };
        let stepping = std::pin::pin!(step(&ports));
        let ended = std::pin::pin!(life.ended());
        match select(stepping, ended).await {
            Either::Left((value, _)) => Some(value),
            Either::Right(_) => None,
        }
    }

    fn clock(&self) -> &impl Clock {
        &self.clock
    }
}

#[expect(clippy::arc_with_non_send_sync, reason = "ports are shared by `Arc`, here on one thread")]
fn grid(scenario: &Scenario, registry: Registry) -> SimulatedGrid {
    let memory = Arc::new(Memory::new(
        scenario.n_task_shards,
        scenario.lanes_per_task_shard,
        scenario.n_result_shards,
    ));
    let clock = SimulatedClock::default();
    let inputs = Rc::new(InputCache::new(registry));
    let (shared_clock, files) = (Arc::new(clock.clone()), Arc::<MemoryObjects>::default());
    let workers = SimulatedWorkers {
        ports: worker_ports(&memory, Arc::clone(&shared_clock), Arc::clone(&files)),
        inputs: Rc::clone(&inputs),
    };
    let ports = grid_ports(&memory, shared_clock, files, Arc::new(workers));
    SimulatedGrid {
        limited: Limited::new(clock.clone(), scenario.limits),
        random: Rc::new(RefCell::new(Random::new(scenario.seed))),
        memory,
        clock,
        inputs,
        ports,
        scenario: *scenario,
    }
}

/// Runs messages through one simulated grid until each has ended, and on until all late records have arrived; the outcomes are in
/// their order.
///
/// # Errors
/// When it hangs, or an answer cannot be read.
pub fn simulate(
    scenario: &Scenario,
    registry: Registry,
    publications: &[Publication<'_>],
) -> Result<Vec<Simulated>, SimulationError> {
    let grid = grid(scenario, registry);
    let lost = RefCell::new(Vec::new());
    let running = async {
        let keep = |record: Lost| lost.borrow_mut().push(record);
        let serving = serve(&grid, &scenario.config, &grid.memory, &grid.inputs, &keep);
        let lives = join_all(publications.iter().map(|it| live(&grid, it)));
        match select(std::pin::pin!(serving), std::pin::pin!(lives)).await {
            Either::Left(((), lives)) => lives.await,
            Either::Right((outcomes, _)) => outcomes,
        }
    };
    let mut lived = run_until_done(&grid.clock, running)?.into_iter().collect::<Result<Vec<_>, _>>()?;
    let lost = lost.into_inner();
    lived.iter_mut().for_each(|it| it.lost.clone_from(&lost));
    Ok(lived)
}

async fn live(grid: &SimulatedGrid, publication: &Publication<'_>) -> Result<Simulated, SimulationError> {
    /// Longer than every timeout, back-off and redelivery of the scenarios.
    const EVERYTHING_LATE_US: u64 = 3_600_000_000;
    /// No deadline of the scenarios is later: whatever still runs then runs for ever.
    const FOR_EVER_US: u64 = 4 * 86_400_000_000;
    /// Longest time between a message and its duplicate.
    const DUPLICATE_US: u64 = 5_000_000;
    let &Publication { message, delivery: id, at_us } = publication;
    let SimulatedGrid { clock, memory, scenario, .. } = grid;
    clock.sleep_until(at_us).await;
    let send = || deliver(grid, &scenario.config, &grid.inputs, message, id);
    let twice = grid.random.borrow_mut().chance(scenario.faults.duplicate);
    let delivered = if twice {
        let again = async {
            let us = grid.random.borrow_mut().below(DUPLICATE_US);
            clock.sleep_until(clock.now_us() + us).await;
            send().await
        };
        let (first, second) = join(send(), again).await;
        first.or(second)
    } else {
        send().await
    };
    let message_given_up = delivered.is_err();
    // A message whose every delivery failed may still have left a row, which the timer ends.
    let stored = async || memory.job(id).await.map_err(LoadError::from);
    let lost = Vec::new();
    if message_given_up && stored().await?.is_none() {
        let took_us = clock.now_us() - at_us;
        return Ok(Simulated { observation: None, settled: None, lost, message_given_up, took_us });
    }
    while stored().await?.is_some_and(|row| row.ending.is_none()) {
        if clock.now_us() > FOR_EVER_US {
            return Err(Stuck { now_us: clock.now_us() }.into());
        }
        clock.sleep_until(clock.now_us() + 100_000).await;
    }
    let ended_us = clock.now_us();
    let observation = observe(&**memory, &grid.inputs, id).await?;
    clock.sleep_until(ended_us + EVERYTHING_LATE_US).await;
    let settled = stored().await?;
    Ok(Simulated { observation, settled, lost, message_given_up, took_us: ended_us - at_us })
}

#[cfg(test)]
mod tests;
