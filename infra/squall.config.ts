// What is deployed, and how large. Everything left out has the value said here; anything else is refused at synth with
// the field, the value and what would be right. Another file: `make deploy CONFIG=staging.config.ts`.
import type { Settings } from "./lib/settings.ts";

const settings: Settings = {
  // Stacks are called SquallState, SquallGrid, SquallCapacity; functions squall-task-splitter and so on. Deployments with
  // different names live side by side.
  name: "Squall",

  // Without one: that of your credentials.
  // region: "eu-west-1",

  // What the functions were built for: `make lambdas` builds arm64, which costs a fifth less.
  architecture: "arm64",

  // Keeps the stack of tables, bucket, streams and keys from being deleted, whatever is run. Set it to false and deploy
  // before you remove everything.
  keepData: true,

  alarms: {
    // Who is told; AWS sends this address a question first. Without one the alarms are only to be looked at.
    // email: "oncall@example.com",
    // Tells the same address at 80 % and 100 % of it, by the cost allocation tag squall:deployment, which has to be
    // activated once in the billing console.
    // monthlyBudgetUsd: 100,
  },

  // Burst: leave it out to deploy only the fleet.
  grid: {
    // What idling costs: each shard is about 11 USD a month. Lanes are task shards x lanes per shard; a lane takes one
    // task at a time.
    taskShards: 2,
    resultShards: 1,
    lanesPerShard: 2,

    // How long the streams keep what was put on them, hours; an hour before, what was not worked is given up and kept in the
    // bucket. A job lives for 24 at most; more is for looking back, and costs extra.
    retentionHours: 24,

    // Identical worker functions. Each starts 1,000 environments every 10 seconds: ten of them start 10,000 at once.
    stripes: 2,

    // Workers that one lane keeps busy. Lanes x workers is what a burst asks of the account's concurrency.
    workersPerConsumer: 100,

    // 1,769 MB is one vCPU; a worker uses as many threads as it has begun vCPUs.
    memoryMb: { splitter: 1769, consumer: 1769, worker: 1769, collector: 1769 },

    // Concurrency set aside, and never exceeded: per function, for workers per stripe. Unset: the account's.
    reservedConcurrency: {},

    // Buckets and prefixes that jobs may name files in, besides the deployment's own.
    readsFrom: [], // ["s3://market-data/eod/"]
    // Keys that those are encrypted with, if not by S3's own.
    readsWithKeys: [], // ["arn:aws:kms:eu-west-1:123456789012:key/…"]

    // How long inputs and answers are kept, days; rows are kept for 30 after a job's end.
    blobDays: 60,

    logDays: 14,
  },

  // Fleet: leave it out to deploy only the burst.
  capacity: {
    // The Auto Scaling group that follows its application; instead of the example. `squall capacity doctor` says what it
    // needs.
    // group: "modelling-service",

    // Or one of its own to try it on; no instance runs until an event says so.
    example: { min: 0, max: 4, instanceType: "t4g.nano" },

    // How the group follows its application: the policy of crates/squall-capacity/fleet.md.
    policy: {
      runs_per_instance: 1,
      standby: {
        steps: [
          { sessions: 1, instances: 1 },
          { sessions: 20, instances: 3 },
        ],
        floor: 1,
        decay_s: 1800,
      },
      scale_in: { mode: "by_instance", idle_s: 300 },
      raise_by: "set_desired",
    },

    // Concurrency set aside for each of the three functions, so that no burst holds them up. Unset: the account's.
    // reservedConcurrency: 2,

    // Alarm when more was wanted than the group's maximum for so many minutes.
    overMaximumMinutes: 15,

    logDays: 14,
  },
};

export default settings;
