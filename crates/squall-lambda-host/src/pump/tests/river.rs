//! A stream in memory that reshards, expires and fails like a real one, for the pump to read.

use std::collections::BTreeMap;

use squall_core::ports::PortError;

use crate::delivery::lane::key_hash;
use crate::pump::{Page, Position, Shard, StreamRecord};

struct Channel {
    first: u128,
    last: u128,
    parents: Vec<String>,
    records: Vec<StreamRecord>,
    is_closed: bool,
}

/// A stream. Sequence numbers grow over all shards; a page has few records.
pub(super) struct River {
    channels: BTreeMap<String, Channel>,
    n_put: u64,
    pub(super) page_records: usize,
    /// How long an iterator is valid, microseconds.
    pub(super) iterator_lasts_us: u64,
    /// Reads until the next one fails; `None` is never.
    pub(super) fails_every: Option<u64>,
    n_reads: u64,
    pub(super) n_expired: u64,
    /// Records that were read, counting repeats.
    pub(super) n_shown: usize,
}

impl River {
    pub(super) fn new(n_shards: u32) -> Self {
        let mut river = Self {
            channels: BTreeMap::new(),
            n_put: 0,
            page_records: 7,
            iterator_lasts_us: 300_000_000,
            fails_every: None,
            n_reads: 0,
            n_expired: 0,
            n_shown: 0,
        };
        let width = u128::MAX / u128::from(n_shards);
        for n in 0..n_shards {
            let last = if n + 1 == n_shards { u128::MAX } else { u128::from(n + 1) * width };
            river.open(u128::from(n) * width + u128::from(n > 0), last, Vec::new());
        }
        river
    }

    fn open(&mut self, first: u128, last: u128, parents: Vec<String>) {
        let id = format!("shardId-{:012}", self.channels.len());
        let channel = Channel { first, last, parents, records: Vec::new(), is_closed: false };
        self.channels.insert(id, channel);
    }

    pub(super) fn put(&mut self, partition_key: &str, data: &str, now_us: u64) {
        let hash = key_hash(partition_key);
        self.n_put += 1;
        let record = StreamRecord {
            // A lexical order would be wrong somewhere.
            sequence: format!("4959033827149025660855969253836157109592{}", self.n_put),
            partition_key: partition_key.to_owned(),
            data: data.as_bytes().to_vec(),
            arrived_us: now_us,
        };
        let is_home = |it: &&mut Channel| !it.is_closed && (it.first..=it.last).contains(&hash);
        self.channels.values_mut().find(is_home).unwrap().records.push(record);
    }

    pub(super) fn open_shards(&self) -> Vec<String> {
        let open = self.channels.iter().filter(|(_, channel)| !channel.is_closed);
        open.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn split(&mut self, id: &str) {
        let channel = self.channels.get_mut(id).unwrap();
        channel.is_closed = true;
        let (first, last) = (channel.first, channel.last);
        let middle = first + (last - first) / 2;
        self.open(first, middle, vec![id.to_owned()]);
        self.open(middle + 1, last, vec![id.to_owned()]);
    }

    pub(super) fn merge(&mut self, low: &str, high: &str) {
        let (first, middle) = (self.channels[low].first, self.channels[low].last);
        let last = self.channels[high].last;
        assert_eq!(self.channels[high].first, middle + 1, "only neighbours merge");
        for id in [low, high] {
            self.channels.get_mut(id).unwrap().is_closed = true;
        }
        self.open(first, last, vec![low.to_owned(), high.to_owned()]);
    }

    /// The neighbours that could be merged.
    pub(super) fn neighbours(&self) -> Option<(String, String)> {
        let mut open: Vec<_> = self.channels.iter().filter(|(_, it)| !it.is_closed).collect();
        open.sort_by_key(|(_, channel)| channel.first);
        open.windows(2).next().map(|it| (it[0].0.clone(), it[1].0.clone()))
    }

    pub(super) fn shards(&self) -> Vec<Shard> {
        let shard = |(id, it): (&String, &Channel)| Shard {
            id: id.clone(),
            parents: it.parents.clone(),
            is_closed: it.is_closed,
        };
        self.channels.iter().map(shard).collect()
    }

    pub(super) fn iterator(&self, shard: &str, from: &Position, now_us: u64) -> Result<String, PortError> {
        let records = &self.channels.get(shard).ok_or_else(|| PortError::permanent("no such shard"))?.records;
        let index = match from {
            Position::TrimHorizon => 0,
            Position::Latest => records.len(),
            Position::After(sequence) => {
                let found = records.iter().position(|record| record.sequence == *sequence);
                found.ok_or_else(|| PortError::permanent("that sequence number is not of this shard"))? + 1
            }
        };
        Ok(format!("{shard}/{index}/{now_us}"))
    }

    pub(super) fn records(&mut self, iterator: &str, limit: usize, now_us: u64) -> Result<Page, PortError> {
        self.n_reads += 1;
        if self.fails_every.is_some_and(|every| self.n_reads.is_multiple_of(every)) {
            return Err(PortError::unknown("the stream stumbles"));
        }
        let parts: Vec<_> = iterator.split('/').collect();
        let (index, since_us): (usize, u64) = (parts[1].parse().unwrap(), parts[2].parse().unwrap());
        if now_us > since_us + self.iterator_lasts_us {
            self.n_expired += 1;
            return Err(PortError::refused("the iterator has expired"));
        }
        let channel = &self.channels[parts[0]];
        let end = channel.records.len().min(index + limit.min(self.page_records));
        self.n_shown += end - index;
        let is_at_end = end == channel.records.len();
        Ok(Page {
            records: channel.records[index..end].to_vec(),
            next: (!channel.is_closed || !is_at_end).then(|| format!("{}/{end}/{now_us}", parts[0])),
            behind_ms: u64::from(!is_at_end) * 1_000,
        })
    }
}
