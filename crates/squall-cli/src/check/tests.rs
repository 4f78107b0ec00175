use expect_test::expect;
use squall_core::job::Job;
use squall_core::prices::Architecture;
use squall_core::sizing::{SizingPolicy, plan_sizing};

use super::*;

#[test]
fn the_cut_is_explained_for_the_deployment_with_its_price() {
    let message = br#"{"workload":"probe","input":{"units":1},"max_cost_usd":0.01,"deadline_s":600}"#;
    let job = Job::from_message(message).unwrap();
    let told = |deployment: &Deployment| {
        // An hour of one core.
        let weight = 3_600_000_000_000;
        let sizing = plan_sizing(&SizingPolicy::default(), &deployment.capacity(), &job.sizing, weight);
        in_deployment(
            &Checked { job: job.clone(), weight, sizing, notes: vec!["rows repeat".to_owned()] },
            deployment,
        )
    };
    let usual = told(&Deployment::default());
    let other = told(&Deployment {
        shards: 4,
        stripes: 10,
        worker_memory_mb: 3_538,
        architecture: Architecture::X86_64,
        region: "eu-west-1".to_owned(),
        account_concurrency: Some(500),
        ..Deployment::default()
    });
    expect![[r#"
        ok: a `probe` job
        note: rows repeat
        work: about 1 h 0 min of one core
        cut: 48 tasks × 300 subtasks, ~250 ms each, because subtasks of that length keep their overhead small and stragglers short
        deployment: 3 shards (1 kept for small jobs) × 2 lanes × 100 workers of 1 vCPU, in us-east-1 with 2 stripes
        concurrency at most: 608
        time: about 10.9 s once all workers have started: of the 24 tasks of a shard the fullest lane gets 14.5, and 12 if hashing were even
        price: about $0.086642, more than its cap (arm64, list prices of us-east-1), assuming no retries or second copies
        cost cap: $0.010000
        deadline: 10 min 0 s
        ok: a `probe` job
        note: rows repeat
        work: about 1 h 0 min of one core
        cut: 72 tasks × 100 subtasks, ~250 ms each, because subtasks of that length keep their overhead small and stragglers short
        deployment: 4 shards (1 kept for small jobs) × 2 lanes × 100 workers of 2 vCPUs, in eu-west-1 with 10 stripes
        concurrency at most: 810, more than the account's 500: the excess is throttled
        time: about 3.7 s once all workers have started: of the 24 tasks of a shard the fullest lane gets 15.0, and 12 if hashing were even
        price: about $0.105627, more than its cap (x86_64, list prices of eu-west-1; those of Kinesis, DynamoDB, S3 are us-east-1's), assuming no retries or second copies
        cost cap: $0.010000
        deadline: 10 min 0 s
    "#]].assert_eq(&(usual + &other));
}
