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

/// Run a command on this instance, which no scaling ends before the command has
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The run's id [default: made up]
    #[arg(long, value_name = "ID", value_parser = |text: &str| RunId::new(text))]
    run: Option<RunId>,
    /// This instance's id [default: asked of the instance metadata service]
    #[arg(long, value_name = "ID", value_parser = |text: &str| InstanceId::new(text))]
    instance: Option<InstanceId>,
    /// Wait so many seconds for the instance to take a run, instead of leaving at once
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// The topic of run activity, to tell of this instance's runs [default: the variable SQUALL_RUNS_TOPIC; untold without]
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
  squall runner exec -- ./model --scenario 7            claim, run, release; the command's exit status is this one's
  squall runner exec --wait 60 --run r-17 -- ./model    wait up to a minute while the instance has its hands full

The claim and a scale-in that wants the instance write the same row: one of them wins. Signals go to the command, its
input and output are its own. If this process is killed, so is the command (on Linux; its children are its own affair:
a service manager or container that ends them all together is better still).

With a topic, how many runs the instance has is told at the start, while they run and at the end, as levels of the source
runner/INSTANCE. Not where the platform tells of its runs itself: levels of several sources add up.

Exit status: the command's, 128 + N when signal N ended it, 75 the instance takes no run (it drains, is gone, or is
full; try another), 125 the claim could not be made, 126 and 127 the command cannot be run, or is not there.";

/// The instance takes no run (EX_TEMPFAIL of sysexits.h).
const NOT_TAKEN: u8 = 75;
/// This command failed, not the one that it was to run; as `env` and `docker run` have it.
const OURS: u8 = 125;
/// Between two tries for an instance that is full.
const PAUSE: Duration = Duration::from_secs(2);
/// Between two tries to renew a claim.
const AGAIN: Duration = Duration::from_secs(10);
/// How long the end of a run may take to be told: whoever waits for the command waits for this.
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
    // A run that is dispatched twice is two claims: neither is to release the other's.
    let name = args.run.as_ref().map_or("run", RunId::as_str);
    let run = format!("{name}@{}.{}", std::process::id(), Clock::now_us(&fleet.ports.clock));
    let run = RunId::new(run).map_err(anyhow::Error::msg)?;
    let instance = match &args.instance {
        Some(instance) => instance.clone(),
        None => {
            let id = InstanceMetadata::new().instance_id().await.context("give --instance")?;
            InstanceId::new(id).map_err(anyhow::Error::msg)?
        }
    };
    let topic = args.topic.clone().or_else(|| variable("SQUALL_RUNS_TOPIC"));
    let topic = topic.map(|arn| ActivityTopic::new(&fleet.connection, arn));
    // Before the claim: whoever stops us between the two must not leave it.
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
    let _late = timeout(LAST_WORD, shift.tell()).await;
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
    /// The reason, when the instance takes no run.
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
        // Beside the command: neither its end nor a signal waits for a call.
        let mut keeping = pin!(self.keep());
        loop {
            tokio::select! {
                ended = child.wait() => return Ok(exit_code(ended.context("cannot wait for the command")?)),
                kind = signals.next() => pass_on(&child, kind),
                never = &mut keeping => match never {},
            }
        }
    }

    /// Tells of the run, and renews its claim, as long as it takes.
    async fn keep(&self) -> Infallible {
        let every = Duration::from_micros(us(self.fleet.policy.lease_s) / 3);
        loop {
            self.tell().await;
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
            print::aside(&format!(
                "squall runner: the claim of {} is not renewed: {problem}\n",
                self.instance
            ));
            sleep(AGAIN).await;
        }
    }

    async fn release(&self) {
        if let Err(error) = release_instance(&self.fleet.ports, &self.instance, &self.run).await {
            let error = anyhow::Error::from(error);
            let lease_s = self.fleet.policy.lease_s;
            print::aside(&format!(
                "squall runner: {} is not released, and free in at most {lease_s} s: {error:#}\n",
                self.instance
            ));
        }
    }

    /// Tells how many runs this instance has.
    async fn tell(&self) {
        let Some(topic) = &self.topic else { return };
        let DeployedFleet { ports, .. } = &self.fleet;
        let told = async {
            let now_us = Clock::now_us(&ports.clock);
            let row = ports.ledger.instance(&self.instance).await.map_err(anyhow::Error::from)?;
            let n_runs = row.map_or(0, |row| row.live_runs(now_us).count());
            let source = runner_source(&self.instance);
            let event = run_activity_json(&source, now_us, 0, u32::try_from(n_runs).unwrap_or(u32::MAX));
            topic.publish(&event).await.map_err(anyhow::Error::from)
        };
        if let Err(error) = told.await {
            print::aside(&format!("squall runner: the topic was not told: {error:#}\n"));
        }
    }
}
