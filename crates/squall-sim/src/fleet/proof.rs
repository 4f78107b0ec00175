//! The proof: the real steps of the controllers, in every order in which their calls can come, checked by `stateright`.
//!
//! A step is a deterministic function of the replies to its calls. So somebody in the middle of a step is the list of the
//! replies so far (`asked`); the next transition runs the step again with these, and answers the one call that comes then
//! (`world`), or loses the answer, or refuses it, or lets whoever asked die. Around that, messages are delivered in any
//! order, twice, or never; ticks begin; runs look for an instance; time leaps (`model`). When nothing is under way any more
//! the world comes to rest: one tick, and then some long after each other.

mod asked;
mod design;
mod model;
mod mutants;
mod scenarios;
mod state;
mod story;
mod tests;
mod world;
