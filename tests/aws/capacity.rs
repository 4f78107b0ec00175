//! The capacity controllers' adapters fulfil the contracts of their ports, and an event that enters at one end changes
//! the group and the metrics at the other.

use std::cell::RefCell;

use squall_aws::capacity::{AutoScalingGroup, CloudWatchMetrics, DynamoLedger, MetricNames};
use squall_aws::provision::{Bounds, provision_group, provision_ledger};
use squall_aws::{Connection, WallClock};
use squall_capacity::claims::{InstanceRow, State};
use squall_capacity::events::Activity;
use squall_capacity::group::{Group, Lifecycle};
use squall_capacity::ids::InstanceId;
use squall_capacity::journal::Line;
use squall_capacity::levels::Levels;
use squall_capacity::policy::Policy;
use squall_capacity::ports::{Journal, Ledger, Metrics, PortError, Ports, ScalingGroup, Series, Written};
use squall_capacity::steps::{on_event, tick};
use squall_contracts::fleet;

use super::{connection_to, run};
use crate::emulator::{self, unique};
use crate::proxy::{Fault, Proxy, at_first, at_random};

const BOUNDS: Bounds = Bounds { min: 0, max: 9, desired: 1 };

/// A journal that keeps its lines.
#[derive(Default)]
struct Lines(RefCell<Vec<String>>);

impl Journal for Lines {
    fn write(&self, line: &Line) {
        self.0.borrow_mut().push(line.to_json());
    }
}

type Adapters = Ports<AutoScalingGroup, DynamoLedger, CloudWatchMetrics, Lines, WallClock>;

/// A table and a group of the same name, created directly.
pub(super) async fn deployed(endpoint: &str) -> String {
    let (name, connection) = (unique("capacity"), connection_to(endpoint));
    provision_ledger(&connection, &name).await.unwrap();
    provision_group(&connection, &name, &["us-east-1a"], BOUNDS).await.unwrap();
    name
}

fn adapters(connection: &Connection, name: &str) -> Adapters {
    Ports {
        group: AutoScalingGroup::new(connection, name),
        ledger: DynamoLedger::new(connection, name, name),
        metrics: metrics(connection, name),
        journal: Lines::default(),
        clock: WallClock,
    }
}

fn metrics(connection: &Connection, group: &str) -> CloudWatchMetrics {
    let (namespace, runs) = ("Squall/Capacity".to_owned(), "ModelRuns".to_owned());
    CloudWatchMetrics::new(
        connection,
        group,
        MetricNames { namespace, sessions: "Sessions".to_owned(), runs },
    )
}

fn policy() -> Policy {
    let json = r#"{"runs_per_instance": 2, "scale_in": {"mode": "by_instance", "idle_s": 0}}"#;
    Policy::from_json(json).unwrap()
}

fn id(id: &str) -> InstanceId {
    InstanceId::new(id).unwrap()
}

/// A number of runs, as a source reports them for the `sequence`-th time.
fn runs(source: &str, sequence: u64, n: u32) -> Activity {
    let json = format!(
        r#"{{"version": 1, "type": "run_activity", "source": "{source}", "time": "2026-11-22T10:00:00Z",
            "sequence": {sequence}, "queued_runs": {n}, "running_runs": 0}}"#
    );
    Activity::from_json(&json, u64::MAX).unwrap()
}

/// The levels of a version, as reported by a source.
fn levels(version: u64, source: &str) -> Levels {
    let mut levels = Levels { version, ..Levels::default() };
    levels.record(&runs(source, version, 3));
    levels
}

fn row(name: &str, version: u64, idle_since_us: u64) -> InstanceRow {
    InstanceRow { version, ..InstanceRow::new(id(name), idle_since_us) }
}

#[test]
fn the_ledger_and_the_metrics_keep_their_promises_and_the_group_those_of_its_size() {
    let Some(endpoint) = emulator::endpoint() else { return };
    run(async {
        let name = deployed(endpoint).await;
        let Ports { group, ledger, metrics, .. } = adapters(&connection_to(endpoint), &name);
        fleet::ledger(&ledger).await.unwrap();
        fleet::metrics(&metrics).await.unwrap();
        fleet::scaling_group_size(&group).await.unwrap();
    });
}

