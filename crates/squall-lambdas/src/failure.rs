//! How a failure leaves a function: reported once, in full, and with a stable kind.

use std::error::Error;
use std::fmt;

use lambda_runtime::Diagnostic;
use squall_capacity::steps::StepError;
use squall_core::ports::{PortError, chain};

/// Why an invocation has no response.
///
/// The runtime logs its `Debug` form once and answers with its [`Diagnostic`]; the runtime's own conversion of an error
/// would keep neither the causes nor a usable type.
#[derive(PartialEq, Eq)]
pub struct Failure {
    kind: &'static str,
    message: String,
}

impl Failure {
    /// A failure of a kind, which becomes `errorType`, with all of its causes.
    pub fn new(kind: &'static str, what: impl fmt::Display, error: &dyn Error) -> Self {
        Self { kind, message: format!("{what}: {}", chain(error)) }
    }

    /// A port that failed: of the kind `PortRefused`, `PortUnknown` or `PortPermanent`.
    pub fn port(what: impl fmt::Display, error: &PortError) -> Self {
        Self::new(kind(error), what, error)
    }

    /// A step of a capacity controller that failed: of those kinds, or `Raced` or `NotEnough`.
    pub fn step(what: impl fmt::Display, error: &StepError) -> Self {
        let kind = match error {
            StepError::Port(error) => kind(error),
            StepError::Raced => "Raced",
            StepError::NotEnough { .. } => "NotEnough",
        };
        Self::new(kind, what, error)
    }
}

fn kind(error: &PortError) -> &'static str {
    match error {
        PortError::Refused { .. } => "PortRefused",
        PortError::Unknown { .. } => "PortUnknown",
        PortError::Permanent { .. } => "PortPermanent",
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.kind.to_owned(), error_message: failure.message }
    }
}

#[cfg(test)]
mod tests;
