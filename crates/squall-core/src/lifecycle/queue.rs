//! What a job waits behind: lanes take tasks in the order in which they were put.

use crate::rows::{JobRow, Published};
use crate::sizing::Capacity;

/// The work before a job's own on the same shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ahead {
    /// Jobs that have tasks outstanding.
    pub n_jobs: u64,
    /// Those tasks.
    pub n_tasks: u64,
}

/// What `row` waits behind among the running `others`: jobs that were received, or
/// reopened, before it, and whose tasks are on the same shards. The most it can be: some of those tasks run already.
pub fn ahead_of<'a>(
    row: &JobRow,
    others: impl IntoIterator<Item = &'a JobRow>,
    capacity: &Capacity,
) -> Ahead {
    let is_express = |it: &Published| capacity.is_express(it.n_cut().into(), it.weight);
    let Some(ours) = &row.published else { return Ahead::default() };
    let mut ahead = Ahead::default();
    for other in others {
        let Some(theirs) = other.published.as_ref().filter(|_| other.ending.is_none()) else { continue };
        let is_before = (other.began_us(), &other.id) < (row.began_us(), &row.id);
        let n_left = theirs.n_tasks.saturating_sub(other.total().n_tasks);
        if is_before && n_left > 0 && is_express(theirs) == is_express(ours) {
            ahead.n_jobs += 1;
            ahead.n_tasks += u64::from(n_left);
        }
    }
    ahead
}
