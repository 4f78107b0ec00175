//! The grid in one process: its ports in memory, and the thing that plays AWS around its steps.
//!
//! Two paces. *Real*: threads and real work ([`LocalGrid`]). *Virtual*: simulated time and every fault, from a seed
//! ([`simulated`]). Both run the steps of `squall-grid` unchanged and share the streams, the store and the delivery
//! rules in [`memory`] and [`delivery`].

pub mod contracts;
pub mod delivery;
mod directory;
pub mod fleet;
pub mod functions;
mod host;
pub mod memory;
pub mod pump;
mod real;
mod serve;
pub mod simulated;

pub use directory::Directory;
pub use host::Host;
pub use real::{Finished, LocalConfig, LocalGrid, Progress, Stop};
pub use serve::{Deployment, Lost, deliver, serve};
