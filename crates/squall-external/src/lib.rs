//! Programs in any language as workers: processes that are spoken to under the contract of
//! [`squall_workloads::external`], kept within limits, and ended whole.
//!
//! It decides nothing about items: what is asked of which worker, and what a failure means, is the workload's.

mod check;
mod conversation;
mod lines;
mod process;
mod programs;
mod time;
mod usage;

pub use check::{Finding, Verdict, check};
pub use programs::{CommandsAllowed, Programs, Settings};

#[cfg(test)]
mod tests;
