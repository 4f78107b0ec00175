//! An execution environment: a process that handles one invocation at a time.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::spawn_local;
use tokio::time::Instant;

use super::fleet::{Fleet, Function};
use super::process::{Order, command, ended};
use super::replies::Exit;
use super::{http, lines, runtime_api, secret};

/// How long to wait for the last lines of an ended process; a child of its own may hold the pipe open.
const LAST_LINES: Duration = Duration::from_millis(50);

/// An invocation, as delivered to the runtime.
pub(super) struct Task {
    /// The request's id.
    pub(super) request_id: String,
    /// The function as the caller named it.
    pub(super) arn: String,
    /// The trace header.
    pub(super) trace: String,
    /// The payload, JSON.
    pub(super) payload: Bytes,
    /// Receives the events of the invocation.
    pub(super) events: UnboundedSender<Event>,
}

/// The events of an invocation in an environment, in this order.
#[derive(Debug)]
pub(super) enum Event {
    /// The runtime has it, and has until this deadline.
    Taken(Instant),
    /// The runtime answered.
    Answered(Answer),
    /// The runtime is ready for the next invocation.
    Settled,
    /// The process ended, which may happen at any time.
    Died {
        /// How the process ended.
        exit: Exit,
        /// The error that the runtime reported during its initialization, JSON.
        init_error: Option<Bytes>,
    },
}

/// The runtime's answer.
#[derive(Debug)]
pub(super) enum Answer {
    /// The function's response.
    Response(Bytes),
    /// The function's error, JSON.
    Error(Bytes),
    /// The response was too large.
    TooLarge,
}

struct Running {
    request_id: String,
    answered: bool,
    events: UnboundedSender<Event>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Starting,
    Idle { since: Instant },
    Busy,
    Stopping,
}

/// An execution environment.
pub(super) struct Environment {
    /// Its number, unique in the fleet.
    pub(super) number: u64,
    /// The function that it runs.
    pub(super) function: Rc<Function>,
    /// Its process.
    pub(super) pid: u32,
    state: Cell<State>,
    n_invocations: Cell<u64>,
    /// Handed over, but not taken yet.
    task: RefCell<Option<Task>>,
    handed_over: Notify,
    running: RefCell<Option<Running>>,
    init_error: RefCell<Option<Bytes>>,
    orders: UnboundedSender<Order>,
}

impl Environment {
    /// Starts a process. Must run in a `LocalSet`.
    pub(super) fn start(fleet: &Rc<Fleet>, function: &Rc<Function>) -> io::Result<Rc<Self>> {
        if fleet.is_stopping() {
            return Err(io::Error::other("the host is stopping"));
        }
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let secret: Rc<str> = secret()?.into();
        let runtime_api = format!("http://{}/{secret}", listener.local_addr()?);
        let mut child = command(fleet, function, &runtime_api).spawn()?;
        let pid = child.id().ok_or_else(|| io::Error::other("the process ended at once"))?;
        let (orders, received) = unbounded_channel();
        let environment = Rc::new(Self {
            number: fleet.number(),
            function: Rc::clone(function),
            pid,
            state: Cell::new(State::Starting),
            n_invocations: Cell::new(0),
            task: RefCell::default(),
            handed_over: Notify::new(),
            running: RefCell::default(),
            init_error: RefCell::default(),
            orders,
        });
        fleet.insert(&environment);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let written = {
            let (fleet, function) = (Rc::clone(fleet), Rc::clone(function));
            async move {
                let log = |line: &str| fleet.log(&function, line);
                let stdout = async {
                    if let Some(stdout) = stdout {
                        lines::copy(stdout, log).await
                    }
                };
                let stderr = async {
                    if let Some(stderr) = stderr {
                        lines::copy(stderr, log).await
                    }
                };
                tokio::join!(stdout, stderr);
            }
        };
        let written = spawn_local(written);
        let (fleet, living) = (Rc::clone(fleet), Rc::clone(&environment));
        spawn_local(async move {
            let api = Rc::clone(&living);
            let (ids, limit) = (Rc::clone(&fleet), living.function.spec.timeout);
            let answer = move |request| {
                runtime_api::answer(Rc::clone(&api), Rc::clone(&ids), limit, Rc::clone(&secret), request)
            };
            let exit = tokio::select! {
                exit = ended(&mut child, received, fleet.limits.shutdown) => exit,
                () = http::serve(&listener, pending(), answer) => Exit::Unknown,
            };
            fleet.groups.remove(living.pid);
            let _ = tokio::time::timeout(LAST_LINES, written).await;
            living.died(exit);
            fleet.remove(&living);
        });
        Ok(environment)
    }

