//! The grid's steps one at a time, over memory.
#![expect(clippy::arc_with_non_send_sync, reason = "ports are shared by `Arc`, here on one thread")]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::{
    CollectConfig, Collected, ConsumeConfig, ConsumeError, Consumed, InputCache, Metering, ReadPolicy,
    ResendError, Resent, SplitConfig, SplitOutcome, WorkConfig, close, collect, consume, observe, resend,
    split, sweep, work,
};
use futures::FutureExt;
use futures::executor::block_on;
use squall_core::cascade::CascadePolicy;
use squall_core::deployment::Deployment;
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::lifecycle::{Admission, Closing, NotResent, ResendRequest};
use squall_core::ports::{Assembled, Clock, InvokeError, JobStore, PortError, Workers};
use squall_core::prices::Prices;
use squall_core::rows::{JobRow, JobStatus, Reopened};
use squall_core::sizing::SizingPolicy;
use squall_core::wire::{Cause, Failure, Message, ResultRecord, Stored, TaskRecord};
use squall_lambda_host::delivery::DeliveryPolicy;
use squall_memory::{GridPorts, Memory, MemoryObjects, Stream, grid_ports, worker_ports};
use squall_sim_time::{SimulatedClock, run_until_done};

mod large_answer;
mod late;
mod lies;
mod other_code;
mod put;
mod take_back;
mod too_large;

/// Workers that answer at once, or crash.
struct DirectWorkers {
    ports: Assembled<SimulatedClock, MemoryObjects, Memory>,
    inputs: Arc<InputCache>,
    crashing: AtomicBool,
    /// How many replies, from the first on, are lies, and what they say.
    lies: AtomicUsize,
    lie: Option<lies::Lie>,
    n_vcpus: NonZeroUsize,
    max_reply_bytes: AtomicUsize,
}

impl Workers for DirectWorkers {
    async fn invoke(&self, _: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        if self.crashing.load(Ordering::Relaxed) {
            return Err(InvokeError::Failed("crashed; ".repeat(20)));
        }
        let config = WorkConfig {
            n_vcpus: self.n_vcpus,
            memory_mb: 1_769,
            read: ReadPolicy::default(),
            max_reply_bytes: self.max_reply_bytes.load(Ordering::Relaxed),
        };
        let reply = work(&self.ports, &self.inputs, &config, &request).await?;
        let lies = self.lies.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
        Ok(match self.lie {
            Some(lie) if lies => lie(reply),
            _ => reply,
        })
    }
}

type EveryPort = GridPorts<SimulatedClock, MemoryObjects, DirectWorkers>;

/// The steps over memory, with a stopped clock.
struct Grid {
    ports: EveryPort,
    memory: Arc<Memory>,
    inputs: Arc<InputCache>,
}

const JOB: &str =
    r#"{"workload":"probe","id":"march","input":{"units":60},"sizing":{"tasks":6,"subtasks_per_task":2}}"#;
const NEVER_US: u64 = u64::MAX;

fn id(text: &str) -> JobId {
    JobId::new(text).unwrap()
}

fn everything_in(stream: &Stream) -> Vec<Vec<u8>> {
    let policy =
        DeliveryPolicy { batch_size: usize::MAX, batch_bytes: usize::MAX, ..DeliveryPolicy::default() };
    let clock = SimulatedClock::default();
    let lane = |lane| stream.lane(lane).next_batch(&clock, &policy).now_or_never().flatten();
    let batches = (0..stream.n_lanes()).filter_map(lane);
    batches.flat_map(|batch| batch.records).map(|record| record.data.to_vec()).collect()
}

impl Grid {
    fn new() -> Self {
        Self::with_workers("", NonZeroUsize::MIN)
    }

    /// A grid whose workers are of another build than its other functions.
    fn with_workers_of(build: &str) -> Self {
        Self::with_workers(build, NonZeroUsize::MIN)
    }

    fn with_workers(build: &str, n_vcpus: NonZeroUsize) -> Self {
        let inputs = Arc::new(InputCache::new(squall_workloads::registry()));
        let theirs = Arc::new(InputCache::new(squall_workloads::registry().built_as(build)));
        let memory = Arc::new(Memory::new(2, 2, 1));
        let clock = Arc::new(SimulatedClock::default());
        let workers = DirectWorkers {
            ports: worker_ports(&memory, Arc::clone(&clock), Arc::default()),
            inputs: theirs,
            crashing: AtomicBool::new(false),
            lies: AtomicUsize::new(0),
            lie: None,
            n_vcpus,
            max_reply_bytes: AtomicUsize::new(usize::MAX),
        };
        let ports = grid_ports(&memory, clock, Arc::default(), Arc::new(workers));
        Self { ports, memory, inputs }
    }

