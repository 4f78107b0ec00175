import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Settings } from "../lib/settings.ts";
import { PLAIN } from "../lib/templates.ts";
import { capacity, folder, folders, grid, type Resource, state, synthesized, usual } from "./synthesized.ts";

const everything = Object.values(usual);
const every = (type: string): [string, Resource][] => everything.flatMap((it) => it.all(type));
const list = <T>(it: T | T[]): T[] => (Array.isArray(it) ? it : [it]);

test("the streams are as large as said, encrypted with a key of our own, and never thrown away for new ones", () => {
  const sizes = state
    .all("AWS::Kinesis::Stream")
    .map(([, it]) => [it.Properties.ShardCount, it.Properties.RetentionPeriodHours, it.UpdateReplacePolicy]);
  assert.deepEqual(sizes, [
    [3, 24, "Retain"],
    [1, 24, "Retain"],
  ]);
  for (const [, it] of state.all("AWS::Kinesis::Stream")) {
    assert.equal(it.Properties.StreamEncryption.EncryptionType, "KMS");
    assert.ok(it.Properties.StreamEncryption.KeyId["Fn::GetAtt"]);
  }
  for (const [, it] of every("AWS::KMS::Key")) {
    assert.equal(it.Properties.EnableKeyRotation, true);
  }
});

