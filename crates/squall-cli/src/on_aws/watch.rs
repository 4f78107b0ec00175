//! `squall watch`: a deployed job's progress, the answer so far, and at its end the answer.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Error, Result, anyhow, bail};
use futures::stream::{self, StreamExt};
use squall_aws::WallClock;
use squall_core::deployment::Deployment as Description;
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::lifecycle::{Ahead, ahead_of};
use squall_core::ports::{Clock, JobList, JobStore, Order, PortError};
use squall_core::registry::Registry;
use squall_core::rows::{JobRow, JobStatus};
use squall_core::sizing::duration;
use squall_grid::{InputCache, Observation, observe};
use squall_local::Progress;
use tokio::sync::Notify;

use crate::answer::{AnswerFiles, OutputArgs, conclude};
use crate::interrupt::on_ctrl_c;
use crate::job_file::job_id;
use crate::on_aws::deployment::{self, Deployment, DeploymentArgs, Part, Store};
use crate::progress::Display;
use crate::{INTERRUPTED, print};

/// How long a job that was published earlier may take to appear, microseconds: topic, cold start and a large input.
const THERE_WITHIN_US: u64 = 30_000_000;
/// How long the splitter may take to process a job published just now, microseconds: it may have to be built first.
const TAKEN_IN_WITHIN_US: u64 = 600_000_000;
/// How long a store that was reached before may fail to answer, microseconds.
const PATIENCE_US: u64 = 60_000_000;
/// A job of which nothing has come back for so long is told what it waits behind, microseconds; and how often.
const QUEUED_AFTER_US: u64 = 2_000_000;
const QUEUE_EVERY_US: u64 = 15_000_000;
/// Most running jobs that are looked at for that, the oldest first.
const MOST_AHEAD: usize = 100;
const READS_AT_ONCE: usize = 8;
/// Fraction of the time that may be spent on reading the answer so far.
const MOST_OF_THE_TIME: u64 = 20;

/// Follow a deployed job to its end, and print its answer
#[derive(clap::Args)]
#[command(after_help = deployment::help(EXAMPLES))]
pub(crate) struct Args {
    /// The job's id, as `squall submit` printed it
    #[arg(value_parser = job_id)]
    job: JobId,
    #[command(flatten)]
    only: OnlyArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    deployment: DeploymentArgs,
}

const EXAMPLES: &str = "\
Examples:
  squall watch demo-20261122-101500-3f9c0d5e8a7b6142   progress and the answer so far, then the answer
  squall watch \"$(squall submit JOB.json)\"             the same as squall submit JOB.json --watch
  squall watch --quiet --json JOB > answer.json        wait for it in a script

Ctrl-C stops watching; the job goes on.
Exit status: 0 a whole answer, 1 an incomplete answer or none, 2 rejected or no such job, 130 interrupted.";

pub(crate) fn main(args: &Args, registry: &Registry) -> Result<ExitCode> {
    let files = args.output.files()?;
    deployment::visit(&args.deployment, async |deployment| {
        let watch = Watch::new(&deployment, &args.deployment, registry, args.job.clone(), None)?;
        let watch = Watch { only: args.only.clone(), ..watch };
        watch.to_the_end(&args.output, files).await
    })
}

/// Which job is meant, of those that may have the id.
#[derive(clap::Args, Debug, Clone, Default)]
pub(crate) struct OnlyArgs {
    /// Only the job of this message, by the first digits of its SHA-256, as `squall submit` printed them: an id is the first job's that
    /// was published under it, whoever published it
    #[arg(long, value_name = "DIGITS", value_parser = digits)]
    message: Option<String>,
}

impl OnlyArgs {
    /// Whether a job is meant.
    pub(crate) fn is(&self, row: &JobRow) -> bool {
        self.message.as_ref().is_none_or(|digits| row.message.to_string().starts_with(digits))
    }

    /// That a job with the id is another than is meant.
    pub(crate) fn another(&self, row: &JobRow) -> Error {
        anyhow!(taken(row, self.message.as_deref().unwrap_or_default()))
    }
}

/// That the id of a job is taken by one of another message than that whose SHA-256 begins with these digits.
pub(crate) fn taken(row: &JobRow, ours: &str) -> String {
    let (id, status, theirs) = (&row.id, row.status(), row.message.short());
    format!(
        "the id {id} belongs to another job, which is {status}: the SHA-256 of its message begins with {theirs}, not {ours}; publish yours \
         under another id"
    )
}

