//! Tasks and results whose every delivery failed come back to their jobs.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;

use futures::stream::{self, StreamExt};
use squall_core::job::JobId;
use squall_core::lifecycle::{Admission, plan_admission};
use squall_core::patience::begin_at;
use squall_core::ports::{
    BlobStore, Clock, GivenUp, GivenUpRecords, GivenUpStore, JobEvents, JobStore, PortError, chain,
};
use squall_core::receipt::TaskTimes;
use squall_core::rows::{JobEnd, Standing};
use squall_core::wire::{Failure, Message, ResultRecord, TaskRecord};

use crate::collect::{CollectConfig, collect_of};
use crate::consume::shortened;
use crate::inputs::InputCache;

/// Batches that are read, or forgotten, at the same time.
const CALLS_AT_ONCE: usize = 16;
/// Batches that are booked together: a few seconds of work.
const BATCHES_AT_ONCE: usize = 100;
/// A batch that cannot be taken back is tried for so long, microseconds: no job takes longer.
const TRIED_FOR_US: u64 = 86_400_000_000;
/// Batches with results that a call tries at most, beginning each minute with others: what made the collector die of one would do so
/// again, and must not keep the rest from being tried.
const RESULTS_PER_CALL: usize = 100;
const MINUTE_US: u64 = 60_000_000;

/// The outcome of a call.
#[derive(Debug, Default)]
pub struct TakenBack {
    /// Tasks that were booked as failed, or whose results were in already.
    pub n_tasks: usize,
    /// Results that were merged after all, or were in already.
    pub n_results: usize,
    /// Records of jobs that have ended or were reopened since: dropped.
    pub n_late: usize,
    /// Batches that stay where they are, for the next call.
    pub n_left: usize,
    /// Jobs whose end this call wrote.
    pub ended: Vec<JobEnd>,
    /// Batches that could not be taken back, and why.
    pub failed: Vec<(String, String)>,
}

/// Books what both streams gave up: a task as failed in full, with the reason, so that its job ends, `missing` names it and `retry`
/// takes it; a result as what it is. A batch is forgotten once it is booked; being booked twice changes nothing. None is begun after
/// `until_us`.
///
/// # Errors
/// When the batches cannot be listed.
pub async fn take_back<P>(
    ports: &P,
    inputs: &InputCache,
    config: &CollectConfig,
    at_most: usize,
    until_us: u64,
) -> Result<TakenBack, PortError>
where
    P: JobStore + BlobStore + JobEvents + GivenUpStore + Clock,
{
    let now_us = ports.now_us();
    let listed = ports.given_up(now_us.saturating_sub(TRIED_FOR_US), at_most).await?;
    // The next call is the retry.
    let config = CollectConfig { patience_us: 0, ..*config };
    let mut taking =
        Taking { ports, inputs, config, until_us, standings: HashMap::new(), taken: TakenBack::default() };
    let read = async |it: GivenUp| {
        let in_time = ports.now_us() < until_us;
        let records = if in_time { Some(ports.given_up_records(&it.name).await) } else { None };
        (it, records)
    };
    let mut batches = pin!(stream::iter(listed).map(read).buffered(CALLS_AT_ONCE));
    // A result may be what the collector dies of: the tasks come first.
    let (mut of_tasks, mut of_results) = (Vec::new(), Vec::new());
    while let Some((batch, records)) = batches.next().await {
        match records {
            None => taking.taken.n_left += 1,
            Some(Err(error)) => taking.taken.fail(&batch, &chain(&error)),
            // Another call took it back.
            Some(Ok(None)) => {}
            Some(Ok(Some(found))) if found.records.iter().all(|it| TaskRecord::from_bytes(it).is_ok()) => {
                of_tasks.push((batch, found));
                if of_tasks.len() == BATCHES_AT_ONCE {
                    taking.book(std::mem::take(&mut of_tasks)).await;
                }
            }
            Some(Ok(Some(_))) => of_results.push(batch),
        }
    }
    taking.book(of_tasks).await;
    let first = begin_at(now_us / MINUTE_US, of_results.len());
    of_results.rotate_left(first);
    taking.taken.n_left += of_results.len().saturating_sub(RESULTS_PER_CALL);
    for batch in of_results.into_iter().take(RESULTS_PER_CALL) {
        if ports.now_us() >= until_us {
            taking.taken.n_left += 1;
            continue;
        }
        match ports.given_up_records(&batch.name).await {
            Err(error) => taking.taken.fail(&batch, &chain(&error)),
            Ok(None) => {}
            Ok(Some(found)) => taking.book(vec![(batch, found)]).await,
        }
    }
    Ok(taking.taken)
}