    fn split(&self, message: &str) -> SplitOutcome {
        run_until_done(&self.ports.clock, self.splitting(message)).unwrap().unwrap()
    }

    async fn splitting(&self, message: &str) -> Result<SplitOutcome, PortError> {
        let config = SplitConfig {
            sizing: SizingPolicy::default(),
            express_shards: 0,
            lanes_per_shard: 2,
            workers_per_consumer: 4,
            vcpus_per_worker: 1,
            max_buckets: 2,
            default_deadline_s: 60,
            limits: None,
            caps: None,
            memory: None,
        };
        split(&self.ports, &self.inputs, &config, message.as_bytes(), id("delivery-7")).await
    }

    fn consume(&self, task: &[u8]) -> Consumed {
        self.try_consume(task).unwrap()
    }

    fn try_consume(&self, task: &[u8]) -> Result<Consumed, ConsumeError> {
        let config = ConsumeConfig {
            cascade: CascadePolicy::default(),
            memory_mb: 512,
            worker_memory_mb: 1_769,
            metering: Metering::Elapsed,
            patience_us: 0,
        };
        let consumed = consume(&self.ports, &self.inputs, &config, task, NEVER_US);
        run_until_done(&self.ports.clock, consumed).unwrap()
    }

    fn collect(&self, batch: &[Vec<u8>]) -> Collected {
        block_on(collect(&self.ports, &self.inputs, &CollectConfig::default(), batch))
    }

    fn resend(&self) -> Result<Resent, ResendError> {
        block_on(resend(
            &self.ports,
            &self.inputs,
            &Deployment::default(),
            &id("march"),
            &ResendRequest::default(),
        ))
    }

    fn row(&self, job: &str) -> JobRow {
        block_on(self.memory.job(&id(job))).unwrap().unwrap()
    }

    /// The results of every task of [`JOB`].
    fn results(&self) -> Vec<Vec<u8>> {
        self.split(JOB);
        for task in everything_in(&self.memory.tasks) {
            assert!(matches!(self.consume(&task), Consumed::Published { n_failures: 0, .. }));
        }
        everything_in(&self.memory.results)
    }
}

