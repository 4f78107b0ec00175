//! HTTP/1.1 on one thread: connections, bodies, replies.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A response with its complete body.
pub(super) type Reply = Response<Full<Bytes>>;

/// How long to wait before accepting again after a failure: the process may be out of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(20);

/// Serves every connection until `closed`, and then until the requests in progress are answered. When dropped, it drops
/// the connections. Must run in a `LocalSet`.
pub(super) async fn serve<A, F>(listener: &TcpListener, closed: impl Future<Output = ()>, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Clone + 'static,
    F: Future<Output = Reply> + 'static,
{
    let (close, closing) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut closed = pin!(closed);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn_local(connection(stream, closing.clone(), answer.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
            },
            Some(_) = connections.join_next() => {}
            () = &mut closed => break,
        }
    }
    let _ = close.send(true);
    while connections.join_next().await.is_some() {}
}

async fn connection<A, F>(stream: TcpStream, mut closing: watch::Receiver<bool>, answer: A)
where
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Reply>,
{
    // Otherwise a small reply may wait 40 ms for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let reply = answer(request);
        async { Ok::<_, Infallible>(reply.await) }
    });
    let mut connection = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    // A broken connection is the other end's problem.
    tokio::select! {
        _ = &mut connection => return,
        _ = closing.wait_for(|closing| *closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// Why a body is unavailable.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is larger than allowed. It was read to its end, so that the sender can read the reply.
    TooLarge {
        /// Its size, bytes.
        size: usize,
    },
    /// The connection broke.
    Broken,
}

/// Reads a body of at most `limit` bytes.
pub(super) async fn read(mut body: Incoming, limit: usize) -> Result<Bytes, Unread> {
    let mut read = BytesMut::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        // Trailers are ignored.
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        let first = size == 0;
        size += data.len();
        if size > limit {
            read = BytesMut::new();
        } else if first && body.is_end_stream() {
            return Ok(data);
        } else {
            read.extend_from_slice(&data);
        }
    }
    if size > limit { Err(Unread::TooLarge { size }) } else { Ok(read.freeze()) }
}

/// A reply with a JSON body.
pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

/// A reply with a line for people.
pub(super) fn text(status: StatusCode, line: String) -> Reply {
    let mut reply = Response::new(Full::new(line.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    reply
}

/// A reply without a body.
pub(super) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = status;
    reply
}

/// Adds a header; a value that is not allowed in a header is omitted.
pub(super) fn add(reply: &mut Reply, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}
