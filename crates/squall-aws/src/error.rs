//! Failed calls to AWS: one sentence for people, and for steps the kind of `PortError`.

use std::error::Error;
use std::fmt::Display;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use squall_core::ports::{PortError, chain};

use crate::connection::Connection;

/// Why a call failed, for people and for steps.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    kind: Kind,
    sentence: String,
}

/// The kinds of [`PortError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Refused,
    Unknown,
    Permanent,
}

impl Problem {
    fn refused(sentence: impl Into<String>) -> Self {
        Self { kind: Kind::Refused, sentence: sentence.into() }
    }

    fn unknown(sentence: impl Into<String>) -> Self {
        Self { kind: Kind::Unknown, sentence: sentence.into() }
    }

    fn permanent(sentence: impl Into<String>) -> Self {
        Self { kind: Kind::Permanent, sentence: sentence.into() }
    }
}

/// The destination of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Whereto {
    region: Option<String>,
    endpoint_url: Option<String>,
    /// The profile that the operator named.
    profile: Option<String>,
}

/// The service's details for the log: its name for the error and the request id for AWS support. The SDK's error is
/// kept for `Debug`, because its `Display` says "service error" and its sources' repeat each other.
#[derive(Debug, thiserror::Error)]
#[error("{summary}")]
struct Answer {
    summary: String,
    error: Box<dyn Error + Send + Sync>,
}

/// A failed call of the SDK as a port error: `cannot <what>: <why>`, where `what` is a verb and its object, such as
/// `read job march from table squall`.
///
/// The kind is that of the SDK's last attempt. A write that must not be done twice does not rely on `Refused`: an
/// earlier attempt may have timed out after it was executed.
pub(crate) fn port_error<E>(
    connection: &Connection,
    what: impl Display,
    error: SdkError<E, HttpResponse>,
) -> PortError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    port_error_of(connection, what, "the requested resource", error)
}

/// The same, with the name of the thing (`table squall`) that may not exist.
pub(crate) fn port_error_of<E>(
    connection: &Connection,
    what: impl Display,
    thing: impl Display,
    error: SdkError<E, HttpResponse>,
) -> PortError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let whereto = whereto(connection, service_of::<E>());
    let Problem { kind, sentence } = problem(&whereto, &thing.to_string(), &error);
    let what = format!("cannot {what}: {sentence}");
    let source: Option<Box<dyn Error + Send + Sync>> = match summary(&error) {
        Some(summary) => Some(Box::new(Answer { summary, error: Box::new(error) })),
        None => None,
    };
    match kind {
        Kind::Refused => PortError::Refused { what, source },
        Kind::Unknown => PortError::Unknown { what, source },
        Kind::Permanent => PortError::Permanent { what, source },
    }
}

/// An answer of a service without the requested thing: it does not exist.
pub(crate) fn absent(
    connection: &Connection,
    service: &str,
    what: impl Display,
    thing: impl Display,
) -> PortError {
    let whereto = whereto(connection, Some(service));
    PortError::permanent(format!("cannot {what}: {}", missing(&whereto, &thing.to_string())))
}

/// The services, by the crates of their errors; each may have an endpoint of its own.
const SERVICES: [(&str, &str); 9] = [
    ("aws_sdk_autoscaling", "Auto Scaling"),
    ("aws_sdk_cloudformation", "CloudFormation"),
    ("aws_sdk_cloudwatch", "CloudWatch"),
    ("aws_sdk_dynamodb", "DynamoDB"),
    ("aws_sdk_kinesis", "Kinesis"),
    ("aws_sdk_lambda", "Lambda"),
    ("aws_sdk_s3", "S3"),
    ("aws_sdk_sns", "SNS"),
    ("aws_sdk_sqs", "SQS"),
];

/// The SDK's id of the service whose error this is; `None` for other errors.
fn service_of<E>() -> Option<&'static str> {
    let (of, _) = std::any::type_name::<E>().split_once("::")?;
    SERVICES.iter().find(|(name, _)| *name == of).map(|(_, id)| *id)
}

fn whereto(connection: &Connection, service: Option<&str>) -> Whereto {
    connection.loaded().map_or_else(Whereto::default, |config| Whereto {
        region: config.region().map(ToString::to_string),
        endpoint_url: connection.endpoint_url(service),
        profile: connection.profile().map(str::to_owned),
    })
}

/// A request that the SDK's builders refuse before sending: it is incomplete, so it can never be sent.
pub(crate) fn unsendable(what: impl Display, error: &dyn Error) -> PortError {
    PortError::permanent(format!("cannot {what}: {}", chain(error)))
}

