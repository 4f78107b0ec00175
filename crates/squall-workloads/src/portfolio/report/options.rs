//! The `report` object of a job: the report options.

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::portfolio::risk::Level;

/// Most levels in one report.
const MAX_LEVELS: usize = 10;
/// Most worst scenarios in one report.
const MAX_WORST: usize = 1_000;
/// Most bins of a histogram.
const MAX_BINS: usize = 200;
const DEFAULT_LEVELS: [f64; 3] = [0.95, 0.975, 0.99];
const DEFAULT_WORST: usize = 5;
const DEFAULT_BINS: usize = 15;

/// The `report` object; every field has a default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportOptions {
    /// Levels of value at risk and expected shortfall, kept ascending.
    #[serde(deserialize_with = "levels")]
    pub levels: Vec<Level>,
    /// How many of the worst scenarios to show.
    #[serde(deserialize_with = "worst")]
    pub worst: usize,
    /// Whether to compute Greeks; costs two more columns for each factor.
    pub greeks: bool,
    /// Whether to list every position.
    pub positions: bool,
    /// Most bins of the histogram; 0 for none.
    #[serde(deserialize_with = "bins")]
    pub histogram: usize,
}

impl Default for ReportOptions {
    fn default() -> Self {
        let levels = DEFAULT_LEVELS.iter().filter_map(|level| Level::new(*level).ok()).collect();
        Self { levels, worst: DEFAULT_WORST, greeks: false, positions: false, histogram: DEFAULT_BINS }
    }
}

fn levels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Level>, D::Error> {
    let mut levels = Vec::<Level>::deserialize(deserializer)?;
    levels.sort_unstable();
    if let Some(twice) = levels.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(serde::de::Error::custom(format!("the level {} is there twice", twice[0])));
    }
    if !(1..=MAX_LEVELS).contains(&levels.len()) {
        return Err(serde::de::Error::custom(format!("{} levels; give 1 to {MAX_LEVELS}", levels.len())));
    }
    Ok(levels)
}

fn worst<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    at_most(MAX_WORST, "worst scenarios", deserializer)
}

fn bins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    at_most(MAX_BINS, "bins", deserializer)
}

fn at_most<'de, D: Deserializer<'de>>(most: usize, what: &str, deserializer: D) -> Result<usize, D::Error> {
    match usize::deserialize(deserializer)? {
        n if n <= most => Ok(n),
        n => Err(serde::de::Error::custom(format!("{n} {what}; at most {most} can be shown"))),
    }
}

/// JSON Schema of [`ReportOptions`].
pub fn report_options_schema() -> Value {
    json!({
        "type": "object",
        "description": "The report options.",
        "properties": {
            "levels": {
                "type": "array",
                "description": "levels of value at risk and expected shortfall",
                "items": {"type": "number", "minimum": 0.5, "exclusiveMaximum": 1},
                "minItems": 1,
                "maxItems": MAX_LEVELS,
                "uniqueItems": true,
                "default": DEFAULT_LEVELS,
            },
            "worst": {
                "type": "integer",
                "description": "how many of the worst scenarios to show",
                "minimum": 0,
                "maximum": MAX_WORST,
                "default": DEFAULT_WORST,
            },
            "greeks": {
                "type": "boolean",
                "description": "delta, gamma, vega and rho by bumping every factor: two more columns each",
                "default": false,
            },
            "positions": {"type": "boolean", "description": "list every position's price and value", "default": false},
            "histogram": {
                "type": "integer",
                "description": "most bins of the P&L histogram; 0 for none",
                "minimum": 0,
                "maximum": MAX_BINS,
                "default": DEFAULT_BINS,
            },
        },
        "additionalProperties": false,
    })
}
