//! The grid in one process, at real pace: its ports in memory ([`memory`]), and what plays AWS around its steps
//! ([`LocalGrid`], on threads and with real work).
//!
//! The steps of `squall-grid` run unchanged. What is around them ([`serve()`], [`deliver`]) needs only a [`Host`], which gives
//! each invocation its ports: `squall-sim` brings another, in simulated time and with every fault.

mod directory;
mod host;
pub mod memory;
mod real;
mod serve;

pub use directory::Directory;
pub use host::Host;
pub use real::{Finished, LocalConfig, LocalGrid, Progress, Stop};
pub use serve::{Deployment, Lost, deliver, serve};
