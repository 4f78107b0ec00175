//! Ports that replay the replies that a step got so far, and stop it at the first call without one: a step is
//! deterministic, so its replies determine its state.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use squall_capacity::claims::InstanceRow;
use squall_capacity::group::Group;
use squall_capacity::ids::InstanceId;
use squall_capacity::journal::Line;
use squall_capacity::levels::Levels;
use squall_capacity::ports::{
    Clock, Journal, Ledger, Metrics, PortError, Ports, ScalingGroup, Series, Written,
};

/// A call of a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Ask {
    Describe,
    SetDesired(u32),
    /// Honours the cooldown.
    SetDesiredIfCool(u32),
    Launch(u32, String),
    Terminate(InstanceId),
    Protect(InstanceId, bool),
    Levels,
    PutLevels(Levels),
    Instances,
    Instance(InstanceId),
    PutInstance(InstanceRow),
    Forget(InstanceId, u64),
}

impl Ask {
    /// Whether it is read-only.
    pub(super) fn is_read(&self) -> bool {
        matches!(self, Self::Describe | Self::Levels | Self::Instances | Self::Instance(_))
    }

    /// Whether the group may choose a victim because of it.
    pub(super) fn may_shrink(&self) -> bool {
        matches!(
            self,
            Self::SetDesired(_) | Self::SetDesiredIfCool(_) | Self::Terminate(_) | Self::Protect(..)
        )
    }
}

/// A port's reply.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Reply {
    Group(Group),
    Levels(Levels),
    Rows(Vec<InstanceRow>),
    Row(Option<InstanceRow>),
    Written(Written),
    Done,
    /// Not done.
    Refused,
    /// Done or not.
    Unknown,
    Permanent(String),
}

/// A reply, and its time.
pub(super) type Replied = (u64, Arc<Reply>);

/// The replies so far, and the first call without one.
pub(super) struct Replay<'a> {
    replies: &'a [Replied],
    n_given: Cell<usize>,
    now_us: Cell<u64>,
    asked: RefCell<Option<Ask>>,
}

/// The controllers' ports, replayed.
pub(super) type Asked<'a> =
    Ports<&'a Replay<'a>, &'a Replay<'a>, &'a Replay<'a>, &'a Replay<'a>, &'a Replay<'a>>;

impl<'a> Replay<'a> {
    pub(super) fn new(began_us: u64, replies: &'a [Replied]) -> Self {
        Self { replies, n_given: Cell::new(0), now_us: Cell::new(began_us), asked: RefCell::new(None) }
    }

    pub(super) fn ports(&'a self) -> Asked<'a> {
        Ports { group: self, ledger: self, metrics: self, journal: self, clock: self }
    }

    /// The first call without a reply.
    pub(super) fn asked(self) -> Option<Ask> {
        self.asked.into_inner()
    }

    pub(super) async fn ask(&self, ask: Ask) -> Result<Reply, PortError> {
        let mut ask = Some(ask);
        let reply = poll_fn(|_| match self.replies.get(self.n_given.get()) {
            Some((at_us, reply)) => {
                self.n_given.set(self.n_given.get() + 1);
                self.now_us.set(*at_us);
                Poll::Ready(Reply::clone(reply))
            }
            None => {
                if let Some(ask) = ask.take() {
                    self.asked.replace(Some(ask));
                }
                Poll::Pending
            }
        })
        .await;
        match reply {
            Reply::Refused => Err(PortError::refused("not now")),
            Reply::Unknown => Err(PortError::unknown("no answer")),
            Reply::Permanent(what) => Err(PortError::permanent(what)),
            reply => Ok(reply),
        }
    }

    async fn put_if(&self, ask: Ask) -> Result<Written, PortError> {
        match self.ask(ask).await? {
            Reply::Written(written) => Ok(written),
            other => unreachable!("{other:?}"),
        }
    }
}

impl ScalingGroup for &Replay<'_> {
    async fn describe(&self) -> Result<Group, PortError> {
        match self.ask(Ask::Describe).await? {
            Reply::Group(group) => Ok(group),
            other => unreachable!("{other:?}"),
        }
    }

    async fn set_desired(&self, n: u32) -> Result<(), PortError> {
        self.ask(Ask::SetDesired(n)).await.map(drop)
    }

    async fn launch(&self, n: u32, token: &str) -> Result<(), PortError> {
        self.ask(Ask::Launch(n, token.to_owned())).await.map(drop)
    }

    async fn terminate(&self, id: &InstanceId) -> Result<(), PortError> {
        self.ask(Ask::Terminate(id.clone())).await.map(drop)
    }

    async fn protect(&self, id: &InstanceId, is_protected: bool) -> Result<(), PortError> {
        self.ask(Ask::Protect(id.clone(), is_protected)).await.map(drop)
    }
}

impl Ledger for &Replay<'_> {
    async fn levels(&self) -> Result<Levels, PortError> {
        match self.ask(Ask::Levels).await? {
            Reply::Levels(levels) => Ok(levels),
            other => unreachable!("{other:?}"),
        }
    }

    async fn put_levels(&self, levels: &Levels) -> Result<Written, PortError> {
        self.put_if(Ask::PutLevels(levels.clone())).await
    }

    async fn instances(&self, _: &[InstanceId]) -> Result<Vec<InstanceRow>, PortError> {
        match self.ask(Ask::Instances).await? {
            Reply::Rows(rows) => Ok(rows),
            other => unreachable!("{other:?}"),
        }
    }

    async fn instance(&self, id: &InstanceId) -> Result<Option<InstanceRow>, PortError> {
        match self.ask(Ask::Instance(id.clone())).await? {
            Reply::Row(row) => Ok(row),
            other => unreachable!("{other:?}"),
        }
    }

    async fn put_instance(&self, row: &InstanceRow) -> Result<Written, PortError> {
        self.put_if(Ask::PutInstance(row.clone())).await
    }

    async fn forget_instance(&self, id: &InstanceId, version: u64) -> Result<Written, PortError> {
        self.put_if(Ask::Forget(id.clone(), version)).await
    }
}

/// A metric never causes a launch or a termination, it only holds terminations back: so the worst metric is an unknown
/// one.
impl Metrics for &Replay<'_> {
    async fn put(&self, _: &[(Series, f64)]) -> Result<(), PortError> {
        Ok(())
    }

    async fn maximum(&self, _: Series, _: u32) -> Result<Option<f64>, PortError> {
        Ok(None)
    }
}

impl Journal for &Replay<'_> {
    fn write(&self, _: &Line) {}
}

impl Clock for &Replay<'_> {
    fn now_us(&self) -> u64 {
        self.now_us.get()
    }

    async fn sleep_until(&self, until_us: u64) {
        self.now_us.set(self.now_us.get().max(until_us));
    }
}
