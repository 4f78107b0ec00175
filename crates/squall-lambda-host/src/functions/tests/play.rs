//! A stage: a host, a caller and a log.

use std::cell::RefCell;
use std::fmt::{self, Debug, Formatter};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::functions::{FunctionHost, FunctionSpec, Groups, HostConfig, LIMITS, Limits};

/// A function that obeys its events, with a minute for each.
pub(super) fn function(name: &str) -> FunctionSpec {
    let bootstrap = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/functions/tests/bootstrap.py");
    // Wrappers that choose a Python are slow to start: the system's own first.
    let path = format!("/usr/bin:{}", std::env::var_os("PATH").unwrap().to_str().unwrap());
    FunctionSpec {
        name: name.to_owned(),
        bootstrap,
        memory_mb: 512,
        timeout: Duration::from_secs(60),
        reserved_concurrency: None,
        env: vec![("PATH".to_owned(), path)],
    }
}

/// The same, with something to do when it starts.
pub(super) fn function_in(mode: &str) -> FunctionSpec {
    let mut spec = function(mode);
    spec.env.push(("MODE".to_owned(), mode.to_owned()));
    spec
}

pub(super) const ACCESS_KEY: &str = "squall0123456789abcdef";

/// A signature with an access key, as far as it is looked at.
pub(super) fn signed_with(access_key: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={access_key}/20261130/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=00"
    )
}

pub(super) fn config(functions: impl IntoIterator<Item = FunctionSpec>) -> HostConfig {
    HostConfig {
        functions: functions.into_iter().collect(),
        starter: Vec::new(),
        access_key: ACCESS_KEY.to_owned(),
        account_concurrency: 1_000,
        region: "eu-west-1".to_owned(),
        async_retries: 2,
        async_retry_base: Duration::from_secs(1),
        idle: Duration::from_secs(600),
    }
}

/// A reply.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Debug for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let body = self.body.to_string();
        write!(f, "{} {:?} {}", self.status, self.headers, &body[..body.len().min(500)])
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("-", |value| value.to_str().unwrap())
    }

    /// The answer of a function that succeeded.
    pub(super) fn fine(self) -> Value {
        assert_eq!((self.status, self.header("x-amz-function-error")), (200, "-"), "{self:?}");
        self.body
    }

    /// The error of a function: type and message, without the request's id.
    pub(super) fn failure(self) -> String {
        assert_eq!((self.status, self.header("x-amz-function-error")), (200, "Unhandled"), "{self:?}");
        let request_id = self.header("x-amzn-requestid");
        let of = |name: &str| self.body[name].as_str().unwrap().replace(request_id, "ID");
        format!("{}: {}", of("errorType"), of("errorMessage"))
    }

    /// Status, error type and `Reason` of an invocation that did not happen.
    pub(super) fn refusal(self) -> String {
        let reason = self.body["Reason"].as_str().unwrap_or("-");
        format!("{} {} {reason}", self.status, self.header("x-amzn-errortype"))
    }
}

/// The stage.
pub(super) struct Play {
    pub(super) address: SocketAddr,
    /// Of the host's environments.
    pub(super) groups: Groups,
    log: Rc<RefCell<Vec<String>>>,
    folder: PathBuf,
}

