//! Ports with the limits of AWS: what a shard takes in a second, how many invocations an account runs at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use squall_core::cascade::ThrottleReason;
use squall_core::limits::{KINESIS_SHARD_BYTES_PER_S, KINESIS_SHARD_RECORDS_PER_S};
use squall_core::ports::{Clock, InvokeError, NotPut, PortError, TaskPut, TaskQueue, Workers};
use squall_sim_time::SimulatedClock;

use super::wrapped::Around;

/// The limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Records that a shard takes in a second.
    pub shard_records_per_s: u64,
    /// Bytes that a shard takes in a second, data and partition keys.
    pub shard_bytes_per_s: u64,
    /// Invocations of workers at once.
    pub concurrency: u32,
}

impl Default for Limits {
    /// Those of a shard; no limit of the account.
    fn default() -> Self {
        Self {
            shard_records_per_s: KINESIS_SHARD_RECORDS_PER_S,
            shard_bytes_per_s: KINESIS_SHARD_BYTES_PER_S,
            concurrency: u32::MAX,
        }
    }
}

/// What a shard still takes: a second's worth at once, and then what flows in again, in millionths.
#[derive(Debug, Clone, Copy)]
struct Room {
    records: u64,
    bytes: u64,
    at_us: u64,
}

/// Refuses what is over the limits. Clones share what they have counted.
#[derive(Clone)]
pub struct Limited {
    clock: SimulatedClock,
    limits: Limits,
    rooms: Rc<RefCell<Vec<Room>>>,
    running: Rc<Cell<u32>>,
    n_refused: Rc<Cell<u64>>,
}

impl Limited {
    /// Nothing counted yet.
    pub fn new(clock: SimulatedClock, limits: Limits) -> Self {
        Self { clock, limits, rooms: Rc::default(), running: Rc::default(), n_refused: Rc::default() }
    }

    /// Number of records that were refused so far.
    pub fn n_refused(&self) -> u64 {
        self.n_refused.get()
    }

    /// Whether the shard takes a record of so many bytes now.
    fn takes(&self, shard: usize, bytes: u64) -> bool {
        let Limits { shard_records_per_s, shard_bytes_per_s, .. } = self.limits;
        let full = |per_s: u64| per_s.saturating_mul(1_000_000);
        let now_us = self.clock.now_us();
        let mut rooms = self.rooms.borrow_mut();
        if rooms.len() <= shard {
            let room =
                Room { records: full(shard_records_per_s), bytes: full(shard_bytes_per_s), at_us: now_us };
            rooms.resize(shard + 1, room);
        }
        let room = &mut rooms[shard];
        let elapsed_us = now_us - room.at_us;
        let flow =
            |left: u64, per_s: u64| left.saturating_add(elapsed_us.saturating_mul(per_s)).min(full(per_s));
        *room = Room {
            records: flow(room.records, shard_records_per_s),
            bytes: flow(room.bytes, shard_bytes_per_s),
            at_us: now_us,
        };
        let takes = room.records >= full(1) && room.bytes >= full(bytes);
        if takes {
            room.records -= full(1);
            room.bytes -= full(bytes);
        } else {
            self.n_refused.set(self.n_refused.get() + 1);
        }
        takes
    }
}

impl Around for Limited {
    async fn put_tasks(
        &self,
        inner: &impl TaskQueue,
        records: &[&TaskPut],
    ) -> Result<Vec<NotPut>, PortError> {
        let shards = inner.shards().await?;
        let (mut taken, mut places, mut not_put) = (Vec::new(), Vec::new(), Vec::new());
        for (index, record) in records.iter().enumerate() {
            let shard = shards.partition_point(|shard| shard.last < record.placement.hash_key);
            let bytes = (record.data.len() + record.placement.partition_key.len()) as u64;
            if self.takes(shard, bytes) {
                taken.push(*record);
                places.push(index);
            } else {
                let reason = format!("ProvisionedThroughputExceededException: shard {shard} is full");
                not_put.push(NotPut { index, reason });
            }
        }
        let refused = inner.put_tasks(&taken).await?.into_iter();
        not_put.extend(refused.filter_map(|it| Some(NotPut { index: *places.get(it.index)?, ..it })));
        not_put.sort_by_key(|it| it.index);
        Ok(not_put)
    }

    async fn invoke(
        &self,
        inner: &impl Workers,
        stripe: u32,
        request: Vec<u8>,
    ) -> Result<Vec<u8>, InvokeError> {
        /// Gives the place back however the invocation ends: its caller may drop it.
        struct Place(Rc<Cell<u32>>);
        impl Drop for Place {
            fn drop(&mut self) {
                self.0.set(self.0.get() - 1);
            }
        }
        if self.running.get() >= self.limits.concurrency {
            return Err(InvokeError::Throttled(ThrottleReason::Concurrency.into()));
        }
        self.running.set(self.running.get() + 1);
        let _place = Place(Rc::clone(&self.running));
        inner.invoke(stripe, request).await
    }
}
