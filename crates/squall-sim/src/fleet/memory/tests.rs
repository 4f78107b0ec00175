use squall_core::ports::Clock as _;

use super::*;
use crate::fleet::model::GroupSettings;
use squall_contracts::fleet;
use squall_sim_time::run_until_done;

const BOOT_US: u64 = 90_000_000;

fn kept<T>(promise: impl AsyncFnOnce(&Fleet, &SimulatedClock) -> Result<T, String>) {
    let clock = SimulatedClock::default();
    let settings = GroupSettings { max: 9, boot_us: (BOOT_US, BOOT_US), ..GroupSettings::default() };
    let fleet = Fleet::new(GroupModel::new(settings), clock.clone(), 7);
    run_until_done(&clock, async { promise(&fleet, &clock).await.map(drop).unwrap() }).unwrap();
}

#[test]
fn the_ledger_keeps_its_promises() {
    kept(async |fleet, _| fleet::ledger(fleet).await);
}

#[test]
fn the_metrics_keep_their_promises() {
    kept(async |fleet, _| fleet::metrics(fleet).await);
}

#[test]
fn the_group_keeps_its_promises() {
    kept(async |fleet, clock| {
        fleet::scaling_group_size(fleet).await?;
        clock.sleep_until(BOOT_US).await;
        fleet::scaling_group_victims(fleet).await
    });
}
