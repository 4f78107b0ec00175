//! What each policy does.

pub(super) mod bound;
pub(super) mod ours;
pub(super) mod plain;
pub(super) mod polling;
pub(super) mod step;
pub(super) mod tracking;
