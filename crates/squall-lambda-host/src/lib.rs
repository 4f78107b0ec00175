//! Emulates Lambda and its event sources on one machine.
//!
//! [`functions`] implements Lambda's Runtime and Invoke APIs and runs the functions' own binaries as processes.
//! [`pump`] implements the event source mappings of streams against any endpoint, and invokes their functions.
//! [`delivery`] has the rules of such mappings (batches, retries, bisection, records that are too old) as decisions,
//! and the lane that applies them; the streams in memory of `squall-local` deliver through the same lane.

pub mod delivery;
pub mod functions;
pub mod pump;
