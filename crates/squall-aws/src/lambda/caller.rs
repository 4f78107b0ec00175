//! One signed request for each invocation, and no more: what the SDK's client does besides takes most of a consumer's time.
//!
//! Configuration, providers of credentials, endpoint, signature, connections and errors are the SDK's own. Left out are its retries (the
//! cascade counts attempts, and repeats them), its correction of a wrong clock, and its look at every setting for every request.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_lambda::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_lambda::error::{BoxError, ConnectorError, ErrorMetadata, SdkError};
use aws_sdk_lambda::operation::invoke::InvokeError as SdkInvokeError;
use aws_sdk_lambda::primitives::{ByteStream, SdkBody};
use aws_sdk_lambda::types::ThrottleReason;
use aws_sdk_lambda::types::error::TooManyRequestsException;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use futures::lock::Mutex;
use http::HeaderValue;

use super::names::CachedNames;
use super::{CONNECT_TIMEOUT, IDLE_TIMEOUT, READ_TIMEOUT};
use crate::connection::Connection;

pub(super) type Failed = SdkError<SdkInvokeError, HttpResponse>;

/// What all requests have in common.
#[derive(Debug)]
pub(super) struct Signer {
    /// Where functions are invoked: scheme, host and port.
    endpoint: String,
    region: String,
    keys: Keys,
    time: SharedTimeSource,
    user_agent: String,
}

/// What a function returned.
#[derive(Debug)]
pub(super) struct Returned {
    pub(super) payload: Vec<u8>,
    /// Whether it is an error's description.
    pub(super) failed: bool,
}

impl Signer {
    /// As the configuration says.
    ///
    /// # Errors
    /// When it names no region, no credentials or no endpoint.
    pub(super) async fn new(connection: &Connection) -> Result<Self, Failed> {
        let config = connection.config().await;
        let missing = |what: &str| SdkError::construction_failure(what.to_owned());
        let region = config.region().ok_or_else(|| missing("no region is set"))?.to_string();
        let provider = config.credentials_provider().ok_or_else(|| {
            dispatch(ConnectorError::other(
                CredentialsError::not_loaded("no provider of credentials").into(),
                None,
            ))
        })?;
        let endpoint = endpoint(config, connection.endpoint_url(Some("Lambda")), &region).await?;
        let app = config.app_name().map(|app| format!(" app/{app}")).unwrap_or_default();
        Ok(Self {
            endpoint,
            region,
            keys: Keys::new(provider),
            time: config.time_source().ok_or_else(|| missing("no source of time"))?,
            user_agent: format!("squall/{}{app}", env!("CARGO_PKG_VERSION")),
        })
    }

    /// The signed request for one synchronous invocation.
    async fn request(&self, function: &str, payload: Vec<u8>) -> Result<HttpRequest, Failed> {
        let now = self.time.now();
        let identity =
            self.keys.at(now).await.map_err(|error| dispatch(ConnectorError::other(error.into(), None)))?;
        let uri = format!("{}/2015-03-31/functions/{}/invocations", self.endpoint, in_a_path(function));
        let unsendable = |error: BoxError| dispatch(ConnectorError::other(error, None));
        let mut headers = vec![("content-type", Cow::Borrowed("application/octet-stream"))];
        if let Some(trace) = trace() {
            headers.push(("x-amzn-trace-id", Cow::Owned(trace)));
        }
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("lambda")
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| unsendable(error.into()))?
            .into();
        let signed = headers.iter().map(|(name, value)| (*name, value.as_ref()));
        let signable = SignableRequest::new("POST", uri.as_str(), signed, SignableBody::Bytes(&payload))
            .map_err(|error| unsendable(error.into()))?;
        let (instructions, _) =
            sign(signable, &params).map_err(|error| unsendable(error.into()))?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(payload));
        request.set_method("POST").map_err(|error| unsendable(error.into()))?;
        request.set_uri(uri).map_err(|error| unsendable(error.into()))?;
        let all = request.headers_mut();
        for header in instructions.into_parts().0 {
            let mut value =
                HeaderValue::from_str(header.value()).map_err(|error| unsendable(error.into()))?;
            // Neither shown by `Debug` nor kept in the index of a connection.
            value.set_sensitive(header.sensitive());
            all.try_insert(header.name(), value).map_err(|error| unsendable(error.into()))?;
        }
        let ours = headers.into_iter().map(|(name, value)| (name, value.into_owned()));
        for (name, value) in ours.chain([("user-agent", self.user_agent.clone())]) {
            all.try_insert(name, value).map_err(|error| unsendable(error.into()))?;
        }
        Ok(request)
    }
}

/// Invokes a function once, and waits for its answer.
pub(super) async fn call(
    connector: &Connector,
    signer: &Signer,
    function: &str,
    payload: Vec<u8>,
) -> Result<Returned, Failed> {
    let mut request = signer.request(function, payload).await?;
    let connection = CaptureSmithyConnection::new();
    request.add_extension(connection.clone());
    // As the SDK does: the requests after this one do not go where this one was lost.
    let leave = || {
        if let Some(connection) = connection.get() {
            connection.poison();
        }
    };
    let mut response = match connector.call(request).await {
        Ok(response) => response,
        Err(error) => {
            if error.is_timeout() || error.is_io() {
                leave();
            }
            return Err(dispatch(error));
        }
    };
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let body = match ByteStream::new(body).collect().await {
        Ok(body) => body.to_vec(),
        Err(error) => {
            leave();
            return Err(SdkError::response_error(error, response));
        }
    };
    if response.status().is_success() {
        let failed = response.headers().get("x-amz-function-error").is_some();
        return Ok(Returned { payload: body, failed });
    }
    if matches!(response.status().as_u16(), 500 | 502 | 503 | 504) {
        leave();
    }
    Err(SdkError::service_error(service_error(&response, &body), response))
}

