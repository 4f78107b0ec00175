use std::cell::Cell;

use futures::future::join;
use squall_core::outbox::SHARD_RECORDS_PER_S;
use squall_core::ports::{InvokeError, Placement, TaskPut, TaskQueue, Workers};
use squall_grid::put_tasks;

use super::*;

type Queue = GridPorts<SimulatedClock, (), ()>;

#[expect(clippy::arc_with_non_send_sync, reason = "ports are shared by `Arc`, here on one thread")]
fn queue(clock: &SimulatedClock, n_shards: u32) -> (Arc<Memory>, Queue) {
    let memory = Arc::new(Memory::new(n_shards, 1, 1));
    let ports = grid_ports(&memory, Arc::new(clock.clone()), Arc::default(), Arc::default());
    (memory, ports)
}

fn tasks(job: &str, n: u64, shards: &[squall_core::placement::ShardRange]) -> Vec<TaskPut> {
    let task = |(n, shard): (u64, &squall_core::placement::ShardRange)| TaskPut {
        placement: Placement { partition_key: format!("{job}/{n}"), hash_key: shard.first },
        data: vec![0; 100],
    };
    (0..n).zip(shards.iter().cycle()).map(task).collect()
}

/// Puts the tasks of some jobs at the same time on two shards that take only what Kinesis' shards do; returns the time, and the
/// number of records that were refused.
fn put(jobs: &[&str], n_tasks: u64) -> (u64, u64) {
    let clock = SimulatedClock::default();
    let limited = Limited::new(clock.clone(), Limits::default());
    let (memory, inner) = queue(&clock, 2);
    let ports = Wrapped { inner, around: limited.clone() };
    let all = async {
        let shards = ports.shards().await.unwrap();
        let each = jobs
            .iter()
            .map(async |job| put_tasks(&ports, &shards, &tasks(job, n_tasks, &shards), async |_| ()).await);
        join_all(each).await.into_iter().collect::<Result<Vec<_>, _>>()
    };
    run_until_done(&clock, all).unwrap().unwrap();
    assert_eq!(memory.tasks.n_outstanding(), n_tasks * jobs.len() as u64, "each arrives, and once");
    (clock.now_us(), limited.n_refused())
}

#[test]
fn a_splitter_alone_puts_as_fast_as_the_shards_take_and_is_never_refused() {
    let n_tasks = 20 * SHARD_RECORDS_PER_S;
    let (took_us, n_refused) = put(&["one"], n_tasks);
    assert_eq!(n_refused, 0);
    // Two shards: a second's worth at once, the rest at their rate.
    assert!((9_000_000..9_200_000).contains(&took_us), "{took_us}");
}

#[test]
fn splitters_that_share_the_shards_are_refused_and_lose_nothing() {
    let (took_us, n_refused) = put(&["one", "other", "third"], 4_000);
    assert!(n_refused > 0);
    // 12,000 records at 2,000 a second, of which the first 2,000 are free; three splitters get in each other's way.
    assert!((5_000_000..30_000_000).contains(&took_us), "{took_us}");
}

#[test]
fn ports_with_delays_and_limits_keep_the_contracts() {
    let clock = SimulatedClock::default();
    let (memory, inner) = queue(&clock, 3);
    let limited = Limited::new(clock.clone(), Limits::default());
    let random = Rc::new(RefCell::new(Random::new(1)));
    let latencies = Latencies { port_us: 40_000, ..Latencies::default() };
    let slow = Slow::new(clock.clone(), random, latencies);
    let ports = Wrapped { inner: Wrapped { inner, around: limited }, around: slow };
    let kept = async {
        squall_contracts::blob_store(&ports, "wrapped").await?;
        squall_contracts::job_store(&ports, "wrapped").await?;
        squall_contracts::job_events(&ports, "wrapped").await.map(drop)
    };
    assert_eq!(run_until_done(&clock, kept).unwrap(), Ok(()));
    assert!(clock.now_us() > 1_000_000, "and took their time");
    drop(memory);
}

/// A worker that takes a second.
struct Busy(SimulatedClock, Cell<u32>);

impl Workers for Busy {
    async fn invoke(&self, _: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        self.1.set(self.1.get() + 1);
        self.0.sleep_until(self.0.now_us() + 1_000_000).await;
        Ok(request)
    }
}

#[test]
fn an_account_runs_as_many_invocations_at_once_as_its_limit_says() {
    let clock = SimulatedClock::default();
    let limits = Limits { concurrency: 2, ..Limits::default() };
    let around = Limited::new(clock.clone(), limits);
    let workers = Wrapped { inner: Busy(clock.clone(), Cell::new(0)), around };
    let invoke = || workers.invoke(0, vec![7]);
    let at_once = async {
        let (kept, refused) = join(join(invoke(), invoke()), invoke()).await;
        assert!(matches!(kept, (Ok(_), Ok(_))));
        assert!(matches!(refused, Err(InvokeError::Throttled(_))), "{refused:?}");
        invoke().await
    };
    assert_eq!(run_until_done(&clock, at_once).unwrap().unwrap(), [7], "a place is given back");
    assert_eq!(workers.inner.1.get(), 3, "a refused invocation does not run");
}
