//! `squall submit`: publishes a job, with its files, to a deployed grid.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context, Error, Result, bail};
use squall_aws::{JobTopic, WallClock};
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::lifecycle::{Arrival, plan_arrival};
use squall_core::ports::{Clock, JobStore, Objects, PortError, chain};
use squall_core::registry::Registry;
use squall_core::rows::{JobRow, JobStatus};
use squall_core::workload::InputError;
use squall_grid::SplitConfig;
use squall_lambda_host::functions::secret;
use squall_local::{Directory, LocalConfig, LocalGrid};

use crate::FAILURES;
use crate::answer::OutputArgs;
use crate::job_file::{FilesArgs, JobFile, job_id};
use crate::on_aws::deployment::{self, Deployment, DeploymentArgs, Part};
use crate::on_aws::watch::{Publication, Watch, taken};
use crate::print::{self, counted};
use crate::programs;

mod message;

use message::{Draft, fresh_id};

/// Publish a job to a deployed grid: uploads the files that it names, prints its id
#[derive(clap::Args)]
#[command(after_help = deployment::help(EXAMPLES))]
#[command(mut_arg("json", |it| it.requires("watch")), mut_arg("report", |it| it.requires("watch")), mut_arg("csv", |it| it.requires("watch")))]
pub(crate) struct Args {
    /// The job; files that it names are relative to it, below its folder, and are uploaded, except `s3://` locations
    job: JobFile,
    #[command(flatten)]
    files: FilesArgs,
    /// Follow it to its end and print its answer, as `squall watch` does
    #[arg(long)]
    watch: bool,
    /// Its id; publishing the same job twice under one id runs it once
    /// [default: the job's own, or a fresh one]
    #[arg(long, value_parser = job_id)]
    id: Option<JobId>,
    /// Upload the files under names that nobody has used: for when a job is rejected because somebody else has put something else under a
    /// file's name. Each time the names are others, so the message is another, too: with --id it is not safe to repeat once the job
    /// has been taken in
    #[arg(long)]
    new_copies: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    deployment: DeploymentArgs,
}

const EXAMPLES: &str = "\
Examples:
  squall submit events/jobs/demo.json --watch        publish it and wait for the answer
  squall submit JOB.json --id nightly-2026-11-22     safe to repeat, without --new-copies: one id, one run
  squall watch \"$(squall submit JOB.json)\"          the id is all that goes to stdout

Exit status 2 means that nothing ran: nothing was published, or with --watch the job was rejected.";

pub(crate) fn main(args: &Args, registry: &Registry) -> Result<ExitCode> {
    let message = args.job.read()?;
    let directory = args.job.directory(&args.files);
    let mut draft = Draft::new(registry, &message)?;
    args.output.check_rows(registry, &message)?;
    // A job that would be rejected is not sent. What depends on files that are not here, only the splitter can tell.
    let is_all_here = draft.is_all_here();
    let check = |registry: Registry, config: &SplitConfig, n_shards| {
        if is_all_here {
            LocalGrid::check(config, n_shards, registry, &directory, &message).map(drop)
        } else {
            LocalGrid::check_some(config, registry, &directory, &message)
        }
    };
    let local = LocalConfig::for_cores(std::num::NonZeroUsize::MIN);
    check(registry.clone(), &local.split(), local.n_shards)?;
    let chosen = args.id.clone().or(draft.id.take());
    let is_fresh = chosen.is_none();
    let id = match chosen {
        Some(id) => id,
        None => fresh_id(&args.job.stem(), WallClock.now_us(), &unguessable()?)?,
    };
    let files = args.output.files()?;
    deployment::visit(&args.deployment, async |deployment| {
        let topic = JobTopic::new(&deployment.connection, deployment.name(Part::JobsTopic)?)
            .taking(deployment.description()?.max_message_bytes);
        // Before anything is published: a watch that cannot begin must not leave a job behind.
        let watch = args
            .watch
            .then(|| Watch::new(&deployment, &args.deployment, registry, id.clone(), None))
            .transpose()?;
        // Nor is a job sent, or a file, that this deployment would not take.
        if let Some(description) = deployment.described()? {
            let registry = programs::accepting(registry, &description);
            check(registry, &SplitConfig::of(&description), description.shards)?;
        }
        let suffix = if args.new_copies { Some(unguessable()?) } else { None };
        let uploaded = upload(&deployment, &draft, &directory, suffix.as_deref(), args.output.quiet).await?;
        let message = draft.message(&id, &uploaded);
        let digest = Digest::of(message.as_bytes());
        // A fresh id is not taken, and a caller that may only publish cannot look.
        let known = if is_fresh { None } else { deployment.store()?.job(&id).await? };
        let n_files = counted(uploaded.len() as u64, "file");
        let (is_published, done) = match (plan_arrival(known.as_ref(), digest), known.as_ref()) {
            (Arrival::IdTaken, Some(row)) => bail!(taken(row, &digest.short())),
            (Arrival::IdTaken, None) => bail!("the id {id} belongs to another job"),
            (Arrival::Done, _) => {
                let status = known.as_ref().map_or(JobStatus::Running, JobRow::status);
                (false, format!("{id} was published before and is {status}; nothing was published"))
            }
            (Arrival::New | Arrival::Resume(_), _) => {
                topic.publish(&message).await?;
                (true, format!("published {id}; {n_files} uploaded or already present"))
            }
        };
        if !args.output.quiet {
            let ended = known
                .as_ref()
                .is_some_and(|row| !matches!(row.status(), JobStatus::Running | JobStatus::Rejected));
            let (what, verb) = if ended { ("its answer", "result") } else { ("follow it", "watch") };
            // Another job may take an id that its author chose; and the id is in every list of jobs, before this one may be taken in.
            let only = format!(" --message {}", digest.short());
            let hint = format!("; {what}: squall {verb} {id}{only}{}", args.deployment.again());
            print::aside(&format!("{done}{}\n", if args.watch { "" } else { &hint }));
        }
        let publication = Publication { message: digest, over_us: known.map(|row| row.created_us) };
        let ended = match watch {
            Some(watch) => watch.of(publication).to_the_end(&args.output, files).await,
            None if is_published && !is_fresh => {
                let row = taken_in(&deployment, &id, &publication).await;
                row.and_then(|row| told(&id, row.as_ref(), digest))
            }
            None => print::answer(&format!("{id}\n")).map(|()| ExitCode::SUCCESS),
        };
        ended.or_else(|error| after(is_published, error))
    })
}

