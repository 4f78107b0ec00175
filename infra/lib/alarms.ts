// Alarms and their notifications.
import { Duration, Stack } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, type IMetric, Metric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { CfnEventSourceMapping, EventSourceMapping } from "aws-cdk-lib/aws-lambda";
import { type ITopic, Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { SquallFunction } from "./function.ts";
import type { Checked } from "./settings.ts";

/** When an alarm goes off: the metric is above the threshold for `periods` consecutive periods, 1 by default. */
export interface Rule {
  readonly metric: IMetric;
  readonly over: number;
  readonly periods?: number;
  readonly because: string;
}

/** The alarms of one half, sent to one address, to a topic, to both or to nobody. */
export class Alarms extends Construct {
  readonly all: Alarm[] = [];
  private readonly prefix: string;
  private readonly topics: ITopic[] = [];

  constructor(scope: Construct, id: string, key: IKey, prefix: string, { email, topic: theirs }: Checked["alarms"]) {
    super(scope, id);
    this.prefix = prefix;
    if (theirs !== undefined) {
      this.topics.push(Topic.fromTopicArn(this, "Theirs", theirs));
    }
    if (email !== undefined) {
      const topic = new Topic(this, "Topic", { masterKey: key, enforceSSL: true });
      this.topics.push(topic);
      // The policy that requires TLS replaces the default one, which lets every principal in the account publish.
      topic.addToResourcePolicy(
        new PolicyStatement({
          principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
          actions: ["sns:Publish"],
          resources: [topic.topicArn],
          conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
        }),
      );
      topic.addSubscription(new EmailSubscription(email));
      // https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
      key.addToResourcePolicy(
        new PolicyStatement({
          principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
          actions: ["kms:Decrypt", "kms:GenerateDataKey"],
          resources: ["*"],
          conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
        }),
      );
    }
  }

  /** Adds an alarm. Missing data is not breaching: these metrics are written only when something happens. */
  add(name: string, { metric, over, periods = 1, because }: Rule): void {
    const alarm = new Alarm(this, name, {
      alarmName: `${this.prefix}-${name}`,
      alarmDescription: because,
      metric,
      threshold: over,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    for (const topic of this.topics) {
      alarm.addAlarmAction(new SnsAction(topic));
      alarm.addOkAction(new SnsAction(topic));
    }
    this.all.push(alarm);
  }

  /** Adds alarms on a function's errors and on its dead-letter queue. */
  watch(it: SquallFunction): void {
    this.add(`${it.name}-errors`, {
      metric: it.function.metricErrors({ period: Duration.minutes(5) }),
      over: 2,
      because: `${it.name} failed more than twice in five minutes; see its log`,
    });
    if (it.deadLetters !== undefined) {
      this.deadLetters(`${it.name}-dead-letters`, it.deadLetters);
    }
  }

  /** Adds an alarm on a dead-letter queue that is not empty. */
  deadLetters(name: string, queue: Queue): void {
    this.add(name, {
      metric: queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5), statistic: "Maximum" }),
      over: 0,
      because: "Messages are in the dead-letter queue; infra/README.md says how to handle them",
    });
  }
}

/** Stream records that a mapping gave up and sent to its on-failure destination. https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html#event-source-mapping-metrics */
export function givenUp(mapping: EventSourceMapping): Metric {
  return new Metric({
    namespace: "AWS/Lambda",
    metricName: "OnFailureDestinationDeliveredEventCount",
    dimensionsMap: { EventSourceMappingUUID: (mapping.node.defaultChild as CfnEventSourceMapping).ref },
    statistic: "Sum",
    period: Duration.minutes(5),
  });
}
