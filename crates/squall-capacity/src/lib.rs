//! The capacity controllers: they size an Auto Scaling group by its application's own events.
//!
//! Decisions (`plan_*`) are functions of an observation, time included, and state their reason. Steps read the ports,
//! decide, act, write the decision to the journal, and look again. Nothing here knows a vendor, a clock or the grid.
//!
//! Two promises, and what they rest on:
//!
//! * **No update is lost.** An event is written to the ledger, newest level per source, *before* the controller acts on
//!   it; the controller looks at the group again *after* acting, until the group is as large as the ledger requires; and
//!   the timer checks once more. Duplicated, reordered or delayed events merge to the same levels.
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