#[test]
fn a_message_that_comes_twice_is_enqueued_once() {
    let grid = Grid::new();
    assert_eq!(grid.split(JOB), SplitOutcome::Enqueued { job: id("march"), n_tasks: 6 });
    let mut tasks: Vec<_> =
        everything_in(&grid.memory.tasks).iter().map(|it| TaskRecord::from_bytes(it).unwrap()).collect();
    tasks.sort_by_key(|task| task.index);
    let published = grid.row("march").published.unwrap();
    assert_eq!(tasks.iter().map(|task| task.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(tasks.iter().map(|task| task.weight).sum::<u64>(), published.weight);
    assert!(tasks.iter().all(|task| task.bucket == published.bucket_of(task.index)));
    assert!(grid.row("march").enqueued);

    assert_eq!(grid.split(JOB), SplitOutcome::AlreadyEnqueued(id("march")));
    assert!(everything_in(&grid.memory.tasks).is_empty());
}

#[test]
fn an_id_belongs_to_its_first_job() {
    let grid = Grid::new();
    grid.split(JOB);
    let row = grid.row("march");
    assert_eq!(grid.split(&JOB.replace("60", "61")), SplitOutcome::IdTaken(id("march")));
    // Nor is it taken over by an invalid message.
    assert_eq!(grid.split(&JOB.replace("60", "0")), SplitOutcome::IdTaken(id("march")));
    assert_eq!(grid.row("march"), row);
}

#[test]
fn a_rejected_job_is_recorded_and_may_be_mended() {
    let grid = Grid::new();
    let SplitOutcome::Rejected(rejected, error) = grid.split(&JOB.replace("units", "unit")) else { panic!() };
    assert_eq!((rejected, error.place.as_str()), (id("march"), "input.unit"));
    let row = grid.row("march");
    assert_eq!((row.status(), row.ending.unwrap().reason), (JobStatus::Rejected, Some(error.to_string())));
    assert!(everything_in(&grid.memory.tasks).is_empty());
    assert!(block_on(observe(&grid.ports, &grid.inputs, &id("march"))).unwrap().unwrap().report().is_none());
    assert_eq!(grid.split(JOB), SplitOutcome::Enqueued { job: id("march"), n_tasks: 6 });
    assert_eq!(grid.row("march").status(), JobStatus::Running);
    let refused =
        grid.split(&JOB.replace("march", "may").replace("\"sizing\"", "\"deadline_s\":0,\"sizing\""));
    assert!(matches!(refused, SplitOutcome::Rejected(it, _) if it == id("may")), "under its author's id");
    // A message without a readable id is recorded under its delivery's.
    assert!(matches!(grid.split("hello"), SplitOutcome::Rejected(it, _) if it == id("delivery-7")));
}

#[test]
fn an_answer_so_far_becomes_the_answer() {
    let grid = Grid::new();
    let results = grid.results();
    let shares: Vec<_> = results
        .iter()
        .map(|result| {
            assert_eq!(grid.collect(std::slice::from_ref(result)).n_merged, 1);
            let seen = block_on(observe(&grid.ports, &grid.inputs, &id("march"))).unwrap().unwrap();
            (seen.row.status().to_string(), (seen.coverage.share() * 6.0).round(), seen.headline().unwrap())
        })
        .collect();
    assert_eq!(shares[0], ("running".to_owned(), 1.0, "10 of 60 units".to_owned()));
    assert_eq!(shares[5], ("complete".to_owned(), 6.0, "60 of 60 units".to_owned()));
    assert!(grid.row("march").announced);
    let receipt = grid.row("march").ending.unwrap().receipt;
    assert_eq!((receipt.tasks, receipt.subtasks, receipt.invocations), (6, 12, 12));
}

#[test]
fn results_are_merged_once_and_those_of_a_whole_job_not_at_all() {
    let grid = Grid::new();
    let results = grid.results();
    let twice = [&results[..3], &results[..3]].concat();
    let collected = grid.collect(&twice);
    assert_eq!((collected.n_merged, collected.n_duplicates, collected.failed), (3, 3, vec![]));
    let collected = grid.collect(&twice);
    assert_eq!((collected.n_merged, collected.n_duplicates), (0, 6));
    grid.collect(&results);
    let row = grid.row("march");
    assert_eq!(row.status(), JobStatus::Complete);
    let collected = grid.collect(&results);
    assert_eq!((collected.n_merged, collected.n_late), (0, 6));
    assert_eq!(grid.row("march"), row);
}

#[test]
fn only_what_cannot_be_merged_is_named() {
    let grid = Grid::new();
    let results = grid.results();
    let good = ResultRecord::from_bytes(&results[0]).unwrap();
    let rubbish = ResultRecord { partial: Some(Stored::Inline(vec![0xff])), ..good.clone() };
    let vanished = ResultRecord { partial: Some(Stored::Blob(Digest::of(b"gone"))), ..good.clone() };
    let batch = [
        b"hello".to_vec(),
        rubbish.to_bytes(),
        results[1].clone(),
        ResultRecord { index: 6, ..good.clone() }.to_bytes(),
        ResultRecord { job: id("april"), ..good }.to_bytes(),
    ];
    let collected = grid.collect(&batch);
    assert_eq!(collected.n_merged, 1);
    let mut reasons: Vec<_> =
        collected.failed.iter().map(|(position, reason)| format!("{position}: {reason}")).collect();
    reasons.sort();
    assert_eq!(reasons.len(), 4, "{reasons:?}");
    assert_eq!(reasons[0], "0: cannot decode result record: not a message of this grid");
    assert!(reasons[1].starts_with("1: cannot decode partial: "), "{}", reasons[1]);
    assert_eq!(reasons[2..], ["3: task 6 is not one of the job's 6", "4: job april is not known"]);
    assert_eq!(grid.collect(&[vanished.to_bytes()]).failed.len(), 1);
    // None of it blocks the rest.
    grid.collect(&results);
    assert_eq!(grid.row("march").status(), JobStatus::Complete);
}

#[test]
fn a_unit_that_fails_takes_only_the_piece_of_its_vcpu_along() {
    let grid = Grid::with_workers("", NonZeroUsize::new(4).unwrap());
    grid.split(&JOB.replace(r#""units":60"#, r#""units":60,"failing_unit":17"#));
    for task in everything_in(&grid.memory.tasks) {
        grid.consume(&task);
    }
    grid.collect(&everything_in(&grid.memory.results));
    let row = grid.row("march");
    let ending = row.ending.as_ref().unwrap();
    assert_eq!(ending.status, JobStatus::CompleteWithFailures);
    // Of a subtask of five units, on four vCPUs.
    let [failure] = &ending.failures[..] else { panic!("{:?}", ending.failures) };
    assert!(failure.weight <= 2, "{failure:?}");
    assert_eq!(failure.reason, "unit 17 was asked to fail");
    assert_eq!(ending.coverage.weight_done + failure.weight, 60);
    let seen = block_on(observe(&grid.ports, &grid.inputs, &id("march"))).unwrap().unwrap();
    assert_eq!(seen.report().unwrap().json["units_done"], ending.coverage.weight_done);
}

#[test]
fn a_task_of_a_job_that_has_ended_is_dropped() {
    let grid = Grid::new();
    grid.split(JOB);
    let tasks = everything_in(&grid.memory.tasks);
    let stranger = TaskRecord { job: id("april"), ..TaskRecord::from_bytes(&tasks[0]).unwrap() };
    // The store may not know it yet: it is delivered again, not dropped.
    assert!(matches!(grid.try_consume(&stranger.to_bytes()), Err(ConsumeError::UnknownJob(_))));
    // A task whose weight differs from that of its pieces was divided by other code.
    let heavier = TaskRecord { weight: 1_000_000, ..TaskRecord::from_bytes(&tasks[0]).unwrap() };
    assert!(matches!(grid.consume(&heavier.to_bytes()), Consumed::Published { n_failures: 1, .. }));
    let refused = ResultRecord::from_bytes(&everything_in(&grid.memory.results)[0]).unwrap();
    assert_eq!(
        refused.failures[0].reason,
        "the consumer refused: the task was published with weight 1000000, its pieces weigh 10"
    );
    for task in &tasks {
        grid.consume(task);
    }
    grid.collect(&everything_in(&grid.memory.results));
    assert_eq!(grid.consume(&tasks[0]), Consumed::Dropped(Admission::Ended));
    assert!(everything_in(&grid.memory.results).is_empty());
}

#[test]
fn a_job_that_was_reopened_and_half_sent_is_sent_without_what_is_in() {
    let grid = Grid::new();
    grid.split(JOB);
    for task in &everything_in(&grid.memory.tasks)[..2] {
        grid.consume(task);
    }
    grid.collect(&everything_in(&grid.memory.results));
    block_on(close(&grid.ports, grid.inputs.registry(), &grid.row("march"), Closing::Cancelled)).unwrap();
    // The caller that reopened it died before anything was on the stream.
    let JobRow { published, ending, expires_us, max_cost, .. } = grid.row("march");
    let mut published = published.unwrap();
    published.generation += 1;
    let reopened = Reopened { published, expires_us, max_cost };
    block_on(grid.memory.reopen_job(&id("march"), ending.unwrap().ended_us, &reopened)).unwrap();

    assert_eq!(grid.split(JOB), SplitOutcome::Enqueued { job: id("march"), n_tasks: 4 });
    let again = everything_in(&grid.memory.tasks);
    assert_eq!(again.len(), 4);
    for task in &again {
        grid.consume(task);
    }
    grid.collect(&everything_in(&grid.memory.results));
    assert_eq!(grid.row("march").status(), JobStatus::Complete);
}

#[test]
fn an_ended_job_is_reopened_where_it_ended() {
    let grid = Grid::new();
    grid.split(JOB);
    let tasks = everything_in(&grid.memory.tasks);
    // Two tasks come back whole, one without a value, three never start.
    grid.consume(&tasks[0]);
    grid.consume(&tasks[1]);
    grid.ports.workers.crashing.store(true, Ordering::Relaxed);
    assert!(matches!(grid.consume(&tasks[2]), Consumed::Published { n_failures: 2, .. }));
    grid.ports.workers.crashing.store(false, Ordering::Relaxed);
    grid.collect(&everything_in(&grid.memory.results));
    assert!(matches!(grid.resend(), Err(ResendError::Not(_, NotResent::Running))));
    block_on(close(&grid.ports, grid.inputs.registry(), &grid.row("march"), Closing::Cancelled)).unwrap();
    assert_eq!(grid.row("march").status(), JobStatus::Cancelled);

    assert_eq!(grid.resend().unwrap(), Resent { n_missing: 3, n_failed: 2 });
    let row = grid.row("march");
    assert_eq!((row.status(), row.enqueued, row.total().n_tasks), (JobStatus::Running, true, 3));
    let again = everything_in(&grid.memory.tasks);
    assert_eq!(again.len(), 5);
    // What crashed is sent as it was; the tasks that never started are cut as at first.
    for task in again.iter().map(|task| TaskRecord::from_bytes(task).unwrap()) {
        assert_eq!(task.n_subtasks, if task.index < 6 { 2 } else { 1 }, "task {}", task.index);
    }
    // Tasks in flight from before were sent anew: they are not computed twice.
    assert_eq!(grid.consume(&tasks[4]), Consumed::Dropped(Admission::Superseded));
    assert!(everything_in(&grid.memory.results).is_empty());
    for task in &again {
        grid.consume(task);
    }
    grid.collect(&everything_in(&grid.memory.results));
    let row = grid.row("march");
    assert_eq!(row.status(), JobStatus::Complete);
    let seen = block_on(observe(&grid.ports, &grid.inputs, &id("march"))).unwrap().unwrap();
    assert_eq!(seen.headline().unwrap(), "60 of 60 units");

    let straight = Grid::new();
    let results = straight.results();
    straight.collect(&results);
    let answer = |row: JobRow| row.ending.unwrap().answer;
    assert_eq!(answer(row), answer(straight.row("march")), "the same bytes as if nothing had gone wrong");
    assert!(matches!(grid.resend(), Err(ResendError::Not(_, NotResent::Complete))));
}

#[test]
fn what_failed_by_itself_or_as_a_whole_task_is_cut_when_it_is_sent_again() {
    let grid = Grid::new();
    grid.split(&JOB.replace(r#""units":60"#, r#""units":60,"failing_unit":17"#));
    let tasks = everything_in(&grid.memory.tasks);
    for task in &tasks[..5] {
        grid.consume(task);
    }
    // The last is refused as a whole: its input is gone.
    let last = TaskRecord::from_bytes(&tasks[5]).unwrap();
    let (whole, without_input) = (last.index, TaskRecord { input: Digest::of(b"gone"), ..last });
    grid.consume(&without_input.to_bytes());
    let results = everything_in(&grid.memory.results);
    let causes: Vec<_> = results
        .iter()
        .flat_map(|it| ResultRecord::from_bytes(it).unwrap().failures)
        .map(|it| (it.task == whole, it.cause))
        .collect();
    assert!(causes.contains(&(true, Cause::WholeTask)), "{causes:?}");
    assert!(causes.contains(&(false, Cause::OfItself)) || whole == 1, "{causes:?}");
    for (cause, cut) in [
        (Cause::OfItself, true),
        (Cause::TooLarge, true),
        (Cause::WholeTask, true),
        (Cause::Outage, false),
        (Cause::Deadline, false),
    ] {
        let failure = ResultRecord::from_bytes(&results[5]).unwrap().failures[0].clone();
        assert_eq!(Failure { cause, ..failure }.may_be_cut_finer(), cut, "{cause:?}");
    }
}

#[test]
fn files_are_read_from_where_the_job_says_they_are() {
    let grid = Grid::new();
    let stray = JOB.replace(r#""input""#, r#""files":{"book.csv":"s3://bucket/key"},"input""#);
    let SplitOutcome::Rejected(_, error) = grid.split(&stray) else { panic!() };
    assert_eq!(error.to_string(), "files: `book.csv`; the input names no such file");
}

#[test]
fn the_timer_looks_after_every_running_job() {
    let grid = Grid::new();
    grid.split(JOB);
    grid.split(&JOB.replace("march", "april"));
    grid.split(&JOB.replace("march", "may").replace("units", "unit"));
    let swept =
        block_on(sweep(&grid.ports, grid.inputs.registry(), &Prices::default(), 10, NEVER_US)).unwrap();
    assert_eq!((swept.n_tended, swept.failed.len()), (2, 0));
    assert_eq!(
        block_on(sweep(&grid.ports, grid.inputs.registry(), &Prices::default(), 1, NEVER_US))
            .unwrap()
            .n_tended,
        1
    );
    let out_of_time =
        block_on(sweep(&grid.ports, grid.inputs.registry(), &Prices::default(), 10, 0)).unwrap();
    assert_eq!((out_of_time.n_tended, out_of_time.n_left), (0, 2));
    let expires_us = grid.row("march").expires_us;
    run_until_done(&grid.ports.clock, grid.ports.clock.sleep_until(expires_us)).unwrap();
    block_on(sweep(&grid.ports, grid.inputs.registry(), &Prices::default(), 10, NEVER_US)).unwrap();
    assert_eq!(grid.row("march").status(), JobStatus::Expired);
    assert_eq!(grid.row("april").status(), JobStatus::Expired);
    // An end that was written but not announced is announced by the next sweep.
    grid.split(&JOB.replace("march", "june"));
    let ending = grid.row("march").ending.unwrap();
    block_on(grid.memory.end_job(&id("june"), 0, &ending)).unwrap();
    assert!(!grid.row("june").announced);
    block_on(sweep(&grid.ports, grid.inputs.registry(), &Prices::default(), 10, NEVER_US)).unwrap();
    assert!(grid.row("june").announced);
}