impl Play {
    /// Sends a request, signed and with the host's name.
    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let (host, signature) = (self.address.to_string(), signed_with(ACCESS_KEY));
        let ours = [("host", host.as_str()), ("authorization", &signature)];
        self.send_only(method, path, &[&ours, headers].concat(), body).await
    }

    /// Sends a request with these headers only.
    pub(super) async fn send_only(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let answer = async {
            let (head, body) = sender.send_request(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let text = || Value::from(String::from_utf8_lossy(&body));
            let body = if body.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(&body).unwrap_or_else(|_| text())
            };
            Answer { status: head.status.as_u16(), headers: head.headers, body }
        };
        tokio::pin!(connection, answer);
        tokio::select! {
            answer = &mut answer => answer,
            _ = connection => answer.await,
        }
    }

    /// The same caller before another server.
    pub(super) fn at(&self, address: SocketAddr) -> Self {
        Self { address, groups: self.groups.clone(), log: Rc::clone(&self.log), folder: self.folder.clone() }
    }

    /// Invokes a function and waits for its answer.
    pub(super) async fn invoke(&self, name: &str, event: Value) -> Answer {
        self.send("POST", &path_of(name), &[], event.to_string()).await
    }

    /// Sends a function an asynchronous event.
    pub(super) async fn leave(&self, name: &str, event: Value) -> u16 {
        let headers = [("x-amz-invocation-type", "Event")];
        self.send("POST", &path_of(name), &headers, event.to_string()).await.status
    }

    pub(super) async fn environments(&self) -> Vec<Value> {
        let answer = self.send("GET", "/environments", &[], "").await;
        answer.body.as_array().unwrap().clone()
    }

    /// Waits until the environments' states are these.
    pub(super) async fn until_states(&self, wanted: &[&str]) {
        loop {
            let environments = self.environments().await;
            let states: Vec<_> = environments.iter().map(|it| it["state"].as_str().unwrap()).collect();
            if states == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits for a line of the log with this in it.
    pub(super) async fn until_logged(&self, words: &str) -> String {
        loop {
            if let Some(line) = self.log.borrow().iter().find(|line| line.contains(words)) {
                return line.clone();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// An event that waits until [`Play::release`] of the same name.
    pub(super) fn waiting(&self, name: &str) -> Value {
        json!({"do": "wait", "for": self.file(name)})
    }

    pub(super) fn release(&self, name: &str) {
        std::fs::write(self.file(name), "").unwrap();
    }

    /// Waits until an invocation waits for [`Play::release`]; returns its process.
    pub(super) async fn until_waiting(&self, name: &str) -> u64 {
        let line = self.until_logged(&format!("{} is awaited by ", self.file(name))).await;
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    pub(super) fn file(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }
}

pub(super) fn path_of(name: &str) -> String {
    format!("/2015-03-31/functions/{name}/invocations")
}

pub(super) fn lives(pid: u64) -> bool {
    let kill = ["-c", "kill -0 \"$1\" 2>/dev/null", "kill", &pid.to_string()].map(str::to_owned);
    std::process::Command::new("/bin/sh").args(kill).status().unwrap().success()
}

pub(super) fn kill(pid: u64) {
    let kill = ["-c", "kill -KILL \"$1\"", "kill", &pid.to_string()].map(str::to_owned);
    assert!(std::process::Command::new("/bin/sh").args(kill).status().unwrap().success());
}

/// Plays a scene and returns the log. Afterwards no process is left.
pub(super) fn play(config: HostConfig, scene: impl AsyncFnOnce(&Play)) -> Vec<String> {
    play_within(LIMITS, config, scene)
}

pub(super) fn play_within(limits: Limits, config: HostConfig, scene: impl AsyncFnOnce(&Play)) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let log = Rc::new(RefCell::new(Vec::new()));
    runtime.block_on(async {
        let lines = Rc::clone(&log);
        let write = move |name: &str, line: &str| lines.borrow_mut().push(format!("{name}: {line}"));
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = std::net::TcpListener::bind(anywhere).unwrap();
        let host = FunctionHost::within(limits, listener, config, write).unwrap();
        let folder = std::env::temp_dir().join(format!("squall-functions-{}", host.address().port()));
        std::fs::create_dir_all(&folder).unwrap();
        let (address, groups) = (host.address(), host.groups());
        let play = Play { address, groups, log: Rc::clone(&log), folder: folder.clone() };
        let stop = Notify::new();
        let mut left = Vec::new();
        let told = async {
            scene(&play).await;
            left = play.environments().await;
            stop.notify_one();
        };
        let both = async { tokio::join!(host.run(stop.notified()), told) };
        tokio::time::timeout(Duration::from_secs(120), both).await.expect("the scene does not end");
        std::fs::remove_dir_all(folder).unwrap();
        for environment in left {
            assert!(!lives(environment["pid"].as_u64().unwrap()), "{environment} is left");
        }
    });
    log.take()
}
