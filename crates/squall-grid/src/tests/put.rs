//! Putting records on the streams: paced, and again what was refused.

use std::cell::{Cell, RefCell};

use futures::future::{Either, select};

use squall_core::outbox::MAX_RECORD_BYTES;
use squall_core::placement::ShardRange;
use squall_core::ports::{NotPut, Placement, PortError, ResultQueue, TaskPut, TaskQueue};

use super::*;
use crate::{put_result, put_tasks};

/// A stream of one shard that refuses the first calls, and then one record of each.
#[derive(Default)]
struct Reluctant {
    clock: SimulatedClock,
    refuses: u32,
    n_calls: Cell<u32>,
    /// Which of the records that it takes it refuses the first time.
    refuses_once: RefCell<Vec<String>>,
    taken: RefCell<Vec<String>>,
}

impl Reluctant {
    fn call(&self) -> Result<(), PortError> {
        self.n_calls.set(self.n_calls.get() + 1);
        match self.n_calls.get() <= self.refuses {
            true => Err(PortError::refused("the stream is throttling")),
            false => Ok(()),
        }
    }
}

impl Clock for Reluctant {
    fn now_us(&self) -> u64 {
        self.clock.now_us()
    }

    async fn sleep_until(&self, until_us: u64) {
        self.clock.sleep_until(until_us).await;
    }
}

impl TaskQueue for Reluctant {
    async fn shards(&self) -> Result<Vec<ShardRange>, PortError> {
        Ok(vec![ShardRange { first: 0, last: u128::MAX }])
    }

    async fn put_tasks(&self, records: &[&TaskPut]) -> Result<Vec<NotPut>, PortError> {
        self.call()?;
        let mut not_put = Vec::new();
        for (index, record) in records.iter().enumerate() {
            let key = &record.placement.partition_key;
            let once = self.refuses_once.borrow().iter().position(|it| it == key);
            if let Some(once) = once {
                self.refuses_once.borrow_mut().remove(once);
                not_put.push(NotPut { index, reason: format!("{key} is too much") });
            } else {
                self.taken.borrow_mut().push(key.clone());
            }
        }
        Ok(not_put)
    }
}

impl ResultQueue for Reluctant {
    async fn put_result(&self, partition_key: &str, _: &[u8]) -> Result<(), PortError> {
        self.call()?;
        self.taken.borrow_mut().push(partition_key.to_owned());
        Ok(())
    }
}

fn task(n: usize, n_bytes: usize) -> TaskPut {
    TaskPut {
        placement: Placement { partition_key: format!("job/{n}"), hash_key: 0 },
        data: vec![0; n_bytes],
    }
}

fn put(stream: &Reluctant, tasks: &[TaskPut]) -> Result<(), PortError> {
    let shards = block_on(stream.shards()).unwrap();
    run_until_done(&stream.clock, put_tasks(stream, &shards, tasks, async |_| ())).unwrap()
}

#[test]
fn records_that_were_refused_are_put_again_and_only_those() {
    let stream = Reluctant { refuses: 1, ..Reluctant::default() };
    *stream.refuses_once.borrow_mut() = vec!["job/3".to_owned(), "job/5".to_owned()];
    let tasks: Vec<_> = (0..8).map(|n| task(n, 1)).collect();
    put(&stream, &tasks).unwrap();
    let expected = [0, 1, 2, 4, 6, 7, 3, 5].map(|n| format!("job/{n}"));
    assert_eq!(*stream.taken.borrow(), expected);
    assert_eq!(stream.n_calls.get(), 3, "one refused as a whole, one in part, the rest");
    assert!(stream.now_us() >= 100_000, "it waited before each");
}