#[test]
fn many_who_write_levels_at_once_write_once_and_groups_of_a_table_know_nothing_of_each_other() {
    let Some(endpoint) = emulator::endpoint() else { return };
    run(async {
        let name = deployed(endpoint).await;
        let connection = connection_to(endpoint);
        let ledger = DynamoLedger::new(&connection, &name, "a");
        let names: Vec<String> = (0..10).map(|n| format!("source-{n}")).collect();
        let writes = names.iter().map(async |name| ledger.put_levels(&levels(1, name)).await.unwrap());
        let written = futures::future::join_all(writes).await;
        let winner = written.iter().position(|it| *it == Written::Yes).unwrap();
        assert_eq!(written.iter().filter(|it| **it == Written::Yes).count(), 1, "{written:?}");
        assert_eq!(ledger.levels().await.unwrap(), levels(1, &names[winner]));
        fleet::ledger(&DynamoLedger::new(&connection, &name, "b")).await.unwrap();
        assert!(ledger.instances(&[]).await.unwrap().is_empty());
    });
}

/// A write that is repeated because its reply was lost counts as written, and another writer's is a lost race.
fn every_reply_is_lost_once(fault: Fault) {
    let Some(endpoint) = emulator::endpoint() else { return };
    let writes = ["dynamodb:PutItem", "dynamodb:DeleteItem"];
    run(async {
        let name = deployed(endpoint).await;
        let proxy = Proxy::start(endpoint, at_first(move |action| writes.contains(&action), fault));
        let lossy = adapters(&connection_to(proxy.url()), &name).ledger;
        let direct = adapters(&connection_to(endpoint), &name).ledger;
        for version in [1, 2] {
            assert_eq!(lossy.put_levels(&levels(version, "ours")).await.unwrap(), Written::Yes);
            assert_eq!(direct.levels().await.unwrap(), levels(version, "ours"));
            assert_eq!(lossy.put_levels(&levels(version, "theirs")).await.unwrap(), Written::Raced);
            assert_eq!(lossy.put_instance(&row("i-1", version, 7)).await.unwrap(), Written::Yes);
            assert_eq!(direct.instance(&id("i-1")).await.unwrap(), Some(row("i-1", version, 7)));
            assert_eq!(lossy.put_instance(&row("i-1", version, 8)).await.unwrap(), Written::Raced);
        }
        // It is unknown who removed it: it is gone, as wanted.
        lossy.forget_instance(&id("i-1"), 2).await.unwrap();
        assert_eq!(direct.instance(&id("i-1")).await.unwrap(), None);
        assert!(proxy.n_faults() >= 9, "{:?}", proxy.counts());
    });
}

#[test]
fn a_row_whose_reply_was_lost_is_known_to_be_ours() {
    every_reply_is_lost_once(Fault::LoseReply);
}

#[test]
fn a_row_whose_write_was_called_failed_is_known_to_be_ours() {
    every_reply_is_lost_once(Fault::BlameReply);
}

#[test]
fn metrics_are_of_their_group_and_kept_for_a_quarter() {
    let Some(endpoint) = emulator::endpoint() else { return };
    run(async {
        let connection = connection_to(endpoint);
        let (ours, theirs) = (metrics(&connection, &unique("a")), metrics(&connection, &unique("b")));
        fleet::metrics(&ours).await.unwrap();
        theirs.put(&[(Series::Runs, 100.0)]).await.unwrap();
        assert_eq!(ours.maximum(Series::Runs, 60).await.unwrap(), Some(7.0));
        assert_eq!(ours.maximum(Series::Runs, 90 * 86_400).await.unwrap(), Some(7.0));
        assert_eq!(theirs.maximum(Series::Runs, 600).await.unwrap(), Some(100.0));
    });
}

