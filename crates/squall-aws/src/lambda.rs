//! The workers as Lambda functions.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_lambda::Client as Lambda;
use aws_sdk_lambda::config::Builder;
use aws_sdk_lambda::config::StalledStreamProtectionConfig;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::operation::invoke::InvokeError as SdkInvokeError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use squall_core::cascade::{Throttle, ThrottleReason};
use squall_core::job::brief;
use squall_core::limits;
use squall_core::ports::{InvokeError, PortError, Workers, chain};

use crate::connection::{Client, Connection};
use crate::error::{out_of_descriptors, port_error_of};
use crate::payload::{from_payload, payload_len, to_payload};

mod caller;
mod clients;
mod names;

use caller::{Failed, Returned};
use clients::Clients;
use names::CachedNames;

/// Most bytes of a request's payload. A request is three quarters of that, because it travels in base64.
pub const MAX_PAYLOAD_BYTES: usize = limits::LAMBDA_REQUEST_BYTES;

/// Longest wait for a new connection: hundreds are made at once when a task begins, on one or two vCPUs.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A function runs for so long at most; an answer that is not there soon after will not come.
const READ_TIMEOUT: Duration = Duration::from_secs(limits::LAMBDA_TIMEOUT_S + 5);
/// A connection that was idle for this long is not used again. Without retries an invocation that meets one which the
/// other side has just closed is an attempt lost.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The `errorType` of a worker whose request can never be answered: a missing input, an unknown workload.
pub const WORK_PERMANENT: &str = "WorkPermanent";

/// The identical worker functions that a consumer spreads over.
#[derive(Debug)]
pub struct LambdaWorkers {
    clients: Clients,
    functions: Vec<String>,
}

impl LambdaWorkers {
    /// Functions by name or ARN: stripe `n` is number `n` modulo their number.
    pub fn new(connection: &Connection, functions: Vec<String>) -> Self {
        Self { clients: Clients::new(connection), functions }
    }
}

impl Workers for LambdaWorkers {
    async fn invoke(&self, stripe: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let n_functions = self.functions.len().max(1);
        let Some(function) = self.functions.get(stripe as usize % n_functions) else {
            return Err(InvokeError::Impossible("there are no worker functions".to_owned()));
        };
        let n_bytes = payload_len(request.len());
        if n_bytes > MAX_PAYLOAD_BYTES {
            return Err(InvokeError::Impossible(format!(
                "the request for {function} has {n_bytes} bytes in base64; the limit is {MAX_PAYLOAD_BYTES}"
            )));
        }
        let payload = to_payload(&request);
        drop(request);
        let returned = self.clients.invoke(function, payload).await;
        match answer_of(returned, self.clients.connection(), function) {
            Ok(reply) => from_payload(&reply)
                .map_err(|error| InvokeError::Failed(format!("{function}: {}", chain(&error)))),
            Err(Invocation::Throttled { reason, retry_after_us }) => {
                Err(InvokeError::Throttled(Throttle { reason: throttle_reason(&reason), retry_after_us }))
            }
            Err(Invocation::FunctionError(payload)) => {
                let reason = format!("{function}: {}", function_error(&payload));
                Err(match error_type(&payload).as_deref() {
                    Some(WORK_PERMANENT) => InvokeError::Hopeless(reason),
                    Some("Function.ResponseSizeTooLarge") => InvokeError::ReplyTooLarge(reason),
                    _ => InvokeError::Failed(reason),
                })
            }
            Err(Invocation::Failed(error @ PortError::Permanent { .. })) => {
                Err(InvokeError::Impossible(chain(&error)))
            }
            Err(Invocation::Failed(error @ PortError::Refused { .. })) => {
                Err(InvokeError::NotRun(chain(&error)))
            }
            Err(Invocation::Failed(error)) => Err(InvokeError::Failed(chain(&error))),
        }
    }
}

/// Why a function did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Invocation {
    /// It was refused before it ran.
    #[error("throttled: {reason}")]
    Throttled {
        /// The `Reason` of the 429.
        reason: String,
        /// Its `Retry-After`, microseconds; 0 without one.
        retry_after_us: u64,
    },
    /// It ran, and failed; the payload that it returned, usually `{"errorType": .., "errorMessage": ..}`.
    #[error("the function failed: {0}")]
    FunctionError(String),
    /// It is not known whether it ran (refused or unknown), or it cannot be invoked (permanent).
    #[error(transparent)]
    Failed(PortError),
}

/// A client whose invocations are each one request: the caller counts attempts, and an invocation that is silently
/// repeated runs the function twice.
pub(crate) fn invoke_client(sdk: &SdkConfig) -> Lambda {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
    let http = aws_smithy_http_client::Builder::new()
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build_with_resolver(CachedNames::default());
    let config = Builder::from(sdk)
        .http_client(http)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        // A worker that computes for a minute sends nothing meanwhile, which is not a stalled stream.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    Lambda::from_conf(config.build())
}

