// The resources that outlive a deployment of code: streams, table, bucket, topics, and the key that encrypts streams and topics.
import { CfnDeletionPolicy, CfnOutput, Duration, RemovalPolicy, Stack, type StackProps, Validations } from "aws-cdk-lib";
import { AttributeType, BillingMode, ProjectionType, Table, type TableProps } from "aws-cdk-lib/aws-dynamodb";
import { AnyPrincipal, Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { type CfnStream, Stream, StreamEncryption } from "aws-cdk-lib/aws-kinesis";
import { Key } from "aws-cdk-lib/aws-kms";
import { BlockPublicAccess, Bucket, BucketEncryption, type LifecycleRule } from "aws-cdk-lib/aws-s3";
import { type CfnTopic, Topic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { limit } from "./aws.ts";
import { deploymentOf } from "./deployment.ts";
import type { Checked, GridSettings } from "./settings.ts";

export class StateStack extends Stack {
  readonly key: Key;
  readonly tasks: Stream;
  readonly results: Stream;
  readonly table: Table;
  readonly bucket: Bucket;
  /** What the event sources gave up: whoever handles that may list it, and so must not be able to list inputs and answers. */
  readonly givenUp: Bucket;
  readonly jobs: Topic;
  readonly jobEvents: Topic;

  constructor(scope: Construct, id: string, settings: Checked, grid: GridSettings, props: StackProps) {
    super(scope, id, { ...props, terminationProtection: settings.keepData });
    const removalPolicy = settings.keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    this.key = encryptionKey(this, "Key", `Encrypts the streams and topics of ${id}`, removalPolicy);

    const stream = (name: string, shardCount: number) => {
      const made = new Stream(this, name, {
        shardCount,
        retentionPeriod: Duration.hours(grid.retentionHours),
        encryption: StreamEncryption.KMS,
        encryptionKey: this.key,
        removalPolicy,
      });
      // Keep the old stream if an update replaces it: tasks in flight would be lost.
      (made.node.defaultChild as CfnStream).cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
      Validations.of(made).acknowledge({
        id: "AwsSolutions-KDS3",
        reason: "A customer managed key controls who may read, and access can be revoked.",
      });
      return made;
    };
    this.tasks = stream("Tasks", grid.taskShards);
    this.results = stream("Results", grid.resultShards);

    this.table = rows(this, "Jobs", settings.keepData, { timeToLiveAttribute: "ttl" });
    this.table.addGlobalSecondaryIndex({
      indexName: "by-status",
      partitionKey: { name: "status", type: AttributeType.STRING },
      sortKey: { name: "created_us", type: AttributeType.NUMBER },
      projectionType: ProjectionType.KEYS_ONLY,
    });

    const bucket = (name: string, lifecycleRules: LifecycleRule[]) => {
      const made = new Bucket(this, name, {
        encryption: BucketEncryption.S3_MANAGED,
        blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
        enforceSSL: true,
        minimumTLSVersion: 1.2,
        lifecycleRules,
        removalPolicy,
      });
      Validations.of(made).acknowledge({
        id: "AwsSolutions-S1",
        reason: "Objects are named by digest and written by roles; enable CloudTrail data events to log access.",
      });
      return made;
    };
    this.bucket = bucket("Blobs", [
      // A job's rows live for 30 days after its end, and for 30 more if it is reopened on the last of those.
      { id: "blobs", prefix: "blobs/", expiration: Duration.days(grid.blobDays) },
      { id: "files", prefix: "files/", expiration: Duration.days(grid.blobDays) },
      // Of deployments until 0.1.0.
      { id: "given-up", prefix: "aws/lambda/", expiration: Duration.days(grid.blobDays) },
      { id: "unfinished-uploads", abortIncompleteMultipartUploadAfter: Duration.days(1) },
    ]);
    this.givenUp = bucket("GivenUp", [{ id: "given-up", expiration: Duration.days(grid.blobDays) }]);
    const refuseFiles = (conditions: Record<string, Record<string, string>>) =>
      this.bucket.addToResourcePolicy(
        new PolicyStatement({
          effect: Effect.DENY,
          principals: [new AnyPrincipal()],
          actions: ["s3:PutObject"],
          resources: [this.bucket.arnForObjects("files/*")],
          conditions,
        }),
      );
    // Publishers may put files, and no role may replace one. Only the last request of an upload in parts can have the header.
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    refuseFiles({ Null: { "s3:if-none-match": "true" }, Bool: { "s3:ObjectCreationOperation": "true" } });
    // Nor may the right content be put under a name in a form that the functions cannot read: archived, or encrypted with another key.
    // https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys
    refuseFiles({ StringNotEqualsIfExists: { "s3:x-amz-storage-class": "STANDARD" } });
    refuseFiles({ StringNotEqualsIfExists: { "s3:x-amz-server-side-encryption": "AES256" } });
    refuseFiles({ Null: { "s3:x-amz-server-side-encryption-customer-algorithm": "false" } });

    const topic = (name: string) => new Topic(this, name, { masterKey: this.key, enforceSSL: true });
    this.jobs = topic("JobsTopic");
    this.jobEvents = topic("JobEventsTopic");
    if (grid.maxMessageBytes !== limit("SNS_MESSAGE_BYTES")) {
      (this.jobs.node.defaultChild as CfnTopic).maximumMessageSize = grid.maxMessageBytes;
    }
    this.jobs.applyRemovalPolicy(removalPolicy);
    this.jobEvents.applyRemovalPolicy(removalPolicy);

    // What `squall --stack` reads.
    outputs(this, {
      JobsTopicArn: [this.jobs.topicArn, "Publish jobs here"],
      EventsTopicArn: [this.jobEvents.topicArn, "Subscribe to be notified of ended jobs"],
      TableName: [this.table.tableName, "Jobs and their merged results"],
      BucketName: [this.bucket.bucketName, "Inputs and answers"],
      GivenUpBucketName: [this.givenUp.bucketName, "Records that the event sources gave up"],
      TaskStreamName: [this.tasks.streamName, "Tasks"],
      ResultStreamName: [this.results.streamName, "Results"],
      Deployment: [deploymentOf(this, settings, grid), "Sizes, time limits, architecture and region, as the functions read them"],
    });
  }
}

/** A table with the keys `pk` and `sk`, as the adapters use them. */
export function rows(scope: Construct, id: string, keepData: boolean, more: Partial<TableProps> = {}): Table {
  return new Table(scope, id, {
    partitionKey: { name: "pk", type: AttributeType.STRING },
    sortKey: { name: "sk", type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: keepData,
    removalPolicy: keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    ...more,
  });
}

/** A stack's outputs by name: value and description. */
export function outputs(stack: Stack, values: Record<string, [string, string]>): void {
  for (const [name, [value, description]] of Object.entries(values)) {
    new CfnOutput(stack, name, { value, description });
  }
}

/** A customer managed key, which rotates every year. */
export function encryptionKey(scope: Construct, id: string, description: string, removalPolicy: RemovalPolicy): Key {
  return new Key(scope, id, { description, enableKeyRotation: true, removalPolicy });
}
