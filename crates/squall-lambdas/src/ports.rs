//! The ports of each function, all of them on AWS. A function without a port cannot do what that port does.
//!
//! No connections are made here: the adapters create their clients at the first call.

use std::sync::Arc;

use squall_aws::capacity::{AutoScalingGroup, CloudWatchMetrics, DynamoLedger};
use squall_aws::{
    Connection, DynamoJobStore, KinesisResultQueue, KinesisTaskQueue, LambdaWorkers, S3Blobs, S3Objects,
    SnsJobEvents, WallClock,
};
use squall_capacity::ports::Ports;
use squall_core::ports::Assembled;

use crate::config::{CapacityConfig, CollectorConfig, ConsumerConfig, SplitterConfig, WorkerConfig};
use crate::journal::LogJournal;

/// The task-splitter's ports.
pub type SplitterPorts =
    Assembled<WallClock, S3Objects, S3Blobs, DynamoJobStore, KinesisTaskQueue, (), (), SnsJobEvents>;
/// A shard-consumer's ports.
pub type ConsumerPorts =
    Assembled<WallClock, (), S3Blobs, DynamoJobStore, (), KinesisResultQueue, LambdaWorkers, ()>;
/// A cascade-worker's ports.
pub type WorkerPorts = Assembled<WallClock, S3Objects, S3Blobs>;
/// The result-collector's ports.
pub type CollectorPorts = Assembled<WallClock, (), S3Blobs, DynamoJobStore, (), (), (), SnsJobEvents>;
/// The ports of scale-out and scale-in.
pub type CapacityPorts = Ports<AutoScalingGroup, DynamoLedger, CloudWatchMetrics, LogJournal, WallClock>;

/// Makes the task-splitter's ports.
pub fn splitter_ports(config: &SplitterConfig, connection: &Connection) -> SplitterPorts {
    let blobs = Arc::new(S3Blobs::new(connection, &config.bucket));
    Assembled {
        clock: Arc::default(),
        files: Arc::new(S3Objects::new(connection, &config.bucket)),
        jobs: Arc::new(DynamoJobStore::new(connection, &config.table, Arc::clone(&blobs))),
        blobs,
        tasks: Arc::new(KinesisTaskQueue::new(connection, &config.task_stream)),
        results: Arc::default(),
        workers: Arc::default(),
        events: Arc::new(SnsJobEvents::new(connection, &config.events_topic_arn).at(config.prices)),
    }
}

/// Makes a shard-consumer's ports.
pub fn consumer_ports(config: &ConsumerConfig, connection: &Connection) -> ConsumerPorts {
    let blobs = Arc::new(S3Blobs::new(connection, &config.bucket));
    Assembled {
        clock: Arc::default(),
        files: Arc::default(),
        jobs: Arc::new(DynamoJobStore::new(connection, &config.table, Arc::clone(&blobs))),
        blobs,
        tasks: Arc::default(),
        results: Arc::new(KinesisResultQueue::new(connection, &config.result_stream)),
        workers: Arc::new(LambdaWorkers::new(connection, config.worker_functions.clone())),
        events: Arc::default(),
    }
}

/// Makes a cascade-worker's ports.
pub fn worker_ports(config: &WorkerConfig, connection: &Connection) -> WorkerPorts {
    let blobs = Arc::new(S3Blobs::new(connection, &config.bucket));
    Assembled {
        clock: Arc::default(),
        files: Arc::new(S3Objects::new(connection, &config.bucket)),
        blobs,
        jobs: Arc::default(),
        tasks: Arc::default(),
        results: Arc::default(),
        workers: Arc::default(),
        events: Arc::default(),
    }
}

/// Makes the result-collector's ports.
pub fn collector_ports(config: &CollectorConfig, connection: &Connection) -> CollectorPorts {
    let blobs = Arc::new(S3Blobs::new(connection, &config.bucket).with_given_up(&config.given_up_bucket));
    Assembled {
        clock: Arc::default(),
        files: Arc::default(),
        jobs: Arc::new(DynamoJobStore::new(connection, &config.table, Arc::clone(&blobs))),
        blobs,
        tasks: Arc::default(),
        results: Arc::default(),
        workers: Arc::default(),
        events: Arc::new(SnsJobEvents::new(connection, &config.events_topic_arn).at(config.collect.prices)),
    }
}

/// Makes the ports of scale-out and scale-in.
pub fn capacity_ports(config: &CapacityConfig, connection: &Connection) -> CapacityPorts {
    let CapacityConfig { group, ledger_table, metrics, .. } = config;
    Ports {
        group: AutoScalingGroup::new(connection, group),
        ledger: DynamoLedger::new(connection, ledger_table, group),
        metrics: CloudWatchMetrics::new(connection, group, metrics.clone()),
        journal: LogJournal,
        clock: WallClock,
    }
}
