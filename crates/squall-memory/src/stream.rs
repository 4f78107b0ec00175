//! A stream like Kinesis's: shards own ranges of a 128-bit hash space; a shard's lanes keep order per key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use squall_core::placement::ShardRange;
use tokio::sync::Notify;

use squall_lambda_host::delivery::DeliveryPolicy;
use squall_lambda_host::delivery::lane::{Carried, LaneQueue, Taken, key_hash, lane_of};

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Grows with every record of the stream.
    pub sequence: u64,
    /// Decides the lane.
    pub partition_key: Arc<str>,
    /// The content.
    pub data: Arc<[u8]>,
}

impl AsRef<[u8]> for Record {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Carried for Record {}

/// A stream and its readers' positions.
#[derive(Debug)]
pub struct Stream {
    shards: Vec<ShardRange>,
    lanes_per_shard: usize,
    lanes: Vec<LaneQueue<Record>>,
    n_put: AtomicU64,
    n_outstanding: AtomicU64,
    drained: Notify,
}

impl Stream {
    /// An empty stream; at least one shard and one lane.
    pub fn new(n_shards: u32, lanes_per_shard: u32) -> Self {
        let n_shards = n_shards.max(1);
        let lanes_per_shard = lanes_per_shard.max(1) as usize;
        let width = u128::MAX / u128::from(n_shards);
        let shard = |index: u32| ShardRange {
            first: u128::from(index) * width + u128::from(index > 0),
            last: if index + 1 == n_shards { u128::MAX } else { u128::from(index + 1) * width },
        };
        Self {
            shards: (0..n_shards).map(shard).collect(),
            lanes_per_shard,
            lanes: (0..n_shards as usize * lanes_per_shard).map(|_| LaneQueue::default()).collect(),
            n_put: AtomicU64::new(0),
            n_outstanding: AtomicU64::new(0),
            drained: Notify::new(),
        }
    }

    /// The open shards.
    pub fn shards(&self) -> &[ShardRange] {
        &self.shards
    }

    /// Number of lanes of all shards.
    pub fn n_lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Puts a record. The shard is decided by the explicit hash key, or by the MD5 of the partition key
    /// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html>).
    pub fn put(&self, partition_key: &str, explicit_hash_key: Option<u128>, data: &[u8]) {
        let hash_key = explicit_hash_key.unwrap_or_else(|| key_hash(partition_key));
        let shard = self.shards.partition_point(|shard| shard.last < hash_key);
        let lane = lane_of(partition_key, self.lanes_per_shard);
        let sequence = self.n_put.fetch_add(1, Ordering::Relaxed);
        self.n_outstanding.fetch_add(1, Ordering::Relaxed);
        let lane = &self.lanes[shard * self.lanes_per_shard + lane];
        let record = Record { sequence, partition_key: partition_key.into(), data: data.into() };
        // No batching window here: a batch is whatever is waiting.
        lane.push(record, 0);
    }

    /// The next records of a lane, at most `most`, once there are any. They stay outstanding until
    /// [`checkpoint`](Stream::checkpoint).
    pub async fn next_batch(&self, lane: usize, most: usize) -> Vec<Record> {
        let policy =
            DeliveryPolicy { batch_size: most, batch_bytes: usize::MAX, ..DeliveryPolicy::default() };
        loop {
            match self.lanes[lane].take(&policy, u64::MAX) {
                Taken::Batch(batch) => return batch.records,
                Taken::NotBefore(_) | Taken::Ended => self.lanes[lane].changed().await,
            }
        }
    }

    /// A lane; its records stay outstanding until [`checkpoint`](Stream::checkpoint).
    pub fn lane(&self, lane: usize) -> &LaneQueue<Record> {
        &self.lanes[lane]
    }

    /// Records that a lane has finished with this many records.
    pub fn checkpoint(&self, n_records: usize) {
        let before = self.n_outstanding.fetch_sub(n_records as u64, Ordering::Relaxed);
        if before == n_records as u64 {
            self.drained.notify_waiters();
        }
    }

    /// Records that were put and are not finished.
    pub fn n_outstanding(&self) -> u64 {
        self.n_outstanding.load(Ordering::Relaxed)
    }

    /// Returns when no record is outstanding.
    pub async fn drained(&self) {
        loop {
            let mut notified = std::pin::pin!(self.drained.notified());
            notified.as_mut().enable();
            if self.n_outstanding() == 0 {
                return;
            }
            notified.await;
        }
    }
}

#[cfg(test)]
mod tests;
