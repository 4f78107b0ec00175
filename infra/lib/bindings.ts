// For each resource, the variables that name it to a function, and the actions that its adapter in `squall-aws` calls. A test
// of `squall-lambdas` compares these with the code, action by action.
import { Stack } from "aws-cdk-lib";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { IConstruct } from "constructs";
import type { Binding, Grant } from "./function.ts";

/** Reads job rows. */
export function jobsRead(table: ITable): Binding {
  return { variables: { SQUALL_TABLE: table.tableName }, grants: [{ actions: ["dynamodb:GetItem"], resources: [table.tableArn] }] };
}

/** Creates and updates job rows. */
export function jobsMade(table: ITable): Binding {
  return {
    variables: { SQUALL_TABLE: table.tableName },
    grants: [{ actions: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], resources: [table.tableArn] }],
  };
}

/** Updates rows of jobs and buckets, and lists running jobs. */
export function jobsKept(table: ITable): Binding {
  return {
    variables: { SQUALL_TABLE: table.tableName },
    grants: [
      { actions: ["dynamodb:GetItem", "dynamodb:UpdateItem"], resources: [table.tableArn] },
      { actions: ["dynamodb:Query"], resources: [`${table.tableArn}/index/by-status`] },
    ],
  };
}

/** Inputs, large replies, partials and answers, by digest. */
export function blobs(bucket: IBucket): Binding {
  const actions = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"];
  return {
    variables: { SQUALL_BUCKET: bucket.bucketName },
    grants: [{ actions, resources: [bucket.arnForObjects("blobs/*")] }],
  };
}

/** Reads files that jobs name: those that `squall submit` uploaded, and those in other buckets. */
export function files(bucket: IBucket, elsewhere: string[]): Binding {
  return { grants: [{ actions: ["s3:GetObject"], resources: [bucket.arnForObjects("files/*"), ...elsewhere] }] };
}

/** Places that jobs may read from, as the settings name them: `s3://bucket/`, `s3://bucket/prefix/`, or one object's `s3://bucket/key`. */
export class Places {
  /** ARNs of the objects. */
  readonly objects: string[];
  readonly #partition: string;
  readonly #prefixes: string[];

  constructor(partition: string, uris: string[]) {
    this.#partition = partition;
    this.#prefixes = uris.filter((uri) => uri.endsWith("/"));
    this.objects = uris.map((uri) => `arn:${partition}:s3:::${uri.slice("s3://".length)}${uri.endsWith("/") ? "*" : ""}`);
  }

  /** Their objects, read in ranges. */
  read(): Binding {
    return { grants: this.objects.length > 0 ? [{ actions: ["s3:GetObject"], resources: this.objects }] : [] };
  }

  /** Those of the prefixes, listed; no other keys of their buckets. */
  listed(): Binding {
    const grants = this.#prefixes.map((uri) => {
      const [, bucket, prefix] = /^s3:\/\/([^/]+)\/(.*)$/.exec(uri)!;
      const conditions = { StringLike: { "s3:prefix": `${prefix}*` } };
      return { actions: ["s3:ListBucket"], resources: [`arn:${this.#partition}:s3:::${bucket}`], conditions };
    });
    return { grants };
  }
}

/** Use of a key by Kinesis, for one stream alone. https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html */
function forStream(stream: IStream, key: IKey, action: string): Grant {
  const context = { "kms:EncryptionContext:aws:kinesis:arn": stream.streamArn };
  return { actions: [action], resources: [key.keyArn], conditions: { StringEquals: { ...context, ...through("kinesis", stream) } } };
}

/** That a service uses the key, for whoever called it. https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service */
function through(service: string, of: IConstruct): Record<string, string> {
  return { "kms:ViaService": `${service}.${Stack.of(of).region}.amazonaws.com` };
}

/** Puts tasks on their stream, in batches. */
export function tasksPut(stream: IStream, key: IKey): Binding {
  return {
    variables: { SQUALL_TASK_STREAM: stream.streamName },
    grants: [
      { actions: ["kinesis:ListShards", "kinesis:PutRecords"], resources: [stream.streamArn] },
      forStream(stream, key, "kms:GenerateDataKey"),
    ],
  };
}

/** Puts results on their stream, one by one. */
export function resultsPut(stream: IStream, key: IKey): Binding {
  return {
    variables: { SQUALL_RESULT_STREAM: stream.streamName },
    grants: [{ actions: ["kinesis:PutRecord"], resources: [stream.streamArn] }, forStream(stream, key, "kms:GenerateDataKey")],
  };
}

/** The permissions with which Lambda reads a stream on the function's behalf. https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html */
export function streamRead(stream: IStream, key: IKey): Binding {
  const actions = [
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
  ];
  return {
    grants: [{ actions, resources: [stream.streamArn] }, forStream(stream, key, "kms:Decrypt")],
  };
}

