//! The controllers' ports in memory: a model group, a ledger with conditional writes, metrics with history, a journal
//! that keeps its lines.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use squall_capacity::claims::InstanceRow;
use squall_capacity::group::Group;
use squall_capacity::ids::InstanceId;
use squall_capacity::journal::Line;
use squall_capacity::levels::Levels;
use squall_capacity::ports::{
    Clock, Journal, Ledger, Metrics, PortError, Ports, ScalingGroup, Series, Written,
};

use super::model::{GroupModel, Refusal};
use squall_sim_time::{Random, SimulatedClock};

/// A fleet in one process; clones are the same fleet.
#[derive(Clone)]
pub struct Fleet(Rc<Inner>);

struct Inner {
    group: RefCell<GroupModel>,
    random: RefCell<Random>,
    levels: RefCell<Levels>,
    instances: RefCell<BTreeMap<InstanceId, InstanceRow>>,
    series: RefCell<BTreeMap<Series, Vec<(u64, f64)>>>,
    journal: RefCell<Vec<String>>,
    n_calls: Cell<u64>,
    clock: SimulatedClock,
}

/// The ports of a fleet.
pub type FleetPorts = Ports<Fleet, Fleet, Fleet, Fleet, SimulatedClock>;

impl Fleet {
    /// A fleet with this group, on this clock; random choices follow from the seed.
    pub fn new(group: GroupModel, clock: SimulatedClock, seed: u64) -> Self {
        Self(Rc::new(Inner {
            group: RefCell::new(group),
            random: RefCell::new(Random::new(seed)),
            levels: RefCell::default(),
            instances: RefCell::default(),
            series: RefCell::default(),
            journal: RefCell::default(),
            n_calls: Cell::new(0),
            clock,
        }))
    }

    /// Its ports.
    pub fn ports(&self) -> FleetPorts {
        Ports {
            group: self.clone(),
            ledger: self.clone(),
            metrics: self.clone(),
            journal: self.clone(),
            clock: self.0.clock.clone(),
        }
    }

    /// Looks at the group, or changes it, after advancing it to the current time.
    pub fn with_group<T>(
        &self,
        change: impl FnOnce(&mut GroupModel, u64, &mut dyn FnMut(u64) -> u64) -> T,
    ) -> T {
        let now_us = Clock::now_us(&self.0.clock);
        let mut group = self.0.group.borrow_mut();
        let mut random = self.0.random.borrow_mut();
        let mut chance = |n: u64| random.below(n.max(1));
        group.advance(now_us, &mut chance);
        change(&mut group, now_us, &mut chance)
    }

    /// Number of calls to the group.
    pub fn n_calls(&self) -> u64 {
        self.0.n_calls.get()
    }

    /// The journal's lines.
    pub fn journal(&self) -> Vec<String> {
        self.0.journal.borrow().clone()
    }

    /// The samples of a series: time, microseconds, and value.
    pub fn samples(&self, series: Series) -> Vec<(u64, f64)> {
        self.0.series.borrow().get(&series).cloned().unwrap_or_default()
    }

    fn call<T>(
        &self,
        what: &str,
        call: impl FnOnce(&mut GroupModel, u64, &mut dyn FnMut(u64) -> u64) -> Result<T, Refusal>,
    ) -> Result<T, PortError> {
        self.0.n_calls.set(self.0.n_calls.get() + 1);
        self.with_group(call).map_err(|refusal| {
            let what = format!("{what}: {refusal}");
            match refusal {
                Refusal::Validation(_) | Refusal::TokenMismatch(_) => PortError::permanent(what),
                Refusal::InProgress(_) | Refusal::NoCapacity(_) | Refusal::Throttled => {
                    PortError::refused(what)
                }
            }
        })
    }
}

impl ScalingGroup for Fleet {
    async fn describe(&self) -> Result<Group, PortError> {
        self.call("describe the group", |group, now_us, _| group.describe(now_us))
    }

