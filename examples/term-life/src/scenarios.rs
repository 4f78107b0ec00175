//! Economic scenarios: shifts of the curve and multiples of mortality and lapse, from a file or drawn from a seed.

use serde::Deserialize;
use squall_core::sources::Given;
use squall_core::split_mix64;
use squall_core::workload::InputError;

use crate::csv::Table;

/// Most scenarios, the base not counted.
pub const MAX_SCENARIOS: u32 = 1_000_000;
/// Largest shift of a rate, either way.
const MAX_SHIFT: f64 = 0.05;
/// Largest multiple of mortality or lapse.
const MAX_MULTIPLE: f64 = 10.0;
/// The name of the scenario that changes nothing.
pub const BASE: &str = "base";
const COLUMNS: [&str; 5] = ["scenario", "shift", "twist", "mortality", "lapse"];

/// One scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What is added to every rate of the curve.
    pub shift: f64,
    /// What is added to rates of 20 years and more, and taken from the rate of the first; linear between.
    pub twist: f64,
    /// What mortality is multiplied by.
    pub mortality: f64,
    /// What lapse is multiplied by.
    pub lapse: f64,
}

impl Scenario {
    /// The one that changes nothing.
    pub fn base() -> Self {
        Self { name: BASE.to_owned(), shift: 0.0, twist: 0.0, mortality: 1.0, lapse: 1.0 }
    }

    /// What is added to the rate of a year, from 0: at most five percentage points.
    pub fn shift_of(&self, year: usize) -> f64 {
        let years = f64::from(u32::try_from(year).unwrap_or(u32::MAX));
        (self.shift + self.twist * (years / 10.0 - 1.0).min(1.0)).clamp(-MAX_SHIFT, MAX_SHIFT)
    }
}

/// Scenarios that are drawn: normal shifts and twists, multiples of mortality and lapse that are 1 on average and not negative.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draw {
    /// How many.
    pub count: u32,
    /// Which; the same seed gives the same scenarios.
    pub seed: u64,
    /// Standard deviation of the shift: 0.01 is one percentage point.
    #[serde(default = "Draw::shift_sd")]
    pub shift_sd: f64,
    /// Standard deviation of the twist, in the same unit.
    #[serde(default = "Draw::twist_sd")]
    pub twist_sd: f64,
    /// Standard deviation of the multiple of mortality.
    #[serde(default = "Draw::mortality_sd")]
    pub mortality_sd: f64,
    /// Standard deviation of the multiple of lapse.
    #[serde(default = "Draw::lapse_sd")]
    pub lapse_sd: f64,
}

impl Draw {
    pub(crate) const fn shift_sd() -> f64 {
        0.008
    }

    pub(crate) const fn twist_sd() -> f64 {
        0.004
    }

    pub(crate) const fn mortality_sd() -> f64 {
        0.1
    }

    pub(crate) const fn lapse_sd() -> f64 {
        0.2
    }

    /// Scenario `idx`, from 0: a function of the seed and its number, so each worker draws those of its slice itself.
    pub fn scenario(&self, idx: u32) -> Scenario {
        let normal = |purpose: u64| normal(self.seed, u64::from(idx) * 4 + purpose);
        let multiple = |normal: f64, sd: f64| (1.0 + normal * sd).clamp(0.0, MAX_MULTIPLE);
        Scenario {
            name: format!("drawn-{}", u64::from(idx) + 1),
            shift: normal(0) * self.shift_sd,
            twist: normal(1) * self.twist_sd,
            mortality: multiple(normal(2), self.mortality_sd),
            lapse: multiple(normal(3), self.lapse_sd),
        }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// The first that is out of range.
    pub fn check(&self) -> Result<(), InputError> {
        if !(1..=MAX_SCENARIOS).contains(&self.count) {
            let problem = format!("{}; expected 1 to {MAX_SCENARIOS}", self.count);
            return Err(InputError::new("input.draw.count", problem));
        }
        for (name, sd, most) in [
            ("shift_sd", self.shift_sd, MAX_SHIFT),
            ("twist_sd", self.twist_sd, MAX_SHIFT),
            ("mortality_sd", self.mortality_sd, 1.0),
            ("lapse_sd", self.lapse_sd, 1.0),
        ] {
            if !(0.0..=most).contains(&sd) {
                let problem = format!("{sd}; expected a number from 0 to {most}");
                return Err(InputError::new(format!("input.draw.{name}"), problem));
            }
        }
        Ok(())
    }
}

/// A number of mean 0 and standard deviation 1, nearly normal: the sum of twelve uniform ones less six, which needs no logarithm and
/// is the same on every machine.
pub(crate) fn normal(seed: u64, number: u64) -> f64 {
    let key = split_mix64(seed) ^ split_mix64(number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let halves = (0..6_u64).map(|idx| split_mix64(key.wrapping_add(idx)));
    let sum: u64 = halves.map(|bits| (bits >> 32) + (bits & 0xffff_ffff)).sum();
    // At most 2^36, so exact as a float.
    #[expect(clippy::cast_precision_loss, reason = "less than 2^53")]
    let sum = sum as f64;
    sum / 4_294_967_296.0 - 6.0
}

/// The scenarios of a file.
///
/// # Errors
/// The first complaints about it.
pub fn of_file(given: &Given, name: &str) -> Result<Vec<Scenario>, InputError> {
    let table = Table::open(given, ("input.scenarios", name), &COLUMNS, &[])?;
    let mut names = std::collections::HashMap::new();
    table.read(|row| {
        let scenario = row.name("scenario")?;
        if scenario == BASE {
            return Err(
                row.error("scenario", "base is the scenario that changes nothing; expected another name")
            );
        }
        if let Some(line) = names.insert(scenario, row.line()) {
            return Err(
                row.error("scenario", format!("{scenario:?} is on line {line} too; expected each name once"))
            );
        }
        Ok(Scenario {
            name: scenario.to_owned(),
            shift: row.number("shift", -MAX_SHIFT..=MAX_SHIFT)?,
            twist: row.number("twist", -MAX_SHIFT..=MAX_SHIFT)?,
            mortality: row.number("mortality", 0.0..=MAX_MULTIPLE)?,
            lapse: row.number("lapse", 0.0..=MAX_MULTIPLE)?,
        })
    })
}
