// The one description of a deployment: `Deployment` in `crates/squall-core/src/deployment.rs` reads it, and names each field.
import { Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Checked, GridSettings } from "./settings.ts";

/** The description as JSON, for the stack's output `Deployment` and the functions' variable `SQUALL_DEPLOYMENT`. */
export function deploymentOf(scope: Construct, { architecture }: Checked, grid: GridSettings): string {
  const { memoryMb, timeoutS, accountConcurrency } = grid;
  const externalWorkers = Object.keys(grid.externalWorkers).sort();
  const stack = Stack.of(scope);
  return stack.toJsonString({
    version: 1,
    shards: grid.taskShards,
    // One, if there are others.
    express_shards: grid.expressShards ?? Math.min(1, grid.taskShards - 1),
    result_shards: grid.resultShards,
    lanes_per_shard: grid.lanesPerShard,
    stripes: grid.stripes,
    workers_per_consumer: grid.workersPerConsumer,
    splitter_memory_mb: memoryMb.splitter,
    consumer_memory_mb: memoryMb.consumer,
    worker_memory_mb: memoryMb.worker,
    collector_memory_mb: memoryMb.collector,
    splitter_timeout_s: timeoutS.splitter,
    consumer_timeout_s: timeoutS.consumer,
    worker_timeout_s: timeoutS.worker,
    collector_timeout_s: timeoutS.collector,
    max_buckets: 32,
    default_deadline_s: Math.min(86_400, grid.jobs.maxDeadlineS),
    max_deadline_s: grid.jobs.maxDeadlineS,
    max_job_cost_usd: grid.jobs.maxCostUsd,
    default_job_cost_usd: grid.jobs.defaultCostUsd,
    max_job_subtasks: grid.jobs.maxSubtasks,
    max_message_bytes: grid.maxMessageBytes,
    architecture,
    region: stack.region,
    ...(accountConcurrency !== undefined && { account_concurrency: accountConcurrency }),
    ...(externalWorkers.length > 0 && { external_workers: externalWorkers }),
  });
}
