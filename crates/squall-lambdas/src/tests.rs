//! Shared by the handlers' tests: a grid and a group in memory, and the payloads of `events/`.

mod deployment;
pub(crate) mod events;
mod fixtures;
pub(crate) mod grid;
pub(crate) mod groups;
mod rubbish;
pub(crate) mod world;
