//! The functions, their environments, and their concurrency.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::OsString;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::Notify;

use super::environment::Environment;
use super::groups::Groups;
use super::names::Ids;
use super::plans::{EventPolicy, InvocationPlan, Reason, Seen, plan_invocation};
use super::{FunctionSpec, HostConfig, Limits};

/// Takes a function's name and a line of its log.
pub(super) type Log = Box<dyn Fn(&str, &str)>;

/// A function and its environments.
pub(super) struct Function {
    /// Its specification.
    pub(super) spec: FunctionSpec,
    in_flight: Cell<u32>,
    /// Invocations that would be billed, and their time: each rounded up to a millisecond.
    billed: Cell<(u64, Duration)>,
    /// The one used last is at the end.
    idle: RefCell<Vec<Rc<Environment>>>,
}

impl Function {
    /// Takes out the most recently used idle environment.
    pub(super) fn take_idle(&self) -> Option<Rc<Environment>> {
        self.idle.borrow_mut().pop()
    }

    /// Puts back an idle environment.
    pub(super) fn put_idle(&self, environment: &Rc<Environment>) {
        self.idle.borrow_mut().push(Rc::clone(environment));
    }

    /// Counts what Lambda would bill for an invocation that took so long.
    pub(super) fn bill(&self, took: Duration) {
        let (n, all) = self.billed.get();
        let ms = u64::try_from(took.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
        self.billed.set((n + 1, all.saturating_add(Duration::from_millis(ms))));
    }

    /// Removes an environment, if it is idle.
    pub(super) fn forget(&self, environment: &Environment) {
        self.idle.borrow_mut().retain(|other| other.number != environment.number);
    }
}

/// The state of a host.
pub(super) struct Fleet {
    /// The configured functions, by name.
    pub(super) functions: BTreeMap<String, Rc<Function>>,
    /// The region's name.
    pub(super) region: String,
    /// How asynchronous events are retried.
    pub(super) events: EventPolicy,
    /// The limits that AWS fixes.
    pub(super) limits: Limits,
    /// The source of ids.
    pub(super) ids: Ids,
    /// The process groups of the environments.
    pub(super) groups: Groups,
    /// What starts a bootstrap, if it is not started as it is.
    pub(super) starter: Vec<OsString>,
    log: Log,
    idle: Duration,
    /// The account's concurrency that no function reserved.
    unreserved: u32,
    unreserved_in_flight: Cell<u32>,
    environments: RefCell<BTreeMap<u64, Rc<Environment>>>,
    n_started: Cell<u64>,
    gone: Notify,
    stopping: Cell<bool>,
}

/// An invocation's share of the concurrency; released when dropped.
pub(super) struct Slot {
    fleet: Rc<Fleet>,
    function: Rc<Function>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let give_back = |count: &Cell<u32>| count.set(count.get().saturating_sub(1));
        give_back(&self.function.in_flight);
        if self.function.spec.reserved_concurrency.is_none() {
            give_back(&self.fleet.unreserved_in_flight);
        }
    }
}

impl Fleet {
    /// Checks the configuration.
    pub(super) fn new(config: HostConfig, limits: Limits, log: Log) -> Result<Self, String> {
        let mut functions = BTreeMap::new();
        let mut reserved = 0_u32;
        for mut spec in config.functions {
            // The process starts in another directory.
            if let Ok(bootstrap) = std::path::absolute(&spec.bootstrap) {
                spec.bootstrap = bootstrap;
            }
            reserved = reserved.saturating_add(spec.reserved_concurrency.unwrap_or(0));
            let name = spec.name.clone();
            let function =
                Function { spec, in_flight: Cell::new(0), billed: Cell::default(), idle: RefCell::default() };
            if functions.insert(name.clone(), Rc::new(function)).is_some() {
                return Err(format!("two functions are named `{name}`"));
            }
        }
        let account = config.account_concurrency;
        let unreserved = account.checked_sub(reserved).ok_or_else(|| {
            format!("the functions reserve {reserved} concurrent invocations; the account has {account}")
        })?;
        Ok(Self {
            functions,
            region: config.region,
            events: EventPolicy { retries: config.async_retries, base: config.async_retry_base },
            limits,
            ids: Ids::default(),
            groups: Groups::default(),
            starter: config.starter,
            log,
            idle: config.idle,
            unreserved,
            unreserved_in_flight: Cell::new(0),
            environments: RefCell::default(),
            n_started: Cell::new(0),
            gone: Notify::new(),
            stopping: Cell::new(false),
        })
    }

