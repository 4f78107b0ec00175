//! Which shards may be read, and from where: a function of the stream's listing and the earlier marks.

use std::collections::BTreeSet;

use super::marks::{Mark, Marks};
use super::ports::Shard;

/// Where a mapping without checkpoints starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartingPosition {
    /// At the oldest available records.
    TrimHorizon,
    /// At records put from now on.
    Latest,
}

/// Gives every listed shard a mark, and forgets finished shards that are no longer listed.
///
/// Only the shards of a mapping's very first look start at its starting position. A shard that appears later came out of a
/// reshard, and skipping its first records would lose them.
pub fn plan_marks(listed: &[Shard], known: Option<&Marks>, start: StartingPosition) -> Marks {
    let mark = |shard: &Shard| match (known, start) {
        (Some(known), _) => known.get(&shard.id).cloned().unwrap_or(Mark::TrimHorizon),
        (None, StartingPosition::TrimHorizon) => Mark::TrimHorizon,
        // Records put from now on go into open shards.
        (None, StartingPosition::Latest) if shard.is_closed => Mark::Finished,
        (None, StartingPosition::Latest) => Mark::Latest,
    };
    let mut marks: Marks = listed.iter().map(|shard| (shard.id.clone(), mark(shard))).collect();
    for (shard, mark) in known.into_iter().flatten().filter(|(_, mark)| **mark != Mark::Finished) {
        marks.entry(shard.clone()).or_insert_with(|| mark.clone());
    }
    marks
}

/// The shards whose reading may start now, in the order of the listing: those that are neither running nor finished,
/// and whose parents are finished. A parent that is no longer listed has no readable records left.
pub fn plan_starts(listed: &[Shard], marks: &Marks, running: &BTreeSet<String>) -> Vec<String> {
    let is_finished = |id: &str| marks.get(id) == Some(&Mark::Finished);
    let is_listed = |id: &str| listed.iter().any(|shard| shard.id == id);
    let may_start = |shard: &&Shard| {
        let is_clear = |parent: &String| is_finished(parent) || !is_listed(parent);
        !running.contains(&shard.id) && !is_finished(&shard.id) && shard.parents.iter().all(is_clear)
    };
    listed.iter().filter(may_start).map(|shard| shard.id.clone()).collect()
}

#[cfg(test)]
mod tests;
