use expect_test::expect;
use serde_json::{Value, json};

use super::*;
use crate::limits::LAMBDA_ENVIRONMENT_BYTES;
use crate::prices::NanoUsd;
use crate::sizing::{SizingPolicy, SizingRequest, plan_sizing};

/// The usual description with some fields changed; `null` takes a field away.
fn changed(fields: Value) -> Result<Deployment, InputError> {
    let mut json = serde_json::to_value(Deployment::default()).unwrap();
    for (name, value) in fields.as_object().unwrap() {
        match value {
            Value::Null => json.as_object_mut().unwrap().remove(name),
            value => json.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    Deployment::from_json(&json.to_string())
}

#[test]
fn a_description_is_one_line_of_json() {
    expect![[r#"{"version":1,"shards":3,"express_shards":1,"result_shards":1,"lanes_per_shard":2,"stripes":2,"workers_per_consumer":100,"splitter_memory_mb":1769,"consumer_memory_mb":1769,"worker_memory_mb":1769,"collector_memory_mb":1769,"splitter_timeout_s":300,"consumer_timeout_s":900,"worker_timeout_s":300,"collector_timeout_s":300,"max_buckets":32,"default_deadline_s":86400,"max_deadline_s":86400,"max_job_cost_usd":1000,"default_job_cost_usd":100,"max_job_subtasks":10000000,"max_message_bytes":262144,"architecture":"arm64","region":"us-east-1"}"#]]
        .assert_eq(&Deployment::default().to_json());
    let largest = Deployment { account_concurrency: Some(10_000_000), ..Deployment::default() };
    assert_eq!(Deployment::from_json(&largest.to_json()), Ok(largest.clone()));
    let names = ["b", "a"].map(str::to_owned).into();
    let declared = Deployment { external_workers: names, ..Deployment::default() };
    assert!(declared.to_json().ends_with(r#","external_workers":["a","b"]}"#));
    assert_eq!(Deployment::from_json(&declared.to_json()), Ok(declared));
    // With room for the names of resources beside it.
    assert!(largest.to_json().len() < LAMBDA_ENVIRONMENT_BYTES / 4);
}

#[test]
fn what_is_unknown_missing_or_out_of_range_is_named_with_what_would_be_right() {
    let wrong = [
        json!({ "version": 2, "regions": [] }),
        json!({ "version": null }),
        json!({ "shards": null }),
        json!({ "shard": 2 }),
        json!({ "shards": 0 }),
        json!({ "shards": "2" }),
        json!({ "result_shards": 0 }),
        json!({ "lanes_per_shard": 11 }),
        json!({ "stripes": 0 }),
        json!({ "workers_per_consumer": 10_001 }),
        json!({ "worker_memory_mb": 64 }),
        json!({ "consumer_memory_mb": 10_241 }),
        json!({ "consumer_timeout_s": 1_801 }),
        json!({ "worker_timeout_s": 901 }),
        json!({ "collector_timeout_s": 0 }),
        json!({ "max_buckets": 1_001 }),
        json!({ "default_deadline_s": 86_401 }),
        json!({ "max_message_bytes": 1_048_577 }),
        json!({ "architecture": "arm" }),
        json!({ "region": "Ireland" }),
        json!({ "account_concurrency": 0 }),
    ];
    let mut told: Vec<_> = wrong.into_iter().map(|it| changed(it).unwrap_err().to_string()).collect();
    told.push(Deployment::from_json("{").unwrap_err().to_string());
    expect![[r#"
        deployment.version: 2; expected 1, which is all that this build reads
        deployment: missing field `version`
        deployment: missing field `shards`
        deployment.shard: unknown field `shard`, expected one of `version`, `shards`, `express_shards`, `result_shards`, `lanes_per_shard`, `stripes`, `workers_per_consumer`, `splitter_memory_mb`, `consumer_memory_mb`, `worker_memory_mb`, `collector_memory_mb`, `splitter_timeout_s`, `consumer_timeout_s`, `worker_timeout_s`, `collector_timeout_s`, `max_buckets`, `default_deadline_s`, `max_deadline_s`, `max_job_cost_usd`, `default_job_cost_usd`, `max_job_subtasks`, `max_message_bytes`, `architecture`, `region`, `account_concurrency`, `external_workers`
        deployment.shards: 0; expected shards, a whole number from 1 to 10000
        deployment.shards: invalid type: string "2", expected a whole number
        deployment.result_shards: 0; expected shards, a whole number from 1 to 10000
        deployment.lanes_per_shard: 11; expected lanes, a whole number from 1 to 10
        deployment.stripes: 0; expected worker functions, a whole number from 1 to 1000
        deployment.workers_per_consumer: 10001; expected workers, a whole number from 1 to 10000
        deployment.worker_memory_mb: 64; expected MB, a whole number from 128 to 10240
        deployment.consumer_memory_mb: 10241; expected MB, a whole number from 128 to 10240
        deployment.consumer_timeout_s: 1801; expected seconds, a whole number from 1 to 1800
        deployment.worker_timeout_s: 901; expected seconds, a whole number from 1 to 900
        deployment.collector_timeout_s: 0; expected seconds, a whole number from 1 to 1800
        deployment.max_buckets: 1001; expected buckets, a whole number from 1 to 1000
        deployment.default_deadline_s: 86401; expected seconds, a whole number from 1 to 86400
        deployment.max_message_bytes: 1048577; expected bytes, a whole number from 1 to 1048576
        deployment.architecture: unknown variant `arm`, expected `arm64` or `x86_64`
        deployment.region: `Ireland`; expected a region's code such as eu-west-1
        deployment.account_concurrency: 0; expected invocations at once, a whole number from 1 to 10000000
        deployment: EOF while parsing an object"#]].assert_eq(&told.join("\n"));
    // The longest that Lambda allows since November 2026.
    changed(json!({ "consumer_timeout_s": 1_800, "worker_timeout_s": 1_800 })).unwrap();
}

#[test]
fn views_follow_from_the_description() {
    let deployment = Deployment {
        shards: 4,
        lanes_per_shard: 10,
        stripes: 10,
        workers_per_consumer: 250,
        worker_memory_mb: 1_770,
        worker_timeout_s: 60,
        ..Deployment::default()
    };
    assert_eq!(
        deployment.capacity(),
        Capacity {
            n_shards: 4,
            express_shards: 1,
            lanes_per_shard: 10,
            workers_per_consumer: 250,
            vcpus_per_worker: 2
        }
    );
    assert_eq!(deployment.capacity_of(8).lanes(), 70);
    let cascade = deployment.cascade();
    assert_eq!((cascade.initial_concurrency, cascade.max_concurrency, cascade.n_stripes), (64, 250, 10));
    assert_eq!(cascade.attempt_timeout_us, 60_000_000);
    assert_eq!(deployment.concurrency(), 40 * 251 + 2);
    assert_eq!(deployment.size(), "4 shards (1 kept for small jobs) × 10 lanes × 250 workers of 2 vCPUs");
    let few = Deployment { workers_per_consumer: 20, ..deployment };
    assert_eq!(few.cascade().initial_concurrency, 20);
    let memories_mb = [128, 1_769, 1_770, 3_538, 5_307, 10_240];
    let vcpus = |worker_memory_mb| Deployment { worker_memory_mb, ..Deployment::default() }.worker_vcpus();
    assert_eq!(memories_mb.map(vcpus), [1, 1, 2, 2, 3, 6]);
}

#[test]
fn the_price_list_says_where_it_is_from() {
    let list = |region: &str, architecture| {
        Deployment { region: region.to_owned(), architecture, ..Deployment::default() }.price_list()
    };
    assert_eq!(list("us-east-1", Architecture::Arm64), "arm64, list prices of us-east-1");
    assert_eq!(
        list("eu-west-1", Architecture::X86_64),
        "x86_64, list prices of eu-west-1; those of Kinesis, DynamoDB, S3 are us-east-1's"
    );
}

#[test]
fn an_estimate_is_the_work_at_the_deployments_prices() {
    let deployment = Deployment::default();
    // An hour of one core.
    let weight = 3_600_000_000_000;
    let sizing =
        plan_sizing(&SizingPolicy::default(), &deployment.capacity(), &SizingRequest::default(), weight);
    let estimate = deployment.estimate(weight, &sizing);
    assert_eq!(estimate.worker_us, 3_600_000_000);
    assert_eq!(estimate.subtasks, u64::from(sizing.n_tasks) * u64::from(sizing.subtasks_per_task));
    let arm64 = deployment.prices().cost_of(&estimate);
    let x86_64 = Deployment { architecture: Architecture::X86_64, ..deployment }.prices().cost_of(&estimate);
    assert!(NanoUsd(80_000_000) < arm64 && arm64 < NanoUsd(100_000_000), "{arm64}");
    assert!(x86_64 > arm64, "{x86_64}");
}
