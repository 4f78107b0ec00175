//! What the grid's work costs, at the list prices of its region and architecture ([`crate::limits`]).

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use serde::{Deserialize, Serialize};

use crate::limits::{
    DYNAMODB_READ_UNIT, DYNAMODB_WRITE_UNIT, HOME_REGION, KINESIS_PUT_UNIT, KINESIS_SHARD_HOUR,
    LAMBDA_GB_S_ARM64, LAMBDA_GB_S_X86_64, LAMBDA_REQUEST, ListPrice, S3_GET, S3_PUT,
};
use crate::receipt::Receipt;

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

/// What a function's code is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Architecture {
    /// Graviton.
    #[default]
    #[serde(rename = "arm64")]
    Arm64,
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        })
    }
}

/// The list prices of a region and an architecture, in millionths of a millionth of a US dollar. The default are those of
/// us-east-1 and arm64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prices {
    /// A GB-second of Lambda.
    pub lambda_gb_s: u64,
    /// A request of Lambda.
    pub lambda_request: u64,
    /// A PUT payload unit of Kinesis.
    pub kinesis_put_unit: u64,
    /// A shard-hour of Kinesis.
    pub kinesis_shard_hour: u64,
    /// A write request unit of DynamoDB.
    pub dynamodb_write_unit: u64,
    /// A read request unit of DynamoDB.
    pub dynamodb_read_unit: u64,
    /// A request of S3 that writes an object.
    pub s3_put: u64,
    /// A request of S3 that reads an object.
    pub s3_get: u64,
}

impl Default for Prices {
    fn default() -> Self {
        Self::of(HOME_REGION, Architecture::Arm64)
    }
}

impl Prices {
    /// The prices of a region and an architecture. Where the table has none for the region, the price is that of us-east-1, and
    /// [`stand_ins`] names the service.
    pub fn of(region: &str, architecture: Architecture) -> Self {
        let price = |it: &ListPrice| it.in_region(region).unwrap_or(it.pico_usd);
        Self {
            lambda_gb_s: price(gb_s(architecture)),
            lambda_request: price(&LAMBDA_REQUEST),
            kinesis_put_unit: price(&KINESIS_PUT_UNIT),
            kinesis_shard_hour: price(&KINESIS_SHARD_HOUR),
            dynamodb_write_unit: price(&DYNAMODB_WRITE_UNIT),
            dynamodb_read_unit: price(&DYNAMODB_READ_UNIT),
            s3_put: price(&S3_PUT),
            s3_get: price(&S3_GET),
        }
    }

    /// What a receipt's items cost. [`Receipt::NOT_COUNTED`] is not in it.
    pub fn cost_of(&self, receipt: &Receipt) -> NanoUsd {
        let mb_us = u128::from(receipt.worker_mb_us)
            + u128::from(receipt.consumer_mb_us)
            + u128::from(receipt.collector_mb_us);
        let requests = u128::from(receipt.invocations) + u128::from(receipt.tasks);
        let pico = mb_us * u128::from(self.lambda_gb_s) / MB_US_PER_GB_S
            + requests * u128::from(self.lambda_request)
            + u128::from(receipt.put_units) * u128::from(self.kinesis_put_unit)
            + u128::from(receipt.store_writes) * u128::from(self.dynamodb_write_unit)
            + u128::from(receipt.store_reads) * u128::from(self.dynamodb_read_unit)
            + u128::from(receipt.blob_writes) * u128::from(self.s3_put)
            + u128::from(receipt.blob_reads) * u128::from(self.s3_get);
        NanoUsd(u64::try_from(pico / PICO_PER_NANO).unwrap_or(u64::MAX))
    }
}

fn gb_s(architecture: Architecture) -> &'static ListPrice {
    match architecture {
        Architecture::Arm64 => &LAMBDA_GB_S_ARM64,
        Architecture::X86_64 => &LAMBDA_GB_S_X86_64,
    }
}

/// The services whose prices in a region are not in the table, so that [`Prices::of`] takes those of us-east-1.
pub fn stand_ins(region: &str) -> Vec<&'static str> {
    let services: [(&str, &[&ListPrice]); 4] = [
        ("Lambda", &[&LAMBDA_GB_S_ARM64, &LAMBDA_GB_S_X86_64, &LAMBDA_REQUEST]),
        ("Kinesis", &[&KINESIS_PUT_UNIT, &KINESIS_SHARD_HOUR]),
        ("DynamoDB", &[&DYNAMODB_WRITE_UNIT, &DYNAMODB_READ_UNIT]),
        ("S3", &[&S3_PUT, &S3_GET]),
    ];
    let unknown = |prices: &[&ListPrice]| prices.iter().any(|it| it.in_region(region).is_none());
    services.into_iter().filter(|(_, prices)| unknown(prices)).map(|(service, _)| service).collect()
}

#[cfg(test)]
mod tests;
