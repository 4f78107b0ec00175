//! A small world: a ledger of maps and a group that obeys immediately. At every port call the other step may run, the caller
//! may die, or the reply may be lost.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll};

use crate::claims::{InstanceRow, State};
use crate::group::{Group, Instance, Lifecycle};
use crate::ids::InstanceId;
use crate::journal::Line;
use crate::levels::Levels;
use crate::ports::{Clock, Journal, Ledger, Metrics, PortError, Ports, ScalingGroup, Series, Written};
use crate::seen::{NOW_US, id, instance};

/// A fault in one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not done.
    Before,
    /// It is done, and its reply is lost.
    After,
}

#[derive(Debug, Clone)]
pub(super) struct Inside {
    pub(super) now_us: u64,
    pub(super) group: Group,
    pub(super) levels: Levels,
    pub(super) rows: BTreeMap<InstanceId, InstanceRow>,
    pub(super) tokens: BTreeSet<String>,
    /// Whether no capacity is available to launch.
    pub(super) is_short: bool,
    /// Tokens of launches that started no instance; the answer to each stays the same.
    pub(super) tokens_refused: BTreeSet<String>,
    /// Instances that were terminated while a run was on them.
    pub(super) killed: Vec<InstanceId>,
    pub(super) metrics: BTreeMap<Series, f64>,
    /// The port calls, in order.
    pub(super) calls: Vec<String>,
    pub(super) journal: Vec<String>,
    /// The call with a fault, and the fault.
    pub(super) fault: Option<(usize, Fault)>,
    /// Instances whose rows are listed, and unreadable from then on.
    pub(super) unreadable: BTreeSet<InstanceId>,
    /// Whether the group permanently refuses every request except describing it.
    pub(super) refuses: bool,
    n_launched: u32,
}

pub(super) struct World(Mutex<Inside>);

pub(super) type TestPorts<'a> = Ports<&'a World, &'a World, &'a World, &'a World, &'a World>;

impl World {
    /// A group of 0 to `max` with `n` instances, all known and idle for long.
    pub(super) fn new(n: u32, max: u32) -> Self {
        let instances = (0..n).map(|n| instance(n, Lifecycle::InService)).collect();
        let group =
            Group { name: "runs".to_owned(), min: 0, max, desired: n, instances, cooling_until_us: 0 };
        let rows = (0..n).map(|n| (id(n), InstanceRow::new(id(n), 1))).collect();
        Self(Mutex::new(Inside {
            now_us: NOW_US,
            group,
            levels: Levels::default(),
            rows,
            tokens: BTreeSet::new(),
            is_short: false,
            tokens_refused: BTreeSet::new(),
            killed: Vec::new(),
            metrics: BTreeMap::new(),
            calls: Vec::new(),
            journal: Vec::new(),
            fault: None,
            unreadable: BTreeSet::new(),
            refuses: false,
            n_launched: 0,
        }))
    }

    pub(super) fn ports(&self) -> TestPorts<'_> {
        Ports { group: self, ledger: self, metrics: self, journal: self, clock: self }
    }

    pub(super) fn get(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }

    /// A snapshot of everything.
    pub(super) fn see(&self) -> Inside {
        self.get().clone()
    }

    /// The capacity for runs.
    pub(super) fn usable(&self) -> u32 {
        let state = self.get();
        let rows: Vec<_> = state.rows.values().cloned().collect();
        state.group.desired - crate::scale_out::n_leaving(&state.group, &rows)
    }

    /// Calls a port: lets the other step run first, then applies the fault, if it is this call's.
    async fn call<T>(
        &self,
        what: String,
        act: impl FnOnce(&mut Inside) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        turn().await;
        let mut state = self.get();
        let fault = state.fault.filter(|(at, _)| *at == state.calls.len()).map(|(_, fault)| fault);
        state.calls.push(what);
        if fault == Some(Fault::Before) {
            return Err(PortError::unknown("no answer"));
        }
        let done = act(&mut state);
        if fault == Some(Fault::After) { Err(PortError::unknown("the reply is lost")) } else { done }
    }
}

impl Inside {
    /// The group follows its desired capacity.
    fn follow(&mut self) {
        while self.group.n_live() < self.group.desired {
            let it = instance(500 + self.n_launched, Lifecycle::InService);
            self.n_launched += 1;
            self.group.instances.push(it);
        }
    }

    fn refusal(&self) -> Result<(), PortError> {
        if self.refuses { Err(PortError::permanent("it is not allowed")) } else { Ok(()) }
    }
}

/// Lets the other step run.
async fn turn() {
    struct Turn(bool);
    impl Future for Turn {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
            context.waker().wake_by_ref();
            if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
        }
    }
    Turn(false).await;
}

impl Ledger for &World {
    async fn levels(&self) -> Result<Levels, PortError> {
        self.call("levels".to_owned(), |it| Ok(it.levels.clone())).await
    }

