// The dashboards, one for each half.
import { Duration } from "aws-cdk-lib";
import {
  AlarmStatusWidget,
  type Alarm,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  Metric,
  SingleValueWidget,
} from "aws-cdk-lib/aws-cloudwatch";
import type { EventSourceMapping } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { givenUp } from "./alarms.ts";
import type { SquallFunction } from "./function.ts";
import type { StateStack } from "./state.ts";

const PERIOD = Duration.minutes(1);

/** The resources on the grid's dashboard. */
export interface GridParts {
  /** Dashboard names are unique per account, not per region. */
  readonly name: string;
  readonly namespace: string;
  readonly state: StateStack;
  readonly splitter: SquallFunction;
  readonly consumer: SquallFunction;
  readonly collector: SquallFunction;
  readonly stripes: SquallFunction[];
  readonly mappings: EventSourceMapping[];
}

function graph(title: string, left: IMetric[], right: IMetric[] = [], unit?: string): GraphWidget {
  return new GraphWidget({ title, left, right, width: 12, height: 6, leftYAxis: { min: 0, label: unit ?? "", showUnits: false } });
}

/** The grid's dashboard. */
export function gridDashboard(scope: Construct, parts: GridParts) {
  const { name, namespace, state, splitter, consumer, collector, stripes, mappings } = parts;
  const ours = (binary: string, metricName: string, statistic = "Sum", label = metricName) =>
    new Metric({ namespace, metricName, dimensionsMap: { Function: binary }, statistic, period: PERIOD, label });
  const sum = (label: string, metrics: IMetric[]) =>
    new MathExpression({
      // A function without data for a minute was idle in it.
      expression: `SUM([${metrics.map((_, i) => `m${i}`).join(", ")}])`,
      usingMetrics: Object.fromEntries(metrics.map((it, i) => [`m${i}`, it])),
      label,
      period: PERIOD,
    });
  // Without a label: with one, the CDK renders the alarm's metric as a math expression.
  const jobsFailed = new Metric({
    namespace,
    metricName: "JobsFailed",
    dimensionsMap: { Function: "result-collector" },
    statistic: "Sum",
    period: Duration.minutes(5),
  });
  const atOnce = (it: SquallFunction, label: string) =>
    it.function.metric("ConcurrentExecutions", { statistic: "Maximum", period: PERIOD, label });
  const delivered = (label: string, it: SquallFunction) =>
    it.function.metric("IteratorAge", { statistic: "Maximum", period: PERIOD, label });
  const late = (label: string, stream: StateStack["tasks"]) =>
    stream.metricGetRecordsIteratorAgeMilliseconds({ statistic: "Maximum", period: PERIOD, label });

  const dashboard = new Dashboard(scope, "Dashboard", { dashboardName: name, defaultInterval: Duration.hours(3) });
  dashboard.addWidgets(
    new SingleValueWidget({
      title: "Jobs",
      width: 12,
      height: 4,
      setPeriodToTimeRange: true,
      metrics: [
        ours("task-splitter", "Jobs", "Sum", "published"),
        ours("task-splitter", "JobsRejected", "Sum", "rejected"),
        ours("result-collector", "JobsComplete", "Sum", "complete"),
        ours("result-collector", "JobsFailed", "Sum", "failed"),
      ],
    }),
    new SingleValueWidget({
      title: "A job",
      width: 12,
      height: 4,
      setPeriodToTimeRange: true,
      metrics: [
        ours("result-collector", "JobSeconds", "p50", "seconds, p50"),
        ours("result-collector", "JobSeconds", "p95", "seconds, p95"),
        ours("result-collector", "JobCostUsd", "Average", "USD, mean"),
        ours("result-collector", "JobCostUsd", "Sum", "USD, all"),
      ],
    }),
  );
  const graphs: IWidget[] = [
    graph("Tasks in flight and workers", [
      atOnce(consumer, "tasks"),
      sum(
        "workers",
        stripes.map((it) => atOnce(it, it.function.node.path)),
      ),
    ]),
    graph("Tasks", [
      ours("task-splitter", "TasksPut", "Sum", "put"),
      ours("shard-consumer", "Tasks", "Sum", "worked"),
      ours("result-collector", "Results", "Sum", "merged"),
      ours("shard-consumer", "TasksDropped", "Sum", "dropped: job had ended"),
      ours("shard-consumer", "TasksFailed", "Sum", "to be redelivered"),
    ]),
    graph(
      "Lane lag",
      [delivered("tasks, as delivered", consumer), delivered("results, as delivered", collector), late("tasks, as read", state.tasks)],
      [],
      "ms",
    ),
    graph(
      "Latency by stage, p95",
      [
        ours("shard-consumer", "QueuedMs", "p95", "on the stream"),
        ours("shard-consumer", "DividedMs", "p95", "divided"),
        ours("shard-consumer", "CascadedMs", "p95", "cascaded"),
        ours("result-collector", "CollectedMs", "p95", "collected"),
      ],
      [],
      "ms",
    ),
    graph(
      "Throttles by reason",
      [
        ours("shard-consumer", "ThrottlesFunction", "Sum", "a function's scaling rate or reserved concurrency"),
        ours("shard-consumer", "ThrottlesConcurrency", "Sum", "the account's concurrency"),
        ours("shard-consumer", "ThrottlesCallRate", "Sum", "calls per second"),
      ],
      [state.tasks.metric("WriteProvisionedThroughputExceeded", { statistic: "Sum", period: PERIOD, label: "task stream, writes" })],
    ),
    graph(
      "Second copies and retries",
      [ours("shard-consumer", "Subtasks", "Sum", "subtasks")],
      [
        ours("shard-consumer", "Hedges", "Sum", "second copies"),
        ours("shard-consumer", "Retries", "Sum", "retries"),
        ours("shard-consumer", "SubtasksFailed", "Sum", "failed subtasks"),
      ],
    ),
    graph(
      "Collecting",
      [ours("result-collector", "Results", "Sum", "merged")],
      [
        ours("result-collector", "ResultsDuplicate", "Sum", "duplicates"),
        ours("result-collector", "ResultsLate", "Sum", "late"),
        ours("result-collector", "MergeConflicts", "Sum", "lost races"),
      ],
    ),
    graph(
      "Errors and records given up",
      [
        ...[splitter, consumer, collector].map((it) => it.function.metricErrors({ period: PERIOD, label: it.binary })),
        sum(
          "workers",
          stripes.map((it) => it.function.metricErrors({ period: PERIOD })),
        ),
      ],
      mappings.map((it) => givenUp(it).with({ label: `${it.node.id}: given up` })),
    ),
  ];
  for (let row = 0; row < graphs.length; row += 2) {
    dashboard.addWidgets(...graphs.slice(row, row + 2));
  }
  return { jobsFailed, show: (alarms: Alarm[]) => showAlarms(dashboard, alarms) };
}

