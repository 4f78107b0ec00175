use expect_test::expect;

use super::*;

/// What a deployment sets.
const DEPLOYMENT: &[(&str, &str)] = &[
    ("SQUALL_TABLE", "squall-jobs"),
    ("SQUALL_BUCKET", "squall-blobs"),
    ("SQUALL_TASK_STREAM", "squall-tasks"),
    ("SQUALL_RESULT_STREAM", "squall-results"),
    ("SQUALL_EVENTS_TOPIC", "arn:aws:sns:us-east-1:123456789012:job-events"),
    ("SQUALL_WORKER_FUNCTIONS", "cascade-worker-0, cascade-worker-1,cascade-worker-2"),
    ("SQUALL_LANES_PER_SHARD", "10"),
    ("SQUALL_WORKERS_PER_CONSUMER", "64"),
    ("SQUALL_WORKER_VCPUS", "2"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "3538"),
];

/// A look-up in the deployment's variables, some of them changed; an empty one counts as not set.
fn vars<'a>(changed: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    |name| {
        let found = changed.iter().chain(DEPLOYMENT).find(|(it, _)| *it == name);
        found.map(|(_, value)| (*value).to_owned())
    }
}

#[test]
fn each_function_takes_from_the_deployment_what_it_needs() {
    let splitter = SplitterConfig::from_vars(&vars(&[])).unwrap();
    assert_eq!((splitter.table.as_str(), splitter.task_stream.as_str()), ("squall-jobs", "squall-tasks"));
    let split = splitter.split;
    assert_eq!((split.lanes_per_shard, split.workers_per_consumer, split.vcpus_per_worker), (10, 64, 2));
    assert_eq!((split.max_buckets, split.default_deadline_s), (DEFAULT_BUCKETS, 86_400));

    let consumer = ConsumerConfig::from_vars(&vars(&[])).unwrap();
    assert_eq!(consumer.worker_functions, ["cascade-worker-0", "cascade-worker-1", "cascade-worker-2"]);
    let expected = CascadePolicy { n_stripes: 3, ..CascadePolicy::default() };
    assert_eq!(consumer.consume, ConsumeConfig { cascade: expected, memory_mb: 3_538 });

    let worker = WorkerConfig::from_vars(&vars(&[])).unwrap();
    assert_eq!(
        (worker.bucket.as_str(), worker.work.n_vcpus.get(), worker.work.memory_mb),
        ("squall-blobs", 2, 3_538)
    );

    let collector = CollectorConfig::from_vars(&vars(&[])).unwrap();
    assert_eq!(collector.events_topic_arn, "arn:aws:sns:us-east-1:123456789012:job-events");
}

#[test]
fn two_deployments_of_an_account_have_metrics_of_their_own() {
    let namespaces = |told: &[(&str, &str)]| {
        let vars = vars(told);
        [
            SplitterConfig::from_vars(&vars).unwrap().metric_namespace,
            ConsumerConfig::from_vars(&vars).unwrap().metric_namespace,
            WorkerConfig::from_vars(&vars).unwrap().metric_namespace,
            CollectorConfig::from_vars(&vars).unwrap().metric_namespace,
        ]
    };
    assert_eq!(namespaces(&[]), ["Squall"; 4]);
    assert_eq!(namespaces(&[("SQUALL_METRIC_NAMESPACE", "Risk/Grid")]), ["Risk/Grid"; 4]);
}

#[test]
fn the_cascade_can_be_told_otherwise() {
    let told = [
        ("SQUALL_MAX_CONCURRENCY", "20"),
        ("SQUALL_MAX_ATTEMPTS", "2"),
        ("SQUALL_ATTEMPT_TIMEOUT_S", "60"),
        ("SQUALL_DUPLICATE_PERCENT", "5"),
        ("SQUALL_GUARD_S", "10"),
    ];
    let policy = ConsumerConfig::from_vars(&vars(&told)).unwrap().consume.cascade;
    let expected = CascadePolicy {
        initial_concurrency: 20,
        max_concurrency: 20,
        n_stripes: 3,
        max_attempts: 2,
        attempt_timeout_us: 60_000_000,
        duplicate_budget: 0.05,
        guard_us: 10_000_000,
        ..CascadePolicy::default()
    };
    assert_eq!(policy, expected);
    let told = [("SQUALL_DUPLICATE_PERCENT", "0"), ("SQUALL_INITIAL_CONCURRENCY", "1")];
    let policy = ConsumerConfig::from_vars(&vars(&told)).unwrap().consume.cascade;
    assert_eq!((policy.duplicate_budget, policy.initial_concurrency), (0.0, 1));
}