    /// Hands over an invocation.
    pub(super) fn hand_over(&self, task: Task) {
        self.state.set(State::Busy);
        self.task.replace(Some(task));
        self.handed_over.notify_one();
    }

    /// Records that the runtime wants work: its last invocation is over. `false` if that one has not been answered.
    pub(super) fn settle(self: &Rc<Self>) -> bool {
        let mut running = self.running.borrow_mut();
        if running.as_ref().is_some_and(|it| !it.answered) {
            return false;
        }
        if let Some(settled) = running.take() {
            let _ = settled.events.send(Event::Settled);
        }
        let waits = self.task.borrow().is_some();
        if !waits && !matches!(self.state.get(), State::Idle { .. } | State::Stopping) {
            self.state.set(State::Idle { since: Instant::now() });
            self.function.put_idle(self);
        }
        true
    }

    /// Waits for the next invocation.
    pub(super) async fn next(&self) -> Task {
        loop {
            let task = self.task.borrow_mut().take();
            if let Some(task) = task {
                return task;
            }
            self.handed_over.notified().await;
        }
    }

    /// Records that the runtime took an invocation, which it has until `deadline` to finish.
    pub(super) fn taken(&self, task: &Task, deadline: Instant) {
        let Task { request_id, events, .. } = task;
        let running = Running { request_id: request_id.clone(), answered: false, events: events.clone() };
        let _ = events.send(Event::Taken(deadline));
        self.running.replace(Some(running));
        self.n_invocations.set(self.n_invocations.get() + 1);
    }

    /// Whether the runtime may answer this request: it has it and has not answered yet.
    pub(super) fn expects(&self, request_id: &str) -> bool {
        let running = self.running.borrow();
        running.as_ref().is_some_and(|it| it.request_id == request_id && !it.answered)
    }

    /// Records the runtime's answer to its current request.
    pub(super) fn answered(&self, answer: Answer) {
        if let Some(running) = self.running.borrow_mut().as_mut() {
            running.answered = true;
            let _ = running.events.send(Event::Answered(answer));
        }
    }

    /// Records that the runtime could not initialize.
    pub(super) fn init_failed(&self, error: Bytes) {
        self.init_error.replace(Some(error));
        self.kill();
    }

    /// Kills the process.
    pub(super) fn kill(&self) {
        self.leave(Order::Kill);
    }

    /// Kills the process if it still exists after the shutdown phase. The caller sends SIGTERM.
    pub(super) fn stop(&self) {
        self.leave(Order::Stop);
    }

    fn leave(&self, order: Order) {
        self.state.set(State::Stopping);
        self.function.forget(self);
        let _ = self.orders.send(order);
    }

    fn died(&self, exit: Exit) {
        self.state.set(State::Stopping);
        self.function.forget(self);
        let init_error = self.init_error.take();
        let handed_over = self.task.take().map(|task| task.events);
        let running = self.running.take().map(|running| running.events);
        for events in handed_over.into_iter().chain(running) {
            let _ = events.send(Event::Died { exit, init_error: init_error.clone() });
        }
    }

    /// How long it has been idle; `None` if it is not idle.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        match self.state.get() {
            State::Idle { since } => Some(since.elapsed()),
            _ => None,
        }
    }

    /// Whether it has an invocation.
    pub(super) fn is_busy(&self) -> bool {
        self.state.get() == State::Busy
    }

    /// The state, in a word.
    pub(super) fn state(&self) -> &'static str {
        match self.state.get() {
            State::Busy if self.n_invocations.get() == 0 && self.task.borrow().is_some() => "starting",
            State::Starting => "starting",
            State::Idle { .. } => "idle",
            State::Busy => "busy",
            State::Stopping => "stopping",
        }
    }

    /// Number of invocations that the runtime took.
    pub(super) fn n_invocations(&self) -> u64 {
        self.n_invocations.get()
    }
}
