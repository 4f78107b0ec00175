use futures::FutureExt;
use futures::executor::block_on;
use squall_core::ports::{NotPut, PortError};

use super::*;
use squall_lambda_host::delivery::DeliveryPolicy;
use squall_memory::{Memory, Record, Stream};
use squall_sim_time::SimulatedClock;

const N_LANES: usize = 2;

/// The records waiting in these lanes, in the order in which they were put.
fn waiting(stream: &Stream, lanes: impl IntoIterator<Item = usize>) -> Vec<Found> {
    let (clock, policy) =
        (SimulatedClock::default(), DeliveryPolicy { batch_size: 10_000, ..DeliveryPolicy::default() });
    let mut records: Vec<Record> = Vec::new();
    for lane in lanes {
        while let Some(Some(batch)) = stream.lane(lane).next_batch(&clock, &policy).now_or_never() {
            records.extend(batch.records);
        }
    }
    records.sort_by_key(|record| record.sequence);
    records.into_iter().map(|it| (it.partition_key.to_string(), it.data.to_vec())).collect()
}

#[test]
fn memory_keeps_tasks_as_promised() {
    for n_shards in [1, 2, 3, 64] {
        let memory = Memory::new(n_shards, 2, 1);
        let read = async |shard: usize, _: &ShardRange| {
            Ok(waiting(&memory.tasks, shard * N_LANES..(shard + 1) * N_LANES))
        };
        for name in ["first", "second"] {
            assert_eq!(block_on(task_queue(&memory, name, 500, read)), Ok(()));
        }
    }
}

#[test]
fn memory_keeps_results_as_promised() {
    let memory = Memory::new(1, 1, 3);
    let read = async || Ok(waiting(&memory.results, 0..memory.results.n_lanes()));
    assert_eq!(block_on(result_queue(&memory, "results", read)), Ok(()));
}

#[test]
fn memory_tells_as_promised() {
    let memory = Memory::new(1, 1, 1);
    let mut heard = std::pin::pin!(memory.ended.notified());
    heard.as_mut().enable();
    let told = block_on(job_events(&memory, "told"));
    assert_eq!(told.map(|rows| rows.len()), Ok(8));
    assert!(heard.now_or_never().is_some());
}

/// A queue with one fault.
struct Faulty<'a>(&'a Memory, Fault);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    Twice,
    LosesOne,
    SwapsTwo,
    OneShardOnly,
    ChangesAByte,
}

impl TaskQueue for Faulty<'_> {
    async fn shards(&self) -> Result<Vec<ShardRange>, PortError> {
        self.0.shards().await
    }

    async fn put_tasks(&self, records: &[&TaskPut]) -> Result<Vec<NotPut>, PortError> {
        let mut records: Vec<TaskPut> = records.iter().map(|&it| it.clone()).collect();
        match self.1 {
            Fault::LosesOne if !records.is_empty() => drop(records.remove(7)),
            Fault::SwapsTwo if !records.is_empty() => records.swap(9, 12),
            Fault::OneShardOnly => records.iter_mut().for_each(|it| it.placement.hash_key = 0),
            Fault::ChangesAByte if !records.is_empty() => records[8].data[0] ^= 1,
            Fault::Twice => records.extend(records.clone()),
            _ => {}
        }
        self.0.put_tasks(&records.iter().collect::<Vec<_>>()).await
    }
}

#[test]
fn a_queue_that_breaks_a_promise_is_distinguished_from_one_that_repeats_itself() {
    for fault in [
        Fault::None,
        Fault::Twice,
        Fault::LosesOne,
        Fault::SwapsTwo,
        Fault::OneShardOnly,
        Fault::ChangesAByte,
    ] {
        let memory = Memory::new(3, 2, 1);
        let read = async |shard: usize, _: &ShardRange| {
            Ok(waiting(&memory.tasks, shard * N_LANES..(shard + 1) * N_LANES))
        };
        let told = block_on(task_queue(&Faulty(&memory, fault), "tasks", 100, read));
        assert_eq!(told.is_ok(), matches!(fault, Fault::None | Fault::Twice), "{fault:?}: {told:?}");
    }
}
