//! The grid under simulated time with injected faults, over thousands of seeds: the answer is the same, or the status
//! states what is missing. Never short, never stuck.
//!
//! `SQUALL_SEEDS=100000 cargo test -p squall-tests faults` tries more seeds. A failure prints the command that replays its
//! seed: `SQUALL_SEED=S`, and the one scenario to run it in.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use squall_core::cascade::CascadePolicy;
use squall_core::job::JobId;
use squall_core::prices::Prices;
use squall_core::rows::{JobRow, JobStatus};
use squall_core::sizing::SizingPolicy;
use squall_core::wire::Cause;
use squall_grid::{CollectConfig, ConsumeConfig, Metering, SplitConfig};
use squall_lambda_host::delivery::DeliveryPolicy;
use squall_local::{Directory, LocalConfig, LocalGrid, ServeConfig, Stop};
use squall_sim::grid::{Faults, Latencies, Limits, Publication, Scenario, Simulated, simulate};
use squall_sim_time::Random;

const SECOND_US: u64 = 1_000_000;

/// A number in the environment: how many seeds a scenario tries, or which one.
fn number(variable: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "how far a test looks is its caller's choice")]
    let text = std::env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is `{text}`; expected a whole number")))
}

/// Prints how to replay a seed if it fails.
struct Replay {
    scenario: &'static str,
    seed: u64,
}

impl Replay {
    fn command(&self) -> String {
        let Self { scenario, seed } = self;
        format!("SQUALL_SEED={seed} cargo test -p squall-tests faults::{scenario} -- --exact --nocapture")
    }
}

impl Drop for Replay {
    #[expect(clippy::print_stderr, reason = "it stands beside the panic's own message")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay it: {}", self.command());
        }
    }
}

pub(crate) fn config() -> ServeConfig {
    let delivery = DeliveryPolicy {
        max_attempts: Some(20),
        bisect: true,
        partial_failures: true,
        backoff_us: 50_000,
        ..DeliveryPolicy::default()
    };
    ServeConfig {
        split: SplitConfig {
            sizing: SizingPolicy::default(),
            express_shards: 0,
            lanes_per_shard: 2,
            workers_per_consumer: 4,
            vcpus_per_worker: 1,
            max_buckets: 3,
            default_deadline_s: 7_200,
            limits: None,
            caps: None,
            memory: None,
        },
        consume: ConsumeConfig {
            cascade: CascadePolicy {
                initial_concurrency: 4,
                max_concurrency: 8,
                n_stripes: 2,
                max_attempts: 6,
                attempt_timeout_us: 15 * SECOND_US,
                duplicate_budget: 0.2,
                guard_us: 5 * SECOND_US,
                ..CascadePolicy::default()
            },
            memory_mb: 512,
            worker_memory_mb: 1_769,
            metering: Metering::Elapsed,
            patience_us: 2_000_000,
        },
        collect: CollectConfig::default(),
        task_delivery: DeliveryPolicy { batch_size: 1, ..delivery },
        result_delivery: DeliveryPolicy { batch_size: 5, ..delivery },
        consumer_timeout_us: 300 * SECOND_US,
        message_attempts: 30,
        timer_period_us: 30 * SECOND_US,
    }
}

fn scenario(seed: u64, faults: Faults) -> Scenario {
    let mut random = Random::new(seed);
    Scenario {
        n_task_shards: 1 + u32::try_from(random.below(3)).unwrap(),
        lanes_per_task_shard: 1 + u32::try_from(random.below(3)).unwrap(),
        n_result_shards: 1 + u32::try_from(random.below(3)).unwrap(),
        config: config(),
        latencies: Latencies { port_us: 5_000, worker_us: 2_000, computation_us: 200_000 },
        limits: Limits::default(),
        faults,
        seed: random.next(),
    }
}

/// Every fault at once, at high rates.
const STORM: Faults = Faults {
    duplicate: 300,
    reorder: 200,
    refuse: 20,
    lose_reply: 20,
    die: 8,
    throttle: 100,
    crash: 50,
    hang: 10,
    rubbish: 50,
    straggle: 50,
};

