//! `squall pump`: emulates Lambda's event source mappings, subscriptions and schedules against any endpoint.

use std::cell::Cell;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::FutureExt;
use futures::future::{Either, LocalBoxFuture, Shared, select, try_join_all};
use squall_aws::transport::{Function, Inbox, Invocation, OnFailure};
use squall_aws::{Connection, Settings, WallClock};
use squall_core::digest::Digest;
use squall_core::ports::{Clock, chain};
use squall_lambda_host::pump::{Arn, run_mapping, scheduled_event, sns_event};
use tokio::sync::watch;

use crate::print;

mod config;
mod stack;
mod world;

pub(crate) use config::Config;
use config::{Mapping, Schedule, Subscription};
use world::MappingWorld;

/// Emulate Lambda's event source mappings, topic subscriptions and schedules, against any endpoint
#[derive(clap::Args)]
#[command(after_help = HELP, group(clap::ArgGroup::new("sources").required(true)))]
pub(crate) struct Args {
    /// Mappings, subscriptions and schedules (TOML file)
    #[arg(long, value_name = "FILE", group = "sources")]
    config: Option<PathBuf>,
    /// The CloudFormation stack whose event source mappings are served, as they are configured
    #[arg(long, value_name = "NAME", group = "sources")]
    stack: Option<String>,
    /// Milliseconds between polls of an idle shard; Lambda polls once a second
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    poll_ms: u64,
    /// Folder for checkpoints; without one every run begins at the starting positions
    #[arg(long, value_name = "DIR")]
    checkpoints: Option<PathBuf>,
    /// Report only failures
    #[arg(long, short)]
    quiet: bool,
}

const HELP: &str = r#"The file:
  [[mapping]]                       # a stream and its function; fields and ranges as in CreateEventSourceMapping
  stream = "squall-tasks"           # a name or an ARN
  function = "shard-consumer"
  batch_size = 1
  parallelization_factor = 2
  starting_position = "TRIM_HORIZON"
  batching_window_s = 0
  maximum_retry_attempts = 2
  maximum_record_age_s = 3600
  bisect = true
  partial_failures = true           # ReportBatchItemFailures
  on_failure = "s3://bucket/prefix" # or the ARN of a bucket, an SQS queue or an SNS topic
  [[subscription]]                  # a topic and its function; messages wait in an SQS queue of the pump's own
  topic = "arn:aws:sns:us-east-1:123456789012:jobs"
  function = "task-splitter"
  [[schedule]]                      # an EventBridge schedule
  every_s = 10
  function = "result-collector"

A stack's mappings are read once, at the start: those of Kinesis streams, with any settings except filters, tumbling
windows and AT_TIMESTAMP. Disabled mappings are skipped. Topics and rules are left to the deployment's own services.

AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_LAMBDA and the like decide where all of that is. Ctrl-C waits for the invocations
in flight; again, it leaves at once."#;

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let file = args.config.as_deref().map(in_file).transpose()?;
    let (stop, mut stopped) = watch::channel(false);
    crate::interrupt::on_ctrl_c(move || {
        print::aside("\nstopping: waiting for what is in flight (Ctrl-C again to leave at once)\n");
        let _ = stop.send(true);
    })?;
    let connection = Connection::new(Settings::default());
    let options = Options {
        poll: Duration::from_millis(args.poll_ms),
        checkpoints: args.checkpoints.clone(),
        quiet: args.quiet,
    };
    let stop = async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(async {
        let config = match file {
            Some(config) => config,
            // The parser ensures that one of them is given.
            None => {
                let stack = args.stack.as_deref().unwrap_or_default();
                stack::read(&connection, stack, |line| options.say(line)).await?
            }
        };
        let pump = Pump::connect(&connection, &connection, &config, &options).await?;
        pump.run(stop).await
    })?;
    Ok(ExitCode::SUCCESS)
}

fn in_file(path: &Path) -> Result<Config> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    Config::read(&text).with_context(|| format!("{name}"))
}

/// The pump's options.
pub(crate) struct Options {
    /// Time between two polls of a shard without new records.
    pub(crate) poll: Duration,
    /// Folder for the checkpoints.
    pub(crate) checkpoints: Option<PathBuf>,
    /// Whether to report only failures.
    pub(crate) quiet: bool,
}

impl Options {
    fn say(&self, text: &str) {
        if !self.quiet {
            print::aside(&format!("{text}\n"));
        }
    }
}

type Stopping<'a> = Shared<LocalBoxFuture<'a, ()>>;

/// The sources of the pump, with every topic subscribed to: from here on no message is missed.
pub(crate) struct Pump<'a> {
    data: &'a Connection,
    invoking: &'a Connection,
    config: &'a Config,
    options: &'a Options,
    inboxes: Vec<Inbox>,
}

/// Wait before a failed call is retried, microseconds.
const TROUBLE_US: u64 = 1_000_000;