#[test]
fn a_stream_that_refuses_for_ever_is_given_up_with_its_reason() {
    let stream = Reluctant { refuses: u32::MAX, ..Reluctant::default() };
    let error = put(&stream, &[task(0, 1), task(1, 1)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 of 2 tasks are not on their stream: a shard refused 10 times in a row: the stream is throttling"
    );
    assert!(matches!(error, PortError::Unknown { .. }));
    assert!((10_000_000..40_000_000).contains(&stream.now_us()), "{}", stream.now_us());
}

#[test]
fn a_record_that_is_too_large_stops_all_before_anything_is_put() {
    let stream = Reluctant::default();
    let most = usize::try_from(MAX_RECORD_BYTES).unwrap() - "job/0".len();
    let error = put(&stream, &[task(0, most), task(1, most + 1)]).unwrap_err();
    assert!(matches!(error, PortError::Permanent { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "record job/1 has 1048577 bytes with its partition key; the limit is 1048576"
    );
    let result = put_result(&stream, "job/0", vec![0; most + 1], NEVER_US);
    assert!(matches!(run_until_done(&stream.clock, result).unwrap(), Err(PortError::Permanent { .. })));
    assert_eq!(stream.n_calls.get(), 0);
    put(&stream, &[task(0, most)]).unwrap();
}

#[test]
fn a_result_is_put_again_until_the_stream_takes_it_or_the_time_is_up() {
    let stream = Reluctant { refuses: 5, ..Reluctant::default() };
    let result =
        |until_us| run_until_done(&stream.clock, put_result(&stream, "job/2", vec![1], until_us)).unwrap();
    assert!(matches!(result(1_000_000), Err(PortError::Refused { .. })));
    assert!(stream.now_us() < 1_000_000, "the caller still has time to say so");
    assert!(stream.taken.borrow().is_empty());
    result(NEVER_US).unwrap();
    assert_eq!(*stream.taken.borrow(), ["job/2"]);

    let never = Reluctant { refuses: u32::MAX, ..Reluctant::default() };
    let result = put_result(&never, "job/2", vec![1], NEVER_US);
    assert!(run_until_done(&never.clock, result).unwrap().is_err());
    assert!((30_000_000..60_000_000).contains(&never.now_us()), "{}", never.now_us());
}

/// A splitter that is killed again and again goes on where it stopped: a large job is put at the rate that its shards take.
#[test]
fn tasks_are_put_once_however_often_the_splitter_is_started_again() {
    const N_TASKS: usize = 1_000_000;
    const KILLED_EVERY_US: u64 = 100_000_000;
    let grid = Grid::new();
    let message = format!(
        r#"{{"workload":"probe","id":"march","input":{{"units":{N_TASKS}}},"sizing":{{"tasks":{N_TASKS},"subtasks_per_task":1}}}}"#
    );
    let clock = grid.ports.clock.clone();
    let mut n_killed = 0;
    loop {
        let splitting = async {
            let until_us = clock.now_us() + KILLED_EVERY_US;
            let split = std::pin::pin!(grid.splitting(&message));
            match select(split, std::pin::pin!(clock.sleep_until(until_us))).await {
                Either::Left((outcome, _)) => Some(outcome.unwrap()),
                Either::Right(_) => None,
            }
        };
        match run_until_done(&clock, splitting).unwrap() {
            Some(outcome) => {
                assert!(matches!(outcome, SplitOutcome::Enqueued { .. }), "{outcome:?}");
                break;
            }
            None => n_killed += 1,
        }
        assert!(n_killed < 20, "it goes on, and does not begin again");
    }
    let mut n_times = vec![0_u32; N_TASKS];
    for task in everything_in(&grid.memory.tasks) {
        n_times[TaskRecord::from_bytes(&task).unwrap().index as usize] += 1;
    }
    let n_twice = n_times.iter().filter(|n| **n > 1).count();
    assert!(n_times.iter().all(|n| *n >= 1));
    // What was put in the half second since the last mark, and what was in flight.
    assert!(
        n_killed >= 4 && n_twice <= n_killed * 3_000,
        "{n_twice} were put twice, killed {n_killed} times"
    );
    let ideal_us = N_TASKS as u64 * 1_000_000 / 2_000;
    assert!(clock.now_us() < ideal_us * 11 / 10, "{} of {ideal_us} µs", clock.now_us());
}
