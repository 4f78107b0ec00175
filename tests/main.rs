//! The tests that cross crates: the house rules, the sample jobs, the command line, and the grid under injected faults.
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod aws;
mod binaries;
mod capacity;
mod cli;
mod deployed;
mod emulator;
mod external;
mod external_deployed;
mod external_examples;
mod external_module;
mod fairness;
mod faults;
mod guide;
mod hostile;
mod licences;
mod logs;
mod named_files;
mod operator;
mod own_workload;
mod proxy;
mod runner;
mod shared;
mod stacks;
mod term_life;
mod tidy;
mod unhappy;
mod version;
