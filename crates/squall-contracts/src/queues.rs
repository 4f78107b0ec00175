//! The contract of every stream and of every announcement of ended jobs.

use std::collections::{BTreeMap, HashSet};

use squall_core::outbox::MAX_CALL_RECORDS;
use squall_core::placement::ShardRange;
use squall_core::ports::{JobEvents, Placement, ResultQueue, TaskPut, TaskQueue};
use squall_core::rows::{JobRow, JobStatus};

use super::{Broken, done, ending, named, row, same};

/// A record as a reader finds it: partition key and data.
pub type Found = (String, Vec<u8>);

/// Data of all lengths around `n`, with every byte in it.
fn data(n: usize) -> Vec<u8> {
    (0..n * 7 % 1_021).map(|i| (i + n).to_le_bytes()[0]).collect()
}

/// This suite's own records, each once, in the order in which each was first found.
fn ours(name: &str, found: Vec<Found>) -> Vec<Found> {
    let mut seen = HashSet::new();
    let prefix = format!("{name}/");
    found
        .into_iter()
        .filter(|(key, data)| key.starts_with(&prefix) && seen.insert((key.clone(), data.clone())))
        .collect()
}

/// The first difference: a message with a thousand records is unreadable.
fn same_records(what: &str, found: &[Found], expected: &[Found]) -> Result<(), Broken> {
    if let Some(at) = found.iter().zip(expected).position(|(found, expected)| found != expected) {
        let (found, expected) = (&found[at], &expected[at]);
        return Err(format!(
            "{what}: record {at} is {} of {} bytes, expected {} of {}",
            found.0,
            found.1.len(),
            expected.0,
            expected.1.len()
        ));
    }
    same(&format!("{what}: records"), &found.len(), &expected.len())
}

/// The stream of tasks: its shards own every hash key once, in order, and each record arrives in the shard of its hash
/// key, at least once, in order.
///
/// `read` returns all records of a shard, given its index and its range, in the shard's order; other tests' may be
/// among them.
///
/// # Errors
/// The first broken promise.
pub async fn task_queue(
    queue: &impl TaskQueue,
    name: &str,
    n_records: usize,
    read: impl AsyncFn(usize, &ShardRange) -> Result<Vec<Found>, Broken>,
) -> Result<(), Broken> {
    let shards = done("list the shards", queue.shards().await)?;
    same("the space starts at zero", &shards.first().map(|shard| shard.first), &Some(0))?;
    same("the space ends at its end", &shards.last().map(|shard| shard.last), &Some(u128::MAX))?;
    for pair in shards.windows(2) {
        same("shards neither overlap nor leave a gap", &pair[0].last.checked_add(1), &Some(pair[1].first))?;
    }
    same("no records", &done("put no records", queue.put_tasks(&[]).await)?, &Vec::new())?;

    let mut expected = vec![Vec::new(); shards.len()];
    let mut records = Vec::new();
    for n in 0..n_records {
        let shard = n % shards.len();
        let ShardRange { first, last } = shards[shard];
        let hash_key = [first, last, first + (last - first) / 2][n / shards.len() % 3];
        let partition_key = format!("{name}/{n}");
        expected[shard].push((partition_key.clone(), data(n)));
        records.push(TaskPut { placement: Placement { partition_key, hash_key }, data: data(n) });
    }
    for call in records.chunks(MAX_CALL_RECORDS) {
        let not_put = done("put records", queue.put_tasks(&call.iter().collect::<Vec<_>>()).await)?;
        same("records that were not put", &not_put, &Vec::new())?;
    }
    for (shard, expected) in expected.iter().enumerate() {
        let found = ours(name, read(shard, &shards[shard]).await?);
        same_records(&format!("shard {shard} of {}", shards.len()), &found, expected)?;
    }
    Ok(())
}

/// The stream of results: records arrive at least once, and in order if the partition key is the same.
///
/// `read` returns all records of the stream, those of a partition key in order; other tests' may be among them.
///
/// # Errors
/// The first broken promise.
pub async fn result_queue(
    queue: &impl ResultQueue,
    name: &str,
    read: impl AsyncFn() -> Result<Vec<Found>, Broken>,
) -> Result<(), Broken> {
    const N_KEYS: usize = 7;
    const N_RECORDS: usize = 50;
    let mut expected: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    for n in 0..N_RECORDS {
        let key = format!("{name}/{}", n % N_KEYS);
        // The number distinguishes it from other records of the same length.
        let record = [n.to_string().into_bytes(), data(n)].concat();
        expected.entry(key.clone()).or_default().push((key.clone(), record.clone()));
        done("put a record", queue.put_result(&key, &record).await)?;
    }
    let found = ours(name, read().await?);
    same("every record arrives", &found.len(), &N_RECORDS)?;
    for (key, expected) in expected {
        let found: Vec<_> = found.iter().filter(|(found, _)| *found == key).cloned().collect();
        same_records(&format!("partition key {key}"), &found, &expected)?;
    }
    Ok(())
}

/// The announcement of ended jobs: accepts every kind of ending, however long its reason, and accepts it again. Returns
/// the rows that were announced, for tests that can read the announcements.
///
/// # Errors
/// The first broken promise.
pub async fn job_events(events: &impl JobEvents, name: &str) -> Result<Vec<JobRow>, Broken> {
    let mut told = Vec::new();
    for status in JobStatus::ALL.into_iter().filter(|it| *it != JobStatus::Running) {
        let mut ending = ending(status);
        if status == JobStatus::Expired {
            ending.reason = Some("“ü” is missing\n".repeat(30_000));
        }
        let row = JobRow { ending: Some(ending), ..row(&named(name, &format!("told-{status}"))?) };
        for _ in 0..2 {
            done("tell of an ended job", events.job_ended(&row).await)?;
        }
        told.push(row);
    }
    Ok(told)
}

#[cfg(test)]
mod tests;