/// A connector with connections of its own.
pub(super) fn connector(config: &SdkConfig) -> Connector {
    let settings =
        HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build();
    let mut builder = Connector::builder().connector_settings(settings).pool_idle_timeout(IDLE_TIMEOUT);
    builder.set_sleep_impl(config.sleep_impl());
    builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_with_resolver(CachedNames::default())
}

/// The region's, unless another is configured.
async fn endpoint(config: &SdkConfig, url: Option<String>, region: &str) -> Result<String, Failed> {
    let unresolved = |error: BoxError| dispatch(ConnectorError::other(error, None));
    let params = Params::builder()
        .region(region)
        .set_use_fips(config.use_fips())
        .set_use_dual_stack(config.use_dual_stack())
        .set_endpoint(url)
        .build()
        .map_err(|error| unresolved(error.into()))?;
    let endpoint = DefaultResolver::new().resolve_endpoint(&params).await.map_err(unresolved)?;
    Ok(endpoint.url().trim_end_matches('/').to_owned())
}

fn dispatch(error: ConnectorError) -> Failed {
    SdkError::dispatch_failure(error)
}

/// The service's answer: `{"Type": …, "message": …, "Reason": …}`, and the error's name in a header.
fn service_error(response: &HttpResponse, body: &[u8]) -> SdkInvokeError {
    let parsed: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |names: [&str; 2]| names.iter().find_map(|name| parsed.get(name)?.as_str());
    let header = |name: &str| response.headers().get(name);
    // `TooManyRequestsException:http://…`, or a name with its namespace before a `#`.
    let code = header("x-amzn-errortype").or_else(|| field(["__type", "code"])).unwrap_or_default();
    let code = code.split(':').next().unwrap_or_default().rsplit('#').next().unwrap_or_default();
    let message = field(["message", "Message"]);
    let mut meta = ErrorMetadata::builder();
    if !code.is_empty() {
        meta = meta.code(code);
    }
    if let Some(message) = message {
        meta = meta.message(message);
    }
    if let Some(id) = header("x-amzn-requestid") {
        meta = meta.custom("aws_request_id", id);
    }
    let meta = meta.build();
    if code == "TooManyRequestsException" {
        let reason = field(["Reason", "reason"]).map(ThrottleReason::from);
        let mut error = TooManyRequestsException::builder().meta(meta);
        error = error.set_reason(reason).set_message(message.map(str::to_owned));
        return SdkInvokeError::TooManyRequestsException(
            error.set_retry_after_seconds(header("retry-after").map(str::to_owned)).build(),
        );
    }
    SdkInvokeError::generic(meta)
}

/// A function's name or ARN as one part of a path: everything but letters, digits and `-._~` is escaped.
fn in_a_path(function: &str) -> String {
    let mut escaped = String::with_capacity(function.len());
    for byte in function.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(byte.into()),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// The trace of the invocation in which this function runs, for X-Ray and for Lambda's detection of loops.
#[expect(
    clippy::disallowed_methods,
    reason = "the runtime says there which invocation this is: another value each time"
)]
fn trace() -> Option<String> {
    std::env::var_os("AWS_LAMBDA_FUNCTION_NAME")?;
    std::env::var("_X_AMZN_TRACE_ID").ok().filter(|trace| trace.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// The credentials, asked for again before they expire.
#[derive(Debug)]
struct Keys {
    provider: SharedCredentialsProvider,
    known: RwLock<Option<Known>>,
    /// Held while they are asked for: by one of many requests.
    asking: Mutex<()>,
}

#[derive(Debug, Clone)]
struct Known {
    identity: Identity,
    /// When to ask again.
    until: SystemTime,
    /// When they expire.
    end: SystemTime,
}

impl Keys {
    /// Credentials without a time of their own are asked for again after this long, as the SDK does.
    const UNLESS_TOLD: Duration = Duration::from_secs(15 * 60);
    /// A signature should not expire on its way.
    const BEFORE_THE_END: Duration = Duration::from_secs(60);
    /// Credentials that are about to expire are used for this long all the same, so that not every request asks.
    const AT_LEAST: Duration = Duration::from_secs(5);
    /// Longest wait for them.
    const PATIENCE: Duration = Duration::from_secs(20);

    fn new(provider: SharedCredentialsProvider) -> Self {
        Self { provider, known: RwLock::default(), asking: Mutex::new(()) }
    }

    fn known(&self) -> Option<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn at(&self, now: SystemTime) -> Result<Identity, CredentialsError> {
        let current = || self.known().filter(|known| now < known.until).map(|known| known.identity);
        if let Some(identity) = current() {
            return Ok(identity);
        }
        let _asking = self.asking.lock().await;
        if let Some(identity) = current() {
            return Ok(identity);
        }
        let asked = tokio::time::timeout(Self::PATIENCE, self.provider.provide_credentials()).await;
        let credentials = match asked.unwrap_or(Err(CredentialsError::provider_timed_out(Self::PATIENCE))) {
            Ok(credentials) => credentials,
            // Those that are known may still be good.
            Err(error) => match self.known().filter(|known| now < known.end) {
                Some(known) => return Ok(known.identity),
                None => return Err(error),
            },
        };
        let end = credentials.expiry().unwrap_or(now + Self::UNLESS_TOLD);
        let until = match credentials.expiry() {
            Some(end) => end.checked_sub(Self::BEFORE_THE_END).unwrap_or(end).max(now + Self::AT_LEAST),
            None => end,
        };
        let identity = Identity::from(credentials);
        let known = Known { identity: identity.clone(), until, end };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(identity)
    }
}

#[cfg(test)]
mod tests;
