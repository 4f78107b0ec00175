//! Booking results into a bucket's row: which of a batch are new to it, and its content after them, except the merged
//! partial: the workload merges that.

use std::cmp::Reverse;

use roaring::RoaringBitmap;

use crate::prices::Prices;
use crate::rows::{BucketProgress, BucketRow, Published, TaskSpans};
use crate::spans::room_beside;
use crate::wire::{CodecError, ResultRecord, Stored, bound_reasons};

/// Spans that a bucket's row always has room for: 1 KiB, one write unit.
const BUCKET_SPANS: usize = 64;

/// The results of a batch that the bucket does not have yet, each once, by task.
pub fn fresh<'a>(row: &BucketRow, results: &[&'a ResultRecord]) -> Vec<&'a ResultRecord> {
    let mut seen = RoaringBitmap::new();
    let new = |result: &&&ResultRecord| !row.merged.contains(result.index) && seen.insert(result.index);
    results.iter().filter(new).copied().collect()
}

/// Books fresh results into the row: everything but the partial itself, which the caller merges.
pub fn book_results(row: &mut BucketRow, fresh: &[&ResultRecord], now_us: u64) {
    row.version += 1;
    for result in fresh {
        row.merged.insert(result.index);
        row.fingerprints = row.fingerprints.plus(result.fingerprint);
        row.weight = row.weight.saturating_add(result.weight);
        row.weight_done = row.weight_done.saturating_add(result.weight_done());
        row.failures.extend(result.failures.iter().cloned());
        row.receipt.add(&result.receipt);
        row.timeline.record(&result.times, now_us);
        row.spans_left_out += u64::from(result.spans.left_out());
        if !result.spans.is_empty() {
            let spans = result.spans.clone();
            row.spans.push(TaskSpans { task: result.index, times: result.times, merged_us: now_us, spans });
        }
    }
    bound_spans(row);
    row.failures.sort();
    bound_reasons(&mut row.failures);
}

/// How far a bucket is, at these prices.
pub fn progress_of(row: &BucketRow, prices: &Prices) -> BucketProgress {
    BucketProgress {
        n_tasks: u32::try_from(row.merged.len()).unwrap_or(u32::MAX),
        weight_done: row.weight_done,
        n_subtasks: row.receipt.subtasks,
        n_failures: u32::try_from(row.failures.len()).unwrap_or(u32::MAX),
        cost: prices.cost_of(&row.receipt),
        first_merged_us: row.timeline.first_merged_us,
    }
}

/// Drops the spans for which the row has no room, those of the quickest tasks first, and counts them.
fn bound_spans(row: &mut BucketRow) {
    let n_bytes = match &row.partial {
        Some(Stored::Inline(bytes)) => bytes.len(),
        // The partial is large, but it is not in the row.
        Some(Stored::Blob(_)) | None => 0,
    };
    let mut room = room_beside(n_bytes).max(BUCKET_SPANS);
    if row.spans.iter().map(|it| it.spans.len()).sum::<usize>() <= room {
        return;
    }
    row.spans.sort_by_key(|it| (Reverse(it.times.answered_us.saturating_sub(it.times.read_us)), it.task));
    let mut left_out = 0;
    row.spans.retain(|it| match room.checked_sub(it.spans.len()) {
        Some(rest) => {
            room = rest;
            true
        }
        None => {
            left_out += it.spans.len() as u64;
            false
        }
    });
    row.spans_left_out += left_out;
    row.spans.sort_by_key(|it| it.task);
}

/// Why a result cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// Not the result of a published task.
    #[error("task {index} is not one of the job's {n_tasks}")]
    NotPublished {
        /// The index it claims.
        index: u32,
        /// How many tasks there are.
        n_tasks: u32,
    },
    /// The partial does not decode.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// Checks that a result belongs to a published task.
///
/// # Errors
/// When its index was never published.
pub fn check_published(published: &Published, result: &ResultRecord) -> Result<(), Unfit> {
    if result.index < published.n_tasks {
        Ok(())
    } else {
        Err(Unfit::NotPublished { index: result.index, n_tasks: published.n_tasks })
    }
}
