//! The ports of the local grid: memory, the wall clock, worker threads, a directory.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use squall_core::ports::{Assembled, Clock, InvokeError, Workers};

use super::workers::WorkerPool;
use crate::directory::Directory;
use squall_memory::{GridPorts, Memory};

/// The wall clock, read once at the start: it never goes back.
#[derive(Debug)]
pub struct RealClock {
    started: Instant,
    started_us: u64,
}

impl RealClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock port")]
    pub(super) fn new() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_us: micros(since_1970) }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Clock for RealClock {
    fn now_us(&self) -> u64 {
        self.started_us + micros(self.started.elapsed())
    }

    async fn sleep_until(&self, until_us: u64) {
        let wait_us = until_us.saturating_sub(self.now_us());
        tokio::time::sleep(Duration::from_micros(wait_us)).await;
    }
}

impl Workers for WorkerPool {
    async fn invoke(&self, _stripe: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        self.ask(request).await
    }
}

/// All ports of a step of the local grid.
pub(super) type RealPorts = GridPorts<RealClock, Directory, WorkerPool>;

/// The ports of a worker.
pub(super) type WorkerPorts = Assembled<RealClock, Directory, Memory>;