fn permanent<T: std::fmt::Debug>(result: Result<T, PortError>) -> String {
    match result {
        Err(error @ PortError::Permanent { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_group_is_described_and_changed() {
    let Some(endpoint) = emulator::endpoint() else { return };
    run(async {
        let name = deployed(endpoint).await;
        let connection = connection_to(endpoint);
        let group = AutoScalingGroup::new(&connection, &name);
        group.set_desired(4).await.unwrap();
        let Group { min, max, desired, instances, cooling_until_us, .. } = group.describe().await.unwrap();
        assert_eq!((min, max, desired, cooling_until_us), (0, 9, 4, 0));
        assert_eq!(instances.len(), 4);
        assert!(instances.is_sorted() && instances.iter().all(|it| it.is_protected));
        assert!(instances.iter().all(|it| it.lifecycle == Lifecycle::InService));
        // Only an unprotected instance is terminated by the group.
        group.set_desired(2).await.unwrap();
        assert_eq!(group.describe().await.unwrap().instances.len(), 4);
        group.protect(&instances[1].id, false).await.unwrap();
        group.set_desired(2).await.unwrap();
        let left = group.describe().await.unwrap().instances;
        assert_eq!(left.len(), 3);
        assert!(left.iter().all(|it| it.id != instances[1].id));
        group.set_desired(9).await.unwrap();
        fleet::scaling_group_victims(&group).await.unwrap();

        let error = permanent(group.set_desired(10).await);
        assert!(error.contains("New SetDesiredCapacity value 10 is above max value 9"), "{error}");
        let error = permanent(group.protect(&id("i-0"), true).await);
        assert_eq!(error, format!("cannot protect instance i-0: it is not in group {name}"));
        group.terminate(&id("i-0")).await.unwrap();
        let nowhere = AutoScalingGroup::new(&connection, "nowhere");
        let error = permanent(nowhere.describe().await);
        assert!(error.contains("Auto Scaling group nowhere does not exist in us-east-1"), "{error}");
        let error = permanent(nowhere.set_desired(1).await);
        assert!(error.starts_with("cannot set the desired capacity of group nowhere to 1: "), "{error}");
    });
}

#[test]
fn an_event_changes_the_group_the_ledger_and_the_metrics() {
    let Some(endpoint) = emulator::endpoint() else { return };
    run(async {
        let name = deployed(endpoint).await;
        let ports = adapters(&connection_to(endpoint), &name);
        let handled = on_event(&ports, &policy(), &runs("scheduler", 1, 7)).await.unwrap();
        assert!(handled.has_raised);
        assert_eq!(ports.group.describe().await.unwrap().desired, 4);
        assert_eq!(ports.ledger.levels().await.unwrap().n_runs(), 7);
        assert_eq!(ports.metrics.maximum(Series::Runs, 600).await.unwrap(), Some(7.0));
        assert_eq!(ports.metrics.maximum(Series::DesiredCapacity, 600).await.unwrap(), Some(4.0));
        let again = on_event(&ports, &policy(), &runs("scheduler", 1, 7)).await.unwrap();
        assert!(!again.has_raised, "a second delivery");
        on_event(&ports, &policy(), &runs("another", 1, 100)).await.unwrap();
        assert_eq!(ports.group.describe().await.unwrap().desired, 9, "the maximum");
        assert_eq!(ports.metrics.maximum(Series::OverMaximum, 600).await.unwrap(), Some(45.0));
        for line in ports.journal.0.borrow().iter() {
            let line: Line = serde_json::from_str(line).unwrap();
            assert_eq!(line.again(), line);
        }
    });
}

#[test]
fn events_over_a_faulty_network_leave_the_group_as_large_as_the_last_of_each_source_says() {
    let Some(endpoint) = emulator::endpoint() else { return };
    let faults = [Fault::Refuse, Fault::Reset, Fault::LoseReply, Fault::BlameReply, Fault::Twice];
    let proxy = Proxy::start(endpoint, at_random(5, 100, &faults));
    run(async {
        let name = deployed(endpoint).await;
        let ports = adapters(&connection_to(proxy.url()), &name);
        let events: Vec<_> = (1..=5).flat_map(|n| [runs("a", n, 2), runs("b", 6 - n, 3)]).collect();
        for event in events {
            // As its topic does: until it is processed.
            let mut n_deliveries = 0;
            while on_event(&ports, &policy(), &event).await.is_err() {
                n_deliveries += 1;
                assert!(n_deliveries < 5);
            }
        }
        assert_eq!(ports.ledger.levels().await.unwrap().n_runs(), 5);
        assert_eq!(ports.group.describe().await.unwrap().desired, 3);
    });
    assert!(proxy.n_faults() > 3, "{:?}", proxy.counts());
}

#[test]
fn a_tick_drains_and_terminates_what_is_idle() {
    let Some(endpoint) = emulator::endpoint() else { return };
    run(async {
        let name = deployed(endpoint).await;
        let ports = adapters(&connection_to(endpoint), &name);
        on_event(&ports, &policy(), &runs("scheduler", 1, 0)).await.unwrap();
        let adopted = tick(&ports, &policy()).await.unwrap();
        assert_eq!((adopted.decision.adopt.len(), adopted.decision.drain.len()), (1, 0));
        let ticked = tick(&ports, &policy()).await.unwrap();
        assert_eq!((ticked.decision.drain.len(), &ticked.outcome.refused), (1, &Vec::new()));
        let Group { desired, instances, .. } = ports.group.describe().await.unwrap();
        assert_eq!((desired, instances.len()), (0, 0));
        let rows = ports.ledger.instances(&[]).await.unwrap();
        assert!(matches!(rows[..], [InstanceRow { state: State::Gone { .. }, .. }]), "{rows:?}");
    });
}