    /// Takes a share of the concurrency, and an idle environment if there is one.
    pub(super) fn admit(
        self: &Rc<Self>,
        function: &Rc<Function>,
    ) -> Result<(Slot, Option<Rc<Environment>>), Reason> {
        let seen = Seen {
            in_flight: function.in_flight.get(),
            reserved: function.spec.reserved_concurrency,
            unreserved_in_flight: self.unreserved_in_flight.get(),
            unreserved: self.unreserved,
            idle: !function.idle.borrow().is_empty(),
        };
        let environment = match plan_invocation(&seen) {
            InvocationPlan::Throttle(reason) => return Err(reason),
            InvocationPlan::Warm => function.take_idle(),
            InvocationPlan::Cold => None,
        };
        function.in_flight.set(seen.in_flight + 1);
        if seen.reserved.is_none() {
            self.unreserved_in_flight.set(seen.unreserved_in_flight + 1);
        }
        Ok((Slot { fleet: Rc::clone(self), function: Rc::clone(function) }, environment))
    }

    /// Writes to a function's log.
    pub(super) fn log(&self, function: &Function, line: &str) {
        (self.log)(&function.spec.name, line);
    }

    /// Whether the host is shutting down and starts nothing any more.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    /// The number of the next environment.
    pub(super) fn number(&self) -> u64 {
        let number = self.n_started.get();
        self.n_started.set(number + 1);
        number
    }

    /// Adds an environment that has started.
    pub(super) fn insert(&self, environment: &Rc<Environment>) {
        self.groups.insert(environment.pid);
        self.environments.borrow_mut().insert(environment.number, Rc::clone(environment));
    }

    /// Removes an environment whose process has ended.
    pub(super) fn remove(&self, environment: &Environment) {
        self.environments.borrow_mut().remove(&environment.number);
        self.gone.notify_one();
    }

    /// The environments, for people.
    pub(super) fn listed(&self) -> Value {
        let environments = self.environments.borrow();
        environments
            .values()
            .map(|it| {
                json!({
                    "function": it.function.spec.name,
                    "pid": it.pid,
                    "state": it.state(),
                    "invocations": it.n_invocations(),
                })
            })
            .collect()
    }

    /// Number of environments that are at work, and the longest time limit of their functions.
    pub(super) fn at_work(&self) -> (usize, Duration) {
        let environments = self.environments.borrow();
        let limits = environments.values().filter(|it| it.is_busy()).map(|it| it.function.spec.timeout);
        limits.fold((0, Duration::ZERO), |(n, longest), limit| (n + 1, longest.max(limit)))
    }

    /// What Lambda would bill of each function so far, for programs: invocations and milliseconds.
    pub(super) fn billed(&self) -> Value {
        let of = |function: &Function| {
            let (n, all) = function.billed.get();
            json!({ "invocations": n, "ms": u64::try_from(all.as_millis()).unwrap_or(u64::MAX) })
        };
        self.functions.iter().map(|(name, function)| (name.clone(), of(function))).collect()
    }

    /// Shuts down environments that are idle for too long, forever.
    pub(super) async fn reap(&self) -> Infallible {
        loop {
            tokio::time::sleep((self.idle / 4).max(Duration::from_millis(10))).await;
            let is_old = |it: &Rc<Environment>| it.idle_for().is_some_and(|age| age >= self.idle);
            let old: Vec<_> = self.environments.borrow().values().filter(|it| is_old(it)).cloned().collect();
            stop(&old).await;
        }
    }

    /// Shuts down every environment; returns when no process is left.
    pub(super) async fn shut_down(&self) {
        self.stopping.set(true);
        let all: Vec<_> = self.environments.borrow().values().cloned().collect();
        stop(&all).await;
        while !self.environments.borrow().is_empty() {
            self.gone.notified().await;
        }
    }
}

async fn stop(environments: &[Rc<Environment>]) {
    if environments.is_empty() {
        return;
    }
    environments.iter().for_each(|it| it.stop());
    // The standard library can only kill; the shell can send SIGTERM. If there is no shell, they are killed a little
    // later.
    let _ = Command::new("/bin/sh")
        .args(["-c", "kill -TERM \"$@\"", "kill"])
        .args(environments.iter().map(|it| it.pid.to_string()))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
}
