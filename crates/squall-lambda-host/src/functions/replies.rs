//! Replies to callers when there is no answer, in the words of AWS.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::{Value, json};
use squall_core::limits;

use super::plans::Reason;

/// Largest request of a synchronous invocation, bytes.
pub(super) const SYNC_REQUEST_LIMIT: usize = limits::LAMBDA_REQUEST_BYTES;

/// Largest asynchronous event, bytes.
pub(super) const EVENT_LIMIT: usize = limits::LAMBDA_EVENT_BYTES;

/// Largest response, bytes.
pub(super) const RESPONSE_LIMIT: usize = limits::LAMBDA_REPLY_BYTES;

/// Why an invocation did not happen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such function, version or alias.
    NoFunction {
        /// The requested ARN.
        arn: String,
    },
    /// No concurrency is left.
    Throttled(Reason),
    /// The request's payload is too large for a synchronous invocation.
    RequestTooLarge,
    /// The request's payload is too large for an event.
    EventTooLarge {
        /// Its size, bytes.
        size: usize,
    },
    /// The payload is not JSON.
    NotJson {
        /// The place and the reason.
        reason: String,
    },
    /// There is no such invocation type.
    NoSuchType {
        /// The requested type.
        given: String,
    },
    /// The API has no such operation here.
    NoOperation,
    /// The host failed.
    Internal {
        /// The reason.
        reason: String,
    },
}

impl Refusal {
    /// The status of the response.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoFunction { .. } | Self::NoOperation => StatusCode::NOT_FOUND,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::RequestTooLarge | Self::EventTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson { .. } | Self::NoSuchType { .. } => StatusCode::BAD_REQUEST,
            Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The name of the exception.
    pub(super) fn error_type(&self) -> &'static str {
        match self {
            Self::NoFunction { .. } => "ResourceNotFoundException",
            Self::Throttled(_) => "TooManyRequestsException",
            Self::RequestTooLarge | Self::EventTooLarge { .. } => "RequestTooLargeException",
            Self::NotJson { .. } => "InvalidRequestContentException",
            Self::NoSuchType { .. } => "InvalidParameterValueException",
            Self::NoOperation => "UnknownOperationException",
            Self::Internal { .. } => "ServiceException",
        }
    }

    /// The body of the response, JSON.
    pub(super) fn body(&self) -> Bytes {
        let user = |message: String| json!({"Type": "User", "message": message});
        let body: Value = match self {
            Self::NoFunction { arn } => {
                let message = format!("Function not found: {arn}");
                // `cargo lambda invoke` reads the last two and fails without them.
                json!({
                    "Type": "User", "Message": message, "errorType": self.error_type(), "errorMessage": message,
                })
            }
            Self::Throttled(reason) => {
                json!({"Reason": reason.name(), "Type": "User", "message": "Rate Exceeded."})
            }
            Self::RequestTooLarge => user(format!(
                "Request must be smaller than {SYNC_REQUEST_LIMIT} bytes for the InvokeFunction operation"
            )),
            Self::EventTooLarge { size } => user(format!(
                "{size} byte payload is too large for the Event invocation type (limit {EVENT_LIMIT} bytes)"
            )),
            Self::NotJson { reason } => user(format!("Could not parse request body into json: {reason}")),
            Self::NoSuchType { given } => user(format!(
                "1 validation error detected: Value '{given}' at 'invocationType' failed to satisfy constraint: \
                 Member must satisfy enum value set: [Event, RequestResponse, DryRun]"
            )),
            Self::NoOperation => json!({"message": "no such operation here"}),
            Self::Internal { reason } => json!({"Type": "Service", "Message": reason}),
        };
        body.to_string().into()
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// It exited, with a code.
    Code(i32),
    /// It was killed by a signal.
    Signal(i32),
    /// The status is unknown.
    Unknown,
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Unknown,
        }
    }
}

impl Exit {
    fn told(self) -> String {
        let signal = match self {
            Self::Code(0) | Self::Unknown => return "Runtime exited without providing a reason".to_owned(),
            Self::Code(code) => return format!("Runtime exited with error: exit status {code}"),
            Self::Signal(2) => "interrupt",
            Self::Signal(4) => "illegal instruction",
            Self::Signal(6) => "aborted",
            Self::Signal(7) => "bus error",
            Self::Signal(8) => "floating point exception",
            Self::Signal(9) => "killed",
            Self::Signal(11) => "segmentation fault",
            Self::Signal(13) => "broken pipe",
            Self::Signal(15) => "terminated",
            Self::Signal(number) => return format!("Runtime exited with error: signal: {number}"),
        };
        format!("Runtime exited with error: signal: {signal}")
    }
}

/// Why a function did not answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The runtime reported an error, as JSON.
    Reported(Bytes),
    /// The process ended.
    Exited(Exit),
    /// The time limit of the function passed.
    TimedOut(Duration),
    /// The process did not ask for work in time.
    InitTimedOut(Duration),
    /// The response was too large.
    ResponseTooLarge,
    /// The process could not be started.
    NotStarted {
        /// The bootstrap.
        bootstrap: PathBuf,
        /// The reason.
        error: io::Error,
    },
}

impl Failure {
    /// The payload of the response, JSON.
    pub(super) fn body(&self, request_id: &str) -> Bytes {
        if let Self::Reported(body) = self {
            return body.clone();
        }
        let (error_type, message) = self.told(request_id);
        json!({"errorType": error_type, "errorMessage": message}).to_string().into()
    }

    /// The line that Lambda would write to the function's log; `None` for errors that the runtime logged itself.
    pub(super) fn line(&self, request_id: &str) -> Option<String> {
        match self {
            Self::Reported(_) => None,
            _ => Some(self.told(request_id).1),
        }
    }

    fn told(&self, request_id: &str) -> (&'static str, String) {
        let because = |reason: String| format!("RequestId: {request_id} Error: {reason}");
        match self {
            Self::Reported(body) => ("Unhandled", String::from_utf8_lossy(body).into_owned()),
            Self::Exited(exit) => ("Runtime.ExitError", because(exit.told())),
            Self::TimedOut(limit) => {
                let seconds = limit.as_secs_f64();
                ("Sandbox.Timedout", because(format!("Task timed out after {seconds:.2} seconds")))
            }
            Self::InitTimedOut(limit) => {
                let seconds = limit.as_secs_f64();
                ("Sandbox.Timedout", because(format!("Init timed out after {seconds:.2} seconds")))
            }
            Self::ResponseTooLarge => (
                "Function.ResponseSizeTooLarge",
                format!(
                    "Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
                ),
            ),
            Self::NotStarted { bootstrap, error } => {
                ("Runtime.InvalidEntrypoint", because(format!("fork/exec {}: {error}", bootstrap.display())))
            }
        }
    }
}

#[cfg(test)]
mod tests;