impl<'a> Pump<'a> {
    /// Subscribes to the topics.
    ///
    /// # Errors
    /// When a topic does not exist, or an on-failure destination is invalid.
    pub(crate) async fn connect(
        data: &'a Connection,
        invoking: &'a Connection,
        config: &'a Config,
        options: &'a Options,
    ) -> Result<Self> {
        // Before anything is pumped.
        for Mapping { stream, on_failure, .. } in &config.mapping {
            if let Some(place) = on_failure {
                OnFailure::parse(data, place).with_context(|| format!("stream {stream}"))?;
            }
        }
        let subscribing = config.subscription.iter().map(async |Subscription { topic, function }| {
            // One queue per pair, found again the next time: messages published meanwhile wait in it.
            let pair = Digest::of(format!("{topic} {function}").as_bytes());
            Inbox::subscribe(data, topic, &format!("squall-pump-{}", pair.short())).await
        });
        let inboxes = try_join_all(subscribing).await?;
        Ok(Self { data, invoking, config, options, inboxes })
    }

    /// Runs everything until `stop` is ready and the deliveries then in flight have ended.
    ///
    /// # Errors
    /// When a stream does not exist.
    pub(crate) async fn run(&self, stop: impl Future<Output = ()>) -> Result<()> {
        let stopping: Stopping<'_> = stop.boxed_local().shared();
        let Config { mapping, subscription, schedule } = self.config;
        let mappings = mapping.iter().map(|it| self.map(it, &stopping).boxed_local());
        let topics = self.inboxes.iter().zip(subscription);
        let topics = topics.map(|(inbox, it)| self.forward(inbox, it, &stopping).boxed_local());
        let schedules = schedule.iter().map(|it| self.schedule(it, &stopping).boxed_local());
        try_join_all(mappings.chain(topics).chain(schedules)).await.map(drop)
    }

    async fn map(&self, mapping: &Mapping, stopping: &Stopping<'_>) -> Result<()> {
        let world = MappingWorld::new(self.data, self.invoking, mapping, self.options)?;
        let plan = mapping.plan(world.arn().await?, self.options.poll);
        let (stream, function) = mapping.names();
        self.options.say(&format!("pumping stream {stream} into {function}"));
        let stopped = run_mapping(&plan, &world, stopping.clone()).await;
        stopped.with_context(|| format!("stream {stream}"))
    }

    /// A message is deleted from the queue once the function's event queue has it; Lambda retries from there.
    async fn forward(
        &self,
        inbox: &Inbox,
        subscription: &Subscription,
        stopping: &Stopping<'_>,
    ) -> Result<()> {
        let Subscription { topic, function } = subscription;
        let target = Function::new(self.invoking, function);
        self.options.say(&format!("pumping topic {topic} into {function}"));
        let trouble = Cell::new(false);
        loop {
            let messages = match select(stopping.clone(), inbox.receive().boxed_local()).await {
                Either::Left(_) => return Ok(()),
                Either::Right((messages, _)) => messages,
            };
            let messages = match messages {
                Ok(messages) => messages,
                Err(error) => {
                    complain(&trouble, &chain(&error));
                    pause(TROUBLE_US, stopping).await;
                    continue;
                }
            };
            trouble.set(false);
            for (receipt, envelope) in messages {
                let event = match sns_event(&envelope) {
                    Ok(event) => event,
                    Err(problem) => {
                        // Waiting will not make it valid.
                        print::aside(&format!(
                            "{function}: dropped a message that is not an SNS notification: {problem}\n"
                        ));
                        Vec::new()
                    }
                };
                if !event.is_empty()
                    && let Err(error) = target.invoke_async(event).await
                {
                    // It is delivered again when the queue's visibility timeout is over.
                    print::aside(&format!("{function}: not invoked, {}\n", reason(&error)));
                    continue;
                }
                if let Err(error) = inbox.done(&receipt).await {
                    print::aside(&format!("{function}: the message will come again, {}\n", chain(&error)));
                }
            }
        }
    }

    async fn schedule(&self, schedule: &Schedule, stopping: &Stopping<'_>) -> Result<()> {
        let Schedule { function, every_s } = schedule;
        let target = Function::new(self.invoking, function);
        let region = self.data.region().await.unwrap_or_default();
        let account = Arn::of(function).account.to_owned();
        self.options.say(&format!("invoking {function} every {every_s} s"));
        let trouble = Cell::new(false);
        while !pause(every_s.saturating_mul(1_000_000), stopping).await {
            let event = scheduled_event(&format!("every-{every_s}-s"), &region, &account, WallClock.now_us());
            match target.invoke_async(event).await {
                Ok(()) => trouble.set(false),
                Err(error) => complain(&trouble, &format!("{function}: not invoked, {}", reason(&error))),
            }
        }
        Ok(())
    }
}

/// Waits, and returns whether it is time to stop.
async fn pause(for_us: u64, stopping: &Stopping<'_>) -> bool {
    let clock = WallClock;
    let until_us = clock.now_us().saturating_add(for_us);
    match select(stopping.clone(), clock.sleep_until(until_us).boxed_local()).await {
        Either::Left(_) => true,
        Either::Right(_) => false,
    }
}

/// Reports a failure once, not every second.
fn complain(known: &Cell<bool>, what: &str) {
    if !known.replace(true) {
        print::aside(&format!("{what}; trying again\n"));
    }
}

/// Why a function was not invoked.
fn reason(error: &Invocation) -> String {
    match error {
        Invocation::Throttled { reason, .. } => format!("throttled: {reason}"),
        Invocation::FunctionError(payload) => payload.clone(),
        Invocation::Failed(error) => chain(error),
    }
}