interface CapacityParts {
  readonly name: string;
  readonly namespace: string;
  readonly group: string;
  readonly functions: SquallFunction[];
}

/** The fleet's dashboard. */
export function capacityDashboard(scope: Construct, { name, namespace, group, functions }: CapacityParts) {
  const dimensionsMap = { AutoScalingGroupName: group };
  const ours = (metricName: string, statistic: string, label?: string) =>
    new Metric({ namespace, metricName, dimensionsMap, statistic, period: PERIOD, ...(label !== undefined && { label }) });
  const groups = (metricName: string, label: string) =>
    new Metric({ namespace: "AWS/AutoScaling", metricName, dimensionsMap, statistic: "Maximum", period: PERIOD, label });
  const dashboard = new Dashboard(scope, "Dashboard", { dashboardName: name, defaultInterval: Duration.hours(12) });
  // Without labels: with one, the CDK renders an alarm's metric as a math expression.
  const overMaximum = ours("OverMaximum", "Maximum");
  const busyKilled = ours("BusyKilled", "Sum");
  const malformed = ours("MalformedEvents", "Sum");
  const ignored = ours("IgnoredEvents", "Sum");
  dashboard.addWidgets(
    graph("Wanted, bounds, desired, live", [
      ours("WantedCapacity", "Maximum", "wanted"),
      ours("DesiredCapacity", "Maximum", "desired, as decided"),
      groups("GroupDesiredCapacity", "desired"),
      groups("GroupInServiceInstances", "in service"),
      groups("GroupMinSize", "minimum"),
      groups("GroupMaxSize", "maximum"),
    ]),
    graph("Reported by the application", [ours("Runs", "Maximum", "runs")], [ours("Sessions", "Maximum", "sessions")]),
  );
  dashboard.addWidgets(
    graph("Decisions", [
      ours("Terminated", "Sum", "terminated"),
      ours("ClaimsWon", "Sum", "kept: claimed first"),
      overMaximum.with({ label: "over the maximum" }),
      ours("UnderMinimum", "Maximum", "under the minimum"),
    ]),
    graph("Decision latency", [ours("DecisionLatency", "p50", "p50"), ours("DecisionLatency", "Maximum", "longest")], [], "ms"),
  );
  dashboard.addWidgets(
    graph("Promises", [
      busyKilled.with({ label: "left with a run on them" }),
      malformed.with({ label: "malformed events" }),
      ignored.with({ label: "ignored events" }),
    ]),
    graph(
      "The functions",
      functions.map((it) => it.function.metricErrors({ period: PERIOD, label: `${it.node.id}: errors` })),
      functions.map((it) => it.function.metricDuration({ period: PERIOD, statistic: "Maximum", label: `${it.node.id}: ms` })),
    ),
  );
  return { overMaximum, busyKilled, malformed, ignored, show: (alarms: Alarm[]) => showAlarms(dashboard, alarms) };
}

function showAlarms(dashboard: Dashboard, alarms: Alarm[]): void {
  dashboard.addWidgets(new AlarmStatusWidget({ title: "Alarms", alarms, width: 24, height: 3 }));
}
