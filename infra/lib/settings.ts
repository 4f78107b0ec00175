// The settings: their shape, ranges and defaults, and one clear message for each invalid field.
import { z } from "zod";
import { limit } from "./aws.ts";

/** Retention periods that CloudWatch Logs accepts, days. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const LOG_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
/** A prefix without its slash would be that of other folders too: `eod` of `eod-secret/`. */
const PLACE = "s3://bucket/, s3://bucket/prefix/ with its slash, or s3://bucket/key of one object; without * ? $";
/** Longest time span of a policy, seconds, as in `squall-capacity`: adding it to a timestamp cannot overflow. */
const MOST_S = 365 * 86_400;
/** Of the declared workers together: half of what a function's variables may have, as the description of the deployment is there too. */
const MOST_DECLARED_BYTES = limit("LAMBDA_ENVIRONMENT_BYTES") / 2;

const whole = (what: string, least: number, most: number) => {
  const expected = `${what}, a whole number from ${least} to ${most}`;
  return z.custom<number>((it) => Number.isInteger(it) && Number(it) >= least && Number(it) <= most, { error: expected });
};

const text = (expected: string, pattern: RegExp) =>
  z.custom<string>((it) => typeof it === "string" && pattern.test(it), { error: expected });

const yesOrNo = z.custom<boolean>((it) => typeof it === "boolean", { error: "true or false" });

const oneOf = <T extends string | number>(values: readonly T[]) =>
  z.custom<T>((it) => values.includes(it as T), { error: `one of ${values.join(", ")}` });

const logDays = oneOf(LOG_DAYS).default(14);

/** Memory of a function, MB. */
const memory = whole("MB", limit("LAMBDA_MEMORY_MIN_MB"), limit("LAMBDA_MEMORY_MAX_MB")).default(limit("LAMBDA_MB_PER_VCPU"));
/** How long a function may run. */
const timeout = whole("seconds", 1, limit("LAMBDA_TIMEOUT_S"));
const reserved = whole("concurrent invocations", 1, 100_000).optional();

const Policy = z.strictObject({
  runs_per_instance: whole("runs that an instance takes at a time", 1, 10_000),
  headroom: whole("instances", 0, 10_000).optional(),
  standby: z
    .strictObject({
      steps: z
        .array(z.strictObject({ sessions: whole("sessions", 1, 1e9), instances: whole("instances", 0, 1e5) }))
        .refine((steps) => steps.every((step, i) => i === 0 || ascends(steps[i - 1], step)), {
          error: "sessions and instances that ascend from step to step",
        }),
      decay_s: whole("seconds", 0, MOST_S).optional(),
      floor: whole("instances", 0, 100_000).optional(),
    })
    .refine(({ floor, steps }) => (floor ?? 0) <= (steps[0]?.instances ?? Infinity), {
      error: "at most the first step's instances",
      path: ["floor"],
    })
    .optional(),
  scale_in: z.discriminatedUnion(
    "mode",
    [
      z.strictObject({ mode: z.literal("all_idle") }),
      z.strictObject({
        mode: z.literal("by_instance"),
        idle_s: whole("seconds", 0, MOST_S),
        most_per_tick: whole("instances", 1, 10_000).optional(),
      }),
    ],
    { error: 'an object whose mode is "by_instance" or "all_idle"' },
  ),
  window_s: whole("seconds", 60, MOST_S).optional(),
  raise_by: oneOf(["set_desired", "launch_instances"] as const).optional(),
  lease_s: whole("seconds", 60, MOST_S).optional(),
  event_lease_s: whole("seconds", 60, MOST_S).optional(),
  forget_source_after_s: whole("seconds", 60, MOST_S).optional(),
});

type Step = { sessions: number; instances: number };

function ascends(before: Step | undefined, step: Step): boolean {
  return before === undefined || (before.sessions < step.sessions && before.instances <= step.instances);
}