fn message(random: &mut Random) -> String {
    let units = 1 + random.below(200);
    let tasks = 1 + random.below(12);
    let subtasks = 1 + random.below(6);
    format!(
        r#"{{"workload":"probe","input":{{"units":{units}}},"sizing":{{"tasks":{tasks},"subtasks_per_task":{subtasks}}}}}"#
    )
}

fn id() -> JobId {
    JobId::new("storm").unwrap()
}

fn run(scenario: &Scenario, message: &str) -> Simulated {
    let publication = Publication { message: message.as_bytes(), delivery: &id(), at_us: 0 };
    let simulated = simulate(scenario, squall_workloads::registry(), &[publication]);
    simulated.unwrap_or_else(|error| panic!("{error}\n{message}")).remove(0)
}

fn calm_report(message: &str) -> String {
    let config = LocalConfig::for_cores(NonZeroUsize::MIN);
    let grid = LocalGrid::new(&config, squall_workloads::registry(), Directory::new(".")).unwrap();
    let finished = grid.run(message.as_bytes(), &id(), &Stop::default(), &mut ()).unwrap();
    finished.observation.unwrap().report().unwrap().json.to_string()
}

/// The invariants of a job, however it ended.
fn check_honest(context: &str, row: &JobRow) {
    let ending = row.ending.as_ref().unwrap_or_else(|| panic!("{context}: still running"));
    let published = row.published.as_ref().unwrap();
    let lacks = !ending.missing.is_empty() || !ending.failures.is_empty();
    match ending.status {
        JobStatus::Complete => {
            assert!(!lacks, "{context}: complete, and yet something is missing");
            assert!(ending.coverage.is_whole(), "{context}: complete, and yet not whole");
        }
        JobStatus::CompleteWithFailures => {
            assert!(ending.missing.is_empty() && !ending.failures.is_empty(), "{context}");
            let failed: u64 = ending.failures.iter().map(|failure| failure.weight).sum();
            assert_eq!(ending.coverage.weight_done + failed, published.weight, "{context}");
        }
        JobStatus::Expired if ending.failures.iter().any(|it| it.cause == Cause::Deadline) => {}
        JobStatus::Expired | JobStatus::OverBudget | JobStatus::Failed => {
            assert!(!ending.missing.is_empty(), "{context}: {} but nothing is missing", ending.status);
        }
        status => panic!("{context}: ended {status}: {:?}", ending.reason),
    }
}

/// The endings of a scenario's seeds.
struct Endings {
    scenario: &'static str,
    /// By status: their number, and the first of them.
    seeds: BTreeMap<String, (u64, u64)>,
    /// Whether `SQUALL_SEED` chose the only one.
    is_replay: bool,
}

impl Endings {
    fn describe(&self) -> String {
        let line = |(status, &(n, seed)): (&String, &(u64, u64))| {
            format!(
                "{n} ended {status}; replay the first: {}\n",
                Replay { scenario: self.scenario, seed }.command()
            )
        };
        self.seeds.iter().map(line).collect()
    }

    /// Checks that every seed ended with this status.
    fn are_all(&self, status: &str) {
        let all: Vec<_> = self.seeds.keys().collect();
        assert_eq!(all, [status], "\n{}", self.describe());
    }

    /// Checks that at least this percentage was complete. A single seed may end otherwise.
    fn are_complete(&self, per_cent: u64) {
        let n: u64 = self.seeds.values().map(|(n, _)| n).sum();
        let n_complete = self.seeds.get("complete").map_or(0, |(n, _)| *n);
        assert!(self.is_replay || n_complete >= n * per_cent / 100, "\n{}", self.describe());
    }
}

/// Runs many seeds of a scenario, which is named like its test; or the one that `SQUALL_SEED` names, and prints its
/// outcome.
fn storm(scenario: &'static str, n: u64, faults: Faults, first_seed: u64) -> Endings {
    let chosen = number("SQUALL_SEED");
    let seeds = match chosen {
        Some(seed) => seed..seed + 1,
        None => first_seed..first_seed + number("SQUALL_SEEDS").unwrap_or(n),
    };
    let mut endings = Endings { scenario, seeds: BTreeMap::new(), is_replay: chosen.is_some() };
    let mut expected = BTreeMap::new();
    for seed in seeds {
        let _replay = Replay { scenario, seed };
        let status = check_seed(seed, faults, &mut expected, endings.is_replay);
        endings.seeds.entry(status).or_insert((0, seed)).0 += 1;
    }
    endings
}