/// A record of a batch as the collector takes it in.
enum Booked {
    /// A task as a result without any value, of this generation of its job.
    Task(Vec<u8>, u32),
    /// A result, as it was.
    Result(Vec<u8>),
    /// Of a job that has ended, or was reopened since.
    Late,
}

struct Taking<'a, P> {
    ports: &'a P,
    inputs: &'a InputCache,
    config: CollectConfig,
    until_us: u64,
    standings: HashMap<JobId, Option<Standing>>,
    taken: TakenBack,
}

impl TakenBack {
    fn fail(&mut self, batch: &GivenUp, reason: &str) {
        self.n_left += 1;
        self.failed.push((batch.name.clone(), shortened(reason)));
    }
}

impl<P> Taking<'_, P>
where
    P: JobStore + BlobStore + JobEvents + GivenUpStore + Clock,
{
    /// Books batches together, so that a job's row is not written for each; leaves them if there is no time.
    async fn book(&mut self, batches: Vec<(GivenUp, GivenUpRecords)>) {
        if self.ports.now_us() >= self.until_us {
            self.taken.n_left += batches.len();
            return;
        }
        let mut results = Vec::new();
        let mut generations = BTreeMap::new();
        // The batch of each result, and whether it is a task's.
        let mut origins = Vec::new();
        let mut problems: BTreeMap<usize, String> = BTreeMap::new();
        for (position, (_, found)) in batches.iter().enumerate() {
            for record in &found.records {
                let (result, is_task) = match self.booked(record, found).await {
                    Ok(Booked::Task(result, generation)) => {
                        generations.insert(results.len(), generation);
                        (result, true)
                    }
                    Ok(Booked::Result(result)) => (result, false),
                    Ok(Booked::Late) => {
                        self.taken.n_late += 1;
                        continue;
                    }
                    Err(reason) => {
                        problems.entry(position).or_insert(reason);
                        continue;
                    }
                };
                results.push(result);
                origins.push((position, is_task));
            }
        }
        let collected = collect_of(self.ports, self.inputs, &self.config, &results, &generations).await;
        self.taken.ended.extend(collected.ended);
        for (at, reason) in collected.failed {
            problems.entry(origins[at].0).or_insert(reason);
        }
        let ports = self.ports;
        let numbered = batches.iter().enumerate();
        let done: Vec<_> = numbered.filter(|(position, _)| !problems.contains_key(position)).collect();
        let forget = async |(position, (batch, _)): (usize, &(GivenUp, GivenUpRecords))| {
            (position, ports.forget_given_up(&batch.name).await)
        };
        let mut forgotten = pin!(stream::iter(done).map(forget).buffer_unordered(CALLS_AT_ONCE));
        while let Some((position, done)) = forgotten.next().await {
            if let Err(error) = done {
                problems.insert(position, chain(&error));
                continue;
            }
            let of_batch = origins.iter().filter(|(it, _)| *it == position);
            let n_tasks = of_batch.clone().filter(|(_, is_task)| *is_task).count();
            self.taken.n_tasks += n_tasks;
            self.taken.n_results += of_batch.count() - n_tasks;
        }
        for (position, reason) in problems {
            self.taken.fail(&batches[position].0, &reason);
        }
    }

    /// What to book of a record.
    ///
    /// # Errors
    /// Why that is not known, for people.
    async fn booked(&mut self, record: &[u8], found: &GivenUpRecords) -> Result<Booked, String> {
        let Ok(task) = TaskRecord::from_bytes(record) else { return Ok(Booked::Result(record.to_vec())) };
        let now_us = self.ports.now_us();
        if !self.standings.contains_key(&task.job) {
            let asked = self.ports.standing(&task.job).await.map_err(|error| chain(&error))?;
            self.standings.insert(task.job.clone(), asked);
        }
        let standing = self.standings.get(&task.job).and_then(Option::as_ref);
        match plan_admission(standing, task.generation, now_us) {
            Admission::Unknown => return Err(format!("job {} is not known", task.job)),
            Admission::Ended | Admission::Superseded => return Ok(Booked::Late),
            Admission::Start | Admission::OverBudget | Admission::Expired => {}
        }
        let reason = format!("the consumer gave no result: {}", found.reason);
        let failure = Failure::of_whole_task(&task, found.n_deliveries.max(1), shortened(&reason));
        let times =
            TaskTimes { put_us: task.put_us, read_us: now_us, invoked_us: now_us, answered_us: now_us };
        Ok(Booked::Task(ResultRecord::without_value(&task, failure, times).to_bytes(), task.generation))
    }
}
