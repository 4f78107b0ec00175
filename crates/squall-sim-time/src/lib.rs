//! What every simulation and many tests stand on: simulated time ([`SimulatedClock`]) and numbers from a seed ([`Random`]).
//!
//! Nothing here reads a wall clock or the system's randomness, so that one seed is one history.

mod clock;
mod random;

pub use clock::{SimulatedClock, Stuck, run_until_done};
pub use random::Random;