test("what is at rest is encrypted, what travels is too, and nothing is public", () => {
  assert.equal(every("AWS::SNS::Topic").length, 4);
  for (const [id, it] of every("AWS::SNS::Topic")) {
    assert.ok(it.Properties.KmsMasterKeyId, id);
  }
  for (const [id, it] of every("AWS::SQS::Queue")) {
    assert.equal(it.Properties.SqsManagedSseEnabled, true, id);
  }
  assert.equal(state.all("AWS::S3::Bucket").length, 2);
  for (const [id, { Properties }] of state.all("AWS::S3::Bucket")) {
    const encryption = Properties.BucketEncryption.ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault;
    assert.equal(encryption.SSEAlgorithm, "AES256", id);
    assert.deepEqual(Properties.PublicAccessBlockConfiguration, {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
  }
  const policies = [...every("AWS::S3::BucketPolicy"), ...every("AWS::SNS::TopicPolicy"), ...every("AWS::SQS::QueuePolicy")];
  assert.equal(policies.length, 2 + every("AWS::SNS::Topic").length + every("AWS::SQS::Queue").length);
  for (const [id, it] of policies) {
    const insecure = it.Properties.PolicyDocument.Statement.filter(
      (statement: any) => statement.Effect === "Deny" && statement.Condition?.Bool?.["aws:SecureTransport"] === "false",
    );
    assert.equal(insecure.length, 1, id);
  }
});

test("what outlives the code is kept, and cannot be deleted by mistake", () => {
  const kept = ["AWS::Kinesis::Stream", "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::KMS::Key"];
  for (const [id, it] of kept.flatMap((type) => [...state.all(type), ...capacity.all(type)])) {
    assert.equal(it.DeletionPolicy, "Retain", id);
  }
  assert.ok(state.terminationProtection && capacity.terminationProtection && !grid.terminationProtection);
  const gone = synthesized({ ...PLAIN, keepData: false });
  for (const it of Object.values(gone)) {
    assert.equal(it.terminationProtection, false);
    for (const [id, resource] of Object.entries(it.json.Resources)) {
      assert.notEqual(resource.DeletionPolicy, "Retain", id);
    }
  }
});

test("the table is the one that the adapters expect", () => {
  const table = state.one("AWS::DynamoDB::Table");
  assert.deepEqual(table.KeySchema, [
    { AttributeName: "pk", KeyType: "HASH" },
    { AttributeName: "sk", KeyType: "RANGE" },
  ]);
  assert.deepEqual(table.GlobalSecondaryIndexes, [
    {
      IndexName: "by-status",
      KeySchema: [
        { AttributeName: "status", KeyType: "HASH" },
        { AttributeName: "created_us", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "KEYS_ONLY" },
    },
  ]);
  assert.deepEqual([table.TimeToLiveSpecification, table.BillingMode], [{ AttributeName: "ttl", Enabled: true }, "PAY_PER_REQUEST"]);
  const ledger = capacity.one("AWS::DynamoDB::Table");
  assert.deepEqual([ledger.KeySchema, ledger.BillingMode], [table.KeySchema, "PAY_PER_REQUEST"]);
});

test("blobs live longer than any row that names them", () => {
  const rules: any[] = state.one("AWS::S3::Bucket", "Blobs").LifecycleConfiguration.Rules;
  const days = Object.fromEntries(rules.map((it) => [it.Prefix, it.ExpirationInDays]));
  assert.deepEqual([days["blobs/"], days["files/"], days["aws/lambda/"]], [60, 60, 60]);
  assert.equal(state.one("AWS::S3::Bucket", "GivenUp").LifecycleConfiguration.Rules[0].ExpirationInDays, 60);
});

test("a task goes alone, a batch of results in order, and what fails for good is kept with its payload", () => {
  const bucketArn = grid.one("AWS::Lambda::EventSourceMapping", "TaskMapping").DestinationConfig.OnFailure.Destination;
  assert.match(bucketArn["Fn::ImportValue"], /^SquallState:.*GivenUp.*Arn/);
  const both = {
    BisectBatchOnFunctionError: true,
    FunctionResponseTypes: ["ReportBatchItemFailures"],
    MaximumRecordAgeInSeconds: 23 * 3_600,
    StartingPosition: "TRIM_HORIZON",
    DestinationConfig: { OnFailure: { Destination: bucketArn } },
    MetricsConfig: { Metrics: ["EventCount"] },
  };
  const without = ({ EventSourceArn, FunctionName, Tags, ...rest }: Record<string, any>) => rest;
  assert.deepEqual(without(grid.one("AWS::Lambda::EventSourceMapping", "TaskMapping")), {
    ...both,
    BatchSize: 1,
    ParallelizationFactor: 2,
    MaximumRetryAttempts: 5,
  });
  assert.deepEqual(without(grid.one("AWS::Lambda::EventSourceMapping", "ResultMapping")), {
    ...both,
    BatchSize: 1_000,
    MaximumBatchingWindowInSeconds: 1,
    ParallelizationFactor: 1,
    MaximumRetryAttempts: 10,
  });
});

test("a function that is invoked asynchronously has dead letters: on the way there, and of its own", () => {
  const filters: any[] = [];
  for (const it of [grid, capacity]) {
    for (const [id, { Properties }] of it.all("AWS::SNS::Subscription")) {
      assert.ok(Properties.RedrivePolicy.deadLetterTargetArn, id);
      filters.push([Properties.FilterPolicyScope, Properties.FilterPolicy]);
    }
    for (const [id, { Properties }] of it.all("AWS::Events::Rule")) {
      assert.ok(Properties.Targets[0].DeadLetterConfig.Arn, id);
      assert.equal(Properties.ScheduleExpression, "rate(1 minute)");
    }
  }
  assert.deepEqual(filters, [
    [undefined, undefined],
    ["MessageBody", { type: ["session_activity"] }],
    ["MessageBody", { type: ["run_activity", "instance_notice"] }],
  ]);
  const deaf = every("AWS::Lambda::EventInvokeConfig").map(([, it]) => it.Properties.DestinationConfig.OnFailure.Destination);
  assert.equal(deaf.length, 5);
  assert.ok(deaf.every(Boolean));
  // Ticks that pile up while there is no concurrency are not worth keeping; messages are.
  const kept = every("AWS::Lambda::EventInvokeConfig").map(([id, it]) => [
    id.replace(/Function.*/, ""),
    it.Properties.MaximumRetryAttempts,
    it.Properties.MaximumEventAgeInSeconds,
  ]);
  assert.deepEqual(kept, [
    ["TaskSplitter", 2, 21_600],
    ["ResultCollector", 0, 60],
    ["ScaleOutSessions", 2, 21_600],
    ["ScaleOutRuns", 2, 21_600],
    ["ScaleIn", 0, 60],
  ]);
});

test("each function is ours, traced, and logs for as long as said", () => {
  const functions = every("AWS::Lambda::Function").filter(([, it]) => it.Properties.Runtime === "provided.al2023");
  assert.deepEqual(functions.map(([, it]) => it.Properties.FunctionName).sort(), [
    "squall-cascade-worker-0",
    "squall-cascade-worker-1",
    "squall-result-collector",
    "squall-scale-in",
    "squall-scale-out-runs",
    "squall-scale-out-sessions",
    "squall-shard-consumer",
    "squall-task-splitter",
  ]);
  for (const [id, { Properties }] of functions) {
    assert.deepEqual([Properties.Architectures, Properties.TracingConfig.Mode, Properties.Handler], [["arm64"], "Active", "bootstrap"], id);
    assert.ok(Properties.LoggingConfig.LogGroup.Ref, id);
  }
  for (const [id, it] of every("AWS::Logs::LogGroup")) {
    assert.equal(it.Properties.RetentionInDays, 14, id);
  }
  const reserved = synthesized({ grid: { reservedConcurrency: { worker: 500, consumer: 6 }, stripes: 3 } }).SquallGrid!;
  assert.equal(reserved.one("AWS::Lambda::Function", "CascadeWorker2").ReservedConcurrentExecutions, 500);
  assert.equal(reserved.one("AWS::Lambda::Function", "ShardConsumer").ReservedConcurrentExecutions, 6);
  assert.equal(reserved.one("AWS::Lambda::Function", "TaskSplitter").ReservedConcurrentExecutions, undefined);
});

test("no action is a wildcard, and none is allowed everywhere but those that know no resource", () => {
  const nowhere = [
    /^xray:Put(TraceSegments|TelemetryRecords)$/,
    /^autoscaling:Describe(AutoScalingGroups|ScalingActivities|Policies|ScheduledActions)$/,
    /^cloudwatch:(PutMetricData|GetMetricData)$/,
    /^ec2:DescribeSecurityGroupRules$/,
  ];
  const policies = [...every("AWS::IAM::Policy"), ...every("AWS::IAM::ManagedPolicy")];
  assert.equal(policies.length, 9 + 7);
  for (const [id, it] of policies) {
    for (const { Action, Resource, Condition, Effect } of it.Properties.PolicyDocument.Statement) {
      assert.equal(Effect, "Allow");
      for (const action of list(Action)) {
        assert.doesNotMatch(action, /\*/, id);
        if (list(Resource).includes("*")) {
          assert.ok(
            nowhere.some((it) => it.test(action)),
            `${id} allows ${action} everywhere`,
          );
        }
        if (action === "cloudwatch:PutMetricData") {
          assert.deepEqual(Condition, { StringEquals: { "cloudwatch:namespace": "Squall/Capacity" } }, id);
        }
      }
    }
  }
  assert.ok(every("AWS::IAM::Role").every(([, it]) => it.Properties.ManagedPolicyArns === undefined));
});

test("who raises by launching can lower nothing", () => {
  const actions = (template: typeof capacity) =>
    template
      .all("AWS::IAM::Policy")
      .flatMap(([, it]) => it.Properties.PolicyDocument.Statement.flatMap((each: any) => list<string>(each.Action)));
  assert.ok(actions(capacity).includes("autoscaling:SetDesiredCapacity"));
  assert.ok(!actions(capacity).includes("autoscaling:LaunchInstances"));
  const policy = { ...PLAIN.capacity!.policy, raise_by: "launch_instances" as const };
  const launching = synthesized({ capacity: { ...PLAIN.capacity!, policy } }).SquallCapacity!;
  assert.ok(!actions(launching).includes("autoscaling:SetDesiredCapacity"));
  assert.ok(actions(launching).includes("autoscaling:LaunchInstances"));
  for (const id of ["ScaleIn", "ScaleOutRuns", "ScaleOutSessions"]) {
    const made = launching.statements(id).flatMap((each) => list(each.Action));
    assert.ok(made.includes("ec2:CreateFleet") && made.includes("ec2:DescribeLaunchTemplateVersions"), id);
  }
  const fleets = (template: typeof capacity) =>
    list(template.statements("ScaleIn").find((each) => list(each.Action).includes("ec2:CreateFleet"))!.Resource).map((it) =>
      JSON.stringify(it),
    );
  assert.ok(
    fleets(launching).every((it) => it.includes("AWS::Region") && /:ec2:/.test(it)),
    "nowhere else",
  );
  const templates = fleets(launching).filter((it) => it.includes("launch-template"));
  assert.equal(templates.length, 1);
  assert.match(templates[0]!, /launch-template\/",\{"Ref":"ExampleGroupTemplate/);
  const theirs = synthesized({ capacity: { group: "modelling-service", policy } }).SquallCapacity!;
  assert.ok(
    fleets(theirs).some((it) => it.includes("launch-template/*")),
    "a group whose template is not known",
  );
  assert.ok(!actions(capacity).some((it) => /^ec2:(?!.*SecurityGroup)/.test(it)));
  // LaunchInstances takes one Availability Zone.
  assert.equal(launching.all("AWS::EC2::Subnet").length, 1);
});

test("jobs may name files where the settings say, and nowhere else", () => {
  const key = "arn:aws:kms:eu-west-1:123456789012:key/0f1e";
  const reads = synthesized({ grid: { readsFrom: ["s3://market-data/eod/", "s3://books/"], readsWithKeys: [key] } }).SquallGrid!;
  const statements = reads.statements("TaskSplitter");
  const files = statements
    .filter((it) => list(it.Action).includes("s3:GetObject"))
    .map((it) => JSON.stringify(it.Resource))
    .join();
  assert.match(files, /:s3:::market-data\/eod\/\*/);
  assert.match(files, /:s3:::books\/\*/);
  assert.ok(statements.some((it) => list(it.Action).includes("kms:Decrypt") && list(it.Resource).includes(key)));
  const listed = statements.filter((it) => list(it.Action).includes("s3:ListBucket"));
  assert.deepEqual(
    listed.map((it) => [
      JSON.stringify(it.Resource)
        .replace(/.*:s3:::/, "")
        .replace(/"\].*$/, ""),
      (it.Condition as any).StringLike["s3:prefix"],
    ]),
    [
      ["market-data", "eod/*"],
      ["books", "*"],
    ],
  );
  // Workers read the objects that their slices name; they list nothing, and write only blobs.
  const worker = reads.statements("CascadeWorker0");
  const objects = worker.filter((it) => list(it.Action).includes("s3:GetObject")).map((it) => JSON.stringify(it.Resource));
  assert.match(objects.join(), /:s3:::books\/\*.*:s3:::market-data\/eod\/\*/);
  assert.ok(worker.some((it) => list(it.Action).includes("kms:Decrypt") && list(it.Resource).includes(key)));
  assert.ok(!worker.some((it) => list(it.Action).some((action) => /s3:(List|Delete)/.test(action))));
  // Replies that are too large for a function's answer, by digest.
  const written = worker.filter((it) => list(it.Action).includes("s3:PutObject")).map((it) => JSON.stringify(it.Resource));
  assert.equal(written.length, 1);
  assert.match(written[0]!, /\/blobs\/\*/);
  const others = ["ShardConsumer", "ResultCollector"].map((id) => JSON.stringify(reads.statements(id))).join();
  assert.doesNotMatch(others, /market-data|books|0f1e/);
});

test("an instance writes its own row and no other, and nobody but the controllers and an operator the levels", () => {
  const rows = (id: string) => {
    const { PolicyDocument } = capacity.one("AWS::IAM::ManagedPolicy", id);
    const touching = PolicyDocument.Statement.filter((each: any) => list<string>(each.Action).some((it) => /^dynamodb:/.test(it)));
    return touching.map((each: any) => [
      list<string>(each.Action).join(" "),
      each.Condition?.["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"],
    ]);
  };
  assert.deepEqual(rows("Runner"), [
    ["dynamodb:DescribeTable", undefined],
    ["dynamodb:GetItem dynamodb:PutItem", ["instance#${ec2:SourceInstanceARN}"]],
  ]);
  const [[actions, [partition]]] = rows("FleetOperator") as any;
  assert.equal(actions, "dynamodb:GetItem dynamodb:PutItem");
  assert.match(JSON.stringify(partition), /"group#",\{"Ref":"ExampleGroup/);
});

test("only who hears of runs protects instances, and never removes the protection", () => {
  const policies = ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"].flatMap((type) => capacity.all(type));
  const who = policies.filter(([, it]) => JSON.stringify(it).includes("autoscaling:SetInstanceProtection"));
  assert.deepEqual(
    who.map(([id]) => id.replace(/Role.*/, "")),
    ["ExampleGroupSettle", "ScaleOutRuns"],
  );
});

test("nobody replaces a file that somebody uploaded, or puts one there that cannot be read", () => {
  const policy = state.one("AWS::S3::BucketPolicy", "Blobs").PolicyDocument.Statement;
  const denied = policy.filter((it: any) => it.Effect === "Deny" && list<string>(it.Action).includes("s3:PutObject"));
  for (const it of denied) {
    assert.match(JSON.stringify(it.Resource), /\/files\/\*/);
    assert.deepEqual(it.Principal, { AWS: "*" });
  }
  assert.deepEqual(
    denied.map((it: any) => it.Condition),
    [
      { Null: { "s3:if-none-match": "true" }, Bool: { "s3:ObjectCreationOperation": "true" } },
      { StringNotEqualsIfExists: { "s3:x-amz-storage-class": "STANDARD" } },
      { StringNotEqualsIfExists: { "s3:x-amz-server-side-encryption": "AES256" } },
      { Null: { "s3:x-amz-server-side-encryption-customer-algorithm": "false" } },
    ],
  );
  const publisher = grid.one("AWS::IAM::ManagedPolicy", "JobPublisher").PolicyDocument.Statement;
  const [files, ...others] = publisher.filter((it: any) => list<string>(it.Action).some((action) => action.startsWith("s3:")));
  assert.deepEqual([list(files.Action), others], [["s3:AbortMultipartUpload", "s3:PutObject"], []]);
});

test("who lists what was given up cannot list inputs and answers", () => {
  const listing = grid
    .all("AWS::IAM::Policy")
    .flatMap(([, it]) => it.Properties.PolicyDocument.Statement.filter((each: any) => list<string>(each.Action).includes("s3:ListBucket")));
  assert.ok(listing.length >= 2);
  for (const it of listing) {
    assert.match(JSON.stringify(it.Resource), /^{"Fn::ImportValue":"SquallState:[^"]*GivenUp[^"]*"}$/);
  }
});

test("every use of a key goes through the service and the resource that it is for", () => {
  const uses = [grid, capacity].flatMap((it) =>
    [...it.all("AWS::IAM::Policy"), ...it.all("AWS::IAM::ManagedPolicy")].flatMap(([id, each]) =>
      each.Properties.PolicyDocument.Statement.filter((one: any) =>
        list<string>(one.Action).some((action) => action.startsWith("kms:")),
      ).map((one: any) => [id, one.Condition?.StringEquals]),
    ),
  );
  assert.ok(uses.length >= 8);
  for (const [id, equals] of uses) {
    const { "kms:ViaService": via, ...context } = equals ?? {};
    const service = /"(kinesis|sns)\.",{"Ref":"AWS::Region"},"\.amazonaws\.com"/.exec(JSON.stringify(via))?.[1];
    const key = { kinesis: "kms:EncryptionContext:aws:kinesis:arn", sns: "kms:EncryptionContext:aws:sns:topicArn" }[service ?? ""];
    assert.deepEqual(Object.keys(context), [key], id);
  }
});

test("whoever gives an address has a budget, and alarms go to a topic that exists as well", () => {
  const amounts = (alarms: NonNullable<Settings["alarms"]>) =>
    Object.values(synthesized({ ...PLAIN, alarms })).flatMap((it) =>
      it.all("AWS::Budgets::Budget").map(([, each]) => each.Properties.Budget.BudgetLimit.Amount),
    );
  assert.deepEqual([amounts({}), amounts({ email: "oncall@example.com" })], [[], [500]]);
  const topic = "arn:aws:sns:eu-west-1:123456789012:oncall";
  const theirs = synthesized({ ...PLAIN, alarms: { topic } });
  for (const it of [theirs.SquallGrid!, theirs.SquallCapacity!]) {
    for (const [id, alarm] of it.all("AWS::CloudWatch::Alarm")) {
      assert.deepEqual([alarm.Properties.AlarmActions, alarm.Properties.OKActions], [[topic], [topic]], id);
    }
    assert.doesNotMatch(JSON.stringify(it.all("AWS::SNS::Topic")), /Alarms/);
  }
  const both = synthesized({ ...PLAIN, alarms: { topic, email: "oncall@example.com" } }).SquallGrid!;
  assert.ok(both.all("AWS::CloudWatch::Alarm").every(([, alarm]) => alarm.Properties.AlarmActions.length === 2));
});

test("CloudWatch uses a key only where alarms are sent", () => {
  const uses = (stack: typeof state) => JSON.stringify(stack.all("AWS::KMS::Key")).includes("cloudwatch.amazonaws.com");
  assert.deepEqual([uses(state), uses(capacity)], [false, false]);
  const told = synthesized({ ...PLAIN, alarms: { email: "oncall@example.com" } });
  assert.deepEqual([uses(told.SquallState!), uses(told.SquallCapacity!)], [true, true]);
});

test("a prefix ends where it says, and an object is one object", () => {
  const places = ["s3://market-data/eod/", "s3://market-data/eod", "s3://books/today.csv"];
  const reads = synthesized({ grid: { readsFrom: places } }).SquallGrid!;
  for (const id of ["TaskSplitter", "CascadeWorker0"]) {
    const granted = reads
      .statements(id)
      .filter((it) => list(it.Action).includes("s3:GetObject"))
      .flatMap((it) => list<any>(it.Resource))
      .map((it) => JSON.stringify(it))
      .filter((it) => it.includes("market-data") || it.includes("books"))
      .map((it) => /:s3:::([^"]*)"/.exec(it)?.[1]);
    assert.deepEqual(granted.sort(), ["books/today.csv", "market-data/eod", "market-data/eod/*"], id);
  }
  const listed = reads.statements("TaskSplitter").filter((it) => list(it.Action).includes("s3:ListBucket"));
  assert.deepEqual(
    listed.map((it) => (it.Condition as any).StringLike["s3:prefix"]),
    ["eod/*"],
  );
});

test("only scale-in terminates, and only it forgets", () => {
  for (const action of ["autoscaling:TerminateInstanceInAutoScalingGroup", "dynamodb:DeleteItem"]) {
    const who = capacity.all("AWS::IAM::Policy").filter(([, it]) => JSON.stringify(it.Properties.PolicyDocument).includes(action));
    assert.deepEqual(
      who.map(([id]) => id.replace(/Role.*/, "")),
      ["ScaleIn"],
      action,
    );
  }
});

test("each policy for people allows what its commands call, and no more", () => {
  const allowed = [grid, capacity].flatMap((it) =>
    it.all("AWS::IAM::ManagedPolicy").map(([id, { Properties }]) => {
      const actions: string[] = Properties.PolicyDocument.Statement.flatMap((each: any) => list<string>(each.Action));
      return `${id.replace(/[0-9A-F]{8}$/, "")}: ${[...new Set(actions)].sort().join(" ")}`;
    }),
  );
  assert.equal(
    allowed.join("\n"),
    `\
JobPublisher: cloudformation:DescribeStacks kms:Decrypt kms:GenerateDataKey s3:AbortMultipartUpload s3:PutObject sns:Publish
JobReader: cloudformation:DescribeStacks dynamodb:GetItem dynamodb:Query s3:GetObject
JobOperator: cloudformation:DescribeStacks dynamodb:GetItem dynamodb:Query dynamodb:UpdateItem kinesis:ListShards kinesis:PutRecords kms:Decrypt kms:GenerateDataKey s3:AbortMultipartUpload s3:GetObject s3:PutObject sns:Publish
ActivityPublisher: kms:Decrypt kms:GenerateDataKey sns:Publish
Runner: autoscaling:DescribeAutoScalingGroups cloudformation:DescribeStacks dynamodb:DescribeTable dynamodb:GetItem dynamodb:PutItem kms:Decrypt kms:GenerateDataKey sns:Publish
FleetReader: autoscaling:DescribeAutoScalingGroups autoscaling:DescribePolicies autoscaling:DescribeScalingActivities autoscaling:DescribeScheduledActions cloudformation:DescribeStacks cloudwatch:GetMetricData dynamodb:GetItem dynamodb:Scan
FleetOperator: cloudformation:DescribeStacks dynamodb:GetItem dynamodb:PutItem`,
  );
});

test("an example group is as the controllers need one", () => {
  const group = capacity.one("AWS::AutoScaling::AutoScalingGroup");
  assert.deepEqual(
    [group.NewInstancesProtectedFromScaleIn, group.MinSize, group.MaxSize, group.DesiredCapacity],
    [true, "0", "4", undefined],
  );
  assert.ok(capacity.one("AWS::CloudFormation::CustomResource").GroupName.Ref.startsWith("ExampleGroup"));
  assert.match(JSON.stringify(capacity.all("AWS::Lambda::Function")), /suspend_processes.*AZRebalance/);
  // Nothing uses the VPC's default security group, and it lets nothing in or out.
  const closed = capacity.one("AWS::CloudFormation::CustomResource").DefaultSecurityGroup;
  assert.deepEqual(closed, { "Fn::GetAtt": [capacity.all("AWS::EC2::VPC")[0]![0], "DefaultSecurityGroup"] });
  const revokes = capacity.statements("ExampleGroupSettleRole").filter((it) => JSON.stringify(it.Action).includes("ec2:Revoke"));
  assert.deepEqual(
    revokes.map((it) => [it.Action, JSON.stringify(it.Resource).includes("DefaultSecurityGroup")]),
    [[["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"], true]],
  );
  assert.equal(capacity.one("AWS::EC2::LaunchTemplate").LaunchTemplateData.MetadataOptions.HttpTokens, "required");
  const theirs = synthesized({ capacity: { group: "modelling-service", policy: PLAIN.capacity!.policy } }).SquallCapacity!;
  assert.deepEqual(theirs.all("AWS::AutoScaling::AutoScalingGroup"), []);
  assert.equal(theirs.one("AWS::Lambda::Function", "ScaleIn").Environment.Variables.SQUALL_GROUP, "modelling-service");
});

test("what goes wrong has an alarm, and what happens is shown", () => {
  const names = every("AWS::CloudWatch::Alarm")
    .map(([, it]) => it.Properties.AlarmName)
    .sort();
  assert.deepEqual(names, [
    "squall-busy-killed",
    "squall-ignored-events",
    "squall-jobs-failed",
    "squall-malformed-events",
    "squall-over-maximum",
    "squall-result-collector-dead-letters",
    "squall-result-collector-errors",
    "squall-results-given-up",
    "squall-results-late",
    "squall-runs-not-delivered",
    "squall-scale-in-dead-letters",
    "squall-scale-in-errors",
    "squall-scale-in-throttled",
    "squall-scale-out-runs-dead-letters",
    "squall-scale-out-runs-errors",
    "squall-scale-out-runs-throttled",
    "squall-scale-out-sessions-dead-letters",
    "squall-scale-out-sessions-errors",
    "squall-scale-out-sessions-throttled",
    "squall-sessions-not-delivered",
    "squall-shard-consumer-errors",
    "squall-task-splitter-dead-letters",
    "squall-task-splitter-errors",
    "squall-tasks-given-up",
    "squall-tasks-late",
  ]);
  const late = grid.one("AWS::CloudWatch::Alarm", "Alarmstaskslate");
  assert.deepEqual(
    [late.Namespace, late.MetricName, late.Dimensions[0].Name, late.Statistic],
    ["AWS/Lambda", "IteratorAge", "FunctionName", "Maximum"],
  );
  const over = capacity.one("AWS::CloudWatch::Alarm", "Alarmsovermaximum");
  assert.deepEqual([over.EvaluationPeriods, over.Period, over.Threshold, over.TreatMissingData], [15, 60, 0, "notBreaching"]);
  const told = synthesized({ ...PLAIN, alarms: { email: "oncall@example.com", monthlyBudgetUsd: 50 } });
  for (const it of [told.SquallGrid!, told.SquallCapacity!]) {
    assert.ok(it.all("AWS::CloudWatch::Alarm").every(([, alarm]) => alarm.Properties.AlarmActions.length === 1));
    const allowed = it.one("AWS::SNS::TopicPolicy", "AlarmsTopic").PolicyDocument.Statement.filter((each: any) => each.Effect === "Allow");
    assert.deepEqual(
      allowed.map((each: any) => [each.Principal, each.Action]),
      [[{ Service: "cloudwatch.amazonaws.com" }, "sns:Publish"]],
    );
    assert.ok(it.all("AWS::SNS::Subscription").some(([, each]) => each.Properties.Endpoint === "oncall@example.com"));
  }
  const budgets = (stacks: typeof told) =>
    Object.values(stacks).flatMap((it) => it.all("AWS::Budgets::Budget").map(([, each]) => each.Properties));
  assert.deepEqual(
    budgets(told).map((it) => it.Budget.BudgetLimit.Amount),
    [50],
  );
  const shown = JSON.stringify(grid.one("AWS::CloudWatch::Dashboard")) + JSON.stringify(capacity.one("AWS::CloudWatch::Dashboard"));
  for (const metric of [
    "JobsFailed",
    "JobCostUsd",
    "TasksPut",
    "ThrottlesConcurrency",
    "Hedges",
    "IteratorAge",
    "WantedCapacity",
    "GroupMaxSize",
    "BusyKilled",
  ]) {
    assert.ok(shown.includes(metric), metric);
  }
});

test("every function and the state stack's output have the same description of the deployment", () => {
  const region = { Ref: "AWS::Region" };
  const parts = (joined: any): string => joined["Fn::Join"][1].map((it: unknown) => (typeof it === "string" ? it : "REGION")).join("");
  const output = state.json.Outputs!.Deployment.Value;
  assert.ok(JSON.stringify(output).includes(JSON.stringify(region)));
  const described = JSON.parse(parts(output));
  assert.deepEqual(
    [described.version, described.shards, described.lanes_per_shard, described.architecture, described.region],
    [1, 3, 2, "arm64", "REGION"],
  );
  const functions = grid.all("AWS::Lambda::Function").map(([, it]) => it.Properties.Environment.Variables.SQUALL_DEPLOYMENT);
  assert.ok(functions.length >= 5);
  functions.forEach((it) => assert.deepEqual(it, output));

  const other = synthesized({
    region: "eu-west-1",
    architecture: "x86_64",
    grid: { taskShards: 4, timeoutS: { consumer: 1_800 }, accountConcurrency: 5_000, maxMessageBytes: 700_000 },
  });
  const { Environment, Timeout } = other.SquallGrid!.one("AWS::Lambda::Function", "ShardConsumer");
  const there = JSON.parse(Environment.Variables.SQUALL_DEPLOYMENT);
  assert.deepEqual(
    [there.shards, there.consumer_timeout_s, there.account_concurrency, there.max_message_bytes, there.architecture, there.region],
    [4, 1_800, 5_000, 700_000, "x86_64", "eu-west-1"],
  );
  assert.equal(Timeout, 1_800);
  assert.equal(other.SquallState!.one("AWS::SNS::Topic", "JobsTopic").MaximumMessageSize, 700_000);
  assert.equal(state.one("AWS::SNS::Topic", "JobsTopic").MaximumMessageSize, undefined);
});

test("declared workers are told to the worker functions alone, named in the description, and find their files in /opt", () => {
  const files = folder();
  writeFileSync(join(files, "price.py"), "");
  const pricer = { command: ["/opt/bin/python3", "/opt/price.py"], env: { DEPTH: "3" }, inheritEnv: ["AWS_REGION"], timeoutS: 20 };
  const other = { command: ["/opt/other"] };
  const settings: Settings = { grid: { externalWorkers: { pricer, other }, externalFiles: files, stripes: 2 } };
  const { SquallGrid } = synthesized(settings, { folder: folders() });
  const layers = SquallGrid!.all("AWS::Lambda::LayerVersion");
  assert.equal(layers.length, 1);
  assert.deepEqual(layers[0]![1].Properties.CompatibleArchitectures, ["arm64"]);
  const limits = { output_mb: 16, processes: 64 };
  const declared = {
    pricer: { ...pricer, inheritEnv: undefined, timeoutS: undefined, inherit_env: ["AWS_REGION"], timeout_s: 20, ...limits },
    other: { ...other, env: {}, inherit_env: [], timeout_s: 60, ...limits },
  };
  const usual = { start_timeout_s: 30, memory_mb: 884 };
  for (const [id, { Properties }] of SquallGrid!.all("AWS::Lambda::Function")) {
    const isWorker = id.startsWith("CascadeWorker");
    assert.equal(Properties.Layers?.length ?? 0, isWorker ? 1 : 0, id);
    const { SQUALL_EXTERNAL_WORKERS: told, SQUALL_DEPLOYMENT: description } = Properties.Environment?.Variables ?? {};
    assert.equal(told !== undefined, isWorker, id);
    assert.match(JSON.stringify(description), /external_workers\W+other\W+pricer/, id);
    if (isWorker) {
      const expected = JSON.parse(JSON.stringify({ pricer: { ...declared.pricer, ...usual }, other: { ...declared.other, ...usual } }));
      assert.deepEqual(JSON.parse(told), expected);
    }
  }
  // What a worker may do does not depend on them.
  assert.deepEqual(
    SquallGrid!.statements("CascadeWorker0"),
    synthesized({ grid: {} }, { folder: folders() }).SquallGrid!.statements("CascadeWorker0"),
  );
  assert.throws(
    () => synthesized({ grid: { externalFiles: join(files, "none") } }),
    /grid.externalFiles is ".*none"; expected a folder that exists/,
  );
});