/** The on-failure destination: Lambda stores the records that a mapping gave up. https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html */
export function onFailure(bucket: IBucket): Binding {
  return {
    grants: [
      { actions: ["s3:ListBucket"], resources: [bucket.bucketArn] },
      { actions: ["s3:PutObject"], resources: [bucket.arnForObjects("aws/lambda/*")] },
    ],
  };
}

/** Takes back to their jobs what both mappings gave up. */
export function givenUpRead(bucket: IBucket): Binding {
  return {
    variables: { SQUALL_GIVEN_UP_BUCKET: bucket.bucketName },
    grants: [
      { actions: ["s3:ListBucket"], resources: [bucket.bucketArn] },
      { actions: ["s3:DeleteObject", "s3:GetObject"], resources: [bucket.arnForObjects("aws/lambda/*")] },
    ],
  };
}

/** Publishes the end of jobs. */
export function jobEvents(topic: ITopic, key: IKey): Binding {
  return { variables: { SQUALL_EVENTS_TOPIC: topic.topicArn }, grants: published(topic, key) };
}

/** The permissions to publish to an encrypted topic. https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html */
export function published(topic: ITopic, key: IKey): Binding["grants"] {
  return [
    { actions: ["sns:Publish"], resources: [topic.topicArn] },
    {
      actions: ["kms:Decrypt", "kms:GenerateDataKey"],
      resources: [key.keyArn],
      conditions: { StringEquals: { "kms:EncryptionContext:aws:sns:topicArn": topic.topicArn, ...through("sns", topic) } },
    },
  ];
}

/** Invokes the worker functions. */
export function workers(functions: IFunction[]): Binding {
  return {
    variables: { SQUALL_WORKER_FUNCTIONS: functions.map((it) => it.functionName).join(",") },
    grants: [{ actions: ["lambda:InvokeFunction"], resources: functions.map((it) => it.functionArn) }],
  };
}

/** The ledger of a group. */
export function ledger(table: ITable, may: "claim" | "claim and forget"): Binding {
  const actions = ["dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"];
  return {
    variables: { SQUALL_LEDGER_TABLE: table.tableName },
    grants: [{ actions: may === "claim" ? actions : ["dynamodb:DeleteItem", ...actions], resources: [table.tableArn] }],
  };
}

/** Reads a group. Auto Scaling's Describe actions do not support resource-level permissions: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2autoscaling.html */
export function groupRead(group: string): Binding {
  const actions = ["autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeScalingActivities"];
  return { variables: { SQUALL_GROUP: group }, grants: [{ actions, resources: ["*"] }] };
}

/** Changes a group. */
export function groupWritten(groupArn: string, actions: string[]): Binding {
  return { grants: [{ actions, resources: [groupArn] }] };
}

/**
 * The resources that CreateFleet is checked against, in this region: the account's own, and images and snapshots, which may be
 * anybody's. Of launch templates only the group's, if it is known: it says what is launched, and as whom. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
 */
export function fleetParts(stack: Stack, launchTemplateId = "*"): string[] {
  const arn = (resource: string, name: string, more = {}) => stack.formatArn({ service: "ec2", resource, resourceName: name, ...more });
  const made = ["fleet", "instance", "network-interface", "spot-instances-request", "volume"];
  const used = ["capacity-reservation", "key-pair", "placement-group", "security-group", "subnet"];
  return [
    ...[...made, ...used].map((it) => arn(it, "*")),
    ...["image", "snapshot"].map((it) => arn(it, "*", { account: "" })),
    arn("launch-template", launchTemplateId),
  ];
}

/**
 * The permissions that AWS requires besides LaunchInstances itself. https://docs.aws.amazon.com/autoscaling/ec2/userguide/launching-instances-synchronous-provisioning.html
 * DescribeLaunchTemplateVersions does not support resource-level permissions.
 */
export function fleetsMade(parts: string[]): Binding {
  return {
    grants: [
      { actions: ["ec2:CreateFleet"], resources: parts },
      { actions: ["ec2:DescribeLaunchTemplateVersions"], resources: ["*"] },
    ],
  };
}

/** Writes metrics of one namespace. PutMetricData does not support resource-level permissions. */
export function metricsPut(namespace: string): Binding {
  return {
    variables: { SQUALL_METRIC_NAMESPACE: namespace },
    grants: [
      {
        actions: ["cloudwatch:PutMetricData"],
        resources: ["*"],
        conditions: { StringEquals: { "cloudwatch:namespace": namespace } },
      },
    ],
  };
}

/** Reads metrics. GetMetricData does not support resource-level permissions. */
export const metricsRead: Binding = { grants: [{ actions: ["cloudwatch:GetMetricData"], resources: ["*"] }] };
