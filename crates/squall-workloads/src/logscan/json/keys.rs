//! The members of a document that say what its records are.

/// What a key of a document says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// It is a list of records, if it is the document's first member.
    Records,
    /// It is a list of records, if the document says which kind of message it is.
    Events,
    /// It is the kind of message.
    Kind,
    Other,
}

impl Key {
    pub(super) fn of(name: &[u8]) -> Self {
        match name.len() {
            7 if name.eq_ignore_ascii_case(b"records") => Self::Records,
            9 if name.eq_ignore_ascii_case(b"logEvents") => Self::Events,
            11 if name == b"messageType" => Self::Kind,
            _ => Self::Other,
        }
    }
}

/// What CloudWatch Logs sends to see whether the receiver is there. Its events are no log's.
pub(super) const CONTROL: &[u8] = b"CONTROL_MESSAGE";
