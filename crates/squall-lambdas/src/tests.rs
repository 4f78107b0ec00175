//! What the handlers' tests share: a grid in memory, and the payloads of `events/`.

pub(crate) mod events;
mod fixtures;
pub(crate) mod grid;
