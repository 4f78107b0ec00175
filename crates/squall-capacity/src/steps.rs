//! The steps: read the ports, decide, write the decision down, act, look again. A step may be run twice, at the same time
//! as others, be killed between any two port calls, or have its reply lost.

mod rows;
mod runner;
mod scale_in;
mod scale_out;

pub use rows::StepError;
pub use runner::{Claimed, RunnerError, claim_instance, mark_gone, release_instance, renew_claim};
pub use scale_in::{Ticked, look_for_tick, tick};
pub use scale_out::{Handled, on_event};

#[cfg(test)]
mod tests;
