//! The deployed fleet: its group, its ledger, its policy; from flags, from the outputs of a stack, or from the
//! functions' variables.

use std::collections::BTreeMap;
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
    /// The CloudFormation stack whose outputs GroupName, LedgerTableName and Policy are used for flags that are not given
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,
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

/// The parts of a fleet that a command needs.
pub(crate) struct DeployedFleet {
    /// The connection to AWS.
    pub(crate) connection: Connection,
    /// Its ports.
    pub(crate) ports: FleetPorts,
    /// How it follows its application.
    pub(crate) policy: Policy,
}

/// A required setting.
struct Wanted {
    what: &'static str,
    flag: &'static str,
    output: &'static str,
    variable: &'static str,
}

const GROUP: Wanted = Wanted {
    what: "the Auto Scaling group's name",
    flag: "group",
    output: "GroupName",
    variable: "SQUALL_GROUP",
};
const LEDGER: Wanted = Wanted {
    what: "the ledger's table",
    flag: "ledger",
    output: "LedgerTableName",
    variable: "SQUALL_LEDGER_TABLE",
};
const POLICY: Wanted =
    Wanted { what: "the policy", flag: "policy", output: "Policy", variable: "SQUALL_POLICY" };

/// A stack and its outputs.
struct Stack<'a> {
    name: &'a str,
    outputs: BTreeMap<String, String>,
}

impl FleetArgs {
    /// The fleet.
    ///
    /// # Errors
    /// When a setting is missing, or the policy is invalid.
    pub(crate) async fn fleet(&self) -> Result<DeployedFleet> {
        let connection = self.connection();
        let stack = self.ask(&connection).await?;
        let group = said(self.group.as_ref(), stack.as_ref(), &GROUP)?;
        let table = said(self.ledger.as_ref(), stack.as_ref(), &LEDGER)?;
        let policy = self.policy_of(stack.as_ref())?;
        let ports = Ports {
            group: AutoScalingGroup::new(&connection, &group),
            ledger: DynamoLedger::new(&connection, table, &group),
            metrics: CloudWatchMetrics::new(&connection, &group, metric_names(stack.as_ref())),
            journal: (),
            clock: WallClock,
        };
        Ok(DeployedFleet { connection, ports, policy })
    }

    /// The group alone.
    ///
    /// # Errors
    /// When it is not named.
    pub(crate) async fn scaling_group(&self) -> Result<AutoScalingGroup> {
        let connection = self.connection();
        let stack = self.ask(&connection).await?;
        Ok(AutoScalingGroup::new(&connection, said(self.group.as_ref(), stack.as_ref(), &GROUP)?))
    }

    /// The policy.
    ///
    /// # Errors
    /// When there is none, or it is invalid.
    pub(crate) async fn policy(&self) -> Result<Policy> {
        // A file needs no stack, and so no network.
        let stack = match &self.policy {
            Some(_) => None,
            None => self.ask(&self.connection()).await?,
        };
        self.policy_of(stack.as_ref())
    }

    fn policy_of(&self, stack: Option<&Stack<'_>>) -> Result<Policy> {
        match &self.policy {
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.with_context(|| format!("cannot read the policy {}", path.display()))?;
                Policy::from_json(&text).with_context(|| format!("the policy {}", path.display()))
            }
            None => {
                let text = said(None, stack, &POLICY)?;
                Policy::from_json(&text).with_context(|| match stack {
                    Some(Stack { name, .. }) => format!("output {} of the stack {name}", POLICY.output),
                    None => format!("the variable {}", POLICY.variable),
                })
            }
        }
    }

    async fn ask(&self, connection: &Connection) -> Result<Option<Stack<'_>>> {
        let Some(name) = &self.stack else { return Ok(None) };
        let outputs = squall_aws::stack_outputs(connection, name).await?;
        Ok(Some(Stack { name, outputs }))
    }

    fn connection(&self) -> Connection {
        let (region, profile) = (self.region.clone(), self.profile.clone());
        Connection::new(Settings { region, profile, endpoint_url: None })
    }
}

/// The functions' names for the metrics. A stack need not output them.
fn metric_names(stack: Option<&Stack<'_>>) -> MetricNames {
    let usual = MetricNames::default();
    let of_stack = stack.and_then(|it| it.outputs.get("MetricNamespace").cloned());
    MetricNames {
        namespace: of_stack.or_else(|| variable("SQUALL_METRIC_NAMESPACE")).unwrap_or(usual.namespace),
        sessions: variable("SQUALL_SESSIONS_METRIC").unwrap_or(usual.sessions),
        runs: variable("SQUALL_RUNS_METRIC").unwrap_or(usual.runs),
    }
}

/// The value of a flag, or else of the stack, or else of a variable. A named stack must have every setting that has no
/// flag.
fn said(flag: Option<&String>, stack: Option<&Stack<'_>>, wanted: &Wanted) -> Result<String> {
    let Wanted { what, flag: name, output, variable: var } = wanted;
    match (flag, stack) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(Stack { name: stack, outputs })) => outputs
            .get(*output)
            .cloned()
            .with_context(|| format!("the stack {stack} has no output {output}; pass --{name}")),
        (None, None) => match variable(var) {
            Some(value) => Ok(value),
            None => bail!("{what} is not set: pass --{name} or --stack, or set {var}"),
        },
    }
}

/// A variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "the operator's variables are part of the command line")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
