//! Where steps run: a place that gives each invocation its ports, and may let it die.

use squall_core::ports::{BlobStore, Clock, JobEvents, JobStore, Objects, ResultQueue, TaskQueue, Workers};

/// Every port of the grid.
pub trait Ports:
    Objects + BlobStore + JobStore + TaskQueue + ResultQueue + Workers + JobEvents + Clock
{
}

impl<T> Ports for T where
    T: Objects + BlobStore + JobStore + TaskQueue + ResultQueue + Workers + JobEvents + Clock
{
}

/// A place where steps run.
pub trait Host {
    /// What an invocation sees of the world.
    type Ports: Ports;

    /// Runs one invocation of a step. `None` when it died before it returned.
    #[expect(async_fn_in_trait, reason = "runs on one thread, never spawned")]
    async fn invocation<T>(&self, step: impl AsyncFnOnce(&Self::Ports) -> T) -> Option<T>;

    /// Time, for whoever delivers.
    fn clock(&self) -> &impl Clock;
}
