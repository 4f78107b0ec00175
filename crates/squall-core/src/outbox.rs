//! Pacing of the streams: which records go into which call, when, and when those that a shard refused are put again.
//!
//! The limits are those of [`crate::limits`].

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use squall_ports::jittered;

use crate::limits;

/// Most records in one call.
pub const MAX_CALL_RECORDS: usize = limits::KINESIS_CALL_RECORDS;
/// Most bytes in one call, data and partition keys: half of what a call may have, as it was until 2025. More gains nothing
/// here: tasks are small, and 500 of them are well below.
pub const MAX_CALL_BYTES: u64 = limits::KINESIS_CALL_BYTES / 2;
/// Most bytes in one record, data and partition key, on a stream that was not set up for larger ones.
pub const MAX_RECORD_BYTES: u64 = limits::KINESIS_RECORD_BYTES;
/// Records that a shard takes in a second.
pub const SHARD_RECORDS_PER_S: u64 = limits::KINESIS_SHARD_RECORDS_PER_S;
/// Bytes that a shard takes in a second, data and partition keys.
pub const SHARD_BYTES_PER_S: u64 = limits::KINESIS_SHARD_BYTES_PER_S;

/// Most calls in flight. Eight calls of 500 records, answered after 25 ms or so, are 160,000 records a second: more
/// than a hundred shards take. More calls would only mean more TLS handshakes and more copies of records in memory.
const CALLS_IN_FLIGHT: usize = 8;
/// A shard that has used up its rate gets its next records once there is room for a tenth of a second's worth, to avoid
/// a call of one record every millisecond.
const PARTS_OF_A_SECOND: u64 = 10;
/// Wait after a shard's first refusal, microseconds; doubles with each that follows, jittered.
const BACKOFF_US: u64 = 100_000;
/// Longest such wait, microseconds.
const MAX_BACKOFF_US: u64 = 5_000_000;
/// The outbox gives up on a shard that refuses so many times in a row and takes nothing in between: after about 20
/// seconds. The event source then delivers the job again.
const MAX_ROUNDS: u32 = 10;

/// What the planner has to know of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Index of its shard.
    pub shard: usize,
    /// Its data and its partition key.
    pub bytes: u64,
}

/// The next action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextPut {
    /// Put these records, by index, in this order, with one call.
    Call(Vec<usize>),
    /// Do nothing until a call ends, or until the given time.
    Wait {
        /// Microseconds; `None` if only the end of a call matters.
        until_us: Option<u64>,
    },
    /// Every record is on the stream.
    Done,
    /// A shard took nothing for too long.
    GiveUp {
        /// Number of records that are not known to be on the stream.
        n_left: usize,
        /// Number of calls in a row of which the shard took nothing.
        rounds: u32,
    },
}

/// A record that is larger than a stream takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {partition_key} has {bytes} bytes with its partition key; the limit is {MAX_RECORD_BYTES}")]
pub struct TooLarge {
    partition_key: String,
    bytes: u64,
}

/// The bytes of a record with its partition key.
///
/// # Errors
/// When they are more than [`MAX_RECORD_BYTES`].
pub fn record_bytes(partition_key: &str, data: &[u8]) -> Result<u64, TooLarge> {
    let bytes = data.len() as u64 + partition_key.len() as u64;
    if bytes <= MAX_RECORD_BYTES {
        return Ok(bytes);
    }
    Err(TooLarge { partition_key: partition_key.to_owned(), bytes })
}

/// The wait before a single record is put again that was refused `n_refusals` times in a row (at least 1), microseconds.
/// `key` spreads the writers that were refused together.
pub fn plan_put_again(n_refusals: u32, key: impl Hash) -> u64 {
    backoff_us(n_refusals, (key, n_refusals))
}

/// What may still be sent to a shard: one second's worth at once, then as much as its rate allows.
#[derive(Debug, Clone, Copy)]
struct Credit {
    per_s: u64,
    /// Millionths of a unit; `per_s` units flow in per second, which is `per_s` millionths per microsecond.
    millionths: u64,
}

impl Credit {
    fn full(per_s: u64) -> Self {
        Self { per_s, millionths: per_s * 1_000_000 }
    }

    fn flow(&mut self, elapsed_us: u64) {
        let flowed = self.millionths.saturating_add(elapsed_us.saturating_mul(self.per_s));
        self.millionths = flowed.min(self.per_s * 1_000_000);
    }

