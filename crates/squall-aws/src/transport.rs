//! The AWS calls behind a stand-in for Lambda's event sources: reading streams and topics, invoking functions, and
//! storing records that could not be processed.

mod function;
mod inbox;
mod mappings;
mod on_failure;
mod stream_reader;

pub use crate::lambda::Invocation;
pub use function::Function;
pub use inbox::Inbox;
pub use mappings::{EventSourceMapping, event_source_mapping};
pub use on_failure::OnFailure;
pub use stream_reader::{Page, Position, Shard, StreamReader, StreamRecord};

#[cfg(test)]
mod tests;
