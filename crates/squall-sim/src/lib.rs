//! Seeded simulations: of the grid with injected faults ([`grid`]), and of an Auto Scaling group under its controllers
//! ([`fleet`], with the model check and the simulator of months).
//!
//! Both run the real steps of `squall-grid` and `squall-capacity` unchanged, in simulated time.

pub mod fleet;
pub mod grid;