    fn wait_us(&self, units: u64) -> u64 {
        (units * 1_000_000).saturating_sub(self.millionths).div_ceil(self.per_s)
    }

    fn spend(&mut self, units: u64) -> bool {
        let enough = units * 1_000_000 <= self.millionths;
        if enough {
            self.millionths -= units * 1_000_000;
        }
        enough
    }
}

#[derive(Debug, Clone)]
struct Shard {
    waiting: VecDeque<usize>,
    waiting_bytes: u64,
    in_flight: bool,
    records: Credit,
    bytes: Credit,
    seen_us: u64,
    not_before_us: u64,
    /// Refusals in a row; at most 1 after a call of which the shard took something.
    rounds: u32,
}

impl Shard {
    fn new(now_us: u64) -> Self {
        Self {
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            in_flight: false,
            records: Credit::full(SHARD_RECORDS_PER_S),
            bytes: Credit::full(SHARD_BYTES_PER_S),
            seen_us: now_us,
            not_before_us: now_us,
            rounds: 0,
        }
    }

    fn flow(&mut self, now_us: u64) {
        let elapsed_us = now_us.saturating_sub(self.seen_us);
        self.seen_us = self.seen_us.max(now_us);
        self.records.flow(elapsed_us);
        self.bytes.flow(elapsed_us);
    }

    /// When the shard may be sent something; `None` when there is nothing to send.
    fn ready_us(&mut self, now_us: u64, items: &[Item]) -> Option<u64> {
        let first = items[*self.waiting.front()?];
        self.flow(now_us);
        let n_records = (self.waiting.len() as u64).min(SHARD_RECORDS_PER_S / PARTS_OF_A_SECOND);
        let n_bytes = self.waiting_bytes.min(SHARD_BYTES_PER_S / PARTS_OF_A_SECOND).max(first.bytes);
        let wait_us = self.records.wait_us(n_records).max(self.bytes.wait_us(n_bytes));
        Some(self.not_before_us.max(now_us.saturating_add(wait_us)))
    }

    /// The next record, if its rate and the room left in the call allow it.
    fn take(&mut self, items: &[Item], room_bytes: u64) -> Option<usize> {
        let &index = self.waiting.front()?;
        let bytes = items[index].bytes;
        // Both or neither: a refused byte must not cost a record.
        if bytes > room_bytes || self.bytes.wait_us(bytes) > 0 || !self.records.spend(1) {
            return None;
        }
        self.bytes.spend(bytes);
        self.waiting.pop_front();
        self.waiting_bytes -= bytes;
        self.in_flight = true;
        Some(index)
    }
}

/// The records that are not known to be on the stream.
///
/// A shard has one call in flight at a time, so its records arrive in the order in which they were given, except those
/// that were refused while later ones of the same call were not.
#[derive(Debug, Clone)]
pub struct Outbox {
    items: Vec<Item>,
    shards: Vec<Shard>,
    n_left: usize,
    /// By index.
    is_put: Vec<bool>,
    /// So many of the first are.
    n_first_put: usize,
    n_calls: usize,
    jitter_seed: u64,
    gave_up: bool,
}

impl Outbox {
    /// Nothing sent. Every item's shard is below `n_shards`, and its bytes were checked.
    pub fn new(items: Vec<Item>, n_shards: usize, jitter_seed: u64, now_us: u64) -> Self {
        let mut shards = vec![Shard::new(now_us); n_shards];
        for (index, item) in items.iter().enumerate() {
            shards[item.shard].waiting.push_back(index);
            shards[item.shard].waiting_bytes += item.bytes;
        }
        let is_put = vec![false; items.len()];
        Self {
            n_left: items.len(),
            is_put,
            n_first_put: 0,
            items,
            shards,
            n_calls: 0,
            jitter_seed,
            gave_up: false,
        }
    }

    /// So many of the first records are on the stream, without a gap: where another writer may continue.
    pub fn n_first_put(&self) -> usize {
        self.n_first_put
    }

