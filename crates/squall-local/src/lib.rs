//! The grid in one process, in real time: its ports in memory ([`memory`]), and a stand-in for AWS around its steps
//! ([`LocalGrid`], on threads and with real work).
//!
//! The steps of `squall-grid` run unchanged. The code around them ([`serve()`], [`deliver`]) needs only a [`Host`],
//! which gives each invocation its ports: `squall-sim` provides another, in simulated time and with every fault.

mod directory;
mod host;
pub mod memory;
mod real;
mod serve;

pub use directory::Directory;
pub use host::Host;
pub use real::{Checked, Finished, LocalConfig, LocalGrid, Progress, Stop};
pub use serve::{Lost, ServeConfig, deliver, serve};
