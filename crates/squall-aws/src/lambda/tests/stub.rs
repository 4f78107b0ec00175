//! A server that implements Lambda's Invoke: a function's name determines its behaviour.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use squall_contracts::FAIL;
use tokio::net::TcpListener;

use crate::payload::from_payload;

type Answer = Response<Full<Bytes>>;

/// A server on a port of its own.
pub(super) struct Stub {
    address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    requests: AtomicUsize,
    connections: AtomicUsize,
    events: AtomicUsize,
}

impl Stub {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, counts) = (listener.local_addr().unwrap(), Arc::new(Counts::default()));
        tokio::spawn(serve(listener, Arc::clone(&counts)));
        Self { address, counts }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn n_requests(&self) -> usize {
        self.counts.requests.load(Ordering::Relaxed)
    }

    pub(super) fn n_connections(&self) -> usize {
        self.counts.connections.load(Ordering::Relaxed)
    }

    pub(super) fn n_events(&self) -> usize {
        self.counts.events.load(Ordering::Relaxed)
    }
}

async fn serve(listener: TcpListener, counts: Arc<Counts>) {
    while let Ok((stream, _)) = listener.accept().await {
        counts.connections.fetch_add(1, Ordering::Relaxed);
        let counts = Arc::clone(&counts);
        let answering = service_fn(move |request| answer(request, Arc::clone(&counts)));
        // A failing service closes its connection without an answer.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answering));
    }
}

async fn answer(request: Request<Incoming>, counts: Arc<Counts>) -> Result<Answer, std::io::Error> {
    counts.requests.fetch_add(1, Ordering::Relaxed);
    let path = request.uri().path().to_owned();
    let function = path.strip_prefix("/2015-03-31/functions/").and_then(|it| it.strip_suffix("/invocations"));
    let function = function.unwrap_or_else(|| panic!("not an invocation: {path}")).to_owned();
    let kind = request.headers().get("x-amz-invocation-type").cloned();
    let body = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
    if kind == Some(HeaderValue::from_static("Event")) {
        counts.events.fetch_add(1, Ordering::Relaxed);
        return Ok(with(StatusCode::ACCEPTED, "", None));
    }
    let (function, said) = function.split_once('-').unwrap_or((&function, ""));
    Ok(match function {
        "echo" if from_payload(&body).is_ok_and(|bytes| bytes.starts_with(FAIL)) => {
            let mut failed =
                with(StatusCode::OK, r#"{"errorType":"Runtime.ExitError","errorMessage":"as asked"}"#, None);
            failed.headers_mut().insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
            failed
        }
        "echo" => Response::new(Full::new(body)),
        "text" => with(StatusCode::OK, "\"not base64 at all!\"", None),
        "slow" => {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Response::new(Full::new(body))
        }
        "throttle" => {
            let reason = if said.is_empty() { String::new() } else { format!(r#""Reason":"{said}","#) };
            let body = format!(r#"{{{reason}"Type":"User","message":"Rate Exceeded."}}"#);
            with(StatusCode::TOO_MANY_REQUESTS, &body, Some("TooManyRequestsException"))
        }
        "later" => {
            let mut refused = with(StatusCode::TOO_MANY_REQUESTS, "{}", Some("TooManyRequestsException"));
            if let Ok(seconds) = said.parse() {
                refused.headers_mut().insert("Retry-After", seconds);
            }
            refused
        }
        "busy" => with(StatusCode::TOO_MANY_REQUESTS, "{}", Some("ThrottlingException")),
        "missing" => with(
            StatusCode::NOT_FOUND,
            r#"{"Type":"User","Message":"Function not found"}"#,
            Some("ResourceNotFoundException"),
        ),
        "denied" => with(
            StatusCode::FORBIDDEN,
            r#"{"Message":"User: ann is not authorized"}"#,
            Some("AccessDeniedException"),
        ),
        "broken" => with(
            StatusCode::INTERNAL_SERVER_ERROR,
            r#"{"Type":"Service","Message":"Oops"}"#,
            Some("ServiceException"),
        ),
        "reset" => return Err(std::io::Error::other("as asked")),
        other => panic!("no such function: {other}"),
    })
}

fn with(status: StatusCode, body: &str, error: Option<&'static str>) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_owned())));
    *answer.status_mut() = status;
    if let Some(error) = error {
        answer.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(error));
    }
    answer
}
