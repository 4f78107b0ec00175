//! The JSON form of the `scenarios` object of a job.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use squall_core::job::told;

use super::changes::Change;
use super::scaling::Scaling;
use super::unrepeated::Unrepeated;
use super::weighting::Weighting;

/// The `scenarios` object; `type` says which kind.
#[derive(Debug, Clone, PartialEq)]
pub enum ScenariosInput {
    /// Shocks written out in a CSV.
    Explicit(ExplicitInput),
    /// What happened in the past, as shocks to today.
    Historical(HistoricalInput),
    /// Draws from a distribution.
    MonteCarlo(MonteCarloInput),
    /// Stress tests: every combination of given shocks.
    Grid(GridInput),
    /// No scenario: the job values the portfolio, and its Greeks if they are asked for.
    None(NoScenarios),
}

/// No scenario at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoScenarios {}

impl Default for ScenariosInput {
    fn default() -> Self {
        Self::None(NoScenarios {})
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Explicit,
    Historical,
    MonteCarlo,
    Grid,
    None,
}

/// Names the field that is wrong, which a derived reader of a tagged object does not.
impl<'de> Deserialize<'de> for ScenariosInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Unrepeated(Value::Object(mut fields)) = Unrepeated::deserialize(deserializer)? else {
            return Err(D::Error::custom("expected an object, whose type says which scenarios these are"));
        };
        let kind = fields.remove("type").ok_or_else(|| D::Error::missing_field("type"))?;
        let kind: Type = serde_json::from_value(kind).map_err(|error| of_field::<D>("type", &error))?;
        match kind {
            Type::Explicit => read::<_, D>(fields).map(Self::Explicit),
            Type::Historical => read::<_, D>(fields).map(Self::Historical),
            Type::MonteCarlo => read::<_, D>(fields).map(Self::MonteCarlo),
            Type::Grid => read::<_, D>(fields).map(Self::Grid),
            Type::None => read::<_, D>(fields).map(Self::None),
        }
    }
}

fn read<'de, T: DeserializeOwned, D: Deserializer<'de>>(fields: Map<String, Value>) -> Result<T, D::Error> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        of_field::<D>(&path, error.inner())
    })
}

fn of_field<'de, D: Deserializer<'de>>(path: &str, error: &serde_json::Error) -> D::Error {
    let problem = told(&error.to_string());
    match path {
        "." => D::Error::custom(problem),
        path => D::Error::custom(format!("{path}: {problem}")),
    }
}

/// Shocks written out: a column `scenario` (optional) and one column for each factor.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplicitInput {
    /// Name of the CSV file.
    pub file: Option<String>,
    /// The CSV itself.
    pub csv: Option<String>,
    /// How the changes of spots are meant, by factor; relative unless said.
    #[serde(default)]
    pub changes: BTreeMap<String, Change>,
}

/// Changes of a history over overlapping windows.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoricalInput {
    /// Name of the CSV file: a column `date` and one for each factor.
    pub file: Option<String>,
    /// The CSV itself.
    pub csv: Option<String>,
    /// What the cells are.
    #[serde(default)]
    pub values: ValuesAre,
    /// Length of a window in rows of the history (trading days).
    #[serde(default = "one_day")]
    pub horizon_days: u32,
    /// What a column's cells are multiplied by, say 0.01 for volatility points.
    #[serde(default)]
    pub scale: BTreeMap<String, f64>,
    /// Treatment of rows with missing cells.
    #[serde(default)]
    pub missing: Missing,
    /// Dates whose rows are left out, before any change is taken.
    #[serde(default)]
    pub skip_dates: Vec<String>,
    /// How the changes of spots are meant, by factor; relative unless said.
    #[serde(default)]
    pub changes: BTreeMap<String, Change>,
    /// How the changes are brought to today's volatility, if they are.
    pub scaling: Option<Scaling>,
    /// How much the windows weigh, if not all the same.
    pub weights: Option<Weighting>,
}

