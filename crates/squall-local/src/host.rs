//! The environment in which steps run: it gives each invocation its ports, and may let it die.

use squall_core::ports::{
    BlobStore, Clock, GivenUpStore, JobEvents, JobList, JobStore, Objects, ResultQueue, TaskQueue, Workers,
};

/// Every port of the grid.
pub trait Ports:
    Objects
    + BlobStore
    + GivenUpStore
    + JobStore
    + JobList
    + TaskQueue
    + ResultQueue
    + Workers
    + JobEvents
    + Clock
{
}

impl<T> Ports for T where
    T: Objects
        + BlobStore
        + GivenUpStore
        + JobStore
        + JobList
        + TaskQueue
        + ResultQueue
        + Workers
        + JobEvents
        + Clock
{
}

/// An environment in which steps run.
pub trait Host {
    /// The ports of an invocation.
    type Ports: Ports;

    /// Runs one invocation of a step. `None` when it died before it returned.
    #[expect(async_fn_in_trait, reason = "runs on one thread, never spawned")]
    async fn invocation<T>(&self, step: impl AsyncFnOnce(&Self::Ports) -> T) -> Option<T>;

    /// The clock of the code that delivers.
    fn clock(&self) -> &impl Clock;
}
