//! Result-collector: merges results into their job exactly once, and ends the job when all of them are in.
//!
//! Fired by: the result stream (Kinesis), in batches, with `ReportBatchItemFailures`; and by a timer (EventBridge), for
//! deadlines and for what a collector that died left undone.
//! Reads: the job store (DynamoDB), partials that were too large to travel (S3).
//! Writes: buckets, progress and ending (DynamoDB), the answer (S3); tells of the end (SNS topic of job events).

use std::process::ExitCode;

use lambda_runtime::LambdaEvent;
use squall_grid::InputCache;
use squall_lambdas::result_collector::{self, CollectorEvent};
use squall_lambdas::{CollectorConfig, ports, start};

fn main() -> ExitCode {
    start("result-collector", async |process| {
        let config = CollectorConfig::from_vars(&|name| process.var(name))?;
        let ports = ports::collector_ports(&config);
        let inputs = InputCache::new(squall_workloads::registry());
        let handle = |event: LambdaEvent<CollectorEvent>| {
            result_collector::handle(&ports, &inputs, &config.collect, event)
        };
        process.serve(&config.metric_namespace, handle).await
    })
}
