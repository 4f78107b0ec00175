//! What the grid and the fleet have in common: how a call of a port fails, what a conditional write came to, time, and how waits
//! are spread.
//!
//! It imports no other crate of the workspace, and never a runtime, a vendor or a clock.
#![expect(async_fn_in_trait, reason = "steps run on whatever executor their binary brings, never spawned")]

use serde::{Deserialize, Serialize};

mod error;
mod jitter;

pub use error::{PortError, chain};
pub use jitter::{SPLIT_MIX64_STEP, jittered, split_mix64};

/// What became of a conditional write.
///
/// ```
/// use squall_ports::Written;
///
/// // A compare-and-swap, as a store of rows with versions does it.
/// fn put(stored: &mut u64, version: u64) -> Written {
///     if *stored + 1 != version {
///         return Written::Raced;
///     }
///     *stored = version;
///     Written::Yes
/// }
///
/// let mut stored = 1;
/// assert_eq!(put(&mut stored, 2), Written::Yes);
/// assert_eq!(put(&mut stored, 2), Written::Raced);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Written {
    /// It was written.
    Yes,
    /// The condition did not hold; nothing was written.
    Raced,
}

/// Time, as an argument.
///
/// ```
/// use std::cell::Cell;
///
/// use squall_ports::Clock;
///
/// /// Simulated time: it passes when a caller sleeps.
/// struct Simulated(Cell<u64>);
///
/// impl Clock for Simulated {
///     fn now_us(&self) -> u64 {
///         self.0.get()
///     }
///
///     async fn sleep_until(&self, until_us: u64) {
///         self.0.set(self.0.get().max(until_us));
///     }
/// }
///
/// let clock = Simulated(Cell::new(0));
/// futures::executor::block_on(clock.sleep_until(1_000_000));
/// assert_eq!(clock.now_us(), 1_000_000);
/// ```
pub trait Clock {
    /// Microseconds since a fixed moment that all parts of a deployment share (1970 on real clocks).
    fn now_us(&self) -> u64;
    /// Returns once `now_us` is at least `until_us`.
    async fn sleep_until(&self, until_us: u64);
}
