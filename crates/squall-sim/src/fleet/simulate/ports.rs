//! The controllers' ports on simulated time: each call takes as long as on AWS, takes effect half-way, and is counted.

use std::rc::Rc;

use squall_capacity::claims::InstanceRow;
use squall_capacity::group::Group;
use squall_capacity::ids::InstanceId;
use squall_capacity::journal::Line;
use squall_capacity::levels::Levels;
use squall_capacity::ports::{Journal, Ledger, Metrics, PortError, Ports, ScalingGroup, Series, Written};

use super::score::Calls;
use super::world::World;
use squall_sim_time::SimulatedClock;

const MS: u64 = 1_000;
/// A call of Auto Scaling, microseconds.
const GROUP_US: (u64, u64) = (30 * MS, 250 * MS);
/// A call of DynamoDB.
const LEDGER_US: (u64, u64) = (3 * MS, 12 * MS);
/// A call of CloudWatch.
const METRICS_US: (u64, u64) = (10 * MS, 60 * MS);

/// The ports of one history; clones are the same.
#[derive(Clone)]
pub(super) struct SlowPorts(Rc<World>);

/// The ports, as the controllers take them.
pub(super) type ControllerPorts = Ports<SlowPorts, SlowPorts, SlowPorts, SlowPorts, SimulatedClock>;

/// The ports of a world.
pub(super) fn ports(world: &Rc<World>) -> ControllerPorts {
    let ports = SlowPorts(Rc::clone(world));
    Ports {
        group: ports.clone(),
        ledger: ports.clone(),
        metrics: ports.clone(),
        journal: ports,
        clock: world.clock.clone(),
    }
}

impl SlowPorts {
    /// Executes a call half-way through its duration.
    async fn slowly<T>(&self, span_us: (u64, u64), calls: Calls, does: impl FnOnce() -> T) -> T {
        self.0.count(calls);
        let us = self.0.between(span_us);
        self.0.sleep(us / 2).await;
        let done = does();
        self.0.sleep(us - us / 2).await;
        done
    }

    async fn change<T>(&self, change: impl Future<Output = T>) -> T {
        let calls = Calls { group_writes: 1, ..Calls::default() };
        self.slowly(GROUP_US, calls, || {
            let done = at_once(change);
            self.0.take_in();
            done
        })
        .await
    }

    async fn raise<T>(&self, raise: impl Future<Output = T>) -> T {
        let calls = Calls { group_writes: 1, ..Calls::default() };
        self.slowly(GROUP_US, calls, || self.0.raise(|| at_once(raise))).await
    }

    async fn ledger<T>(&self, call: impl Future<Output = T>) -> T {
        self.slowly(LEDGER_US, Calls { ledger: 1, ..Calls::default() }, || at_once(call)).await
    }

    async fn metrics<T>(&self, call: impl Future<Output = T>) -> T {
        self.slowly(METRICS_US, Calls { metrics: 1, ..Calls::default() }, || at_once(call)).await
    }
}

/// The result of a port in memory, which never waits.
#[expect(clippy::expect_used, reason = "a port in memory that waits is a defect of the simulator")]
fn at_once<T>(future: impl Future<Output = T>) -> T {
    futures::FutureExt::now_or_never(future).expect("a port in memory answers at once")
}

impl ScalingGroup for SlowPorts {
    async fn describe(&self) -> Result<Group, PortError> {
        let calls = Calls { group_reads: 1, ..Calls::default() };
        self.slowly(GROUP_US, calls, || at_once(self.0.fleet.describe())).await
    }

    async fn set_desired(&self, n: u32) -> Result<(), PortError> {
        self.raise(self.0.fleet.set_desired(n)).await
    }

    async fn launch(&self, n: u32, token: &str) -> Result<(), PortError> {
        self.raise(self.0.fleet.launch(n, token)).await
    }

    async fn terminate(&self, id: &InstanceId) -> Result<(), PortError> {
        self.change(self.0.fleet.terminate(id)).await
    }

    async fn protect(&self, id: &InstanceId, is_protected: bool) -> Result<(), PortError> {
        self.change(self.0.fleet.protect(id, is_protected)).await
    }
}

impl Ledger for SlowPorts {
    async fn levels(&self) -> Result<Levels, PortError> {
        self.ledger(self.0.fleet.levels()).await
    }

    async fn put_levels(&self, levels: &Levels) -> Result<Written, PortError> {
        self.ledger(self.0.fleet.put_levels(levels)).await
    }

    async fn instances(&self, members: &[InstanceId]) -> Result<Vec<InstanceRow>, PortError> {
        self.ledger(self.0.fleet.instances(members)).await
    }

    async fn instance(&self, id: &InstanceId) -> Result<Option<InstanceRow>, PortError> {
        self.ledger(self.0.fleet.instance(id)).await
    }

    async fn put_instance(&self, row: &InstanceRow) -> Result<Written, PortError> {
        self.ledger(self.0.fleet.put_instance(row)).await
    }

    async fn forget_instance(&self, id: &InstanceId, version: u64) -> Result<Written, PortError> {
        self.ledger(self.0.fleet.forget_instance(id, version)).await
    }
}

impl Metrics for SlowPorts {
    async fn put(&self, values: &[(Series, f64)]) -> Result<(), PortError> {
        self.metrics(self.0.fleet.put(values)).await
    }

    async fn maximum(&self, series: Series, window_s: u32) -> Result<Option<f64>, PortError> {
        self.metrics(self.0.fleet.maximum(series, window_s)).await
    }
}

impl Journal for SlowPorts {
    fn write(&self, _: &Line) {}
}
