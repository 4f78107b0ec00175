//! A faulty proxy before a server: requests pass through it, and by its rules some are refused, delayed, forwarded
//! twice, or executed with their reply lost.
//!
//! It does not sign requests again: its server must not check signatures.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderValue, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, StatusCode};
use hyper_util::rt::TokioIo;
use squall_sim_time::Random;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::{LocalSet, spawn_local};

mod records;
mod request;

pub(crate) use request::Request;

type Reply = hyper::Response<Full<Bytes>>;

/// The treatment of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// Nothing: it is forwarded, and its reply comes back.
    None,
    /// It is answered with 503 and not forwarded.
    Refuse,
    /// Its connection is closed; it is not forwarded.
    Reset,
    /// It is forwarded, and its connection is closed without a reply.
    LoseReply,
    /// It is forwarded, and answered with 503.
    BlameReply,
    /// It is forwarded, and its reply is delayed by this long.
    Delay(Duration),
    /// It is forwarded, forwarded again after that, and the first reply comes back.
    Twice,
    /// It is answered with this XML and not forwarded: the server does not support it.
    Say(&'static str),
    /// Of a Kinesis `PutRecords`, these records (counted from 0) are refused and the others forwarded.
    RefuseRecords(BTreeSet<usize>),
}

/// The counts of the requests of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Count {
    /// Number of requests.
    pub(crate) n_requests: usize,
    /// Number of requests with a fault.
    pub(crate) n_faults: usize,
}

type Counts = Arc<Mutex<BTreeMap<String, Count>>>;

/// A running proxy; dropping it closes every connection.
pub(crate) struct Proxy {
    url: String,
    counts: Counts,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy before `upstream` (`http://HOST:PORT`), with the fault that `rules` choose for each request.
    pub(crate) fn start(upstream: &str, rules: impl FnMut(&Request) -> Fault + Send + 'static) -> Self {
        let upstream = upstream.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let counts = Counts::default();
        let (stop, stopped) = oneshot::channel();
        let way = (upstream, counts.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let (upstream, counts) = way;
            let way = Rc::new(Way { upstream, counts, rules: RefCell::new(Box::new(rules)) });
            LocalSet::new().block_on(&runtime, async {
                tokio::select! {
                    () = way.accept(listener) => (),
                    _ = stopped => (),
                }
            });
        });
        Self { url, counts, stop: Some(stop), thread: Some(thread) }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The counts of all requests, by their [`Request::action`].
    pub(crate) fn counts(&self) -> BTreeMap<String, Count> {
        self.counts.lock().unwrap().clone()
    }

    /// Number of requests with a fault.
    pub(crate) fn n_faults(&self) -> usize {
        self.counts().values().map(|count| count.n_faults).sum()
    }

    /// The counts of the requests of one kind.
    pub(crate) fn count(&self, action: &str) -> Count {
        self.counts().get(action).copied().unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            assert!(joined.is_ok() || std::thread::panicking(), "the proxy panicked");
        }
    }
}

/// Rules under which a request has one of `faults` with a probability of `per_mille` in a thousand, as the seed
/// decides. Never two requests of a kind in a row: a caller that retries once succeeds, unless others call at the same
/// time.
pub(crate) fn at_random(
    seed: u64,
    per_mille: u64,
    faults: &[Fault],
) -> impl FnMut(&Request) -> Fault + Send + 'static {
    let (mut random, faults, mut last) = (Random::new(seed), faults.to_vec(), BTreeSet::new());
    move |request| {
        let is_hit = random.chance(per_mille);
        let fault = &faults[usize::try_from(random.below(faults.len() as u64)).unwrap()];
        if last.remove(&request.action) || !is_hit {
            return Fault::None;
        }
        last.insert(request.action.clone());
        fault.clone()
    }
}

/// Rules under which each different request of the kinds that `is_meant` selects has the fault the first time, and none
/// when it is repeated.
pub(crate) fn at_first(
    is_meant: impl Fn(&str) -> bool + Send + 'static,
    fault: Fault,
) -> impl FnMut(&Request) -> Fault + Send + 'static {
    let mut seen = HashSet::new();
    move |request| {
        let is_first =
            is_meant(&request.action) && seen.insert((request.path().to_owned(), request.body.clone()));
        if is_first { fault.clone() } else { Fault::None }
    }
}

