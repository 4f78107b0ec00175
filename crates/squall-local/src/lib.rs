//! The grid in one process, by the wall clock: a stand-in for AWS around its steps ([`LocalGrid`], on threads and with
//! real work), over the ports in memory of `squall-memory`.
//!
//! The steps of `squall-grid` run unchanged. The code around them ([`serve()`], [`deliver`]) needs only a [`Host`],
//! which gives each invocation its ports: `squall-sim` provides another, in simulated time and with injected faults.

mod directory;
mod host;
mod real;
mod serve;

pub use directory::Directory;
pub use host::Host;
pub use real::{Finished, LocalConfig, LocalGrid, Progress, RunError, Stop};
pub use serve::{Lost, ServeConfig, deliver, serve};
