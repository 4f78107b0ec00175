//! The proof: the controllers' real steps, in every possible order of their calls, checked by `stateright`.
//!
//! A step is a deterministic function of the replies to its calls. So an actor in the middle of a step is the list of
//! the replies so far (`asked`); the next transition runs the step again with these, and answers its next call
//! (`world`), or loses the answer, or refuses it, or lets the actor die. Around that, messages are delivered in any
//! order, twice, or never; ticks begin; runs look for an instance; time leaps (`model`). When nothing is in progress
//! any more, the world settles: one tick, then several more, far apart.

mod asked;
mod design;
mod model;
mod mutants;
mod scenarios;
mod state;
mod story;
mod tests;
mod world;
