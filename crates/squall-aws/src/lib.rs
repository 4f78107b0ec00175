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
pub use kinesis::{
    KinesisResultQueue, KinesisTaskQueue, MAX_CALL_BYTES, MAX_CALL_RECORDS, MAX_RECORD_BYTES,
    SHARD_BYTES_PER_S, SHARD_RECORDS_PER_S,
};
pub use lambda::{LambdaWorkers, MAX_PAYLOAD_BYTES};
pub use s3::{S3Blobs, S3Objects, S3Pages};
pub use sns::{ActivityTopic, JobTopic, MAX_MESSAGE_BYTES, SnsJobEvents};
pub use stack::{stack_outputs, stack_resources};