    async fn put_levels(&self, levels: &Levels) -> Result<Written, PortError> {
        self.call("put levels".to_owned(), |it| {
            if it.levels.version + 1 != levels.version {
                return Ok(Written::Raced);
            }
            it.levels = levels.clone();
            Ok(Written::Yes)
        })
        .await
    }

    async fn instances(&self, _: &[InstanceId]) -> Result<Vec<InstanceRow>, PortError> {
        self.call("instances".to_owned(), |it| Ok(it.rows.values().cloned().collect())).await
    }

    async fn instance(&self, id: &InstanceId) -> Result<Option<InstanceRow>, PortError> {
        self.call(format!("instance {id}"), |it| {
            let is_read = !it.unreadable.contains(id);
            if is_read { Ok(it.rows.get(id).cloned()) } else { Err(PortError::permanent("it is no row")) }
        })
        .await
    }

    async fn put_instance(&self, row: &InstanceRow) -> Result<Written, PortError> {
        let state = match row.state {
            State::Open => "open",
            State::Draining { .. } => "draining",
            State::Gone { .. } => "gone",
        };
        self.call(format!("put {} {state}", row.id), |it| {
            if it.rows.get(&row.id).map_or(0, |it| it.version) + 1 != row.version {
                return Ok(Written::Raced);
            }
            it.rows.insert(row.id.clone(), row.clone());
            Ok(Written::Yes)
        })
        .await
    }

    async fn forget_instance(&self, id: &InstanceId, version: u64) -> Result<Written, PortError> {
        self.call(format!("forget {id}"), |it| {
            if it.rows.get(id).is_none_or(|row| row.version != version) {
                return Ok(Written::Raced);
            }
            it.rows.remove(id);
            Ok(Written::Yes)
        })
        .await
    }
}

impl ScalingGroup for &World {
    async fn describe(&self) -> Result<Group, PortError> {
        self.call("describe".to_owned(), |it| Ok(it.group.clone())).await
    }

    async fn set_desired(&self, n: u32) -> Result<(), PortError> {
        self.call(format!("set desired {n}"), |it| {
            it.refusal()?;
            if !(it.group.min..=it.group.max).contains(&n) {
                return Err(PortError::permanent("outside the bounds"));
            }
            it.group.desired = n;
            it.follow();
            Ok(())
        })
        .await
    }

    async fn launch(&self, n: u32, token: &str) -> Result<(), PortError> {
        self.call(format!("launch {n}"), |it| {
            it.refusal()?;
            if it.tokens.contains(token) {
                return Ok(());
            }
            if it.group.desired + n > it.group.max {
                return Err(PortError::permanent("over the maximum"));
            }
            if it.is_short || it.tokens_refused.contains(token) {
                it.tokens_refused.insert(token.to_owned());
                return Err(PortError::refused("none started"));
            }
            it.tokens.insert(token.to_owned());
            it.group.desired += n;
            it.follow();
            Ok(())
        })
        .await
    }

    async fn terminate(&self, id: &InstanceId) -> Result<(), PortError> {
        self.call(format!("terminate {id}"), |it| {
            it.refusal()?;
            let Some(at) = it.group.instances.iter().position(|it| it.id == *id) else { return Ok(()) };
            if it.group.desired <= it.group.min {
                return Err(PortError::permanent("desired is the minimum"));
            }
            let Instance { id, .. } = it.group.instances.remove(at);
            it.group.desired -= 1;
            it.follow();
            if it.rows.get(&id).is_some_and(|row| row.is_claimed(it.now_us)) {
                it.killed.push(id);
            }
            Ok(())
        })
        .await
    }

    async fn protect(&self, id: &InstanceId, is_protected: bool) -> Result<(), PortError> {
        self.call(format!("protect {id}"), |it| {
            it.refusal()?;
            let found = it.group.instances.iter_mut().find(|it| it.id == *id);
            found.into_iter().for_each(|it| it.is_protected = is_protected);
            Ok(())
        })
        .await
    }
}

/// No decision depends on the metrics in between: their calls do not switch steps, which leaves fewer orders to try.
impl Metrics for &World {
    async fn put(&self, values: &[(Series, f64)]) -> Result<(), PortError> {
        self.get().metrics.extend(values.iter().copied());
        Ok(())
    }

    async fn maximum(&self, series: Series, _window_s: u32) -> Result<Option<f64>, PortError> {
        Ok(self.get().metrics.get(&series).copied())
    }
}

impl Journal for &World {
    fn write(&self, line: &Line) {
        self.get().journal.push(line.to_json());
    }
}

impl Clock for &World {
    fn now_us(&self) -> u64 {
        self.get().now_us
    }

    async fn sleep_until(&self, until_us: u64) {
        let mut state = self.get();
        state.now_us = state.now_us.max(until_us);
    }
}