/// Prints the outcome of a replay.
#[expect(clippy::print_stdout, reason = "its caller asked for one seed, to look at it")]
fn show(text: &str) {
    println!("{text}");
}

/// The fault-free reports by message.
type Expected = BTreeMap<String, String>;

/// Runs one seed, checks the invariants, and returns its status.
fn check_seed(seed: u64, faults: Faults, expected: &mut Expected, is_replay: bool) -> String {
    let message = message(&mut Random::new(seed));
    let context = format!("seed {seed}: {message}");
    let scenario = scenario(seed, faults);
    if is_replay {
        show(&format!("{context}\n{scenario:#?}"));
    }
    let simulated = run(&scenario, &message);
    if is_replay {
        show(&format!("took {} µs; given up: {:#?}", simulated.took_us, simulated.lost));
    }
    if let Some(observation) = simulated.observation.as_ref().filter(|_| is_replay) {
        show(&format!("{:#?}", observation.row));
    }
    check_job(&context, &message, simulated, expected)
}

/// Checks the invariants of a job, and returns its status.
fn check_job(context: &str, message: &str, simulated: Simulated, expected: &mut Expected) -> String {
    let Some(observation) = simulated.observation else {
        return "never a job".to_owned();
    };
    let row = &observation.row;
    check_honest(context, row);
    // A unit has a weight of one: the answer's content must match the books, whatever the status.
    let units_done = observation.report().unwrap().json["units_done"].as_u64().unwrap();
    assert_eq!(units_done, observation.coverage.weight_done, "{context}: the books do not fit the answer");
    if row.status() == JobStatus::Expired {
        let excused = !simulated.lost.is_empty() || simulated.message_given_up;
        assert!(excused, "{context}: expired, and yet nothing was given up");
    }
    let status = row.status();
    if status == JobStatus::Complete {
        let expected = expected.entry(message.to_owned()).or_insert_with(|| calm_report(message));
        let found = observation.report().unwrap().json.to_string();
        assert_eq!(&found, expected, "{context}");
    }
    // Records that arrive after the end change nothing.
    let settled = simulated.settled.unwrap();
    assert_eq!(settled.ending, row.ending, "{context}: the end changed");
    assert!(settled.announced, "{context}: the end was not announced");
    status.to_string()
}

#[test]
fn without_faults_every_job_is_complete() {
    let endings = storm("without_faults_every_job_is_complete", 300, Faults::default(), 0);
    endings.are_all("complete");
}

#[test]
fn duplicates_and_reordering_change_nothing() {
    let faults = Faults { duplicate: 300, reorder: 300, ..Faults::default() };
    let endings = storm("duplicates_and_reordering_change_nothing", 1_000, faults, 10_000);
    endings.are_all("complete");
}

#[test]
fn workers_that_fail_hang_and_answer_rubbish_cost_time_not_truth() {
    let faults =
        Faults { throttle: 200, crash: 100, hang: 20, rubbish: 100, straggle: 100, ..Faults::default() };
    let endings =
        storm("workers_that_fail_hang_and_answer_rubbish_cost_time_not_truth", 1_000, faults, 20_000);
    endings.are_complete(95);
}

#[test]
fn consumers_and_collectors_that_die_between_any_two_calls_lose_nothing() {
    let faults = Faults { die: 20, refuse: 30, lose_reply: 30, ..Faults::default() };
    let endings =
        storm("consumers_and_collectors_that_die_between_any_two_calls_lose_nothing", 1_500, faults, 30_000);
    endings.are_complete(95);
}

#[test]
fn a_storm_of_everything_ends_complete_or_says_what_is_missing() {
    let endings = storm("a_storm_of_everything_ends_complete_or_says_what_is_missing", 2_500, STORM, 40_000);
    endings.are_complete(90);
}

