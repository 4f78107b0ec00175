//! The functions' entry points: a binary is one of these with the workloads that it can run.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use squall_core::registry::Registry;
//!
//! # fn workloads() -> Registry { Registry::default() }
//! fn main() -> ExitCode {
//!     squall_lambdas::run::worker(workloads())
//! }
//! ```
//!
//! All functions of a deployment, and the `squall` that reads its answers, must have the same workloads.

use std::process::ExitCode;

use aws_lambda_events::encodings::Base64Data;
use aws_lambda_events::kinesis::KinesisEvent;
use aws_lambda_events::sns::SnsEvent;
use lambda_runtime::LambdaEvent;
use squall_aws::Connection;
use squall_core::registry::Registry;
use squall_grid::InputCache;

use crate::externals;
use crate::result_collector::{self, CollectorEvent};
use crate::scale_in::{self, TimerEvent};
use crate::{
    CapacityConfig, CollectorConfig, ConsumerConfig, SplitterConfig, WorkerConfig, cascade_worker, ports,
    scale_out, shard_consumer, start, task_splitter,
};

/// Task-splitter: turns a published job into tasks on the task stream.
///
/// Fired by: the SNS topic of jobs.
/// Reads: the files that the job names, and the listings of the objects (S3), the job store (DynamoDB), the open shards of the
/// task stream (Kinesis).
/// Writes: the job's row, its input (S3), its tasks (Kinesis); announces a rejected job (SNS topic of job events).
pub fn splitter(registry: Registry) -> ExitCode {
    const NAME: &str = "task-splitter";
    start(NAME, async |process| {
        let config = SplitterConfig::from_vars(&|name| process.var(name))?;
        let ports = ports::splitter_ports(&config, &Connection::of_program(NAME));
        let registry = externals::accepting(named(registry), config.external_workers.clone());
        let inputs = InputCache::new(registry).in_memory_of(config.memory_mb);
        let handle = |event: LambdaEvent<SnsEvent>| {
            task_splitter::handle(&ports, &inputs, &config.split, event.payload)
        };
        process.serve(&config.metric_namespace, handle).await
    })
}

/// Shard-consumer: takes one task of its lane through a cascade of workers, and publishes one result.
///
/// Fired by: the task stream (Kinesis), one record at a time per lane, with `ReportBatchItemFailures`.
/// Reads: the job store (DynamoDB), the job's input (S3).
/// Writes: invokes the worker functions (Lambda); a result (Kinesis), and a partial that is too large for it (S3).
pub fn consumer(registry: Registry) -> ExitCode {
    const NAME: &str = "shard-consumer";
    start(NAME, async |process| {
        let config = ConsumerConfig::from_vars(&|name| process.var(name))?;
        let ports = ports::consumer_ports(&config, &Connection::of_program(NAME));
        let inputs = InputCache::new(named(registry)).in_memory_of(config.consume.memory_mb);
        let handle = |event: LambdaEvent<KinesisEvent>| {
            shard_consumer::handle(&ports, &inputs, &config.consume, event)
        };
        process.serve(&config.metric_namespace, handle).await
    })
}

/// Cascade-worker: evaluates one subtask over all of its vCPUs, and replies.
///
/// Fired by: a shard-consumer's invocation, which waits for the reply.
/// Reads: the job's input (S3), once per environment; the objects that its slices read (S3).
/// Runs: the programs that are declared for `external` jobs. They stay between invocations, and end with the environment.
/// Writes: a reply that is too large for its answer (S3).
///
/// It is built to unwind: a workload that panics yields an error reply, not a dead environment.
pub fn worker(registry: Registry) -> ExitCode {
    const NAME: &str = "cascade-worker";
    start(NAME, async |process| {
        let config = WorkerConfig::from_vars(&|name| process.var(name))?;
        let ports = ports::worker_ports(&config, &Connection::of_program(NAME));
        let (registry, programs) =
            externals::connected(named(registry), &config.external_workers, process.vars());
        let inputs = InputCache::new(registry).in_memory_of(config.work.memory_mb);
        let handle = |event: LambdaEvent<Base64Data>| {
            cascade_worker::handle(&ports, &inputs, &config.work, event.payload)
        };
        process.serve_until(&config.metric_namespace, handle, move || programs.end_all()).await
    })
}

/// Result-collector: merges results into their job exactly once, and ends the job when all of them are in.
///
/// Fired by: the result stream (Kinesis), in batches, with `ReportBatchItemFailures`; and by a timer (EventBridge), for
/// deadlines and for work that a dead collector left undone.
/// Reads: the job store (DynamoDB), partials that were too large to travel, and what the streams gave up (S3).
/// Writes: buckets, progress and ending (DynamoDB), the answer (S3); deletes what it took back (S3); announces the end (SNS topic of job events).
pub fn collector(registry: Registry) -> ExitCode {
    const NAME: &str = "result-collector";
    start(NAME, async |process| {
        let config = CollectorConfig::from_vars(&|name| process.var(name))?;
        let ports = ports::collector_ports(&config, &Connection::of_program(NAME));
        let inputs = InputCache::new(named(registry)).in_memory_of(config.collect.memory_mb);
        let handle = |event: LambdaEvent<CollectorEvent>| {
            result_collector::handle(&ports, &inputs, &config.collect, event)
        };
        process.serve(&config.metric_namespace, handle).await
    })
}

/// Scale-out: makes an Auto Scaling group as large as its application's events require. It only ever raises.
///
/// Fired by: the SNS topics of session activity and of run activity; it is deployed once per topic.
/// Reads: the ledger (DynamoDB), the group (Auto Scaling).
/// Writes: the ledger; the group's desired capacity, or launches; the protection of instances that have a run according
/// to events; metrics (CloudWatch).
pub fn scale_out() -> ExitCode {
    const NAME: &str = "scale-out";
    start(NAME, async |process| {
        let config = CapacityConfig::from_vars(&|name| process.var(name))?;
        let ports = ports::capacity_ports(&config, &Connection::of_program(NAME));
        let handle = |event: LambdaEvent<SnsEvent>| scale_out::handle(&ports, &config.policy, event.payload);
        process.serve(&config.metrics.namespace, handle).await
    })
}

/// Scale-in: keeps an Auto Scaling group no larger than its application needs, without ever terminating a busy
/// instance.
///
/// Fired by: a timer (EventBridge).
/// Reads: the metrics of the activity (CloudWatch), the ledger (DynamoDB), the group (Auto Scaling).
/// Writes: the ledger; terminates instances that it drained, by their id; the same as scale-out, if events were lost;
/// metrics (CloudWatch).
pub fn scale_in() -> ExitCode {
    const NAME: &str = "scale-in";
    start(NAME, async |process| {
        let config = CapacityConfig::from_vars(&|name| process.var(name))?;
        let ports = ports::capacity_ports(&config, &Connection::of_program(NAME));
        let handle = |event: LambdaEvent<TimerEvent>| scale_in::handle(&ports, &config.policy, event.payload);
        process.serve(&config.metrics.namespace, handle).await
    })
}

/// The registry, named as this build unless its author named it.
fn named(registry: Registry) -> Registry {
    if registry.build().is_empty() { registry.built_as(squall_version::VERSION) } else { registry }
}
