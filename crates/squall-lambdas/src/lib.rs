//! What the grid's Lambda functions share: configuration, ports, logs and metrics, and between an event as AWS delivers
//! it and a step of `squall-grid` one handler per function.
//!
//! A handler translates: event to step, outcome to response, log line and metrics. It decides nothing, and it never asks
//! where it runs.

mod boot;
pub mod cascade_worker;
mod config;
mod emf;
mod failure;
pub mod ports;
pub mod result_collector;
pub mod shard_consumer;
pub mod task_splitter;

pub use boot::{Process, start};
pub use config::{CollectorConfig, ConfigError, ConsumerConfig, SplitterConfig, WorkerConfig};
pub use failure::Failure;

#[cfg(test)]
mod tests;
