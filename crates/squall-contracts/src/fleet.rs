//! The contract of the controllers' ports.

use std::fmt::Debug;

use squall_capacity::claims::{InstanceRow, State};
use squall_capacity::events::{Activity, Payload, Runs};
use squall_capacity::ids::{InstanceId, RunId, SourceId};
use squall_capacity::levels::Levels;
use squall_capacity::ports::{Ledger, Metrics, PortError, ScalingGroup, Series, Written, chain};

use super::{Broken, same};

fn done<T>(what: &str, result: Result<T, PortError>) -> Result<T, Broken> {
    result.map_err(|error| format!("{what}: {}", chain(&error)))
}

fn permanent<T: Debug>(what: &str, result: Result<T, PortError>) -> Result<(), Broken> {
    match result {
        Err(PortError::Permanent { .. }) => Ok(()),
        other => Err(format!("{what} is a permanent error: found {other:?}")),
    }
}

fn id(n: u32) -> Result<InstanceId, Broken> {
    InstanceId::new(format!("i-{n}"))
}

/// The levels of a version, as reported by a source.
fn levels(version: u64, source: &str) -> Result<Levels, Broken> {
    let mut levels = Levels { version, ..Levels::default() };
    let level = Runs { queued: 1, running: 2 };
    let payload = Payload::Runs { level, started: Vec::new(), finished: Vec::new() };
    let order = u64::MAX - version;
    levels.record(&Activity { source: SourceId::new(source)?, order, time_us: 7, payload });
    Ok(levels)
}

fn row(n: u32, version: u64, idle_since_us: u64) -> Result<InstanceRow, Broken> {
    Ok(InstanceRow { version, ..InstanceRow::new(id(n)?, idle_since_us) })
}

/// The ledger of a group that was never written to.
///
/// # Errors
/// The first broken promise.
pub async fn ledger(ledger: &impl Ledger) -> Result<(), Broken> {
    levels_are_written_over_what_was_read(ledger).await?;
    instances_are_written_over_what_was_read(ledger).await?;
    one_of_a_claim_and_a_drain_wins(ledger).await
}

async fn levels_are_written_over_what_was_read(ledger: &impl Ledger) -> Result<(), Broken> {
    let read = async || done("read the levels", ledger.levels().await);
    let put = async |levels: &Levels| done("write the levels", ledger.put_levels(levels).await);
    same("a new ledger knows no levels", &read().await?, &Levels::default())?;
    for version in [0, 2] {
        same("levels begin at version 1", &put(&levels(version, "a")?).await?, &Written::Raced)?;
    }
    same("the first write is on nothing", &put(&levels(1, "a")?).await?, &Written::Yes)?;
    same("a version is written once", &put(&levels(1, "b")?).await?, &Written::Raced)?;
    same("a lost race writes nothing", &read().await?, &levels(1, "a")?)?;
    same("the next is written", &put(&levels(2, "b")?).await?, &Written::Yes)?;
    same("levels are what was written", &read().await?, &levels(2, "b")?)
}

async fn instances_are_written_over_what_was_read(ledger: &impl Ledger) -> Result<(), Broken> {
    let put = async |row: &InstanceRow| done("write an instance", ledger.put_instance(row).await);
    same("an unknown instance is none", &done("read", ledger.instance(&id(1)?).await)?, &None)?;
    same("a new ledger knows no instances", &done("list", ledger.instances(&[]).await)?, &Vec::new())?;
    for n in [2, 10, 1] {
        same("the first write is on nothing", &put(&row(n, 1, 7)?).await?, &Written::Yes)?;
        same("a version is written once", &put(&row(n, 1, 8)?).await?, &Written::Raced)?;
    }
    same("no version is skipped", &put(&row(2, 3, 9)?).await?, &Written::Raced)?;
    let mut claimed = row(2, 2, u64::MAX)?;
    claimed.runs = [(RunId::new("r-1")?, u64::MAX), (RunId::new("r-2")?, 0)].into();
    same("the next is written", &put(&claimed).await?, &Written::Yes)?;
    same(
        "a row is what was written",
        &done("read", ledger.instance(&id(2)?).await)?,
        &Some(claimed.clone()),
    )?;
    let listed = done("list", ledger.instances(&[]).await)?;
    same("rows come in the order of their ids", &listed, &vec![row(1, 1, 7)?, row(10, 1, 7)?, claimed])?;

    let forget = async |version| done("forget", ledger.forget_instance(&id(2)?, version).await);
    same("what has changed is not forgotten", &forget(1).await?, &Written::Raced)?;
    same("what was read is", &forget(2).await?, &Written::Yes)?;
    same("what is not there is not forgotten", &forget(2).await?, &Written::Raced)?;
    same("a forgotten row is gone", &done("read", ledger.instance(&id(2)?).await)?, &None)?;
    same("and begins anew", &put(&row(2, 1, 10)?).await?, &Written::Yes)
}

