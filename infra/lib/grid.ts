// The burst: splitter, consumer, workers and collector, between the streams and topics of the state.
import { Duration, Stack, type StackProps, Validations } from "aws-cdk-lib";
import type { Stream } from "aws-cdk-lib/aws-kinesis";
import { EventSourceMapping, MetricType, StartingPosition } from "aws-cdk-lib/aws-lambda";
import { LambdaSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { Alarms, givenUp } from "./alarms.ts";
import {
  blobs,
  files,
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
import { type CodeOf, everyMinute, PERSISTENT, SquallFunction, TICKED } from "./function.ts";
import { prefixOf, wildcard } from "./names.ts";
import { peopleOfTheGrid, policyOf } from "./people.ts";
import type { Checked, GridSettings } from "./settings.ts";
import { outputs, type StateStack } from "./state.ts";

/** Longest that Lambda runs anything: a task may be what a lane does for so long. */
const CONSUMER_TIMEOUT = Duration.minutes(15);
/** As long as the cascade waits for a worker before it starts another (`CascadePolicy::attempt_timeout_us`). */
const WORKER_TIMEOUT = Duration.minutes(5);
/** Reading files and putting 100,000 tasks takes seconds; ending a job merges its buckets. */
const TIMEOUT = Duration.minutes(5);

export class GridStack extends Stack {
  constructor(scope: Construct, id: string, state: StateStack, settings: Checked, grid: GridSettings, code: CodeOf, props: StackProps) {
    super(scope, id, props);
    const prefix = prefixOf(settings.name);
    const namespace = `${settings.name}/Grid`;
    const { memoryMb, reservedConcurrency } = grid;
    const common = { prefix, code, architecture: settings.architecture, logDays: grid.logDays };
    const splitter = new SquallFunction(this, {
      ...common,
      name: "task-splitter",
      description: "Turns a published job into tasks on the stream",
      memoryMb: memoryMb.splitter,
      timeout: TIMEOUT,
      reservedConcurrency: reservedConcurrency.splitter,
      unattended: PERSISTENT,
    });
    const stripes = Array.from(
      { length: grid.stripes },
      (_, stripe) =>
        new SquallFunction(this, {
          ...common,
          name: `cascade-worker-${stripe}`,
          binary: "cascade-worker",
          description: "Evaluates a subtask and replies",
          memoryMb: memoryMb.worker,
          timeout: WORKER_TIMEOUT,
          reservedConcurrency: reservedConcurrency.worker,
        }),
    );
    const consumer = new SquallFunction(this, {
      ...common,
      name: "shard-consumer",
      description: "Takes one task at a time through a cascade of workers",
      memoryMb: memoryMb.consumer,
      timeout: CONSUMER_TIMEOUT,
      reservedConcurrency: reservedConcurrency.consumer,
    });
    const collector = new SquallFunction(this, {
      ...common,
      name: "result-collector",
      description: "Merges results exactly once, and ends jobs",
      memoryMb: memoryMb.collector,
      timeout: TIMEOUT,
      reservedConcurrency: reservedConcurrency.collector,
      unattended: TICKED,
    });

    const { key, table, bucket, tasks, results } = state;
    const keys = grid.readsWithKeys.length > 0 ? [{ actions: ["kms:Decrypt"], resources: grid.readsWithKeys }] : [];
    const places = new Places(this.partition, grid.readsFrom);
    splitter.bind(
      jobsMade(table),
      blobs(bucket, "read and write"),
      files(bucket, places.objects),
      places.listed(),
      { grants: keys },
      tasksPut(tasks, key),
      jobEvents(state.jobEvents, key),
      {
        variables: {
          SQUALL_LANES_PER_SHARD: String(grid.lanesPerShard),
          SQUALL_WORKERS_PER_CONSUMER: String(grid.workersPerConsumer),
          SQUALL_WORKER_VCPUS: String(Math.ceil(memoryMb.worker / MB_PER_VCPU)),
        },
        grants: [],
      },
    );
    consumer.bind(
      jobsRead(table),
      blobs(bucket, "read and write"),
      resultsPut(results, key),
      workers(stripes.map((it) => it.function)),
      streamRead(tasks, key),
      onFailure(bucket),
      {
        variables: {
          SQUALL_MAX_CONCURRENCY: String(grid.workersPerConsumer),
          SQUALL_ATTEMPT_TIMEOUT_S: String(WORKER_TIMEOUT.toSeconds()),
        },
        grants: [],
      },
    );
    for (const stripe of stripes) {
      stripe.bind(blobs(bucket, "read"), places.read(), { grants: keys });
    }
    collector.bind(
      jobsKept(table),
      blobs(bucket, "read and write"),
      jobEvents(state.jobEvents, key),
      streamRead(results, key),
      onFailure(bucket),
    );
    for (const it of [splitter, consumer, collector, ...stripes]) {
      it.bind({ variables: { SQUALL_METRIC_NAMESPACE: namespace }, grants: [] });
      this.acknowledgeObjects(it.role, state);
    }
    for (const place of places.objects) {
      for (const it of [splitter, ...stripes]) {
        it.acknowledge(place, "The settings name this place: jobs may name any file in it.");
      }
    }

    // Jobs come by the topic; whatever comes is answered, so nothing is filtered out: what is no job is recorded as rejected.
    state.jobs.addSubscription(new LambdaSubscription(splitter.function, { deadLetterQueue: splitter.deadLetters! }));

    // One task at a time per lane. A consumer answers for what fails; what kills it is delivered again, and given up in the end.
    // Sooner than the stream itself forgets, which keeps nothing; a week is the most there is.
    const maxRecordAge = Duration.hours(Math.min(grid.retentionHours - 1, 7 * 24));
    const taskMapping = mapping(this, "TaskMapping", tasks, consumer, bucket.bucketArn, {
      batchSize: 1,
      parallelizationFactor: grid.lanesPerShard,
      retryAttempts: 5,
      maxRecordAge,
    });
    // Many results at once, in order: two collectors of one shard would only race for the same buckets.
    const resultMapping = mapping(this, "ResultMapping", results, collector, bucket.bucketArn, {
      batchSize: 1_000,
      maxBatchingWindow: Duration.seconds(1),
      parallelizationFactor: 1,
      retryAttempts: 10,
      maxRecordAge,
    });

    // A job that expires is ended at most a minute later.
    everyMinute(this, "Timer", collector, "Ends jobs whose deadline has passed, and what a collector left that died");

    for (const person of peopleOfTheGrid(state)) {
      this.acknowledgeObjects(policyOf(this, prefix, person), state);
    }

    this.watch({ prefix, namespace, state, splitter, consumer, collector, stripes, taskMapping, resultMapping }, settings.alarms.email);
    outputs(this, { StateStackName: [state.stackName, "What `squall --stack` is given"] });
  }

  private watch(parts: Watched, email: string | undefined): void {
    const { prefix, namespace, state, splitter, consumer, collector, stripes, taskMapping, resultMapping } = parts;
    const alarms = new Alarms(this, "Alarms", state.key, prefix, email);
    [splitter, consumer, collector].forEach((it) => alarms.watch(it));
    for (const [name, it, because] of [
      ["tasks", consumer, "Tasks wait in their lanes: more shards, lanes or workers, or a lane that is stuck on one task"],
      ["results", collector, "Results wait to be merged: more result shards, or a collector that fails"],
    ] as const) {
      alarms.add(`${name}-late`, {
        // The age of what is delivered, not of what is read: Lambda reads far ahead of a lane.
        metric: it.function.metric("IteratorAge", { period: Duration.minutes(1), statistic: "Maximum" }),
        over: Duration.minutes(name === "tasks" ? 15 : 1).toMilliseconds(),
        periods: 3,
        because,
      });
    }
    alarms.add("tasks-given-up", {
      metric: givenUp(taskMapping),
      over: 0,
      because: "A task failed every delivery; its record is in the bucket under aws/lambda",
    });
    alarms.add("results-given-up", {
      metric: givenUp(resultMapping),
      over: 0,
      because: "A result failed every delivery; its record is in the bucket under aws/lambda",
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
      because: "A job ended without its whole answer; `squall jobs` names it, `squall missing` what is missing",
    });
    dashboard.show(alarms.all);
  }

  private acknowledgeObjects(of: Construct, state: StateStack): void {
    const bucketArn = state.exportValue(state.bucket.bucketArn);
    const reason = "Objects are named by their digests; the prefix says which they are.";
    const places = ["blobs", "files", "aws/lambda"].map((prefix) => `${bucketArn}/${prefix}/*`);
    Validations.of(of).acknowledge(...places.map((it) => wildcard(it, this, reason)));
  }
}

/** One vCPU is so much memory. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const MB_PER_VCPU = 1_769;

interface Watched extends Omit<GridParts, "name" | "mappings"> {
  readonly prefix: string;
  readonly taskMapping: EventSourceMapping;
  readonly resultMapping: EventSourceMapping;
}

interface Delivery {
  readonly batchSize: number;
  readonly parallelizationFactor: number;
  readonly retryAttempts: number;
  readonly maxBatchingWindow?: Duration;
  readonly maxRecordAge: Duration;
}

/** A stream and its function. */
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
  // Lambda checks at once whether the function may read the stream.
  made.node.addDependency(to.role);
  return made;
}
