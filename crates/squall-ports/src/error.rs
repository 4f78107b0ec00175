//! How a call of a port fails.

use std::error::Error;

/// Why a port did not do what it was asked, by what the caller may do about it.
///
/// | kind | was it done? | ask again later? |
/// |---|---|---|
/// | [`Refused`](PortError::Refused) | no | may help |
/// | [`Unknown`](PortError::Unknown) | perhaps | may help |
/// | [`Permanent`](PortError::Permanent) | no | does not help |
///
/// An adapter that cannot tell `Refused` from `Unknown` says `Unknown`.
///
/// ```
/// use squall_ports::PortError;
///
/// /// What a caller does that holds a reservation for the call.
/// fn next(error: &PortError) -> &'static str {
///     match error {
///         PortError::Refused { .. } => "release the reservation, try again later",
///         PortError::Unknown { .. } => "keep the reservation, try again under the same token",
///         PortError::Permanent { .. } => "release the reservation, give up",
///     }
/// }
///
/// let error = PortError::refused("cannot launch 3 instances: no capacity");
/// assert_eq!(next(&error), "release the reservation, try again later");
/// assert!(!error.may_be_done() && !error.is_permanent());
/// ```
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The service answered that it did not do it, or was never reached: it throttles, has no capacity, is busy with a
    /// conflicting change. Asking again later may do.
    #[error("{what}")]
    Refused {
        /// What was asked: a verb and its object.
        what: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// There is no answer, or one that does not tell: it may have been done. Asking again later may do.
    #[error("{what}")]
    Unknown {
        /// What was asked: a verb and its object.
        what: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// It was not done, and asking again will not do.
    #[error("{what}")]
    Permanent {
        /// What was asked: a verb and its object.
        what: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl PortError {
    /// It was not done; asking again later may do.
    pub fn refused(what: impl Into<String>) -> Self {
        Self::Refused { what: what.into(), source: None }
    }

    /// It may have been done; asking again later may do.
    pub fn unknown(what: impl Into<String>) -> Self {
        Self::Unknown { what: what.into(), source: None }
    }

    /// It was not done, and asking again will not do.
    pub fn permanent(what: impl Into<String>) -> Self {
        Self::Permanent { what: what.into(), source: None }
    }

    /// The same error with its cause.
    ///
    /// ```
    /// use squall_ports::{PortError, chain};
    ///
    /// let timed_out = std::io::Error::from(std::io::ErrorKind::TimedOut);
    /// let error = PortError::unknown("cannot read job march").with_source(timed_out);
    /// assert_eq!(chain(&error), "cannot read job march: timed out");
    /// ```
    #[must_use]
    pub fn with_source(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let (Self::Refused { source, .. } | Self::Unknown { source, .. } | Self::Permanent { source, .. }) =
            &mut self;
        *source = Some(cause.into());
        self
    }

    /// Whether asking again will not do.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Permanent { .. })
    }

    /// Whether what was asked may have been done all the same.
    pub fn may_be_done(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// The same error of a call whose effect an earlier one may have had: what was refused to this one may be done.
    ///
    /// ```
    /// use squall_ports::PortError;
    ///
    /// let throttled = PortError::refused("cannot launch 3 instances: throttled");
    /// assert!(throttled.of_a_repeat().may_be_done());
    /// ```
    #[must_use]
    pub fn of_a_repeat(self) -> Self {
        match self {
            Self::Refused { what, source } => Self::Unknown { what, source },
            other => other,
        }
    }
}

/// An error with all its causes, for people: `Display` of each, which never repeats its source.
///
/// ```
/// use squall_ports::{PortError, chain};
///
/// let error = PortError::refused("cannot list the shards").with_source("connection refused");
/// assert_eq!(chain(&error), "cannot list the shards: connection refused");
/// ```
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
