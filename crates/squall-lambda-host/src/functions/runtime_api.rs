//! The Runtime API of one environment, and the part of the Extensions API that `lambda_runtime` needs for SIGTERM.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html>

use std::future::pending;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::environment::{Answer, Environment};
use super::fleet::Fleet;
use super::http::{self, Reply, Unread};
use super::names::LATEST;
use super::replies::RESPONSE_LIMIT;

const RUNTIME: &str = "/2018-06-01/runtime/";
const EXTENSION: &str = "/2020-01-01/extension/";

/// Answers a runtime, or an extension in it.
pub(super) async fn answer(
    environment: Rc<Environment>,
    fleet: Rc<Fleet>,
    limit: Duration,
    secret: Rc<str>,
    request: Request<Incoming>,
) -> Reply {
    let (head, body) = request.into_parts();
    // Anybody on this machine may connect; only the process is told the path.
    let below = head.uri.path().strip_prefix('/').and_then(|path| path.strip_prefix(&*secret));
    let Some(path) = below else { return no_such_path() };
    if let Some(path) = path.strip_prefix(RUNTIME) {
        let parts: Vec<&str> = path.split('/').collect();
        return match (&head.method, parts.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => next(&environment, limit).await,
            (&Method::POST, ["invocation", id, "response"]) => response(&environment, id, body).await,
            (&Method::POST, ["invocation", id, "error"]) => {
                let told = head.headers.get("lambda-runtime-function-error-type");
                let error_type = told.and_then(|it| it.to_str().ok()).unwrap_or("Unhandled");
                error(&environment, id, error_type, body).await
            }
            (&Method::POST, ["init", "error"]) => match http::read(body, RESPONSE_LIMIT).await {
                Ok(body) => {
                    environment.init_failed(body);
                    accepted()
                }
                Err(unread) => not_read(&unread),
            },
            _ => no_such_path(),
        };
    }
    match (&head.method, path.strip_prefix(EXTENSION)) {
        (&Method::POST, Some("register")) => register(&environment, &fleet, body).await,
        // An internal extension may only subscribe to INVOKE events, and may register here only without any: no event
        // ever comes.
        (&Method::GET, Some("event/next")) => pending().await,
        _ => no_such_path(),
    }
}

async fn next(environment: &Rc<Environment>, limit: Duration) -> Reply {
    if !environment.settle() {
        return refused(
            StatusCode::FORBIDDEN,
            "InvalidStateTransition",
            "the last invocation has no response yet",
        );
    }
    let task = environment.next().await;
    environment.taken(&task, Instant::now() + limit);
    let deadline_ms = (since_1970() + limit).as_millis();
    let mut reply = http::json(StatusCode::OK, task.payload);
    http::add(&mut reply, "lambda-runtime-aws-request-id", &task.request_id);
    http::add(&mut reply, "lambda-runtime-deadline-ms", &deadline_ms.to_string());
    http::add(&mut reply, "lambda-runtime-invoked-function-arn", &task.arn);
    http::add(&mut reply, "lambda-runtime-trace-id", &task.trace);
    reply
}

async fn response(environment: &Environment, request_id: &str, body: Incoming) -> Reply {
    let body = http::read(body, RESPONSE_LIMIT).await;
    if !environment.expects(request_id) {
        return no_such_request();
    }
    match body {
        Ok(body) => {
            environment.answered(Answer::Response(body));
            accepted()
        }
        Err(unread) => {
            if matches!(unread, Unread::TooLarge { .. }) {
                environment.answered(Answer::TooLarge);
            }
            not_read(&unread)
        }
    }
}

async fn error(environment: &Environment, request_id: &str, error_type: &str, body: Incoming) -> Reply {
    let body = http::read(body, RESPONSE_LIMIT).await;
    if !environment.expects(request_id) {
        return no_such_request();
    }
    match body {
        Ok(body) => {
            let body =
                if body.is_empty() { json!({"errorType": error_type}).to_string().into() } else { body };
            environment.answered(Answer::Error(body));
            accepted()
        }
        Err(unread) => not_read(&unread),
    }
}

async fn register(environment: &Environment, fleet: &Fleet, body: Incoming) -> Reply {
    let wanted = match http::read(body, RESPONSE_LIMIT).await {
        Ok(body) => serde_json::from_slice::<Value>(&body).unwrap_or_default(),
        Err(unread) => return not_read(&unread),
    };
    if wanted["events"].as_array().is_some_and(|events| !events.is_empty()) {
        let message = "extensions that register for events are not supported";
        return refused(StatusCode::BAD_REQUEST, "Extension.InvalidEvents", message);
    }
    let about = json!({
        "functionName": environment.function.spec.name,
        "functionVersion": LATEST,
        "handler": "bootstrap",
    });
    let mut reply = http::json(StatusCode::OK, about.to_string());
    http::add(&mut reply, "lambda-extension-identifier", &fleet.ids.uuid());
    reply
}

fn accepted() -> Reply {
    http::json(StatusCode::ACCEPTED, &br#"{"status":"OK"}"#[..])
}

fn not_read(unread: &Unread) -> Reply {
    match unread {
        Unread::TooLarge { .. } => {
            let message = format!("Exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes).");
            refused(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message)
        }
        Unread::Broken => refused(StatusCode::BAD_REQUEST, "BrokenBody", "the body ended early"),
    }
}

fn no_such_request() -> Reply {
    refused(StatusCode::BAD_REQUEST, "InvalidRequestID", "the request is not the one in progress")
}

fn no_such_path() -> Reply {
    refused(StatusCode::NOT_FOUND, "InvalidPath", "no such path in this Runtime API")
}

fn refused(status: StatusCode, error_type: &str, message: &str) -> Reply {
    http::json(status, json!({"errorType": error_type, "errorMessage": message}).to_string())
}

#[expect(clippy::disallowed_methods, reason = "a runtime learns its deadline in wall-clock time")]
pub(super) fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