const isWord = (it: unknown) => typeof it === "string" && /^[^\0]+$/.test(it);
const words = z.custom<string[]>((it) => Array.isArray(it) && it.length > 0 && it.every(isWord), {
  error: "a program and its arguments, each a text that is not empty",
});
const variable = text("the name of a variable, without = and not beginning with SQUALL_", /^(?!SQUALL_)[^=\0]+$/);
const seconds = whole("seconds", 1, limit("LAMBDA_TIMEOUT_S"));

/** A program that speaks the contract of `external` jobs. `squall_workloads::external::workers::Command` reads it. */
const ExternalWorker = z.strictObject({
  command: words,
  env: z.record(z.string(), text("a text without NUL", /^[^\0]*$/)).default({}),
  inheritEnv: z.array(variable).default([]),
  timeoutS: seconds.optional(),
  startTimeoutS: seconds.optional(),
  memoryMb: whole("MB", 1, limit("LAMBDA_MEMORY_MAX_MB")).optional(),
  outputMb: whole("MB", 1, 1_024).default(16),
  processes: whole("processes", 1, 1_024).default(64),
});

const Grid = z
  .strictObject({
    taskShards: whole("shards", 1, 500).default(3),
    expressShards: whole("shards", 0, 499).optional(),
    resultShards: whole("shards", 1, 500).default(1),
    lanesPerShard: whole("lanes", 1, limit("LAMBDA_LANES_PER_SHARD")).default(2),
    retentionHours: whole("hours", limit("KINESIS_RETENTION_MIN_H"), limit("KINESIS_RETENTION_MAX_H")).default(
      limit("KINESIS_RETENTION_MIN_H"),
    ),
    stripes: whole("worker functions", 1, 50).default(2),
    workersPerConsumer: whole("workers", 1, 10_000).default(100),
    memoryMb: z.strictObject({ splitter: memory, consumer: memory, worker: memory, collector: memory }).prefault({}),
    timeoutS: z
      .strictObject({
        // Reading files and putting 100,000 tasks takes seconds; ending a job merges its buckets.
        splitter: timeout.default(300),
        // A single task may occupy a lane for this long.
        consumer: timeout.default(900),
        worker: timeout.default(300),
        collector: timeout.default(300),
      })
      .prefault({})
      .refine(({ worker, consumer }) => worker <= consumer, {
        error: "at most the consumer's: an attempt that outlasts its consumer is never answered",
        path: ["worker"],
      }),
    accountConcurrency: whole("concurrent invocations", 1, 10_000_000).optional(),
    maxMessageBytes: whole("bytes", limit("SNS_MESSAGE_BYTES"), limit("SNS_LARGE_MESSAGE_BYTES")).default(limit("SNS_MESSAGE_BYTES")),
    jobs: z
      .strictObject({
        maxCostUsd: whole("US dollars", 1, 1_000_000).default(1_000),
        defaultCostUsd: whole("US dollars", 1, 1_000_000).default(100),
        maxDeadlineS: whole("seconds", 1, 86_400).default(86_400),
        maxSubtasks: whole("subtasks", 1, 10_000_000_000).default(10_000_000),
      })
      .prefault({})
      .refine(({ maxCostUsd, defaultCostUsd }) => defaultCostUsd <= maxCostUsd, {
        error: "at most maxCostUsd",
        path: ["defaultCostUsd"],
      }),
    reservedConcurrency: z.strictObject({ splitter: reserved, consumer: reserved, worker: reserved, collector: reserved }).prefault({}),
    readsFrom: z.array(text(PLACE, /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/[^*?$\p{Cc}]*$/u)).default([]),
    readsWithKeys: z.array(text("the ARN of a KMS key", /^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/)).default([]),
    externalWorkers: z.record(z.string(), ExternalWorker).default({}),
    externalFiles: text("a folder", /^[^\0]+$/).optional(),
    blobDays: whole("days (rows live for 30 after a job's end, and once more after a retry)", 60, 3_650).default(60),
    logDays,
  })
  .refine(({ taskShards, expressShards }) => (expressShards ?? 0) < taskShards, {
    error: "fewer than taskShards: other jobs need a shard too",
    path: ["expressShards"],
  })
  .refine(({ reservedConcurrency: { consumer }, taskShards, lanesPerShard }) => (consumer ?? Infinity) >= taskShards * lanesPerShard, {
    error: "at least as many as there are lanes (taskShards x lanesPerShard): a lane without a consumer stalls",
    path: ["reservedConcurrency", "consumer"],
  })
  .superRefine(({ externalWorkers, memoryMb, timeoutS }, { addIssue }) => {
    const wrong = (message: string, ...path: string[]) => addIssue({ code: "custom", message, path: ["externalWorkers", ...path] });
    const mostMb = memoryOfWorker(memoryMb.worker);
    for (const [name, it] of Object.entries(externalWorkers)) {
      if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name)) {
        wrong("a name of at most 64 letters, digits, -, _ and .", name);
      }
      for (const key of Object.keys(it.env)) {
        if (!variable.safeParse(key).success) {
          wrong("a name without = that does not begin with SQUALL_", name, "env", key);
        }
      }
      if ((it.memoryMb ?? 0) > mostMb) {
        wrong(`at most ${mostMb}, the workers' memory over their vCPUs: each has a process`, name, "memoryMb");
      }
      for (const field of ["timeoutS", "startTimeoutS"] as const) {
        if ((it[field] ?? 0) > timeoutS.worker) {
          wrong(`at most timeoutS.worker, ${timeoutS.worker}: no invocation takes longer`, name, field);
        }
      }
    }
    if (Buffer.byteLength(JSON.stringify(externalWorkers)) > MOST_DECLARED_BYTES) {
      wrong(`at most ${MOST_DECLARED_BYTES} bytes: they travel in a variable; put more into a file of externalFiles`);
    }
  });