/// The job's row once the splitter has taken in what was published, or that of another job that came in between; `None` if there is
/// none yet.
async fn taken_in(deployment: &Deployment, id: &JobId, publication: &Publication) -> Result<Option<JobRow>> {
    let store = deployment.store()?;
    let until_us = WallClock.now_us().saturating_add(LOOKS_FOR_US);
    loop {
        let is_newer =
            |row: &JobRow| row.status() != JobStatus::Rejected || publication.over_us != Some(row.created_us);
        let row = store.job(id).await?.filter(is_newer);
        if row.is_some() || WallClock.now_us() >= until_us {
            return Ok(row);
        }
        WallClock.sleep_until(WallClock.now_us().saturating_add(LOOKS_EVERY_US)).await;
    }
}

/// Prints the id of a job that was taken in, or is not yet.
///
/// # Errors
/// When another job has its id, or it was rejected.
fn told(id: &JobId, row: Option<&JobRow>, message: Digest) -> Result<ExitCode> {
    match row {
        Some(row) if row.message != message => bail!(taken(row, &message.short())),
        Some(row) if row.status() == JobStatus::Rejected => {
            let reason = row.ending.as_ref().and_then(|ending| ending.reason.as_deref()).unwrap_or_default();
            bail!("{id} was rejected: {reason}")
        }
        _ => print::answer(&format!("{id}\n")).map(|()| ExitCode::SUCCESS),
    }
}

/// A failure after a job is published is not wrong usage: a script that corrects and repeats would run the job again.
///
/// # Errors
/// The error itself when nothing was published.
fn after(is_published: bool, error: Error) -> Result<ExitCode> {
    if is_published { Ok(print::error(&format!("{error:#}"), FAILURES)) } else { Err(error) }
}

/// How long a job under a chosen id is looked for after it was published, microseconds: another may have been published under it at
/// the same moment.
const LOOKS_FOR_US: u64 = 3_000_000;
const LOOKS_EVERY_US: u64 = 100_000;

/// Sixteen hexadecimal digits that nobody can have used, or guess: for ids, and for names of files. Nothing that others know tells them,
/// such as a job's id or the time, so they are never the same again either.
///
/// # Errors
/// When the system has no random numbers.
fn unguessable() -> Result<String> {
    let all = secret().context("cannot read random numbers from /dev/urandom")?;
    Ok(all.chars().take(16).collect())
}

/// Uploads the local files to where the grid can read them, under names derived from their content, and a suffix if there is one; returns
/// the location of each, by the names that the input uses. Says first which files these are: a job's author may be somebody else.
async fn upload(
    deployment: &Deployment,
    draft: &Draft,
    directory: &Directory,
    suffix: Option<&str>,
    is_quiet: bool,
) -> Result<BTreeMap<String, String>> {
    let mut uploaded = BTreeMap::new();
    if draft.here.is_empty() {
        return Ok(uploaded);
    }
    let cannot =
        |name: &str, error: PortError| InputError::new(format!("input, file {name:?}"), chain(&error));
    let mut list = format!("to be uploaded: {}\n", counted(draft.here.len() as u64, "file"));
    for (name, place) in &draft.here {
        let found = directory.stat(place).await.map_err(|error| cannot(name, error))?;
        let from = if name == place { String::new() } else { format!(", from {place}") };
        list.push_str(&format!("  {name}: {}{from}\n", counted(found.bytes, "byte")));
    }
    if !is_quiet {
        print::aside(&list);
    }
    let blobs = deployment.blobs()?;
    for (name, place) in &draft.here {
        let bytes = directory.read(place).await.map_err(|error| cannot(name, error))?;
        let uri = blobs.upload(bytes, suffix).await.with_context(|| name.clone())?;
        uploaded.insert(name.clone(), uri);
    }
    Ok(uploaded)
}

#[cfg(test)]
mod tests;
