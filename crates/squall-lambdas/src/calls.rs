//! The operations of AWS that each function sends: what its role has to allow.
//!
//! `tests/deployment` compares this table with the requests of the adapters and with the roles in `infra/templates`; a test of the
//! emulated deployment compares it with what the functions of a running job send.

/// Adapters, and the operations that each sends.
pub type Calls = &'static [(&'static str, &'static [&'static str])];

const BLOBS_READ_AND_WRITTEN: &[&str] = &[
    "s3:AbortMultipartUpload",
    "s3:CompleteMultipartUpload",
    "s3:CreateMultipartUpload",
    "s3:GetObject",
    "s3:PutObject",
    "s3:UploadPart",
];

/// By binary. A new call of the SDK comes in here, and then into the role.
///
/// The job store reads and writes content too large for an item through the function's blobs, where those operations are listed.
pub const CALLS: &[(&str, Calls)] = &[
    ("cascade-worker", &[("S3Blobs", BLOBS_READ_AND_WRITTEN), ("S3Objects", &["s3:GetObject"])]),
    (
        "result-collector",
        &[
            ("DynamoJobStore", &["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"]),
            ("S3Blobs", BLOBS_READ_AND_WRITTEN),
            // What both streams gave up: the same adapter, under another prefix.
            ("S3Blobs: given up", &["s3:DeleteObject", "s3:GetObject", "s3:ListObjectsV2"]),
            ("SnsJobEvents", &["sns:Publish"]),
        ],
    ),
    (
        "scale-in",
        &[
            ("AutoScalingGroup", GROUP_SCALED_IN),
            ("CloudWatchMetrics", &["cloudwatch:GetMetricData", "cloudwatch:PutMetricData"]),
            (
                "DynamoLedger",
                &[
                    "dynamodb:DeleteItem",
                    "dynamodb:DescribeTable",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:Scan",
                ],
            ),
        ],
    ),
    (
        "scale-out",
        &[
            ("AutoScalingGroup", GROUP_SCALED_OUT),
            ("CloudWatchMetrics", &["cloudwatch:PutMetricData"]),
            (
                "DynamoLedger",
                &["dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"],
            ),
        ],
    ),
    (
        "shard-consumer",
        &[
            ("DynamoJobStore", &["dynamodb:GetItem"]),
            ("KinesisResultQueue", &["kinesis:PutRecord"]),
            ("LambdaWorkers", &["lambda:Invoke"]),
            ("S3Blobs", BLOBS_READ_AND_WRITTEN),
        ],
    ),
    (
        "task-splitter",
        &[
            ("DynamoJobStore", &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]),
            ("KinesisTaskQueue", &["kinesis:ListShards", "kinesis:PutRecords"]),
            ("S3Blobs", BLOBS_READ_AND_WRITTEN),
            ("S3Objects", &["s3:GetObject", "s3:HeadObject"]),
            ("S3Pages", &["s3:ListObjectsV2"]),
            ("SnsJobEvents", &["sns:Publish"]),
        ],
    ),
];

const GROUP_SCALED_OUT: &[&str] = &[
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeScalingActivities",
    "autoscaling:LaunchInstances",
    "autoscaling:SetDesiredCapacity",
    "autoscaling:SetInstanceProtection",
];

const GROUP_SCALED_IN: &[&str] = &[
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeScalingActivities",
    "autoscaling:LaunchInstances",
    "autoscaling:SetDesiredCapacity",
    "autoscaling:TerminateInstanceInAutoScalingGroup",
];

/// The adapters of a binary, and the operations that each sends; none for another program.
pub fn calls_of(binary: &str) -> Calls {
    CALLS.iter().find(|(it, _)| *it == binary).map_or(&[], |(_, calls)| calls)
}
