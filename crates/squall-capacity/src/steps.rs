//! The steps: read the ports, decide, act, write the decision to the journal, look again. A step may run twice, run
//! concurrently with others, be killed between any two port calls, or lose a port's reply.

mod forget;
mod rows;
mod runner;
mod scale_in;
mod scale_out;

pub use forget::{Forgotten, forget_source};
pub use rows::StepError;
pub use runner::{Claimed, RunnerError, claim_instance, mark_gone, release_instance, renew_claim};
pub use scale_in::{Ticked, look_for_tick, tick};
pub use scale_out::{Handled, on_event};

#[cfg(test)]
mod tests;
