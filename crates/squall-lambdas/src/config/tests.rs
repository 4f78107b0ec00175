use expect_test::expect;
use squall_core::prices::Architecture;

use super::*;

/// What a deployment says of itself.
const DESCRIPTION: &str = r#"{"version":1,"shards":4,"result_shards":2,"lanes_per_shard":10,"stripes":3,
    "workers_per_consumer":64,"splitter_memory_mb":1769,"consumer_memory_mb":3538,"worker_memory_mb":3538,
    "collector_memory_mb":1769,"splitter_timeout_s":300,"consumer_timeout_s":900,"worker_timeout_s":60,
    "collector_timeout_s":300,"max_buckets":16,"default_deadline_s":3600,"max_message_bytes":262144,"architecture":"x86_64","region":"eu-west-1"}"#;

/// What a deployment sets.
const VARIABLES: &[(&str, &str)] = &[
    ("SQUALL_TABLE", "squall-jobs"),
    ("SQUALL_BUCKET", "squall-blobs"),
    ("SQUALL_GIVEN_UP_BUCKET", "squall-given-up"),
    ("SQUALL_TASK_STREAM", "squall-tasks"),
    ("SQUALL_RESULT_STREAM", "squall-results"),
    ("SQUALL_EVENTS_TOPIC", "arn:aws:sns:us-east-1:123456789012:job-events"),
    ("SQUALL_WORKER_FUNCTIONS", "cascade-worker-0, cascade-worker-1,cascade-worker-2"),
    ("SQUALL_DEPLOYMENT", DESCRIPTION),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "3538"),
];

/// A look-up in the deployment's variables, some of them changed; an empty one counts as not set.
fn vars<'a>(changed: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    |name| {
        let found = changed.iter().chain(VARIABLES).find(|(it, _)| *it == name);
        found.map(|(_, value)| (*value).to_owned())
    }
}