/// A response that ended early, while it was being read.
pub(crate) fn unreadable(what: impl Display, error: &(dyn Error + 'static)) -> PortError {
    PortError::unknown(format!("cannot {what}: the response ended early: {}", innermost(error)))
}

fn problem<E>(whereto: &Whereto, thing: &str, error: &SdkError<E, HttpResponse>) -> Problem
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            answered(whereto, thing, answer.raw().status().as_u16(), answer.err())
        }
        SdkError::ResponseError(answer) => {
            let status = answer.raw().status().as_u16();
            Problem::unknown(format!("{} sent an unreadable response (HTTP {status})", place(whereto)))
        }
        // No call was made. A region is needed even with an endpoint, to sign.
        _ if whereto.region.is_none() => Problem::permanent(
            "no region is set; set AWS_REGION, or AWS_PROFILE to a profile that has a region",
        ),
        SdkError::ConstructionFailure(_) => Problem::permanent(innermost(error).to_string()),
        SdkError::TimeoutError(_) => Problem::unknown(format!("{} did not answer in time", place(whereto))),
        other => unanswered(whereto, other),
    }
}

/// The service or endpoint that did not answer, or answered with an error.
fn place(whereto: &Whereto) -> String {
    match (&whereto.endpoint_url, &whereto.region) {
        (Some(url), _) => url.clone(),
        (None, Some(region)) => format!("AWS in {region}"),
        (None, None) => "AWS".to_owned(),
    }
}

/// The service's own error. The names of errors are those of the services' references and of
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/CommonErrors.html>.
fn answered(whereto: &Whereto, thing: &str, status: u16, error: &impl ProvideErrorMetadata) -> Problem {
    let code = error.code().unwrap_or_default();
    let message = error.message().unwrap_or(code).trim().trim_end_matches('.');
    match code {
        // Before the status: services return 400 as well as 503 when they are throttling.
        "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "LimitExceededException"
        | "BandwidthLimitExceeded"
        | "SlowDown" => throttled(whereto, code),
        _ if code.contains("Throttl") => throttled(whereto, code),
        _ if status == 429 => throttled(whereto, code),
        "ResourceNotFoundException"
        | "NoSuchBucket"
        | "NoSuchKey"
        | "NotFound"
        | "NotFoundException"
        | "QueueDoesNotExist"
        | "AWS.SimpleQueueService.NonExistentQueue" => Problem::permanent(missing(whereto, thing)),
        "ExpiredToken" | "ExpiredTokenException" => Problem::permanent(
            "the AWS credentials have expired; renew them, for instance with `aws sso login`",
        ),
        "RequestExpired" => Problem::permanent(
            "the AWS credentials have expired, or the clock of this machine is wrong; renew them, for instance with `aws sso login`",
        ),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "InvalidToken"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "AuthFailure" => Problem::permanent(format!("AWS does not accept the credentials: {message}")),
        "AccessDenied" | "AccessDeniedException" | "AuthorizationError" | "UnauthorizedOperation" => {
            // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: 403 instead of 404 without s3:ListBucket.
            let or = if thing.starts_with("s3://") {
                "; or it does not exist, which S3 tells only to readers who may list the bucket"
            } else {
                ""
            };
            Problem::permanent(format!("access denied: {message}{or}"))
        }
        // Another write has the resource, or the transaction was cancelled.
        "ConditionalRequestConflict"
        | "OperationAborted"
        | "ReplicatedWriteConflictException"
        | "ResourceInUseException"
        | "TransactionConflictException"
        // An Auto Scaling group that is busy with another activity.
        | "ResourceContention"
        | "ScalingActivityInProgress"
        // A function that was just deployed, or is waking up after weeks of idleness.
        | "ResourceConflictException"
        | "SnapStartNotReadyException"
        | "SnapStartTimeoutException" => Problem::refused(failed(whereto, status, message)),
        "InternalError"
        | "InternalFailure"
        | "InternalServerError"
        // The first call with the token is still in progress.
        | "IdempotentCallInProgress"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "ServiceUnavailable" => Problem::unknown(failed(whereto, status, message)),
        _ if status >= 500 => Problem::unknown(failed(whereto, status, message)),
        "" => Problem::permanent(format!("{} rejected the request (HTTP {status})", place(whereto))),
        _ => Problem::permanent(message),
    }
}

fn throttled(whereto: &Whereto, code: &str) -> Problem {
    Problem::refused(format!("{} is throttling ({code})", place(whereto)))
}

fn failed(whereto: &Whereto, status: u16, message: &str) -> String {
    let colon = if message.is_empty() { "" } else { ": " };
    format!("{} failed (HTTP {status}){colon}{message}", place(whereto))
}

