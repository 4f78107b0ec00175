use expect_test::expect;
use proptest::prelude::*;

use super::*;

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

const NOTHING: SizingRequest = SizingRequest { tasks: None, subtasks_per_task: None, subtask_ms: None };

#[test]
fn the_cut_fits_the_work_the_workers_and_the_wish() {
    let tasks = |tasks| SizingRequest { tasks: Some(tasks), ..NOTHING };
    let subtasks = |n| SizingRequest { subtasks_per_task: Some(n), ..NOTHING };
    let ms = |ms| SizingRequest { subtask_ms: Some(ms), ..NOTHING };
    // Description, weight, lanes, workers per consumer, vCPUs per worker, and the author's request.
    let situations = [
        ("nothing at all", 0, (4, 8, 1), NOTHING),
        ("one worker's while", MS, (4, 8, 1), NOTHING),
        ("a dozen pieces worth their overhead", 23 * MS, (4, 8, 1), NOTHING),
        ("small", 500 * MS, (4, 8, 1), NOTHING),
        ("just enough for the waves", 512 * MS, (4, 8, 1), NOTHING),
        ("half a minute of one vCPU", 30 * S, (4, 8, 1), NOTHING),
        ("just enough of the aimed-at length", 64 * S, (4, 8, 1), NOTHING),
        ("an hour", 3_600 * S, (4, 8, 1), NOTHING),
        ("an hour, larger workers", 3_600 * S, (4, 8, 6), NOTHING),
        ("an hour, ten thousand workers", 3_600 * S, (40, 250, 1), NOTHING),
        ("an hour, one lane, one worker", 3_600 * S, (1, 1, 1), NOTHING),
        ("an hour, no capacity told", 3_600 * S, (0, 0, 0), NOTHING),
        ("six centuries", u64::MAX, (4, 8, 1), NOTHING),
        ("six centuries, one worker", u64::MAX, (1, 1, 1), NOTHING),
        ("5 tasks", 30 * S, (4, 8, 1), tasks(5)),
        ("1 task", 30 * S, (4, 8, 1), tasks(1)),
        ("1 task of six centuries", u64::MAX, (4, 8, 1), tasks(1)),
        ("5 × 3", 30 * S, (4, 8, 1), SizingRequest { tasks: Some(5), ..subtasks(3) }),
        ("3 subtasks per task", 30 * S, (4, 8, 1), subtasks(3)),
        ("1 subtask per task of six centuries", u64::MAX, (4, 8, 1), subtasks(1)),
        ("10 ms", 30 * S, (4, 8, 1), ms(10.0)),
        ("a minute", 30 * S, (4, 8, 1), ms(60_000.0)),
        ("10 ms in 5 tasks", 30 * S, (4, 8, 1), SizingRequest { tasks: Some(5), ..ms(10.0) }),
    ];
    let mut table = String::new();
    for (what, weight, (n_lanes, workers_per_consumer, vcpus_per_worker), request) in situations {
        let capacity = Capacity {
            n_shards: n_lanes,
            express_shards: 0,
            lanes_per_shard: 1,
            workers_per_consumer,
            vcpus_per_worker,
        };
        let sizing = plan_sizing(&SizingPolicy::default(), &capacity, &request, weight);
        table.push_str(&format!("{what}: {sizing} ({:?})\n", sizing.reason));
    }
    expect![[r#"
        nothing at all: 1 task × 1 subtask, ~0 µs each, because shorter subtasks would not be worth their overhead (Small)
        one worker's while: 1 task × 1 subtask, ~1.0 ms each, because shorter subtasks would not be worth their overhead (Small)
        a dozen pieces worth their overhead: 3 tasks × 1 subtask, ~7.6 ms each, because shorter subtasks would not be worth their overhead (Small)
        small: 4 tasks × 13 subtasks, ~9.6 ms each, because shorter subtasks would not be worth their overhead (Small)
        just enough for the waves: 4 tasks × 13 subtasks, ~9.8 ms each, because shorter subtasks would not be worth their overhead (Small)
        half a minute of one vCPU: 8 tasks × 32 subtasks, ~117 ms each, because every worker should get several subtasks, so that uneven ones level out (Waves)
        just enough of the aimed-at length: 8 tasks × 32 subtasks, ~250 ms each, because subtasks of that length keep their overhead small and stragglers short (Duration)
        an hour: 452 tasks × 32 subtasks, ~248 ms each, because subtasks of that length keep their overhead small and stragglers short (Duration)
        an hour, larger workers: 76 tasks × 32 subtasks, ~246 ms each, because subtasks of that length keep their overhead small and stragglers short (Duration)
        an hour, ten thousand workers: 80 tasks × 1000 subtasks, ~45 ms each, because every worker should get several subtasks, so that uneven ones level out (Waves)
        an hour, one lane, one worker: 3600 tasks × 4 subtasks, ~250 ms each, because subtasks of that length keep their overhead small and stragglers short (Duration)
        an hour, no capacity told: 3600 tasks × 4 subtasks, ~250 ms each, because subtasks of that length keep their overhead small and stragglers short (Duration)
        six centuries: 1000000 tasks × 32 subtasks, ~9 min 36 s each, because a job has no more pieces than that (Capped)
        six centuries, one worker: 1000000 tasks × 4 subtasks, ~1 h 16 min each, because a job has no more pieces than that (Capped)
        5 tasks: 5 tasks × 52 subtasks, ~115 ms each, because the job asks for that many (Asked)
        1 task: 1 task × 256 subtasks, ~117 ms each, because the job asks for that many (Asked)
        1 task of six centuries: 1 task × 10000 subtasks, ~21 days each, because a job has no more pieces than that (Capped)
        5 × 3: 5 tasks × 3 subtasks, ~2.0 s each, because the job asks for that many (Asked)
        3 subtasks per task: 88 tasks × 3 subtasks, ~113 ms each, because every worker should get several subtasks, so that uneven ones level out (Waves)
        1 subtask per task of six centuries: 1000000 tasks × 1 subtask, ~5 h 7 min each, because a job has no more pieces than that (Capped)
        10 ms: 96 tasks × 32 subtasks, ~9.7 ms each, because the job asks for subtasks of that length (AskedDuration)
        a minute: 1 task × 1 subtask, ~30.0 s each, because the job asks for subtasks of that length (AskedDuration)
        10 ms in 5 tasks: 5 tasks × 600 subtasks, ~10 ms each, because the job asks for that many (Asked)
    "#]].assert_eq(&table);
}

#[test]
fn durations_read_well() {
    let us = [0, 999, 1_000, 9_999, 10_000, 999_999, 1_000_000, 59_999_999, 60_000_000, 3_599_000_000];
    expect![[r#"
        0 µs
        999 µs
        1.0 ms
        9.9 ms
        10 ms
        999 ms
        1.0 s
        59.9 s
        1 min 0 s
        59 min 59 s"#]]
    .assert_eq(&us.map(duration).join("\n"));
}

prop_compose! {
    fn any_capacity()(
        n_shards in 0..500_u32,
        lanes_per_shard in 1..=10_u32,
        workers_per_consumer in 0..2_000_u32,
        vcpus_per_worker in 0..8_u32,
    ) -> Capacity {
        Capacity { n_shards, express_shards: 0, lanes_per_shard, workers_per_consumer, vcpus_per_worker }
    }
}

prop_compose! {
    fn any_request()(
        tasks in prop::option::of(1..=MAX_TASKS),
        subtasks_per_task in prop::option::of(1..=MAX_SUBTASKS_PER_TASK),
        subtask_ms in prop::option::of(0.001..=MAX_SUBTASK_MS),
    ) -> SizingRequest {
        SizingRequest { tasks, subtasks_per_task, subtask_ms }
    }
}

/// From nanoseconds to centuries, each magnitude equally likely.
fn any_weight() -> impl Strategy<Value = Weight> {
    (any::<u64>(), 0..64_u32).prop_map(|(weight, shift)| weight >> shift)
}

fn plan(capacity: &Capacity, request: &SizingRequest, weight: Weight) -> Sizing {
    plan_sizing(&SizingPolicy::default(), capacity, request, weight)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn every_cut_is_within_bounds_and_as_asked(
        capacity in any_capacity(),
        request in any_request(),
        weight in any_weight(),
    ) {
        prop_assert!(request.check().is_ok());
        let sizing = plan(&capacity, &request, weight);
        prop_assert!((1..=MAX_TASKS).contains(&sizing.n_tasks));
        prop_assert!((1..=MAX_SUBTASKS_PER_TASK).contains(&sizing.subtasks_per_task));
        if let Some(tasks) = request.tasks {
            prop_assert_eq!(sizing.n_tasks, tasks);
        }
        if let Some(subtasks) = request.subtasks_per_task {
            prop_assert_eq!(sizing.subtasks_per_task, subtasks);
        }
        prop_assert!(sizing.subtask_us <= weight / 1_000);
    }

    #[test]
    fn lanes_get_the_same_number_of_tasks_where_there_is_work_for_all(
        capacity in any_capacity(),
        weight in any_weight(),
    ) {
        let sizing = plan(&capacity, &NOTHING, weight);
        let n_lanes = capacity.lanes();
        let vcpus = u64::from(capacity.vcpus_per_worker.max(1));
        // A piece worth its overhead for every lane.
        if weight / (10 * MS * vcpus) >= u64::from(n_lanes) {
            prop_assert!(sizing.n_tasks >= n_lanes);
        }
        if sizing.n_tasks >= n_lanes && sizing.reason != SizingReason::Capped {
            prop_assert_eq!(sizing.n_tasks % n_lanes, 0);
        }
    }

    #[test]
    fn workers_are_kept_busy_and_pieces_worth_it(capacity in any_capacity(), weight in any_weight()) {
        let sizing = plan(&capacity, &NOTHING, weight);
        let vcpus = u64::from(capacity.vcpus_per_worker.max(1));
        let n_workers = u64::from(capacity.lanes()) * u64::from(capacity.workers_per_consumer.max(1));
        let pieces = u64::from(sizing.n_tasks) * u64::from(sizing.subtasks_per_task);
        match sizing.reason {
            SizingReason::Duration => prop_assert!(pieces >= 8 * n_workers && sizing.subtask_us <= 250_000),
            SizingReason::Waves => {
                prop_assert!(pieces >= 8 * n_workers && sizing.subtask_us <= 250_000);
            }
            // One lane too few at most doubles the pieces.
            SizingReason::Small => prop_assert!(pieces <= 2 * (weight / (10 * MS * vcpus) + 1)),
            SizingReason::Capped => prop_assert!(sizing.n_tasks == MAX_TASKS || sizing.subtasks_per_task == MAX_SUBTASKS_PER_TASK),
            reason => prop_assert!(false, "nothing asks for this: {:?}", reason),
        }
    }

    #[test]
    fn more_work_is_never_cut_into_fewer_pieces(
        capacity in any_capacity(),
        request in any_request(),
        weight in any_weight(),
        more in any_weight(),
    ) {
        let small = plan(&capacity, &request, weight);
        let large = plan(&capacity, &request, weight.saturating_add(more));
        prop_assert!(small.n_tasks <= large.n_tasks);
        let pieces = |sizing: &Sizing| u64::from(sizing.n_tasks) * u64::from(sizing.subtasks_per_task);
        if large.reason != SizingReason::Capped {
            prop_assert!(pieces(&small) <= pieces(&large));
        }
    }
}

#[test]
fn what_does_not_fit_into_the_functions_time_is_refused_with_what_would() {
    let limits = TimeLimits { splitter_s: 300, consumer_s: 900, worker_s: 300 };
    let check = |n_tasks, subtasks_per_task, subtask_s: u64, reason| {
        let sizing = Sizing { n_tasks, subtasks_per_task, subtask_us: subtask_s * 1_000_000, reason };
        limits.check(&sizing, 2, 100).map_err(|error| error.to_string())
    };
    assert_eq!(check(1_000_000, 100, 300, SizingReason::Asked), Ok(()));
    let sizing =
        Sizing { n_tasks: 1_000_000, subtasks_per_task: 1, subtask_us: 1, reason: SizingReason::Asked };
    assert_eq!(
        limits.check(&sizing, 1, 100).unwrap_err().to_string(),
        "sizing.tasks: 1000000; the task-splitter puts at most 540000 on 1 shard in two runs of 300 s: use fewer tasks of more subtasks, or \
         more shards"
    );
    assert_eq!(
        check(30, 8, 575, SizingReason::AskedDuration).unwrap_err(),
        "sizing: its subtasks take about 9 min 35 s each; a worker may run for 300 s: use more tasks or subtasks, or a lower `subtask_ms`"
    );
    let told = check(1, 1, 1_379, SizingReason::Indivisible).unwrap_err();
    assert!(
        told.ends_with("the work has no more pieces than that, so only a higher time limit helps"),
        "{told}"
    );
    assert_eq!(
        check(30, 400, 250, SizingReason::Asked).unwrap_err(),
        "sizing: its tasks of 400 subtasks of 4 min 10 s take about 16 min 40 s each on 100 workers; a shard-consumer may run for 900 s: use more tasks"
    );
}

/// As a multiple of an even spread: the makespans that were measured with Lambda's lanes as `squall-lambda-host` assigns them by real
/// partition keys, means of 400 draws.
#[test]
fn lanes_fill_unevenly() {
    for (n_shards, n_lanes, per_lane, expected) in [
        (10, 10, 1, 3.9),
        (10, 10, 2, 3.0),
        (10, 10, 4, 2.4),
        (10, 10, 8, 1.9),
        (10, 10, 16, 1.6),
        (2, 2, 2, 1.5),
    ] {
        let fullest = fullest_lane(n_shards, n_lanes * per_lane, n_lanes) as f64 / 1e3;
        let multiple = fullest / f64::from(per_lane);
        assert!(
            (multiple - expected).abs() < 0.15,
            "{n_shards} × {n_lanes} lanes, {per_lane} each: {multiple}"
        );
    }
    assert_eq!(fullest_lane(10, 7, 1), 7_000);
    assert_eq!(fullest_lane(2, 1_000_000, 10), 100_000_000);
}

/// What is kept for small jobs takes one task of each per shard, and nothing else of them.
#[test]
fn a_small_job_is_one_task_on_each_express_shard_and_no_other_job_is() {
    let capacity = Capacity {
        n_shards: 4,
        express_shards: 1,
        lanes_per_shard: 2,
        workers_per_consumer: 100,
        vcpus_per_worker: 1,
    };
    let cut =
        |request: SizingRequest, weight| plan_sizing(&SizingPolicy::default(), &capacity, &request, weight);
    let usual = SizingRequest::default();
    let second = 1_000_000_000;
    // 200 core-seconds are two seconds of a hundred workers.
    let small = cut(usual, 200 * second);
    assert_eq!((small.n_tasks, small.subtasks_per_task, small.reason), (1, 800, SizingReason::Express));
    assert_eq!(capacity.shards_of(capacity.is_express(1, 200 * second)), 3..4);
    assert_eq!(
        cut(usual, 1_000_000).to_string(),
        "1 task × 1 subtask, ~1.0 ms each, because it is small enough for what is kept for small jobs"
    );
    let large = cut(usual, 201 * second);
    assert_ne!(large.reason, SizingReason::Express);
    assert_eq!(large.n_tasks % 6, 0, "even over the six lanes of the other shards");
    assert_eq!(capacity.shards_of(capacity.is_express(large.n_tasks.into(), 201 * second)), 0..3);
    // An author who asks for a cut gets it; a single small task goes to the express shard all the same.
    let asked = SizingRequest { tasks: Some(2), ..usual };
    assert_eq!(cut(asked, second).reason, SizingReason::Asked);
    assert_eq!(capacity.shards_of(capacity.is_express(2, second)), 0..3);
    assert_eq!(capacity.shards_of(capacity.is_express(1, second)), 3..4);
    // A stream that was merged to fewer shards keeps none of them.
    let merged = Capacity { n_shards: 1, ..capacity };
    assert_eq!((merged.shards_of(merged.is_express(1, second)), merged.lanes()), (0..1, 2));
    assert_ne!(plan_sizing(&SizingPolicy::default(), &merged, &usual, second).reason, SizingReason::Express);
}

#[test]
fn what_the_functions_cannot_hold_is_refused_with_the_limit() {
    let memory = crate::deployment::Deployment::default().memory();
    let said = |checked: Result<(), InputError>| checked.unwrap_err().to_string();
    let over = [
        said(memory.check_files(300_000_000)),
        said(memory.check_prepared(900_000_000)),
        said(memory.check_subtask(900_000_000)),
        said(memory.check_task(900_000_000)),
        said(memory.check_bucket(4_100_000_000)),
    ];
    expect![[r#"
        input: its files have 300 MB together; the functions of this deployment hold 222 MB at most: give them more memory, or read the data as objects
        input: it takes about 900 MB once it is prepared; the functions of this deployment hold 885 MB at most: ask for less, or give them more memory
        input: the value of a subtask takes about 900 MB to compute; the workers of this deployment hold 443 MB at most: use more tasks or subtasks, ask for less, or give them more memory
        input: the value of a task takes about 900 MB to merge; the consumers of this deployment hold 443 MB at most: use more tasks, ask for less, or give them more memory
        input: a bucket of its answer takes about 4100 MB to merge; the collector of this deployment holds 1327 MB at most: use more tasks, ask for less, or give it more memory"#]]
    .assert_eq(&over.join("\n"));
    let MemoryLimits { input_bytes, prepared_bytes, subtask_bytes, task_bytes, bucket_bytes } = memory;
    assert_eq!(memory.check_files(input_bytes), Ok(()));
    assert_eq!(memory.check_prepared(prepared_bytes), Ok(()));
    assert_eq!(memory.check_subtask(subtask_bytes), Ok(()));
    assert_eq!(memory.check_task(task_bytes), Ok(()));
    assert_eq!(memory.check_bucket(bucket_bytes), Ok(()));
}

/// The fullest lane decides how long a job takes, so several tasks for each lane, where Lambda assigns them.
#[test]
fn lanes_that_lambda_assigns_get_a_dozen_tasks_each() {
    let capacity = |n_shards, lanes_per_shard| Capacity {
        n_shards,
        express_shards: 0,
        lanes_per_shard,
        workers_per_consumer: 100,
        vcpus_per_worker: 1,
    };
    // How much longer than evenly filled lanes would take: tasks per lane, the fullest lane's share.
    let unevenness = |capacity: &Capacity, seconds: u64| {
        let sizing = plan(capacity, &NOTHING, seconds * S);
        let per_shard = sizing.n_tasks / capacity.n_shards;
        let fullest = fullest_lane(capacity.n_shards, per_shard, capacity.lanes_per_shard);
        let even = f64::from(per_shard) / f64::from(capacity.lanes_per_shard);
        #[expect(clippy::cast_precision_loss, reason = "a few thousands")]
        let times = fullest as f64 / 1_000.0 / even;
        format!("{} tasks × {}: {times:.1}", sizing.n_tasks, sizing.subtasks_per_task)
    };
    expect![[r#"
        100 × 1, a core-hour: 200 tasks × 400: 1.0
        10 × 10, a core-hour: 1200 tasks × 100: 1.7
        10 × 10, fifty core-hours: 1800 tasks × 400: 1.6
        2 × 2, five core-minutes: 48 tasks × 100: 1.2"#]]
    .assert_eq(
        &[
            format!("100 × 1, a core-hour: {}", unevenness(&capacity(100, 1), 3_600)),
            format!("10 × 10, a core-hour: {}", unevenness(&capacity(10, 10), 3_600)),
            format!("10 × 10, fifty core-hours: {}", unevenness(&capacity(10, 10), 180_000)),
            format!("2 × 2, five core-minutes: {}", unevenness(&capacity(2, 2), 300)),
        ]
        .join("\n"),
    );
}

#[test]
fn a_large_value_is_cut_into_parts_that_fit_unless_the_author_asks_for_others() {
    let capacity = crate::deployment::Deployment::default().capacity();
    let cut = |request: SizingRequest, bytes| plan(&capacity, &request, S).for_value_of(bytes, &request);
    assert_eq!(cut(NOTHING, 0), plan(&capacity, &NOTHING, S));
    assert_eq!(cut(NOTHING, TASK_VALUE_BYTES), plan(&capacity, &NOTHING, S));
    let finer = cut(NOTHING, 4_100_000_000);
    assert_eq!((finer.n_tasks, finer.subtasks_per_task, finer.reason), (129, 4, SizingReason::Value));
    let asked = SizingRequest { tasks: Some(2), subtasks_per_task: Some(3), ..NOTHING };
    assert_eq!(cut(asked, 4_100_000_000), plan(&capacity, &asked, S));
    assert_eq!(cut(NOTHING, u64::MAX).n_tasks, MAX_TASKS);
}
