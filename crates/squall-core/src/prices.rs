//! What the grid's work costs: list prices in US dollars, us-east-1, read on 2026-11-21.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use serde::{Deserialize, Serialize};

use crate::receipt::Receipt;

/// Lambda on arm64, per GB-second: $0.0000133334 (<https://aws.amazon.com/lambda/pricing/>).
const LAMBDA_PICO_USD_PER_GB_S: u128 = 13_333_400;
/// Lambda, per request: $0.20 per million.
const LAMBDA_PICO_USD_PER_REQUEST: u128 = 200_000;
/// Kinesis Data Streams, provisioned, per PUT payload unit: $0.014 per million (<https://aws.amazon.com/kinesis/data-streams/pricing/>).
const KINESIS_PICO_USD_PER_PUT_UNIT: u128 = 14_000;
/// A PUT payload unit is 25 KB of one record, begun ones counted whole.
pub const KINESIS_PUT_UNIT_BYTES: u64 = 25 * 1_024;
/// DynamoDB on demand, per write request unit: $0.625 per million (<https://aws.amazon.com/dynamodb/pricing/on-demand/>).
const DYNAMODB_PICO_USD_PER_WRITE: u128 = 625_000;
/// A write request unit is 1 KB of one item, begun ones counted whole.
pub const DYNAMODB_WRITE_UNIT_BYTES: u64 = 1_024;
/// Memory that comes with one vCPU of Lambda, in MB (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>).
pub const LAMBDA_MB_PER_VCPU: u64 = 1_769;

const PICO_PER_NANO: u128 = 1_000;
/// MB-microseconds in a GB-second.
const MB_US_PER_GB_S: u128 = 1_024 * 1_000_000;

/// Billionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(pub u64);

impl NanoUsd {
    /// From dollars; `None` unless finite and from 0 to a million.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    pub fn from_usd(usd: f64) -> Option<Self> {
        (0.0..=1e6).contains(&usd).then(|| Self((usd * 1e9).round() as u64))
    }

    /// In dollars, for what cannot count in billionths.
    #[expect(clippy::cast_precision_loss, reason = "exact to the billionth up to nine million dollars")]
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add for NanoUsd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Self::add)
    }
}

impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, nanos) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        // Small sums keep their digits: a cap of a millionth is not a cap of nothing.
        if dollars == 0 && nanos < 1_000_000 {
            write!(f, "$0.{nanos:09}")
        } else {
            write!(f, "${dollars}.{:06}", nanos / 1_000)
        }
    }
}

/// What a receipt's items cost at list price. Shards that idle, and logs, are not in it.
pub fn cost_of(receipt: &Receipt) -> NanoUsd {
    let mb_us = u128::from(receipt.worker_mb_us) + u128::from(receipt.consumer_mb_us);
    let pico = mb_us * LAMBDA_PICO_USD_PER_GB_S / MB_US_PER_GB_S
        + (u128::from(receipt.invocations) + u128::from(receipt.tasks)) * LAMBDA_PICO_USD_PER_REQUEST
        + u128::from(receipt.put_units) * KINESIS_PICO_USD_PER_PUT_UNIT
        + u128::from(receipt.store_writes) * DYNAMODB_PICO_USD_PER_WRITE;
    NanoUsd(u64::try_from(pico / PICO_PER_NANO).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
