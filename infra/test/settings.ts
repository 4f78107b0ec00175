import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checked, type Settings } from "../lib/settings.ts";
import shipped from "../squall.config.ts";

function refusal(settings: unknown): string {
  try {
    checked(settings);
  } catch (error) {
    return (error as Error).message;
  }
  return "taken";
}

test("the settings that ship check", () => {
  assert.ok(checked(shipped).name);
});

test("the settings of the examples check, and are of stacks beside the others", () => {
  const read = (name: string) => readFileSync(new URL(`../../examples/${name}`, import.meta.url), "utf8");
  const [, ofGuide] = /```json stack\.json\n(.*?)```/s.exec(read("GUIDE.md")) ?? [];
  const names = [read("term-life/stack.json"), ofGuide ?? ""].map((text) => checked(JSON.parse(text)).name);
  assert.deepEqual(names, ["TermLife", "Payments"]);
});

test("each field that is wrong is named, with its value and what would be right", () => {
  const policy = { runs_per_instance: 1, scale_in: { mode: "all_idle" } };
  const wrong: unknown[] = [
    {},
    7,
    { grid: {}, gird: {} },
    { name: "squall", grid: {} },
    { region: "Ireland", grid: {} },
    { grid: { taskShards: 0 } },
    { grid: { taskShards: "2", lanesPerShard: 11 } },
    { grid: { shards: 2 } },
    { grid: { lanesPershard: 2, wrkers: 1 } },
    { capacity: { group: "mine", policy: { ...policy, scale_in: { mode: "by_instance", idle_s: 60, idles_s: 60 } } } },
    { grid: { memoryMb: { worker: 64 } } },
    { grid: { timeoutS: { consumer: 1_801 } } },
    { grid: { timeoutS: { worker: 901 } } },
    { grid: { maxMessageBytes: 2_000_000 } },
    { grid: { taskShards: 2, expressShards: 2 } },
    { grid: { jobs: { maxCostUsd: 10, defaultCostUsd: 20 } } },
    { grid: { jobs: { maxDeadlineS: 86_401 } } },
    { grid: { logDays: 10 } },
    { grid: { blobDays: 30 } },
    { grid: { readsFrom: ["market-data/*", "s3://market-data/eod/", "s3://market-data", "s3://market-data/eod*", "s3://b/eod/"] } },
    { grid: { readsFrom: ["s3://market-data/${aws:username}/", "s3://Market-data/", "https://market-data/"] } },
    { grid: { taskShards: 4, lanesPerShard: 2, reservedConcurrency: { consumer: 7 } } },
    { grid: {}, alarms: { monthlyBudgetUsd: 10 } },
    { grid: {}, alarms: { email: "nobody" } },
    { grid: {}, alarms: { topic: "arn:aws:sns:eu-west-1:123456789012:" } },
    { grid: { readsWithKeys: ["alias/mine"] } },
    { grid: { externalWorkers: { "a b": { command: ["/opt/a"] } } } },
    { grid: { externalWorkers: { pricer: { command: [] } } } },
    { grid: { externalWorkers: { pricer: { command: "/opt/price" } } } },
    { grid: { externalWorkers: { pricer: { command: ["/opt/price", ""] } } } },
    { grid: { externalWorkers: { pricer: { comand: ["/opt/price"] } } } },
    { grid: { externalWorkers: { pricer: { command: ["/opt/price"], timeoutS: 301 } } } },
    { grid: { externalWorkers: { pricer: { command: ["/opt/price"], memoryMb: 1_770 } } } },
    { grid: { externalWorkers: { pricer: { command: ["/opt/price"], env: { SQUALL_CONTRACT: "2" } } } } },
    { grid: { externalWorkers: { pricer: { command: ["/opt/price"], env: { DEPTH: 3 } } } } },
    { grid: { externalWorkers: { pricer: { command: ["/opt/price"], inheritEnv: ["A=B"] } } } },
    { grid: { externalFiles: "" } },
    { capacity: { policy } },
    { capacity: { policy, group: "*" } },
    { capacity: { policy, group: "mine", example: {} } },
    { capacity: { policy, example: { min: 5, max: 2 } } },
    { capacity: { group: "mine" } },
    { capacity: { group: "mine", policy: { ...policy, runs_per_instance: 0 } } },
    { capacity: { group: "mine", policy: { ...policy, scale_in: { mode: "sometimes" } } } },
    { capacity: { group: "mine", policy: { ...policy, scale_in: { mode: "by_instance" } } } },
    {
      capacity: {
        group: "mine",
        policy: {
          ...policy,
          standby: {
            steps: [
              { sessions: 2, instances: 2 },
              { sessions: 2, instances: 3 },
            ],
          },
        },
      },
    },
    { capacity: { group: "mine", policy: { ...policy, standby: { steps: [{ sessions: 2, instances: 2 }], floor: 3 } } } },
    { capacity: { group: "mine", policy: { ...policy, raise_by: "hand" } } },
  ];
  assert.equal(
    wrong.map(refusal).join("\n"),
    `\
grid is not set; expected a grid, a capacity, or both
the settings is 7; expected object
gird is unknown; did you mean grid?
name is "squall"; expected letters and digits, beginning with a capital, at most 30
region is "Ireland"; expected a region such as eu-west-1
grid.taskShards is 0; expected shards, a whole number from 1 to 500
grid.taskShards is "2"; expected shards, a whole number from 1 to 500
grid.lanesPerShard is 11; expected lanes, a whole number from 1 to 10
grid.shards is unknown; did you mean taskShards or expressShards or resultShards?
grid.lanesPershard is unknown; did you mean lanesPerShard?
grid.wrkers is unknown
capacity.policy.scale_in.idles_s is unknown; did you mean idle_s?
grid.memoryMb.worker is 64; expected MB, a whole number from 128 to 10240
grid.timeoutS.consumer is 1801; expected seconds, a whole number from 1 to 1800
grid.timeoutS.worker is 901; expected at most the consumer's: an attempt that outlasts its consumer is never answered
grid.maxMessageBytes is 2000000; expected bytes, a whole number from 262144 to 1048576
grid.expressShards is 2; expected fewer than taskShards: other jobs need a shard too
grid.jobs.defaultCostUsd is 20; expected at most maxCostUsd
grid.jobs.maxDeadlineS is 86401; expected seconds, a whole number from 1 to 86400
grid.logDays is 10; expected one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
grid.blobDays is 30; expected days (rows live for 30 after a job's end, and once more after a retry), a whole number from 60 to 3650
grid.readsFrom[0] is "market-data/*"; expected s3://bucket/, s3://bucket/prefix/ with its slash, or s3://bucket/key of one object; without * ? $
grid.readsFrom[2] is "s3://market-data"; expected s3://bucket/, s3://bucket/prefix/ with its slash, or s3://bucket/key of one object; without * ? $
grid.readsFrom[3] is "s3://market-data/eod*"; expected s3://bucket/, s3://bucket/prefix/ with its slash, or s3://bucket/key of one object; without * ? $
grid.readsFrom[4] is "s3://b/eod/"; expected s3://bucket/, s3://bucket/prefix/ with its slash, or s3://bucket/key of one object; without * ? $
grid.readsFrom[0] is "s3://market-data/\${aws:username}/"; expected s3://bucket/, s3://bucket/prefix/ with its slash, or s3://bucket/key of one object; without * ? $
grid.readsFrom[1] is "s3://Market-data/"; expected s3://bucket/, s3://bucket/prefix/ with its slash, or s3://bucket/key of one object; without * ? $
grid.readsFrom[2] is "https://market-data/"; expected s3://bucket/, s3://bucket/prefix/ with its slash, or s3://bucket/key of one object; without * ? $
grid.reservedConcurrency.consumer is 7; expected at least as many as there are lanes (taskShards x lanesPerShard): a lane without a consumer stalls
alarms.email is not set; expected an e-mail address as well, for the budget's notifications
alarms.email is "nobody"; expected an e-mail address
alarms.topic is "arn:aws:sns:eu-west-1:123456789012:"; expected the ARN of an SNS topic
grid.readsWithKeys[0] is "alias/mine"; expected the ARN of a KMS key
grid.externalWorkers.a b is {"command":["/opt/a"]}; expected a name of at most 64 letters, digits, -, _ and .
grid.externalWorkers.pricer.command is []; expected a program and its arguments, each a text that is not empty
grid.externalWorkers.pricer.command is "/opt/price"; expected a program and its arguments, each a text that is not empty
grid.externalWorkers.pricer.command is ["/opt/price",""]; expected a program and its arguments, each a text that is not empty
grid.externalWorkers.pricer.command is not set; expected a program and its arguments, each a text that is not empty
grid.externalWorkers.pricer.comand is unknown; did you mean command?
grid.externalWorkers.pricer.timeoutS is 301; expected at most timeoutS.worker, 300: no invocation takes longer
grid.externalWorkers.pricer.memoryMb is 1770; expected at most 1769, the workers' memory over their vCPUs: each has a process
grid.externalWorkers.pricer.env.SQUALL_CONTRACT is "2"; expected a name without = that does not begin with SQUALL_
grid.externalWorkers.pricer.env.DEPTH is 3; expected a text without NUL
grid.externalWorkers.pricer.inheritEnv[0] is "A=B"; expected the name of a variable, without = and not beginning with SQUALL_
grid.externalFiles is ""; expected a folder
capacity.group is not set; expected either the name of a group or an example to create, not both
capacity.group is "*"; expected the name of an Auto Scaling group
capacity.group is "mine"; expected either the name of a group or an example to create, not both
capacity.example.min is 5; expected at most max
capacity.policy is not set; expected object
capacity.policy.runs_per_instance is 0; expected runs that an instance takes at a time, a whole number from 1 to 10000
capacity.policy.scale_in.mode is "sometimes"; expected an object whose mode is "by_instance" or "all_idle"
capacity.policy.scale_in.idle_s is not set; expected seconds, a whole number from 0 to 31536000
capacity.policy.standby.steps is [{"sessions":2,"instances":2},{"sessions":2,"instances":3}]; expected sessions and instances that ascend from step to step
capacity.policy.standby.floor is 3; expected at most the first step's instances
capacity.policy.raise_by is "hand"; expected one of set_desired, launch_instances`,
  );
});

test("a policy is written as the functions read it", () => {
  const policy: NonNullable<Settings["capacity"]>["policy"] = { runs_per_instance: 2, scale_in: { mode: "by_instance", idle_s: 60 } };
  assert.deepEqual(checked({ capacity: { group: "mine", policy } }).capacity?.policy, policy);
});

test("workers that do not fit into a function's variables are refused", () => {
  const env = { TABLE: "x".repeat(3_000) };
  assert.match(
    refusal({ grid: { externalWorkers: { pricer: { command: ["/opt/price"], env } } } }),
    /; expected at most 2048 bytes: they travel in a variable; put more into a file of externalFiles$/,
  );
});
