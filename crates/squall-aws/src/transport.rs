//! What plays Lambda's event sources needs of AWS: reading streams and topics, invoking functions, and a place for what
//! could not be processed.

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
