//! The fleet's half of AWS: a model of an Auto Scaling group, the controllers' ports in memory around it, a proof of
//! the controllers on it, and a simulator of months.

pub mod memory;
pub mod model;
#[cfg(test)]
mod proof;
pub mod simulate;
