//! All code that names AWS types: the grid's ports on Kinesis, Lambda, SNS, DynamoDB and S3, and the capacity
//! controllers' on Auto Scaling, DynamoDB and CloudWatch, one file per port.
//!
//! Adapters translate and paginate. They decide nothing, and they do not retry beyond the SDK's standard retries.

pub mod capacity;
mod clock;
mod connection;
mod dynamo;
#[cfg(test)]
mod emulator;
mod error;
mod imds;
mod kinesis;
mod lambda;
pub mod payload;
pub mod provision;
mod s3;
mod sns;
mod stack;
pub mod transport;

pub use clock::WallClock;
pub use connection::{Connection, Settings};
pub use dynamo::DynamoJobStore;
pub use imds::InstanceMetadata;
pub use kinesis::{KinesisResultQueue, KinesisTaskQueue};
pub use lambda::{LambdaWorkers, MAX_PAYLOAD_BYTES, WORK_PERMANENT};
pub use s3::{S3Blobs, S3Objects, S3Pages};
pub use sns::{ActivityTopic, JobTopic, MAX_MESSAGE_BYTES, SnsJobEvents};
pub use stack::{stack_outputs, stack_resources};
