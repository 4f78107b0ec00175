//! The capacity controllers' ports: the group on Auto Scaling, the ledger on DynamoDB, the metrics on CloudWatch.

use std::error::Error;
use std::fmt::Display;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use squall_capacity::ports::PortError;

use crate::connection::Connection;
use crate::error::port_error_of;

mod group;
mod ledger;
mod metrics;

pub use group::AutoScalingGroup;
pub use ledger::DynamoLedger;
pub use metrics::{CloudWatchMetrics, MetricNames};

/// A failed call as a port error, worded like the grid's.
fn failed<E>(
    connection: &Connection,
    what: impl Display,
    thing: impl Display,
    error: SdkError<E, HttpResponse>,
) -> PortError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    port_error_of(connection, what, thing, error)
}
