//! Designs that are in use and known to fail. The checker must find the failure.

mod blind_writes;
mod cooldown_retry;
mod double_decrement;
mod fresh_tokens;
mod protect_after_start;
mod stale_busy;
mod unprotect_below;

pub(super) use blind_writes::BlindWrites;
pub(super) use cooldown_retry::CooldownRetry;
pub(super) use double_decrement::DoubleDecrement;
pub(super) use fresh_tokens::FreshTokens;
pub(super) use protect_after_start::ProtectAfterStart;
pub(super) use stale_busy::StaleBusy;
pub(super) use unprotect_below::UnprotectBelow;

use squall_capacity::events::{Activity, Payload};
use squall_capacity::policy::Policy;

/// The number of instances that one event by itself requires.
fn asked_for(policy: &Policy, event: &Activity) -> u32 {
    match &event.payload {
        Payload::Sessions(n) => policy.standby.instances(*n),
        Payload::Runs { level, .. } => level.total().div_ceil(policy.runs_per_instance.get()),
        Payload::Notice { .. } => 0,
    }
}
