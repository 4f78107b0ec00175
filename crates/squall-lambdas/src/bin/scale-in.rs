//! Scale-in: has an Auto Scaling group be no larger than its application needs, without ever taking an instance at work.
//!
//! Fired by: a timer (EventBridge).
//! Reads: the metrics of the activity (CloudWatch), the ledger (DynamoDB), the group (Auto Scaling).
//! Writes: the ledger; terminates instances that it drained, by their id; what scale-out writes, where events were lost;
//! metrics (CloudWatch).

use std::process::ExitCode;

use lambda_runtime::LambdaEvent;
use squall_lambdas::scale_in::{self, TimerEvent};
use squall_lambdas::{CapacityConfig, ports, start};

fn main() -> ExitCode {
    start("scale-in", async |process| {
        let config = CapacityConfig::from_vars(&|name| process.var(name))?;
        let ports = ports::capacity_ports(&config);
        let handle = |event: LambdaEvent<TimerEvent>| scale_in::handle(&ports, &config.policy, event.payload);
        process.serve(&config.metrics.namespace, handle).await
    })
}
