//! The policies under comparison, one per file.

mod bound;
mod ours;
mod plain;
mod polling;
mod step;
mod tracking;

pub use bound::ZeroIdle;
pub use ours::Ours;
pub use plain::Plain;
pub use polling::Polling;
pub use step::StepScaling;
pub use tracking::TargetTracking;