#[test]
fn each_function_takes_from_the_deployment_what_it_needs() {
    let splitter = SplitterConfig::from_vars(&vars(&[])).unwrap();
    assert_eq!((splitter.table.as_str(), splitter.task_stream.as_str()), ("squall-jobs", "squall-tasks"));
    let split = splitter.split;
    assert_eq!((split.lanes_per_shard, split.workers_per_consumer, split.vcpus_per_worker), (10, 64, 2));
    assert_eq!((split.max_buckets, split.default_deadline_s), (16, 3_600));
    let prices = Prices::of("eu-west-1", Architecture::X86_64);
    assert_eq!(splitter.prices, prices);

    let consumer = ConsumerConfig::from_vars(&vars(&[])).unwrap();
    assert_eq!(consumer.worker_functions, ["cascade-worker-0", "cascade-worker-1", "cascade-worker-2"]);
    let expected = CascadePolicy {
        n_stripes: 3,
        max_concurrency: 64,
        attempt_timeout_us: 60_000_000,
        ..CascadePolicy::default()
    };
    assert_eq!(
        consumer.consume,
        ConsumeConfig {
            cascade: expected,
            memory_mb: 3_538,
            worker_memory_mb: 3_538,
            metering: squall_grid::Metering::Elapsed,
            patience_us: 60_000_000
        }
    );

    let worker = WorkerConfig::from_vars(&vars(&[])).unwrap();
    assert_eq!(
        (worker.bucket.as_str(), worker.work.n_vcpus.get(), worker.work.memory_mb),
        ("squall-blobs", 2, 3_538)
    );

    let collector = CollectorConfig::from_vars(&vars(&[])).unwrap();
    assert_eq!(collector.events_topic_arn, "arn:aws:sns:us-east-1:123456789012:job-events");
    assert_eq!(collector.collect.prices, prices);
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
fn the_cascade_can_be_configured() {
    let told = [
        ("SQUALL_INITIAL_CONCURRENCY", "20"),
        ("SQUALL_MAX_ATTEMPTS", "2"),
        ("SQUALL_DUPLICATE_PERCENT", "5"),
        ("SQUALL_GUARD_S", "10"),
    ];
    let policy = ConsumerConfig::from_vars(&vars(&told)).unwrap().consume.cascade;
    let expected = CascadePolicy {
        initial_concurrency: 20,
        max_concurrency: 64,
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
fn a_worker_has_the_threads_that_jobs_are_cut_for_and_is_billed_what_it_has() {
    // As `cargo lambda watch` runs it: with more memory than was asked for.
    let told = [("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "4096")];
    let work = WorkerConfig::from_vars(&vars(&told)).unwrap().work;
    assert_eq!((work.n_vcpus.get(), work.memory_mb), (2, 4_096));
}

#[test]
fn the_error_for_old_variables_names_what_replaces_them() {
    let before = [("SQUALL_DEPLOYMENT", ""), ("SQUALL_LANES_PER_SHARD", "10"), ("SQUALL_WORKER_VCPUS", "1")];
    let expected = "SQUALL_DEPLOYMENT is not set; expected the deployment's description in JSON, as the stack's output Deployment \
                    has it, in place of SQUALL_LANES_PER_SHARD, SQUALL_WORKER_VCPUS";
    assert_eq!(SplitterConfig::from_vars(&vars(&before)).unwrap_err().to_string(), expected);
    assert_eq!(WorkerConfig::from_vars(&vars(&before)).unwrap_err().to_string(), expected);
    assert_eq!(ConsumerConfig::from_vars(&vars(&before)).unwrap_err().to_string(), expected);
    assert_eq!(CollectorConfig::from_vars(&vars(&before)).unwrap_err().to_string(), expected);
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
        splitter(&[("SQUALL_DEPLOYMENT", "")]),
        splitter(&[("SQUALL_DEPLOYMENT", r#"{"version":1,"shards":0}"#)]),
        splitter(&[("SQUALL_EVENTS_TOPIC", "job-events")]),
        consumer(&[("SQUALL_RESULT_STREAM", "")]),
        consumer(&[("SQUALL_WORKER_FUNCTIONS", "")]),
        consumer(&[("SQUALL_WORKER_FUNCTIONS", "a,,b")]),
        consumer(&[("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1.5")]),
        consumer(&[("SQUALL_WORKER_FUNCTIONS", "a,b")]),
        consumer(&[("SQUALL_INITIAL_CONCURRENCY", "65")]),
        consumer(&[("SQUALL_DUPLICATE_PERCENT", "101")]),
        consumer(&[("SQUALL_GUARD_S", "-1")]),
        worker(&[("SQUALL_BUCKET", "")]),
        collector(&[("SQUALL_GIVEN_UP_BUCKET", "")]),
        collector(&[("SQUALL_EVENTS_TOPIC", "")]),
        collector(&[("SQUALL_METRIC_NAMESPACE", "AWS/Lambda")]),
    ];
    expect![[r#"
        SQUALL_TABLE is not set; expected the name of the jobs' table
        SQUALL_TASK_STREAM is not set; expected the name of the stream of tasks
        SQUALL_DEPLOYMENT is not set; expected the deployment's description in JSON, as the stack's output Deployment has it
        SQUALL_DEPLOYMENT is `{"version":1,"shards":0}`; expected a deployment's description in JSON (deployment: missing field `result_shards`)
        SQUALL_EVENTS_TOPIC is `job-events`; expected the ARN of an SNS topic, such as arn:aws:sns:us-east-1:123456789012:job-events
        SQUALL_RESULT_STREAM is not set; expected the name of the stream of results
        SQUALL_WORKER_FUNCTIONS is not set; expected names or ARNs of worker functions, separated by commas
        SQUALL_WORKER_FUNCTIONS is `a,,b`; expected names or ARNs of worker functions, separated by commas
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE is `1.5`; expected MB, a whole number from 128 to 10240
        SQUALL_WORKER_FUNCTIONS is `a,b`; expected 3 functions, the deployment's stripes
        SQUALL_INITIAL_CONCURRENCY is `65`; expected invocations in flight, a whole number from 1 to 64
        SQUALL_DUPLICATE_PERCENT is `101`; expected percent of a task's subtasks, a whole number from 0 to 100
        SQUALL_GUARD_S is `-1`; expected seconds, a whole number from 1 to 1800
        SQUALL_BUCKET is not set; expected the name of the bucket for inputs and answers
        SQUALL_GIVEN_UP_BUCKET is not set; expected the name of the bucket for records that the event sources gave up
        SQUALL_EVENTS_TOPIC is not set; expected the ARN of an SNS topic, such as arn:aws:sns:us-east-1:123456789012:job-events
        SQUALL_METRIC_NAMESPACE is `AWS/Lambda`; expected a namespace of one's own: those of AWS cannot be written to"#]].assert_eq(&errors.join("\n"));
}

#[test]
fn declared_workers_are_those_that_the_deployments_description_names() {
    let named = DESCRIPTION.replace('}', r#","external_workers":["pricer"]}"#);
    let declared = r#"{"pricer":{"command":["/opt/price"],"env":{"TOKEN":"secret"}}}"#;
    let worker = |description: &str, declared: &str| {
        let told = [("SQUALL_DEPLOYMENT", description), ("SQUALL_EXTERNAL_WORKERS", declared)];
        WorkerConfig::from_vars(&vars(&told)).map(|config| config.external_workers)
    };
    assert_eq!(worker(&named, declared).unwrap()["pricer"].command, ["/opt/price"]);
    assert!(worker(DESCRIPTION, "").unwrap().is_empty());
    let told = [("SQUALL_DEPLOYMENT", named.as_str())];
    let splitter = SplitterConfig::from_vars(&vars(&told)).unwrap();
    assert_eq!(splitter.external_workers, ["pricer".to_owned()].into());
    let errors = [
        worker(&named, ""),
        worker(DESCRIPTION, declared),
        worker(&named, &declared.replace("pricer", "prices")),
        worker(&named, "{"),
        worker(&named, &declared.replace("}}}", r#"},"timeout_s":-1}}"#)),
        worker(&named, &declared.replace("command", "comand")),
    ];
    let errors: Vec<_> = errors.into_iter().map(|it| it.unwrap_err().to_string()).collect();
    assert!(!errors.concat().contains("secret"));
    expect![[r#"
        SQUALL_EXTERNAL_WORKERS is a declaration of no worker; expected `pricer`, as external_workers in SQUALL_DEPLOYMENT has it
        SQUALL_EXTERNAL_WORKERS is a declaration of `pricer`; expected no worker, as external_workers in SQUALL_DEPLOYMENT has it
        SQUALL_EXTERNAL_WORKERS is a declaration of `prices`; expected `pricer`, as external_workers in SQUALL_DEPLOYMENT has it
        SQUALL_EXTERNAL_WORKERS is wrong (workers: EOF while parsing an object); expected workers by their names, in JSON, such as {"pricer":{"command":["/opt/price"]}}
        SQUALL_EXTERNAL_WORKERS is wrong (workers.pricer.timeout_s: -1.0; expected seconds from 0.001 to 86400); expected workers by their names, in JSON, such as {"pricer":{"command":["/opt/price"]}}
        SQUALL_EXTERNAL_WORKERS is wrong (workers.pricer.comand: unknown field `comand`, expected one of `command`, `env`, `inherit_env`, `timeout_s`, `start_timeout_s`, `memory_mb`, `output_mb`, `processes`); expected workers by their names, in JSON, such as {"pricer":{"command":["/opt/price"]}}"#]].assert_eq(&errors.join("\n"));
}
