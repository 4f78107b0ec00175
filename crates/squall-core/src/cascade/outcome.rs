//! What may become of an invocation, and what it means.

use super::Throttle;
use crate::wire::Cause;

/// The outcome of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A usable answer.
    Answered,
    /// Refused before it ran.
    Throttled(Throttle),
    /// Ran, or may have, and failed in a way that another attempt may not.
    Failed(String),
    /// No reply in time.
    TimedOut(String),
    /// Did not run; another attempt may.
    NotRun(String),
    /// The computation itself has no value: every attempt ends like this.
    Hopeless(String),
    /// Ran, and the reply is too large: so is every one.
    TooLarge(String),
    /// Ran, and failed in a way that every attempt will, whatever the slice.
    Useless(String),
    /// Cannot be invoked at all.
    Impossible(String),
}

/// What a failed invocation means.
pub(super) struct Fault {
    pub(super) reason: String,
    pub(super) cause: Cause,
    /// It ran, or may have: Lambda bills it.
    pub(super) ran: bool,
    /// Another attempt may succeed.
    pub(super) again: bool,
}

impl Outcome {
    pub(super) fn fault(self) -> Option<Fault> {
        let (reason, cause, ran, again) = match self {
            Self::Answered | Self::Throttled(_) => return None,
            Self::Failed(reason) => (reason, Cause::Outage, true, true),
            Self::TimedOut(reason) => (reason, Cause::TooLarge, true, true),
            Self::NotRun(reason) => (reason, Cause::Outage, false, true),
            Self::Hopeless(reason) => (reason, Cause::OfItself, true, false),
            Self::TooLarge(reason) => (reason, Cause::TooLarge, true, false),
            Self::Useless(reason) => (reason, Cause::Outage, true, false),
            Self::Impossible(reason) => (reason, Cause::Outage, false, false),
        };
        Some(Fault { reason, cause, ran, again })
    }
}
