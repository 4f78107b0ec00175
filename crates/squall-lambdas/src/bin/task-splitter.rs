//! Task-splitter: turns a published job into tasks on the task stream.
//!
//! Fired by: the SNS topic of jobs.
//! Reads: the files that the job names (S3), the job store (DynamoDB), the open shards of the task stream (Kinesis).
//! Writes: the job's row, its input (S3), its tasks (Kinesis); tells of a rejected job (SNS topic of job events).

use std::process::ExitCode;

use aws_lambda_events::sns::SnsEvent;
use lambda_runtime::LambdaEvent;
use squall_grid::InputCache;
use squall_lambdas::{SplitterConfig, ports, start, task_splitter};

fn main() -> ExitCode {
    start("task-splitter", async |process| {
        let config = SplitterConfig::from_vars(&|name| process.var(name))?;
        let ports = ports::splitter_ports(&config);
        let inputs = InputCache::new(squall_workloads::registry());
        let handle = |event: LambdaEvent<SnsEvent>| {
            task_splitter::handle(&ports, &inputs, &config.split, event.payload)
        };
        process.serve(&config.metric_namespace, handle).await
    })
}
