use futures::executor::block_on;

use super::*;
use squall_memory::Memory;
use squall_sim_time::{SimulatedClock, run_until_done};

#[test]
fn memory_keeps_jobs_as_promised() {
    let memory = Memory::new(2, 2, 1);
    // Twice: a name is all that a suite needs to be isolated.
    for name in ["first", "second"] {
        assert_eq!(block_on(job_store(&memory, name)), Ok(()));
    }
}

#[test]
fn memory_lists_jobs_as_promised() {
    let (memory, clock) = (Memory::new(1, 1, 1), SimulatedClock::default());
    assert_eq!(block_on(job_store(&memory, "others")), Ok(()));
    assert_eq!(run_until_done(&clock, job_list(&memory, &clock, "first")), Ok(Ok(())));
}
