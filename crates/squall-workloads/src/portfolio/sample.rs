//! A synthetic book of any size, with a market and Monte Carlo scenarios: a starting point, and a load test for a grid.
//!
//! Position `i` is a function of the seed and of `i` alone, so a larger sample begins with the smaller one. Figures are
//! rounded before they are written, so the bytes are the same on every machine.

use squall_core::sources::Files;

use market::SampleMarket;

mod columns;
mod draws;
mod job;
mod market;
mod options;
mod positions;
mod rates;
mod universe;

/// The files of a sample, in the order of their names.
pub const FILE_NAMES: [&str; 3] = [JOB, MARKET, POSITIONS];
const JOB: &str = "job.json";
const MARKET: &str = "market.json";
const POSITIONS: &str = "positions.csv";

/// The size and seed of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleRequest {
    /// Positions in the book. A job needs at least one.
    pub n_positions: u32,
    /// Monte Carlo scenarios. A job needs at least one.
    pub n_scenarios: u32,
    /// Seed of the book, market and scenarios.
    pub seed: u64,
}

/// Generates a book, a market and a job that values one against the other; see [`FILE_NAMES`].
///
/// Every hundred positions have every kind among them, and all eight kinds of barrier.
pub fn sample(request: &SampleRequest) -> Files {
    let market = SampleMarket::new(request.seed);
    Files::from([
        (JOB.to_owned(), job::job_json(request, &market).into_bytes()),
        (MARKET.to_owned(), market.json().into_bytes()),
        (POSITIONS.to_owned(), positions::positions_csv(request, &market)),
    ])
}

#[cfg(test)]
mod tests;