/// The first digits of a digest.
fn digits(text: &str) -> Result<String, String> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_hex && (8..=64).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err("expected 8 to 64 hexadecimal digits in lower case, as `squall submit` printed them".to_owned())
    }
}

/// A job published just now, to distinguish it from an earlier job with its id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Publication {
    /// The digest of its message.
    pub(crate) message: Digest,
    /// When the rejected job whose id it takes over was first seen, microseconds of the grid's clock.
    pub(crate) over_us: Option<u64>,
}

/// The job to which a row belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The job's.
    Ours,
    /// The splitter has yet to write ours.
    NotYetOurs,
    /// Another job took the id first.
    Anothers,
}

impl Publication {
    fn whose(&self, row: &JobRow) -> Whose {
        match row.status() {
            JobStatus::Rejected if self.over_us == Some(row.created_us) => Whose::NotYetOurs,
            JobStatus::Rejected if row.message != self.message => Whose::NotYetOurs,
            _ if row.message == self.message => Whose::Ours,
            _ => Whose::Anothers,
        }
    }
}

/// A watch on a job.
pub(crate) struct Watch {
    store: Store,
    description: Description,
    table: String,
    inputs: InputCache,
    job: JobId,
    publication: Option<Publication>,
    only: OnlyArgs,
    /// The flags that find the deployment again.
    again: String,
}

/// A look at the job.
enum Look {
    Unknown,
    Running(Box<JobRow>),
    Ended(Box<Observation>),
}

impl Watch {
    pub(crate) fn new(
        deployment: &Deployment,
        args: &DeploymentArgs,
        registry: &Registry,
        job: JobId,
        publication: Option<Publication>,
    ) -> Result<Self> {
        let table = deployment.name(Part::Table)?.to_owned();
        let inputs = InputCache::new(registry.clone());
        let (store, description) = (deployment.store()?, deployment.description()?);
        let only = OnlyArgs::default();
        Ok(Self { store, description, table, inputs, job, publication, only, again: args.again() })
    }

    /// The same for a job that was published just now.
    pub(crate) fn of(self, publication: Publication) -> Self {
        Self { publication: Some(publication), ..self }
    }

    /// Shows the progress until the job has ended, then gives its answer.
    ///
    /// # Errors
    /// When the job does not exist, or the store does not answer.
    pub(crate) async fn to_the_end(&self, output: &OutputArgs, files: AnswerFiles<'_>) -> Result<ExitCode> {
        let stopped = Arc::new(Notify::new());
        let stopping = Arc::clone(&stopped);
        on_ctrl_c(move || stopping.notify_one())?;
        let mut display = Display::new(!output.quiet, std::io::stderr().is_terminal()).with_cost();
        let ended = tokio::select! {
            ended = self.until_ended(&mut display) => Some(ended),
            () = stopped.notified() => None,
        };
        display.clear();
        let Some(ended) = ended else {
            let Self { job, again, .. } = self;
            print::aside(&format!(
                "\nstopped watching; the job goes on\nwatch it again: squall watch {job}{again}\n\
                 stop it: squall cancel {job}{again}\n"
            ));
            return Ok(ExitCode::from(INTERRUPTED));
        };
        conclude(&ended?, &self.description, output, files)
    }

    async fn until_ended(&self, display: &mut Display) -> Result<Observation> {
        let clock = WallClock;
        let started_us = clock.now_us();
        let mut was_there = false;
        let mut waits = false;
        let mut failing_since_us = None;
        let mut next = NextLook::default();
        loop {
            let now_us = clock.now_us();
            let waited_us = now_us.saturating_sub(started_us);
            match self.look().await {
                Ok(Look::Ended(observation)) => return Ok(*observation),
                Ok(Look::Running(row)) => {
                    was_there = true;
                    failing_since_us = None;
                    self.show(&row, display, &mut next).await;
                }
                Ok(Look::Unknown) if waited_us > self.patience_us() => return Err(self.never_came()),
                Ok(Look::Unknown) => {
                    failing_since_us = None;
                    if !waits {
                        display.note(
                            "waiting for the splitter to accept the job (Ctrl-C stops only this command)",
                        );
                    }
                    waits = true;
                }
                Err(error) => {
                    let since_us = *failing_since_us.get_or_insert(now_us);
                    let patient = was_there && print::is_transient(&error);
                    if !patient || now_us.saturating_sub(since_us) > PATIENCE_US {
                        return Err(error);
                    }
                    if since_us == now_us {
                        display.note(&format!("no response, retrying: {error:#}"));
                    }
                }
            }
            clock.sleep_until(clock.now_us().saturating_add(pause_us(waited_us))).await;
        }
    }

