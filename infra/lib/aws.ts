// Limits and list prices of AWS, each with its source in `aws.json`, which is written from `crates/squall-core/src/limits.rs`
// and checked against it by a test there.
import aws from "./aws.json" with { type: "json" };

const HOME_REGION = "us-east-1";

/** A limit of AWS, in the unit that `aws.json` gives. */
export function limit(name: keyof typeof aws.limits): number {
  return aws.limits[name].value;
}

/** A list price in US dollars; where the region's is not known, that of us-east-1. */
export function usd(name: keyof typeof aws.prices, region = HOME_REGION): number {
  const byRegion: Record<string, number> = aws.prices[name].usd;
  return byRegion[region] ?? byRegion[HOME_REGION]!;
}
