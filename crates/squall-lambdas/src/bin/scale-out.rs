//! Scale-out: has an Auto Scaling group be as large as the events of its application say. It only ever raises.
//!
//! Fired by: the SNS topics of session activity and of run activity; it is deployed once per topic.
//! Reads: the ledger (DynamoDB), the group (Auto Scaling).
//! Writes: the ledger; the group's desired capacity, or launches; the protection of instances that events say have a run;
//! metrics (CloudWatch).

use std::process::ExitCode;

use aws_lambda_events::sns::SnsEvent;
use lambda_runtime::LambdaEvent;
use squall_lambdas::{CapacityConfig, ports, scale_out, start};

fn main() -> ExitCode {
    start("scale-out", async |process| {
        let config = CapacityConfig::from_vars(&|name| process.var(name))?;
        let ports = ports::capacity_ports(&config);
        let handle = |event: LambdaEvent<SnsEvent>| scale_out::handle(&ports, &config.policy, event.payload);
        process.serve(&config.metrics.namespace, handle).await
    })
}
