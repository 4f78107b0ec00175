// The burst grid: splitter, consumer, workers and collector, on the streams and topics of the state stack.
import { statSync } from "node:fs";
import { Duration, RemovalPolicy, Stack, type StackProps, Validations } from "aws-cdk-lib";
import type { Stream } from "aws-cdk-lib/aws-kinesis";
import { Architecture, Code, EventSourceMapping, LayerVersion, MetricType, StartingPosition } from "aws-cdk-lib/aws-lambda";
import { LambdaSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { Alarms, givenUp as givenUpMetric } from "./alarms.ts";
import { limit } from "./aws.ts";
import {
  blobs,
  files,
  givenUpRead,
  jobEvents,
  jobsKept,
  jobsMade,
  jobsRead,
  onFailure,
  Places,
  resultsPut,
  streamRead,
  tasksPut,
  workers,
} from "./bindings.ts";
import { type GridParts, gridDashboard } from "./dashboards.ts";
import { deploymentOf } from "./deployment.ts";
import { type CodeOf, everyMinute, PERSISTENT, SquallFunction, TICKED } from "./function.ts";
import { prefixOf, wildcard } from "./names.ts";
import { peopleOfTheGrid, policyOf } from "./people.ts";
import { type Checked, declaredWorkers, type GridSettings, SettingsError } from "./settings.ts";
import { outputs, type StateStack } from "./state.ts";

export class GridStack extends Stack {
  constructor(scope: Construct, id: string, state: StateStack, settings: Checked, grid: GridSettings, code: CodeOf, props: StackProps) {
    super(scope, id, props);
    const prefix = prefixOf(settings.name);
    const namespace = `${settings.name}/Grid`;
    const { memoryMb, timeoutS, reservedConcurrency } = grid;
    const common = { prefix, code, architecture: settings.architecture, logDays: grid.logDays };
    const splitter = new SquallFunction(this, {
      ...common,
      name: "task-splitter",
      description: "Turns a published job into tasks on the stream",
      memoryMb: memoryMb.splitter,
      timeout: Duration.seconds(timeoutS.splitter),
      reservedConcurrency: reservedConcurrency.splitter,
      unattended: PERSISTENT,
    });
    const layers = grid.externalFiles === undefined ? [] : [filesOf(this, grid.externalFiles, settings.architecture)];
    const stripes = Array.from(
      { length: grid.stripes },
      (_, stripe) =>
        new SquallFunction(this, {
          ...common,
          name: `cascade-worker-${stripe}`,
          binary: "cascade-worker",
          description: "Evaluates a subtask and replies",
          memoryMb: memoryMb.worker,
          timeout: Duration.seconds(timeoutS.worker),
          reservedConcurrency: reservedConcurrency.worker,
          layers,
        }),
    );
    const consumer = new SquallFunction(this, {
      ...common,
      name: "shard-consumer",
      description: "Runs one task at a time through a cascade of workers",
      memoryMb: memoryMb.consumer,
      timeout: Duration.seconds(timeoutS.consumer),
      reservedConcurrency: reservedConcurrency.consumer,
    });
    const collector = new SquallFunction(this, {
      ...common,
      name: "result-collector",
      description: "Merges results exactly once, and ends jobs",
      memoryMb: memoryMb.collector,
      timeout: Duration.seconds(timeoutS.collector),
      reservedConcurrency: reservedConcurrency.collector,
      unattended: TICKED,
    });

    const deployment = deploymentOf(this, settings, grid);
    const { key, table, bucket, givenUp, tasks, results } = state;
    const keys = grid.readsWithKeys.length > 0 ? [{ actions: ["kms:Decrypt"], resources: grid.readsWithKeys }] : [];
    const places = new Places(this.partition, grid.readsFrom);
    splitter.bind(
      jobsMade(table),
      blobs(bucket),
      files(bucket, places.objects),
      places.listed(),
      { grants: keys },
      tasksPut(tasks, key),
      jobEvents(state.jobEvents, key),
    );
    consumer.bind(
      jobsRead(table),
      blobs(bucket),
      resultsPut(results, key),
      workers(stripes.map((it) => it.function)),
      streamRead(tasks, key),
      onFailure(givenUp),
    );
    for (const stripe of stripes) {
      stripe.bind(blobs(bucket), places.read(), { grants: keys });
      if (Object.keys(grid.externalWorkers).length > 0) {
        stripe.bind({ variables: { SQUALL_EXTERNAL_WORKERS: JSON.stringify(declaredWorkers(grid)) }, grants: [] });
      }
    }
    collector.bind(
      jobsKept(table),
      blobs(bucket),
      jobEvents(state.jobEvents, key),
      streamRead(results, key),
      onFailure(givenUp),
      givenUpRead(givenUp),
    );
    for (const it of [splitter, consumer, collector, ...stripes]) {
      it.bind({ variables: { SQUALL_METRIC_NAMESPACE: namespace, SQUALL_DEPLOYMENT: deployment }, grants: [] });
      this.acknowledgeObjects(it.role, state);
    }
    for (const place of places.objects.filter((it) => it.endsWith("*"))) {
      for (const it of [splitter, ...stripes]) {
        it.acknowledge(place, "The settings list this place: jobs may name any file in it.");
      }
    }

    // Jobs arrive by the topic. Nothing is filtered out: the splitter records a message that is not a job as rejected.
    state.jobs.addSubscription(new LambdaSubscription(splitter.function, { deadLetterQueue: splitter.deadLetters! }));

    // One task at a time per lane. A consumer reports failures itself; a task that kills it is redelivered, and eventually given
    // up: before the stream's retention drops it without a trace, and after a week at most, Lambda's limit.
    const maxRecordAge = Duration.hours(Math.min(grid.retentionHours - 1, limit("LAMBDA_RECORD_AGE_S") / 3_600));
    const taskMapping = mapping(this, "TaskMapping", tasks, consumer, givenUp.bucketArn, {
      batchSize: 1,
      parallelizationFactor: grid.lanesPerShard,
      retryAttempts: 5,
      maxRecordAge,
    });
    // Many results per batch, in order: two collectors on one shard would only race for the same buckets.
    const resultMapping = mapping(this, "ResultMapping", results, collector, givenUp.bucketArn, {
      batchSize: 1_000,
      maxBatchingWindow: Duration.seconds(1),
      parallelizationFactor: 1,
      retryAttempts: 10,
      maxRecordAge,
    });

    // A job that expires ends at most a minute later.
    everyMinute(
      this,
      "Timer",
      collector,
      "Ends jobs whose deadline has passed, takes back what was given up, and finishes what a dead collector left",
    );

    for (const person of peopleOfTheGrid(state)) {
      this.acknowledgeObjects(policyOf(this, prefix, person), state);
    }

    const taskTimeout = Duration.seconds(timeoutS.consumer);
    const watched = { prefix, namespace, state, splitter, consumer, collector, stripes, taskMapping, resultMapping, taskTimeout };
    this.watch(watched, settings.alarms);
    outputs(this, { StateStackName: [state.stackName, "The name for `squall --stack`"] });
  }

  private watch(parts: Watched, told: Checked["alarms"]): void {
    const { prefix, namespace, state, splitter, consumer, collector, stripes, taskMapping, resultMapping, taskTimeout } = parts;
    const alarms = new Alarms(this, "Alarms", state.key, prefix, told);
    [splitter, consumer, collector].forEach((it) => alarms.watch(it));
    for (const [name, it, because] of [
      ["tasks", consumer, "Tasks wait in their lanes: add shards, lanes or workers, or find the task on which a lane is stuck"],
      ["results", collector, "Results wait to be merged: add result shards, or check the collector for failures"],
    ] as const) {
      alarms.add(`${name}-late`, {
        // The age of records as delivered, not as read: Lambda reads far ahead of a lane.
        metric: it.function.metric("IteratorAge", { period: Duration.minutes(1), statistic: "Maximum" }),
        over: (name === "tasks" ? taskTimeout : Duration.minutes(1)).toMilliseconds(),
        periods: 3,
        because,
      });
    }
    alarms.add("tasks-given-up", {
      metric: givenUpMetric(taskMapping),
      over: 0,
      because: "A task failed every delivery; its job has it as failed, with the reason: see `squall missing`, and the consumer's log",
    });
    alarms.add("results-given-up", {
      metric: givenUpMetric(resultMapping),
      over: 0,
      because: "A result failed every delivery; until the collector takes it in, its record is in the bucket of given-up records",
    });
    const dashboard = gridDashboard(this, {
      name: `${prefix}-grid-${this.region}`,
      namespace,
      state,
      splitter,
      consumer,
      collector,
      stripes,
      mappings: [taskMapping, resultMapping],
    });
    alarms.add("jobs-failed", {
      metric: dashboard.jobsFailed,
      over: 0,
      because: "A job ended without a complete answer; find it with `squall jobs`, and its missing parts with `squall missing`",
    });
    dashboard.show(alarms.all);
  }

  private acknowledgeObjects(of: Construct, state: StateStack): void {
    const [bucketArn, givenUpArn] = [state.bucket, state.givenUp].map((it) => state.exportValue(it.bucketArn));
    const reason = "Objects are named by digest; the prefix limits the kind.";
    const places = [`${bucketArn}/blobs/*`, `${bucketArn}/files/*`, `${givenUpArn}/aws/lambda/*`];
    Validations.of(of).acknowledge(...places.map((it) => wildcard(it, this, reason)));
  }
}

interface Watched extends Omit<GridParts, "name" | "mappings"> {
  readonly prefix: string;
  readonly taskMapping: EventSourceMapping;
  readonly resultMapping: EventSourceMapping;
  /** How long a task may occupy its lane. */
  readonly taskTimeout: Duration;
}

interface Delivery {
  readonly batchSize: number;
  readonly parallelizationFactor: number;
  readonly retryAttempts: number;
  readonly maxBatchingWindow?: Duration;
  readonly maxRecordAge: Duration;
}

/** A folder as a layer: the files of declared workers. */
function filesOf(scope: Construct, folder: string, architecture: Checked["architecture"]): LayerVersion {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new SettingsError(`grid.externalFiles is ${JSON.stringify(folder)}; expected a folder that exists`);
  }
  return new LayerVersion(scope, "ExternalFiles", {
    description: "Programs of external jobs, in /opt",
    code: Code.fromAsset(folder),
    compatibleArchitectures: [architecture === "arm64" ? Architecture.ARM_64 : Architecture.X86_64],
    removalPolicy: RemovalPolicy.DESTROY,
  });
}

/** Maps a stream to a function. */
function mapping(
  scope: Construct,
  id: string,
  stream: Stream,
  to: SquallFunction,
  bucketArn: string,
  delivery: Delivery,
): EventSourceMapping {
  const made = new EventSourceMapping(scope, id, {
    ...delivery,
    target: to.function,
    eventSourceArn: stream.streamArn,
    startingPosition: StartingPosition.TRIM_HORIZON,
    bisectBatchOnError: true,
    reportBatchItemFailures: true,
    onFailure: { bind: () => ({ destination: bucketArn }) },
    metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
  });
  // Lambda checks on creation whether the function may read the stream.
  made.node.addDependency(to.role);
  return made;
}
