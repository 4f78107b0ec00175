//! The steps under test: the real ones, unless a mutant replaces them.

use std::error::Error;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use squall_capacity::events::Activity;
use squall_capacity::ids::{InstanceId, RunId};
use squall_capacity::policy::Policy;
use squall_capacity::steps::{claim_instance, on_event, release_instance, tick};

use super::asked::{Ask, Asked, Replay, Replied};

/// The error, in words.
pub(super) type Failed = Box<dyn Error>;

/// A design: its reaction to an event, to the timer, and around a run. `start` returns until when a run holds its
/// instance, microseconds.
pub(super) trait Design: Send + Sync + 'static {
    async fn on_event(ports: &Asked<'_>, policy: &Policy, event: &Activity) -> Result<(), Failed> {
        Ok(on_event(ports, policy, event).await.map(drop)?)
    }

    async fn tick(ports: &Asked<'_>, policy: &Policy) -> Result<(), Failed> {
        Ok(tick(ports, policy).await.map(drop)?)
    }

    async fn start(ports: &Asked<'_>, policy: &Policy, id: &InstanceId, run: &RunId) -> Result<u64, Failed> {
        Ok(claim_instance(ports, policy, id, run).await?.until_us)
    }

    async fn finish(ports: &Asked<'_>, id: &InstanceId, run: &RunId) -> Result<(), Failed> {
        Ok(release_instance(ports, id, run).await?)
    }
}

/// The real steps, unchanged.
pub(super) struct Real;

impl Design for Real {}

/// The current work of an actor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Step {
    /// Scale-out, on the event of this number.
    OnEvent(usize),
    /// Scale-in.
    Tick,
    /// A runner before its run.
    Start(usize, InstanceId),
    /// A runner after its run.
    Finish(usize, InstanceId),
}

/// The progress of a step.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Progress {
    /// It waits for the reply to this call.
    Asks(Ask),
    /// It is finished; until when a claim holds, if it was one.
    Done(u64),
    /// It failed.
    Failed,
}

/// Runs a step from its start, with the replies so far.
pub(super) fn progress<D: Design>(
    step: &Step,
    policy: &Policy,
    events: &[Activity],
    began_us: u64,
    replies: &[Replied],
) -> Progress {
    let replay = Replay::new(began_us, replies);
    let done = {
        let ports = replay.ports();
        let work = pin!(async {
            match step {
                Step::OnEvent(n) => D::on_event(&ports, policy, &events[*n]).await.map(|()| 0),
                Step::Tick => D::tick(&ports, policy).await.map(|()| 0),
                Step::Start(run, id) => D::start(&ports, policy, id, &run_id(*run)).await,
                Step::Finish(run, id) => D::finish(&ports, id, &run_id(*run)).await.map(|()| 0),
            }
        });
        work.poll(&mut Context::from_waker(Waker::noop()))
    };
    match done {
        Poll::Ready(Ok(until_us)) => Progress::Done(until_us),
        Poll::Ready(Err(_)) => Progress::Failed,
        Poll::Pending => Progress::Asks(replay.asked().expect("a step waits for a port only")),
    }
}

/// A run's name.
pub(super) fn run_id(n: usize) -> RunId {
    RunId::new(format!("r-{n}")).unwrap()
}
