//! Lambda's Invoke operation: <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>.

use std::rc::Rc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use serde::de::IgnoredAny;
use tokio::task::spawn_local;

use super::callers::Callers;
use super::fleet::Fleet;
use super::http::{self, Reply, Unread};
use super::invocation::{Invocation, deliver, evaluate};
use super::names::{LATEST, Target, decoded};
use super::replies::{EVENT_LIMIT, Refusal, SYNC_REQUEST_LIMIT};
use super::runtime_api::since_1970;

/// Answers a caller.
pub(super) async fn answer(fleet: Rc<Fleet>, callers: Rc<Callers>, request: Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    if let Some(why) = callers.refusal(&head) {
        return http::text(StatusCode::FORBIDDEN, format!("refused: {why}\n"));
    }
    let request_id = fleet.ids.uuid();
    let path = head.uri.path();
    let mut reply = match (&head.method, invoked(path)) {
        (&Method::POST, Some(name)) => match invoke(&fleet, &request_id, name, &head, body).await {
            Ok(reply) => reply,
            Err(refusal) => refused(&refusal),
        },
        (&Method::GET, _) if path == "/environments" => {
            http::json(StatusCode::OK, fleet.listed().to_string())
        }
        (&Method::GET, _) if path == "/billed" => http::json(StatusCode::OK, fleet.billed().to_string()),
        _ => refused(&Refusal::NoOperation),
    };
    http::add(&mut reply, "x-amzn-requestid", &request_id);
    reply
}

fn invoked(path: &str) -> Option<&str> {
    path.strip_prefix("/2015-03-31/functions/")?.strip_suffix("/invocations")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    RequestResponse,
    Event,
    DryRun,
}

async fn invoke(
    fleet: &Rc<Fleet>,
    request_id: &str,
    name: &str,
    head: &Parts,
    body: Incoming,
) -> Result<Reply, Refusal> {
    let invocation_type = match head.headers.get("x-amz-invocation-type").map(|it| it.to_str()) {
        None | Some(Ok("RequestResponse")) => Type::RequestResponse,
        Some(Ok("Event")) => Type::Event,
        Some(Ok("DryRun")) => Type::DryRun,
        Some(given) => {
            return Err(Refusal::NoSuchType { given: given.unwrap_or("not text").to_owned() });
        }
    };
    let no_function = |arn: String| Refusal::NoFunction { arn };
    let mut target = Target::parse(name).ok_or_else(|| no_function(name.to_owned()))?;
    if let Some(qualifier) = head.uri.query().and_then(qualifier) {
        target.qualifier = Some(qualifier);
    }
    let arn = target.arn(&fleet.region);
    let function = fleet.functions.get(&target.name).filter(|_| target.is_latest()).cloned();
    let function = function.ok_or_else(|| no_function(arn.clone()))?;
    let payload = payload(body, invocation_type).await?;
    if fleet.is_stopping() {
        return Err(Refusal::Internal { reason: "the host is stopping".to_owned() });
    }
    let invocation =
        Invocation { request_id: request_id.to_owned(), arn, trace: trace(fleet, head), payload };
    match invocation_type {
        Type::DryRun => Ok(http::empty(StatusCode::NO_CONTENT)),
        Type::Event => {
            spawn_local(deliver(Rc::clone(fleet), function, invocation));
            Ok(http::empty(StatusCode::ACCEPTED))
        }
        Type::RequestResponse => {
            let admitted = fleet.admit(&function).map_err(Refusal::Throttled)?;
            let evaluation = spawn_local(evaluate(Rc::clone(fleet), function, admitted, invocation));
            let outcome = evaluation.await.map_err(|lost| Refusal::Internal { reason: lost.to_string() })?;
            let mut reply = match outcome {
                Ok(response) => http::json(StatusCode::OK, response),
                Err(failure) => {
                    let mut reply = http::json(StatusCode::OK, failure.body(request_id));
                    http::add(&mut reply, "x-amz-function-error", "Unhandled");
                    reply
                }
            };
            http::add(&mut reply, "x-amz-executed-version", LATEST);
            Ok(reply)
        }
    }
}

/// Reads the payload; no payload is an empty object, as on AWS.
async fn payload(body: Incoming, invocation_type: Type) -> Result<Bytes, Refusal> {
    let limit = if invocation_type == Type::Event { EVENT_LIMIT } else { SYNC_REQUEST_LIMIT };
    let payload = http::read(body, limit).await.map_err(|unread| match unread {
        Unread::TooLarge { size } if invocation_type == Type::Event => Refusal::EventTooLarge { size },
        Unread::TooLarge { .. } => Refusal::RequestTooLarge,
        Unread::Broken => Refusal::NotJson { reason: "the body ended early".to_owned() },
    })?;
    if payload.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<IgnoredAny>(&payload) {
        Ok(_) => Ok(payload),
        Err(error) => Err(Refusal::NotJson { reason: error.to_string() }),
    }
}

fn qualifier(query: &str) -> Option<String> {
    query.split('&').find_map(|pair| pair.strip_prefix("Qualifier=")).and_then(decoded)
}

/// The caller's trace header, or a new one that is not sampled.
fn trace(fleet: &Fleet, head: &Parts) -> String {
    if let Some(given) = head.headers.get("x-amzn-trace-id").and_then(|it| it.to_str().ok()) {
        return given.to_owned();
    }
    let (bits, seconds) = (format!("{:032x}", fleet.ids.bits()), since_1970().as_secs());
    let (root, parent) = (&bits[..24], fleet.ids.bits() >> 64);
    format!("Root=1-{seconds:08x}-{root};Parent={parent:016x};Sampled=0")
}

fn refused(refusal: &Refusal) -> Reply {
    let mut reply = http::json(refusal.status(), refusal.body());
    http::add(&mut reply, "x-amzn-errortype", refusal.error_type());
    reply
}
