//! Real time.
#![expect(clippy::disallowed_methods, reason = "this is the clock port of real deployments")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use squall_core::ports::Clock;

/// The machine's clock: microseconds since 1970. All machines of a deployment share it as far as AWS keeps them in
/// step, which is to within milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

impl Clock for WallClock {
    fn now_us(&self) -> u64 {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_1970.as_micros()).unwrap_or(u64::MAX)
    }

    async fn sleep_until(&self, until_us: u64) {
        // A timer may end early by the clock if the clock is set back meanwhile.
        loop {
            let left_us = until_us.saturating_sub(self.now_us());
            if left_us == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_micros(left_us)).await;
        }
    }
}

#[cfg(test)]
mod tests;
