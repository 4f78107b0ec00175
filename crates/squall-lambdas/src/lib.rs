//! The shared parts of the grid's and the capacity controllers' Lambda functions: configuration, ports, logs and
//! metrics, and one handler per function between an event as AWS delivers it and a step of `squall-grid` or
//! `squall-capacity`.
//!
//! A handler translates: event to step, outcome to response, log line and metrics. It decides nothing, and its code
//! does not depend on where it runs.

mod boot;
pub mod calls;
pub mod cascade_worker;
mod config;
mod emf;
mod externals;
mod failure;
mod journal;
pub mod ports;
pub mod result_collector;
pub mod run;
pub mod scale_in;
pub mod scale_out;
pub mod shard_consumer;
pub mod task_splitter;

pub use boot::{Process, start};
pub use config::{
    CapacityConfig, CollectorConfig, ConfigError, ConsumerConfig, SplitterConfig, WorkerConfig,
};
pub use failure::Failure;
pub use journal::LogJournal;

#[cfg(test)]
mod tests;
