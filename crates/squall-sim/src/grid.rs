//! The grid under simulated time, from a seed, with every fault: the same steps, and an hour passes in milliseconds.
//!
//! One seed is one history. A failing seed is a test that can be kept.

use std::cell::RefCell;
use std::rc::Rc;

use futures::future::{Either, join, select};
use squall_core::job::JobId;
use squall_core::ports::{Clock, JobStore};
use squall_core::registry::Registry;
use squall_core::rows::JobRow;
use squall_grid::{InputCache, LoadError, Observation, observe};

use squall_local::memory::Memory;
use squall_local::{Host, Lost, ServeConfig, deliver, serve};
use squall_sim_time::{Random, SimulatedClock, Stuck, run_until_done};

mod chaos;

pub use chaos::Faults;

use chaos::{ChaosPorts, Life, World};

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
    /// What goes wrong.
    pub faults: Faults,
    /// The seed of the history.
    pub seed: u64,
}

/// The outcome of a simulated job.
pub struct Simulated {
    /// The job when it ended; `None` if no delivery of its message created a row.
    pub observation: Option<Observation>,
    /// The job long after, when all late records have arrived.
    pub settled: Option<JobRow>,
    /// Records that were given up.
    pub lost: Vec<Lost>,
    /// Whether every delivery of the message failed.
    pub message_given_up: bool,
    /// Simulated time until the end, microseconds.
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

struct SimulatedGrid(Rc<World>);

impl Host for SimulatedGrid {
    type Ports = ChaosPorts;

    async fn invocation<T>(&self, step: impl AsyncFnOnce(&ChaosPorts) -> T) -> Option<T> {
        let life = Rc::new(Life::default());
        let ports = ChaosPorts { world: Rc::clone(&self.0), life: Rc::clone(&life) };
        let stepping = std::pin::pin!(step(&ports));
        let ended = std::pin::pin!(life.ended());
        match select(stepping, ended).await {
            Either::Left((value, _)) => Some(value),
            Either::Right(_) => None,
        }
    }

    fn clock(&self) -> &impl Clock {
        &self.0.clock
    }
}

/// Runs one message through a simulated grid until its job has ended, and on until all late records have arrived.
///
/// # Errors
/// When it hangs, or the answer cannot be read.
pub fn simulate(
    scenario: &Scenario,
    registry: Registry,
    message: &[u8],
    delivery: &JobId,
) -> Result<Simulated, SimulationError> {
    let world = Rc::new(World {
        memory: Memory::new(scenario.n_task_shards, scenario.lanes_per_task_shard, scenario.n_result_shards),
        clock: SimulatedClock::default(),
        inputs: Rc::new(InputCache::new(registry)),
        faults: scenario.faults,
        random: RefCell::new(Random::new(scenario.seed)),
    });
    let grid = SimulatedGrid(Rc::clone(&world));
    let lost = RefCell::new(Vec::new());
    let clock = world.clock.clone();
    let running = async {
        let keep = |record: Lost| lost.borrow_mut().push(record);
        let serving = serve(&grid, &scenario.config, &world.memory, &world.inputs, delivery, &keep);
        let life = live(&grid, scenario, message, delivery);
        match select(std::pin::pin!(serving), std::pin::pin!(life)).await {
            Either::Left(((), life)) => life.await,
            Either::Right((outcome, _)) => outcome,
        }
    };
    let lived = run_until_done(&clock, running)??;
    Ok(Simulated { lost: lost.into_inner(), ..lived })
}

type Outcome = Result<Simulated, SimulationError>;

async fn live(grid: &SimulatedGrid, scenario: &Scenario, message: &[u8], id: &JobId) -> Outcome {
    /// Longer than every timeout, back-off and redelivery of the scenarios.
    const EVERYTHING_LATE_US: u64 = 3_600_000_000;
    let world = &grid.0;
    let send = || deliver(grid, &scenario.config, &world.inputs, message, id);
    /// No deadline of the scenarios is later: whatever still runs then runs for ever.
    const FOR_EVER_US: u64 = 4 * 86_400_000_000;
    let delivered = if world.chance(world.faults.duplicate) {
        let again = async {
            world.pass(5_000_000).await;
            send().await
        };
        let (first, second) = join(send(), again).await;
        first.or(second)
    } else {
        send().await
    };
    let message_given_up = delivered.is_err();
    // A message whose every delivery failed may still have left a row, which the timer ends.
    let stored = async || world.memory.job(id).await.map_err(LoadError::from);
    let lost = Vec::new();
    if message_given_up && stored().await?.is_none() {
        let took_us = world.clock.now_us();
        return Ok(Simulated { observation: None, settled: None, lost, message_given_up, took_us });
    }
    while stored().await?.is_some_and(|row| row.ending.is_none()) {
        if world.clock.now_us() > FOR_EVER_US {
            return Err(Stuck { now_us: world.clock.now_us() }.into());
        }
        world.clock.sleep_until(world.clock.now_us() + 100_000).await;
    }
    let took_us = world.clock.now_us();
    let observation = observe(&world.memory, &world.inputs, id).await?;
    world.clock.sleep_until(took_us + EVERYTHING_LATE_US).await;
    let settled = stored().await?;
    Ok(Simulated { observation, settled, lost, message_given_up, took_us })
}
