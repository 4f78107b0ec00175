//! `squall runner watch`: detects that the instance is about to leave, and reports it.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use squall_aws::{ActivityTopic, InstanceMetadata};
use squall_capacity::events::{Notice, instance_notice_json};
use squall_capacity::ids::InstanceId;
use squall_capacity::ports::Clock;
use squall_capacity::steps::mark_gone;

use crate::on_aws::block_on;
use crate::on_aws::fleet::{DeployedFleet, FleetArgs, variable};
use crate::print;

/// Most attempts to report that the instance is leaving; spot gives two minutes.
const TRIES: u32 = 20;

/// Detect that this instance is about to be reclaimed or terminated, and report it
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The run activity topic to report notices to [default: $SQUALL_RUNS_TOPIC; no reports if unset]
    #[arg(long, value_name = "ARN")]
    topic: Option<String>,
    /// Seconds between polls
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    every: u64,
    #[command(flatten)]
    fleet: FleetArgs,
}

const EXAMPLES: &str = "\
Run it as a service on each instance. It polls the instance metadata service (IMDSv2) for the two-minute spot interruption
notice and for the group's target lifecycle state. At the first notice it marks the instance gone in the ledger, so that no
more runs start on it, reports the notice to the topic, prints a line and exits with status 0.

  squall runner watch && systemctl start stop-my-runner

With `&&`, because only status 0 means that the instance is leaving: an error of this command, such as a missing permission,
must not stop the runs. As a service, let it restart on failure:

  ExecStart=/usr/local/bin/squall runner watch
  Restart=on-failure
  OnSuccess=stop-my-runner.service

Exit status: 0 the instance is leaving, and that is reported; 1 or 2 an error, or the notice could not be reported.";

pub(super) fn main(args: &Args) -> Result<ExitCode> {
    block_on(watch(args)).map(|()| ExitCode::SUCCESS)
}

async fn watch(args: &Args) -> Result<()> {
    let DeployedFleet { connection, ports, .. } = args.fleet.fleet().await?;
    let metadata = InstanceMetadata::new();
    let instance = InstanceId::new(metadata.instance_id().await?).map_err(anyhow::Error::msg)?;
    let topic = args.topic.clone().or_else(|| variable("SQUALL_RUNS_TOPIC"));
    let topic = topic.map(|arn| ActivityTopic::new(&connection, arn));
    let mut is_silent = false;
    let (notice, about) = loop {
        match look(&metadata).await {
            Ok(Some(found)) => break found,
            Ok(None) => is_silent = false,
            Err(error) if is_silent => drop(error),
            Err(error) => {
                print::aside(&format!("squall runner: no answer, still polling: {error:#}\n"));
                is_silent = true;
            }
        }
        tokio::time::sleep(Duration::from_secs(args.every)).await;
    };
    let event = instance_notice_json(&instance, notice, Clock::now_us(&ports.clock));
    let mut tries = 0..TRIES;
    loop {
        // Try each even if the other fails.
        let marked = mark_gone(&ports, &instance).await.context("cannot mark the instance gone");
        let reported = match &topic {
            Some(topic) => topic.publish(&event).await.context("cannot report the notice"),
            None => Ok(()),
        };
        match (marked.and(reported), tries.next()) {
            (Ok(()), _) => break,
            (Err(error), None) => return Err(error),
            (Err(error), Some(_)) => print::aside(&format!("squall runner: retrying: {error:#}\n")),
        }
        tokio::time::sleep(Duration::from_secs(args.every)).await;
    }
    print::answer(&format!("{instance}: {notice}: {about}\n"))
}

async fn look(metadata: &InstanceMetadata) -> Result<Option<(Notice, String)>> {
    if let Some(action) = metadata.spot_action().await? {
        return Ok(Some((Notice::SpotInterruption, action)));
    }
    let state = metadata.target_lifecycle_state().await?;
    Ok(state.filter(|state| state == "Terminated").map(|state| (Notice::Terminating, state)))
}
