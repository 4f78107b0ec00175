//! `squall runner exec`: claims the instance, runs a command, releases the instance.

use std::convert::Infallible;
use std::ffi::OsString;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use squall_aws::{ActivityTopic, InstanceMetadata};
use squall_capacity::events::{run_activity_json, runner_source};
use squall_capacity::ids::{InstanceId, RunId};
use squall_capacity::policy::us;
use squall_capacity::ports::{Clock, Ledger};
use squall_capacity::steps::{RunnerError, claim_instance, release_instance, renew_claim};
use tokio::time::{sleep, timeout};

use super::supervise::{Signals, exit_code, pass_on, start};
use crate::on_aws::fleet::{DeployedFleet, FleetArgs, variable};
use crate::print;

/// Run a command on this instance, protected from scale-in until it ends
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The run's id [default: generated]
    #[arg(long, value_name = "ID", value_parser = |text: &str| RunId::new(text))]
    run: Option<RunId>,
    /// This instance's id [default: from the instance metadata service]
    #[arg(long, value_name = "ID", value_parser = |text: &str| InstanceId::new(text))]
    instance: Option<InstanceId>,
    /// How long to wait for the instance to accept the run, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// The run activity topic to report this instance's runs to [default: $SQUALL_RUNS_TOPIC; no reports if unset]
    #[arg(long, value_name = "ARN")]
    topic: Option<String>,
    #[command(flatten)]
    fleet: FleetArgs,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  squall runner exec -- ./model --scenario 7            claim, run, release; exit with the command's status
  squall runner exec --wait 60 --run r-17 -- ./model    wait up to a minute while the instance is at capacity

The claim and scale-in write the same row, so only one of them gets the instance. Signals are passed on to the command,
which inherits standard input and output. If this process is killed, so is the command (on Linux; run both in a service
or container to end the command's children as well).

With a topic, the number of runs on the instance is reported at the start, during the run and at the end, as levels of the
source runner/INSTANCE. Omit it if the platform reports its runs itself: levels of several sources add up.

Exit status: the command's, 128 + N when signal N ended it, 75 the instance accepts no run (it is draining, gone, or at
capacity; try another), 125 the claim failed, 126 the command cannot be run, 127 it was not found.";

/// The instance accepts no run (EX_TEMPFAIL of sysexits.h).
const NOT_TAKEN: u8 = 75;
/// `squall runner` failed, not the command that it wraps; as in `env` and `docker run`.
const OURS: u8 = 125;
/// Pause between attempts to claim an instance that is full.
const PAUSE: Duration = Duration::from_secs(2);
/// Pause between attempts to renew a claim.
const AGAIN: Duration = Duration::from_secs(10);
/// Timeout for reporting the end of a run: the caller waits for it after the command has ended.
const LAST_WORD: Duration = Duration::from_secs(10);

pub(super) fn main(args: &Args) -> Result<ExitCode> {
    // One thread: the command dies with the thread that started it.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    let done = runtime.block_on(run(args));
    runtime.shutdown_background();
    Ok(done.unwrap_or_else(|error| print::error(&format!("squall runner: {error:#}"), OURS)))
}

async fn run(args: &Args) -> Result<ExitCode> {
    let fleet = args.fleet.fleet().await?;
    // A run that is dispatched twice makes two claims: neither may release the other's.
    let name = args.run.as_ref().map_or("run", RunId::as_str);
    let run = format!("{name}@{}.{}", std::process::id(), Clock::now_us(&fleet.ports.clock));
    let run = RunId::new(run).map_err(anyhow::Error::msg)?;
    let instance = match &args.instance {
        Some(instance) => instance.clone(),
        None => {
            let id = InstanceMetadata::new()
                .instance_id()
                .await
                .context("cannot find this instance's id; pass --instance")?;
            InstanceId::new(id).map_err(anyhow::Error::msg)?
        }
    };
    let topic = args.topic.clone().or_else(|| variable("SQUALL_RUNS_TOPIC"));
    let topic = topic.map(|arn| ActivityTopic::new(&fleet.connection, arn));
    // Before the claim: a signal right after it must still release it.
    let mut signals = Signals::new()?;
    let shift = Shift { fleet, instance, run, topic };
    let refused = tokio::select! {
        claimed = shift.claim(Duration::from_secs(args.wait)) => claimed?,
        kind = signals.next() => {
            shift.release().await;
            return Ok(ExitCode::from(u8::try_from(128 + kind.as_raw_value()).unwrap_or(OURS)));
        }
    };
    if let Some(reason) = refused {
        return Ok(print::error(&format!("squall runner: {reason}"), NOT_TAKEN));
    }
    let done = shift.work(&args.command, &mut signals).await;
    shift.release().await;
    let _late = timeout(LAST_WORD, shift.report()).await;
    done
}

