//! The grid's vocabulary and decisions: jobs, slices, tasks, results, the wire, and every choice the grid makes.
//!
//! Nothing here touches the outside world: no async runtime, no clock, no environment, no randomness, no vendor. Time
//! is an argument, a decision is a function of plain data that returns its reason, and the traits in [`ports`] state
//! what the grid needs from outside.

pub mod bundle;
pub mod caps;
pub mod cascade;
pub mod code;
pub mod collate;
pub mod data;
pub mod deployment;
pub mod digest;
pub mod job;
pub mod laws;
pub mod lifecycle;
pub mod limits;
pub mod outbox;
pub mod patience;
pub mod placement;
pub mod ports;
pub mod prices;
pub mod receipt;
pub mod registry;
pub mod rows;
pub mod sizing;
pub mod sources;
pub mod spans;
pub mod uploads;
pub mod visible;
pub mod wire;
pub mod workload;

#[cfg(test)]
mod golden;

pub use squall_ports::split_mix64;
