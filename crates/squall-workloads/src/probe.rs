//! A computation with a known answer and a chosen cost: to measure a grid, and to verify that it loses nothing.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use squall_core::data::Data;
use squall_core::sources::{Given, Source};
use squall_core::split_mix64;
use squall_core::workload::{Coverage, EvaluateError, InputError, Weight, Workload};

/// Most units of a probe.
const MAX_UNITS: u64 = 1_000_000_000_000;
/// Most rounds of a unit: about ten minutes of one core.
const MAX_ROUNDS: u64 = 600_000_000_000;
/// One round is a dependent multiplication, shift and exclusive or: about 2.3 ns at 3 GHz, measured by `make bench`.
const PICOSECONDS_PER_ROUND: u64 = 2_300;
/// Cost of a unit without rounds, nanoseconds.
const UNIT_NS: u64 = 1;

/// Hashes `units` numbers, `rounds` times each, and adds the hashes up.
pub struct Probe;

/// The `input` of a probe.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Number of independent units of work.
    pub units: u64,
    /// Rounds of hashing per unit; about 2 ns each.
    #[serde(default)]
    pub rounds: u64,
    /// The unit that fails, if one is to.
    pub failing_unit: Option<u64>,
    /// The unit that never ends, if one is not to.
    pub hanging_unit: Option<u64>,
}

/// Some consecutive units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    first: u64,
    count: u64,
}

impl Units {
    fn range(&self) -> Range<u64> {
        self.first..self.first.saturating_add(self.count)
    }
}

/// How many units, and the sum of their hashes modulo 2^64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    units: u64,
    hash: u64,
}

/// The answer.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Units in the job.
    pub units: u64,
    /// Units in the answer.
    pub units_done: u64,
    /// The sum of their hashes modulo 2^64, hexadecimal.
    pub hash: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} of {} units, hash {}", self.units_done, self.units, self.hash)
    }
}

impl Workload for Probe {
    const NAME: &'static str = "probe";
    const VERSION: u32 = 1;
    const ABOUT: &'static str =
        "Hashes numbers: a chosen amount of work with a known answer, to measure a grid.";
    type Input = Input;
    type Prepared = Input;
    type Slice = Units;
    type Partial = Sum;
    type Report = Report;

    fn input_schema() -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["units"],
            "properties": {
                "units": { "type": "integer", "minimum": 1, "maximum": MAX_UNITS,
                           "description": "independent units of work" },
                "rounds": { "type": "integer", "minimum": 0, "maximum": MAX_ROUNDS, "default": 0,
                            "description": "rounds of hashing per unit, about 2 ns each" },
                "failing_unit": { "type": "integer", "minimum": 0,
                                  "description": "a unit that fails, to see how failures are reported" },
                "hanging_unit": { "type": "integer", "minimum": 0,
                                  "description": "a unit that never ends, to see what that costs" }
            }
        })
    }

    fn sources(_: &Input) -> Vec<Source> {
        Vec::new()
    }

    fn prepare(input: Input, _: &Given) -> Result<Input, InputError> {
        if !(1..=MAX_UNITS).contains(&input.units) {
            let problem = format!("{}; expected 1 to {MAX_UNITS}", input.units);
            return Err(InputError::new("input.units", problem));
        }
        if input.rounds > MAX_ROUNDS {
            let problem = format!("{}; expected 0 to {MAX_ROUNDS}", input.rounds);
            return Err(InputError::new("input.rounds", problem));
        }
        let unit_ns = UNIT_NS + input.rounds * PICOSECONDS_PER_ROUND / 1_000;
        if input.units.checked_mul(unit_ns).is_none() {
            let problem = format!("{} with {} units is centuries of work", input.rounds, input.units);
            return Err(InputError::new("input.rounds", problem));
        }
        Ok(input)
    }

    fn whole(input: &Input) -> Units {
        Units { first: 0, count: input.units }
    }

    fn weight(input: &Input, slice: &Units) -> Weight {
        slice.count.saturating_mul(UNIT_NS + input.rounds * PICOSECONDS_PER_ROUND / 1_000)
    }

    fn divide(_: &Input, slice: &Units, parts: NonZeroUsize) -> Vec<Units> {
        let parts = (parts.get() as u64).min(slice.count).max(1);
        let (each, more) = (slice.count / parts, slice.count % parts);
        let mut first = slice.first;
        let cut = |part: u64| {
            let units = Units { first, count: each + u64::from(part < more) };
            first += units.count;
            units
        };
        (0..parts).map(cut).collect()
    }

    fn evaluate(input: &Input, slice: &Units, _: &mut dyn Data) -> Result<Sum, EvaluateError> {
        let units = slice.range();
        if units.end > input.units {
            return Err(EvaluateError("the slice is not of this job".to_owned()));
        }
        if let Some(failing) = input.failing_unit.filter(|unit| units.contains(unit)) {
            return Err(EvaluateError(format!("unit {failing} was asked to fail")));
        }
        if input.hanging_unit.is_some_and(|unit| units.contains(&unit)) {
            loop {
                std::thread::park();
            }
        }
        let hash = units.map(|unit| hashed(unit, input.rounds)).fold(0, u64::wrapping_add);
        Ok(Sum { units: slice.count, hash })
    }

    /// It has a unit for each of the slice's but those of the failed parts.
    fn check_partial(_: &Input, slice: &Units, sum: &Sum, failed: &[Units]) -> Result<(), String> {
        let (ours, mut expected) = (slice.range(), slice.count);
        for part in failed.iter().map(Units::range) {
            if part.start < ours.start || part.end > ours.end {
                return Err("the slice has no such part".to_owned());
            }
            expected = expected.saturating_sub(part.end - part.start);
        }
        if sum.units == expected { Ok(()) } else { Err(format!("it has {} of {expected} units", sum.units)) }
    }

    fn merge(into: &mut Sum, other: Sum) {
        into.units = into.units.saturating_add(other.units);
        into.hash = into.hash.wrapping_add(other.hash);
    }

    fn report(input: &Input, partial: Option<&Sum>, _: &Coverage) -> Report {
        let sum = partial.copied().unwrap_or(Sum { units: 0, hash: 0 });
        Report { units: input.units, units_done: sum.units, hash: format!("{:016x}", sum.hash) }
    }

    fn units(input: &Input) -> (u64, &'static str) {
        (input.units, "units")
    }

    fn headline(input: &Input, partial: &Sum) -> Option<String> {
        Some(format!("{} of {} units", partial.units, input.units))
    }
}

/// SplitMix64, then as many dependent rounds as asked for.
fn hashed(unit: u64, rounds: u64) -> u64 {
    let mut z = split_mix64(unit);
    for _ in 0..rounds {
        z = (z ^ (z >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    z
}

#[cfg(test)]
mod tests;