    async fn set_desired(&self, n: u32) -> Result<(), PortError> {
        self.call("set the desired capacity", |group, now_us, chance| {
            group.set_desired(n, false, now_us, chance)
        })
    }

    async fn launch(&self, n: u32, token: &str) -> Result<(), PortError> {
        let mut none_came = false;
        let done = self.call("launch instances", |group, now_us, chance| {
            let done = group.launch(n, token, now_us, chance).map(drop);
            none_came = matches!(done, Err(Refusal::NoCapacity(_)));
            done
        });
        // Refused for another reason, an earlier call with the token may have succeeded.
        if none_came { done } else { done.map_err(PortError::of_a_repeat) }
    }

    async fn terminate(&self, id: &InstanceId) -> Result<(), PortError> {
        self.call("terminate an instance", |group, now_us, chance| {
            // An instance that has left is unaffected.
            if group.instances().contains_key(id) {
                group.terminate(id, true, now_us, chance)
            } else {
                Ok(())
            }
        })
    }

    async fn protect(&self, id: &InstanceId, is_protected: bool) -> Result<(), PortError> {
        let ids = BTreeSet::from([id.clone()]);
        self.call("protect an instance", |group, now_us, chance| {
            match group.protect(&ids, is_protected, now_us, chance) {
                // It is not in service.
                Err(Refusal::Validation(_)) => Ok(()),
                done => done,
            }
        })
    }
}

impl Ledger for Fleet {
    async fn levels(&self) -> Result<Levels, PortError> {
        Ok(self.0.levels.borrow().clone())
    }

    async fn put_levels(&self, levels: &Levels) -> Result<Written, PortError> {
        let mut known = self.0.levels.borrow_mut();
        if known.version + 1 != levels.version {
            return Ok(Written::Raced);
        }
        *known = levels.clone();
        Ok(Written::Yes)
    }

    async fn instances(&self, _: &[InstanceId]) -> Result<Vec<InstanceRow>, PortError> {
        Ok(self.0.instances.borrow().values().cloned().collect())
    }

    async fn instance(&self, id: &InstanceId) -> Result<Option<InstanceRow>, PortError> {
        Ok(self.0.instances.borrow().get(id).cloned())
    }

    async fn put_instance(&self, row: &InstanceRow) -> Result<Written, PortError> {
        let mut instances = self.0.instances.borrow_mut();
        if instances.get(&row.id).map_or(0, |known| known.version) + 1 != row.version {
            return Ok(Written::Raced);
        }
        instances.insert(row.id.clone(), row.clone());
        Ok(Written::Yes)
    }

    async fn forget_instance(&self, id: &InstanceId, version: u64) -> Result<Written, PortError> {
        let mut instances = self.0.instances.borrow_mut();
        match instances.get(id) {
            Some(known) if known.version == version => {
                instances.remove(id);
                Ok(Written::Yes)
            }
            _ => Ok(Written::Raced),
        }
    }
}

impl Metrics for Fleet {
    async fn put(&self, values: &[(Series, f64)]) -> Result<(), PortError> {
        let now_us = Clock::now_us(&self.0.clock);
        let mut series = self.0.series.borrow_mut();
        for (name, value) in values {
            series.entry(*name).or_default().push((now_us, *value));
        }
        Ok(())
    }

    async fn maximum(&self, series: Series, window_s: u32) -> Result<Option<f64>, PortError> {
        let since_us = Clock::now_us(&self.0.clock).saturating_sub(u64::from(window_s) * 1_000_000);
        let all = self.0.series.borrow();
        let Some(samples) = all.get(&series) else { return Ok(None) };
        let from = samples.partition_point(|(at_us, _)| *at_us < since_us);
        Ok(samples[from..].iter().map(|(_, value)| *value).reduce(f64::max))
    }
}

impl Journal for Fleet {
    fn write(&self, line: &Line) {
        self.0.journal.borrow_mut().push(line.to_json());
    }
}

#[cfg(test)]
mod tests;