/// The history that a covariance is estimated from; as [`HistoricalInput`], always of daily changes.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryInput {
    /// Name of the CSV file: a column `date` and one for each factor.
    pub file: Option<String>,
    /// The CSV itself.
    pub csv: Option<String>,
    /// What the cells are.
    #[serde(default)]
    pub values: ValuesAre,
    /// What a column's cells are multiplied by, say 0.01 for volatility points.
    #[serde(default)]
    pub scale: BTreeMap<String, f64>,
    /// Treatment of rows with missing cells.
    #[serde(default)]
    pub missing: Missing,
    /// Dates whose rows are left out, before any change is taken.
    #[serde(default)]
    pub skip_dates: Vec<String>,
    /// How the changes of spots are meant, by factor; relative unless said.
    #[serde(default)]
    pub changes: BTreeMap<String, Change>,
}

/// What the cells of a history are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValuesAre {
    /// Levels: prices, volatilities, rates.
    #[default]
    Levels,
    /// Daily changes: relative for `spot` and `fx`, absolute for `vol` and `rate`.
    Returns,
}

/// Treatment of history rows with missing cells (empty, `.`, `NA`, `#N/A`, `NaN`, `null` and the like).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Refuse the input, naming the first missing cell.
    #[default]
    Refuse,
    /// Leave the row out, before any change is taken.
    SkipRow,
}

/// Draws from a multivariate distribution.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonteCarloInput {
    /// How many scenarios to draw.
    pub paths: u64,
    /// The horizon in trading days; variances grow with it.
    #[serde(default = "one_day")]
    pub horizon_days: u32,
    /// Seed of the draws; the same seed gives the same scenarios.
    #[serde(default)]
    pub seed: u64,
    /// Their distribution.
    #[serde(default)]
    pub distribution: DistributionName,
    /// Degrees of freedom of a Student t, above 2.
    pub degrees_of_freedom: Option<f64>,
    /// The factors that a given covariance is about, in its order.
    pub factors: Option<Vec<String>>,
    /// Covariance of the factors' log returns (`spot`, `fx`) or changes (`vol`, `rate`).
    pub covariance: Option<Vec<Vec<f64>>>,
    /// Instead of a covariance: the factors' standard deviations, together with `correlation`.
    pub volatilities: Option<Vec<f64>>,
    /// Correlation matrix, together with `volatilities`.
    pub correlation: Option<Vec<Vec<f64>>>,
    /// Whether a given matrix that no changes can have is replaced by the nearest one.
    pub repair: Option<bool>,
    /// How the changes of given spots are meant, by factor; relative unless said.
    #[serde(default)]
    pub changes: BTreeMap<String, Change>,
    /// What the given covariance or volatilities are for: a day or a year.
    pub per: Option<Per>,
    /// Instead of a given covariance: the history to estimate it from.
    pub history: Option<HistoryInput>,
    /// With a history: whether its mean is used.
    pub mean: Option<Mean>,
}

/// A distribution of factor changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DistributionName {
    /// Multivariate normal.
    #[default]
    Normal,
    /// Multivariate Student t, scaled to have the covariance that is asked for.
    StudentT,
}

/// The time that a variance is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// One trading day.
    Day,
    /// One year of 252 trading days.
    Year,
}

/// Whether the mean of a history is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mean {
    /// Changes are taken to have mean zero (divisor n), and the scenarios have none.
    #[default]
    Zero,
    /// The sample mean is taken out of the covariance (divisor n - 1) and put into the scenarios.
    Sample,
}

/// Every combination of given shocks; the last axis varies fastest.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridInput {
    /// The directions of the grid.
    pub axes: Vec<AxisInput>,
    /// How the changes of spots are meant, by factor; relative unless said.
    #[serde(default)]
    pub changes: BTreeMap<String, Change>,
}

/// One direction of a grid: factors that move together.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AxisInput {
    /// The one factor that moves.
    pub factor: Option<String>,
    /// The factors that move together, all of them relative (`spot`, `fx`), all `vol` or all `rate`.
    pub factors: Option<Vec<String>>,
    /// What labels call the axis; by default its factors.
    pub name: Option<String>,
    /// The shocks.
    pub shocks: Vec<f64>,
}

fn one_day() -> u32 {
    1
}
