//! Ports that take their time.

use std::cell::RefCell;
use std::rc::Rc;

use squall_core::ports::{Clock, InvokeError, PortError, Workers};
use squall_sim_time::{Random, SimulatedClock};

use super::wrapped::Around;

/// How long calls take, at most, microseconds; each takes between nothing and that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latencies {
    /// The way to a port, and the way back.
    pub port_us: u64,
    /// The way to a worker, and the way back.
    pub worker_us: u64,
    /// The computation of a worker.
    pub computation_us: u64,
}

/// Delays around each call.
#[derive(Clone)]
pub struct Slow {
    clock: SimulatedClock,
    random: Rc<RefCell<Random>>,
    latencies: Latencies,
}

impl Slow {
    /// Delays by this clock, of lengths from this sequence.
    pub fn new(clock: SimulatedClock, random: Rc<RefCell<Random>>, latencies: Latencies) -> Self {
        Self { clock, random, latencies }
    }

    async fn pass(&self, most_us: u64) {
        let us = self.random.borrow_mut().below(most_us);
        self.clock.sleep_until(self.clock.now_us() + us).await;
    }
}

impl Around for Slow {
    async fn before(&self, _: &str) -> Result<(), PortError> {
        self.pass(self.latencies.port_us).await;
        Ok(())
    }

    async fn after(&self, _: &str) -> Result<(), PortError> {
        self.pass(self.latencies.port_us).await;
        Ok(())
    }

    async fn invoke(
        &self,
        inner: &impl Workers,
        stripe: u32,
        request: Vec<u8>,
    ) -> Result<Vec<u8>, InvokeError> {
        self.pass(self.latencies.worker_us).await;
        let reply = inner.invoke(stripe, request).await?;
        self.pass(self.latencies.computation_us).await;
        self.pass(self.latencies.worker_us).await;
        Ok(reply)
    }
}