    async fn look(&self) -> Result<Look> {
        let Some(row) = self.store.job(&self.job).await? else { return Ok(Look::Unknown) };
        if let Some(publication) = self.publication {
            match publication.whose(&row) {
                Whose::Ours => {}
                Whose::NotYetOurs => return Ok(Look::Unknown),
                Whose::Anothers => bail!(taken(&row, &publication.message.short())),
            }
        }
        match row.status() {
            _ if self.only.is(&row) => {}
            // Its id is free.
            JobStatus::Rejected => return Ok(Look::Unknown),
            _ => return Err(self.only.another(&row)),
        }
        if row.ending.is_none() {
            return Ok(Look::Running(Box::new(row)));
        }
        Ok(match observe(&self.store, &self.inputs, &self.job).await? {
            None => Look::Unknown,
            Some(observation) if observation.row.ending.is_some() => Look::Ended(Box::new(observation)),
            // It was reopened just now.
            Some(observation) => Look::Running(Box::new(observation.row)),
        })
    }

    async fn show(&self, row: &JobRow, display: &mut Display, next: &mut NextLook) {
        let from_us = WallClock.now_us();
        if from_us < next.row_us || display.period_us() == u64::MAX {
            return;
        }
        if from_us >= next.answer_us && row.total().n_tasks > 0 {
            // The row is progress enough until the answer so far is available.
            if let Ok(Some(observation)) = observe(&self.store, &self.inputs, &self.job).await {
                display.answer(&observation);
            }
            let now_us = WallClock.now_us();
            next.answer_us = now_us.saturating_add((now_us - from_us).saturating_mul(MOST_OF_THE_TIME));
        }
        let now_us = WallClock.now_us();
        if from_us >= next.queue_us && row.total().n_tasks == 0 && now_us > row.created_us + QUEUED_AFTER_US {
            next.queue_us = from_us.saturating_add(QUEUE_EVERY_US);
            // What it waits for is good to know, and no reason to stop watching.
            if let Ok((ahead, are_all)) = self.ahead(row).await
                && ahead.n_tasks > 0
            {
                let about = if are_all { "at most" } else { "some" };
                display.note(&format!(
                    "waiting behind {about} {} of {}: lanes take tasks in the order in which they were published",
                    print::counted(ahead.n_tasks, "task"),
                    print::counted(ahead.n_jobs, "job"),
                ));
            }
        }
        display.row(row, now_us);
        next.row_us = from_us.saturating_add(display.period_us());
    }

    /// The work before its own on the same shards; and whether every running job was looked at.
    async fn ahead(&self, row: &JobRow) -> Result<(Ahead, bool), PortError> {
        let running = self.store.jobs(JobStatus::Running, Order::OldestFirst, MOST_AHEAD).await?;
        let are_all = running.len() < MOST_AHEAD;
        let rows = stream::iter(running).map(async |id| self.store.job(&id).await).buffered(READS_AT_ONCE);
        // One that cannot be read is not counted.
        let rows: Vec<_> = rows.filter_map(async |row| row.ok().flatten()).collect().await;
        Ok((ahead_of(row, &rows, &self.description.capacity()), are_all))
    }

    fn patience_us(&self) -> u64 {
        if self.publication.is_some() { TAKEN_IN_WITHIN_US } else { THERE_WITHIN_US }
    }

    fn never_came(&self) -> anyhow::Error {
        let Self { job, table, again, .. } = self;
        let waited = duration(self.patience_us());
        match self.publication {
            Some(_) => PortError::unknown(format!(
                "the splitter has not accepted job {job} after {waited}; check its log (that of `squall dev` is \
                 .dev/functions.log), or its subscription to the topic; to keep waiting: squall watch {job}{again}"
            ))
            .into(),
            None if self.only.message.is_some() => anyhow!(
                "no job of that message has the id {job} in the table {table}, and none appeared within {waited}"
            ),
            None => anyhow!(
                "there is no job {job} in the table {table}, and none appeared within {waited}; \
                 `squall jobs{again}` lists its jobs"
            ),
        }
    }
}

/// When to look again, microseconds of the grid's clock.
#[derive(Default)]
struct NextLook {
    row_us: u64,
    answer_us: u64,
    queue_us: u64,
}

/// The pause before the next look, after having waited this long: a short job's end is seen at once, and a long one
/// costs few reads.
fn pause_us(waited_us: u64) -> u64 {
    (waited_us / 20).clamp(200_000, 2_000_000)
}

#[cfg(test)]
mod tests;