#[test]
fn jobs_at_the_same_time_do_not_touch_each_other() {
    let mut expected = BTreeMap::new();
    for seed in 90_000..90_200 {
        let mut random = Random::new(seed);
        let messages: Vec<_> = (0..4).map(|_| message(&mut random)).collect();
        let ids: Vec<_> = (0..4).map(|n| JobId::new(format!("storm-{n}")).unwrap()).collect();
        let publication = |(message, delivery)| {
            let at_us = random.below(20 * SECOND_US);
            Publication { message: str::as_bytes(message), delivery, at_us }
        };
        let publications: Vec<_> = messages.iter().map(String::as_str).zip(&ids).map(publication).collect();
        let simulated = simulate(&scenario(seed, STORM), squall_workloads::registry(), &publications);
        for (message, job) in messages.iter().zip(simulated.unwrap()) {
            check_job(&format!("seed {seed}: {message}"), message, job, &mut expected);
        }
    }
}

#[test]
fn workers_that_always_crash_are_named_as_failures() {
    let faults = Faults { crash: 1_000, ..Faults::default() };
    let endings = storm("workers_that_always_crash_are_named_as_failures", 50, faults, 50_000);
    // Of many tasks the first ten are enough to end it.
    let others: Vec<_> = endings.seeds.keys().filter(|it| *it != "failed").collect();
    assert_eq!(others, ["complete_with_failures"], "\n{}", endings.describe());
}

/// What is given up is booked at the next tick, with its reason: no job waits for its deadline because a consumer died.
#[test]
fn tasks_that_every_consumer_dies_of_come_back_to_their_job() {
    let mut n_booked = 0;
    for seed in 60_000..60_050 {
        let mut scenario = scenario(seed, Faults { die: 60, ..Faults::default() });
        scenario.config.task_delivery.max_attempts = Some(1);
        scenario.config.message_attempts = 1_000;
        scenario.config.split.default_deadline_s = 86_400;
        let message = r#"{"workload":"probe","input":{"units":40},"sizing":{"tasks":10}}"#;
        let simulated = run(&scenario, message);
        let row = simulated.observation.unwrap().row;
        check_honest("always dying", &row);
        assert!(simulated.took_us < 3_600_000_000, "seed {seed}: {} s", simulated.took_us / 1_000_000);
        let ending = row.ending.unwrap();
        assert!(ending.missing.is_empty(), "seed {seed}: {ending:?}");
        let mut failures = ending.failures.iter();
        assert!(
            failures.all(|it| it.cause == Cause::WholeTask && it.reason.contains("the function died")),
            "seed {seed}: {ending:?}"
        );
        n_booked += ending.failures.len();
    }
    assert!(n_booked > 40, "{n_booked}");
}

#[test]
fn a_job_over_its_budget_stops_with_what_it_has() {
    let message =
        r#"{"workload":"probe","input":{"units":400},"sizing":{"tasks":100},"max_cost_usd":0.00002}"#;
    let simulated = run(&scenario(70_000, Faults::default()), message);
    let row = simulated.observation.unwrap().row;
    assert_eq!(row.status(), JobStatus::OverBudget);
    check_honest("over budget", &row);
    let share = row.ending.unwrap().coverage.share();
    assert!(share > 0.0 && share < 1.0, "{share}");
}

/// Runs a job in which each invocation of a worker ends like this.
fn run_under(faults: Faults, seed: u64, message: &str) -> JobRow {
    let simulated = run(&scenario(seed, faults), message);
    let row = simulated.observation.unwrap().row;
    check_honest(message, &row);
    row
}

#[test]
fn hanging_workers_are_billed_until_their_timeout_and_held_by_the_cap() {
    let message = r#"{"workload":"probe","input":{"units":400},"sizing":{"tasks":100,"subtasks_per_task":2},"max_cost_usd":0.005}"#;
    for seed in 71_000..71_020 {
        let row = run_under(Faults { hang: 1_000, ..Faults::default() }, seed, message);
        assert_eq!(row.status(), JobStatus::OverBudget, "{:?}", row.ending);
        let receipt = row.ending.as_ref().unwrap().receipt;
        let policy = config().consume.cascade;
        assert_eq!(receipt.invocations, receipt.tasks * 2 * u64::from(policy.max_attempts));
        assert_eq!(receipt.worker_us, receipt.invocations * policy.attempt_timeout_us, "what Lambda bills");
        assert_eq!((receipt.lost_us, receipt.unfinished), (receipt.worker_us, 0));
        // The cap, and one task of each lane that was in flight.
        let prices = Prices::default();
        let scenario = scenario(seed, Faults::default());
        let n_lanes = u64::from(scenario.n_task_shards * scenario.lanes_per_task_shard);
        let of_a_task = prices.cost_of(&receipt).0 / receipt.tasks;
        let most = 5_000_000 + (n_lanes + 1) * of_a_task;
        assert!(prices.cost_of(&receipt).0 <= most, "{} of {most}", prices.cost_of(&receipt).0);
    }
}

