//! A job's life, decision by decision: it arrives, its tasks are admitted, it closes, and may be reopened.

mod admission;
mod arrival;
mod closing;
mod merging;
mod queue;
mod resend;

pub use admission::{Admission, plan_admission};
pub use arrival::{Arrival, plan_arrival};
pub use closing::{Closing, is_failing, plan_closing, plan_ending};
pub use merging::{Merging, plan_merge};
pub use queue::{Ahead, ahead_of};
pub use resend::{NotResent, Resend, ResendRequest, plan_resend};

#[cfg(test)]
mod tests;
