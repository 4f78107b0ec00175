// Managed policies for the people and programs that use a deployment, to attach to their roles.
import { Stack } from "aws-cdk-lib";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import { Effect, ManagedPolicy, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { groupRead, metricsRead, published, tasksPut } from "./bindings.ts";
import type { Grant } from "./function.ts";
import { pascal } from "./names.ts";
import type { StateStack } from "./state.ts";

/**
 * A kind of user, and what its policy allows. Do not change a description: that replaces the policy, which CloudFormation refuses
 * for one with a name.
 */
export interface Person {
  readonly name: string;
  readonly description: string;
  readonly grants: Grant[];
}

/** The policy for a kind of user. Its name includes the region: policy names are unique per account, not per region. */
export function policyOf(scope: Construct, prefix: string, { name, description, grants }: Person): ManagedPolicy {
  return new ManagedPolicy(scope, pascal(name), {
    managedPolicyName: `${prefix}-${name}-${Stack.of(scope).region}`,
    description,
    statements: grants.map((it) => new PolicyStatement({ effect: Effect.ALLOW, ...it })),
  });
}

/** The users of the grid. */
export function peopleOfTheGrid(state: StateStack): Person[] {
  const { key, table, bucket, tasks, jobs, jobEvents: events } = state;
  const find: Grant = { actions: ["cloudformation:DescribeStacks"], resources: [state.stackId] };
  const look: Grant[] = [
    { actions: ["dynamodb:GetItem"], resources: [table.tableArn] },
    { actions: ["dynamodb:Query"], resources: [`${table.tableArn}/index/by-status`] },
    { actions: ["s3:GetObject"], resources: [bucket.arnForObjects("blobs/*")] },
    find,
  ];
  return [
    {
      name: "job-publisher",
      description: "Publishes jobs and brings their files: squall submit",
      grants: [
        ...published(jobs, key),
        // They put files and cannot read them, not even those of others; the bucket's policy lets nobody replace one.
        { actions: ["s3:AbortMultipartUpload", "s3:PutObject"], resources: [bucket.arnForObjects("files/*")] },
        find,
      ],
    },
    { name: "job-reader", description: "Looks at jobs and their answers: squall watch, result, jobs, missing", grants: look },
    {
      name: "job-operator",
      description: "Ends jobs and sends tasks again: squall cancel, retry",
      grants: [
        ...look,
        { actions: ["dynamodb:UpdateItem"], resources: [table.tableArn] },
        { actions: ["s3:AbortMultipartUpload", "s3:PutObject"], resources: [bucket.arnForObjects("blobs/*")] },
        ...tasksPut(tasks, key).grants,
        ...published(events, key),
      ],
    },
  ];
}

/** The resources of a fleet that its users need. */
export interface Fleet {
  readonly group: string;
  readonly ledger: ITable;
  readonly sessions: ITopic;
  readonly runs: ITopic;
  readonly key: IKey;
}

/** The users of the fleet. */
export function peopleOfTheFleet({ group, ledger, sessions, runs, key }: Fleet): Person[] {
  const seen = groupRead(group).grants;
  const find: Grant = { actions: ["cloudformation:DescribeStacks"], resources: [Stack.of(ledger).stackId] };
  const written = (partition: string): Grant => ({
    actions: ["dynamodb:GetItem", "dynamodb:PutItem"],
    resources: [ledger.tableArn],
    conditions: { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": [partition] } },
  });
  return [
    {
      name: "activity-publisher",
      description: "Tells of sessions and runs",
      grants: [sessions, runs].flatMap((topic) => published(topic, key)),
    },
    {
      name: "runner",
      description: "For instances of the group: squall runner exec and watch",
      grants: [
        { actions: ["autoscaling:DescribeAutoScalingGroups"], resources: ["*"] },
        find,
        { actions: ["dynamodb:DescribeTable"], resources: [ledger.tableArn] },
        // Its own row only: IAM puts in the ARN of the instance whose credentials sign the request. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
        written("instance#${ec2:SourceInstanceARN}"),
        ...published(runs, key),
      ],
    },
    {
      name: "fleet-reader",
      description: "Looks at the fleet: squall capacity explain, doctor",
      grants: [
        ...seen,
        ...metricsRead.grants,
        find,
        { actions: ["autoscaling:DescribePolicies", "autoscaling:DescribeScheduledActions"], resources: ["*"] },
        { actions: ["dynamodb:GetItem", "dynamodb:Scan"], resources: [ledger.tableArn] },
      ],
    },
    {
      name: "fleet-operator",
      description: "Forgets what a source reported: squall capacity forget",
      grants: [find, written(`group#${group}`)],
    },
  ];
}