/** Memory for each process of a worker function that has so much, MB. */
function memoryOfWorker(memoryMb: number): number {
  return Math.floor(memoryMb / Math.ceil(memoryMb / limit("LAMBDA_MB_PER_VCPU")));
}

/** The declared workers as the worker functions read them, with their limits. */
export function declaredWorkers({ externalWorkers, memoryMb, timeoutS }: GridSettings): Record<string, unknown> {
  const declared = Object.entries(externalWorkers).map(([name, it]) => [
    name,
    {
      command: it.command,
      env: it.env,
      inherit_env: it.inheritEnv,
      timeout_s: it.timeoutS ?? Math.min(60, timeoutS.worker),
      start_timeout_s: it.startTimeoutS ?? Math.min(30, timeoutS.worker),
      // The function's own half is for the input and the values.
      memory_mb: it.memoryMb ?? Math.max(1, Math.floor(memoryOfWorker(memoryMb.worker) / 2)),
      output_mb: it.outputMb,
      processes: it.processes,
    },
  ]);
  return Object.fromEntries(declared) as Record<string, unknown>;
}

const Capacity = z
  .strictObject({
    group: text("the name of an Auto Scaling group", /^[^\s:*?][^:*?]{0,254}$/).optional(),
    example: z
      .strictObject({
        min: whole("instances", 0, 1_000).default(0),
        max: whole("instances", 1, 1_000).default(4),
        instanceType: text("an EC2 instance type such as t4g.nano", /^[a-z0-9-]+\.[a-z0-9-]+$/).default("t4g.nano"),
      })
      .refine(({ min, max }) => min <= max, { error: "at most max", path: ["min"] })
      .optional(),
    policy: Policy,
    reservedConcurrency: reserved,
    overMaximumMinutes: whole("minutes", 1, 1_440).default(15),
    logDays,
  })
  .refine(({ group, example }) => (group === undefined) !== (example === undefined), {
    error: "either the name of a group or an example to create, not both",
    path: ["group"],
  });

