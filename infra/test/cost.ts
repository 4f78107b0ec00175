import assert from "node:assert/strict";
import { test } from "node:test";
import { App } from "aws-cdk-lib";
import { squall } from "../lib/app.ts";
import { bill, concurrency, idleMonth } from "../lib/cost.ts";
import { checked, type Settings } from "../lib/settings.ts";
import { FLAGS, PLAIN } from "../lib/templates.ts";

function items(settings: Settings) {
  const app = new App({ context: FLAGS });
  const all = checked(settings);
  squall(app, all, "bucket");
  return idleMonth(app, all);
}

test("idling costs what stands there: shards, keys, alarms, dashboards, timers", () => {
  assert.equal(
    bill(items(PLAIN)),
    `\
idle, this deployment costs about 60 USD a month (list prices of us-east-1):
     43.80  4 shards
      2.00  2 keys
      2.50  25 alarms
      6.00  2 dashboards
      1.03  the grid's timer and its metrics
      4.90  the fleet's timer and its metrics`,
  );
});

test("more shards and a longer memory cost more", () => {
  const shards = items({ grid: { taskShards: 32, resultShards: 8, retentionHours: 48 } }).filter((it) => it.what.includes("shards"));
  // 40 shards are 438 USD a month, and 584 more to keep records longer than a day.
  assert.deepEqual(
    shards.map((it) => [it.what, it.usd.toFixed(2)]),
    [
      ["40 shards", "438.00"],
      ["40 shards that keep 48 h", "584.00"],
    ],
  );
});

test("a burst asks for a consumer per lane, its workers, and one each to split and to collect", () => {
  assert.equal(concurrency({ taskShards: 10, lanesPerShard: 10, workersPerConsumer: 100 }), 10_102);
});