#[test]
fn an_account_without_concurrency_to_spare_slows_a_job_down_and_fails_nothing() {
    let message = r#"{"workload":"probe","input":{"units":400},"sizing":{"tasks":10,"subtasks_per_task":8}}"#;
    for seed in 74_000..74_020 {
        let mut scenario = scenario(seed, Faults::default());
        scenario.limits.concurrency = 3;
        let row = run(&scenario, message).observation.unwrap().row;
        assert_eq!(row.status(), JobStatus::Complete);
        assert!(row.ending.unwrap().receipt.throttles > 0, "the limit is felt");
    }
}

#[test]
fn a_deadline_that_cuts_off_every_lane_is_no_failing_job() {
    let message = r#"{"workload":"probe","input":{"units":8000},"sizing":{"tasks":40,"subtasks_per_task":200},"deadline_s":2}"#;
    for seed in 75_000..75_020 {
        let mut scenario = scenario(seed, Faults::default());
        (scenario.n_task_shards, scenario.lanes_per_task_shard) = (4, 4);
        scenario.latencies.computation_us = 4_000_000;
        let row = run(&scenario, message).observation.unwrap().row;
        assert_eq!(row.status(), JobStatus::Expired, "{:?}", row.ending.unwrap().reason);
    }
}

#[test]
fn a_job_whose_first_tasks_all_fail_is_not_computed_to_its_end() {
    let message =
        r#"{"workload":"probe","input":{"units":4000},"sizing":{"tasks":200,"subtasks_per_task":2}}"#;
    for seed in 72_000..72_020 {
        let row = run_under(Faults { crash: 1_000, ..Faults::default() }, seed, message);
        assert_eq!(row.status(), JobStatus::Failed);
        let ending = row.ending.unwrap();
        assert!((10..=40).contains(&ending.receipt.tasks), "{}", ending.receipt.tasks);
        let reason = ending.reason.unwrap();
        assert!(reason.contains("has a value: worker of stripe") && reason.contains("missing"), "{reason}");
    }
}

#[test]
fn a_short_deadline_is_used_and_what_it_cuts_off_is_expired() {
    let short = r#"{"workload":"probe","input":{"units":8},"sizing":{"tasks":2,"subtasks_per_task":2},"deadline_s":3}"#;
    let long = r#"{"workload":"probe","input":{"units":800},"sizing":{"tasks":1,"subtasks_per_task":400},"deadline_s":4}"#;
    for seed in 73_000..73_020 {
        assert_eq!(run_under(Faults::default(), seed, short).status(), JobStatus::Complete);
        let row = run_under(Faults::default(), seed, long);
        assert_eq!(row.status(), JobStatus::Expired, "{:?}", row.ending);
        let ending = row.ending.unwrap();
        assert!(ending.coverage.share() > 0.1, "most of the time is used: {}", ending.coverage.share());
        assert!(ending.failures.iter().any(|it| it.cause == Cause::Deadline));
        assert!(ending.reason.unwrap().starts_with("time ran out"));
    }
}

#[test]
fn a_failing_unit_fails_its_subtask_alone() {
    let message = r#"{"workload":"probe","input":{"units":40,"failing_unit":17},"sizing":{"tasks":4,"subtasks_per_task":5}}"#;
    let simulated = run(&scenario(80_000, Faults::default()), message);
    let row = simulated.observation.unwrap().row;
    assert_eq!(row.status(), JobStatus::CompleteWithFailures);
    let failures = row.ending.unwrap().failures;
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].reason, "unit 17 was asked to fail");
    assert_eq!((failures[0].task, failures[0].attempts), (1, 1));
}

#[test]
fn the_same_seed_is_the_same_history() {
    let message = message(&mut Random::new(7));
    let times: Vec<u64> = (0..3).map(|_| run(&scenario(7, STORM), &message).took_us).collect();
    assert!(times.iter().all(|took_us| *took_us == times[0]), "{times:?}");
}
