//! The capacity controllers' ports in memory, all of them on one world.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use squall_capacity::claims::InstanceRow;
use squall_capacity::group::{Group, Instance, Lifecycle};
use squall_capacity::ids::InstanceId;
use squall_capacity::journal::Line;
use squall_capacity::levels::Levels;
use squall_capacity::ports::{
    Clock, Journal, Ledger, Metrics, PortError, Ports, ScalingGroup, Series, Written,
};

/// The start of the tests: 2026-11-21 09:00 UTC, a second after the payloads of `events/` were delivered.
const START_US: u64 = 1_795_251_600_000_000;

/// The state of the world.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) group: Group,
    pub(crate) levels: Levels,
    pub(crate) rows: BTreeMap<InstanceId, InstanceRow>,
    pub(crate) points: Vec<(Series, f64)>,
    pub(crate) lines: Vec<String>,
    /// Number of writes to the group or the metrics that fail from now on.
    pub(crate) n_faults: u32,
    pub(crate) now_us: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct World(Arc<Mutex<State>>);

pub(crate) type WorldPorts = Ports<World, World, World, World, World>;

impl World {
    /// A world with these bounds, and protected instances in service with these names.
    pub(crate) fn new(min: u32, max: u32, ids: &[&str]) -> Self {
        let instance = |id: &&str| instance(id, Lifecycle::InService);
        let instances: Vec<_> = ids.iter().map(instance).collect();
        let (name, desired) = ("runners".to_owned(), u32::try_from(ids.len()).unwrap());
        let state = State {
            group: Group { name, min, max, desired, instances, cooling_until_us: 0 },
            levels: Levels::default(),
            rows: BTreeMap::new(),
            points: Vec::new(),
            lines: Vec::new(),
            n_faults: 0,
            now_us: START_US,
        };
        Self(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn ports(&self) -> WorldPorts {
        let it = || self.clone();
        Ports { group: it(), ledger: it(), metrics: it(), journal: it(), clock: it() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// A copy of the state, to inspect.
    pub(crate) fn seen(&self) -> State {
        self.state().clone()
    }

    /// The last number of a series.
    pub(crate) fn last(&self, series: Series) -> Option<f64> {
        self.seen().points.iter().rev().find(|(it, _)| *it == series).map(|(_, value)| *value)
    }
}

pub(crate) fn instance(id: &str, lifecycle: Lifecycle) -> Instance {
    Instance { id: InstanceId::new(id).unwrap(), lifecycle, is_protected: true }
}

impl State {
    fn fault(&mut self) -> Result<(), PortError> {
        let Some(left) = self.n_faults.checked_sub(1) else { return Ok(()) };
        self.n_faults = left;
        Err(PortError::unknown("as asked"))
    }

    fn grow_to(&mut self, n: u32) -> Result<(), PortError> {
        self.fault()?;
        if !(self.group.min..=self.group.max).contains(&n) {
            return Err(PortError::permanent(format!("{n} is out of bounds")));
        }
        self.group.desired = n;
        while self.group.n_live() < n {
            let id = format!("i-new-{:04}", self.group.instances.len());
            self.group.instances.push(instance(&id, Lifecycle::Pending));
        }
        Ok(())
    }

    fn find(&mut self, id: &InstanceId) -> Option<&mut Instance> {
        self.group.instances.iter_mut().find(|it| it.id == *id)
    }
}

impl ScalingGroup for World {
    async fn describe(&self) -> Result<Group, PortError> {
        Ok(self.state().group.clone())
    }

    async fn set_desired(&self, n: u32) -> Result<(), PortError> {
        self.state().grow_to(n)
    }

    async fn launch(&self, n: u32, _: &str) -> Result<(), PortError> {
        let n = self.state().group.desired + n;
        self.state().grow_to(n)
    }

    async fn terminate(&self, id: &InstanceId) -> Result<(), PortError> {
        let mut state = self.state();
        state.fault()?;
        let Group { min, desired, .. } = state.group;
        match state.find(id) {
            Some(it) if it.lifecycle != Lifecycle::Leaving => {
                if desired <= min {
                    return Err(PortError::permanent("it would be less than the minimum"));
                }
                it.lifecycle = Lifecycle::Leaving;
                state.group.desired -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn protect(&self, id: &InstanceId, is_protected: bool) -> Result<(), PortError> {
        if let Some(it) = self.state().find(id).filter(|it| it.lifecycle == Lifecycle::InService) {
            it.is_protected = is_protected;
        }
        Ok(())
    }
}

impl Ledger for World {
    async fn levels(&self) -> Result<Levels, PortError> {
        Ok(self.state().levels.clone())
    }

    async fn put_levels(&self, levels: &Levels) -> Result<Written, PortError> {
        let mut state = self.state();
        if levels.version != state.levels.version + 1 {
            return Ok(Written::Raced);
        }
        state.levels.clone_from(levels);
        Ok(Written::Yes)
    }

    async fn instances(&self, _: &[InstanceId]) -> Result<Vec<InstanceRow>, PortError> {
        Ok(self.state().rows.values().cloned().collect())
    }

    async fn instance(&self, id: &InstanceId) -> Result<Option<InstanceRow>, PortError> {
        Ok(self.state().rows.get(id).cloned())
    }

    async fn put_instance(&self, row: &InstanceRow) -> Result<Written, PortError> {
        let mut state = self.state();
        if row.version != state.rows.get(&row.id).map_or(0, |it| it.version) + 1 {
            return Ok(Written::Raced);
        }
        state.rows.insert(row.id.clone(), row.clone());
        Ok(Written::Yes)
    }

    async fn forget_instance(&self, id: &InstanceId, version: u64) -> Result<Written, PortError> {
        let mut state = self.state();
        if state.rows.get(id).is_none_or(|row| row.version != version) {
            return Ok(Written::Raced);
        }
        state.rows.remove(id);
        Ok(Written::Yes)
    }
}

impl Metrics for World {
    async fn put(&self, values: &[(Series, f64)]) -> Result<(), PortError> {
        let mut state = self.state();
        state.fault()?;
        state.points.extend(values);
        Ok(())
    }

    async fn maximum(&self, series: Series, _: u32) -> Result<Option<f64>, PortError> {
        let state = self.state();
        Ok(state.points.iter().filter(|(it, _)| *it == series).map(|(_, value)| *value).reduce(f64::max))
    }
}

impl Journal for World {
    fn write(&self, line: &Line) {
        self.state().lines.push(line.to_json());
    }
}

impl Clock for World {
    fn now_us(&self) -> u64 {
        self.state().now_us
    }

    async fn sleep_until(&self, until_us: u64) {
        let mut state = self.state();
        state.now_us = state.now_us.max(until_us);
    }
}
