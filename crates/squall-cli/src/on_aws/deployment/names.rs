//! The parts of a deployed grid and their names in each source.

use std::collections::BTreeMap;

/// A part of a deployment with a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The SNS topic that jobs are published to.
    JobsTopic,
    /// The SNS topic that announces ended jobs.
    EventsTopic,
    /// The DynamoDB table of jobs and buckets.
    Table,
    /// The S3 bucket of blobs and files.
    Bucket,
    /// The Kinesis stream of tasks.
    TaskStream,
    /// The Kinesis stream of results.
    ResultStream,
    /// The deployment's description of itself, in JSON.
    Description,
}

impl Part {
    pub(super) const ALL: [Self; 7] = [
        Self::JobsTopic,
        Self::EventsTopic,
        Self::Table,
        Self::Bucket,
        Self::TaskStream,
        Self::ResultStream,
        Self::Description,
    ];

    /// A topic is named by its ARN, every other part by its name.
    pub(super) fn is_topic(self) -> bool {
        matches!(self, Self::JobsTopic | Self::EventsTopic)
    }

    /// The variable that names it.
    pub(super) fn variable(self) -> &'static str {
        match self {
            Self::JobsTopic => "SQUALL_JOBS_TOPIC",
            Self::EventsTopic => "SQUALL_EVENTS_TOPIC",
            Self::Table => "SQUALL_TABLE",
            Self::Bucket => "SQUALL_BUCKET",
            Self::TaskStream => "SQUALL_TASK_STREAM",
            Self::ResultStream => "SQUALL_RESULT_STREAM",
            Self::Description => "SQUALL_DEPLOYMENT",
        }
    }

    /// Its key in `squall.toml`.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::JobsTopic => "jobs_topic",
            Self::EventsTopic => "events_topic",
            Self::Table => "table",
            Self::Bucket => "bucket",
            Self::TaskStream => "task_stream",
            Self::ResultStream => "result_stream",
            Self::Description => "deployment",
        }
    }

    /// The stack's output that names it.
    pub(super) fn output(self) -> &'static str {
        match self {
            Self::JobsTopic => "JobsTopicArn",
            Self::EventsTopic => "EventsTopicArn",
            Self::Table => "TableName",
            Self::Bucket => "BucketName",
            Self::TaskStream => "TaskStreamName",
            Self::ResultStream => "ResultStreamName",
            Self::Description => "Deployment",
        }
    }
}

/// The known names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Names(BTreeMap<Part, String>);

impl Names {
    pub(super) fn from(name: impl Fn(Part) -> Option<String>) -> Self {
        Self(Part::ALL.into_iter().filter_map(|part| Some((part, name(part)?))).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, part: Part) -> Option<&str> {
        self.0.get(&part).map(String::as_str)
    }
}
