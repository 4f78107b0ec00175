//! Workers that compute what they are asked, and fail only by what wraps them.

use std::num::NonZeroUsize;
use std::rc::Rc;

use squall_core::ports::{Assembled, InvokeError, Workers};
use squall_grid::{InputCache, ReadPolicy, WorkConfig, work};
use squall_memory::{Memory, MemoryObjects};
use squall_sim_time::SimulatedClock;

/// The step of a worker over ports without faults: it has its own.
pub(super) struct SimulatedWorkers {
    pub(super) ports: Assembled<SimulatedClock, MemoryObjects, Memory>,
    pub(super) inputs: Rc<InputCache>,
}

impl Workers for SimulatedWorkers {
    async fn invoke(&self, _: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let config = WorkConfig {
            n_vcpus: NonZeroUsize::MIN,
            memory_mb: 1_769,
            read: ReadPolicy::default(),
            max_reply_bytes: usize::MAX,
        };
        Ok(work(&self.ports, &self.inputs, &config, &request).await?)
    }
}
