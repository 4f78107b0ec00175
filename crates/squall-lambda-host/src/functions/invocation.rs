//! One invocation, from an environment to its outcome; and an event, until an attempt succeeds.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::environment::{Answer, Environment, Event, Task};
use super::fleet::{Fleet, Function, Slot};
use super::plans::{Attempt, EventPlan, EventSeen, plan_event};
use super::replies::{Exit, Failure};

/// How long a reply waits for the runtime to ask for more. Usually it asks at once; then the caller that receives the
/// reply finds the environment idle and the concurrency free.
const SETTLING: Duration = Duration::from_millis(100);

/// How long a reply waits for a process that was killed.
const DYING: Duration = Duration::from_secs(1);

/// An invocation's target and payload.
#[derive(Debug, Clone)]
pub(super) struct Invocation {
    /// The request's id.
    pub(super) request_id: String,
    /// The function, as the caller named it.
    pub(super) arn: String,
    /// The trace header.
    pub(super) trace: String,
    /// The payload, JSON.
    pub(super) payload: Bytes,
}

/// Runs an invocation that was admitted. Must run in a `LocalSet`, in a task of its own: an invocation continues even
/// if its caller does not wait for it.
pub(super) async fn evaluate(
    fleet: Rc<Fleet>,
    function: Rc<Function>,
    admitted: (Slot, Option<Rc<Environment>>),
    invocation: Invocation,
) -> Result<Bytes, Failure> {
    let request_id = invocation.request_id.clone();
    let outcome = attempt(&fleet, &function, admitted, invocation).await;
    if let Some(line) = outcome.as_ref().err().and_then(|failure| failure.line(&request_id)) {
        fleet.log(&function, &line);
    }
    outcome
}

async fn attempt(
    fleet: &Rc<Fleet>,
    function: &Rc<Function>,
    (slot, mut warm): (Slot, Option<Rc<Environment>>),
    invocation: Invocation,
) -> Result<Bytes, Failure> {
    loop {
        // An environment's start is billed with its first invocation.
        let mut began = Instant::now();
        let (environment, is_cold) = match warm.take() {
            Some(environment) => (environment, false),
            None => match Environment::start(fleet, function) {
                Ok(environment) => (environment, true),
                Err(error) => {
                    return Err(Failure::NotStarted { bootstrap: function.spec.bootstrap.clone(), error });
                }
            },
        };
        let (events, mut heard) = unbounded_channel();
        let Invocation { request_id, arn, trace, payload } = invocation.clone();
        environment.hand_over(Task { request_id, arn, trace, payload, events });
        let init_limit = fleet.limits.init;
        match timeout(init_limit, heard.recv()).await {
            Ok(Some(Event::Taken(deadline))) => {
                if !is_cold {
                    began = Instant::now();
                }
                return run(function, (environment, began), heard, deadline, slot).await;
            }
            Ok(Some(Event::Died { init_error: Some(error), .. })) => return Err(Failure::Reported(error)),
            Ok(Some(Event::Died { exit, .. })) if is_cold => return Err(Failure::Exited(exit)),
            // It died while it was idle: no work was started.
            Ok(_) => warm = function.take_idle(),
            Err(_) => {
                put_down(&environment, &mut heard).await;
                return Err(Failure::InitTimedOut(init_limit));
            }
        }
    }
}

/// From the moment the runtime has it. It is billed since `began`.
async fn run(
    function: &Function,
    (environment, began): (Rc<Environment>, Instant),
    mut heard: UnboundedReceiver<Event>,
    deadline: Instant,
    slot: Slot,
) -> Result<Bytes, Failure> {
    let ended = timeout_at(deadline, heard.recv()).await;
    // A time limit ends the bill too, however late this process gets to end the function.
    function.bill(Instant::now().min(deadline).saturating_duration_since(began));
    let outcome = match ended {
        Ok(Some(Event::Answered(Answer::Response(body)))) => Ok(body),
        Ok(Some(Event::Answered(Answer::Error(body)))) => Err(Failure::Reported(body)),
        Ok(Some(Event::Answered(Answer::TooLarge))) => Err(Failure::ResponseTooLarge),
        Ok(Some(Event::Died { exit, .. })) => return Err(Failure::Exited(exit)),
        Ok(_) => return Err(Failure::Exited(Exit::Unknown)),
        Err(_) => {
            put_down(&environment, &mut heard).await;
            return Err(Failure::TimedOut(function.spec.timeout));
        }
    };
    if timeout(SETTLING, heard.recv()).await.is_err() {
        // It continues to work after its response, under the same time limit.
        spawn_local(async move {
            if timeout_at(deadline, heard.recv()).await.is_err() {
                put_down(&environment, &mut heard).await;
            }
            drop(slot);
        });
    }
    outcome
}

/// Kills an environment and waits for its end, so that its share of the concurrency is free when its caller learns of
/// it.
async fn put_down(environment: &Environment, heard: &mut UnboundedReceiver<Event>) {
    environment.kill();
    let _ = timeout(DYING, async { while heard.recv().await.is_some_and(|it| !is_death(&it)) {} }).await;
}

fn is_death(event: &Event) -> bool {
    matches!(event, Event::Died { .. })
}

/// Attempts an event until it succeeds or is dropped. Must run in a `LocalSet`.
pub(super) async fn deliver(fleet: Rc<Fleet>, function: Rc<Function>, invocation: Invocation) {
    let accepted = Instant::now();
    let (mut n_failed, mut n_throttled) = (0, 0);
    loop {
        let last = match fleet.admit(&function) {
            Err(_) if function.spec.reserved_concurrency == Some(0) => Attempt::SwitchedOff,
            Err(_) => {
                n_throttled += 1;
                Attempt::Throttled
            }
            Ok(admitted) => {
                let (fleet, function) = (Rc::clone(&fleet), Rc::clone(&function));
                if evaluate(fleet, function, admitted, invocation.clone()).await.is_ok() {
                    return;
                }
                n_failed += 1;
                Attempt::Failed
            }
        };
        let seen = EventSeen { last, n_failed, n_throttled, age: accepted.elapsed() };
        match plan_event(&fleet.events, &seen) {
            EventPlan::Again { after } => sleep(after).await,
            EventPlan::Drop { reason } => {
                let id = &invocation.request_id;
                fleet.log(&function, &format!("RequestId: {id} Error: the event was dropped: {reason}"));
                return;
            }
        }
    }
}
