// The cost of an idle deployment.
import { CfnAlarm, CfnDashboard } from "aws-cdk-lib/aws-cloudwatch";
import { CfnStream } from "aws-cdk-lib/aws-kinesis";
import { CfnKey } from "aws-cdk-lib/aws-kms";
import type { IConstruct } from "constructs";
import { CONTROLLER_MB } from "./capacity.ts";
import type { Checked, GridSettings } from "./settings.ts";

/** Hours in a month, as AWS counts them. */
const HOURS = 730;
const MINUTES = HOURS * 60;

/** List prices in us-east-1, USD, November 2026; other regions cost up to half as much again. */
const PRICE = {
  shardHour: 0.015, // https://aws.amazon.com/kinesis/data-streams/pricing/
  shardHourLong: 0.02, // retention of more than 24 hours, on top
  keyMonth: 1, // https://aws.amazon.com/kms/pricing/
  alarmMonth: 0.1, // https://aws.amazon.com/cloudwatch/pricing/
  dashboardMonth: 3, // the first three of an account are free
  metricMonth: 0.3, // prorated by hours with data
  metricRead: 0.01 / 1_000,
  metricWrite: 0.01 / 1_000,
  gbSecond: { arm64: 0.0000133334, x86_64: 0.0000166667 }, // https://aws.amazon.com/lambda/pricing/
  invocation: 0.2 / 1e6,
  trace: 5 / 1e6, // https://aws.amazon.com/xray/pricing/; the first 100,000 of an account are free
  readUnit: 0.125 / 1e6, // https://aws.amazon.com/dynamodb/pricing/on-demand/
};

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
  const timer = (memoryMb: number) =>
    MINUTES * (PRICE.invocation + PRICE.trace + ((TICK_S * memoryMb) / 1_024) * PRICE.gbSecond[architecture]);
  const retentionHours = grid?.retentionHours ?? 0;
  const items: Item[] = [
    { what: `${nShards} shards`, usd: nShards * HOURS * PRICE.shardHour },
    { what: `${nShards} shards that keep ${retentionHours} h`, usd: retentionHours > 24 ? nShards * HOURS * PRICE.shardHourLong : 0 },
    { what: `${count(CfnKey)} keys`, usd: count(CfnKey) * PRICE.keyMonth },
    { what: `${count(CfnAlarm)} alarms`, usd: count(CfnAlarm) * PRICE.alarmMonth },
    { what: `${count(CfnDashboard)} dashboards`, usd: count(CfnDashboard) * PRICE.dashboardMonth },
  ];
  if (grid !== undefined) {
    // The timer's two metrics.
    items.push({ what: "the grid's timer and its metrics", usd: timer(grid.memoryMb.collector) + 2 * PRICE.metricMonth });
  }
  if (capacity !== undefined) {
    // Eleven metrics; a tick writes once, reads two metrics, and looks at the ledger five times.
    const ticks = timer(CONTROLLER_MB) + MINUTES * (PRICE.metricWrite + 2 * PRICE.metricRead + 5 * PRICE.readUnit);
    items.push({ what: "the fleet's timer and its metrics", usd: ticks + 11 * PRICE.metricMonth });
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
