use futures::executor::block_on;

use super::*;
use squall_local::Directory;
use squall_memory::Memory;
use squall_sim_time::{SimulatedClock, run_until_done};

#[test]
fn memory_keeps_blobs_as_promised() {
    assert_eq!(block_on(blob_store(&Memory::new(1, 1, 1), "first")), Ok(()));
}

#[test]
fn a_directory_has_files_as_promised() {
    let directory = Directory::new(env!("CARGO_MANIFEST_DIR"));
    assert_eq!(block_on(objects(&directory, "Cargo.toml", include_bytes!("../Cargo.toml"))), Ok(()));
    permanent("another scheme", block_on(directory.read("s3://bucket/key"))).unwrap();
}

#[test]
fn simulated_time_passes_as_promised() {
    let simulated = SimulatedClock::default();
    assert_eq!(run_until_done(&simulated, clock(&simulated)), Ok(Ok(())));
    assert_eq!(simulated.now_us(), 1_000, "no later than asked for");
}

#[test]
fn a_broken_promise_is_reported() {
    assert_eq!(same("one is two", &1, &2), Err("one is two: found 1, expected 2".to_owned()));
    assert!(permanent::<()>("this", Err(PortError::refused("later"))).is_err());
}
