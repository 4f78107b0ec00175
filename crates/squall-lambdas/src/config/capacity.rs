//! The configuration of the capacity controllers.

use squall_aws::capacity::MetricNames;
use squall_capacity::policy::Policy;
use squall_capacity::ports::Series;

use super::{ConfigError, Vars};

/// A capacity controller's configuration: scale-out and scale-in of a group have the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapacityConfig {
    /// `SQUALL_GROUP`: the Auto Scaling group.
    pub group: String,
    /// `SQUALL_LEDGER_TABLE`: the ledger's table.
    pub ledger_table: String,
    /// `SQUALL_POLICY`: how the group follows its application, in JSON.
    pub policy: Policy,
    /// `SQUALL_METRIC_NAMESPACE` (`Squall/Capacity`), and the names of the activity's metrics in it:
    /// `SQUALL_SESSIONS_METRIC` (`Sessions`), `SQUALL_RUNS_METRIC` (`Runs`).
    pub metrics: MetricNames,
}

impl CapacityConfig {
    /// Reads the configuration.
    ///
    /// # Errors
    /// The first missing or invalid variable, its value, and what was expected.
    pub fn from_vars(vars: &impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            group: vars.text("SQUALL_GROUP", "the name of the Auto Scaling group")?,
            ledger_table: vars.text("SQUALL_LEDGER_TABLE", "the name of the ledger's table")?,
            policy: policy(vars)?,
            metrics: metrics(vars)?,
        })
    }
}

fn policy(vars: &impl Fn(&str) -> Option<String>) -> Result<Policy, ConfigError> {
    let variable = "SQUALL_POLICY";
    let json = vars.text(
        variable,
        "the group's policy in JSON, such as {\"runs_per_instance\": 1, \"scale_in\": {\"mode\": \"all_idle\"}}",
    )?;
    Policy::from_json(&json)
        .map_err(|error| ConfigError::wrong(variable, &json, format!("a policy in JSON ({error})")))
}

fn metrics(vars: &impl Fn(&str) -> Option<String>) -> Result<MetricNames, ConfigError> {
    let usual = MetricNames::default();
    let names = MetricNames {
        namespace: vars.metric_namespace(&usual.namespace)?,
        sessions: vars.find("SQUALL_SESSIONS_METRIC").unwrap_or(usual.sessions),
        runs: vars.find("SQUALL_RUNS_METRIC").unwrap_or(usual.runs),
    };
    let mut taken = vec![names.runs.as_str()];
    taken.extend(OTHERS.map(|series| names.name(series)));
    if taken.contains(&names.sessions.as_str()) {
        let expected = "a name that no other metric has";
        return Err(ConfigError::wrong("SQUALL_SESSIONS_METRIC", &names.sessions, expected));
    }
    if taken[1..].contains(&names.runs.as_str()) {
        let expected = "a name that no other metric has";
        return Err(ConfigError::wrong("SQUALL_RUNS_METRIC", &names.runs, expected));
    }
    Ok(names)
}

/// The series whose metrics cannot be renamed.
const OTHERS: [Series; 9] = [
    Series::WantedCapacity,
    Series::OverMaximum,
    Series::UnderMinimum,
    Series::DesiredCapacity,
    Series::DecisionLatency,
    Series::MalformedEvents,
    Series::Terminated,
    Series::ClaimsWon,
    Series::BusyKilled,
];

#[cfg(test)]
mod tests;
