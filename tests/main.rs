//! What crosses crates: the house's rules, the sample jobs, the command line, and the grid under every fault.

mod cli;
mod faults;
mod steps;
mod tidy;
