//! Which shard a hash key belongs to.

use squall_core::placement::ShardRange;
use squall_core::ports::PortError;

/// An open shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenShard {
    /// Its id.
    pub(super) id: String,
    /// The hash keys that it owns.
    pub(super) range: ShardRange,
}

/// The open shards, by hash key. They own every hash key once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ShardMap(pub(super) Vec<OpenShard>);

impl ShardMap {
    /// Sorts the open shards.
    ///
    /// # Errors
    /// Refused when they overlap or leave a gap, as when they were listed during a reshard.
    pub(super) fn new(stream: &str, mut open: Vec<OpenShard>) -> Result<Self, PortError> {
        open.sort_by_key(|shard| shard.range.first);
        let from_the_start = open.first().is_some_and(|shard| shard.range.first == 0);
        let to_the_end = open.last().is_some_and(|shard| shard.range.last == u128::MAX);
        let without_gap =
            open.windows(2).all(|pair| pair[0].range.last.checked_add(1) == Some(pair[1].range.first));
        if from_the_start && to_the_end && without_gap {
            Ok(Self(open))
        } else {
            Err(PortError::refused(format!(
                "the {} open shards of stream {stream} do not own every hash key once; it is being resharded",
                open.len()
            )))
        }
    }

    /// The hash keys of each shard.
    pub(super) fn ranges(&self) -> Vec<ShardRange> {
        self.0.iter().map(|shard| shard.range.clone()).collect()
    }

    /// Index of the shard that owns a hash key.
    pub(super) fn index_of(&self, hash_key: u128) -> usize {
        self.0.partition_point(|shard| shard.range.last < hash_key)
    }

    /// Whether a record of this hash key would go to this shard. If not, the stream was resharded.
    pub(super) fn agrees(&self, hash_key: u128, went_to: &str) -> bool {
        self.0.get(self.index_of(hash_key)).is_some_and(|shard| shard.id == went_to)
    }
}

#[cfg(test)]
mod tests;
