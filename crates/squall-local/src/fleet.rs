//! The fleet's side of AWS: a model of an Auto Scaling group, and the controllers' ports in memory around it.

pub mod memory;
pub mod model;

#[cfg(test)]
mod proof;