/// Rules under which each record of a `PutRecords` is refused with a probability of `per_mille` in a thousand.
pub(crate) fn refuse_records(seed: u64, per_mille: u64) -> impl FnMut(&Request) -> Fault + Send + 'static {
    let mut random = Random::new(seed);
    move |request| {
        let refused: BTreeSet<_> = (0..request.n_records()).filter(|_| random.chance(per_mille)).collect();
        if refused.is_empty() { Fault::None } else { Fault::RefuseRecords(refused) }
    }
}

type Rules = Box<dyn FnMut(&Request) -> Fault>;

struct Way {
    upstream: String,
    counts: Counts,
    rules: RefCell<Rules>,
}

impl Way {
    async fn accept(self: &Rc<Self>, listener: TcpListener) {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            stream.set_nodelay(true).unwrap();
            let way = self.clone();
            spawn_local(async move {
                let pass = service_fn(|request| way.pass(request));
                // An error here is a closed connection, usually closed by us.
                let _closed = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), pass)
                    .await;
            });
        }
    }

    /// An error closes the connection without a reply.
    async fn pass(&self, request: hyper::Request<Incoming>) -> io::Result<Reply> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let request = Request::new(head, body);
        let fault = (self.rules.borrow_mut())(&request);
        {
            let mut counts = self.counts.lock().unwrap();
            let count = counts.entry(request.action.clone()).or_default();
            count.n_requests += 1;
            count.n_faults += usize::from(fault != Fault::None);
        }
        match fault {
            Fault::None => self.forward(&request).await,
            Fault::Refuse => Ok(unavailable()),
            Fault::Reset => Err(io::ErrorKind::ConnectionReset.into()),
            Fault::LoseReply => {
                self.forward(&request).await?;
                Err(io::ErrorKind::ConnectionReset.into())
            }
            Fault::BlameReply => self.forward(&request).await.map(|_| unavailable()),
            Fault::Delay(delay) => {
                let reply = self.forward(&request).await;
                tokio::time::sleep(delay).await;
                reply
            }
            Fault::Twice => {
                let reply = self.forward(&request).await;
                self.forward(&request).await?;
                reply
            }
            Fault::Say(xml) => Ok(Reply::new(Full::new(Bytes::from_static(xml.as_bytes())))),
            Fault::RefuseRecords(refused) => self.forward_some(&request, &refused).await,
        }
    }

    async fn forward(&self, request: &Request) -> io::Result<Reply> {
        let stream = TcpStream::connect(&self.upstream).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        spawn_local(connection);
        let mut head = request.head.clone();
        keep_end_to_end(&mut head.headers);
        head.headers.insert(HOST, HeaderValue::from_str(&self.upstream).unwrap());
        let is_head = head.method == Method::HEAD;
        let sent = hyper::Request::from_parts(head, Full::new(request.body.clone()));
        let (mut head, body) = sender.send_request(sent).await.map_err(io::Error::other)?.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let length = head.headers.get(CONTENT_LENGTH).cloned().filter(|_| is_head);
        keep_end_to_end(&mut head.headers);
        if let Some(length) = length {
            head.headers.insert(CONTENT_LENGTH, length);
        }
        Ok(Reply::from_parts(head, Full::new(body)))
    }

    async fn forward_some(&self, request: &Request, refused: &BTreeSet<usize>) -> io::Result<Reply> {
        let n_records = request.n_records();
        let refused: BTreeSet<_> = refused.range(..n_records).copied().collect();
        if refused.is_empty() {
            return self.forward(request).await;
        }
        // Kinesis refuses a call without records.
        if refused.len() == n_records {
            return Ok(Reply::new(Full::new(records::with_refusals(b"{}", &refused))));
        }
        let rest = Request { body: records::without(&request.body, &refused), ..request.clone() };
        let (head, body) = self.forward(&rest).await?.into_parts();
        if head.status != StatusCode::OK {
            return Ok(Reply::from_parts(head, body));
        }
        let body = body.collect().await.unwrap_or_else(|never| match never {}).to_bytes();
        Ok(Reply::from_parts(head, Full::new(records::with_refusals(&body, &refused))))
    }
}

/// Removes headers that concern one connection only; lengths are set anew.
fn keep_end_to_end(headers: &mut HeaderMap) {
    for name in [CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING] {
        headers.remove(name);
    }
}

fn unavailable() -> Reply {
    let mut reply = Reply::default();
    *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    reply
}
