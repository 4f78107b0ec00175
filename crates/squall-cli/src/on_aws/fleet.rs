//! Where a fleet is: its group, its ledger, its policy; said by flags or by the variables that its functions have.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use squall_aws::capacity::{AutoScalingGroup, CloudWatchMetrics, DynamoLedger, MetricNames};
use squall_aws::{Connection, Settings, WallClock};
use squall_capacity::policy::Policy;
use squall_capacity::ports::Ports;

/// Where the fleet is.
#[derive(clap::Args, Debug, Clone, Default)]
#[command(next_help_heading = "Fleet")]
pub(crate) struct FleetArgs {
    /// The Auto Scaling group [default: the variable SQUALL_GROUP]
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// The ledger's table [default: the variable SQUALL_LEDGER_TABLE]
    #[arg(long, value_name = "TABLE")]
    ledger: Option<String>,
    /// The policy, a JSON file [default: the variable SQUALL_POLICY, which holds the JSON itself]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// AWS region
    #[arg(long)]
    region: Option<String>,
    /// AWS profile
    #[arg(long)]
    profile: Option<String>,
}

/// A deployed fleet. Only its functions keep a journal.
pub(crate) type FleetPorts = Ports<AutoScalingGroup, DynamoLedger, CloudWatchMetrics, (), WallClock>;

/// What a command needs of a fleet.
pub(crate) struct DeployedFleet {
    /// How to talk to AWS.
    pub(crate) connection: Connection,
    /// Its ports.
    pub(crate) ports: FleetPorts,
    /// How it follows its application.
    pub(crate) policy: Policy,
}

impl FleetArgs {
    /// The fleet.
    ///
    /// # Errors
    /// When something is not said, or the policy does not check.
    pub(crate) fn fleet(&self) -> Result<DeployedFleet> {
        let group = self.group_name()?;
        let table = said(self.ledger.as_ref(), "ledger", "SQUALL_LEDGER_TABLE", "the ledger's table")?;
        let policy = self.policy()?;
        let connection = self.connection();
        let ports = Ports {
            group: AutoScalingGroup::new(&connection, &group),
            ledger: DynamoLedger::new(&connection, table, &group),
            metrics: CloudWatchMetrics::new(&connection, &group, metric_names()),
            journal: (),
            clock: WallClock,
        };
        Ok(DeployedFleet { connection, ports, policy })
    }

    /// The group by itself.
    ///
    /// # Errors
    /// When it is not said.
    pub(crate) fn scaling_group(&self) -> Result<AutoScalingGroup> {
        Ok(AutoScalingGroup::new(&self.connection(), self.group_name()?))
    }

    fn group_name(&self) -> Result<String> {
        said(self.group.as_ref(), "group", "SQUALL_GROUP", "the Auto Scaling group's name")
    }

    /// The policy.
    ///
    /// # Errors
    /// When none is said, or it does not check.
    pub(crate) fn policy(&self) -> Result<Policy> {
        match &self.policy {
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.with_context(|| format!("cannot read the policy {}", path.display()))?;
                Policy::from_json(&text).with_context(|| format!("the policy {}", path.display()))
            }
            None => {
                let text = said(None, "policy", "SQUALL_POLICY", "the policy")?;
                Policy::from_json(&text).context("the variable SQUALL_POLICY")
            }
        }
    }

    fn connection(&self) -> Connection {
        let (region, profile) = (self.region.clone(), self.profile.clone());
        Connection::new(Settings { region, profile, endpoint_url: None })
    }
}

/// What the functions call the metrics.
fn metric_names() -> MetricNames {
    let usual = MetricNames::default();
    MetricNames {
        namespace: variable("SQUALL_METRIC_NAMESPACE").unwrap_or(usual.namespace),
        sessions: variable("SQUALL_SESSIONS_METRIC").unwrap_or(usual.sessions),
        runs: variable("SQUALL_RUNS_METRIC").unwrap_or(usual.runs),
    }
}

/// What a flag says, or a variable.
fn said(flag: Option<&String>, name: &str, var: &str, what: &str) -> Result<String> {
    match flag.cloned().or_else(|| variable(var)) {
        Some(value) => Ok(value),
        None => bail!("{what} is not said: give --{name}, or set {var}"),
    }
}

/// A variable that is set to something.
#[expect(clippy::disallowed_methods, reason = "the operator's variables are part of the command line")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
