//! Waits out a hiccup of a port within an invocation: a stream delivers a failed batch again at once, and would use up all its
//! deliveries in the seconds that a store takes to come back.

use squall_core::patience::plan_ask_again;
use squall_core::ports::{Clock, PortError};

/// How long an invocation waits for its ports, all calls together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    until_us: u64,
}

impl Patience {
    /// Until `for_us` from now, and for a quarter of the time until `deadline_us` at most.
    pub(crate) fn new(clock: &impl Clock, for_us: u64, deadline_us: u64) -> Self {
        let now_us = clock.now_us();
        let for_us = for_us.min(deadline_us.saturating_sub(now_us) / 4);
        Self { until_us: now_us.saturating_add(for_us) }
    }

    /// One of so many shares of what is left.
    pub(crate) fn share(self, clock: &impl Clock, n_shares: u64) -> Self {
        let now_us = clock.now_us();
        let left_us = self.until_us.saturating_sub(now_us);
        Self { until_us: now_us.saturating_add(left_us / n_shares.max(1)) }
    }

    /// Calls until there is an answer, a permanent error, or no patience left.
    ///
    /// # Errors
    /// The last call's.
    pub(crate) async fn ask<T, E: Temporary>(
        self,
        clock: &impl Clock,
        mut call: impl AsyncFnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let mut n_failed = 0;
        loop {
            let error = match call().await {
                Err(error) if error.is_temporary() => error,
                answer => return answer,
            };
            n_failed += 1;
            let now_us = clock.now_us();
            let again_us = now_us.saturating_add(plan_ask_again(n_failed, now_us));
            if again_us >= self.until_us {
                return Err(error);
            }
            clock.sleep_until(again_us).await;
        }
    }
}

/// An error after which the same call may succeed.
pub(crate) trait Temporary {
    /// Whether this one is.
    fn is_temporary(&self) -> bool;
}

impl Temporary for PortError {
    fn is_temporary(&self) -> bool {
        !self.is_permanent()
    }
}

#[cfg(test)]
mod tests;