/// A run on an instance.
struct Shift {
    fleet: DeployedFleet,
    instance: InstanceId,
    run: RunId,
    topic: Option<ActivityTopic>,
}

impl Shift {
    /// Claims the instance; returns the reason when it accepts no run.
    async fn claim(&self, wait: Duration) -> Result<Option<String>> {
        let DeployedFleet { ports, policy, .. } = &self.fleet;
        let until = tokio::time::Instant::now() + wait;
        loop {
            match claim_instance(ports, policy, &self.instance, &self.run).await {
                Ok(_) => return Ok(None),
                Err(RunnerError::Refused(_)) if tokio::time::Instant::now() + PAUSE <= until => {
                    sleep(PAUSE).await;
                }
                Err(RunnerError::Refused(reason)) => return Ok(Some(format!("{}: {reason}", self.instance))),
                Err(error) => return Err(error).context("cannot claim the instance"),
            }
        }
    }

    async fn work(&self, command: &[OsString], signals: &mut Signals) -> Result<ExitCode> {
        let mut child = start(command)?;
        // Concurrently with the command: neither its end nor a signal waits for a call.
        let mut keeping = pin!(self.keep());
        loop {
            tokio::select! {
                ended = child.wait() => return Ok(exit_code(ended.context("cannot wait for the command")?)),
                kind = signals.next() => pass_on(&child, kind),
                never = &mut keeping => match never {},
            }
        }
    }

    /// Reports the run and renews its claim, until dropped.
    async fn keep(&self) -> Infallible {
        let every = Duration::from_micros(us(self.fleet.policy.lease_s) / 3);
        loop {
            self.report().await;
            sleep(every).await;
            self.renew(every).await;
        }
    }

    async fn renew(&self, within: Duration) {
        let DeployedFleet { ports, policy, .. } = &self.fleet;
        loop {
            let problem = match timeout(within, renew_claim(ports, policy, &self.instance, &self.run)).await {
                Ok(Ok(_)) => return,
                Ok(Err(error)) => format!("{:#}", anyhow::Error::from(error)),
                Err(_) => "the ledger does not answer".to_owned(),
            };
            print::aside(&format!("squall runner: cannot renew the claim on {}: {problem}\n", self.instance));
            sleep(AGAIN).await;
        }
    }

    async fn release(&self) {
        if let Err(error) = release_instance(&self.fleet.ports, &self.instance, &self.run).await {
            let error = anyhow::Error::from(error);
            let lease_s = self.fleet.policy.lease_s;
            print::aside(&format!(
                "squall runner: cannot release {} (its claim expires within {lease_s} s): {error:#}\n",
                self.instance
            ));
        }
    }

    /// Reports how many runs this instance has.
    async fn report(&self) {
        let Some(topic) = &self.topic else { return };
        let DeployedFleet { ports, .. } = &self.fleet;
        let reported = async {
            let now_us = Clock::now_us(&ports.clock);
            let row = ports.ledger.instance(&self.instance).await.map_err(anyhow::Error::from)?;
            let n_runs = row.map_or(0, |row| row.live_runs(now_us).count());
            let source = runner_source(&self.instance);
            let event = run_activity_json(&source, now_us, 0, u32::try_from(n_runs).unwrap_or(u32::MAX));
            topic.publish(&event).await.map_err(anyhow::Error::from)
        };
        if let Err(error) = reported.await {
            print::aside(&format!("squall runner: cannot report the run: {error:#}\n"));
        }
    }
}
