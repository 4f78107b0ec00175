//! Which shard a task goes to: longest processing time first, on the least loaded shard.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::workload::Weight;

/// The part of the hash space that a shard owns, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardRange {
    /// First hash key.
    pub first: u128,
    /// Last hash key.
    pub last: u128,
}

/// The placement of one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Index of the task.
    pub task: usize,
    /// Index of the shard.
    pub shard: usize,
}

/// Assigns tasks to `n_shards` shards, in the order in which to put them: heaviest first, ties by index. The first task goes to
/// shard `first` modulo their number: jobs of one task must not all queue on the same shard.
///
/// Longest processing time first ends within 4/3 of the best possible makespan (Graham, "Bounds on Multiprocessing
/// Timing Anomalies", 1969). Without shards nothing is placed.
pub fn plan_placement(weights: &[Weight], n_shards: usize, first: usize) -> Vec<Placed> {
    if n_shards == 0 {
        return Vec::new();
    }
    let heaviest_first = heaviest_first(weights);
    let mut shards: BinaryHeap<_> = (0..n_shards).map(|shard| Reverse((0_u128, shard))).collect();
    let mut placed = Vec::with_capacity(weights.len());
    for task in heaviest_first {
        if let Some(mut lightest) = shards.peek_mut() {
            let Reverse((load, shard)) = *lightest;
            // A weightless task still takes its turn.
            *lightest = Reverse((load + u128::from(weights[task].max(1)), shard));
            placed.push(Placed { task, shard: (shard + first % n_shards) % n_shards });
        }
    }
    placed
}

/// The order in which tasks are put, whatever the number of shards: heaviest first, ties by index.
pub fn heaviest_first(weights: &[Weight]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&task| (Reverse(weights[task]), task));
    order
}

#[cfg(test)]
mod tests;
