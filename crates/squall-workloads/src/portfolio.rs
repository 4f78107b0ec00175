//! Values and risk of a portfolio: positions by scenarios, fully revalued.
//!
//! The matrix has a row per position and a column per scenario, after the base and the bumps for Greeks. A value is
//! rounded to a millionth of the report currency and summed as an integer, so a scenario's P&L does not depend on how
//! the matrix was cut. Formats and conventions are in `portfolio.md` beside the manifest.

pub mod ageing;
pub mod columns;
pub mod dates;
pub mod input;
pub mod labels;
pub mod market;
pub mod money;
pub mod partial;
pub mod positions;
pub mod pricing;
pub mod rates;
pub mod report;
pub mod risk;
pub mod sample;
pub mod scenarios;
pub mod shock;
pub mod stencil;
pub mod table;
mod units;
pub mod valuation;
pub mod weights;
mod workload;

pub use workload::{PortfolioRisk, Prepared, Rectangle};
