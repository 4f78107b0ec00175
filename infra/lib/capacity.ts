// The fleet: two scale-outs, a timed scale-in, and the ledger between them.
import { Duration, RemovalPolicy, Stack, type StackProps, Validations } from "aws-cdk-lib";
import { FilterOrPolicy, SubscriptionFilter, Topic } from "aws-cdk-lib/aws-sns";
import { LambdaSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { Alarms } from "./alarms.ts";
import { fleetParts, fleetsMade, groupRead, groupWritten, ledger, metricsPut, metricsRead } from "./bindings.ts";
import { capacityDashboard } from "./dashboards.ts";
import { ExampleGroup } from "./example-group.ts";
import { type CodeOf, everyMinute, PERSISTENT, SquallFunction, TICKED } from "./function.ts";
import { pascal, prefixOf, wildcard } from "./names.ts";
import { peopleOfTheFleet, policyOf } from "./people.ts";
import type { CapacitySettings, Checked } from "./settings.ts";
import { encryptionKey, outputs, rows } from "./state.ts";

/** Below the grace period before a tick touches an instance that another tick drained (`squall_capacity::scale_in::DRAIN_GRACE_US`, 120 s). */
const TIMEOUT = Duration.seconds(60);
/** The controllers wait for AWS, and compute nothing. */
export const CONTROLLER_MB = 256;

/** The event types that each topic delivers. */
const EVENTS = {
  sessions: ["session_activity"],
  runs: ["run_activity", "instance_notice"],
};

export class CapacityStack extends Stack {
  constructor(scope: Construct, id: string, settings: Checked, capacity: CapacitySettings, code: CodeOf, props: StackProps) {
    super(scope, id, { ...props, terminationProtection: settings.keepData });
    const prefix = prefixOf(settings.name);
    const namespace = `${settings.name}/Capacity`;
    const removalPolicy = settings.keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    const key = encryptionKey(this, "Key", `Encrypts the topics of ${id}`, removalPolicy);
    const table = rows(this, "Ledger", settings.keepData);
    const launches = capacity.policy.raise_by === "launch_instances";
    const example = capacity.group === undefined && new ExampleGroup(this, "ExampleGroup", { ...capacity.example!, oneZone: launches });
    const group = example ? example.groupName : capacity.group!;
    const groupArn = this.formatArn({
      service: "autoscaling",
      resource: "autoScalingGroup:*:autoScalingGroupName",
      resourceName: group,
    });

    const policy = JSON.stringify(capacity.policy);
    const common = {
      prefix,
      code,
      architecture: settings.architecture,
      memoryMb: CONTROLLER_MB,
      timeout: TIMEOUT,
      logDays: capacity.logDays,
      reservedConcurrency: capacity.reservedConcurrency,
    };
    // LaunchInstances only adds: a role with it cannot lower the desired capacity, by mistake or otherwise.
    const raise = launches ? "autoscaling:LaunchInstances" : "autoscaling:SetDesiredCapacity";

    const topics = (["sessions", "runs"] as const).map((what) => {
      const scaleOut = new SquallFunction(this, {
        ...common,
        name: `scale-out-${what}`,
        binary: "scale-out",
        description: `Raises the group to what the ${what} need`,
        unattended: PERSISTENT,
      });
      // Only run activity names instances.
      const changes = what === "runs" ? [raise, "autoscaling:SetInstanceProtection"] : [raise];
      scaleOut.bind(ledger(table, "claim"), groupWritten(groupArn, changes));
      const topic = new Topic(this, `${pascal(what)}Topic`, { masterKey: key, enforceSSL: true });
      topic.applyRemovalPolicy(removalPolicy);
      topic.addSubscription(
        new LambdaSubscription(scaleOut.function, {
          deadLetterQueue: scaleOut.deadLetters!,
          filterPolicyWithMessageBody: { type: FilterOrPolicy.filter(SubscriptionFilter.stringFilter({ allowlist: EVENTS[what] })) },
        }),
      );
      return { what, topic, scaleOut };
    });
    const scaleIn = new SquallFunction(this, {
      ...common,
      name: "scale-in",
      description: "Shrinks the group to what is needed",
      unattended: TICKED,
    });
    scaleIn.bind(
      ledger(table, "claim and forget"),
      metricsRead,
      groupWritten(groupArn, [raise, "autoscaling:TerminateInstanceInAutoScalingGroup"]),
    );
    everyMinute(this, "Timer", scaleIn, "Raises the group if an event was lost, and removes idle instances");

    const functions = [...topics.map((it) => it.scaleOut), scaleIn];
    const parts = launches ? fleetParts(this, example ? example.launchTemplateId : undefined) : [];
    for (const it of functions) {
      it.bind(groupRead(group), metricsPut(namespace), ...(launches ? [fleetsMade(parts)] : []), {
        variables: { SQUALL_POLICY: policy },
        grants: [],
      });
    }
    const reason = "A group's ARN contains an id that is unknown until the group exists; the name after it is exact.";
    const ofThisGroup = wildcard(groupArn, this, reason);
    for (const it of functions) {
      Validations.of(it.role).acknowledge(ofThisGroup);
      for (const part of parts) {
        Validations.of(it.role).acknowledge(
          wildcard(part, this, "AWS chooses what a launch makes; the group's template names what it uses."),
        );
      }
    }
    const [sessions, runs] = topics.map((it) => it.topic);
    for (const person of peopleOfTheFleet({ group, ledger: table, sessions: sessions!, runs: runs!, key })) {
      Validations.of(policyOf(this, prefix, person)).acknowledge(
        wildcard("*", this, "Auto Scaling's Describe actions and CloudWatch's reads do not support resource-level permissions."),
      );
    }

    const alarms = new Alarms(this, "Alarms", key, prefix, settings.alarms);
    const dashboard = capacityDashboard(this, { name: `${prefix}-capacity-${this.region}`, namespace, group, functions });
    for (const it of functions) {
      alarms.watch(it);
      alarms.add(`${it.name}-throttled`, {
        metric: it.function.metricThrottles({ period: Duration.minutes(5) }),
        over: 0,
        because: "Other functions use up the account's concurrency, and the fleet waits; reserve some (capacity.reservedConcurrency)",
      });
    }
    alarms.add("busy-killed", { metric: dashboard.busyKilled, over: 0, because: "An instance left with a run on it, whatever the cause" });
    alarms.add("over-maximum", {
      metric: dashboard.overMaximum,
      over: 0,
      periods: capacity.overMaximumMinutes,
      because: `Demand has exceeded the group's maximum for ${capacity.overMaximumMinutes} minutes: runs are waiting`,
    });
    alarms.add("malformed-events", {
      metric: dashboard.malformed,
      over: 0,
      because: "A malformed event was refused; the log of scale-out names the field",
    });
    alarms.add("ignored-events", {
      metric: dashboard.ignored,
      over: 0,
      because: "Events contradict what is known of their source, or there is no room for it: the log of scale-out says which",
    });
    for (const { what, topic } of topics) {
      alarms.add(`${what}-not-delivered`, {
        metric: topic.metricNumberOfNotificationsFilteredOut({ period: Duration.minutes(5) }),
        over: 0,
        because: `An event other than ${EVENTS[what].join(", ")} was published to this topic, and was not delivered`,
      });
    }
    dashboard.show(alarms.all);

    outputs(this, {
      GroupName: [group, "The Auto Scaling group"],
      LedgerTableName: [table.tableName, "Levels and claims"],
      Policy: [policy, "How the group follows its application"],
      MetricNamespace: [namespace, "The namespace of its metrics"],
      SessionsTopicArn: [sessions!.topicArn, "Publish sessions here"],
      RunsTopicArn: [runs!.topicArn, "Publish runs here"],
    });
  }
}