fn missing(whereto: &Whereto, thing: &str) -> String {
    let region = whereto.region.as_deref().unwrap_or("this region");
    match &whereto.endpoint_url {
        Some(url) => format!("{thing} does not exist in {region} (at {url})"),
        None => format!("{thing} does not exist in {region}"),
    }
}

/// There was no answer: no credentials, or no connection.
fn unanswered(whereto: &Whereto, error: &(dyn Error + 'static)) -> Problem {
    if let Some(error) = cause::<CredentialsError>(error) {
        return uncredited(whereto, error);
    }
    if let Some(url) = whereto.endpoint_url.as_ref().filter(|url| !url.contains("://")) {
        return Problem::permanent(format!(
            "the endpoint {url} is not a URL; it begins with http:// or https://"
        ));
    }
    if out_of_descriptors(error) {
        return Problem::refused(
            "this process has no file descriptor left for another connection".to_owned(),
        );
    }
    let (silence, question) = match &whereto.endpoint_url {
        Some(url) => (format!("nothing answers at {url}"), "is it running?"),
        None => (format!("{} does not answer", place(whereto)), "is the network up?"),
    };
    // A name that is not found has no kind of its own, only hyper's name for the step that failed.
    let text = chain(error);
    if text.contains("dns error") {
        return Problem::refused(match (&whereto.endpoint_url, &whereto.region) {
            (None, Some(region)) => {
                format!("cannot resolve an AWS endpoint in {region}; check the region name and the network")
            }
            _ => format!("{silence} (no such host); is the name right?"),
        });
    }
    let io_kind = cause::<io::Error>(error).map(io::Error::kind);
    let why = match io_kind {
        Some(kind) if kind != io::ErrorKind::Other => kind.to_string(),
        _ if text.contains("timeout") => "timed out".to_owned(),
        _ => innermost(error).to_string(),
    };
    let sentence = format!("{silence} ({why}); {question}");
    match io_kind {
        // No connection, so nothing was sent. Every other failure may be one after sending.
        Some(io::ErrorKind::ConnectionRefused) => Problem::refused(sentence),
        _ => Problem::unknown(sentence),
    }
}

fn uncredited(whereto: &Whereto, error: &CredentialsError) -> Problem {
    // An emulator needs no account. A VPC endpoint is AWS.
    let emulator = whereto.endpoint_url.as_ref().filter(|url| !url.contains(".amazonaws.com"));
    match error {
        CredentialsError::CredentialsNotLoaded(_) | CredentialsError::ProviderError(_)
            if whereto.profile.is_none() && emulator.is_some() =>
        {
            Problem::permanent(
                "no usable AWS credentials were found; `squall dev` writes those of its run to .dev/env, other emulators \
                 take any: AWS_ACCESS_KEY_ID=test and AWS_SECRET_ACCESS_KEY=test",
            )
        }
        CredentialsError::CredentialsNotLoaded(_) => Problem::permanent(match &whereto.profile {
            Some(profile) => format!(
                "profile {profile} has no AWS credentials; check that it is in ~/.aws/config, or run \
                 `aws sso login --profile {profile}`"
            ),
            None => "no AWS credentials were found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
                     AWS_SECRET_ACCESS_KEY, or run `aws sso login`"
                .to_owned(),
        }),
        CredentialsError::ProviderTimedOut(_) => Problem::refused("the AWS credentials provider timed out"),
        other => Problem::permanent(format!(
            "the AWS credentials could not be loaded: {}; check AWS_PROFILE, or run `aws sso login`",
            innermost(other)
        )),
    }
}

/// The service's name for the error and its id for the request, which AWS support asks for.
fn summary<E>(error: &SdkError<E, HttpResponse>) -> Option<String>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let meta = answer.err().meta();
            let request = meta.extra("aws_request_id").map(|id| format!("request {id}"));
            let known: Vec<&str> = [meta.code(), request.as_deref()].into_iter().flatten().collect();
            (!known.is_empty()).then(|| known.join(", "))
        }
        SdkError::ResponseError(_) => Some(innermost(error).to_string()),
        _ => None,
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// The first cause of this type.
fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// Whether the process or the machine has no descriptor left for another connection.
pub(crate) fn out_of_descriptors(error: &(dyn Error + 'static)) -> bool {
    /// `EMFILE` and `ENFILE`, which have no [`io::ErrorKind`] of their own.
    const OUT_OF_DESCRIPTORS: [i32; 2] = [24, 23];
    causes(error)
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.raw_os_error().is_some_and(|code| OUT_OF_DESCRIPTORS.contains(&code)))
}

/// The root cause; the SDK's outer errors say little more than that there is one.
fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    causes(error).last().unwrap_or(error)
}

#[cfg(test)]
mod tests;
