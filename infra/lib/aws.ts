// Limits and list prices of AWS, each with its source in `aws.json`, which is written from `crates/squall-core/src/limits.rs`
// and checked against it by a test there.
import aws from "./aws.json" with { type: "json" };

/** A limit of AWS, in the unit that `aws.json` gives. */
export function limit(name: keyof typeof aws.limits): number {
  return aws.limits[name].value;
}

/** A list price in us-east-1, US dollars. */
export function usd(name: keyof typeof aws.prices): number {
  return aws.prices[name].usd["us-east-1"];
}
