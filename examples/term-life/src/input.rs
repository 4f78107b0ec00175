//! The input of a job, as its author writes it.

use serde::Deserialize;
use serde_json::{Value, json};
use squall_core::sources::Source;
use squall_core::workload::InputError;

use crate::projection::{Loadings, MAX_TERM};
use crate::scenarios::{Draw, MAX_SCENARIOS};

/// The `input` of a job.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// File of model points.
    pub points: String,
    /// File of yearly mortality by age and duration.
    pub mortality: String,
    /// File of yearly spot rates.
    pub curve: String,
    /// File of scenarios besides the base.
    pub scenarios: Option<String>,
    /// Scenarios to draw, besides the base and those of the file.
    pub draw: Option<Draw>,
    /// Lapse, loading and expenses.
    #[serde(default)]
    pub assumptions: Assumptions,
}

/// Assumptions that no file has. By default those of BasicTerm.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Assumptions {
    /// Yearly lapse by policy year; the last holds for all later years.
    pub lapse: Vec<f64>,
    /// Loading on the net premium, as a share of it.
    pub loading: f64,
    /// Expense of a new policy.
    pub acquisition_expense: f64,
    /// Expense of a policy each year.
    pub maintenance_expense: f64,
    /// Yearly inflation of the latter.
    pub inflation: f64,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            lapse: vec![0.1, 0.08, 0.06, 0.04, 0.02],
            loading: 0.5,
            acquisition_expense: 300.0,
            maintenance_expense: 60.0,
            inflation: 0.01,
        }
    }
}

impl Assumptions {
    /// Checks the numbers.
    ///
    /// # Errors
    /// The first that is out of range.
    pub fn check(&self) -> Result<(), InputError> {
        let place = |name: &str| format!("input.assumptions.{name}");
        if self.lapse.is_empty() || self.lapse.len() > MAX_TERM as usize {
            let problem =
                format!("{} rates; expected 1 to {MAX_TERM}, one for each policy year", self.lapse.len());
            return Err(InputError::new(place("lapse"), problem));
        }
        let rates =
            self.lapse.iter().enumerate().map(|(idx, rate)| (format!("lapse[{idx}]"), *rate, 0.0, 1.0));
        let others = [
            ("loading", self.loading, 0.0, 10.0),
            ("acquisition_expense", self.acquisition_expense, 0.0, 1e6),
            ("maintenance_expense", self.maintenance_expense, 0.0, 1e4),
            ("inflation", self.inflation, -0.1, 0.1),
        ];
        let others =
            others.into_iter().map(|(name, value, least, most)| (name.to_owned(), value, least, most));
        for (name, value, least, most) in rates.chain(others) {
            if !(least..=most).contains(&value) {
                let problem = format!("{value}; expected a number from {least} to {most}");
                return Err(InputError::new(place(&name), problem));
            }
        }
        Ok(())
    }

    /// Those of the policies' price and expenses.
    pub fn loadings(&self) -> Loadings {
        let Self { loading, acquisition_expense, maintenance_expense, .. } = *self;
        Loadings { loading, acquisition: acquisition_expense, maintenance: maintenance_expense }
    }
}

impl Input {
    /// The files.
    pub fn sources(&self) -> Vec<Source> {
        let files = [Some(&self.points), Some(&self.mortality), Some(&self.curve), self.scenarios.as_ref()];
        files.into_iter().flatten().map(|name| Source::File(name.clone())).collect()
    }
}

/// JSON Schema of [`Input`].
pub fn schema() -> Value {
    let file = |description: &str| json!({ "type": "string", "description": description });
    let number = |least: f64, most: f64, default: f64| json!({ "type": "number", "minimum": least, "maximum": most, "default": default });
    let Assumptions { lapse, loading, acquisition_expense, maintenance_expense, inflation } =
        Assumptions::default();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["points", "mortality", "curve"],
        "properties": {
            "points": file("CSV of model points: id,age_at_entry,policy_term,policy_count,sum_assured; optionally \
                            product,duration_months,sex (not used)"),
            "mortality": file("CSV of yearly mortality: age,0,1,2,3,4,5 (years in force)"),
            "curve": file("CSV of yearly spot rates: year,rate, from year 0"),
            "scenarios": file("CSV of scenarios besides the base: scenario,shift,twist,mortality,lapse"),
            "draw": {
                "type": "object",
                "additionalProperties": false,
                "required": ["count", "seed"],
                "description": "scenarios to draw besides",
                "properties": {
                    "count": { "type": "integer", "minimum": 1, "maximum": MAX_SCENARIOS },
                    "seed": { "type": "integer", "minimum": 0 },
                    "shift_sd": number(0.0, 0.05, Draw::shift_sd()),
                    "twist_sd": number(0.0, 0.05, Draw::twist_sd()),
                    "mortality_sd": number(0.0, 1.0, Draw::mortality_sd()),
                    "lapse_sd": number(0.0, 1.0, Draw::lapse_sd()),
                }
            },
            "assumptions": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "lapse": { "type": "array", "items": { "type": "number", "minimum": 0, "maximum": 1 }, "minItems": 1,
                               "maxItems": MAX_TERM, "default": lapse, "description": "by policy year; the last holds for all later ones" },
                    "loading": number(0.0, 10.0, loading),
                    "acquisition_expense": number(0.0, 1e6, acquisition_expense),
                    "maintenance_expense": number(0.0, 1e4, maintenance_expense),
                    "inflation": number(-0.1, 0.1, inflation),
                }
            }
        }
    })
}