    /// The next action at `now_us`.
    pub fn next(&mut self, now_us: u64) -> NextPut {
        if self.gave_up {
            return NextPut::GiveUp { n_left: self.n_left, rounds: MAX_ROUNDS };
        }
        if self.n_left == 0 {
            return NextPut::Done;
        }
        if self.n_calls >= CALLS_IN_FLIGHT {
            return NextPut::Wait { until_us: None };
        }
        let (mut ready, mut until_us) = (Vec::new(), None::<u64>);
        for (index, shard) in self.shards.iter_mut().enumerate().filter(|(_, shard)| !shard.in_flight) {
            match shard.ready_us(now_us, &self.items) {
                Some(ready_us) if ready_us <= now_us => ready.push(index),
                Some(ready_us) => until_us = Some(until_us.map_or(ready_us, |other| other.min(ready_us))),
                None => {}
            }
        }
        if ready.is_empty() {
            return NextPut::Wait { until_us };
        }
        let batch = self.fill(ready);
        self.n_calls += 1;
        NextPut::Call(batch)
    }

    /// A call for the first of these shards: so many that the free calls serve all of them at once, because every
    /// shard's heaviest record should start at once. Records that fit into one call are sent in one call.
    fn fill(&mut self, mut ready: Vec<usize>) -> Vec<usize> {
        ready.sort_by_key(|&shard| self.shards[shard].waiting.front().copied());
        let n_records: usize = ready.iter().map(|&shard| self.shards[shard].waiting.len()).sum();
        let n_bytes: u64 = ready.iter().map(|&shard| self.shards[shard].waiting_bytes).sum();
        let by_bytes = usize::try_from(n_bytes.div_ceil(MAX_CALL_BYTES)).unwrap_or(usize::MAX);
        let n_calls = n_records.div_ceil(MAX_CALL_RECORDS).max(by_bytes);
        let n_shards = ready.len().div_ceil(n_calls.clamp(1, CALLS_IN_FLIGHT - self.n_calls));
        ready.truncate(n_shards);

        let (mut batch, mut room_bytes) = (Vec::new(), MAX_CALL_BYTES);
        while !ready.is_empty() && batch.len() < MAX_CALL_RECORDS {
            ready.retain(|&shard| {
                let full = batch.len() == MAX_CALL_RECORDS;
                let taken = if full { None } else { self.shards[shard].take(&self.items, room_bytes) };
                if let Some(index) = taken {
                    room_bytes -= self.items[index].bytes;
                    batch.push(index);
                }
                taken.is_some()
            });
        }
        batch
    }

    /// Takes in the outcome of a call: `refused` are the records of `batch` that are not on the stream, in its order.
    pub fn settle(&mut self, now_us: u64, batch: &[usize], refused: &[usize]) {
        self.n_calls -= 1;
        self.n_left -= batch.len() - refused.len();
        batch.iter().for_each(|&index| self.is_put[index] = true);
        refused.iter().for_each(|&index| self.is_put[index] = false);
        while self.is_put.get(self.n_first_put).is_some_and(|is_put| *is_put) {
            self.n_first_put += 1;
        }
        let mut tallies: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for &index in batch {
            tallies.entry(self.items[index].shard).or_default().0 += 1;
        }
        for &index in refused.iter().rev() {
            let shard = self.items[index].shard;
            tallies.entry(shard).or_default().1 += 1;
            self.shards[shard].waiting.push_front(index);
            self.shards[shard].waiting_bytes += self.items[index].bytes;
        }
        for (index, (n_sent, n_refused)) in tallies {
            let shard = &mut self.shards[index];
            shard.in_flight = false;
            shard.rounds = match n_refused {
                0 => 0,
                _ if n_refused < n_sent => 1,
                _ => shard.rounds + 1,
            };
            if shard.rounds == 0 {
                continue;
            }
            // Another writer uses the shard too, so none of its rate is left, whatever was counted here.
            shard.flow(now_us);
            shard.records.millionths = 0;
            shard.bytes.millionths = 0;
            let wait_us = backoff_us(shard.rounds, (self.jitter_seed, index, shard.rounds));
            shard.not_before_us = now_us.saturating_add(wait_us);
            self.gave_up |= shard.rounds >= MAX_ROUNDS;
        }
    }
}

/// The wait after so many refusals in a row: doubling, between half of that and all of it by a hash, so that it differs between
/// writers and is the same in every run.
fn backoff_us(n_refusals: u32, key: impl Hash) -> u64 {
    let doublings = n_refusals.saturating_sub(1).min(20);
    let full_us = BACKOFF_US.saturating_mul(1 << doublings).min(MAX_BACKOFF_US);
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    jittered(full_us, hasher.finish())
}

#[cfg(test)]
mod tests;
