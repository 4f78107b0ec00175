//! Shard-consumer: takes one task of its lane through a cascade of workers, and publishes one result.
//!
//! Fired by: the task stream (Kinesis), one record at a time per lane, with `ReportBatchItemFailures`.
//! Reads: the job store (DynamoDB), the job's input (S3).
//! Writes: invokes the worker functions (Lambda); a result (Kinesis), and a partial that is too large for it (S3).

use std::process::ExitCode;

use aws_lambda_events::kinesis::KinesisEvent;
use lambda_runtime::LambdaEvent;
use squall_grid::InputCache;
use squall_lambdas::{ConsumerConfig, ports, shard_consumer, start};

fn main() -> ExitCode {
    start("shard-consumer", async |process| {
        let config = ConsumerConfig::from_vars(&|name| process.var(name))?;
        let ports = ports::consumer_ports(&config);
        let inputs = InputCache::new(squall_workloads::registry());
        let handle = |event: LambdaEvent<KinesisEvent>| {
            shard_consumer::handle(&ports, &inputs, &config.consume, event)
        };
        process.serve(&config.metric_namespace, handle).await
    })
}
