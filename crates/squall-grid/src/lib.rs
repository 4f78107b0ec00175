//! The grid's steps: split, consume, work, collect, close, sweep, take back, observe, resend.
//!
//! A step reads ports, calls a decision of `squall-core`, acts, and returns what it did. It decides nothing itself, and
//! it retries ports only so long that a hiccup does not use up a record's deliveries (`patience`), and streams that refuse (`put`):
//! the event source delivers the message again.

mod close;
mod collect;
mod consume;
mod data;
mod inputs;
mod load;
mod observe;
mod patience;
mod put;
mod resend;
mod span_log;
mod split;
mod sweep;
mod take_back;
mod work;

pub use close::{Ends, announce, close, close_if_due, read_buckets};
pub use collect::{CollectConfig, Collected, collect};
pub use consume::{ConsumeConfig, ConsumeError, Consumed, Metering, consume};
pub use data::ReadPolicy;
pub use inputs::{InputCache, LoadError};
pub use observe::{Observation, observe};
pub use put::{put_result, put_tasks};
pub use resend::{ResendError, Resent, resend};
pub use split::{Checked, Rejection, SplitConfig, SplitOutcome, check, check_some, split};
pub use sweep::{Swept, sweep};
pub use take_back::{TakenBack, take_back};
pub use work::{WorkConfig, WorkError, work};

/// Most bytes that travel inside a row or a record; more go to the blob store.
///
/// An item holds [`DYNAMODB_ITEM_BYTES`](squall_core::limits::DYNAMODB_ITEM_BYTES) with its names, a record
/// [`KINESIS_RECORD_BYTES`](squall_core::limits::KINESIS_RECORD_BYTES). Far less, because many lanes put their results at once, and a shard takes 1 MiB a second.
pub const INLINE_MAX_BYTES: usize = 64 * 1_024;

/// Most bytes of a result that travel on the result stream; a larger one goes to the blob store and its digest travels.
///
/// A record and its partition key together hold [`KINESIS_RECORD_BYTES`](squall_core::limits::KINESIS_RECORD_BYTES).
pub const RESULT_MAX_BYTES: usize = 1_000 * 1_000;

/// Most bytes of a worker's reply that travel in the function's answer; a larger one goes to the blob store and its digest travels.
///
/// An answer holds [`LAMBDA_REPLY_BYTES`](squall_core::limits::LAMBDA_REPLY_BYTES) with the reply in base64, four bytes for three.
pub const REPLY_MAX_BYTES: usize = 4_500_000;

#[cfg(test)]
mod tests;
