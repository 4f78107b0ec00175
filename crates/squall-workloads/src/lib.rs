//! The computations that ship with Squall, one module each, and the registry of them.
//!
//! Workloads see numbers and bytes: never the network, the file system, the environment or a clock.

pub mod external;
pub mod logscan;
pub mod portfolio;
pub mod probe;
mod quotes;
mod reading;

use squall_core::registry::Registry;

/// Every workload that ships.
pub fn registry() -> Registry {
    Registry::default()
        .with::<external::External>()
        .with::<logscan::LogScan>()
        .with::<portfolio::PortfolioRisk>()
        .with::<probe::Probe>()
}

#[cfg(test)]
mod tests;