#[test]
fn a_workers_threads_follow_from_its_memory_when_nobody_says() {
    let n_vcpus = |memory_mb: &str| {
        let told = [("SQUALL_WORKER_VCPUS", ""), ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mb)];
        WorkerConfig::from_vars(&vars(&told)).unwrap().work.n_vcpus.get()
    };
    let memories_mb = ["128", "1769", "1770", "3538", "5307", "10240"];
    assert_eq!(memories_mb.map(n_vcpus), [1, 1, 2, 2, 3, 6]);
}

#[test]
fn what_is_missing_or_wrong_is_named_with_what_would_be_right() {
    let splitter = |told: &[(&str, &str)]| SplitterConfig::from_vars(&vars(told)).unwrap_err().to_string();
    let consumer = |told: &[(&str, &str)]| ConsumerConfig::from_vars(&vars(told)).unwrap_err().to_string();
    let worker = |told: &[(&str, &str)]| WorkerConfig::from_vars(&vars(told)).unwrap_err().to_string();
    let collector = |told: &[(&str, &str)]| CollectorConfig::from_vars(&vars(told)).unwrap_err().to_string();
    let errors = [
        splitter(&[("SQUALL_TABLE", "")]),
        splitter(&[("SQUALL_TASK_STREAM", "")]),
        splitter(&[("SQUALL_LANES_PER_SHARD", "")]),
        splitter(&[("SQUALL_LANES_PER_SHARD", "11")]),
        splitter(&[("SQUALL_WORKERS_PER_CONSUMER", "")]),
        splitter(&[("SQUALL_WORKER_VCPUS", "")]),
        splitter(&[("SQUALL_DEADLINE_S", "86401")]),
        splitter(&[("SQUALL_MAX_BUCKETS", "0")]),
        splitter(&[("SQUALL_EVENTS_TOPIC", "job-events")]),
        consumer(&[("SQUALL_RESULT_STREAM", "")]),
        consumer(&[("SQUALL_WORKER_FUNCTIONS", "")]),
        consumer(&[("SQUALL_WORKER_FUNCTIONS", "a,,b")]),
        consumer(&[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1.5")]),
        consumer(&[("SQUALL_MAX_CONCURRENCY", "20"), ("SQUALL_INITIAL_CONCURRENCY", "21")]),
        consumer(&[("SQUALL_DUPLICATE_PERCENT", "101")]),
        consumer(&[("SQUALL_GUARD_S", "-1")]),
        worker(&[("SQUALL_BUCKET", "")]),
        worker(&[("SQUALL_WORKER_VCPUS", "two")]),
        collector(&[("SQUALL_EVENTS_TOPIC", "")]),
        collector(&[("SQUALL_METRIC_NAMESPACE", "AWS/Lambda")]),
    ];
    expect![[r#"
        SQUALL_TABLE is not set; expected the name of the jobs' table
        SQUALL_TASK_STREAM is not set; expected the name of the stream of tasks
        SQUALL_LANES_PER_SHARD is not set; expected the task mapping's parallelization factor, a whole number from 1 to 10
        SQUALL_LANES_PER_SHARD is `11`; expected the task mapping's parallelization factor, a whole number from 1 to 10
        SQUALL_WORKERS_PER_CONSUMER is not set; expected workers that a consumer keeps busy, a whole number from 1 to 10000
        SQUALL_WORKER_VCPUS is not set; expected vCPUs of a worker, a whole number from 1 to 64
        SQUALL_DEADLINE_S is `86401`; expected seconds, a whole number from 1 to 86400
        SQUALL_MAX_BUCKETS is `0`; expected buckets of a job, a whole number from 1 to 1000
        SQUALL_EVENTS_TOPIC is `job-events`; expected the ARN of an SNS topic, such as arn:aws:sns:us-east-1:123456789012:job-events
        SQUALL_RESULT_STREAM is not set; expected the name of the stream of results
        SQUALL_WORKER_FUNCTIONS is not set; expected names or ARNs of worker functions, separated by commas
        SQUALL_WORKER_FUNCTIONS is `a,,b`; expected names or ARNs of worker functions, separated by commas
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE is `1.5`; expected MB, a whole number from 128 to 10240
        SQUALL_INITIAL_CONCURRENCY is `21`; expected invocations in flight, a whole number from 1 to 20
        SQUALL_DUPLICATE_PERCENT is `101`; expected percent of a task's subtasks, a whole number from 0 to 100
        SQUALL_GUARD_S is `-1`; expected seconds, a whole number from 1 to 900
        SQUALL_BUCKET is not set; expected the name of the bucket for inputs and answers
        SQUALL_WORKER_VCPUS is `two`; expected vCPUs of a worker, a whole number from 1 to 64
        SQUALL_EVENTS_TOPIC is not set; expected the ARN of an SNS topic, such as arn:aws:sns:us-east-1:123456789012:job-events
        SQUALL_METRIC_NAMESPACE is `AWS/Lambda`; expected a namespace of one's own: those of AWS cannot be written to"#]].assert_eq(&errors.join("\n"));
}
