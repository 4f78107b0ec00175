//! Cascade-worker: evaluates one subtask over all of its vCPUs, and replies.
//!
//! Fired by: a shard-consumer's invocation, which waits for the reply.
//! Reads: the job's input (S3), once per environment.
//! Writes: nothing.
//!
//! It is built to unwind: a workload that panics becomes a reply that says so, not a dead environment.

use std::process::ExitCode;

use aws_lambda_events::encodings::Base64Data;
use lambda_runtime::LambdaEvent;
use squall_grid::InputCache;
use squall_lambdas::{WorkerConfig, cascade_worker, ports, start};

fn main() -> ExitCode {
    start("cascade-worker", async |process| {
        let config = WorkerConfig::from_vars(&|name| process.var(name))?;
        let ports = ports::worker_ports(&config);
        let inputs = InputCache::new(squall_workloads::registry());
        let handle = |event: LambdaEvent<Base64Data>| {
            cascade_worker::handle(&ports, &inputs, &config.work, event.payload)
        };
        process.serve(&config.metric_namespace, handle).await
    })
}
