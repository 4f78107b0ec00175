//! What S3 answers that an emulator does not: conflicts of two puts, and objects that it has and does not give.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::*;

const CONFLICT: &str = "ConditionalRequestConflict";
const IS_THERE: &str = "PreconditionFailed";

/// The answers to requests that would put or get something, by status and code, and to all further ones the last; and what was asked.
#[derive(Default)]
struct Script {
    answers: Vec<(u16, &'static str)>,
    asked: Vec<String>,
}

/// A server that begins and aborts every upload in parts, takes every part, and otherwise answers as scripted.
async fn server(answers: &[(u16, &'static str)]) -> (Connection, Arc<Mutex<Script>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let script = Arc::new(Mutex::new(Script { answers: answers.to_vec(), asked: Vec::new() }));
    let serving = Arc::clone(&script);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let script = Arc::clone(&serving);
            let answering = service_fn(move |request| answer(request, Arc::clone(&script)));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answering));
        }
    });
    (emulator::connection_to(&url).await, script)
}

async fn answer(
    request: Request<Incoming>,
    script: Arc<Mutex<Script>>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    body.collect().await?;
    let query = head.uri.query().unwrap_or_default();
    let (status, body) = match head.method {
        Method::POST if query.contains("uploads") => {
            let inside = "<Bucket>own</Bucket><Key>key</Key><UploadId>1</UploadId>";
            (200, format!("<InitiateMultipartUploadResult>{inside}</InitiateMultipartUploadResult>"))
        }
        Method::PUT if query.contains("partNumber") => (200, String::new()),
        Method::DELETE => (204, String::new()),
        _ => {
            let mut script = script.lock().unwrap();
            let condition = head.headers.get("if-none-match").map_or("", |it| it.to_str().unwrap());
            script.asked.push(format!("{} {condition}", head.method));
            let at = script.asked.len().min(script.answers.len()) - 1;
            let (status, code) = script.answers[at];
            let body = match head.method {
                Method::POST if code.is_empty() => {
                    "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>".to_owned()
                }
                Method::HEAD => String::new(),
                _ if code.is_empty() => String::new(),
                _ => format!("<Error><Code>{code}</Code><Message>S3 says {code}</Message></Error>"),
            };
            (status, body)
        }
    };
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status.try_into().unwrap();
    answer.headers_mut().insert("etag", "\"1\"".parse().unwrap());
    Ok(answer)
}

/// In one piece, and in parts.
fn both() -> [(Vec<u8>, &'static str); 2] {
    [(b"content".to_vec(), "PUT *"), (vec![7; PART_BYTES + 1], "POST *")]
}

#[tokio::test]
async fn two_who_upload_the_same_at_once_both_succeed() {
    for (content, asked) in both() {
        for answers in
            [&[(409, CONFLICT), (409, CONFLICT), (412, IS_THERE)][..], &[(409, CONFLICT), (200, "")]]
        {
            let (connection, script) = server(answers).await;
            let uri = S3Blobs::new(&connection, "own").upload(content.clone(), None).await.unwrap();
            assert_eq!(uri, format!("s3://own/files/{}", Digest::of(&content)));
            assert_eq!(script.lock().unwrap().asked, vec![asked; answers.len()], "{answers:?}");
        }
    }
}

#[tokio::test]
async fn a_conflict_that_does_not_end_is_told() {
    for (content, asked) in both() {
        let (connection, script) = server(&[(409, CONFLICT)]).await;
        let error = S3Blobs::new(&connection, "own").upload(content, None).await.unwrap_err();
        assert!(matches!(error, PortError::Refused { .. }), "{error:?}");
        assert!(chain(&error).contains(CONFLICT), "{}", chain(&error));
        assert_eq!(script.lock().unwrap().asked, vec![asked; 1 + CONFLICT_WAITS.len()]);
    }
}

#[tokio::test]
async fn an_upload_that_s3_does_not_give_has_a_way_out() {
    let digest = Digest::of(b"content");
    let hint = "`squall submit --new-copies` uploads yours under another name";
    let (upload, other) = (format!("s3://own/files/{digest}"), "s3://market/eod/rates.csv");
    for (status, code) in [
        (403, "InvalidObjectState"),
        (400, "InvalidRequest"),
        (403, "AccessDenied"),
        (400, "KMS.DisabledException"),
        (403, ""),
    ] {
        let (connection, _) = server(&[(status, code)]).await;
        let files = S3Objects::new(&connection, "own");
        for (uri, is_hinted) in [(upload.as_str(), true), (other, false)] {
            let error = files.read(uri).await.unwrap_err();
            assert!(matches!(error, PortError::Permanent { .. }), "{code}: {error:?}");
            assert_eq!(chain(&error).contains(hint), is_hinted, "{code}: {}", chain(&error));
            let error = files.stat(uri).await.unwrap_err();
            assert_eq!(chain(&error).contains(hint), is_hinted, "{code}: {}", chain(&error));
        }
    }
    // What has nothing to do with the file has no such hint.
    for (status, code) in [(404, "NoSuchBucket"), (403, "ExpiredToken"), (409, "OperationAborted")] {
        let (connection, _) = server(&[(status, code)]).await;
        let error = S3Objects::new(&connection, "own").read(&upload).await.unwrap_err();
        assert!(!chain(&error).contains(hint), "{code}: {}", chain(&error));
    }
}
