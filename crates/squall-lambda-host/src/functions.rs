//! Functions without Docker: runs native bootstraps as Lambda does and answers its Invoke API.
//!
//! An execution environment is a process with its own Runtime API. It handles one invocation at a time, is reused while
//! it is warm, and is replaced when it crashed or timed out. Reserved and account concurrency, time limits, payload
//! limits, asynchronous events and error texts are as AWS documents them; there is no sandbox, no memory limit and no
//! CPU limit.
//!
//! Everybody on the machine can connect to its ports, and so can every page in a browser there. The Invoke API answers only requests
//! that are signed with the access key of the configuration. Every environment has its own port, and a path on it that only its
//! process is told: `AWS_LAMBDA_RUNTIME_API` is `host:port` on AWS, but `http://host:port/path` here, which `lambda_runtime` accepts.
//!
//! If the host is killed, it cannot stop the environments. An idle one loses its long poll and ends by itself, a busy
//! one when it tries to reply: `lambda_runtime` leaves its loop when the Runtime API does not answer. With a starter
//! ([`HostConfig::starter`]) that ties each to the host, they all end at once.

use std::ffi::OsString;
use std::fs::File;
use std::future::Future;
use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::LocalSet;

mod callers;
mod environment;
mod fleet;
mod groups;
mod http;
mod invocation;
mod invoke_api;
mod lines;
mod names;
mod plans;
mod process;
mod replies;
mod runtime_api;

use callers::Callers;
use fleet::Fleet;
pub use groups::Groups;

/// A function, as it would be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSpec {
    /// Its name.
    pub name: String,
    /// The executable. Its folder is the task root and the working directory.
    pub bootstrap: PathBuf,
    /// Its configured memory, MB; not enforced.
    pub memory_mb: u32,
    /// Time limit of an invocation, from the moment the runtime receives it.
    pub timeout: Duration,
    /// Most concurrent invocations, reserved for this function; 0 switches it off. `None` uses the unreserved
    /// concurrency.
    pub reserved_concurrency: Option<u32>,
    /// Variables in addition to Lambda's own. Lambda's own win; only `PATH` is inherited from the host.
    pub env: Vec<(String, String)>,
}

/// The configuration of a [`FunctionHost`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// The functions.
    pub functions: Vec<FunctionSpec>,
    /// A program and its arguments that, given the path of a bootstrap behind them, becomes it, in the same process: one that ties it to
    /// the life of the host, say. Without any, a bootstrap is started as it is.
    pub starter: Vec<OsString>,
    /// Only requests that are signed with this access key are answered. It is compared, the signature is not verified: whoever knows
    /// it may invoke.
    pub access_key: String,
    /// Most concurrent invocations of all functions; 1,000 on AWS.
    pub account_concurrency: u32,
    /// The region that functions see and that their ARNs contain.
    pub region: String,
    /// Second and further attempts of an asynchronous event whose function failed; at most 2 on AWS.
    pub async_retries: u32,
    /// The wait before the second attempt, twice as much before the third. A minute on AWS, where throttled events wait
    /// a sixtieth of it at first, five times it at last, and are dropped after 360 times it.
    pub async_retry_base: Duration,
    /// Environments idle this long are shut down.
    pub idle: Duration,
}

/// Limits that AWS fixes and tests shorten.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// From the start of a process to its first request for work.
    init: Duration,
    /// From SIGTERM to SIGKILL.
    shutdown: Duration,
}

/// The shutdown phase of <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html> is 0.5 s with an
/// internal extension and 2 s with an external one.
const LIMITS: Limits = Limits {
    init: Duration::from_secs(squall_core::limits::LAMBDA_INIT_S),
    shutdown: Duration::from_secs(2),
};

/// Time for the last replies to be sent when the host stops.
const LAST_REPLIES: Duration = Duration::from_secs(1);

/// A host of functions on one address.
pub struct FunctionHost {
    listener: TcpListener,
    address: SocketAddr,
    callers: Rc<Callers>,
    fleet: Rc<Fleet>,
}

/// 128 bits that nobody can guess, in hexadecimal digits.
///
/// # Errors
/// When the system has no random numbers.
pub fn secret() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}

impl FunctionHost {
    /// Binds the address; `log` receives every line that a function writes, and the lines that Lambda would add.
    /// Nothing is served before [`FunctionHost::run`].
    ///
    /// # Errors
    /// The address cannot be bound; two functions of one name; more concurrency reserved than the account has.
    pub fn bind(
        address: SocketAddr,
        config: HostConfig,
        log: impl Fn(&str, &str) + 'static,
    ) -> io::Result<Self> {
        Self::on(StdListener::bind(address)?, config, log)
    }

    /// The same on a port that is taken already.
    ///
    /// # Errors
    /// The listener fails; two functions of one name; more concurrency reserved than the account has.
    pub fn on(
        listener: StdListener,
        config: HostConfig,
        log: impl Fn(&str, &str) + 'static,
    ) -> io::Result<Self> {
        Self::within(LIMITS, listener, config, log)
    }

    fn within(
        limits: Limits,
        listener: StdListener,
        config: HostConfig,
        log: impl Fn(&str, &str) + 'static,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let callers = Rc::new(Callers::new(address.port(), config.access_key.clone()));
        let fleet = Fleet::new(config, limits, Box::new(log))
            .map_err(|reason| io::Error::new(io::ErrorKind::InvalidInput, reason))?;
        Ok(Self { listener, address, callers, fleet: Rc::new(fleet) })
    }

    /// The address of the Invoke API.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process groups of the environments, for another thread to kill.
    pub fn groups(&self) -> Groups {
        self.fleet.groups.clone()
    }

    /// Number of environments that are at work, and the longest time limit of their functions: none takes longer.
    pub fn at_work(&self) -> (usize, Duration) {
        self.fleet.at_work()
    }

    /// Serves until `stop` is ready, then sends every environment SIGTERM and, two seconds later, SIGKILL. No process
    /// is left when this returns; when it is dropped, they are killed. Everything runs on the calling thread, whose
    /// tokio runtime needs its I/O and its timers enabled.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let life = async {
            let (close, closed) = watch::channel(false);
            let closed = async move {
                let mut closed = closed;
                let _ = closed.wait_for(|closed| *closed).await;
            };
            let (fleet, callers) = (Rc::clone(&self.fleet), Rc::clone(&self.callers));
            let answer = move |request| invoke_api::answer(Rc::clone(&fleet), Rc::clone(&callers), request);
            let work = async {
                tokio::select! {
                    () = stop => {}
                    never = self.fleet.reap() => match never {},
                }
                self.fleet.shut_down().await;
                let _ = close.send(true);
                tokio::time::sleep(LAST_REPLIES).await;
            };
            tokio::select! {
                () = http::serve(&self.listener, closed, answer) => {}
                () = work => {}
            }
        };
        LocalSet::new().run_until(life).await;
    }
}

#[cfg(test)]
mod tests;