async fn one_of_a_claim_and_a_drain_wins(ledger: &impl Ledger) -> Result<(), Broken> {
    for n in 20..30 {
        done("write an instance", ledger.put_instance(&row(n, 1, 7)?).await)?;
        let mut claimed = row(n, 2, 7)?;
        claimed.runs.insert(RunId::new("r-1")?, u64::MAX);
        let drained = InstanceRow { state: State::Draining { since_us: 8 }, ..row(n, 2, 7)? };
        let (claim, drain) = futures::join!(ledger.put_instance(&claimed), ledger.put_instance(&drained));
        let won = [done("claim", claim)?, done("drain", drain)?];
        same("exactly one of two writes wins", &won.iter().filter(|it| **it == Written::Yes).count(), &1)?;
    }
    Ok(())
}

/// The metrics of a group that was never written to.
///
/// # Errors
/// The first broken promise.
pub async fn metrics(metrics: &impl Metrics) -> Result<(), Broken> {
    let maximum = async |series| done("read a metric", metrics.maximum(series, 600).await);
    same("what was never written is not known", &maximum(Series::Runs).await?, &None)?;
    done("write nothing", metrics.put(&[]).await)?;
    for (runs, sessions) in [(3.0, 0.0), (7.0, 1.0), (5.0, 2.5)] {
        done("write", metrics.put(&[(Series::Runs, runs), (Series::Sessions, sessions)]).await)?;
    }
    same("the largest of a window counts", &maximum(Series::Runs).await?, &Some(7.0))?;
    same("of each series its own", &maximum(Series::Sessions).await?, &Some(2.5))?;
    same("the others are not known", &maximum(Series::Terminated).await?, &None)
}

/// A group of 0 to 9 with a desired size of one: how the desired size changes.
///
/// # Errors
/// The first broken promise.
pub async fn scaling_group_size(group: &impl ScalingGroup) -> Result<(), Broken> {
    for n in [1, 4, 4, 2, 9] {
        done("set the desired capacity", group.set_desired(n).await)?;
        let seen = done("describe the group", group.describe().await)?;
        same("it is told what it was told", &(seen.min, seen.max, seen.desired), &(0, 9, n))?;
        let is_sorted = seen.instances.is_sorted_by(|one, next| one.id < next.id);
        same("instances come in the order of their ids", &is_sorted, &true)?;
        let n_live = seen.n_live();
        same("it has, or boots, as many as it is told", &(n_live >= n.min(4)), &true)?;
    }
    Ok(())
}

/// A group of 0 to 9 with nine instances in service: which are terminated, and which requests are refused.
///
/// # Errors
/// The first broken promise.
pub async fn scaling_group_victims(group: &impl ScalingGroup) -> Result<(), Broken> {
    permanent("more than the maximum", group.set_desired(10).await)?;
    let seen = done("describe", group.describe().await)?;
    let Some(first) = seen.instances.first().map(|it| it.id.clone()) else {
        return Err("the group has no instance".to_owned());
    };
    done("protect", group.protect(&first, true).await)?;
    for _ in 0..2 {
        done("terminate, protected or not", group.terminate(&first).await)?;
        let seen = done("describe", group.describe().await)?;
        same("it is taken from the desired capacity once", &seen.desired, &8)?;
        same("and it alone goes", &seen.n_live(), &8)?;
    }
    permanent("launches over the maximum", group.launch(2, "over").await)?;
    for _ in 0..2 {
        done("launch", group.launch(1, "once").await)?;
        same("a token launches once", &done("describe", group.describe().await)?.desired, &9)?;
    }
    Ok(())
}