const Deployment = z
  .strictObject({
    name: text("letters and digits, beginning with a capital, at most 30", /^[A-Z][A-Za-z0-9]{0,29}$/).default("Squall"),
    region: text("a region such as eu-west-1", /^[a-z]{2}(-[a-z]+)+-\d$/).optional(),
    architecture: oneOf(["arm64", "x86_64"] as const).default("arm64"),
    keepData: yesOrNo.default(true),
    alarms: z
      .strictObject({
        email: text("an e-mail address", /^[^\s@]+@[^\s@]+$/).optional(),
        topic: text("the ARN of an SNS topic", /^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/).optional(),
        monthlyBudgetUsd: whole("US dollars a month", 1, 10_000_000).optional(),
      })
      .prefault({})
      .refine(({ email, monthlyBudgetUsd }) => monthlyBudgetUsd === undefined || email !== undefined, {
        error: "an e-mail address as well, for the budget's notifications",
        path: ["email"],
      }),
    grid: Grid.optional(),
    capacity: Capacity.optional(),
  })
  .refine(({ grid, capacity }) => grid !== undefined || capacity !== undefined, {
    error: "a grid, a capacity, or both",
    path: ["grid"],
  });

/** The settings as written. */
export type Settings = z.input<typeof Deployment>;
/** The settings with all defaults filled in. */
export type Checked = z.output<typeof Deployment>;
/** The grid's. */
export type GridSettings = NonNullable<Checked["grid"]>;
/** The capacity controllers'. */
export type CapacitySettings = NonNullable<Checked["capacity"]>;

/** The errors in the settings, one per line. */
export class SettingsError extends Error {}

/** Validates the settings. Throws a `SettingsError` that names each invalid field, its value, and what was expected. */
export function checked(settings: unknown): Checked {
  const parsed = Deployment.safeParse(settings, { reportInput: true });
  if (parsed.success) {
    return parsed.data;
  }
  throw new SettingsError(parsed.error.issues.map((issue) => sentence(issue, settings)).join("\n"));
}

function sentence(issue: z.core.$ZodIssue, settings: unknown): string {
  const field = named(issue.path) || "the settings";
  if (issue.code === "unrecognized_keys") {
    const at = issue.path.length > 0 ? `${field}.` : "";
    return issue.keys.map((key) => `${at}${key} is unknown${suggestion(key, known(issue.path))}`).join("\n");
  }
  const value = issue.path.reduce<unknown>((it, key) => (it as Record<PropertyKey, unknown> | undefined)?.[key], settings);
  const found = value === undefined ? "not set" : JSON.stringify(value);
  const expected = issue.code === "invalid_type" ? issue.expected : issue.message;
  return `${field} is ${found}; expected ${expected}`;
}

/** A path as one would write it: `grid.readsFrom[0]`. */
function named(path: readonly PropertyKey[]): string {
  return path.map((key, i) => (typeof key === "number" ? `[${key}]` : i > 0 ? `.${String(key)}` : String(key))).join("");
}

type Shape = { properties?: Record<string, Shape>; additionalProperties?: Shape | false; items?: Shape; anyOf?: Shape[]; oneOf?: Shape[] };

/** The keys that an object of the settings may have. */
function known(path: readonly PropertyKey[]): string[] {
  const whole = z.toJSONSchema(Deployment, { unrepresentable: "any", io: "input" }) as Shape;
  const variants = (shape: Shape): Shape[] => [shape, ...[...(shape.anyOf ?? []), ...(shape.oneOf ?? [])].flatMap(variants)];
  const inside = (shapes: Shape[], key: PropertyKey) =>
    shapes
      .flatMap(({ properties, items, additionalProperties }) => properties?.[String(key)] ?? items ?? (additionalProperties || []))
      .flatMap(variants);
  return path.reduce(inside, variants(whole)).flatMap(({ properties }) => Object.keys(properties ?? {}));
}

/** Which of the keys may be meant by one that is none of them. */
function suggestion(key: string, keys: string[]): string {
  const given = key.toLowerCase();
  const isMeant = (other: string) => distance(given, other) <= Math.min(2, given.length / 2) || (given.length > 3 && other.includes(given));
  const meant = keys.filter((it) => isMeant(it.toLowerCase()));
  return meant.length > 0 ? `; did you mean ${meant.join(" or ")}?` : "";
}

/** How many letters to insert, remove or replace until one word is the other. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, its] of [...other].entries()) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === its ? 0 : 1)));
    }
    row = next;
  }
  return row[other.length]!;
}
