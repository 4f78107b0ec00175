//! Tasks and results whose every delivery failed come back to their jobs.

use std::collections::BTreeMap;
use std::pin::pin;

use futures::stream::{self, StreamExt};
use squall_core::lifecycle::{Admission, plan_admission};
use squall_core::ports::{
    BlobStore, Clock, GivenUp, GivenUpRecords, GivenUpStore, JobEvents, JobStore, PortError, chain,
};
use squall_core::receipt::TaskTimes;
use squall_core::rows::JobEnd;
use squall_core::wire::{Failure, Message, ResultRecord, TaskRecord};

use crate::collect::{CollectConfig, collect};
use crate::consume::shortened;
use crate::inputs::InputCache;

/// Batches that are read at the same time.
const READS_AT_ONCE: usize = 8;
/// Batches that are booked together.
const BATCHES_AT_ONCE: usize = 500;
/// A batch that cannot be taken back is tried for so long, microseconds: no job takes longer.
const TRIED_FOR_US: u64 = 86_400_000_000;
/// But one with results only for so long: what made the collector die of them would do so again.
const RESULTS_TRIED_FOR_US: u64 = 600_000_000;

/// The outcome of a call.
#[derive(Debug, Default)]
pub struct TakenBack {
    /// Tasks that were booked as failed.
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
    let mut taken = TakenBack::default();
    let listed = ports.given_up(at_most).await?;
    let recent = listed.into_iter().filter(|it| it.age_us(ports.now_us()) < TRIED_FOR_US);
    let read = async |it: GivenUp| {
        let in_time = ports.now_us() < until_us;
        let records = if in_time { Some(ports.given_up_records(&it.name).await) } else { None };
        (it, records)
    };
    let mut batches = pin!(stream::iter(recent).map(read).buffered(READS_AT_ONCE));
    // A result may be what the collector dies of: the tasks come first.
    let (mut of_tasks, mut of_results) = (Vec::new(), Vec::new());
    while let Some((batch, records)) = batches.next().await {
        match records {
            None => taken.n_left += 1,
            Some(Err(error)) => taken.fail(&batch, &chain(&error)),
            Some(Ok(found)) if found.records.iter().all(|it| TaskRecord::from_bytes(it).is_ok()) => {
                of_tasks.push((batch, found));
                if of_tasks.len() == BATCHES_AT_ONCE {
                    taken.book(ports, inputs, config, &of_tasks).await;
                    of_tasks.clear();
                }
            }
            Some(Ok(_)) => of_results.push(batch),
        }
    }
    taken.book(ports, inputs, config, &of_tasks).await;
    for batch in of_results {
        if ports.now_us() >= until_us || batch.age_us(ports.now_us()) >= RESULTS_TRIED_FOR_US {
            taken.n_left += 1;
            continue;
        }
        match ports.given_up_records(&batch.name).await {
            Err(error) => taken.fail(&batch, &chain(&error)),
            Ok(found) => taken.book(ports, inputs, config, &[(batch, found)]).await,
        }
    }
    Ok(taken)
}

/// A record of a batch as the collector takes it in.
enum Booked {
    /// A task as a result without any value.
    Task(Vec<u8>),
    /// A result, as it was.
    Result(Vec<u8>),
    /// Of a job that has ended, or was reopened since.
    Late,
}

impl TakenBack {
    fn fail(&mut self, batch: &GivenUp, reason: &str) {
        self.n_left += 1;
        self.failed.push((batch.name.clone(), shortened(reason)));
    }

    /// Books batches together, so that a job's row is not written for each.
    async fn book<P>(
        &mut self,
        ports: &P,
        inputs: &InputCache,
        config: &CollectConfig,
        batches: &[(GivenUp, GivenUpRecords)],
    ) where
        P: JobStore + BlobStore + JobEvents + GivenUpStore + Clock,
    {
        let mut results = Vec::new();
        // The batch of each result, and whether it is a task's.
        let mut origins = Vec::new();
        let mut problems: BTreeMap<usize, String> = BTreeMap::new();
        for (position, (_, found)) in batches.iter().enumerate() {
            for record in &found.records {
                let (result, is_task) = match booked(ports, record, found).await {
                    Ok(Booked::Task(result)) => (result, true),
                    Ok(Booked::Result(result)) => (result, false),
                    Ok(Booked::Late) => {
                        self.n_late += 1;
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
        let collected = collect(ports, inputs, config, &results).await;
        self.ended.extend(collected.ended);
        for (at, reason) in collected.failed {
            problems.entry(origins[at].0).or_insert(reason);
        }
        for (position, (batch, _)) in batches.iter().enumerate() {
            if let Some(reason) = problems.get(&position) {
                self.fail(batch, reason);
            } else if let Err(error) = ports.forget_given_up(&batch.name).await {
                self.fail(batch, &chain(&error));
            } else {
                let of_batch = origins.iter().filter(|(it, _)| *it == position);
                let n_tasks = of_batch.clone().filter(|(_, is_task)| *is_task).count();
                self.n_tasks += n_tasks;
                self.n_results += of_batch.count() - n_tasks;
            }
        }
    }
}

/// What to book of a record.
///
/// # Errors
/// Why that is not known, for people.
async fn booked(
    ports: &(impl JobStore + Clock),
    record: &[u8],
    found: &GivenUpRecords,
) -> Result<Booked, String> {
    let Ok(task) = TaskRecord::from_bytes(record) else { return Ok(Booked::Result(record.to_vec())) };
    let now_us = ports.now_us();
    let standing = ports.standing(&task.job).await.map_err(|error| chain(&error))?;
    match plan_admission(standing.as_ref(), task.generation, now_us) {
        Admission::Unknown => return Err(format!("job {} is not known", task.job)),
        Admission::Ended | Admission::Superseded => return Ok(Booked::Late),
        Admission::Start | Admission::OverBudget | Admission::Expired => {}
    }
    let reason = format!("the consumer gave no result: {}", found.reason);
    let failure = Failure::of_whole_task(&task, found.n_deliveries, shortened(&reason));
    let times = TaskTimes { put_us: task.put_us, read_us: now_us, invoked_us: now_us, answered_us: now_us };
    Ok(Booked::Task(ResultRecord::without_value(&task, failure, times).to_bytes()))
}
