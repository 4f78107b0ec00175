// The settings of a deployment. A setting that is left out has the value shown here; synth refuses an invalid one with the
// field, its value and what was expected. To use another file: `make deploy CONFIG=staging.config.ts`.
import type { Settings } from "./lib/settings.ts";

const settings: Settings = {
  // The prefix of all names: stacks SquallState, SquallGrid, SquallCapacity; functions squall-task-splitter and so on.
  // Deployments with different names live side by side.
  name: "Squall",

  // Default: the region of your credentials.
  // region: "eu-west-1",

  // The architecture that the functions are built for: `make lambdas` builds arm64, which costs a fifth less.
  architecture: "arm64",

  // Protects tables, bucket, streams and keys from deletion. Set it to false and deploy before you remove everything.
  keepData: true,

  alarms: {
    // Receives alarms, once you confirm AWS's subscription e-mail. Without it and without a topic, alarms only show in CloudWatch.
    // email: "oncall@example.com",
    // Notifies the same address at 80 % and 100 % of this budget, by the cost allocation tag squall:deployment, which you
    // activate once in the billing console. Without an address, there is no budget.
    // monthlyBudgetUsd: 500,
    // A topic that exists, in the same region, which receives alarms too: that of a pager or a chat.
    // topic: "arn:aws:sns:eu-west-1:123456789012:oncall",
  },

  // The burst grid; leave it out to deploy only the fleet.
  grid: {
    // Each shard costs about 11 USD a month, even when idle. Lanes = task shards x lanes per shard; a lane runs one task at
    // a time, in the order in which they were published.
    taskShards: 3,
    // Of these, so many are kept for small jobs: those that their workers finish in two seconds. They do not wait for large ones.
    // Default: 1, and 0 of a single shard.
    // expressShards: 1,
    resultShards: 1,
    lanesPerShard: 2,

    // Retention of the streams, hours; one hour before it ends, unprocessed records are given up and stored in the bucket.
    // A job lives for 24 hours at most; longer retention is for inspection only, and costs extra.
    retentionHours: 24,

    // Number of identical worker functions. Each can start 1,000 environments every 10 seconds, ten of them 10,000.
    stripes: 2,

    // Workers per lane. A burst uses lanes x workers of the account's concurrency.
    workersPerConsumer: 100,

    // 1,769 MB is one vCPU; a worker uses one thread per vCPU, rounded up.
    memoryMb: { splitter: 1769, consumer: 1769, worker: 1769, collector: 1769 },

    // How long each may run, seconds: 1,800 at most. A task may occupy its lane for the consumer's time; the consumer waits for
    // an attempt for the worker's.
    timeoutS: { splitter: 300, consumer: 900, worker: 300, collector: 300 },

    // The account's concurrency, if you know it: `squall check --stack` says when a burst asks for more.
    // accountConcurrency: 1000,

    // Largest job message, bytes: 262,144, or up to 1,048,576; then the topic takes no subscriptions but Lambda, SQS and Firehose.
    maxMessageBytes: 262_144,

    // The most that a job may ask for: cost, deadline, subtasks of all its tasks; and the cost cap of a job that names none.
    jobs: { maxCostUsd: 1_000, defaultCostUsd: 100, maxDeadlineS: 86_400, maxSubtasks: 10_000_000 },

    // Reserved concurrency, which is also a limit: per function, for workers per stripe. Default: the account's.
    reservedConcurrency: {},

    // Buckets, prefixes and single objects that jobs may name, besides files in the deployment's own bucket. A prefix ends with a
    // slash; without one it is the key of an object.
    readsFrom: [], // ["s3://market-data/eod/"]
    // KMS keys that encrypt those buckets, if not S3's own.
    readsWithKeys: [], // ["arn:aws:kms:eu-west-1:123456789012:key/…"]

    // The programs that `external` jobs may name; a job of a deployment cannot bring a command of its own. Times in seconds; memory in
    // MB of a process and its children, of which there is one for each vCPU of a worker. They inherit only the variables that
    // inheritEnv names.
    externalWorkers: {}, // { pricer: { command: ["/opt/bin/python3", "/opt/price.py"], timeoutS: 60, memoryMb: 512 } }
    // A folder whose files the worker functions find in /opt: the programs, and what they need. Relative to infra/.
    // externalFiles: "../pricer",

    // Retention of inputs and answers, days; rows are kept for 30 days after a job's end.
    blobDays: 60,

    logDays: 14,
  },

  // The fleet; leave it out to deploy only the burst grid.
  capacity: {
    // Your own Auto Scaling group, instead of the example. `squall capacity doctor` checks its settings.
    // group: "modelling-service",

    // Or an example group to try it on; no instance runs until an event asks for one.
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

    // Reserved concurrency for each of the three functions, so that a burst cannot block them. Default: the account's.
    // reservedConcurrency: 2,

    // Raise an alarm after demand has exceeded the group's maximum for this many minutes.
    overMaximumMinutes: 15,

    logDays: 14,
  },
};

export default settings;