/// Invokes a function once, and waits for its answer.
pub(crate) async fn invoke(
    client: &Client<Lambda>,
    function: &str,
    payload: Vec<u8>,
) -> Result<Vec<u8>, Invocation> {
    let request = client.get().await.invoke().function_name(function).payload(Blob::new(payload));
    let returned = request.send().await.map(|reply| Returned {
        payload: reply.payload.map(Blob::into_inner).unwrap_or_default(),
        failed: reply.function_error.is_some(),
    });
    answer_of(returned, client.connection(), function)
}

fn answer_of(
    returned: Result<Returned, Failed>,
    connection: &Connection,
    function: &str,
) -> Result<Vec<u8>, Invocation> {
    match returned {
        Ok(Returned { payload, failed: false }) => Ok(payload),
        Ok(Returned { payload, .. }) => {
            Err(Invocation::FunctionError(String::from_utf8_lossy(&payload).into_owned()))
        }
        Err(error) => Err(failed_invocation(connection, function, error)),
    }
}

/// Sends a function an event, without waiting for the result.
pub(crate) async fn invoke_async(
    client: &Client<Lambda>,
    function: &str,
    payload: Vec<u8>,
) -> Result<(), Invocation> {
    let request = client.get().await.invoke().function_name(function).invocation_type(InvocationType::Event);
    let sent = request.payload(Blob::new(payload)).send().await;
    sent.map(drop).map_err(|error| failed_invocation(client.connection(), function, error))
}

fn failed_invocation(connection: &Connection, function: &str, error: Failed) -> Invocation {
    if let Some(SdkInvokeError::TooManyRequestsException(throttled)) = error.as_service_error() {
        let reason = throttled.reason().map_or("no reason given", |reason| reason.as_str());
        let seconds = throttled.retry_after_seconds().and_then(|seconds| seconds.parse::<f64>().ok());
        return Invocation::Throttled { reason: reason.to_owned(), retry_after_us: micros(seconds) };
    }
    if error.raw_response().is_some_and(|response| response.status().as_u16() == 429) {
        let header = error.raw_response().and_then(|response| response.headers().get("retry-after"));
        let seconds = header.and_then(|seconds| seconds.parse::<f64>().ok());
        return Invocation::Throttled {
            reason: "no reason given".to_owned(),
            retry_after_us: micros(seconds),
        };
    }
    // This process has no room for another connection: fewer in flight is what helps, and nothing was sent.
    if out_of_descriptors(&error) {
        return Invocation::Throttled { reason: "too many open files".to_owned(), retry_after_us: 0 };
    }
    let thing = format!("function {function}");
    Invocation::Failed(port_error_of(connection, format!("invoke {thing}"), thing, error))
}

/// Seconds of a header as microseconds; 0 for none, or for nonsense.
fn micros(seconds: Option<f64>) -> u64 {
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.and_then(|it| u64::try_from(it.as_micros()).ok()).unwrap_or(0)
}

/// The meaning of a 429's `Reason` (<https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>).
fn throttle_reason(reason: &str) -> ThrottleReason {
    match reason {
        "ReservedFunctionConcurrentInvocationLimitExceeded"
        | "ReservedFunctionInvocationRateLimitExceeded"
        | "FunctionInvocationRateLimitExceeded"
        // Snapshots are taken per function version.
        | "ConcurrentSnapshotCreateLimitExceeded" => ThrottleReason::Function,
        "CallerRateLimitExceeded" => ThrottleReason::CallRate,
        // `ConcurrentInvocationLimitExceeded`; and fewer in flight is right for any other reason too.
        _ => ThrottleReason::Concurrency,
    }
}

fn error_type(payload: &str) -> Option<String> {
    let parsed: serde_json::Value = serde_json::from_str(payload).ok()?;
    parsed.get("errorType")?.as_str().map(str::to_owned)
}

/// A failed function's payload in a few words.
fn function_error(payload: &str) -> String {
    let parsed: serde_json::Value = serde_json::from_str(payload).unwrap_or_default();
    let field = |name: &str| parsed.get(name).and_then(|value| value.as_str());
    match (field("errorType"), field("errorMessage")) {
        (Some(kind), Some(message)) => format!("{}: {}", kind, shortened(message)),
        (None, Some(message)) => shortened(message),
        (Some(kind), None) => kind.to_owned(),
        (None, None) => format!("failed with {}", brief(payload)),
    }
}

/// One line of a message, shortened: it is kept with every subtask that failed.
fn shortened(message: &str) -> String {
    const MOST_CHARS: usize = 300;
    let line = message.lines().next().unwrap_or_default();
    if line.chars().count() <= MOST_CHARS {
        return line.to_owned();
    }
    line.chars().take(MOST_CHARS - 3).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests;
