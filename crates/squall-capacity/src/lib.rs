//! The capacity controllers: what keeps an Auto Scaling group as large as its application's own events say.
//!
//! Decisions (`plan_*`) are functions of what was seen, time included, and say why. Steps read the ports, decide, write
//! the decision to the journal, act, and look again. Nothing here knows a vendor, a clock or the grid.
//!
//! Two promises, and what they rest on:
//!
//! * **No update is lost.** An event is written to the ledger, newest level per source, *before* anything is done about
//!   it; the group is looked at again *after* something was done, until it is as large as the ledger says; and the timer
//!   looks once more. However events are doubled, reordered or delayed, they merge to the same levels.
//! * **No busy instance is killed.** A run claims its instance and the controller drains it by conditional writes on the
//!   same row, so exactly one of them wins; only instances that were drained are terminated, by their id.

pub mod claims;
pub mod demand;
pub mod doctor;
pub mod events;
pub mod group;
pub mod ids;
pub mod journal;
mod json;
pub mod launch;
pub mod levels;
pub mod policy;
pub mod ports;
pub mod scale_in;
pub mod scale_out;
#[cfg(test)]
mod seen;
pub mod steps;
