// The cost of an idle deployment.
import { CfnAlarm, CfnDashboard } from "aws-cdk-lib/aws-cloudwatch";
import { CfnStream } from "aws-cdk-lib/aws-kinesis";
import { CfnKey } from "aws-cdk-lib/aws-kms";
import type { IConstruct } from "constructs";
import { usd } from "./aws.ts";
import { CONTROLLER_MB } from "./capacity.ts";
import type { Checked, GridSettings } from "./settings.ts";

/** Hours in a month, as AWS counts them. */
const HOURS = 730;
const MINUTES = HOURS * 60;

/** A line of the bill. */
export interface Item {
  readonly what: string;
  readonly usd: number;
}

/** How long an idle tick of a timed function takes, seconds: a generous estimate from the functions' logs. */
const TICK_S = 0.2;

/** The bill of an idle month for everything below a construct. */
export function idleMonth(root: IConstruct, { architecture, grid, capacity }: Checked): Item[] {
  const all = root.node.findAll();
  const count = (kind: abstract new (...args: never[]) => unknown) => all.filter((it) => it instanceof kind).length;
  const nShards = all.reduce((n, it) => n + (it instanceof CfnStream ? (it.shardCount ?? 0) : 0), 0);
  const gbSecond = usd(architecture === "arm64" ? "LAMBDA_GB_S_ARM64" : "LAMBDA_GB_S_X86_64");
  const timer = (memoryMb: number) => MINUTES * (usd("LAMBDA_REQUEST") + usd("XRAY_TRACE") + ((TICK_S * memoryMb) / 1_024) * gbSecond);
  const retentionHours = grid?.retentionHours ?? 0;
  const items: Item[] = [
    { what: `${nShards} shards`, usd: nShards * HOURS * usd("KINESIS_SHARD_HOUR") },
    {
      what: `${nShards} shards that keep ${retentionHours} h`,
      usd: retentionHours > 24 ? nShards * HOURS * usd("KINESIS_LONG_SHARD_HOUR") : 0,
    },
    { what: `${count(CfnKey)} keys`, usd: count(CfnKey) * usd("KMS_KEY_MONTH") },
    { what: `${count(CfnAlarm)} alarms`, usd: count(CfnAlarm) * usd("CLOUDWATCH_ALARM_MONTH") },
    { what: `${count(CfnDashboard)} dashboards`, usd: count(CfnDashboard) * usd("CLOUDWATCH_DASHBOARD_MONTH") },
  ];
  if (grid !== undefined) {
    // The timer's two metrics.
    items.push({ what: "the grid's timer and its metrics", usd: timer(grid.memoryMb.collector) + 2 * usd("CLOUDWATCH_METRIC_MONTH") });
  }
  if (capacity !== undefined) {
    // Eleven metrics; a tick writes once, reads two metrics, and looks at the ledger five times.
    const ticks =
      timer(CONTROLLER_MB) + MINUTES * (usd("CLOUDWATCH_METRIC_WRITE") + 2 * usd("CLOUDWATCH_METRIC_READ") + 5 * usd("DYNAMODB_READ_UNIT"));
    items.push({ what: "the fleet's timer and its metrics", usd: ticks + 11 * usd("CLOUDWATCH_METRIC_MONTH") });
  }
  return items.filter((it) => it.usd > 0);
}

/** The bill as text. */
export function bill(items: Item[]): string {
  const total = items.reduce((sum, it) => sum + it.usd, 0);
  const lines = items.map((it) => `  ${it.usd.toFixed(2).padStart(8)}  ${it.what}`);
  return [`idle, this deployment costs about ${total.toFixed(0)} USD a month (list prices of us-east-1):`, ...lines].join("\n");
}

type Burst = Pick<GridSettings, "taskShards" | "lanesPerShard" | "workersPerConsumer">;

/** The concurrent invocations of a burst. */
export function concurrency({ taskShards, lanesPerShard, workersPerConsumer }: Burst): number {
  const lanes = taskShards * lanesPerShard;
  return lanes * (1 + workersPerConsumer) + 2;
}
